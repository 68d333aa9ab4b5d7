// LMDB as a configuration store: key = lower-cased path, NUL, value name; a record a key and a record a value. It gives
// no handles, no ACLs, no case-preserving names and no notification.
#include "subject.h"

#ifdef RG_HAVE_LMDB
#include <lmdb.h>
#include <sys/stat.h>

#include <cstring>

namespace regent::bench {
namespace {

class Lmdb final : public Subject {
public:
    explicit Lmdb(std::string directory) : directory_(std::move(directory)) {}
    ~Lmdb() override {
        if (reader_ != nullptr) mdb_txn_abort(reader_);
        if (env_ != nullptr) mdb_env_close(env_);
    }
    bool open() {
        ::mkdir(directory_.c_str(), 0700);
        return mdb_env_create(&env_) == 0 && mdb_env_set_mapsize(env_, std::size_t{4} << 30) == 0 &&
               mdb_env_open(env_, directory_.c_str(), MDB_NOSYNC | MDB_NOMETASYNC, 0600) == 0;
    }
    std::string name() const override { return "lmdb"; }
    bool build(const Tree& tree) override {
        tree_ = &tree;
        MDB_txn* txn = nullptr;
        for (std::uint32_t i = 1; i <= tree.size; ++i) {
            if (txn == nullptr && mdb_txn_begin(env_, nullptr, 0, &txn) != 0) return false;
            if (i == 1 && mdb_dbi_open(txn, nullptr, 0, &dbi_) != 0) return false;
            if (!put(txn, tree.folded_path[i], "", 0)) return false;
            for (int v = 0; v < values_per_key; ++v) {
                if (!put(txn, record_key(i, v), tree.data, value_bytes)) return false;
            }
            if (i % 1000 == 0 || i == tree.size) {
                if (mdb_txn_commit(txn) != 0) return false;
                txn = nullptr;
            }
        }
        keys_.resize(tree.size + 1);
        for (std::uint32_t i = 1; i <= tree.size; ++i) keys_[i] = record_key(i, 1);
        return mdb_txn_begin(env_, nullptr, MDB_RDONLY, &reader_) == 0;
    }
    bool open_close(std::uint32_t key) override { return get(tree_->folded_path[key], false); }
    bool query_open(std::uint32_t) override { return get(keys_[1], true); }
    bool open_query_close(std::uint32_t key) override { return get(keys_[key], true); }
    bool set_value(std::uint32_t key, std::uint32_t n) override {
        MDB_txn* txn = nullptr;
        std::uint8_t data[value_bytes];
        std::memcpy(data, tree_->data, value_bytes);
        data[0] = static_cast<std::uint8_t>(n);
        mdb_txn_reset(reader_);
        const bool done = mdb_txn_begin(env_, nullptr, 0, &txn) == 0 && put(txn, keys_[key], data, value_bytes) &&
                          mdb_txn_commit(txn) == 0;
        return mdb_txn_renew(reader_) == 0 && done;
    }
    std::uint64_t walk() override {
        MDB_cursor* cursor = nullptr;
        if (mdb_cursor_open(reader_, dbi_, &cursor) != 0) return 0;
        MDB_val key{}, value{};
        std::uint64_t bytes = 0;
        while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
            const std::size_t size = value.mv_size < sizeof out_ ? value.mv_size : sizeof out_;
            std::memcpy(out_, value.mv_data, size);
            bytes += size;
        }
        mdb_cursor_close(cursor);
        return bytes;
    }

private:
    std::string record_key(std::uint32_t i, int v) const {
        return tree_->folded_path[i] + std::string(1, '\0') + tree_->folded_value_name[v];
    }
    bool put(MDB_txn* txn, const std::string& key, const void* data, std::size_t size) {
        MDB_val k{key.size(), const_cast<char*>(key.data())};
        MDB_val v{size, const_cast<void*>(data)};
        return mdb_put(txn, dbi_, &k, &v, 0) == 0;
    }
    // A read transaction is renewed for each operation, as a program that wants current data must.
    bool get(const std::string& key, bool copy) {
        mdb_txn_reset(reader_);
        if (mdb_txn_renew(reader_) != 0) return false;
        MDB_val k{key.size(), const_cast<char*>(key.data())};
        MDB_val v{};
        if (mdb_get(reader_, dbi_, &k, &v) != 0) return false;
        if (copy) std::memcpy(out_, v.mv_data, value_bytes);
        return true;
    }

    std::string directory_;
    MDB_env* env_ = nullptr;
    MDB_txn* reader_ = nullptr;
    MDB_dbi dbi_ = 0;
    const Tree* tree_ = nullptr;
    std::vector<std::string> keys_;
    std::uint8_t out_[value_bytes] = {};
};

}  // namespace

std::unique_ptr<Subject> make_lmdb(const std::string& directory, std::string& why) {
    auto subject = std::make_unique<Lmdb>(directory + "/lmdb");
    if (subject->open()) return subject;
    why = "the environment could not be opened";
    return nullptr;
}

}  // namespace regent::bench
#else
namespace regent::bench {
std::unique_ptr<Subject> make_lmdb(const std::string&, std::string& why) {
    why = "liblmdb-dev was not there when the bench was built (./run setup)";
    return nullptr;
}
}  // namespace regent::bench
#endif
