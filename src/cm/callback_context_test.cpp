#include "cm/callback_fixture.h"

namespace regent::cm::filter::testing {
namespace {

class CallbackContextTest : public CallbackTest {
protected:
    // A callback that sets `context` on the object at its first pre-set.
    static Listener::Script setter(Listener*& self, void* context) {
        return [&self, context, done = false](REG_NOTIFY_CLASS c, void* information) mutable {
            if (c == RegNtPreSetValueKey && !std::exchange(done, true)) {
                void* object = static_cast<REG_SET_VALUE_KEY_INFORMATION*>(information)->Object;
                EXPECT_EQ(CmSetCallbackObjectContext(object, &self->cookie, context, nullptr), STATUS_SUCCESS);
            }
            return STATUS_SUCCESS;
        };
    }
    int mark = 0;
    int other_mark = 0;
};

TEST_F(CallbackContextTest, EachCallbackSeesItsOwnContextOfThatObject) {  // R37, R38
    Listener high(log, "high", u"3");
    Listener low(log, "low", u"1");
    {
        FakeKey key;
        FakeKey same_key_other_handle;
        EXPECT_EQ(CmSetCallbackObjectContext(&key, &high.cookie, &mark, nullptr), STATUS_SUCCESS);
        void* expected_high = &mark;
        void* expected_low = nullptr;
        auto check = [](void*& expected) {
            return [&expected](REG_NOTIFY_CLASS c, void* information) {
                if (c == RegNtPreSetValueKey) {
                    EXPECT_EQ(static_cast<REG_SET_VALUE_KEY_INFORMATION*>(information)->ObjectContext, expected);
                } else if (c == RegNtPostSetValueKey) {
                    EXPECT_EQ(static_cast<REG_POST_OPERATION_INFORMATION*>(information)->ObjectContext, expected);
                }
                return STATUS_SUCCESS;
            };
        };
        high.script(check(expected_high));
        low.script(check(expected_low));
        (void)set_value(key);
        expected_high = nullptr;
        (void)set_value(same_key_other_handle);
        expected_high = &mark;
        expected_low = &other_mark;
        EXPECT_EQ(CmSetCallbackObjectContext(&key, &low.cookie, &other_mark, nullptr), STATUS_SUCCESS);
        (void)set_value(key);
        close(key);
        close(same_key_other_handle);
    }
}

TEST_F(CallbackContextTest, SetReturnsThePreviousContext) {  // R37
    Listener listener(log, "x", u"1");
    FakeKey key;
    void* old = &other_mark;
    EXPECT_EQ(CmSetCallbackObjectContext(&key, &listener.cookie, &mark, &old), STATUS_SUCCESS);
    EXPECT_EQ(old, nullptr);
    EXPECT_EQ(CmSetCallbackObjectContext(&key, &listener.cookie, &other_mark, &old), STATUS_SUCCESS);
    EXPECT_EQ(old, &mark);
    EXPECT_TRUE(log.empty());  // replacing cleans nothing
    close(key);
    EXPECT_EQ(log, (Log{"x.14", "x.40", "close", "x.25"}));
    LARGE_INTEGER wrong{};
    wrong.QuadPart = 12345;
    EXPECT_EQ(CmSetCallbackObjectContext(&key, &wrong, &mark, nullptr), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(CmSetCallbackObjectContext(nullptr, &listener.cookie, &mark, nullptr), STATUS_INVALID_PARAMETER);
}

TEST_F(CallbackContextTest, CloseCleansBetweenPreAndPost) {  // R39
    Listener high(log, "high", u"3", [&](REG_NOTIFY_CLASS c, void* information) {
        if (c == RegNtCallbackObjectContextCleanup) {
            EXPECT_EQ(static_cast<REG_CALLBACK_CONTEXT_CLEANUP_INFORMATION*>(information)->ObjectContext, &mark);
        }
        return STATUS_SUCCESS;
    });
    Listener low(log, "low", u"1");
    FakeKey key;
    EXPECT_EQ(CmSetCallbackObjectContext(&key, &high.cookie, &mark, nullptr), STATUS_SUCCESS);
    close(key);
    EXPECT_EQ(log, (Log{"high.14", "low.14", "high.40", "close", "low.25", "high.25"}));
    // Too late: the object is closed.
    EXPECT_EQ(CmSetCallbackObjectContext(&key, &high.cookie, &mark, nullptr), STATUS_INVALID_PARAMETER);
}

TEST_F(CallbackContextTest, UnregistrationCleansOpenObjectsBeforeItReturns) {  // R12, R13, R40
    FakeKey keys[3];
    {
        Listener listener(log, "x", u"1");
        for (FakeKey& key : keys) {
            EXPECT_EQ(CmSetCallbackObjectContext(&key, &listener.cookie, &mark, nullptr), STATUS_SUCCESS);
        }
        close(keys[0]);
        log.clear();
        EXPECT_EQ(listener.remove(), STATUS_SUCCESS);
        EXPECT_EQ(log, (Log{"x.40", "x.40"}));
        log.clear();
    }
    close(keys[1]);  // cleaned already
    close(keys[2]);
    EXPECT_EQ(log, (Log{"close", "close"}));
}

TEST_F(CallbackContextTest, ASlotOfAnObjectIsReusedForTheNextCallback) {
    FakeKey key;
    for (int round = 0; round < 3; ++round) {
        Listener listener(log, "x", u"1");
        void* old = &other_mark;
        EXPECT_EQ(CmSetCallbackObjectContext(&key, &listener.cookie, &mark, &old), STATUS_SUCCESS);
        EXPECT_EQ(old, nullptr);
    }
    EXPECT_EQ(log, (Log{"x.40", "x.40", "x.40"}));
    close(key);
}

TEST_F(CallbackContextTest, ClosedByALowerCallbackStillCleansTheHigher) {  // R32 against R40: exactly once wins
    FakeKey key;
    FakeKey held;
    Listener high(log, "high", u"3");
    EXPECT_EQ(CmSetCallbackObjectContext(&held, &high.cookie, &mark, nullptr), STATUS_SUCCESS);
    Listener low(log, "low", u"1", [&](REG_NOTIFY_CLASS c, void*) {
        if (c == RegNtPreSetValueKey) close(held);
        return STATUS_SUCCESS;
    });
    (void)set_value(key);
    EXPECT_EQ(log, (Log{"high.1", "low.1", "high.40", "close", "set", "low.16", "high.16"}));
}

TEST_F(CallbackContextTest, CallsMadeByACleanupGoBelowIt) {  // R33
    FakeKey key;
    FakeKey target;
    Listener high(log, "high", u"3");
    Listener middle(log, "middle", u"2", [&](REG_NOTIFY_CLASS c, void*) {
        if (c == RegNtCallbackObjectContextCleanup) (void)set_value(target);
        return STATUS_SUCCESS;
    });
    Listener low(log, "low", u"1");
    EXPECT_EQ(CmSetCallbackObjectContext(&key, &middle.cookie, &mark, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(middle.remove(), STATUS_SUCCESS);
    EXPECT_EQ(log, (Log{"middle.40", "low.1", "set", "low.16"}));
}

TEST_F(CallbackContextTest, RootObjectContextIsTheRootsOwn) {  // R38
    FakeKey root;
    void* seen = nullptr;
    Listener listener(log, "x", u"1", [&](REG_NOTIFY_CLASS c, void* information) {
        if (c == RegNtPreCreateKeyEx) seen = static_cast<REG_CREATE_KEY_INFORMATION*>(information)->RootObjectContext;
        return STATUS_SUCCESS;
    });
    EXPECT_EQ(CmSetCallbackObjectContext(&root, &listener.cookie, &mark, nullptr), STATUS_SUCCESS);
    REG_CREATE_KEY_INFORMATION_V1 info{};
    void* result = nullptr;
    info.ResultObject = &result;
    info.RootObject = &root;
    info.Version = 1;
    Operation operation(RegNtPreCreateKeyEx, &root, &info);
    ASSERT_TRUE(operation.pre());
    EXPECT_EQ(operation.post(STATUS_ACCESS_DENIED, nullptr), STATUS_ACCESS_DENIED);
    EXPECT_EQ(seen, &mark);
    EXPECT_EQ(info.Version, 1U);
    close(root);
}

TEST_F(CallbackContextTest, KeyNamesAndIds) {  // R53, R54
    Listener listener(log, "x", u"1");
    FakeKey key;
    key.id = 77;
    ULONG_PTR id = 0;
    PCUNICODE_STRING name = nullptr;
    EXPECT_EQ(CmCallbackGetKeyObjectID(&listener.cookie, &key, &id, &name), STATUS_SUCCESS);
    EXPECT_EQ(id, 77U);
    EXPECT_EQ(rtl::view(name), key.old_name);  // shared, may be stale
    EXPECT_EQ(CmCallbackGetKeyObjectIDEx(&listener.cookie, &key, nullptr, &name, 0), STATUS_SUCCESS);
    EXPECT_EQ(rtl::view(name), key.name);
    CmCallbackReleaseKeyObjectIDEx(name);
    EXPECT_EQ(CmCallbackGetKeyObjectIDEx(&listener.cookie, &key, &id, nullptr, 0), STATUS_SUCCESS);
    EXPECT_EQ(CmCallbackGetKeyObjectIDEx(&listener.cookie, &key, &id, &name, 1), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(CmCallbackGetKeyObjectID(&listener.cookie, nullptr, &id, nullptr), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(CmCallbackGetKeyObjectID(nullptr, &key, &id, nullptr), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(CmGetBoundTransaction(&listener.cookie, &key), nullptr);
    close(key);
}

}  // namespace
}  // namespace regent::cm::filter::testing
