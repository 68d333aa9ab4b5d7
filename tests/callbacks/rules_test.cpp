// Rules about memory, names and objects that single services do not show: R30, R41, R47, R50, R52, R56, R58, R60, R61.
#include <cstring>
#include <utility>

#include "ex/debug_sink.h"
#include "filter_test.h"
#include "wdk/ntifs.h"

namespace regent::test {
namespace {

class RulesTest : public FilterTest {
protected:
    // Lines of the debugger since the test began contain `text`.
    static bool reported(const std::string& text, std::uint64_t since) {
        for (const ex::DebugLine& line : ex::DebugSink::instance().read(since))
            if (line.text.find(text) != std::string::npos) return true;
        return false;
    }
    HANDLE open(ULONG attributes = OBJ_CASE_INSENSITIVE, ACCESS_MASK access = KEY_READ, bool kernel = false) {
        Name name(test_key, nullptr, attributes);
        HANDLE handle = nullptr;
        EXPECT_EQ(kernel ? ZwOpenKey(&handle, access, name) : NtOpenKey(&handle, access, name), STATUS_SUCCESS);
        return handle;
    }
    ULONG value_of(Utf16View name) {
        alignas(8) std::byte buffer[64];
        ULONG needed = 0;
        UNICODE_STRING string = rtl::unicode_string(name);
        auto* info = reinterpret_cast<KEY_VALUE_PARTIAL_INFORMATION*>(buffer);
        if (NtQueryValueKey(key, &string, KeyValuePartialInformation, buffer, sizeof buffer, &needed) != STATUS_SUCCESS)
            return ~0U;
        ULONG number = 0;
        std::memcpy(&number, info->Data, sizeof number);
        return number;
    }
};

TEST_F(RulesTest, ChangedInputFieldsDoNotChangeTheOperation) {  // R30
    static Utf16 other_text = u"other";
    static UNICODE_STRING other = rtl::unicode_string(other_text);
    static ULONG forged = 2;
    Filter filter(log, "x", u"1", [](const Call& call) {
        if (call.notify_class != RegNtPreSetValueKey) return STATUS_SUCCESS;
        auto* info = call.as<REG_SET_VALUE_KEY_INFORMATION>();
        info->ValueName = &other;
        info->Data = &forged;
        info->Type = REG_BINARY;
        info->DataSize = 1;
        info->Object = nullptr;
        return STATUS_SUCCESS;
    });
    EXPECT_EQ(set(key, u"v", 1), STATUS_SUCCESS);
    EXPECT_EQ(filter.remove(), STATUS_SUCCESS);
    EXPECT_EQ(value_of(u"v"), 1U);
    EXPECT_EQ(value_of(u"other"), ~0U);
}

TEST_F(RulesTest, AnObjectReferencedInItsCloseIsReportedAndKept) {  // R41
    static void* kept;                                              // never freed, which a leak checker may know
    kept = nullptr;
    HANDLE handle = open();
    const std::uint64_t since = ex::DebugSink::instance().last_sequence();
    {
        Filter filter(log, "x", u"1", [&](const Call& call) {
            if (call.notify_class == RegNtPreKeyHandleClose) {
                void* object = call.as<REG_KEY_HANDLE_CLOSE_INFORMATION>()->Object;
                ObReferenceObject(object);  // taken and dropped again: no second end of the object
                ObDereferenceObject(object);
            }
            return STATUS_SUCCESS;
        });
        NtClose(handle);
        EXPECT_EQ(log, (Log{"x.14", "x.25"}));
    }
    EXPECT_FALSE(reported("is being closed", since));
    handle = open();
    {
        Filter filter(log, "x", u"1", [](const Call& call) {
            if (call.notify_class != RegNtPreKeyHandleClose || kept != nullptr) return STATUS_SUCCESS;
            kept = call.as<REG_KEY_HANDLE_CLOSE_INFORMATION>()->Object;
            ObReferenceObject(kept);
            return STATUS_SUCCESS;
        });
        NtClose(handle);
    }
    EXPECT_TRUE(reported("referenced a key object that is being closed", since));
    // The memory stays: what the driver holds is still a key object with a name.
    alignas(8) std::byte buffer[1024];
    ULONG needed = 0;
    EXPECT_EQ(ObQueryNameString(kept, reinterpret_cast<POBJECT_NAME_INFORMATION>(buffer), sizeof buffer, &needed),
              STATUS_SUCCESS);
    ObDereferenceObject(kept);
}

TEST_F(RulesTest, V1TellsAttributesModeAndViews) {  // R47
    ULONG attributes = 0;
    ULONG wow64 = 0;
    KPROCESSOR_MODE mode = -1;
    Filter filter(log, "x", u"1", [&](const Call& call) {
        if (call.notify_class != RegNtPreOpenKeyEx) return STATUS_SUCCESS;
        auto* info = call.as<REG_OPEN_KEY_INFORMATION_V1>();
        EXPECT_EQ(info->Version, 1U);
        attributes = info->Attributes;
        wow64 = info->Wow64Flags;
        mode = info->CheckAccessMode;
        return STATUS_SUCCESS;
    });
    NtClose(open(OBJ_CASE_INSENSITIVE | OBJ_OPENLINK, KEY_READ | KEY_WOW64_64KEY));
    EXPECT_EQ(attributes, ULONG{OBJ_CASE_INSENSITIVE | OBJ_OPENLINK});
    EXPECT_EQ(wow64, ULONG{KEY_WOW64_64KEY});
    EXPECT_EQ(mode, UserMode);
    ZwClose(open(OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, KEY_READ, true));
    EXPECT_EQ(attributes, ULONG{OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE});
    EXPECT_EQ(wow64, 0U);
    EXPECT_EQ(mode, KernelMode);
    ZwClose(open(OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE | OBJ_FORCE_ACCESS_CHECK, KEY_READ, true));
    EXPECT_EQ(mode, UserMode);
}

TEST_F(RulesTest, TheObjectOfAPostMayBeOpenedByPointer) {  // R50, the superset: as before Windows 8.1
    HANDLE second = nullptr;
    Filter filter(log, "x", u"1", [&](const Call& call) {
        if (call.notify_class == RegNtPostOpenKeyEx) {
            EXPECT_EQ(ObOpenObjectByPointer(call.post()->Object, OBJ_KERNEL_HANDLE, nullptr, KEY_READ, nullptr,
                                            KernelMode, &second),
                      STATUS_SUCCESS);
        }
        return STATUS_SUCCESS;
    });
    NtClose(open());
    EXPECT_EQ(log, (Log{"x.28", "x.29"}));  // the object lives on: no close yet
    EXPECT_EQ(ZwClose(second), STATUS_SUCCESS);
    EXPECT_EQ(log, (Log{"x.28", "x.29", "x.14", "x.25"}));
}

TEST_F(RulesTest, ApplicationHivesAreSeenButHaveNoPath) {  // R52
    Utf16 file = u"\\??\\UNIX" + rtl::from_utf8(host_folder() + "/rules_app.hiv");
    for (char16_t& c : file)
        if (c == u'/') c = u'\\';
    const Utf16 app = u"\\Registry\\A\\{5B4F0E1C-6C1B-4F5D-9F5A-0D3E3A6B7C11}";
    Name name(app);
    Name file_name(file);
    Utf16 seen;
    Filter filter(log, "x", u"1");
    filter.script([&](const Call& call) {
        if (call.notify_class != RegNtPreSetValueKey) return STATUS_SUCCESS;
        PCUNICODE_STRING text = nullptr;
        EXPECT_EQ(CmCallbackGetKeyObjectIDEx(&filter.cookie, *call.as<void*>(), nullptr, &text, 0), STATUS_SUCCESS);
        seen = rtl::view(text);
        CmCallbackReleaseKeyObjectIDEx(text);
        return STATUS_SUCCESS;
    });
    HANDLE root = nullptr;
    ASSERT_EQ(NtLoadKeyEx(name, file_name, REG_APP_HIVE, nullptr, nullptr, KEY_READ | KEY_WRITE, &root, nullptr),
              STATUS_SUCCESS);
    log.clear();
    EXPECT_EQ(set(root, u"v", 1), STATUS_SUCCESS);
    EXPECT_EQ(log, (Log{"x.1", "x.16"}));
    EXPECT_TRUE(rtl::equal_folded(seen, app)) << rtl::to_utf8(seen);
    HANDLE by_path = nullptr;
    EXPECT_EQ(ZwOpenKey(&by_path, KEY_READ, name), STATUS_ACCESS_DENIED);
    NtClose(root);
}

TEST_F(RulesTest, AskingForANameIsAnOperationBelow) {  // R56
    Filter high(log, "high", u"2", [](const Call& call) {
        if (call.notify_class != RegNtPreSetValueKey) return STATUS_SUCCESS;
        ULONG needed = 0;
        EXPECT_EQ(ObQueryNameString(*call.as<void*>(), nullptr, 0, &needed), STATUS_INFO_LENGTH_MISMATCH);
        EXPECT_GT(needed, test_key.size() * 2);
        return STATUS_SUCCESS;
    });
    NTSTATUS seen = 0;
    Filter low(log, "low", u"1", [&](const Call& call) {
        if (call.notify_class == RegNtPostQueryKeyName) seen = call.post()->Status;
        return STATUS_SUCCESS;
    });
    EXPECT_EQ(set(key, u"v", 1), STATUS_SUCCESS);
    EXPECT_EQ(log, (Log{"high.1", "low.47", "low.48", "low.1", "low.16", "high.16"}));
    EXPECT_EQ(seen, STATUS_INFO_LENGTH_MISMATCH);
}

TEST_F(RulesTest, KernelCallersPointersArePassedUsersAreCaptured) {  // R58, R60
    Utf16 text = u"v";
    UNICODE_STRING string = rtl::unicode_string(text);
    ULONG data = 7;
    const void* name_shown = nullptr;
    const void* data_shown = nullptr;
    Filter filter(log, "x", u"1", [&](const Call& call) {
        if (call.notify_class != RegNtPreSetValueKey) return STATUS_SUCCESS;
        name_shown = call.as<REG_SET_VALUE_KEY_INFORMATION>()->ValueName;
        data_shown = call.as<REG_SET_VALUE_KEY_INFORMATION>()->Data;
        return STATUS_SUCCESS;
    });
    EXPECT_EQ(ZwSetValueKey(key, &string, 0, REG_DWORD, &data, sizeof data), STATUS_SUCCESS);
    EXPECT_EQ(name_shown, &string);
    EXPECT_EQ(data_shown, &data);
    EXPECT_EQ(NtSetValueKey(key, &string, 0, REG_DWORD, &data, sizeof data), STATUS_SUCCESS);
    EXPECT_NE(name_shown, &string);
    EXPECT_NE(data_shown, &data);
}

TEST_F(RulesTest, CapturedInputsAreKernelAddressesAndOutputsAreNot) {  // R59, R61
    alignas(8) std::byte buffer[64];
    ULONG needed = 0;
    Utf16 text = u"v";
    UNICODE_STRING string = rtl::unicode_string(text);
    ASSERT_EQ(set(key, u"v", 5), STATUS_SUCCESS);
    Filter filter(log, "x", u"1", [&](const Call& call) {
        if (call.notify_class == RegNtPreSetValueKey) {
            const auto* info = call.as<REG_SET_VALUE_KEY_INFORMATION>();
            EXPECT_TRUE(cm::filter::is_captured_input(info->Data, 1));
            EXPECT_TRUE(cm::filter::is_captured_input(info->ValueName->Buffer, 2));
            EXPECT_TRUE(cm::filter::is_captured_input(info, 8));
        } else if (call.notify_class == RegNtPreQueryValueKey) {
            const auto* info = call.as<REG_QUERY_VALUE_KEY_INFORMATION>();
            EXPECT_TRUE(cm::filter::is_captured_input(info->ValueName, 1));
            EXPECT_EQ(info->KeyValueInformation, buffer);  // the caller's own memory
            EXPECT_FALSE(cm::filter::is_captured_input(info->KeyValueInformation, info->Length));
            ProbeForWrite(info->KeyValueInformation, info->Length, 4);
        }
        return STATUS_SUCCESS;
    });
    EXPECT_EQ(set(key, u"v", 6), STATUS_SUCCESS);
    EXPECT_EQ(NtQueryValueKey(key, &string, KeyValuePartialInformation, buffer, sizeof buffer, &needed),
              STATUS_SUCCESS);
    EXPECT_FALSE(cm::filter::is_captured_input(&string, 1));  // outside callbacks nothing is
}

}  // namespace
}  // namespace regent::test
