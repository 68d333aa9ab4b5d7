// W9, waits: how long a read takes while another thread writes a compact copy of the store and syncs it. A read takes
// some hundred nanoseconds, so that a longer one is a wait; the floor says what of that is the machine's.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

#include "hive/hive_save.h"
#include "hive_suite.h"
#include "rtl/env.h"
#include "rtl/stripe.h"

namespace regent::bench {
namespace {

// A save as the Configuration Manager makes it: the hive's lock, of the kind that it uses, for each step.
class SavedHive : public CopyingStore {
public:
    explicit SavedHive(const Tree& tree) : tree_(tree), hive_(build_hive(tree, "", keys_)) {}
    bool good() const { return hive_ != nullptr; }
    std::string name() const override { return "regent"; }
    bool read(std::uint32_t key) override {
        const rtl::SharedGuard guard(lock_);
        const auto value = hive_->find_value(keys_[key], tree_.value_name[1]);
        std::byte data[value_bytes];
        return value && hive_->read_value(*value, 0, data) == value_bytes;
    }
    bool copy_to(const std::string& path) override {
        const auto file = rtl::real_env().open(path, rtl::OpenMode::create);
        if (!file) return false;
        hive::HiveSave save(**file, hive::Format::v1_5);
        Result<bool> done = false;
        while (done && !*done && !save.impatient()) {
            const rtl::SharedGuard guard(lock_);
            done = save.step(*hive_, hive_->root());
        }
        if (done && !*done) {  // writers come too often: they are kept out, readers not
            const rtl::UpdateGuard guard(lock_);
            while (done && !*done) done = save.step(*hive_, hive_->root());
        }
        return done && save.finish();
    }
    bool write(std::uint32_t n) {
        const rtl::ExclusiveGuard guard(lock_);
        return hive_->set_value(keys_[1], tree_.value_name[1], 3, rtl::as_bytes(tree_.data, value_bytes), n)
            .has_value();
    }

private:
    using Lock = rtl::StripedSharedMutex<rtl::LockRank::hive>;

