// Flushing and writing back a mounted hive while others use it; what the lazy writer does by itself.
#include <unistd.h>

#include <thread>

#include "cm/registry_fixture.h"
#include "ex/debug_sink.h"
#include "rtl/sim_env.h"

namespace regent::cm {
namespace {

// Holds up whoever writes a page of the primary file (not its base block) until it is opened, and counts base blocks.
class Gate {
public:
    void pass() {
        ExclusiveGuard guard(lock_);
        if (!closed_) return;
        waiting_ = true;
        changed_.notify_all();
        changed_.wait(lock_, [this]() RG_NO_ANALYSIS { return !closed_; });
    }
    void set_closed(bool closed) {
        ExclusiveGuard guard(lock_);
        closed_ = closed;
        changed_.notify_all();
    }
    void await_somebody() {
        ExclusiveGuard guard(lock_);
        changed_.wait(lock_, [this]() RG_NO_ANALYSIS { return waiting_; });
    }
    void base_written() {
        ExclusiveGuard guard(lock_);
        ++base_blocks_;
        changed_.notify_all();
    }
    void await_base_blocks(int count) {
        ExclusiveGuard guard(lock_);
        changed_.wait(lock_, [&]() RG_NO_ANALYSIS { return base_blocks_ >= count; });
    }

private:
    Mutex<LockRank::leaf> lock_;
    ConditionVariable changed_;
    bool closed_ = false;
    bool waiting_ = false;
    int base_blocks_ = 0;
};

class GatedFile final : public rtl::File {
public:
    GatedFile(std::unique_ptr<rtl::File> inner, Gate& gate) : inner_(std::move(inner)), gate_(gate) {}
    Result<std::uint64_t> size() override { return inner_->size(); }
    Result<std::size_t> read_at(std::uint64_t offset, rtl::MutableBytes out) override {
        return inner_->read_at(offset, out);
    }
    Result<void> write_at(std::uint64_t offset, Bytes data) override {
        if (offset >= 4096) gate_.pass();
        RG_TRY(inner_->write_at(offset, data));
        if (offset == 0) gate_.base_written();
        return {};
    }
    Result<void> truncate(std::uint64_t size) override { return inner_->truncate(size); }
    Result<void> sync() override { return inner_->sync(); }
    Result<void> lock() override { return inner_->lock(); }

private:
    std::unique_ptr<rtl::File> inner_;
    Gate& gate_;
};

class GatedEnv final : public rtl::Env {
public:
    Gate gate;
    rtl::SimEnv disk;

