// Create and open: names (R44-R48), failing opens (R49), the object's way through bypass and override (R26-R28).

#include <algorithm>

#include "cm/key_body.h"
#include "filter_test.h"
#include "ob/handle.h"
#include "ob/object.h"

namespace regent::test {
namespace {

struct Seen {
    Utf16 complete;
    Utf16 remaining;
    Utf16 root;
    ULONG_PTR version = 0;
    ULONG attributes = 0;
    ACCESS_MASK desired = 0;
    bool object = false;
    NTSTATUS status = -1;
    int pairs = 0;
};

class CreateOpenTest : public FilterTest {
protected:
    Filter::Script recorder(LARGE_INTEGER& cookie) {
        return [this, &cookie](const Call& call) {
            if (call.notify_class == RegNtPreOpenKeyEx || call.notify_class == RegNtPreCreateKeyEx) {
                auto* info = call.as<REG_OPEN_KEY_INFORMATION_V1>();
                seen.complete = rtl::view(info->CompleteName);
                seen.remaining = rtl::view(info->RemainingName);
                seen.version = info->Version;
                seen.attributes = info->Attributes;
                seen.desired = info->DesiredAccess;
                PCUNICODE_STRING name = nullptr;
                EXPECT_EQ(CmCallbackGetKeyObjectIDEx(&cookie, info->RootObject, nullptr, &name, 0), STATUS_SUCCESS);
                seen.root = rtl::view(name);
                CmCallbackReleaseKeyObjectIDEx(name);
            } else if (call.notify_class == RegNtPostOpenKeyEx || call.notify_class == RegNtPostCreateKeyEx) {
                seen.object = call.post()->Object != nullptr;
                seen.status = call.post()->Status;
                ++seen.pairs;
            }
            return STATUS_SUCCESS;
        };
    }
    NTSTATUS open(Utf16View name, HANDLE root = nullptr, ACCESS_MASK access = KEY_READ) {
        if (handle != nullptr) NtClose(std::exchange(handle, nullptr));
        log.clear();
        Name attributes(name, root);
        return NtOpenKey(&handle, access, attributes);
    }
    void TearDown() override {
        if (handle != nullptr) NtClose(handle);
        FilterTest::TearDown();
    }
    Seen seen;
    HANDLE handle = nullptr;
};

TEST_F(CreateOpenTest, AnAbsoluteNameIsSeenFromTheRoot) {  // R44, R45, R46
    Filter filter(log, "x", u"1");
    filter.script(recorder(filter.cookie));
    ASSERT_EQ(open(u"\\ReGistry\\Machine\\Software\\CallbackTest"), STATUS_SUCCESS);
    EXPECT_EQ(seen.complete, u"\\ReGistry\\Machine\\Software\\CallbackTest");
    EXPECT_EQ(seen.remaining, u"Machine\\Software\\CallbackTest");
    EXPECT_TRUE(rtl::equal_folded(seen.root, u"\\REGISTRY"));
    EXPECT_EQ(seen.version, 1U);
    EXPECT_EQ(seen.desired, ACCESS_MASK{KEY_READ});
    EXPECT_TRUE(seen.object);
    EXPECT_EQ(log, (Log{"x.28", "x.29"}));
    NtClose(std::exchange(handle, nullptr));
}

TEST_F(CreateOpenTest, ARelativeNameIsSeenFromItsRoot) {  // R44, R45
    HANDLE child = create(u"Child", key);
    {
        Filter filter(log, "x", u"1");
        filter.script(recorder(filter.cookie));
        ASSERT_EQ(open(u"chILD", key), STATUS_SUCCESS);
        EXPECT_EQ(seen.complete, u"chILD");
        EXPECT_EQ(seen.remaining, u"chILD");
        EXPECT_TRUE(rtl::equal_folded(seen.root, test_key));
        ASSERT_EQ(open(u"", key), STATUS_SUCCESS);  // again by an empty name
        EXPECT_EQ(seen.complete, u"");
        EXPECT_TRUE(rtl::equal_folded(seen.root, test_key));
        NtClose(std::exchange(handle, nullptr));
    }
    NtDeleteKey(child);
    NtClose(child);
}

TEST_F(CreateOpenTest, AFailingOpenHasItsPost) {  // R48, R49
    Filter filter(log, "x", u"1");
    filter.script(recorder(filter.cookie));
    EXPECT_EQ(open(u"missing\\child", key), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(log, (Log{"x.28", "x.29"}));
    EXPECT_FALSE(seen.object);
    EXPECT_EQ(seen.status, STATUS_OBJECT_NAME_NOT_FOUND);
    log.clear();
    HANDLE none = nullptr;
    Name name(u"missing\\child", key);
    EXPECT_EQ(NtCreateKey(&none, KEY_READ, name, 0, nullptr, 0, nullptr), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(log, (Log{"x.26", "x.27"}));
}

TEST_F(CreateOpenTest, OnePairAroundLinks) {  // R48
    Filter filter(log, "x", u"1");
    filter.script(recorder(filter.cookie));
    ASSERT_EQ(open(u"\\Registry\\Machine\\SYSTEM\\CurrentControlSet"), STATUS_SUCCESS);
    EXPECT_EQ(log, (Log{"x.28", "x.29"}));
    EXPECT_EQ(seen.pairs, 1);
    NtClose(std::exchange(handle, nullptr));
}

TEST_F(CreateOpenTest, AVetoLeavesNoHandleAndNoKey) {  // R22
    {
        Filter filter(log, "x", u"1", [](const Call& call) {
            return call.notify_class == RegNtPreCreateKeyEx ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
        });
        HANDLE none = reinterpret_cast<HANDLE>(std::uintptr_t{4});
        Name name(u"vetoed", key);
        EXPECT_EQ(NtCreateKey(&none, KEY_READ, name, 0, nullptr, 0, nullptr), STATUS_ACCESS_DENIED);
        EXPECT_EQ(none, nullptr);
    }
    EXPECT_EQ(open(u"vetoed", key), STATUS_OBJECT_NAME_NOT_FOUND);
}

void* object_of(HANDLE handle) {
    auto body = ob::reference_as<cm::KeyBody>(handle, 0, cm::key_type(), ob::kernel_mode);
    return body ? body->release() : nullptr;  // with one reference, as a driver would supply it
}

TEST_F(CreateOpenTest, ABypassSuppliesAnotherKey) {  // R28
    HANDLE other = create(u"Other", key);
    set(other, u"mark", 5);
    {
        Filter filter(log, "x", u"1", [&](const Call& call) {
            if (call.notify_class != RegNtPreOpenKeyEx) return STATUS_SUCCESS;
            *call.as<REG_OPEN_KEY_INFORMATION>()->ResultObject = object_of(other);
            return STATUS_CALLBACK_BYPASS;
        });
        ASSERT_EQ(open(u"nothing here", key), STATUS_SUCCESS);
    }
    std::byte data[64];
    ULONG needed = 0;
    Utf16 mark = u"mark";
    UNICODE_STRING string = rtl::unicode_string(mark);
    EXPECT_EQ(NtQueryValueKey(handle, &string, KeyValuePartialInformation, data, sizeof data, &needed), STATUS_SUCCESS);
    NtClose(std::exchange(handle, nullptr));
    NtDeleteKey(other);
    NtClose(other);
}

TEST_F(CreateOpenTest, PostTurnsSuccessIntoFailure) {  // R26
    {
        Filter filter(log, "x", u"1", [&](const Call& call) {
            if (call.notify_class != RegNtPostOpenKeyEx) return STATUS_SUCCESS;
            ob::dereference(call.post()->Object);
            call.post()->Object = nullptr;
            *static_cast<REG_OPEN_KEY_INFORMATION*>(call.post()->PreInformation)->ResultObject = nullptr;
            call.post()->ReturnStatus = STATUS_ACCESS_DENIED;
            return STATUS_CALLBACK_BYPASS;
        });
        EXPECT_EQ(open(test_key), STATUS_ACCESS_DENIED);
        EXPECT_EQ(handle, nullptr);
    }
    // The close that the driver caused went to nobody: it ran inside the only filter.
    EXPECT_EQ(log, (Log{"x.28", "x.29"}));
}

TEST_F(CreateOpenTest, PostTurnsFailureIntoSuccess) {  // R27
    HANDLE other = create(u"Other", key);
    {
        Filter filter(log, "x", u"1", [&](const Call& call) {
            if (call.notify_class != RegNtPostOpenKeyEx) return STATUS_SUCCESS;
            auto* pre = static_cast<REG_OPEN_KEY_INFORMATION*>(call.post()->PreInformation);
            *pre->ResultObject = object_of(other);
            call.post()->Object = *pre->ResultObject;
            pre->GrantedAccess = pre->DesiredAccess;
            call.post()->ReturnStatus = STATUS_SUCCESS;
            return STATUS_CALLBACK_BYPASS;
        });
        ASSERT_EQ(open(u"nothing here", key), STATUS_SUCCESS);
        NtClose(std::exchange(handle, nullptr));
    }
    NtDeleteKey(other);
    NtClose(other);
}

TEST_F(CreateOpenTest, CallsOfAMiddleFilterGoBelowIt) {  // R32, R34: the counts of regfltr's sample
    HANDLE child = create(u"Child", key);
    log.clear();
    {
        Filter high(log, "high", u"3");
        Filter low(log, "low", u"1");
        Filter middle(log, "middle", u"2", [&](const Call& call) {
            if (call.notify_class == RegNtPreOpenKeyEx || call.notify_class == RegNtPostOpenKeyEx) {
                HANDLE inner = nullptr;
                Name name(u"Child", key);
                EXPECT_EQ(ZwOpenKey(&inner, KEY_READ, name), STATUS_SUCCESS);
                ZwClose(inner);
            }
            return STATUS_SUCCESS;
        });
        ASSERT_EQ(open(test_key), STATUS_SUCCESS);
        auto count = [&](const std::string& line) { return std::count(log.begin(), log.end(), line); };
        EXPECT_EQ(count("high.28"), 1);
        EXPECT_EQ(count("high.29"), 1);
        EXPECT_EQ(count("middle.28"), 1);
        EXPECT_EQ(count("middle.29"), 1);
        EXPECT_EQ(count("low.28"), 3);
        EXPECT_EQ(count("low.29"), 3);
        EXPECT_EQ(count("low.14"), 2);
        EXPECT_EQ(count("low.25"), 2);
        EXPECT_EQ(log.size(), 14U);
        NtClose(std::exchange(handle, nullptr));
    }
    NtDeleteKey(child);
    NtClose(child);
}

}  // namespace
}  // namespace regent::test
