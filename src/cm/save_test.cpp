// A save goes on beside readers, and writers do not wait for its disk.
#include <thread>

#include "cm/registry_fixture.h"

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
