#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "rtl/sim_env.h"

namespace regent::rtl {
namespace {

constexpr char content[] = "what is written";

Result<void> write_content(File& file) {
    RG_TRY(file.write_at(0, as_bytes(content, 8)));
    return file.write_at(8, as_bytes(content + 8, sizeof(content) - 8));
}
const std::string whole(content, sizeof(content));

TEST(WriteNewFile, ACrashLeavesItEmptyWholeOrNotThere) {
    SimEnv env;
    ASSERT_TRUE(write_new_file(env, "OUT", "IN", write_content));
    EXPECT_EQ(env.contents(), (DiskImage{{"OUT", whole}}));
    for (std::size_t events = 0; events <= env.event_count(); ++events) {
        for (const LossModel model : {LossModel::none, LossModel::all, LossModel::torn, LossModel::prefix,
                                      LossModel::subset, LossModel::reordered}) {
            for (std::uint64_t seed = 0; seed < 20; ++seed) {
                const DiskImage disk = env.after_crash(events, model, seed);
                const auto out = disk.find("OUT");
                const bool good = out == disk.end() || out->second.empty() || out->second == whole;
                EXPECT_TRUE(good) << events << " events, model " << static_cast<int>(model) << ", seed " << seed;
                EXPECT_TRUE(events != env.event_count() || disk == (DiskImage{{"OUT", whole}}));
            }
        }
    }
}

TEST(WriteNewFile, AFailureLeavesNothingAndAnExistingFileIsKept) {
    std::size_t failures = 0;
    for (std::size_t event = 0;; ++event) {
        SimEnv env(DiskImage{{"OUT.partial", "of a run that was cut short"}});
        env.fail_at(event, STATUS_DISK_FULL, false);
        const auto done = write_new_file(env, "OUT", "IN", write_content);
        if (done) break;
        ++failures;
        EXPECT_EQ(done.error().code(), STATUS_DISK_FULL);
        EXPECT_FALSE(env.contents().contains("OUT"));
    }
    EXPECT_GE(failures, 6U);
    SimEnv env(DiskImage{{"OUT", "somebody's"}});
    EXPECT_EQ(write_new_file(env, "OUT", "IN", write_content).error().code(), STATUS_OBJECT_NAME_COLLISION);
    EXPECT_EQ(env.contents(), (DiskImage{{"OUT", "somebody's"}}));
}

class Protection : public testing::Test {
protected:
    Protection() {
        std::string pattern = testing::TempDir() + "protectionXXXXXX";
        folder_ = ::mkdtemp(pattern.data());
    }
    ~Protection() override {
        ::umask(mask_);
        std::filesystem::remove_all(folder_);
    }
    std::string path(const char* name) const { return folder_ + "/" + name; }
    void make(const char* name, mode_t mode) const {
        ASSERT_TRUE(real_env().open(path(name), OpenMode::create));
        ASSERT_EQ(::chmod(path(name).c_str(), mode), 0);
    }
    struct stat status(const char* name) const {
        struct stat info = {};
        EXPECT_EQ(::stat(path(name).c_str(), &info), 0);
        return info;
    }
    mode_t mode_of(const char* name) const { return status(name).st_mode & 07777U; }

private:
    std::string folder_;
    const mode_t mask_ = ::umask(022);
};

TEST_F(Protection, AFileMadeLikeAnotherHasItsModeWhateverTheMask) {
    for (const mode_t mode : {0600U, 0640U, 0664U, 0400U}) {
        make("model", mode);
        ASSERT_TRUE(real_env().open_like(path("made"), OpenMode::create_new, path("model")));
        EXPECT_EQ(mode_of("made"), mode);
        ASSERT_TRUE(real_env().remove(path("made")));
        ASSERT_TRUE(real_env().remove(path("model")));
    }
    ASSERT_TRUE(real_env().open_like(path("alone"), OpenMode::create, path("model")));  // no model
    EXPECT_EQ(mode_of("alone"), 0644U);
}

TEST_F(Protection, AFileThatWasThereIsProtectedWhenItIsOpened) {
    make("model", 0600);
    make("made", 0644);
    ASSERT_TRUE(real_env().open_like(path("made"), OpenMode::create, path("model")));
    EXPECT_EQ(mode_of("made"), 0600U);
}

TEST_F(Protection, OwnerAndGroupFollowWhereTheyMay) {
    if (::geteuid() != 0) GTEST_SKIP() << "only the superuser gives files away";
    make("model", 0640);
    ASSERT_EQ(::chown(path("model").c_str(), 12345, 23456), 0);
    ASSERT_TRUE(real_env().open_like(path("made"), OpenMode::create_new, path("model")));
    EXPECT_EQ(status("made").st_uid, 12345U);
    EXPECT_EQ(status("made").st_gid, 23456U);
    EXPECT_EQ(mode_of("made"), 0640U);
}

}  // namespace
}  // namespace regent::rtl
