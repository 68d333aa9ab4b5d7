// W5: sets that are durable when the call returns. The floor is what no store can go under here: one write into a
// preallocated file and one fdatasync.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "hive_suite.h"
#include "rtl/env.h"

namespace regent::bench {
namespace {

// Its file has its blocks and its size from the beginning, so that a sync writes data alone.
class Floor final : public DurableStore {
public:
    explicit Floor(const std::string& directory) : path_(directory + "/floor") {}
    ~Floor() override {
        for (const int file : files_) ::close(file);
    }
    bool open() {
        const std::vector<char> zeros(file_size);
        for (int i = 0; i < 2; ++i) {
            const std::string path = path_ + std::to_string(i);
            files_[i] = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
            if (files_[i] < 0 || ::pwrite(files_[i], zeros.data(), file_size, 0) != file_size) return false;
            if (::fsync(files_[i]) != 0) return false;
        }
        return true;
    }
    std::string name() const override { return "floor"; }
    // One page a set is written, as a log entry for one changed page would be; a file for each thread.
    bool commit(const std::uint32_t*, std::size_t, std::uint32_t n, int thread) override {
        const off_t at = static_cast<off_t>(n % (file_size / page)) * page;
        return ::pwrite(files_[thread], page_, page, at) == page && ::fdatasync(files_[thread]) == 0;
    }

private:
    static constexpr off_t page = 4096;
    static constexpr off_t file_size = 4 << 20;
    std::string path_;
    int files_[2] = {-1, -1};
    char page_[page] = {};
};

// As the Configuration Manager does it: changes and the first half of the flush under the hive's lock, the write and
// its sync outside.
class RegentStore final : public DurableStore {
public:
    RegentStore(const Tree& tree, const std::string& directory)
        : tree_(tree), hive_(build_hive(tree, directory + "/durable.hiv", keys_)) {}
    bool good() const { return hive_ != nullptr; }
    std::string name() const override { return "regent"; }
    bool commit(const std::uint32_t* keys, std::size_t count, std::uint32_t n, int) override {
        hive::FlushBatch batch;
        {
            const std::lock_guard guard(lock_);
            std::uint8_t data[value_bytes];
            std::copy(std::begin(tree_.data), std::end(tree_.data), data);
            for (std::size_t i = 0; i < count; ++i) {
                data[0] = static_cast<std::uint8_t>(n + i);
                if (!hive_->set_value(keys_[keys[i]], tree_.value_name[1], 3, rtl::as_bytes(data, value_bytes), n)) {
                    return false;
                }
            }
            const auto prepared = hive_->prepare_flush();
            if (!prepared) return false;
            batch = *prepared;
        }
        if (!hive_->commit_flush(batch)) return false;
        if (!hive_->reconcile_due()) return true;
        const std::lock_guard guard(lock_);
        return hive_->reconcile().has_value();
    }

private:
    const Tree& tree_;
    std::vector<hive::CellIndex> keys_;
    std::unique_ptr<hive::Hive> hive_;
    std::mutex lock_;
};

// A hive whose every operation is durable when it returns, or that leaves that to somebody's flush: `lazy`. Sets only.
class OperationStore {
public:
    OperationStore(const Tree& tree, const std::string& path, hive::Durability durability)
        : tree_(tree), hive_(build_hive(tree, path, keys_)) {
        if (hive_ == nullptr || durability == hive_->durability()) return;
        hive_.reset();
        hive::OpenOptions options;
        options.durability = durability;
        auto opened = hive::Hive::open(rtl::real_env(), path, options);  // cells stay where they are
        if (opened) hive_ = std::move(*opened);
    }
    bool good() const { return hive_ != nullptr; }
    bool set(std::uint32_t key, std::uint32_t n) {
        std::uint8_t data[value_bytes];
        std::copy(std::begin(tree_.data), std::end(tree_.data), data);
        data[0] = static_cast<std::uint8_t>(n);
        return hive_->set_value(keys_[key], tree_.value_name[1], 3, rtl::as_bytes(data, value_bytes), n).has_value();
    }
    bool flush() { return hive_->flush().has_value(); }

private:
    const Tree& tree_;
    std::vector<hive::CellIndex> keys_;
    std::unique_ptr<hive::Hive> hive_;
};

constexpr std::size_t sets_a_run = 400;
constexpr std::size_t batch_size = 100;
constexpr std::size_t batches_a_run = 30;

using Stores = std::vector<std::unique_ptr<DurableStore>>;

// Nanoseconds of one commit of `batch` sets.
double time_commits(DurableStore& store, const std::vector<std::uint32_t>& keys, std::size_t batch, std::size_t commits,
                    std::uint32_t& n) {
    const auto began = now_ns();
    for (std::size_t i = 0; i < commits; ++i) {
        if (!store.commit(keys.data() + (i * batch) % (keys.size() - batch), batch, ++n, 0)) return -1;
    }
    return static_cast<double>(now_ns() - began) / static_cast<double>(commits);
}

// Two threads commit one set at a time; wall time over the sets of both.
double time_two_threads(DurableStore& store, const std::vector<std::uint32_t>& keys, std::uint32_t& n) {
    std::atomic<bool> good = true;
    const std::uint32_t first = n;
    const auto work = [&](int which) {
        for (std::uint32_t i = 0; i < sets_a_run && good; ++i) {
            const std::uint32_t number = first + 2 * i + static_cast<std::uint32_t>(which);
            if (!store.commit(keys.data() + number % keys.size(), 1, number, which)) good = false;
        }
    };
    const auto began = now_ns();
    std::thread other(work, 1);
    work(0);
    other.join();
    n += 2 * sets_a_run;
    return good ? static_cast<double>(now_ns() - began) / (2 * sets_a_run) : -1;
}

Stores make_stores(HiveSuite& suite) {
    Stores stores;
    auto ours = std::make_unique<RegentStore>(suite.tree, suite.directory);
    if (ours->good()) stores.push_back(std::move(ours));
    auto floor = std::make_unique<Floor>(suite.directory);
    if (floor->open()) stores.push_back(std::move(floor));
    using Maker = std::unique_ptr<DurableStore> (*)(const Tree&, const std::string&, std::string&);
    const std::pair<const char*, Maker> peers[] = {
        {"sqlite", make_durable_sqlite}, {"lmdb", make_durable_lmdb}, {"tdb", make_durable_tdb}};
    for (const auto& [name, make] : peers) {
        std::string why;
        if (auto peer = make(suite.tree, suite.directory, why)) {
            stores.push_back(std::move(peer));
        } else {
            suite.report.skipped(name, why);
        }
    }
    return stores;
}

// Sets a second, one after the other, with the flush that a lazy store owes at the end.
double rate_of_sets(OperationStore& store, const std::vector<std::uint32_t>& keys, std::size_t sets, std::uint32_t& n) {
    const auto began = now_ns();
    for (std::size_t i = 0; i < sets; ++i) {
        if (!store.set(keys[i % keys.size()], ++n)) return -1;
    }
    if (!store.flush()) return -1;
    return 1e9 * static_cast<double>(sets) / static_cast<double>(now_ns() - began);
}

void measure_durabilities(HiveSuite& suite, const Stores& stores, const std::vector<std::uint32_t>& keys) {
    constexpr std::size_t lazy_sets = 10000;  // as many as a store may get between two of its flushes
    OperationStore every(suite.tree, suite.directory + "/every.hiv", hive::Durability::every_operation);
    OperationStore lazy(suite.tree, suite.directory + "/lazy.hiv", hive::Durability::lazy);
    if (!every.good() || !lazy.good()) std::exit(1);
    std::uint32_t n = 0;
    std::vector<Report::Contender> contenders = {
        {"regent", [&] { return rate_of_sets(every, keys, sets_a_run, n); }},
        {"regent-lazy", [&] { return rate_of_sets(lazy, keys, lazy_sets, n); }}};
    for (const auto& store : stores) {
        if (store->name() == "regent") continue;
        contenders.push_back({store->name(), [&keys, &n, s = store.get()] {
                                  const double each = time_commits(*s, keys, 1, sets_a_run, n);
                                  return each < 0 ? each : 1e9 / each;
                              }});
    }
    suite.report.measure_paired("W5", "every", suite.tree.size, "sets/s", suite.runs, contenders);
}

}  // namespace

void measure_durable(HiveSuite& suite) {
    const Stores stores = make_stores(suite);
    const auto keys = suite.tree.pattern('u', 10000);
    std::vector<Report::Contender> each, batches, threads;
    std::uint32_t n = 0;
    for (const auto& store : stores) {
        each.push_back({store->name(), [&, s = store.get()] { return time_commits(*s, keys, 1, sets_a_run, n); }});
        batches.push_back(
            {store->name(), [&, s = store.get()] { return time_commits(*s, keys, batch_size, batches_a_run, n); }});
        if (!store->two_threads()) continue;
        threads.push_back({store->name(), [&, s = store.get()] { return time_two_threads(*s, keys, n); }});
    }
    suite.report.measure_paired("W5", "1", suite.tree.size, "ns", suite.runs, each);
    suite.report.measure_paired("W5", "100", suite.tree.size, "ns", suite.runs, batches);
    suite.report.measure_paired("W5", "2thr", suite.tree.size, "ns", suite.runs, threads);
    measure_durabilities(suite, stores, keys);
}

}  // namespace regent::bench
