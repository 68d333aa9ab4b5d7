// The embedded stores of W5: each commits a transaction and syncs it. A record a value; no handles, no access checks.
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "hive_suite.h"

#ifdef RG_HAVE_LMDB
#include <fcntl.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <unistd.h>
#endif
#ifdef RG_HAVE_SQLITE
#include <sqlite3.h>
#endif
#ifdef RG_HAVE_TDB
#include <fcntl.h>
#include <sys/stat.h>
extern "C" {
#include <tdb.h>
}
#endif

namespace regent::bench {
namespace {

[[maybe_unused]] std::string record_key(const Tree& tree, std::uint32_t key, int value) {
    return tree.folded_path[key] + std::string(1, '\0') + tree.folded_value_name[value];
}

#ifdef RG_HAVE_SQLITE
// WAL with synchronous=FULL: a COMMIT returns when its frames are synced. A connection for each thread.
class Sqlite final : public DurableStore, public CopyingStore {
public:
    explicit Sqlite(const Tree& tree) : tree_(tree) {}
    ~Sqlite() override {
        for (Connection& connection : connections_) {
            sqlite3_finalize(connection.set);
            sqlite3_finalize(connection.get);
            sqlite3_close(connection.database);
        }
    }
    bool open(const std::string& path) {
        for (Connection& c : connections_) {
            const bool good =
                sqlite3_open(path.c_str(), &c.database) == SQLITE_OK && run(c, "PRAGMA journal_mode=WAL") &&
                run(c, "PRAGMA synchronous=FULL") && sqlite3_busy_timeout(c.database, 10000) == SQLITE_OK &&
                run(c,
                    "CREATE TABLE IF NOT EXISTS record(path TEXT, value TEXT, data BLOB, PRIMARY KEY(path, value)) "
                    "WITHOUT ROWID") &&
                prepare(c, "INSERT OR REPLACE INTO record VALUES(?1,?2,?3)", &c.set) &&
                prepare(c, "SELECT data FROM record WHERE path=?1 AND value=?2", &c.get);
            if (!good) return false;
        }
        return build();
    }
    std::string name() const override { return "sqlite"; }
    bool commit(const std::uint32_t* keys, std::size_t count, std::uint32_t n, int thread) override {
        Connection& mine = connections_[thread];
        std::uint8_t data[value_bytes];
        std::memcpy(data, tree_.data, value_bytes);
        if (!run(mine, "BEGIN IMMEDIATE")) return false;
        for (std::size_t i = 0; i < count; ++i) {
            data[0] = static_cast<std::uint8_t>(n + i);
            if (!put(mine, keys[i], 1, data)) return false;
        }
        return run(mine, "COMMIT");
    }
    bool read(std::uint32_t key) override {
        sqlite3_stmt* const get = connections_[0].get;
        name_record(get, key, 1);
        const bool there = sqlite3_step(get) == SQLITE_ROW && sqlite3_column_bytes(get, 0) == value_bytes;
        sqlite3_reset(get);
        return there;
    }
    bool copy_to(const std::string& path) override {
        return run(connections_[1], ("VACUUM INTO '" + path + "'").c_str());
    }

private:
    struct Connection {
        sqlite3* database = nullptr;
        sqlite3_stmt* set = nullptr;
        sqlite3_stmt* get = nullptr;
    };
    static bool prepare(const Connection& c, const char* sql, sqlite3_stmt** statement) {
        return sqlite3_prepare_v2(c.database, sql, -1, statement, nullptr) == SQLITE_OK;
    }
    void name_record(sqlite3_stmt* statement, std::uint32_t key, int value) const {
        const std::string& path = tree_.folded_path[key];
        const std::string& name = tree_.folded_value_name[value];
        sqlite3_bind_text(statement, 1, path.data(), static_cast<int>(path.size()), nullptr);
        sqlite3_bind_text(statement, 2, name.data(), static_cast<int>(name.size()), nullptr);
    }
    static bool run(Connection& c, const char* sql) {
        return sqlite3_exec(c.database, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
    }
    bool build() {
        for (std::uint32_t i = 1; i <= tree_.size; ++i) {
            if (i % 10000 == 1 && !run(connections_[0], "BEGIN")) return false;
            for (int v = 0; v < values_per_key; ++v) {
                if (!put(connections_[0], i, v, tree_.data)) return false;
            }
            if ((i % 10000 == 0 || i == tree_.size) && !run(connections_[0], "COMMIT")) return false;
        }
        return true;
    }
    bool put(Connection& c, std::uint32_t key, int value, const void* data) {
        name_record(c.set, key, value);
        sqlite3_bind_blob(c.set, 3, data, value_bytes, nullptr);
        const bool done = sqlite3_step(c.set) == SQLITE_DONE;
        sqlite3_reset(c.set);
        return done;
    }

    const Tree& tree_;
    Connection connections_[2];
};
#endif

#ifdef RG_HAVE_LMDB
class Lmdb final : public DurableStore, public CopyingStore {
public:
    explicit Lmdb(const Tree& tree) : tree_(tree) {}
    ~Lmdb() override {
        if (env_ != nullptr) mdb_env_close(env_);
    }
    bool open(const std::string& directory) {
        ::mkdir(directory.c_str(), 0700);
        if (mdb_env_create(&env_) != 0 || mdb_env_set_mapsize(env_, std::size_t{4} << 30) != 0) return false;
        if (mdb_env_open(env_, directory.c_str(), 0, 0600) != 0) return false;
        MDB_txn* txn = nullptr;
        for (std::uint32_t i = 1; i <= tree_.size; ++i) {
            if (txn == nullptr && mdb_txn_begin(env_, nullptr, 0, &txn) != 0) return false;
            if (i == 1 && mdb_dbi_open(txn, nullptr, 0, &dbi_) != 0) return false;
            for (int v = 0; v < values_per_key; ++v) {
                if (!put(txn, record_key(tree_, i, v), tree_.data)) return false;
            }
            if (i % 10000 != 0 && i != tree_.size) continue;
            if (mdb_txn_commit(txn) != 0) return false;
            txn = nullptr;
        }
        return true;
    }
    std::string name() const override { return "lmdb"; }
    bool commit(const std::uint32_t* keys, std::size_t count, std::uint32_t n, int) override {
        MDB_txn* txn = nullptr;
        std::uint8_t data[value_bytes];
        std::memcpy(data, tree_.data, value_bytes);
        if (mdb_txn_begin(env_, nullptr, 0, &txn) != 0) return false;
        for (std::size_t i = 0; i < count; ++i) {
            data[0] = static_cast<std::uint8_t>(n + i);
            if (!put(txn, record_key(tree_, keys[i], 1), data)) return false;
        }
        return mdb_txn_commit(txn) == 0;
    }
    bool read(std::uint32_t key) override {
        const std::string wanted = record_key(tree_, key, 1);
        MDB_val k{wanted.size(), const_cast<char*>(wanted.data())};
        MDB_val v{};
        MDB_txn* txn = nullptr;
        if (mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn) != 0) return false;
        const bool there = mdb_get(txn, dbi_, &k, &v) == 0 && v.mv_size == value_bytes;
        mdb_txn_abort(txn);
        return there;
    }
    bool copy_to(const std::string& path) override {
        const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        const bool done = file >= 0 && mdb_env_copyfd2(env_, file, MDB_CP_COMPACT) == 0;
        ::close(file);
        return done;
    }

private:
    bool put(MDB_txn* txn, const std::string& key, const void* data) {
        MDB_val k{key.size(), const_cast<char*>(key.data())};
        MDB_val v{value_bytes, const_cast<void*>(data)};
        return mdb_put(txn, dbi_, &k, &v, 0) == 0;
    }
    const Tree& tree_;
    MDB_env* env_ = nullptr;
    MDB_dbi dbi_ = 0;
};
#endif

#ifdef RG_HAVE_TDB
class Tdb final : public DurableStore {
public:
    explicit Tdb(const Tree& tree) : tree_(tree) {}
    ~Tdb() override {
        if (tdb_ != nullptr) tdb_close(tdb_);
    }
    bool open(const std::string& path) {
        tdb_ = tdb_open(path.c_str(), 100003, TDB_DEFAULT, O_RDWR | O_CREAT | O_TRUNC, 0600);
        if (tdb_ == nullptr || tdb_transaction_start(tdb_) != 0) return false;
        for (std::uint32_t i = 1; i <= tree_.size; ++i) {
            for (int v = 0; v < values_per_key; ++v) {
                if (!put(record_key(tree_, i, v), tree_.data)) return false;
            }
        }
        return tdb_transaction_commit(tdb_) == 0;
    }
    std::string name() const override { return "tdb"; }
    bool two_threads() const override { return false; }  // one handle is one thread's
    bool commit(const std::uint32_t* keys, std::size_t count, std::uint32_t n, int) override {
        std::uint8_t data[value_bytes];
        std::memcpy(data, tree_.data, value_bytes);
        if (tdb_transaction_start(tdb_) != 0) return false;
        for (std::size_t i = 0; i < count; ++i) {
            data[0] = static_cast<std::uint8_t>(n + i);
            if (!put(record_key(tree_, keys[i], 1), data)) return false;
        }
        return tdb_transaction_commit(tdb_) == 0;
    }

private:
    bool put(const std::string& key, const void* data) {
        const TDB_DATA k{reinterpret_cast<unsigned char*>(const_cast<char*>(key.data())), key.size()};
        const TDB_DATA v{static_cast<unsigned char*>(const_cast<void*>(data)), value_bytes};
        return tdb_store(tdb_, k, v, TDB_REPLACE) == 0;
    }
    const Tree& tree_;
    tdb_context* tdb_ = nullptr;
};
#endif

template <typename Store>
[[maybe_unused]] std::unique_ptr<Store> opened(const Tree& tree, const std::string& path, std::string& why) {
    auto store = std::make_unique<Store>(tree);
    if (store->open(path)) return store;
    why = "its store could not be made in " + path;
    return nullptr;
}

}  // namespace

std::unique_ptr<DurableStore> make_durable_sqlite([[maybe_unused]] const Tree& tree,
                                                  [[maybe_unused]] const std::string& directory, std::string& why) {
#ifdef RG_HAVE_SQLITE
    return opened<Sqlite>(tree, directory + "/durable.sqlite", why);
#else
    why = "libsqlite3-dev was not there when the bench was built (./run setup)";
    return nullptr;
#endif
}

std::unique_ptr<DurableStore> make_durable_lmdb([[maybe_unused]] const Tree& tree,
                                                [[maybe_unused]] const std::string& directory, std::string& why) {
#ifdef RG_HAVE_LMDB
    return opened<Lmdb>(tree, directory + "/durable.lmdb", why);
#else
    why = "liblmdb-dev was not there when the bench was built (./run setup)";
    return nullptr;
#endif
}

std::unique_ptr<DurableStore> make_durable_tdb([[maybe_unused]] const Tree& tree,
                                               [[maybe_unused]] const std::string& directory, std::string& why) {
#ifdef RG_HAVE_TDB
    return opened<Tdb>(tree, directory + "/durable.tdb", why);
#else
    why = "libtdb-dev was not there when the bench was built (./run setup)";
    return nullptr;
#endif
}

std::unique_ptr<CopyingStore> make_copying_sqlite([[maybe_unused]] const Tree& tree,
                                                  [[maybe_unused]] const std::string& directory, std::string& why) {
#ifdef RG_HAVE_SQLITE
    return opened<Sqlite>(tree, directory + "/copied.sqlite", why);
#else
    why = "libsqlite3-dev was not there when the bench was built (./run setup)";
    return nullptr;
#endif
}

std::unique_ptr<CopyingStore> make_copying_lmdb([[maybe_unused]] const Tree& tree,
                                                [[maybe_unused]] const std::string& directory, std::string& why) {
#ifdef RG_HAVE_LMDB
    return opened<Lmdb>(tree, directory + "/copied.lmdb", why);
#else
    why = "liblmdb-dev was not there when the bench was built (./run setup)";
    return nullptr;
#endif
}

}  // namespace regent::bench
