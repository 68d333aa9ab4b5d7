// RtlQueryRegistryValues and its kin, by the rows that Windows' answers are known for (116 to 136, W-5).
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "filter_test.h"
#include "wdk/wdm.h"

namespace regent::test {
namespace {

using namespace std::string_literals;

struct Delivered {
    Utf16 name;
    ULONG type;
    std::vector<std::byte> data;
};
std::vector<Delivered> delivered;

NTSTATUS NTAPI note(PWSTR name, ULONG type, PVOID data, ULONG size, PVOID, PVOID) {
    const auto* bytes = static_cast<const std::byte*>(data);
    delivered.push_back(
        {name == nullptr ? u"" : Utf16(reinterpret_cast<const char16_t*>(name)), type, {bytes, bytes + size}});
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI refuse(PWSTR, ULONG, PVOID, ULONG, PVOID, PVOID) { return STATUS_UNSUCCESSFUL; }

std::string text(const std::vector<std::byte>& data) {
    Utf16 units(data.size() / 2, u'\0');
    std::memcpy(units.data(), data.data(), units.size() * 2);
    return rtl::to_utf8(Utf16View(units).substr(0, units.find(u'\0')));
}

PWSTR wide(const char16_t* string) { return const_cast<PWSTR>(reinterpret_cast<const WCHAR*>(string)); }

class RtlRegistryTest : public FilterTest {
protected:
    void SetUp() override {
        FilterTest::SetUp();
        delivered.clear();
        setenv("REGENT_TEST_DRIVE", "C:", 1);
        put(u"expand", REG_EXPAND_SZ, u"%REGENT_TEST_DRIVE%\0"s);
        put(u"list", REG_MULTI_SZ, u"Brussels\0Paris\0%PATH%\0\0"s);
        put(u"text", REG_SZ, u"plain\0"s);
        ASSERT_EQ(set(key, u"dword", 42), STATUS_SUCCESS);
        const std::uint64_t number = 42;
        put(u"qword", REG_QWORD, &number, sizeof(number));
        HANDLE child = create(u"sub", key);
        ASSERT_EQ(set(child, u"Color", 7), STATUS_SUCCESS);
        NtClose(child);
    }
    void TearDown() override {
        HANDLE child = nullptr;
        Name name(u"sub", key);
        if (NT_SUCCESS(NtOpenKey(&child, KEY_ALL_ACCESS, name))) {
            NtDeleteKey(child);
            NtClose(child);
        }
        FilterTest::TearDown();
    }
    using Text = std::u16string;
    void put(Utf16View name, ULONG type, const Text& string) { put(name, type, string.data(), string.size() * 2); }
    void put(Utf16View name, ULONG type, const void* data, std::size_t size) {
        UNICODE_STRING string = rtl::unicode_string(name);
        ASSERT_EQ(NtSetValueKey(key, &string, 0, type, const_cast<void*>(data), static_cast<ULONG>(size)),
                  STATUS_SUCCESS);
    }
    // One entry, and the end of the table.
    static NTSTATUS query(const RTL_QUERY_REGISTRY_TABLE& entry) {
        RTL_QUERY_REGISTRY_TABLE table[2] = {entry, {}};
        return RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, reinterpret_cast<PCWSTR>(test_key.c_str()), table, nullptr,
                                      nullptr);
    }
    static NTSTATUS call(const char16_t* name, ULONG flags = 0, ULONG type = REG_NONE, const void* data = nullptr,
                         ULONG length = 0) {
        return query({&note, flags, wide(name), nullptr, type, const_cast<void*>(data), length});
    }
    static NTSTATUS direct(const char16_t* name, void* target, ULONG flags = 0, ULONG type = REG_NONE,
                           const void* data = nullptr, ULONG length = 0) {
        return query(
            {nullptr, flags | RTL_QUERY_REGISTRY_DIRECT, wide(name), target, type, const_cast<void*>(data), length});
    }
};

TEST_F(RtlRegistryTest, TablesEndWhereNeitherRoutineNorPlaceIsGiven) {  // rows 116, 119
    EXPECT_EQ(query({}), STATUS_SUCCESS);
    EXPECT_EQ(query({nullptr, 0, wide(u"dword"), nullptr, 0, nullptr, 0}), STATUS_SUCCESS);
    EXPECT_EQ(query({nullptr, 0, wide(u"no such"), nullptr, 0, nullptr, 0}), STATUS_SUCCESS);
    ULONG target = 5;
    EXPECT_EQ(query({&note, RTL_QUERY_REGISTRY_DIRECT, wide(u"dword"), &target, 0, nullptr, 0}),
              STATUS_INVALID_PARAMETER);
    EXPECT_EQ(target, 5U);
    EXPECT_TRUE(delivered.empty());
}

TEST_F(RtlRegistryTest, ARoutineIsCalledPerValueAndPerString) {  // rows 117, 118, 126, 127
    EXPECT_EQ(call(nullptr), STATUS_SUCCESS);
    EXPECT_EQ(delivered.size(), 7U);  // expand, three of list, text, dword, qword
    delivered.clear();
    EXPECT_EQ(call(nullptr, RTL_QUERY_REGISTRY_NOVALUE), STATUS_SUCCESS);
    ASSERT_EQ(delivered.size(), 1U);
    EXPECT_TRUE(delivered[0].data.empty());
    delivered.clear();
    EXPECT_EQ(call(u"expand"), STATUS_SUCCESS);
    EXPECT_EQ(call(u"expand", RTL_QUERY_REGISTRY_NOEXPAND), STATUS_SUCCESS);
    EXPECT_EQ(call(u"list"), STATUS_SUCCESS);
    EXPECT_EQ(call(u"list", RTL_QUERY_REGISTRY_NOEXPAND), STATUS_SUCCESS);
    ASSERT_EQ(delivered.size(), 6U);
    EXPECT_EQ(delivered[0].type, ULONG{REG_SZ});
    EXPECT_EQ(text(delivered[0].data), "C:");
    EXPECT_EQ(delivered[1].type, ULONG{REG_EXPAND_SZ});
    EXPECT_EQ(text(delivered[1].data), "%REGENT_TEST_DRIVE%");
    EXPECT_EQ(text(delivered[2].data), "Brussels");
    EXPECT_EQ(text(delivered[4].data), "%PATH%");
    EXPECT_EQ(delivered[4].type, ULONG{REG_SZ});
    EXPECT_EQ(delivered[5].type, ULONG{REG_MULTI_SZ});
    EXPECT_EQ(query({&refuse, 0, nullptr, nullptr, 0, nullptr, 0}), STATUS_UNSUCCESSFUL);
}

TEST_F(RtlRegistryTest, StringsGoToTheirPlace) {  // rows 120, 121, 124, 134
    WCHAR buffer[32] = {};
    UNICODE_STRING string{0, sizeof(buffer), buffer};
    EXPECT_EQ(direct(u"expand", &string), STATUS_SUCCESS);
    EXPECT_EQ(rtl::view(string), u"C:");
    EXPECT_EQ(direct(u"text", &string, RTL_QUERY_REGISTRY_NOEXPAND), STATUS_SUCCESS);
    EXPECT_EQ(rtl::view(string), u"plain");
    string.MaximumLength = 4;
    EXPECT_EQ(direct(u"expand", &string), STATUS_SUCCESS);
    EXPECT_EQ(rtl::view(string), u"plain");  // too small: as it was
    UNICODE_STRING fresh{};
    EXPECT_EQ(direct(u"expand", &fresh, RTL_QUERY_REGISTRY_TYPECHECK, ULONG{REG_EXPAND_SZ} << 24), STATUS_SUCCESS);
    EXPECT_EQ(fresh.Length, 4U);
    EXPECT_EQ(fresh.MaximumLength, 6U);
    ExFreePool(fresh.Buffer);
    EXPECT_EQ(direct(u"dword", &fresh, RTL_QUERY_REGISTRY_TYPECHECK, ULONG{REG_SZ} << 24), STATUS_OBJECT_TYPE_MISMATCH);
    string.MaximumLength = sizeof(buffer);
    EXPECT_EQ(direct(u"list", &string), STATUS_INVALID_PARAMETER);
    WCHAR more[64] = {};
    UNICODE_STRING whole{0, sizeof(more), more};
    EXPECT_EQ(direct(u"list", &whole, RTL_QUERY_REGISTRY_NOEXPAND), STATUS_SUCCESS);
    EXPECT_EQ(whole.Length, (sizeof(u"Brussels\0Paris\0%PATH%\0") - 2));
}

TEST_F(RtlRegistryTest, DataGoesToItsPlace) {  // rows 122, 123
    ULONG number = 0;
    EXPECT_EQ(direct(u"dword", &number), STATUS_SUCCESS);
    EXPECT_EQ(number, 42U);
    std::uint64_t raw = 0;
    LONG room = -static_cast<LONG>(sizeof(raw));
    std::memcpy(&raw, &room, sizeof(room));
    EXPECT_EQ(direct(u"qword", &raw), STATUS_SUCCESS);
    EXPECT_EQ(raw, 42U);
    raw = 0xFFFFFFFF;  // minus one: too small
    EXPECT_EQ(direct(u"qword", &raw), STATUS_SUCCESS);
    EXPECT_EQ(raw, 0xFFFFFFFFU);
    struct {
        ULONG size = 16, type = 0;
        std::uint64_t data = 0;
    } headed;
    EXPECT_EQ(direct(u"qword", &headed), STATUS_SUCCESS);
    EXPECT_EQ(headed.size, 8U);
    EXPECT_EQ(headed.type, ULONG{REG_QWORD});
    EXPECT_EQ(headed.data, 42U);
    headed.size = 1;
    EXPECT_EQ(direct(u"qword", &headed), STATUS_SUCCESS);
    EXPECT_EQ(headed.size, 1U);
}

TEST_F(RtlRegistryTest, DefaultsStandInForWhatIsMissing) {  // rows 128, 130, 131, 132
    const char16_t some[] = u"Some default";
    EXPECT_EQ(call(u"none", 0, REG_SZ, some, 8), STATUS_SUCCESS);
    EXPECT_EQ(call(u"none", 0, REG_SZ, some), STATUS_SUCCESS);
    EXPECT_EQ(call(u"none", 0, REG_SZ, u"%REGENT_TEST_DRIVE%"), STATUS_SUCCESS);
    EXPECT_EQ(call(u"none", 0, REG_EXPAND_SZ, u"%REGENT_TEST_DRIVE%"), STATUS_SUCCESS);
    ASSERT_EQ(delivered.size(), 4U);
    EXPECT_EQ(delivered[0].data.size(), 8U);
    EXPECT_EQ(delivered[1].data.size(), sizeof(some));
    EXPECT_EQ(text(delivered[2].data), "%REGENT_TEST_DRIVE%");
    EXPECT_EQ(text(delivered[3].data), "C:");
    ULONG number = 9;
    const ULONG otherwise = 5;
    EXPECT_EQ(direct(u"none", &number, 0, REG_DWORD, &otherwise, 0), STATUS_SUCCESS);
    EXPECT_EQ(number, 9U);
    EXPECT_EQ(direct(u"none", &number, 0, REG_DWORD, &otherwise, 4), STATUS_SUCCESS);
    EXPECT_EQ(number, 5U);
    EXPECT_EQ(call(u"none", 0, REG_SZ), STATUS_DATA_OVERRUN);
    EXPECT_EQ(direct(u"none", &number, 0, REG_DWORD), STATUS_DATA_OVERRUN);
    delivered.clear();
    EXPECT_EQ(call(u"none"), STATUS_SUCCESS);
    EXPECT_TRUE(delivered.empty());
    EXPECT_EQ(call(u"none", RTL_QUERY_REGISTRY_REQUIRED, REG_SZ, some), STATUS_SUCCESS);
    EXPECT_EQ(delivered.size(), 1U);
    EXPECT_EQ(call(u"none", RTL_QUERY_REGISTRY_REQUIRED), STATUS_OBJECT_NAME_NOT_FOUND);
}

// Row 129, and the lists that ReactOS's kernel-mode tests give (behaviour only): a stored list, the same as a default
// with its length, and as one without.
TEST_F(RtlRegistryTest, AListEndsWithItsSize) {
    struct List {
        Text data;
        std::vector<std::string> stored, told, untold;
    };
    const std::vector<std::string> none, one = {"A"}, two = {"A", "B"}, gap = {"A", "", "C"};
    const List lists[] = {
        {u"\0"s, none, none, none},
        {u"\0\0"s, {""}, none, none},
        {u"A\0\0"s, one, one, one},
        {u"A\0B\0\0"s, two, two, two},
        {u"A\0\0C\0\0"s, gap, gap, one},
        {u"A\0B\0C\0\0"s, {"A", "B", "C"}, {"A", "B", "C"}, {"A", "B", "C"}},
        // Without an end of the list there is no length to be found.
        {u"A\0"s, one, one, none},
        {u"A\0B\0"s, two, two, none},
        {u"A\0\0C\0"s, gap, gap, none},
        {u"A\0B\0C"s, two, two, none},  // not even of the last string: it is not told
    };
    const auto expect_told = [](const std::vector<std::string>& expected, const std::string& what) {
        ASSERT_EQ(delivered.size(), expected.size()) << what;
        for (std::size_t i = 0; i < expected.size(); ++i) {
            EXPECT_EQ(text(delivered[i].data), expected[i]) << what;
            EXPECT_EQ(delivered[i].data.size(), (expected[i].size() + 1) * sizeof(char16_t)) << what;
            EXPECT_EQ(delivered[i].type, ULONG{REG_SZ}) << what;
        }
        delivered.clear();
    };
    for (const List& list : lists) {
        const std::string what = rtl::to_utf8(list.data);
        const auto size = static_cast<ULONG>(list.data.size() * sizeof(char16_t));
        put(u"ends", REG_MULTI_SZ, list.data);
        EXPECT_EQ(call(u"ends"), STATUS_SUCCESS);
        expect_told(list.stored, what + " stored");
        EXPECT_EQ(call(u"none", 0, REG_MULTI_SZ, list.data.data(), size), STATUS_SUCCESS);
        expect_told(list.told, what + " as a default");
        if (!list.data.ends_with(u"\0\0"s) && list.data != u"\0"s) continue;
        EXPECT_EQ(call(u"none", 0, REG_MULTI_SZ, list.data.data(), 0), STATUS_SUCCESS);
        expect_told(list.untold, what + " as a default without a length");
    }
    // The row's own two: of a list of two strings, with and without its end.
    EXPECT_EQ(call(u"none", 0, REG_MULTI_SZ, u"A\0B\0", 10), STATUS_SUCCESS);
    expect_told(two, "row 129");
    EXPECT_EQ(call(u"none", 0, REG_MULTI_SZ, u"A\0B\0", 8), STATUS_SUCCESS);
    expect_told(two, "row 129, two bytes less");
}

TEST_F(RtlRegistryTest, SubkeysAndDeletion) {  // rows 125, 133
    EXPECT_EQ(call(u"sub", RTL_QUERY_REGISTRY_SUBKEY), STATUS_SUCCESS);
    ASSERT_EQ(delivered.size(), 1U);
    EXPECT_EQ(delivered[0].name, u"Color");
    ULONG color = 0;
    ULONG number = 0;
    RTL_QUERY_REGISTRY_TABLE table[] = {
        {nullptr, RTL_QUERY_REGISTRY_SUBKEY, wide(u"sub"), nullptr, 0, nullptr, 0},
        {nullptr, RTL_QUERY_REGISTRY_DIRECT, wide(u"Color"), &color, 0, nullptr, 0},
        {nullptr, RTL_QUERY_REGISTRY_DIRECT | RTL_QUERY_REGISTRY_TOPKEY | RTL_QUERY_REGISTRY_DELETE, wide(u"dword"),
         &number, 0, nullptr, 0},
        {nullptr, RTL_QUERY_REGISTRY_DIRECT | RTL_QUERY_REGISTRY_REQUIRED, wide(u"dword"), &number, 0, nullptr, 0},
        {}};
    EXPECT_EQ(RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, reinterpret_cast<PCWSTR>(test_key.c_str()), table, nullptr,
                                     nullptr),
              STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(color, 7U);
    EXPECT_EQ(number, 42U);
}

TEST_F(RtlRegistryTest, KeysAndSingleValues) {  // rows 28, 135, 136
    const auto path = const_cast<PWSTR>(reinterpret_cast<const WCHAR*>(test_key.c_str()));
    EXPECT_EQ(RtlCheckRegistryKey(RTL_REGISTRY_ABSOLUTE, path), STATUS_SUCCESS);
    EXPECT_EQ(RtlCheckRegistryKey(RTL_REGISTRY_ABSOLUTE | RTL_REGISTRY_OPTIONAL, path), STATUS_SUCCESS);
    EXPECT_EQ(RtlCheckRegistryKey(RTL_REGISTRY_ABSOLUTE, nullptr), STATUS_OBJECT_PATH_SYNTAX_BAD);
    EXPECT_EQ(RtlCheckRegistryKey(RTL_REGISTRY_ABSOLUTE, wide(u"")), STATUS_OBJECT_PATH_SYNTAX_BAD);
    EXPECT_EQ(RtlCheckRegistryKey(RTL_REGISTRY_USER, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(RtlCheckRegistryKey(RTL_REGISTRY_USER + 1, nullptr), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(RtlCheckRegistryKey(RTL_REGISTRY_CONTROL, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(RtlCheckRegistryKey(RTL_REGISTRY_SERVICES, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(RtlCreateRegistryKey(RTL_REGISTRY_USER + 1, nullptr), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(RtlCreateRegistryKey(RTL_REGISTRY_ABSOLUTE, nullptr), STATUS_OBJECT_PATH_SYNTAX_BAD);
    EXPECT_EQ(RtlCreateRegistryKey(RTL_REGISTRY_USER, wide(u"No\\Such\\Parent")), STATUS_OBJECT_NAME_NOT_FOUND);
    const ULONG number = 3;
    const auto handle = static_cast<PCWSTR>(key);
    EXPECT_EQ(RtlWriteRegistryValue(RTL_REGISTRY_HANDLE, handle, wide(u"w"), REG_DWORD, const_cast<ULONG*>(&number), 4),
              STATUS_SUCCESS);
    ULONG back = 0;
    EXPECT_EQ(direct(u"w", &back), STATUS_SUCCESS);
    EXPECT_EQ(back, 3U);
    EXPECT_EQ(RtlDeleteRegistryValue(RTL_REGISTRY_ABSOLUTE, path, wide(u"w")), STATUS_SUCCESS);
    EXPECT_EQ(RtlDeleteRegistryValue(RTL_REGISTRY_ABSOLUTE, path, wide(u"w")), STATUS_OBJECT_NAME_NOT_FOUND);
    HANDLE user = nullptr;
    ASSERT_EQ(RtlOpenCurrentUser(KEY_READ, &user), STATUS_SUCCESS);
    ZwClose(user);
    UNICODE_STRING name{};
    ASSERT_EQ(RtlFormatCurrentUserKeyPath(&name), STATUS_SUCCESS);
    EXPECT_TRUE(rtl::view(name).starts_with(u"\\Registry\\User\\"));
    RtlFreeUnicodeString(&name);
}

TEST_F(RtlRegistryTest, FiltersSeeIt) {
    Filter filter(log, "x", u"1");
    ULONG number = 0;
    EXPECT_EQ(direct(u"dword", &number), STATUS_SUCCESS);
    EXPECT_NE(std::find(log.begin(), log.end(), "x." + std::to_string(RegNtPreQueryValueKey)), log.end());
}

}  // namespace
}  // namespace regent::test