    const Tree& tree_;
    std::vector<hive::CellIndex> keys_;
    std::unique_ptr<hive::Hive> hive_;
    Lock lock_;
};

// The same reads beside a thread that writes as many bytes and takes no lock.
class Floor final : public CopyingStore {
public:
    Floor(SavedHive& hive, std::size_t bytes) : hive_(hive), bytes_(bytes) {}
    std::string name() const override { return "floor"; }
    bool read(std::uint32_t key) override { return hive_.read(key); }
    bool copy_to(const std::string& path) override {
        const auto file = rtl::real_env().open(path, rtl::OpenMode::create);
        const std::vector<std::byte> chunk(1 << 20, std::byte{1});
        for (std::size_t done = 0; file && done < bytes_; done += chunk.size()) {
            if (!(*file)->write_at(done, Bytes(chunk).first(std::min(chunk.size(), bytes_ - done)))) return false;
        }
        return file && (*file)->sync();
    }

private:
    SavedHive& hive_;
    const std::size_t bytes_;
};

// For those whose copy is not durable when it is written.
bool sync_file(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    const bool done = file >= 0 && ::fdatasync(file) == 0;
    ::close(file);
    return done;
}

// Microseconds.
struct Waits {
    double longest = 0, middle = 0;
    double writer = 0;  // the longest write
};

// A set now and then, until `over`; how long the longest took.
double writes_until(const std::atomic<bool>& over, SavedHive& hive) {
    std::int64_t longest = 0;
    for (std::uint32_t n = 1; !over; ++n) {
        std::this_thread::sleep_for(std::chrono::microseconds(200));
        const auto began = now_ns();
        if (!hive.write(n)) return -1;
        longest = std::max(longest, now_ns() - began);
    }
    return static_cast<double>(longest) / 1e3;
}

// `written`: a third thread writes to this one meanwhile.
std::optional<Waits> reads_beside_copy(CopyingStore& store, const std::vector<std::uint32_t>& keys,
                                       const std::string& path, SavedHive* written) {
    std::vector<std::int64_t> took;
    took.reserve(std::size_t{1} << 22);
    ::unlink(path.c_str());
    std::atomic<bool> over = false, copied = false;
    std::thread copier([&] {
        copied = store.copy_to(path) && sync_file(path);
        over = true;
    });
    double writer_longest = 0;
    std::thread writer;
    if (written != nullptr) writer = std::thread([&] { writer_longest = writes_until(over, *written); });
    bool good = true;
    for (std::size_t i = 0; good && !over; ++i) {
        const auto began = now_ns();
        good = store.read(keys[i % keys.size()]);
        took.push_back(now_ns() - began);
    }
    copier.join();
    if (writer.joinable()) writer.join();
    if (!good || !copied || took.empty() || writer_longest < 0) return std::nullopt;
    const auto middle = took.begin() + static_cast<std::ptrdiff_t>(took.size() / 2);
    std::nth_element(took.begin(), middle, took.end());
    return Waits{static_cast<double>(*std::max_element(took.begin(), took.end())) / 1e3,
                 static_cast<double>(*middle) / 1e3, writer_longest};
}

// One row from what each run left beside its own figure; the round before the runs is not counted.
void add_row(HiveSuite& suite, const char* variant, const std::string& subject, std::vector<double> runs) {
    runs.erase(runs.begin());
    std::sort(runs.begin(), runs.end());
    suite.report.add({"W9", variant, suite.tree.size, subject, "us", runs[runs.size() / 2], runs.front(), runs.back(),
                      static_cast<int>(runs.size()), 0});
}

void measure_waits_beside(HiveSuite& suite, const std::vector<CopyingStore*>& stores, const std::string& path,
                          SavedHive* written) {
    const auto keys = suite.tree.pattern('u', 10000);
    std::vector<std::vector<double>> others(stores.size());
    std::vector<Report::Contender> contenders;
    for (std::size_t i = 0; i < stores.size(); ++i) {
        contenders.push_back({stores[i]->name(), [&, i] {
                                  const auto waits = reads_beside_copy(*stores[i], keys, path, written);
                                  if (!waits) return -1.0;
                                  others[i].push_back(written == nullptr ? waits->middle : waits->writer);
                                  return waits->longest;
                              }});
    }
    suite.report.measure_paired("W9", written == nullptr ? "reader-wait" : "reader-busy", suite.tree.size, "us",
                                suite.runs, contenders);
    for (std::size_t i = 0; i < stores.size(); ++i) {
        add_row(suite, written == nullptr ? "reader-mid" : "writer-busy", stores[i]->name(), others[i]);
    }
}

}  // namespace

void measure_waits(HiveSuite& suite) {
    const std::string path = suite.directory + "/copy";
    SavedHive ours(suite.tree);
    if (!ours.good() || !ours.copy_to(path)) std::exit(1);
    const auto file = rtl::real_env().open(path, rtl::OpenMode::read);
    const auto size = file ? (*file)->size() : Result<std::uint64_t>(std::unexpected(file.error()));
    if (!size) std::exit(1);
    Floor floor(ours, *size);
    std::vector<std::unique_ptr<CopyingStore>> peers;
    std::string why;
    if (auto peer = make_copying_sqlite(suite.tree, suite.directory, why))
        peers.push_back(std::move(peer));
    else
        suite.report.skipped("sqlite", why);
    if (auto peer = make_copying_lmdb(suite.tree, suite.directory, why))
        peers.push_back(std::move(peer));
    else
        suite.report.skipped("lmdb", why);

    std::vector<CopyingStore*> stores = {&ours, &floor};
    measure_waits_beside(suite, stores, path, &ours);
    for (const auto& peer : peers) stores.push_back(peer.get());
    measure_waits_beside(suite, stores, path, nullptr);
}

}  // namespace regent::bench
