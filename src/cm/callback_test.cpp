#include "cm/callback.h"

#include "cm/callback_altitude.h"
#include "cm/callback_fixture.h"
#include "ex/debug_sink.h"
#include "wdk/wdm.h"

namespace regent::cm::filter::testing {
namespace {

Altitude altitude(Utf16View text) { return *Altitude::parse(text); }

TEST(Altitude, IsADecimalOfAnyLength) {  // R5
    EXPECT_LT(altitude(u"9"), altitude(u"10"));
    EXPECT_LT(altitude(u"385123.12"), altitude(u"385123.9000"));
    EXPECT_EQ(altitude(u"385123.9000"), altitude(u"0385123.9"));
    EXPECT_EQ(altitude(u"100"), altitude(u"100.0"));
    EXPECT_EQ(altitude(u"0.5"), altitude(u".5"));
    EXPECT_LT(altitude(u"228.421337211488911"), altitude(u"228.421337211488912"));
    EXPECT_LT(altitude(u"99999999999999999998"), altitude(u"99999999999999999999"));
    EXPECT_LT(altitude(u"7657"), altitude(u"7657.124171"));
}

TEST(Altitude, MalformedTextIsRefused) {  // R5
    for (Utf16View text : {u"", u".", u"1.2.3", u"-1", u"+1", u" 1", u"1e5", u"12a", u"1,5"}) {
        EXPECT_EQ(Altitude::parse(text).error().code(), STATUS_INVALID_PARAMETER) << rtl::to_utf8(text);
    }
}

NTSTATUS nothing(PVOID, PVOID, PVOID) { return STATUS_SUCCESS; }

NTSTATUS register_ex(Utf16View text, LARGE_INTEGER* cookie, PVOID driver, PVOID reserved = nullptr) {
    UNICODE_STRING string = rtl::unicode_string(text);
    return CmRegisterCallbackEx(nothing, &string, driver, nullptr, cookie, reserved);
}

TEST_F(CallbackTest, RegistrationChecksItsArguments) {  // R3, R4
    int driver = 0;
    LARGE_INTEGER cookie{};
    LARGE_INTEGER second{};
    EXPECT_EQ(register_ex(u"100", &cookie, nullptr), STATUS_INVALID_PARAMETER_3);
    EXPECT_EQ(register_ex(u"100", &cookie, &driver, &driver), STATUS_INVALID_PARAMETER_6);
    EXPECT_EQ(register_ex(u"x", &cookie, &driver), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(CmRegisterCallbackEx(nothing, nullptr, &driver, nullptr, &cookie, nullptr), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(register_ex(u"100", nullptr, &driver), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(CmRegisterCallback(nullptr, nullptr, &cookie), STATUS_INVALID_PARAMETER);
    EXPECT_FALSE(any_registered());

    ASSERT_EQ(register_ex(u"100.50", &cookie, &driver), STATUS_SUCCESS);
    EXPECT_TRUE(any_registered());
    EXPECT_EQ(register_ex(u"0100.5", &second, &driver), STATUS_FLT_INSTANCE_ALTITUDE_COLLISION);
    EXPECT_EQ(register_ex(u"100.51", &second, &driver), STATUS_SUCCESS);
    EXPECT_NE(cookie.QuadPart, second.QuadPart);  // R6
    EXPECT_EQ(CmUnRegisterCallback(cookie), STATUS_SUCCESS);
    EXPECT_EQ(CmUnRegisterCallback(cookie), STATUS_INVALID_PARAMETER);  // R10
    EXPECT_EQ(CmUnRegisterCallback(second), STATUS_SUCCESS);
    EXPECT_EQ(CmUnRegisterCallback(LARGE_INTEGER{}), STATUS_INVALID_PARAMETER);
}

TEST_F(CallbackTest, RegistrationAboveApcLevelIsReported) {  // R1, R2, R10
    const std::uint64_t before = ex::DebugSink::instance().last_sequence();
    const auto reported = [before](std::string_view routine) {
        for (const ex::DebugLine& line : ex::DebugSink::instance().read(before))
            if (line.text.find(std::string(routine) + " called at IRQL 2") != std::string::npos) return true;
        return false;
    };
    int driver = 0;
    LARGE_INTEGER cookie{};
    LARGE_INTEGER second{};
    KIRQL old;
    KeRaiseIrql(APC_LEVEL, &old);
    EXPECT_EQ(CmRegisterCallback(nothing, nullptr, &cookie), STATUS_SUCCESS);
    EXPECT_FALSE(reported("CmRegisterCallback"));
    KeLowerIrql(old);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    EXPECT_EQ(register_ex(u"1", &second, &driver), STATUS_SUCCESS);
    EXPECT_EQ(CmUnRegisterCallback(second), STATUS_SUCCESS);
    KeLowerIrql(old);
    EXPECT_TRUE(reported("CmRegisterCallbackEx"));
    EXPECT_TRUE(reported("CmUnRegisterCallback"));
    EXPECT_EQ(CmUnRegisterCallback(cookie), STATUS_SUCCESS);
}

TEST_F(CallbackTest, MoreRegistrationsThanSlotsAreRefused) {  // R3
    std::vector<LARGE_INTEGER> cookies;
    LARGE_INTEGER cookie{};
    NTSTATUS status = STATUS_SUCCESS;
    while (NT_SUCCESS(status = CmRegisterCallback(nothing, nullptr, &cookie))) cookies.push_back(cookie);
    EXPECT_EQ(status, STATUS_INSUFFICIENT_RESOURCES);
    EXPECT_EQ(cookies.size(), 256U);
    FakeKey key;
    EXPECT_EQ(set_value(key), STATUS_SUCCESS);
    for (LARGE_INTEGER each : cookies) EXPECT_EQ(CmUnRegisterCallback(each), STATUS_SUCCESS);
}

TEST_F(CallbackTest, ReusedSlotsHaveNewCookies) {  // R10
    LARGE_INTEGER first{};
    LARGE_INTEGER second{};
    ASSERT_EQ(CmRegisterCallback(nothing, nullptr, &first), STATUS_SUCCESS);
    ASSERT_EQ(CmUnRegisterCallback(first), STATUS_SUCCESS);
    ASSERT_EQ(CmRegisterCallback(nothing, nullptr, &second), STATUS_SUCCESS);
    EXPECT_EQ(CmUnRegisterCallback(first), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(CmUnRegisterCallback(second), STATUS_SUCCESS);
}

TEST_F(CallbackTest, PreGoesDownAndPostComesUp) {  // R19, R20, R21
    Listener low(log, "low", u"100");
    Listener high(log, "high", u"300.5", [](auto, void*) { return 0x40000000; });  // any success proceeds
    Listener middle(log, "middle", u"200");
    FakeKey key;
    EXPECT_EQ(set_value(key), STATUS_SUCCESS);
    EXPECT_EQ(log, (Log{"high.1", "middle.1", "low.1", "set", "low.16", "middle.16", "high.16"}));
}

TEST_F(CallbackTest, LegacyRegistrationsStandAboveInTheirOrder) {  // R7
    static Log* legacy_log = nullptr;
    legacy_log = &log;
    auto legacy = [](PVOID context, PVOID, PVOID) -> NTSTATUS {
        legacy_log->push_back(static_cast<const char*>(context));
        return STATUS_SUCCESS;
    };
    Listener high(log, "high", u"999999");
    LARGE_INTEGER first{};
    LARGE_INTEGER second{};
    ASSERT_EQ(CmRegisterCallback(legacy, const_cast<char*>("first"), &first), STATUS_SUCCESS);
    ASSERT_EQ(CmRegisterCallback(legacy, const_cast<char*>("second"), &second), STATUS_SUCCESS);
    FakeKey key;
    (void)set_value(key);
    EXPECT_EQ(log, (Log{"first", "second", "high.1", "set", "high.16", "second", "first"}));
    EXPECT_EQ(CmUnRegisterCallback(first), STATUS_SUCCESS);
    EXPECT_EQ(CmUnRegisterCallback(second), STATUS_SUCCESS);
}

TEST_F(CallbackTest, VetoStopsTheOperationAndThoseBelow) {  // R19, R20, R22
    NTSTATUS seen = 0;
    Listener high(log, "high", u"3", [&](REG_NOTIFY_CLASS c, void* information) {
        if (c == RegNtPostSetValueKey) seen = static_cast<REG_POST_OPERATION_INFORMATION*>(information)->Status;
        return STATUS_SUCCESS;
    });
    Listener middle(log, "middle", u"2", [](auto, void*) { return STATUS_ACCESS_DENIED; });
    Listener low(log, "low", u"1");
    FakeKey key;
    EXPECT_EQ(set_value(key), STATUS_ACCESS_DENIED);
    EXPECT_EQ(log, (Log{"high.1", "middle.1", "high.16"}));
    EXPECT_EQ(seen, STATUS_ACCESS_DENIED);
}

TEST_F(CallbackTest, BypassSkipsTheOperationAndSucceeds) {  // R23
    NTSTATUS seen = -1;
    Listener high(log, "high", u"3", [&](REG_NOTIFY_CLASS c, void* information) {
        if (c == RegNtPostSetValueKey) seen = static_cast<REG_POST_OPERATION_INFORMATION*>(information)->Status;
        return STATUS_SUCCESS;
    });
    Listener middle(log, "middle", u"2", [](auto, void*) { return STATUS_CALLBACK_BYPASS; });
    FakeKey key;
    EXPECT_EQ(set_value(key), STATUS_SUCCESS);
    EXPECT_EQ(log, (Log{"high.1", "middle.1", "high.16"}));
    EXPECT_EQ(seen, STATUS_SUCCESS);
}

TEST_F(CallbackTest, ArgumentOneIsTheClassInAWholeRegister) {  // R16, R35
    static PVOID argument = nullptr;
    static PVOID context = nullptr;
    auto raw = [](PVOID c, PVOID argument1, PVOID) -> NTSTATUS {
        context = c;
        argument = argument1;
        return STATUS_SUCCESS;
    };
    int mine = 0;
    auto cookie = register_callback(raw, u"1", &mine);
    ASSERT_TRUE(cookie.has_value());
    FakeKey key;
    (void)set_value(key);
    EXPECT_EQ(argument, reinterpret_cast<PVOID>(static_cast<std::uintptr_t>(RegNtPostSetValueKey)));
    EXPECT_EQ(context, &mine);
    ASSERT_TRUE(unregister_callback(*cookie).has_value());
}

TEST_F(CallbackTest, PostOverridesTheStatusOnlyWithBypass) {  // R24
    NTSTATUS seen_above = 0;
    Listener high(log, "high", u"3", [&](REG_NOTIFY_CLASS c, void* information) {
        if (c == RegNtPostSetValueKey) seen_above = static_cast<REG_POST_OPERATION_INFORMATION*>(information)->Status;
        return STATUS_SUCCESS;
    });
    NTSTATUS answer = STATUS_SUCCESS;
    Listener low(log, "low", u"1", [&](REG_NOTIFY_CLASS c, void* information) {
        if (c != RegNtPostSetValueKey) return STATUS_SUCCESS;
        auto* post = static_cast<REG_POST_OPERATION_INFORMATION*>(information);
        EXPECT_EQ(post->ReturnStatus, post->Status);
        post->ReturnStatus = STATUS_NOT_FOUND;
        post->Status = STATUS_NO_MEMORY;  // a driver must not; the engine keeps its own
        return answer;
    });
    FakeKey key;
    EXPECT_EQ(set_value(key), STATUS_SUCCESS);
    EXPECT_EQ(seen_above, STATUS_SUCCESS);
    answer = STATUS_ACCESS_DENIED;  // not BYPASS: ignored
    EXPECT_EQ(set_value(key), STATUS_SUCCESS);
    answer = STATUS_CALLBACK_BYPASS;
    EXPECT_EQ(set_value(key), STATUS_NOT_FOUND);
    EXPECT_EQ(seen_above, STATUS_NOT_FOUND);
}

TEST_F(CallbackTest, HigherPostOverridesALowerVeto) {  // R25
    Listener high(log, "high", u"3", [](REG_NOTIFY_CLASS c, void* information) {
        if (c != RegNtPostSetValueKey) return STATUS_SUCCESS;
        static_cast<REG_POST_OPERATION_INFORMATION*>(information)->ReturnStatus = STATUS_SUCCESS;
        return STATUS_CALLBACK_BYPASS;
    });
    Listener low(log, "low", u"1", [](auto, void*) { return STATUS_ACCESS_DENIED; });
    FakeKey key;
    EXPECT_EQ(set_value(key), STATUS_SUCCESS);
}

TEST_F(CallbackTest, CallContextBelongsToOneCallback) {  // R36
    int marks[2] = {};
    auto script = [](int* mark) {
        return [mark](REG_NOTIFY_CLASS c, void* information) {
            if (c == RegNtPreSetValueKey) {
                auto* info = static_cast<REG_SET_VALUE_KEY_INFORMATION*>(information);
                EXPECT_EQ(info->CallContext, nullptr);
                info->CallContext = mark;
            } else {
                auto* post = static_cast<REG_POST_OPERATION_INFORMATION*>(information);
                EXPECT_EQ(post->CallContext, mark);
                EXPECT_EQ(static_cast<REG_SET_VALUE_KEY_INFORMATION*>(post->PreInformation)->CallContext, mark);
            }
            return STATUS_SUCCESS;
        };
    };
    Listener high(log, "high", u"3", script(&marks[0]));
    Listener low(log, "low", u"1", script(&marks[1]));
    FakeKey key;
    EXPECT_EQ(set_value(key), STATUS_SUCCESS);
    EXPECT_EQ(log.size(), 5U);
}

TEST_F(CallbackTest, CallsOfACallbackGoOnlyBelowIt) {  // R32, R33
    FakeKey key;
    int depth = 0;
    Listener high(log, "high", u"3");
    Listener middle(log, "middle", u"2", [&](auto, void*) {
        if (++depth <= 2) (void)set_value(key);  // once in pre, once in post
        return STATUS_SUCCESS;
    });
    Listener low(log, "low", u"1");
    EXPECT_EQ(set_value(key), STATUS_SUCCESS);
    EXPECT_EQ(log, (Log{"high.1", "middle.1", "low.1", "set", "low.16", "low.1", "set", "low.16", "middle.16", "low.1",
                        "set", "low.16", "high.16"}));
    log.clear();  // the marker is gone again
    EXPECT_EQ(set_value(key), STATUS_SUCCESS);
    EXPECT_EQ(log.size(), 7U);
}

TEST_F(CallbackTest, NestedMarkersNest) {  // R33
    FakeKey key;
    bool once_middle = false;
    bool once_low = false;
    Listener high(log, "a", u"4");
    Listener middle(log, "b", u"3", [&](auto, void*) {
        if (!std::exchange(once_middle, true)) (void)set_value(key);
        return STATUS_SUCCESS;
    });
    Listener low(log, "c", u"2", [&](auto, void*) {
        if (!std::exchange(once_low, true)) (void)set_value(key);
        return STATUS_SUCCESS;
    });
    Listener lowest(log, "d", u"1");
    (void)set_value(key);
    EXPECT_EQ(log, (Log{"a.1", "b.1", "c.1", "d.1", "set", "d.16", "d.1", "set", "d.16", "c.16", "c.1", "d.1", "set",
                        "d.16", "c.16", "b.16", "a.16"}));
}

TEST_F(CallbackTest, RegisteredInBetweenSeesNoOrphanPost) {  // R8
    FakeKey key;
    std::unique_ptr<Listener> late;
    Listener high(log, "high", u"3", [&](auto, void*) {
        if (!late) late = std::make_unique<Listener>(log, "late", u"2");
        return STATUS_SUCCESS;
    });
    (void)set_value(key);
    EXPECT_EQ(log, (Log{"high.1", "set", "high.16"}));
    log.clear();
    (void)set_value(key);
    EXPECT_EQ(log.size(), 5U);
}

TEST_F(CallbackTest, UnregisteredInBetweenLosesItsPost) {  // R15
    FakeKey key;
    Listener low(log, "low", u"1");
    Listener high(log, "high", u"3");
    REG_SET_VALUE_KEY_INFORMATION info{};
    Operation operation(RegNtPreSetValueKey, &key, &info);
    ASSERT_TRUE(operation.pre());
    EXPECT_EQ(low.remove(), STATUS_SUCCESS);
    EXPECT_EQ(operation.post(STATUS_SUCCESS), STATUS_SUCCESS);
    EXPECT_EQ(log, (Log{"high.1", "low.1", "high.16"}));
}

TEST_F(CallbackTest, UnregisteringOneselfIsReportedNotAHang) {  // R11
    FakeKey key;
    NTSTATUS answer = STATUS_SUCCESS;
    Listener* self = nullptr;
    Listener listener(log, "self", u"1", [&](auto, void*) {
        answer = CmUnRegisterCallback(self->cookie);
        return STATUS_SUCCESS;
    });
    self = &listener;
    (void)set_value(key);
    EXPECT_EQ(answer, STATUS_POSSIBLE_DEADLOCK);
    EXPECT_TRUE(any_registered());  // it stays
}

TEST_F(CallbackTest, ACallbackMayUnregisterAnother) {
    FakeKey key;
    Listener low(log, "low", u"1");
    Listener high(log, "high", u"3", [&](REG_NOTIFY_CLASS c, void*) {
        if (c == RegNtPreSetValueKey) {
            EXPECT_EQ(low.remove(), STATUS_SUCCESS);
        }
        return STATUS_SUCCESS;
    });
    (void)set_value(key);
    EXPECT_EQ(log, (Log{"high.1", "set", "high.16"}));
}

TEST_F(CallbackTest, CloseCannotBeRefused) {  // R29
    Listener high(log, "high", u"3", [](auto, void*) { return STATUS_ACCESS_DENIED; });
    Listener low(log, "low", u"1", [](auto, void*) { return STATUS_CALLBACK_BYPASS; });
    FakeKey key;
    close(key);
    EXPECT_EQ(log, (Log{"high.14", "low.14", "close", "low.25", "high.25"}));
}

TEST_F(CallbackTest, VersionIsOneDotOne) {  // R57
    ULONG major = 0;
    ULONG minor = 0;
    CmGetCallbackVersion(&major, nullptr);
    CmGetCallbackVersion(nullptr, &minor);
    EXPECT_EQ(major, 1U);
    EXPECT_EQ(minor, 1U);
}

// Create and open: the object's way through the posts.
class CallbackCreateTest : public CallbackTest {
protected:
    NTSTATUS open(NTSTATUS outcome, void* made) {
        info.ResultObject = &slot;
        info.RootObject = &root;
        Operation operation(RegNtPreOpenKeyEx, &root, &info);
        NTSTATUS status = STATUS_SUCCESS;
        if (operation.pre()) {
            log.push_back("open");
            status = operation.post(outcome, made);
        } else {
            status = operation.post(operation.blocked_status(), operation.bypassed() ? slot : nullptr);
        }
        object = operation.post_object();
        return status;
    }
    static Listener::Script in_post(std::function<NTSTATUS(REG_POST_OPERATION_INFORMATION&)> script) {
        return [script](REG_NOTIFY_CLASS c, void* information) {
            if (c != RegNtPostOpenKeyEx) return STATUS_SUCCESS;
            return script(*static_cast<REG_POST_OPERATION_INFORMATION*>(information));
        };
    }
    FakeKey root;
    FakeKey key;
    FakeKey other;
    REG_OPEN_KEY_INFORMATION info{};
    void* slot = nullptr;
    void* object = nullptr;
};

TEST_F(CallbackCreateTest, PostHasTheObjectOnlyOnSuccess) {  // R49
    void* seen = &root;
    Listener listener(log, "x", u"1", in_post([&](REG_POST_OPERATION_INFORMATION& post) {
                          seen = post.Object;
                          return STATUS_SUCCESS;
                      }));
    EXPECT_EQ(open(STATUS_SUCCESS, &key), STATUS_SUCCESS);
    EXPECT_EQ(seen, &key);
    EXPECT_EQ(object, &key);
    EXPECT_EQ(open(STATUS_OBJECT_NAME_NOT_FOUND, nullptr), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(seen, nullptr);
    EXPECT_EQ(log, (Log{"x.28", "open", "x.29", "x.28", "open", "x.29"}));
}

TEST_F(CallbackCreateTest, PostMayTurnSuccessIntoFailure) {  // R26
    Listener listener(log, "x", u"1", in_post([&](REG_POST_OPERATION_INFORMATION& post) {
                          post.Object = nullptr;
                          *static_cast<REG_OPEN_KEY_INFORMATION*>(post.PreInformation)->ResultObject = nullptr;
                          post.ReturnStatus = STATUS_ACCESS_DENIED;
                          return STATUS_CALLBACK_BYPASS;
                      }));
    EXPECT_EQ(open(STATUS_SUCCESS, &key), STATUS_ACCESS_DENIED);
    EXPECT_EQ(object, nullptr);  // the driver dropped it
}

TEST_F(CallbackCreateTest, PostMayTurnFailureIntoSuccess) {  // R27
    bool fills_post = true;
    Listener listener(log, "x", u"1", in_post([&](REG_POST_OPERATION_INFORMATION& post) {
                          *static_cast<REG_OPEN_KEY_INFORMATION*>(post.PreInformation)->ResultObject = &other;
                          if (fills_post) post.Object = &other;
                          post.ReturnStatus = STATUS_SUCCESS;
                          return STATUS_CALLBACK_BYPASS;
                      }));
    void* seen_above = nullptr;
    Listener above(log, "y", u"2", in_post([&](REG_POST_OPERATION_INFORMATION& post) {
                       seen_above = post.Object;
                       return STATUS_SUCCESS;
                   }));
    EXPECT_EQ(open(STATUS_OBJECT_NAME_NOT_FOUND, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(object, &other);
    EXPECT_EQ(seen_above, &other);
    fills_post = false;
    EXPECT_EQ(open(STATUS_OBJECT_NAME_NOT_FOUND, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(object, &other);
}

TEST_F(CallbackCreateTest, SuccessWithoutAnObjectIsNotTaken) {  // R27
    Listener listener(log, "x", u"1", in_post([](REG_POST_OPERATION_INFORMATION& post) {
                          post.ReturnStatus = STATUS_SUCCESS;
                          return STATUS_CALLBACK_BYPASS;
                      }));
    EXPECT_EQ(open(STATUS_OBJECT_NAME_NOT_FOUND, nullptr), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(object, nullptr);
}

TEST_F(CallbackCreateTest, BypassSuppliesTheObject) {  // R28
    bool supply = true;
    Listener listener(log, "x", u"1", [&](REG_NOTIFY_CLASS, void* information) {
        if (supply) *static_cast<REG_OPEN_KEY_INFORMATION*>(information)->ResultObject = &other;
        return STATUS_CALLBACK_BYPASS;
    });
    EXPECT_EQ(open(STATUS_SUCCESS, &key), STATUS_SUCCESS);
    EXPECT_EQ(object, &other);
    supply = false;
    slot = nullptr;
    EXPECT_EQ(open(STATUS_SUCCESS, &key), STATUS_UNSUCCESSFUL);
    EXPECT_EQ(object, nullptr);
}

}  // namespace
}  // namespace regent::cm::filter::testing
