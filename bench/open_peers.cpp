// The peers of W8: regf libraries on our file, stores on files of their own.
#include <cstdlib>
#include <cstring>

#include "hive_suite.h"

#ifdef RG_HAVE_HIVEX
#include <hivex.h>
#endif
#ifdef RG_HAVE_LIBREGF
#include <libregf.h>
#endif
#ifdef RG_HAVE_LMDB
#include <lmdb.h>
#include <sys/stat.h>
#endif
#ifdef RG_HAVE_SQLITE
#include <sqlite3.h>
#endif

namespace regent::bench {
namespace {

[[maybe_unused]] std::vector<std::string> components(const Tree& tree, std::uint32_t key) {
    std::vector<std::string> parts = {""};
    for (const char16_t c : tree.path[key]) {
        if (c == u'\\') {
            parts.emplace_back();
        } else {
            parts.back().push_back(static_cast<char>(c));
        }
    }
    return parts;
}

[[maybe_unused]] std::string record_key(const Tree& tree, std::uint32_t key, int value) {
    return tree.folded_path[key] + std::string(1, '\0') + tree.folded_value_name[value];
}

#ifdef RG_HAVE_HIVEX
double open_by_hivex(const HiveSuite& suite, std::uint32_t key) {
    const auto parts = components(suite.tree, key);
    const auto began = now_ns();
    hive_h* hive = hivex_open(suite.saved_hive().c_str(), 0);
    if (hive == nullptr) return -1;
    hive_node_h node = hivex_root(hive);
    for (const std::string& part : parts) node = node == 0 ? 0 : hivex_node_get_child(hive, node, part.c_str());
    const hive_value_h value = node == 0 ? 0 : hivex_node_get_value(hive, node, "ValueNumber1");
    hive_type type{};
    std::size_t size = 0;
    char* data = value == 0 ? nullptr : hivex_value_value(hive, value, &type, &size);
    const double took = static_cast<double>(now_ns() - began);
    std::free(data);
    hivex_close(hive);
    return size == value_bytes ? took : -1;
}
#endif

#ifdef RG_HAVE_LIBREGF
double open_by_libregf(const HiveSuite& suite, std::uint32_t key) {
    std::string path;
    for (const std::string& part : components(suite.tree, key)) path += "\\" + part;
    const auto* utf8 = reinterpret_cast<const std::uint8_t*>(path.data());
    const auto* name = reinterpret_cast<const std::uint8_t*>("ValueNumber1");
    libregf_file_t* file = nullptr;
    libregf_key_t* found = nullptr;
    libregf_value_t* value = nullptr;
    std::uint8_t data[value_bytes];
    const auto began = now_ns();
    const bool good = libregf_file_initialize(&file, nullptr) == 1 &&
                      libregf_file_open(file, suite.saved_hive().c_str(), LIBREGF_OPEN_READ, nullptr) == 1 &&
                      libregf_file_get_key_by_utf8_path(file, utf8, path.size(), &found, nullptr) == 1 &&
                      libregf_key_get_value_by_utf8_name(found, name, 12, &value, nullptr) == 1 &&
                      libregf_value_get_value_data(value, data, sizeof data, nullptr) == 1;
    const double took = static_cast<double>(now_ns() - began);
    libregf_value_free(&value, nullptr);
    libregf_key_free(&found, nullptr);
    libregf_file_free(&file, nullptr);
    return good ? took : -1;
}
#endif

#ifdef RG_HAVE_LMDB
bool build_lmdb(const Tree& tree, const std::string& directory) {
    ::mkdir(directory.c_str(), 0700);
    MDB_env* env = nullptr;
    MDB_txn* txn = nullptr;
    MDB_dbi dbi = 0;
    bool good = mdb_env_create(&env) == 0 && mdb_env_set_mapsize(env, std::size_t{4} << 30) == 0 &&
                mdb_env_open(env, directory.c_str(), 0, 0600) == 0 && mdb_txn_begin(env, nullptr, 0, &txn) == 0 &&
                mdb_dbi_open(txn, nullptr, 0, &dbi) == 0;
    for (std::uint32_t i = 1; good && i <= tree.size; ++i) {
        for (int v = 0; good && v < values_per_key; ++v) {
            const std::string key = record_key(tree, i, v);
            MDB_val k{key.size(), const_cast<char*>(key.data())};
            MDB_val d{value_bytes, const_cast<std::uint8_t*>(tree.data)};
            good = mdb_put(txn, dbi, &k, &d, 0) == 0;
        }
    }
    good = good && mdb_txn_commit(txn) == 0;
    mdb_env_close(env);
    return good;
}

double open_lmdb(const Tree& tree, const std::string& directory, std::uint32_t key) {
    const std::string wanted = record_key(tree, key, 1);
    MDB_env* env = nullptr;
    MDB_txn* txn = nullptr;
    MDB_dbi dbi = 0;
    MDB_val k{wanted.size(), const_cast<char*>(wanted.data())};
    MDB_val d{};
    std::uint8_t data[value_bytes];
    const auto began = now_ns();
    const bool good = mdb_env_create(&env) == 0 && mdb_env_set_mapsize(env, std::size_t{4} << 30) == 0 &&
                      mdb_env_open(env, directory.c_str(), MDB_RDONLY, 0600) == 0 &&
                      mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn) == 0 && mdb_dbi_open(txn, nullptr, 0, &dbi) == 0 &&
                      mdb_get(txn, dbi, &k, &d) == 0 && d.mv_size == value_bytes;
    if (good) std::memcpy(data, d.mv_data, value_bytes);
    const double took = static_cast<double>(now_ns() - began);
    if (txn != nullptr) mdb_txn_abort(txn);
    mdb_env_close(env);
    return good ? took : -1;
}
#endif

#ifdef RG_HAVE_SQLITE
bool build_sqlite(const Tree& tree, const std::string& path) {
    sqlite3* database = nullptr;
    sqlite3_stmt* set = nullptr;
    const auto run = [&](const char* sql) {
        return sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
    };
    bool good = sqlite3_open(path.c_str(), &database) == SQLITE_OK && run("PRAGMA journal_mode=WAL") &&
                run("CREATE TABLE record(key BLOB PRIMARY KEY, data BLOB) WITHOUT ROWID") && run("BEGIN") &&
                sqlite3_prepare_v2(database, "INSERT INTO record VALUES(?1,?2)", -1, &set, nullptr) == SQLITE_OK;
    for (std::uint32_t i = 1; good && i <= tree.size; ++i) {
        for (int v = 0; good && v < values_per_key; ++v) {
            const std::string key = record_key(tree, i, v);
            sqlite3_bind_blob(set, 1, key.data(), static_cast<int>(key.size()), nullptr);
            sqlite3_bind_blob(set, 2, tree.data, value_bytes, nullptr);
            good = sqlite3_step(set) == SQLITE_DONE;
            sqlite3_reset(set);
        }
    }
    good = good && run("COMMIT");
    sqlite3_finalize(set);
    return sqlite3_close(database) == SQLITE_OK && good;
}

double open_sqlite(const Tree& tree, const std::string& path, std::uint32_t key) {
    const std::string wanted = record_key(tree, key, 1);
    sqlite3* database = nullptr;
    sqlite3_stmt* get = nullptr;
    std::uint8_t data[value_bytes];
    const auto began = now_ns();
    bool good = sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK &&
                sqlite3_prepare_v2(database, "SELECT data FROM record WHERE key=?1", -1, &get, nullptr) == SQLITE_OK;
    if (good) sqlite3_bind_blob(get, 1, wanted.data(), static_cast<int>(wanted.size()), nullptr);
    good = good && sqlite3_step(get) == SQLITE_ROW && sqlite3_column_bytes(get, 0) == value_bytes;
    if (good) std::memcpy(data, sqlite3_column_blob(get, 0), value_bytes);
    const double took = static_cast<double>(now_ns() - began);
    sqlite3_finalize(get);
    sqlite3_close(database);
    return good ? took : -1;
}
#endif

}  // namespace