    Result<std::unique_ptr<rtl::File>> open(const std::string& path, rtl::OpenMode mode) override {
        auto file = disk.open(path, mode);
        if (!file || path != "HIVE") return file;
        return std::make_unique<GatedFile>(std::move(*file), gate);
    }
    Result<void> rename(const std::string& from, const std::string& to) override { return disk.rename(from, to); }
    Result<void> remove(const std::string& path) override { return disk.remove(path); }
    Result<void> sync_directory_of(const std::string& path) override { return disk.sync_directory_of(path); }
};

rtl::Ref<MountedHive> mounted(rtl::Env& env) {
    hive::HiveOptions options;
    options.path = "HIVE";
    auto storage = hive::Hive::create(env, options);
    return rtl::make_ref<MountedHive>(std::move(*storage), u"\\Test", MountOptions{});
}

Result<void> set(MountedHive& hive, Utf16View name, const std::string& text) {
    ExclusiveGuard guard(hive.lock());
    return hive.storage().set_value(hive.storage().root(), name, REG_BINARY, rtl::as_bytes(text.data(), text.size()),
                                    1);
}

TEST(MountedHiveTest, ReadersWritersAndFlushersGoOnWhileThePrimaryIsWritten) {
    GatedEnv env;
    {
        const auto hive = mounted(env);
        ASSERT_TRUE(set(*hive, u"before", "before the write-back"));
        ASSERT_TRUE(hive->flush());
        env.gate.set_closed(true);
        std::thread writer([&] { EXPECT_TRUE(hive->reconcile()); });
        env.gate.await_somebody();
        {
            SharedGuard guard(hive->lock());
            EXPECT_TRUE(hive->storage().find_value(hive->storage().root(), u"before"));
        }
        ASSERT_TRUE(set(*hive, u"during", "while it is under way"));
        ASSERT_TRUE(hive->flush());
        EXPECT_FALSE(hive->dirty());
        env.gate.set_closed(false);
        writer.join();
        EXPECT_FALSE(hive->reconciled());  // what came meanwhile is in the other log
    }
    rtl::SimEnv after(env.disk.after_crash(env.disk.event_count(), rtl::LossModel::all, 0));
    const auto again = hive::Hive::open(after, "HIVE", {});
    ASSERT_TRUE(again);
    EXPECT_EQ((*again)->load_state(), hive::LoadState::recovered);
    EXPECT_TRUE((*again)->find_value((*again)->root(), u"before"));
    EXPECT_TRUE((*again)->find_value((*again)->root(), u"during"));
}

TEST(MountedHiveTest, FlushersOfManyThreadsShareAndLoseNothing) {
    constexpr int threads = 4;
    constexpr int rounds = 50;
    GatedEnv env;
    {
        const auto hive = mounted(env);
        std::vector<std::thread> flushers;
        for (int thread = 0; thread < threads; ++thread) {
            flushers.emplace_back([&hive, thread] {
                for (int round = 0; round < rounds; ++round) {
                    const std::string name = std::to_string(thread) + "." + std::to_string(round);
                    EXPECT_TRUE(set(*hive, rtl::from_utf8(name), name));
                    EXPECT_TRUE(hive->flush());
                    if (round % 16 == thread) {
                        EXPECT_TRUE(hive->reconcile());
                    }
                }
            });
        }
        for (std::thread& flusher : flushers) flusher.join();
    }
    rtl::SimEnv after(env.disk.after_crash(env.disk.event_count(), rtl::LossModel::all, 0));
    const auto again = hive::Hive::open(after, "HIVE", {});
    ASSERT_TRUE(again);
    EXPECT_EQ((*again)->key_info((*again)->root()).value_count, unsigned{threads * rounds});
}

// No call asks for durability here: a changed hive is flushed at an interval's end, and one that then rests for another
// gets its primary file written.
TEST(MountedHiveTest, TheLazyWriterFlushesAndThenReconcilesAHiveAtRest) {
    ob::initialize();
    Registry::Options options;
    options.lazy_flush_seconds = 1;
    auto registry = Registry::start(options);
    ASSERT_TRUE(registry);
    GatedEnv env;
    hive::HiveOptions create;
    create.path = "HIVE";
    auto storage = hive::Hive::create(env, create);
    ASSERT_TRUE(storage);
    const hive::CellIndex root = (*storage)->root();
    ASSERT_TRUE((*storage)->set_value(root, u"v", REG_BINARY, {}, 1));
    ASSERT_TRUE((*registry)->mount(u"\\Registry\\Machine\\Lazy", std::move(*storage), {}));
    env.gate.await_base_blocks(2);  // dirty by the flush, clean by the write-back
    registry->reset();
}

TEST(MountedHiveTest, AFailedSyncIsSaidInTheDebugOutput) {
    ob::initialize();
    auto registry = Registry::start({});
    ASSERT_TRUE(registry);
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const std::uint64_t before = ex::DebugSink::instance().last_sequence();
    const auto file = rtl::file_of_descriptor(ends[1]);  // a pipe cannot be synced
    ASSERT_TRUE(file);
    EXPECT_EQ((*file)->sync().error().code(), STATUS_REGISTRY_IO_FAILED);
    const auto lines = ex::DebugSink::instance().read(before);
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_NE(lines[0].text.find("fdatasync failed: Invalid argument (errno 22)"), std::string::npos) << lines[0].text;
    ::close(ends[0]);
    ::close(ends[1]);
    registry->reset();
}

}  // namespace
}  // namespace regent::cm
