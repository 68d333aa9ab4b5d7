// Every service of a key sends its pre and its post, can be refused, and can be answered by the filter (A4, A11).
#include <unistd.h>

#include <algorithm>

#include "filter_test.h"
#include "wdk/wdm.h"

namespace regent::test {
namespace {

struct Service {
    const char* name;
    REG_NOTIFY_CLASS pre;
    REG_NOTIFY_CLASS post;
    NTSTATUS (*call)(HANDLE key);
    bool changes;  // leaves a trace that a veto must prevent
};

std::byte buffer[4096];
ULONG needed = 0;
Utf16 value_name = u"value";
UNICODE_STRING value_string = rtl::unicode_string(value_name);

NTSTATUS call_set(HANDLE key) { return NtSetValueKey(key, &value_string, 0, REG_SZ, buffer, 4); }
NTSTATUS call_delete_value(HANDLE key) { return NtDeleteValueKey(key, &value_string); }
NTSTATUS call_set_information(HANDLE key) {
    LARGE_INTEGER time{};
    time.QuadPart = 0x01D0000000000000;
    return NtSetInformationKey(key, KeyWriteTimeInformation, &time, sizeof time);
}
NTSTATUS call_rename(HANDLE key) {
    Utf16 name = u"CallbackTest2";
    UNICODE_STRING string = rtl::unicode_string(name);
    return NtRenameKey(key, &string);
}
NTSTATUS call_enumerate(HANDLE key) {
    return NtEnumerateKey(key, 0, KeyBasicInformation, buffer, sizeof buffer, &needed);
}
NTSTATUS call_enumerate_value(HANDLE key) {
    return NtEnumerateValueKey(key, 0, KeyValueFullInformation, buffer, sizeof buffer, &needed);
}
NTSTATUS call_query(HANDLE key) { return NtQueryKey(key, KeyFullInformation, buffer, sizeof buffer, &needed); }
NTSTATUS call_query_value(HANDLE key) {
    return NtQueryValueKey(key, &value_string, KeyValuePartialInformation, buffer, sizeof buffer, &needed);
}
NTSTATUS call_flush(HANDLE key) { return NtFlushKey(key); }
NTSTATUS call_query_security(HANDLE key) {
    return NtQuerySecurityObject(key, DACL_SECURITY_INFORMATION, buffer, sizeof buffer, &needed);
}
alignas(8) std::byte descriptor[1024];  // the key's own, read before any filter looks on
NTSTATUS call_set_security(HANDLE key) { return NtSetSecurityObject(key, DACL_SECURITY_INFORMATION, descriptor); }
NTSTATUS call_name(HANDLE key) { return NtQueryObject(key, ObjectNameInformation, buffer, sizeof buffer, &needed); }
NTSTATUS call_delete(HANDLE key) { return NtDeleteKey(key); }

const Service services[] = {
    {"set value", RegNtPreSetValueKey, RegNtPostSetValueKey, call_set, true},
    {"delete value", RegNtPreDeleteValueKey, RegNtPostDeleteValueKey, call_delete_value, true},
    {"set information", RegNtPreSetInformationKey, RegNtPostSetInformationKey, call_set_information, true},
    {"rename", RegNtPreRenameKey, RegNtPostRenameKey, call_rename, true},
    {"enumerate", RegNtPreEnumerateKey, RegNtPostEnumerateKey, call_enumerate, false},
    {"enumerate value", RegNtPreEnumerateValueKey, RegNtPostEnumerateValueKey, call_enumerate_value, false},
    {"query", RegNtPreQueryKey, RegNtPostQueryKey, call_query, false},
    {"query value", RegNtPreQueryValueKey, RegNtPostQueryValueKey, call_query_value, false},
    {"flush", RegNtPreFlushKey, RegNtPostFlushKey, call_flush, false},
    {"query security", RegNtPreQueryKeySecurity, RegNtPostQueryKeySecurity, call_query_security, false},
    {"set security", RegNtPreSetKeySecurity, RegNtPostSetKeySecurity, call_set_security, true},
    {"query name", RegNtPreQueryKeyName, RegNtPostQueryKeyName, call_name, false},
    {"delete", RegNtPreDeleteKey, RegNtPostDeleteKey, call_delete, true},
};

class PairingTest : public FilterTest {
protected:
    static std::string line(const char* name, REG_NOTIFY_CLASS notify_class) {
        return std::string(name) + "." + std::to_string(notify_class);
    }
    // A key with one subkey and one value, so that every service can succeed; delete wants none.
    void prepare(const Service& service) {
        ASSERT_EQ(call_set(key), STATUS_SUCCESS);
        ASSERT_EQ(NtQuerySecurityObject(key, DACL_SECURITY_INFORMATION, descriptor, sizeof descriptor, &needed),
                  STATUS_SUCCESS);
        if (service.pre != RegNtPreDeleteKey) NtClose(create(u"child", key));
        log.clear();
    }
    void tidy() {
        HANDLE child = nullptr;
        Name name(u"child", key);
        if (NT_SUCCESS(NtOpenKey(&child, KEY_ALL_ACCESS, name))) {
            NtDeleteKey(child);
            NtClose(child);
        }
        NtDeleteKey(key);
        NtClose(key);
        key = create(test_key);
    }
};

TEST_F(PairingTest, EveryServiceSendsPreAndPostWithItsStatus) {  // R9, R20, A11
    for (const Service& service : services) {
        prepare(service);
        void* object = nullptr;
        NTSTATUS seen = -1;
        {
            Filter high(log, "high", u"2", [&](const Call& call) {
                if (call.notify_class == service.pre) object = *call.as<void*>();
                if (call.notify_class == service.post) {
                    seen = call.post()->Status;
                    EXPECT_EQ(call.post()->Object, object) << service.name;
                    EXPECT_NE(call.post()->PreInformation, nullptr) << service.name;
                }
                return STATUS_SUCCESS;
            });
            Filter low(log, "low", u"1");
            EXPECT_EQ(service.call(key), STATUS_SUCCESS) << service.name;
        }
        EXPECT_EQ(log, (Log{line("high", service.pre), line("low", service.pre), line("low", service.post),
                            line("high", service.post)}))
            << service.name;
        EXPECT_NE(object, nullptr) << service.name;
        EXPECT_EQ(seen, STATUS_SUCCESS) << service.name;
        tidy();
    }
}

TEST_F(PairingTest, AVetoIsTheCallersStatusAndNothingHappens) {  // R22
    for (const Service& service : services) {
        prepare(service);
        {
            Filter filter(log, "x", u"1", [&](const Call& call) {
                return call.notify_class == service.pre ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
            });
            EXPECT_EQ(service.call(key), STATUS_INSUFFICIENT_RESOURCES) << service.name;
        }
        EXPECT_EQ(log, (Log{line("x", service.pre)})) << service.name;
        EXPECT_EQ(call_query_value(key), STATUS_SUCCESS) << service.name;  // value, key and name are as they were
        EXPECT_EQ(call_enumerate(key), service.pre == RegNtPreDeleteKey ? STATUS_NO_MORE_ENTRIES : STATUS_SUCCESS);
        tidy();
    }
}

TEST_F(PairingTest, ABypassIsSuccessAndNothingHappens) {  // R23
    for (const Service& service : services) {
        if (!service.changes) continue;
        prepare(service);
        {
            Filter filter(log, "x", u"1", [&](const Call& call) {
                return call.notify_class == service.pre ? STATUS_CALLBACK_BYPASS : STATUS_SUCCESS;
            });
            EXPECT_EQ(service.call(key), STATUS_SUCCESS) << service.name;
        }
        EXPECT_EQ(log, (Log{line("x", service.pre)})) << service.name;
        EXPECT_EQ(call_query_value(key), STATUS_SUCCESS) << service.name;
        tidy();
    }
}

TEST_F(PairingTest, PostSeesTheFailureAndMayChangeIt) {  // R24
    NTSTATUS seen = 0;
    Filter filter(log, "x", u"1", [&](const Call& call) {
        if (call.notify_class != RegNtPostQueryValueKey) return STATUS_SUCCESS;
        seen = call.post()->Status;
        call.post()->ReturnStatus = STATUS_ACCESS_DENIED;
        return STATUS_CALLBACK_BYPASS;
    });
    EXPECT_EQ(call_query_value(key), STATUS_ACCESS_DENIED);
    EXPECT_EQ(seen, STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_F(PairingTest, OutputChangedInPostReachesTheCaller) {  // R31
    ASSERT_EQ(set(key, u"value", 1), STATUS_SUCCESS);
    Filter filter(log, "x", u"1", [&](const Call& call) {
        if (call.notify_class != RegNtPostQueryValueKey) return STATUS_SUCCESS;
        auto* pre = static_cast<REG_QUERY_VALUE_KEY_INFORMATION*>(call.post()->PreInformation);
        static_cast<KEY_VALUE_PARTIAL_INFORMATION*>(pre->KeyValueInformation)->Data[0] = 99;
        return STATUS_SUCCESS;
    });
    ASSERT_EQ(call_query_value(key), STATUS_SUCCESS);
    EXPECT_EQ(reinterpret_cast<KEY_VALUE_PARTIAL_INFORMATION*>(buffer)->Data[0], 99);
}

TEST_F(PairingTest, ABypassedQueryHasTheFiltersAnswer) {  // R23
    Filter filter(log, "x", u"1", [&](const Call& call) {
        if (call.notify_class != RegNtPreQueryValueKey) return STATUS_SUCCESS;
        auto* pre = call.as<REG_QUERY_VALUE_KEY_INFORMATION>();
        auto* info = static_cast<KEY_VALUE_PARTIAL_INFORMATION*>(pre->KeyValueInformation);
        info->Type = REG_DWORD;
        info->DataLength = 4;
        info->Data[0] = 42;
        *pre->ResultLength = 16;
        return STATUS_CALLBACK_BYPASS;
    });
    EXPECT_EQ(call_query_value(key), STATUS_SUCCESS);  // there is no such value
    EXPECT_EQ(reinterpret_cast<KEY_VALUE_PARTIAL_INFORMATION*>(buffer)->Data[0], 42);
    EXPECT_EQ(needed, 16U);
}

TEST_F(PairingTest, ArgumentsArriveAsCalled) {
    Filter filter(log, "x", u"1", [&](const Call& call) {
        if (call.notify_class != RegNtPreSetValueKey) return STATUS_SUCCESS;
        auto* info = call.as<REG_SET_VALUE_KEY_INFORMATION>();
        EXPECT_EQ(rtl::view(info->ValueName), u"Argument");
        EXPECT_EQ(info->Type, ULONG{REG_DWORD});
        EXPECT_EQ(info->DataSize, 4U);
        EXPECT_EQ(*static_cast<ULONG*>(info->Data), 77U);
        return STATUS_SUCCESS;
    });
    EXPECT_EQ(set(key, u"Argument", 77), STATUS_SUCCESS);
    EXPECT_EQ(log.size(), 2U);
}

TEST_F(PairingTest, TheCalloutRunsAsItsCaller) {  // R17, R18
    struct Seen {
        KPROCESSOR_MODE mode;
        KIRQL level;
        HANDLE process, thread;
    } seen{};
    Filter filter(log, "x", u"1", [&](const Call& call) {
        if (call.notify_class == RegNtPreFlushKey) {
            HANDLE own = nullptr;
            Name name(test_key);
            EXPECT_EQ(ZwOpenKey(&own, KEY_READ, name), STATUS_SUCCESS);  // kernel mode for its duration only
            ZwClose(own);
            seen = {ExGetPreviousMode(), KeGetCurrentIrql(), PsGetCurrentProcessId(), PsGetCurrentThreadId()};
        }
        return STATUS_SUCCESS;
    });
    EXPECT_EQ(NtFlushKey(key), STATUS_SUCCESS);
    EXPECT_EQ(seen.mode, UserMode);
    EXPECT_EQ(seen.level, PASSIVE_LEVEL);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(seen.process), static_cast<std::uintptr_t>(getpid()));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(seen.thread), static_cast<std::uintptr_t>(gettid()));
    EXPECT_EQ(ZwFlushKey(key), STATUS_SUCCESS);
    EXPECT_EQ(seen.mode, KernelMode);
}

TEST_F(PairingTest, InputsAreCapturedBeforeTheCallout) {  // R58
    Utf16 name_text = u"Captured";
    UNICODE_STRING name = rtl::unicode_string(name_text);
    ULONG data = 1;
    {
        Filter filter(log, "x", u"1", [&](const Call& call) {
            if (call.notify_class == RegNtPreSetValueKey) {
                data = 2;
                name_text[0] = u'X';
            }
            return STATUS_SUCCESS;
        });
        EXPECT_EQ(NtSetValueKey(key, &name, 0, REG_DWORD, &data, sizeof data), STATUS_SUCCESS);
    }
    name_text[0] = u'C';
    EXPECT_EQ(NtQueryValueKey(key, &name, KeyValuePartialInformation, buffer, sizeof buffer, &needed), STATUS_SUCCESS);
    EXPECT_EQ(reinterpret_cast<KEY_VALUE_PARTIAL_INFORMATION*>(buffer)->Data[0], 1);
}

TEST_F(PairingTest, CallsThatNeverReachAKeyAreNotTold) {  // no object, no notification
    Filter filter(log, "x", u"1");
    HANDLE bad = reinterpret_cast<HANDLE>(std::uintptr_t{0x7FF4});
    EXPECT_EQ(call_set(bad), STATUS_INVALID_HANDLE);
    EXPECT_EQ(call_query(nullptr), STATUS_INVALID_HANDLE);
    HANDLE reader = nullptr;
    Name name(test_key);
    ASSERT_EQ(ZwOpenKey(&reader, KEY_READ, name), STATUS_SUCCESS);
    log.clear();
    EXPECT_EQ(call_set(reader), STATUS_ACCESS_DENIED);
    EXPECT_TRUE(log.empty());
    NtClose(reader);
}

TEST_F(PairingTest, LoadSaveAndUnload) {  // A11: 43 44, 32 33, 34 35
    const Utf16 path = u"\\??\\UNIX" + rtl::from_utf8(host_folder()) + u"/saved.hiv";
    Utf16 nt_path = path;
    for (char16_t& unit : nt_path) unit = unit == u'/' ? u'\\' : unit;
    HANDLE file = nullptr;
    IO_STATUS_BLOCK block{};
    Name file_name(nt_path);
    ASSERT_EQ(NtCreateFile(&file, FILE_GENERIC_READ | FILE_GENERIC_WRITE, file_name, &block, nullptr, 0x80, 0,
                           FILE_OVERWRITE_IF, FILE_SYNCHRONOUS_IO_NONALERT, nullptr, 0),
              STATUS_SUCCESS);
    Filter filter(log, "x", u"1");
    EXPECT_EQ(NtSaveKey(key, file), STATUS_SUCCESS);
    EXPECT_EQ(log, (Log{"x.43", "x.44"}));
    NtClose(file);
    log.clear();
    Name target(u"\\Registry\\Machine\\CallbackLoaded");
    EXPECT_EQ(NtLoadKey(target, file_name), STATUS_SUCCESS);
    ASSERT_GE(log.size(), 2U);
    EXPECT_EQ(log.front(), "x.32");
    EXPECT_EQ(log.back(), "x.33");
    log.clear();
    EXPECT_EQ(NtUnloadKey(target), STATUS_SUCCESS);
    ASSERT_GE(log.size(), 2U);
    EXPECT_EQ(log.front(), "x.34");  // between the two the hive's root may close
    EXPECT_EQ(std::count(log.begin(), log.end(), "x.35"), 1);
}

}  // namespace
}  // namespace regent::test
