// Closing, contexts and names of real key objects (R37-R42, R53-R56).
#include <atomic>
#include <thread>

#include "filter_test.h"

namespace regent::test {
namespace {

class LifetimeTest : public FilterTest {
protected:
    // Sets `context` on every key object that an open gives.
    Filter::Script marker(Filter*& self, void* context) {
        return [&self, context](const Call& call) {
            if (call.notify_class == RegNtPostOpenKeyEx && call.post()->Object != nullptr) {
                EXPECT_EQ(CmSetCallbackObjectContext(call.post()->Object, &self->cookie, context, nullptr),
                          STATUS_SUCCESS);
            }
            return STATUS_SUCCESS;
        };
    }
    HANDLE open() {
        HANDLE handle = nullptr;
        Name name(test_key);
        EXPECT_EQ(NtOpenKey(&handle, KEY_ALL_ACCESS, name), STATUS_SUCCESS);
        return handle;
    }
    int mark = 0;
};

TEST_F(LifetimeTest, CloseCleansBetweenPreAndPost) {  // R39
    Filter high(log, "high", u"2");
    Filter* self = &high;
    high.script(marker(self, &mark));
    Filter low(log, "low", u"1");
    HANDLE handle = open();
    log.clear();
    EXPECT_EQ(NtClose(handle), STATUS_SUCCESS);
    EXPECT_EQ(log, (Log{"high.14", "low.14", "high.40", "low.25", "high.25"}));
}

TEST_F(LifetimeTest, TheLastHandleCloses) {  // R42
    HANDLE handle = open();
    HANDLE second = nullptr;
    ASSERT_EQ(NtDuplicateObject(NtCurrentProcess(), handle, NtCurrentProcess(), &second, 0, 0, DUPLICATE_SAME_ACCESS),
              STATUS_SUCCESS);
    Filter filter(log, "x", u"1");
    EXPECT_EQ(NtClose(handle), STATUS_SUCCESS);
    EXPECT_TRUE(log.empty());
    EXPECT_EQ(NtClose(second), STATUS_SUCCESS);
    EXPECT_EQ(log, (Log{"x.14", "x.25"}));
}

TEST_F(LifetimeTest, TheContextBelongsToTheHandlesObject) {  // R37
    void* seen = nullptr;
    Filter filter(log, "x", u"1");
    Filter* self = &filter;
    HANDLE before = open();
    auto set_context = marker(self, &mark);
    filter.script([&](const Call& call) {
        if (call.notify_class == RegNtPreSetValueKey) seen = call.as<REG_SET_VALUE_KEY_INFORMATION>()->ObjectContext;
        return set_context(call);
    });
    HANDLE handle = open();
    EXPECT_EQ(set(handle, u"v", 1), STATUS_SUCCESS);
    EXPECT_EQ(seen, &mark);
    EXPECT_EQ(set(before, u"v", 1), STATUS_SUCCESS);
    EXPECT_EQ(seen, nullptr);
    NtClose(before);
    NtClose(handle);
}

TEST_F(LifetimeTest, UnregistrationCleansWhatIsStillOpen) {  // R12, R40
    HANDLE handle = nullptr;
    {
        Filter filter(log, "x", u"1");
        Filter* self = &filter;
        filter.script(marker(self, &mark));
        handle = open();
        log.clear();
        EXPECT_EQ(filter.remove(), STATUS_SUCCESS);
        EXPECT_EQ(log, (Log{"x.40"}));
    }
    NtClose(handle);
    EXPECT_EQ(log.size(), 1U);
}

TEST_F(LifetimeTest, IdsAndNames) {  // R53, R54, R55
    HANDLE second = open();
    ULONG_PTR ids[2] = {};
    Utf16 names[2];
    int index = 0;
    Filter filter(log, "x", u"1");
    filter.script([&](const Call& call) {
        if (call.notify_class != RegNtPreSetValueKey) return STATUS_SUCCESS;
        void* object = call.as<REG_SET_VALUE_KEY_INFORMATION>()->Object;
        PCUNICODE_STRING name = nullptr;
        EXPECT_EQ(CmCallbackGetKeyObjectID(&filter.cookie, object, &ids[index], &name), STATUS_SUCCESS);
        names[index] = rtl::view(name);
        return STATUS_SUCCESS;
    });
    set(key, u"v", 1);
    index = 1;
    set(second, u"v", 2);
    EXPECT_EQ(ids[0], ids[1]);
    EXPECT_NE(ids[0], 0U);
    EXPECT_EQ(names[0], names[1]);
    EXPECT_TRUE(names[0].starts_with(u"\\REGISTRY\\MACHINE\\")) << rtl::to_utf8(names[0]);

    Utf16 new_name = u"CallbackRenamed";
    UNICODE_STRING string = rtl::unicode_string(new_name);
    ASSERT_EQ(NtRenameKey(key, &string), STATUS_SUCCESS);
    Utf16 fresh;
    filter.script([&](const Call& call) {
        if (call.notify_class != RegNtPreSetValueKey) return STATUS_SUCCESS;
        PCUNICODE_STRING name = nullptr;
        EXPECT_EQ(CmCallbackGetKeyObjectIDEx(&filter.cookie, call.as<REG_SET_VALUE_KEY_INFORMATION>()->Object, &ids[1],
                                             &name, 0),
                  STATUS_SUCCESS);
        fresh = rtl::view(name);
        CmCallbackReleaseKeyObjectIDEx(name);
        return STATUS_SUCCESS;
    });
    set(second, u"v", 3);
    EXPECT_EQ(ids[0], ids[1]);
    EXPECT_TRUE(fresh.ends_with(u"\\CallbackRenamed")) << rtl::to_utf8(fresh);
    NtClose(second);
}

TEST_F(LifetimeTest, OtherThreadsAreSeenToo) {  // R9, R33
    std::atomic<int> calls{0};
    static std::atomic<int>* counter = nullptr;
    counter = &calls;
    auto cookie = cm::filter::register_callback(
        [](PVOID, PVOID argument1, PVOID) -> NTSTATUS {
            if (reinterpret_cast<std::uintptr_t>(argument1) == RegNtPreSetValueKey) ++*counter;
            return STATUS_SUCCESS;
        },
        u"5", nullptr);
    ASSERT_TRUE(cookie.has_value());
    std::jthread([&] { set(key, u"v", 1); }).join();
    EXPECT_EQ(calls, 1);
    ASSERT_TRUE(cm::filter::unregister_callback(*cookie).has_value());
    std::jthread([&] { set(key, u"v", 2); }).join();
    EXPECT_EQ(calls, 1);
}

TEST_F(LifetimeTest, ThousandsOfOpensLeaveNothing) {  // exactly-once, counted
    int cleaned = 0;
    Filter filter(log, "x", u"1");
    Filter* self = &filter;
    auto set_context = marker(self, &mark);
    filter.script([&](const Call& call) {
        if (call.notify_class == RegNtCallbackObjectContextCleanup) ++cleaned;
        return set_context(call);
    });
    for (int i = 0; i < 2000; ++i) NtClose(open());
    EXPECT_EQ(cleaned, 2000);
}

}  // namespace
}  // namespace regent::test