std::vector<Opener> make_peer_openers(HiveSuite& suite) {
    std::vector<Opener> openers;
    const auto missing = [&](const char* name, const char* package) {
        suite.report.skipped(name, std::string(package) + " was not there when the bench was built (./run setup)");
    };
#ifdef RG_HAVE_HIVEX
    openers.push_back({"hivex", suite.saved_hive(), [&](std::uint32_t key) { return open_by_hivex(suite, key); }});
#else
    missing("hivex", "libhivex-dev");
#endif
#ifdef RG_HAVE_LIBREGF
    openers.push_back({"libregf", suite.saved_hive(), [&](std::uint32_t key) { return open_by_libregf(suite, key); }});
#else
    missing("libregf", "libregf-dev");
#endif
#ifdef RG_HAVE_LMDB
    const std::string lmdb = suite.directory + "/open.lmdb";
    if (!build_lmdb(suite.tree, lmdb)) std::exit(1);
    openers.push_back({"lmdb", lmdb + "/data.mdb",
                       [&tree = suite.tree, lmdb](std::uint32_t key) { return open_lmdb(tree, lmdb, key); }});
#else
    missing("lmdb", "liblmdb-dev");
#endif
#ifdef RG_HAVE_SQLITE
    const std::string sqlite = suite.directory + "/open.sqlite";
    if (!build_sqlite(suite.tree, sqlite)) std::exit(1);
    openers.push_back(
        {"sqlite", sqlite, [&tree = suite.tree, sqlite](std::uint32_t key) { return open_sqlite(tree, sqlite, key); }});
#else
    missing("sqlite", "libsqlite3-dev");
#endif
    (void)missing;
    return openers;
}

}  // namespace regent::bench
