// A save goes on beside readers, and writers do not wait for its disk.
#include <atomic>
#include <functional>
#include <thread>

#include "cm/registry_fixture.h"
#include "hive/format.h"

namespace regent::cm {
namespace {

// A file whose first write of bins, and whose first sync, wait until the test has done something meanwhile.
class GatedFile final : public rtl::File {
public:
    // One stop of the save: reached() waits for it, open() lets it go on.
    class Gate {
    public:
        void pass() {
            const ExclusiveGuard guard(lock_);
            reached_ = true;
            changed_.notify_all();
            changed_.wait(lock_, [this]() RG_NO_ANALYSIS { return open_; });
        }
        void reached() {
            const ExclusiveGuard guard(lock_);
            changed_.wait(lock_, [this]() RG_NO_ANALYSIS { return reached_; });
        }
        void open() {
            const ExclusiveGuard guard(lock_);
            open_ = true;
            changed_.notify_all();
        }

    private:
        Mutex<LockRank::leaf> lock_;
        rtl::ConditionVariable changed_;
        bool reached_ RG_GUARDED_BY(lock_) = false;
        bool open_ RG_GUARDED_BY(lock_) = false;
    };
    Gate writing, syncing;

    Result<std::uint64_t> size() override { return 0; }
    Result<std::size_t> read_at(std::uint64_t, MutableBytes) override { return 0; }
    Result<void> write_at(std::uint64_t offset, Bytes) override {
        if (offset != 0) writing.pass();
        return {};
    }
    Result<void> truncate(std::uint64_t) override { return {}; }
    Result<void> sync() override {
        syncing.pass();
        return {};
    }
    Result<void> lock() override { return {}; }
};

class SaveTest : public RegistryTest {};

// A file that knows how often a save has begun: the first bins come again.
class WatchedFile final : public rtl::File {
public:
    explicit WatchedFile(std::function<void()> third) : third_(std::move(third)) {}
    Result<std::uint64_t> size() override { return 0; }
    Result<std::size_t> read_at(std::uint64_t, MutableBytes) override { return 0; }
    Result<void> write_at(std::uint64_t offset, Bytes) override {
        if (offset == hive::bins_start && ++begun_ == 3) third_();
        return {};
    }
    Result<void> truncate(std::uint64_t) override { return {}; }
    Result<void> sync() override { return {}; }
    Result<void> lock() override { return {}; }

private:
    const std::function<void()> third_;
    int begun_ = 0;
};

// Once a save keeps writers out, one that waits for it must not keep readers waiting as well: this one would for ever.
TEST_F(SaveTest, readers_proceed_while_a_writer_waits_for_the_save) {
    const KeyRef top = made(u"\\Registry\\Machine\\Test\\k");
    // So much data that the first step of each pass writes bins.
    const std::vector<std::byte> data(1500, std::byte{'d'});
    for (int i = 0; i < 2500; ++i) {
        const KeyRef key = made(u"\\Registry\\Machine\\Test\\k\\" + rtl::from_utf8(std::to_string(i)));
        ASSERT_TRUE(set_value(*key, u"v", REG_BINARY, data));
    }
    ASSERT_TRUE(set(top, u"read", 7));
    std::atomic<bool> over = false;
    std::thread writer([&] {
        for (std::uint32_t i = 0; !over; ++i) EXPECT_TRUE(set(top, u"written", i));
    });
    bool proceeded = false;
    const auto read_much = [&] {
        std::thread reader([&] {
            for (int i = 0; i < 2000; ++i) EXPECT_EQ(get(top, u"read"), 7U);
        });
        reader.join();
        proceeded = true;
    };
    // The writer may, by chance, not come between often enough.
    while (!proceeded) {
        WatchedFile file(read_much);
        ASSERT_TRUE(save_key(*top, file, hive::Format::v1_5));
    }
    over = true;
    writer.join();
}

TEST_F(SaveTest, readers_proceed_during_a_save_and_writers_during_its_sync) {
    const KeyRef key = made(u"\\Registry\\Machine\\Test\\k");
    ASSERT_TRUE(set(key, u"v", 1));
    GatedFile file;
    std::thread saver([&] { EXPECT_TRUE(save_key(*key, file, hive::Format::v1_5)); });
    file.writing.reached();
    EXPECT_EQ(get(key, u"v"), 1u);  // would not come back if the save kept readers out
    file.writing.open();
    file.syncing.reached();
    EXPECT_TRUE(set(key, u"v", 2));  // would not come back if the save kept writers out until its data is durable
    file.syncing.open();
    saver.join();
    EXPECT_EQ(get(key, u"v"), 2u);
}

}  // namespace
}  // namespace regent::cm
