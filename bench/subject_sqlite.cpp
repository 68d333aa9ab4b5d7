// SQLite in WAL mode, synchronous off: one table (path, value name) -> data, prepared statements.
#include "subject.h"

#ifdef RG_HAVE_SQLITE
#include <sqlite3.h>

#include <cstring>

namespace regent::bench {
namespace {

class Sqlite final : public Subject {
public:
    explicit Sqlite(std::string path) : path_(std::move(path)) {}
    ~Sqlite() override {
        for (sqlite3_stmt* statement : {find_, get_, set_, walk_}) sqlite3_finalize(statement);
        sqlite3_close(database_);
    }
    bool open() {
        return sqlite3_open(path_.c_str(), &database_) == SQLITE_OK && run("PRAGMA journal_mode=WAL") &&
               run("PRAGMA synchronous=OFF") &&
               run("CREATE TABLE record(path TEXT, value TEXT, data BLOB, PRIMARY KEY(path, value)) WITHOUT ROWID") &&
               prepare("SELECT 1 FROM record WHERE path=?1 AND value=''", find_) &&
               prepare("SELECT data FROM record WHERE path=?1 AND value=?2", get_) &&
               prepare("INSERT OR REPLACE INTO record VALUES(?1,?2,?3)", set_) &&
               prepare("SELECT data FROM record", walk_);
    }
    std::string name() const override { return "sqlite"; }
    bool build(const Tree& tree) override {
        tree_ = &tree;
        for (std::uint32_t i = 1; i <= tree.size; ++i) {
            if (i % 1000 == 1 && !run("BEGIN")) return false;
            if (!put(i, "", tree.data, 0)) return false;
            for (const auto& value : tree.folded_value_name) {
                if (!put(i, value, tree.data, value_bytes)) return false;
            }
            if ((i % 1000 == 0 || i == tree.size) && !run("COMMIT")) return false;
        }
        return true;
    }
    bool open_close(std::uint32_t key) override {
        bind(find_, 1, tree_->folded_path[key]);
        const bool found = sqlite3_step(find_) == SQLITE_ROW;
        sqlite3_reset(find_);
        return found;
    }
    bool query_open(std::uint32_t) override { return open_query_close(1); }
    bool open_query_close(std::uint32_t key) override {
        bind(get_, 1, tree_->folded_path[key]);
        bind(get_, 2, tree_->folded_value_name[1]);
        const bool found = sqlite3_step(get_) == SQLITE_ROW;
        if (found) std::memcpy(out_, sqlite3_column_blob(get_, 0), value_bytes);
        sqlite3_reset(get_);
        return found;
    }
    bool set_value(std::uint32_t key, std::uint32_t n) override {
        std::uint8_t data[value_bytes];
        std::memcpy(data, tree_->data, value_bytes);
        data[0] = static_cast<std::uint8_t>(n);
        return put(key, tree_->folded_value_name[1], data, value_bytes);
    }
    std::uint64_t walk() override {
        std::uint64_t bytes = 0;
        while (sqlite3_step(walk_) == SQLITE_ROW) {
            const auto size = static_cast<std::size_t>(sqlite3_column_bytes(walk_, 0));
            if (size > 0) std::memcpy(out_, sqlite3_column_blob(walk_, 0), size < value_bytes ? size : value_bytes);
            bytes += size;
        }
        sqlite3_reset(walk_);
        return bytes;
    }

private:
    bool run(const char* sql) { return sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) == SQLITE_OK; }
    bool prepare(const char* sql, sqlite3_stmt*& statement) {
        return sqlite3_prepare_v2(database_, sql, -1, &statement, nullptr) == SQLITE_OK;
    }
    static void bind(sqlite3_stmt* statement, int index, const std::string& text) {
        sqlite3_bind_text(statement, index, text.data(), static_cast<int>(text.size()), nullptr);
    }
    bool put(std::uint32_t key, const std::string& value, const void* data, std::size_t size) {
        bind(set_, 1, tree_->folded_path[key]);
        bind(set_, 2, value);
        sqlite3_bind_blob(set_, 3, data, static_cast<int>(size), nullptr);
        const bool done = sqlite3_step(set_) == SQLITE_DONE;
        sqlite3_reset(set_);
        return done;
    }

    std::string path_;
    sqlite3* database_ = nullptr;
    sqlite3_stmt *find_ = nullptr, *get_ = nullptr, *set_ = nullptr, *walk_ = nullptr;
    const Tree* tree_ = nullptr;
    std::uint8_t out_[value_bytes] = {};
};

}  // namespace

std::unique_ptr<Subject> make_sqlite(const std::string& directory, std::string& why) {
    auto subject = std::make_unique<Sqlite>(directory + "/sqlite.db");
    if (subject->open()) return subject;
    why = "the database could not be opened";
    return nullptr;
}

}  // namespace regent::bench
#else
namespace regent::bench {
std::unique_ptr<Subject> make_sqlite(const std::string&, std::string& why) {
    why = "libsqlite3-dev was not there when the bench was built (./run setup)";
    return nullptr;
}
}  // namespace regent::bench
#endif
