#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "rtl/format.h"
#include "rtl/utf16.h"
#include "wdk/ntddk.h"
#include "wdk/ntstrsafe.h"

namespace regent::rtl {
namespace {

std::string narrow(const char* format, ...) {
    va_list list;
    va_start(list, format);
    VaListArguments arguments(list);
    std::string text = format_narrow(format, arguments);
    va_end(list);
    return text;
}

std::string wide(const char16_t* format, ...) {
    va_list list;
    va_start(list, format);
    VaListArguments arguments(list);
    const Utf16 text = format_wide(format, arguments);
    va_end(list);
    return to_utf8(text);
}

UNICODE_STRING counted(Utf16& buffer) {
    UNICODE_STRING string = unicode_string(buffer);
    string.MaximumLength = static_cast<USHORT>(buffer.capacity() * 2);
    return string;
}

TEST(Format, integers) {
    EXPECT_EQ(narrow("%d %i %u", -5, 6, -1), "-5 6 4294967295");
    EXPECT_EQ(narrow("%lx %lu", 0x1234567890L, -1L), "34567890 4294967295");  // l is 32 bits
    EXPECT_EQ(narrow("%I64x %lld %I64d", 0x1234567890LL, -7LL, INT64_MIN), "1234567890 -7 -9223372036854775808");
    EXPECT_EQ(narrow("%08x|%-6d|%+d|% d|%#x|%.4d|%5.3d", 0xBEEF, 42, 42, 42, 255, 7, 7),
              "0000beef|42    |+42| 42|0xff|0007|  007");
    EXPECT_EQ(narrow("%hd %hhu %o %X", 0x12345, 0x1FF, 8, 0xABC), "9029 255 10 ABC");
    EXPECT_EQ(narrow("%*d|%-*d|%.*d", 4, 1, 4, 1, 3, 1), "   1|1   |001");
    EXPECT_EQ(narrow("%p", reinterpret_cast<void*>(0xABCDEF)), "0000000000ABCDEF");
    EXPECT_EQ(narrow("%Ix %zu", std::size_t{1} << 40, std::size_t{1} << 40), "10000000000 1099511627776");
    EXPECT_EQ(narrow("100%% %"), "100% ");
}

TEST(Format, text) {
    Utf16 buffer = u"k\u00e9y tail";
    UNICODE_STRING string = counted(buffer);
    string.Length = 6;
    char ansi[] = "ansi tail";
    STRING ansi_string{4, 9, ansi};
    EXPECT_EQ(narrow("%wZ %Z", &string, &ansi_string), "k\u00e9y ansi");
    EXPECT_EQ(narrow("%ws %ls %S %hs %s", u"a", u"b", u"c", "d", "e"), "a b c d e");
    EXPECT_EQ(narrow("%c%C%wc%lc", 'x', u'\u00e9', u'y', u'z'), "x\u00e9yz");
    EXPECT_EQ(narrow("[%5s][%-5S][%.2s][%.3ws]", "ab", u"cd", "efgh", u"ijkl"), "[   ab][cd   ][ef][ijk]");
    EXPECT_EQ(narrow("%s %ws %wZ %Z", nullptr, nullptr, nullptr, nullptr), "(null) (null) (null) (null)");
    UNICODE_STRING empty{};
    EXPECT_EQ(narrow("[%wZ]", &empty), "[(null)]");
    EXPECT_EQ(wide(u"%s %S %hs %ws %d", u"wide", "narrow", "half", u"w", 3), "wide narrow half w 3");
}

TEST(RtlString, init_copy_append) {
    UNICODE_STRING text;
    RtlInitUnicodeString(&text, u"abc");
    EXPECT_EQ(text.Length, 6);
    EXPECT_EQ(text.MaximumLength, 8);
    RtlInitUnicodeString(&text, nullptr);
    EXPECT_EQ(text.Buffer, nullptr);
    EXPECT_EQ(text.MaximumLength, 0);
    char16_t buffer[5] = {1, 1, 1, 1, 1};
    UNICODE_STRING to{0, 8, buffer};
    UNICODE_STRING from;
    RtlInitUnicodeString(&from, u"ab");
    RtlCopyUnicodeString(&to, &from);
    EXPECT_EQ(to.Length, 4);
    EXPECT_EQ(buffer[2], 0);
    EXPECT_EQ(RtlAppendUnicodeToString(&to, u"xyz"), STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQ(RtlAppendUnicodeStringToString(&to, &from), STATUS_SUCCESS);
    EXPECT_EQ(view(to), u"abab");
    EXPECT_EQ(buffer[4], 1);
}

TEST(RtlString, compare_and_case) {
    UNICODE_STRING a;
    UNICODE_STRING b;
    RtlInitUnicodeString(&a, u"\\Registry\\Machine");
    RtlInitUnicodeString(&b, u"\\REGISTRY\\MACHINE\\X");
    EXPECT_TRUE(RtlPrefixUnicodeString(&a, &b, TRUE));
    EXPECT_FALSE(RtlPrefixUnicodeString(&a, &b, FALSE));
    EXPECT_FALSE(RtlEqualUnicodeString(&a, &b, TRUE));
    EXPECT_LT(RtlCompareUnicodeString(&a, &b, TRUE), 0);
    EXPECT_GT(RtlCompareUnicodeString(&a, &b, FALSE), 0);
    UNICODE_STRING lower{};
    ASSERT_EQ(RtlDowncaseUnicodeString(&lower, &b, TRUE), STATUS_SUCCESS);
    EXPECT_EQ(view(lower), u"\\registry\\machine\\x");
    RtlFreeUnicodeString(&lower);
    EXPECT_EQ(lower.Buffer, nullptr);
    EXPECT_EQ(RtlDowncaseUnicodeChar(u'\u00c9'), u'\u00e9');
    EXPECT_EQ(RtlDowncaseUnicodeChar(u'\u03a3'), u'\u03c3');
    EXPECT_EQ(RtlUpcaseUnicodeString(&lower, &b, FALSE), STATUS_BUFFER_OVERFLOW);
}

TEST(RtlString, numbers_and_guids) {
    char16_t buffer[12];
    UNICODE_STRING text{0, sizeof buffer, buffer};
    ASSERT_EQ(RtlIntegerToUnicodeString(0xBEEF, 16, &text), STATUS_SUCCESS);
    EXPECT_EQ(view(text), u"BEEF");
    EXPECT_EQ(RtlIntegerToUnicodeString(1, 3, &text), STATUS_INVALID_PARAMETER);
    text.MaximumLength = 8;
    EXPECT_EQ(RtlIntegerToUnicodeString(12345, 10, &text), STATUS_BUFFER_OVERFLOW);
    ULONG value = 0;
    RtlInitUnicodeString(&text, u"  -0x1F zz");
    EXPECT_EQ(RtlUnicodeStringToInteger(&text, 0, &value), STATUS_SUCCESS);
    EXPECT_EQ(value, static_cast<ULONG>(-31));
    GUID guid;
    RtlInitUnicodeString(&text, u"{01234567-89ab-cdef-0123-456789ABCDEF}");
    ASSERT_EQ(RtlGUIDFromString(&text, &guid), STATUS_SUCCESS);
    UNICODE_STRING again{};
    ASSERT_EQ(RtlStringFromGUID(&guid, &again), STATUS_SUCCESS);
    EXPECT_TRUE(RtlEqualUnicodeString(&text, &again, TRUE));
    RtlFreeUnicodeString(&again);
}

TEST(RtlString, conversions) {
    STRING ansi;
    RtlInitAnsiString(&ansi, "k\u00e9y");
    UNICODE_STRING text{};
    ASSERT_EQ(RtlAnsiStringToUnicodeString(&text, &ansi, TRUE), STATUS_SUCCESS);
    EXPECT_EQ(view(text), u"k\u00e9y");
    EXPECT_EQ(RtlAnsiStringToUnicodeSize(&ansi), 8u);
    RtlFreeUnicodeString(&text);
    ULONG bytes = 0;
    char16_t buffer[2];
    EXPECT_EQ(RtlUTF8ToUnicodeN(nullptr, 0, &bytes, "abc", 3), STATUS_SUCCESS);
    EXPECT_EQ(bytes, 6u);
    EXPECT_EQ(RtlUTF8ToUnicodeN(buffer, 4, &bytes, "abc", 3), STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQ(RtlUTF8ToUnicodeN(buffer, 4, &bytes, "a\xFF", 2), STATUS_SOME_NOT_MAPPED);
}

TEST(StrSafe, cuts_terminates_and_tells) {
    char16_t buffer[4] = {9, 9, 9, 9};
    EXPECT_EQ(RtlStringCbCopyW(buffer, sizeof buffer, u"abcdef"), STATUS_BUFFER_OVERFLOW);
    EXPECT_EQ(Utf16View(buffer), u"abc");
    EXPECT_EQ(RtlStringCchPrintfW(buffer, 4, u"%d", 12), STATUS_SUCCESS);
    EXPECT_EQ(RtlStringCbCatW(buffer, sizeof buffer, u"xyz"), STATUS_BUFFER_OVERFLOW);
    EXPECT_EQ(Utf16View(buffer), u"12x");
    EXPECT_EQ(RtlStringCchCopyW(buffer, 0, u"a"), STATUS_INVALID_PARAMETER);
    char text[8];
    EXPECT_EQ(RtlStringCbPrintfA(text, sizeof text, "%ws", u"longer than that"), STATUS_BUFFER_OVERFLOW);
    EXPECT_STREQ(text, "longer ");
    size_t length = 0;
    EXPECT_EQ(RtlStringCbLengthW(u"ab", 6, &length), STATUS_SUCCESS);
    EXPECT_EQ(length, 4u);
    EXPECT_EQ(RtlStringCchLengthA("abcdef", 3, &length), STATUS_INVALID_PARAMETER);
    UNICODE_STRING counted_text{0, sizeof buffer, buffer};
    EXPECT_EQ(RtlUnicodeStringPrintf(&counted_text, u"%s", u"abcd"), STATUS_SUCCESS);
    EXPECT_EQ(counted_text.Length, 8);
}

TEST(RtlTime, fields_and_back) {
    LARGE_INTEGER time;
    RtlSecondsSince1970ToTime(951'826'154, &time);  // 2000-02-29 12:09:14, a Tuesday
    TIME_FIELDS fields;
    RtlTimeToTimeFields(&time, &fields);
    EXPECT_EQ(fields.Year, 2000);
    EXPECT_EQ(fields.Month, 2);
    EXPECT_EQ(fields.Day, 29);
    EXPECT_EQ(fields.Hour, 12);
    EXPECT_EQ(fields.Second, 14);
    EXPECT_EQ(fields.Weekday, 2);
    LARGE_INTEGER back;
    EXPECT_TRUE(RtlTimeFieldsToTime(&fields, &back));
    EXPECT_EQ(back.QuadPart, time.QuadPart);
    fields.Year = 2001;
    EXPECT_FALSE(RtlTimeFieldsToTime(&fields, &back));
    time.QuadPart = 0;
    ULONG seconds;
    EXPECT_FALSE(RtlTimeToSecondsSince1970(&time, &seconds));
}

TEST(RtlVersion, is_windows_10) {
    RTL_OSVERSIONINFOEXW version{};
    version.dwOSVersionInfoSize = sizeof version;
    EXPECT_EQ(RtlGetVersion(reinterpret_cast<PRTL_OSVERSIONINFOW>(&version)), STATUS_SUCCESS);
    EXPECT_EQ(version.dwMajorVersion, 10u);
    ULONGLONG mask = 0;
    VER_SET_CONDITION(mask, VER_MAJORVERSION, VER_GREATER_EQUAL);
    VER_SET_CONDITION(mask, VER_MINORVERSION, VER_GREATER_EQUAL);
    version.dwMajorVersion = 6;
    version.dwMinorVersion = 3;
    EXPECT_EQ(RtlVerifyVersionInfo(&version, VER_MAJORVERSION | VER_MINORVERSION, mask), STATUS_SUCCESS);
    version.dwMajorVersion = 11;
    EXPECT_EQ(RtlVerifyVersionInfo(&version, VER_MAJORVERSION | VER_MINORVERSION, mask), STATUS_REVISION_MISMATCH);
}

template <typename Table>
RTL_GENERIC_COMPARE_RESULTS compare(Table*, PVOID first, PVOID second) {
    const int a = *static_cast<int*>(first);
    const int b = *static_cast<int*>(second);
    return a < b ? GenericLessThan : a > b ? GenericGreaterThan : GenericEqual;
}
template <typename Table>
PVOID allocate(Table*, CLONG size) {
    return std::malloc(size);
}
template <typename Table>
void release(Table*, PVOID buffer) {
    std::free(buffer);
}

TEST(GenericTable, keeps_insertion_order_and_copies) {
    RTL_GENERIC_TABLE table;
    using T = RTL_GENERIC_TABLE;
    RtlInitializeGenericTable(&table, compare<T>, allocate<T>, release<T>, nullptr);
    for (int value : {5, 3, 9, 1}) {
        BOOLEAN fresh = FALSE;
        int* copy = static_cast<int*>(RtlInsertElementGenericTable(&table, &value, sizeof value, &fresh));
        EXPECT_TRUE(fresh);
        EXPECT_EQ(*copy, value);
        EXPECT_EQ(RtlInsertElementGenericTable(&table, &value, sizeof value, &fresh), copy);
        EXPECT_FALSE(fresh);
    }
    EXPECT_EQ(*static_cast<int*>(RtlGetElementGenericTable(&table, 2)), 9);
    EXPECT_EQ(*static_cast<int*>(RtlGetElementGenericTable(&table, 0)), 5);
    EXPECT_EQ(RtlGetElementGenericTable(&table, 4), nullptr);
    std::vector<int> order;
    for (PVOID p = RtlEnumerateGenericTable(&table, TRUE); p != nullptr; p = RtlEnumerateGenericTable(&table, FALSE)) {
        order.push_back(*static_cast<int*>(p));
    }
    EXPECT_EQ(order, (std::vector<int>{1, 3, 5, 9}));
    while (!RtlIsGenericTableEmpty(&table)) {
        int first = *static_cast<int*>(RtlGetElementGenericTable(&table, 0));
        EXPECT_TRUE(RtlDeleteElementGenericTable(&table, &first));
        EXPECT_FALSE(RtlDeleteElementGenericTable(&table, &first));
    }
}

TEST(GenericTable, agrees_with_a_map_over_random_operations) {
    RTL_AVL_TABLE table;
    using T = RTL_AVL_TABLE;
    RtlInitializeGenericTableAvl(&table, compare<T>, allocate<T>, release<T>, nullptr);
    std::map<int, bool> model;
    ULONG seed = 42;
    for (int i = 0; i < 20000; ++i) {
        int value = static_cast<int>(RtlRandomEx(&seed) % 500);
        if (RtlRandomEx(&seed) % 2 != 0) {
            BOOLEAN fresh = FALSE;
            RtlInsertElementGenericTableAvl(&table, &value, sizeof value, &fresh);
            ASSERT_EQ(fresh != FALSE, model.emplace(value, true).second);
        } else {
            ASSERT_EQ(RtlDeleteElementGenericTableAvl(&table, &value) != FALSE, model.erase(value) == 1);
        }
        ASSERT_EQ(RtlNumberGenericTableElementsAvl(&table), model.size());
    }
    ULONG index = 0;
    PVOID key = nullptr;
    for (const auto& [value, unused] : model) {
        ASSERT_EQ(*static_cast<int*>(RtlGetElementGenericTableAvl(&table, index++)), value);
        ASSERT_EQ(*static_cast<int*>(RtlEnumerateGenericTableWithoutSplayingAvl(&table, &key)), value);
    }
    while (PVOID element = RtlGetElementGenericTableAvl(&table, 0)) RtlDeleteElementGenericTableAvl(&table, element);
}

}  // namespace
}  // namespace regent::rtl
