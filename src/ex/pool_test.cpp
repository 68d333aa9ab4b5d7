#include "ex/pool.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "ex/debug_sink.h"
#include "rtl/rtl_allocator.h"

namespace regent::ex {
namespace {

constexpr ULONG tag = 0x74736554;  // "Test"

PoolUsage row_of(ULONG wanted) {
    for (const PoolUsage& usage : pool_usage()) {
        if (usage.tag == wanted && usage.driver == 0) return usage;
    }
    return {};
}

TEST(Pool, counts_blocks_and_bytes_by_tag) {
    PVOID a = ExAllocatePoolWithTag(NonPagedPool, 100, tag);
    PVOID b = ExAllocatePoolZero(PagedPool, 28, tag);
    ASSERT_NE(a, nullptr);
    EXPECT_EQ(reinterpret_cast<ULONG_PTR>(a) % 16, 0u);
    EXPECT_EQ(static_cast<char*>(b)[27], 0);
    EXPECT_EQ(row_of(tag).blocks, 2u);
    EXPECT_EQ(row_of(tag).bytes, 128u);
    ExFreePoolWithTag(a, tag);
    ExFreePool(b);
    EXPECT_EQ(row_of(tag).blocks, 0u);
    EXPECT_EQ(row_of(tag).allocations, 2u);
    EXPECT_EQ(tag_text(tag), "Test");
}

TEST(Pool, pages_are_page_aligned) {
    for (SIZE_T size : {SIZE_T{4096}, SIZE_T{4097}, SIZE_T{100000}}) {
        PVOID block = ExAllocatePool2(POOL_FLAG_PAGED, size, tag);
        EXPECT_EQ(reinterpret_cast<ULONG_PTR>(block) % 4096, 0u);
        EXPECT_EQ(static_cast<char*>(block)[size - 1], 0);
        ExFreePoolWithTag(block, tag);
    }
}

TEST(Pool, pool2_refuses_bad_requests) {
    EXPECT_EQ(ExAllocatePool2(POOL_FLAG_PAGED, 8, 0), nullptr);
    EXPECT_EQ(ExAllocatePool2(0, 8, tag), nullptr);
    EXPECT_EQ(ExAllocatePool2(POOL_FLAG_PAGED | POOL_FLAG_NON_PAGED, 8, tag), nullptr);
    EXPECT_EQ(ExAllocatePool2(POOL_FLAG_PAGED | 0x8000, 8, tag), nullptr);
    EXPECT_EQ(ExAllocatePoolWithTag(PagedPool, SIZE_MAX - 100, tag), nullptr);
}

TEST(Pool, blocks_belong_to_the_driver_whose_code_asked) {
    static char image[64];
    const DriverId id = add_driver_image("sample", image, sizeof image);
    PVOID block = allocate_pool(NonPagedPool, 10, tag, image + 5);
    ASSERT_EQ(pool_left_by(id).size(), 1u);
    EXPECT_EQ(pool_left_by(id)[0].bytes, 10u);
    EXPECT_EQ(driver_name(id), "sample");
    remove_driver_image(id);
    EXPECT_EQ(driver_of(image), 0u);
    ExFreePool(block);
    EXPECT_TRUE(pool_left_by(id).empty());
}

TEST(Pool, strings_are_pool_blocks) {
    void* buffer = rtl::allocate_string(10);
    EXPECT_EQ(row_of(0x67727453).blocks, 1u);
    ExFreePool(buffer);
}

TEST(PoolDeathTest, misuse_stops_with_a_report) {
    EXPECT_DEATH(ExFreePoolWithTag(ExAllocatePoolWithTag(PagedPool, 8, tag), tag + 1),
                 "BAD_POOL_CALLER .0x000000000000000A");
    EXPECT_DEATH(ExFreePool(nullptr), "BAD_POOL_CALLER");
    EXPECT_DEATH(
        {
            PVOID block = ExAllocatePoolWithTag(PagedPool, 8, tag);
            memset(block, 1, 9);
            ExFreePool(block);
        },
        "DRIVER_VERIFIER_DETECTED_VIOLATION .0x0000000000000051");
}

#ifndef NDEBUG
TEST(PoolDeathTest, double_free_is_seen) {
    EXPECT_DEATH(
        {
            PVOID block = ExAllocatePoolWithTag(PagedPool, 8, tag);
            ExFreePool(block);
            ExFreePool(block);
        },
        "BAD_POOL_CALLER .0x0000000000000007");
}
#endif

TEST(Lookaside, gives_back_what_was_freed) {
    NPAGED_LOOKASIDE_LIST list;
    ExInitializeNPagedLookasideList(&list, nullptr, nullptr, 0, 64, tag, 0);
    PVOID first = ExAllocateFromNPagedLookasideList(&list);
    ExFreeToNPagedLookasideList(&list, first);
    EXPECT_EQ(ExAllocateFromNPagedLookasideList(&list), first);
    ExFreeToNPagedLookasideList(&list, first);
    ExDeleteNPagedLookasideList(&list);
    EXPECT_EQ(row_of(tag).blocks, 0u);
}

std::string last_line() {
    DebugSink& sink = DebugSink::instance();
    const auto lines = sink.read(sink.last_sequence() - 1);
    return lines.empty() ? "" : lines.back().text;
}

TEST(DebugPrint, makes_lines_of_pieces) {
    const std::uint64_t before = DebugSink::instance().last_sequence();
    DbgPrint("one ");
    DbgPrint("%d\r\ntwo\nrest", 2);
    const auto lines = DebugSink::instance().read(before);
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_EQ(lines[0].text, "one 2");
    EXPECT_EQ(lines[1].text, "two");
    EXPECT_EQ(lines[1].sequence, before + 2);
    DbgPrint("\n");
    EXPECT_EQ(last_line(), "rest");
}

TEST(DebugPrint, filter_works_by_component_and_level) {
    const std::uint64_t before = DebugSink::instance().last_sequence();
    DbgPrintEx(DPFLTR_NTFS_ID, DPFLTR_INFO_LEVEL, "hidden\n");
    EXPECT_EQ(DebugSink::instance().last_sequence(), before);
    DbgPrintEx(DPFLTR_NTFS_ID, DPFLTR_ERROR_LEVEL, "error\n");
    DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_INFO_LEVEL, "info\n");
    EXPECT_EQ(DebugSink::instance().last_sequence(), before + 2);
    DbgSetDebugFilterState(DPFLTR_NTFS_ID, DPFLTR_INFO_LEVEL, TRUE);
    DbgPrintEx(DPFLTR_NTFS_ID, DPFLTR_INFO_LEVEL, "now shown\n");
    EXPECT_EQ(last_line(), "now shown");
    DbgSetDebugFilterState(DPFLTR_NTFS_ID, DPFLTR_INFO_LEVEL, FALSE);
}

TEST(DebugPrint, one_call_is_cut_at_512_bytes) {
    DbgPrint("%600s", "x");
    DbgPrint("\n");
    EXPECT_EQ(last_line().size(), 512u);
}

TEST(DebugPrint, readers_wait_for_new_lines) {
    DebugSink& sink = DebugSink::instance();
    const std::uint64_t before = sink.last_sequence();
    EXPECT_TRUE(sink.wait_and_read(before, 1).empty());
    std::thread printer([] { DbgPrint("hello\n"); });
    const auto lines = sink.wait_and_read(before, -1);
    printer.join();
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_EQ(lines[0].text, "hello");
}

}  // namespace
}  // namespace regent::ex
