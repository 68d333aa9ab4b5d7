// What needs no executive: error codes, texts, conversions, names.
#include <gtest/gtest.h>

#include <cstdlib>

#include "nt/ntstatus.h"
#include "win32/convert.h"
#include "win32/message.h"
#include "win32/winbase.h"
#include "win32/winerror.h"

namespace regent::win32 {
namespace {

TEST(Errors, map_as_windows_does) {
    EXPECT_EQ(RtlNtStatusToDosError(STATUS_SUCCESS), 0u);
    EXPECT_EQ(RtlNtStatusToDosError(STATUS_BUFFER_OVERFLOW), 234u);
    EXPECT_EQ(RtlNtStatusToDosError(STATUS_OBJECT_TYPE_MISMATCH), 6u);
    EXPECT_EQ(RtlNtStatusToDosError(STATUS_CANNOT_DELETE), 5u);
    EXPECT_EQ(RtlNtStatusToDosError(STATUS_REGISTRY_CORRUPT), 1009u);
    EXPECT_EQ(RtlNtStatusToDosError(STATUS_PENDING), 997u);
    EXPECT_EQ(RtlNtStatusToDosError(static_cast<NTSTATUS>(0xC00000F5)), 87u);  // INVALID_PARAMETER_7
    EXPECT_EQ(RtlNtStatusToDosError(static_cast<NTSTATUS>(0x80070005)), 5u);
    EXPECT_EQ(RtlNtStatusToDosError(static_cast<NTSTATUS>(0xE0001234)), 0xE0001234u);
    EXPECT_EQ(RtlNtStatusToDosError(static_cast<NTSTATUS>(0xC0FFEE00)), 317u);
}

TEST(Errors, last_error_belongs_to_the_thread) {
    SetLastError(5);
    EXPECT_EQ(GetLastError(), 5u);
}

TEST(MessageText, delivers_and_allocates) {
    char buffer[64];
    EXPECT_EQ(FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, nullptr, ERROR_ACCESS_DENIED,
                             0, buffer, sizeof buffer, nullptr),
              19u);
    EXPECT_STREQ(buffer, "Access is denied.\r\n");
    WCHAR* block = nullptr;
    const DWORD length = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_ALLOCATE_BUFFER, nullptr,
                                        ERROR_FILE_NOT_FOUND, 0, reinterpret_cast<LPWSTR>(&block), 0, nullptr);
    EXPECT_EQ(Utf16View(block, length), u"The system cannot find the file specified.\r\n");
    LocalFree(block);
    EXPECT_EQ(FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM, nullptr, 99999, 0, buffer, sizeof buffer, nullptr), 0u);
    EXPECT_EQ(GetLastError(), DWORD{ERROR_MR_MID_NOT_FOUND});
    EXPECT_EQ(error_text(99999), "Error 99999.");
}

TEST(Text, code_pages_are_utf8) {
    WCHAR wide[8];
    EXPECT_EQ(MultiByteToWideChar(CP_ACP, 0, "h\xC3\xA9", -1, nullptr, 0), 3);
    EXPECT_EQ(MultiByteToWideChar(CP_ACP, 0, "h\xC3\xA9", -1, wide, 8), 3);
    EXPECT_EQ(wide[1], u'\u00E9');
    EXPECT_EQ(MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, "\xFF", 1, wide, 8), 0);
    EXPECT_EQ(GetLastError(), DWORD{ERROR_NO_UNICODE_TRANSLATION});
    char narrow[4];
    EXPECT_EQ(WideCharToMultiByte(CP_ACP, 0, u"\u00E9\u00E9\u00E9", -1, narrow, 4, nullptr, nullptr), 0);
    EXPECT_EQ(GetLastError(), DWORD{ERROR_INSUFFICIENT_BUFFER});
    EXPECT_EQ(lstrcmpiA("ABC", "abc"), 0);
}

TEST(Text, environment_is_expanded_without_case) {
    setenv("Regent_Test_Var", "value", 1);
    EXPECT_EQ(expand_environment(u"a%REGENT_TEST_VAR%b"), u"avalueb");
    EXPECT_EQ(expand_environment(u"100% of %no such variable%"), u"100% of %no such variable%");
}

TEST(FileNames, devices_nt_names_and_linux_paths) {
    EXPECT_EQ(nt_file_name(u"\\\\.\\Cancel"), u"\\??\\Cancel");
    EXPECT_EQ(nt_file_name(u"\\??\\UNIX\\x"), u"\\??\\UNIX\\x");
    EXPECT_EQ(nt_file_name(u"/tmp/a b.hiv"), u"\\??\\UNIX\\tmp\\a b.hiv");
    EXPECT_TRUE(nt_file_name(u"x").starts_with(u"\\??\\UNIX\\"));
    EXPECT_TRUE(nt_file_name(u"").empty());
}

TEST(FileTime, converts_to_the_calendar) {
    const FILETIME epoch{0xD53E8000, 0x019DB1DE};  // 1970-01-01
    SYSTEMTIME time;
    ASSERT_TRUE(FileTimeToSystemTime(&epoch, &time));
    EXPECT_EQ(time.wYear, 1970);
    EXPECT_EQ(time.wMonth, 1);
    EXPECT_EQ(time.wDay, 1);
    const FILETIME zero{0, 0};
    ASSERT_TRUE(FileTimeToSystemTime(&zero, &time));
    EXPECT_EQ(time.wYear, 1601);
}

}  // namespace
}  // namespace regent::win32
