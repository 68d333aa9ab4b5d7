// The C++ driver with structured exceptions: buffers of callers may go while it reads them.
#include <sys/mman.h>
#include <unistd.h>

#include "host_fixture.h"

namespace regent::test {
namespace {

class SehGuard : public DriverHost {};

TEST_F(SehGuard, reads_buffers_that_may_be_gone) {
    const std::string area = "\\Registry\\Machine\\Software\\SehGuard";
    set_parameter("seh_guard", "Subtree", "\\REGISTRY\\MACHINE\\SOFTWARE\\SehGuard");
    HANDLE key = make_key(area);
    Named value("Size");
    ULONG number = 5;
    ASSERT_EQ(ZwSetValueKey(key, &value.string, 0, REG_DWORD, &number, sizeof number), STATUS_SUCCESS);
    ASSERT_EQ(load("seh_guard", "seh_guard.sys"), STATUS_SUCCESS);
    // One page that is there and one that is not: the answer fits into the first, the driver reads on into the second.
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    void* const pages = mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(pages, MAP_FAILED);
    auto* const end = static_cast<std::byte*>(pages) + page;
    ASSERT_EQ(mprotect(end, page, PROT_NONE), 0);
    ULONG needed = 0;
    EXPECT_EQ(ZwQueryValueKey(key, &value.string, KeyValuePartialInformation, end - 32, 32, &needed), STATUS_SUCCESS);
    EXPECT_EQ(ZwQueryValueKey(key, &value.string, KeyValuePartialInformation, end - 32, 64, &needed), STATUS_SUCCESS);
    munmap(pages, 2 * page);
    ZwClose(key);
    EXPECT_EQ(unload("seh_guard"), STATUS_SUCCESS);
    EXPECT_TRUE(printed("seh_guard: 32 bytes seen, 1 buffers gone")) << printed_after("seh_guard: ");
    EXPECT_FALSE(printed("left behind"));
}

}  // namespace
}  // namespace regent::test
