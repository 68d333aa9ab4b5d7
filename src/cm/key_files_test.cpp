// Keys that are locked, and flushes that are frozen.
#include <atomic>
#include <thread>

#include "cm/flush_gate.h"
#include "cm/registry_fixture.h"
#include "rtl/time.h"

namespace regent::cm {
namespace {

class KeyFilesTest : public RegistryTest {};

NTSTATUS rename(const KeyRef& key, Utf16View name) {
    return rtl::to_ntstatus(rename_key(*key, name, ob::system_process().token(), ob::kernel_mode));
}

TEST_F(KeyFilesTest, nothing_changes_a_locked_key_or_what_is_below_it) {
    const KeyRef above = made(u"\\Registry\\Machine\\Test\\above");
    const KeyRef key = made(u"\\Registry\\Machine\\Test\\above\\key");
    const KeyRef below = made(u"\\Registry\\Machine\\Test\\above\\key\\below");
    ASSERT_TRUE(set(key, u"v", 1));
    ASSERT_TRUE(set(below, u"v", 1));
    ASSERT_TRUE(lock_key(*key));
    for (const KeyRef& each : {key, below}) {
        EXPECT_EQ(rtl::to_ntstatus(set(each, u"v", 2)), STATUS_ACCESS_DENIED);
        EXPECT_EQ(rtl::to_ntstatus(delete_value(*each, u"v")), STATUS_ACCESS_DENIED);
        EXPECT_EQ(rename(each, u"other"), STATUS_ACCESS_DENIED);
        EXPECT_EQ(get(each, u"v"), 1U);
    }
    EXPECT_EQ(rtl::to_ntstatus(delete_key(*below)), STATUS_ACCESS_DENIED);
    EXPECT_EQ(create({u"\\Registry\\Machine\\Test\\above\\key\\new"}), STATUS_ACCESS_DENIED);
    EXPECT_EQ(open({u"\\Registry\\Machine\\Test\\above\\key"}), STATUS_SUCCESS);
    // What leads to it keeps its name; everything else there is free.
    EXPECT_EQ(rename(above, u"elsewhere"), STATUS_ACCESS_DENIED);
    EXPECT_TRUE(set(above, u"v", 2));
    EXPECT_EQ(create({u"\\Registry\\Machine\\Test\\above\\free"}), STATUS_SUCCESS);
}

TEST_F(KeyFilesTest, a_lock_ends_with_the_registry) {
    ASSERT_TRUE(lock_key(*made(u"\\Registry\\Machine\\Test\\key")));
    TearDown();
    SetUp();
    EXPECT_TRUE(set(made(u"\\Registry\\Machine\\Test\\key"), u"v", 1));
}

TEST_F(KeyFilesTest, a_flush_waits_for_the_thaw) {
    const KeyRef key = made(u"\\Registry\\Machine\\Test\\key");
    flush_gate().freeze(std::chrono::hours(1));
    std::atomic<bool> flushed{false};
    std::thread flusher([&] {
        EXPECT_TRUE(flush_key(*key));
        flushed = true;
    });
    EXPECT_TRUE(set(key, u"v", 1));  // memory goes on changing
    EXPECT_TRUE(flush_gate().shut());
    EXPECT_FALSE(flushed);
    flush_gate().thaw();
    flusher.join();
    EXPECT_TRUE(flushed);
}

TEST_F(KeyFilesTest, a_shorter_freeze_takes_the_place_of_a_longer_one) {
    flush_gate().freeze(std::chrono::hours(1));
    std::thread waiter([] { flush_gate().wait_until_open(); });
    flush_gate().freeze(std::chrono::seconds(0));
    waiter.join();
    EXPECT_FALSE(flush_gate().shut());
}

TEST_F(KeyFilesTest, a_restore_that_fails_leaves_what_was_there) {
    const KeyRef key = made(u"\\Registry\\Machine\\Test\\key");
    ASSERT_TRUE(set(key, u"v", 1));
    made(u"\\Registry\\Machine\\Test\\key\\sub");
    auto source = hive::Hive::create(rtl::real_env(), {});
    ASSERT_TRUE(source);
    // A tree deeper than what is left of the levels below the key.
    hive::CellIndex at = (*source)->root();
    const Bytes root_security = (*source)->security(at);
    const std::vector<std::byte> security(root_security.begin(), root_security.end());
    for (std::uint32_t level = 0; level + 1 < hive::max_key_depth; ++level) {
        const auto next =
            (*source)->create_subkey(at, u"deep", {}, security, hive::StorageType::stable, rtl::nt_time_now());
        if (!next) break;
        at = *next;
    }
    EXPECT_FALSE(restore_key(*key, **source));
    EXPECT_EQ(get(key, u"v"), 1U);
    EXPECT_EQ(subkeys(key), "sub");
}

}  // namespace
}  // namespace regent::cm
