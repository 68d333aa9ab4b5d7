// The profiles of older Windows: classes, structures, and which answers count (docs/callbacks.md, "Profiles").
#include <utility>

#include "filter_test.h"

namespace regent::test {
namespace {

using cm::filter::Profile;

class ProfileTest : public FilterTest {
protected:
    static Utf16View keys_path() { return test_key; }
    NTSTATUS open(Utf16View name, HANDLE root) {
        Name attributes(name, root);
        HANDLE handle = nullptr;
        const NTSTATUS status = NtOpenKey(&handle, KEY_READ, attributes);
        if (NT_SUCCESS(status)) NtClose(handle);
        return status;
    }
    std::byte buffer[512];
    ULONG needed = 0;
};

TEST_F(ProfileTest, NamesOfProfiles) {
    EXPECT_EQ(cm::filter::profile_named(u"xp"), Profile::xp);
    EXPECT_EQ(cm::filter::profile_named(u"2003"), Profile::server2003);
    EXPECT_EQ(cm::filter::profile_named(u"Server2003"), Profile::server2003);
    EXPECT_EQ(cm::filter::profile_named(u"VISTA"), Profile::vista);
    EXPECT_EQ(cm::filter::profile_named(u"Windows7"), Profile::windows7);
    EXPECT_EQ(cm::filter::profile_named(u"Windows95"), std::nullopt);
}

TEST_F(ProfileTest, XpSendsPresAndCreatesOfItsOwnKind) {  // R43
    HANDLE child = create(u"Child", key);
    {
        Utf16 pre_name;
        Utf16 post_name;
        NTSTATUS status = -1;
        void* object = &status;
        Filter xp(
            log, "xp", u"1",
            [&](const Call& call) {
                if (call.notify_class == RegNtPreOpenKey) {
                    pre_name = rtl::view(call.as<REG_PRE_OPEN_KEY_INFORMATION>()->CompleteName);
                } else if (call.notify_class == RegNtPostOpenKey) {
                    const auto* post = call.as<REG_POST_OPEN_KEY_INFORMATION>();
                    post_name = rtl::view(post->CompleteName);
                    status = post->Status;
                    object = post->Object;
                }
                return STATUS_SUCCESS;
            },
            Profile::xp);
        EXPECT_EQ(open(u"chILD", key), STATUS_SUCCESS);
        EXPECT_EQ(log, (Log{"xp.12", "xp.13", "xp.14"}));  // open, its post, the close: no other post
        // One name, complete: XP has no root to be relative to.
        EXPECT_TRUE(rtl::equal_folded(pre_name, Utf16(keys_path()) + u"\\Child")) << rtl::to_utf8(pre_name);
        EXPECT_EQ(post_name, pre_name);
        EXPECT_EQ(status, STATUS_SUCCESS);
        EXPECT_NE(object, nullptr);
        log.clear();
        EXPECT_EQ(open(u"Missing", key), STATUS_OBJECT_NAME_NOT_FOUND);
        EXPECT_EQ(status, STATUS_OBJECT_NAME_NOT_FOUND);
        EXPECT_EQ(object, nullptr);
        log.clear();
        EXPECT_EQ(set(key, u"v", 1), STATUS_SUCCESS);
        EXPECT_EQ(NtFlushKey(key), STATUS_SUCCESS);  // no class for it before Vista
        EXPECT_EQ(log, (Log{"xp.1"}));
    }
    NtDeleteKey(child);
    NtClose(child);
}

TEST_F(ProfileTest, Server2003HasExClassesAndPostsWithoutContexts) {
    HANDLE child = create(u"Child", key);
    {
        Filter old(
            log, "2003", u"1",
            [&](const Call& call) {
                if (call.notify_class == RegNtPreOpenKeyEx) {
                    auto* info = call.as<REG_OPEN_KEY_INFORMATION_V1>();
                    EXPECT_EQ(rtl::view(info->CompleteName), u"Child");
                    EXPECT_NE(info->RootObject, nullptr);
                    EXPECT_EQ(info->Version, 0U);
                    EXPECT_EQ(info->RemainingName, nullptr);
                    info->CallContext = &log;  // no such field in its time: nobody keeps it
                } else if (call.notify_class == RegNtPostOpenKeyEx || call.notify_class == RegNtPostSetValueKey) {
                    EXPECT_NE(call.post()->Object, nullptr);
                    EXPECT_EQ(call.post()->Status, STATUS_SUCCESS);
                    EXPECT_EQ(call.post()->PreInformation, nullptr);
                    EXPECT_EQ(call.post()->CallContext, nullptr);
                    call.post()->ReturnStatus = STATUS_ACCESS_DENIED;
                    return STATUS_CALLBACK_BYPASS;  // a post's answer counts from Vista on
                }
                return STATUS_SUCCESS;
            },
            Profile::server2003);
        EXPECT_EQ(open(u"Child", key), STATUS_SUCCESS);
        EXPECT_EQ(set(key, u"v", 1), STATUS_SUCCESS);
        EXPECT_EQ(NtFlushKey(key), STATUS_SUCCESS);
        EXPECT_EQ(log, (Log{"2003.28", "2003.29", "2003.14", "2003.25", "2003.1", "2003.16"}));
    }
    NtDeleteKey(child);
    NtClose(child);
}

TEST_F(ProfileTest, BeforeVistaBypassIsAnErrorLikeOthers) {  // R23
    for (Profile profile : {Profile::xp, Profile::server2003}) {
        Filter old(
            log, "old", u"1",
            [](const Call& call) {
                return call.notify_class == RegNtPreSetValueKey ? STATUS_CALLBACK_BYPASS : STATUS_SUCCESS;
            },
            profile);
        EXPECT_EQ(set(key, u"bypassed", 1), STATUS_CALLBACK_BYPASS);
    }
    Filter vista(
        log, "vista", u"1",
        [](const Call& call) {
            return call.notify_class == RegNtPreSetValueKey ? STATUS_CALLBACK_BYPASS : STATUS_SUCCESS;
        },
        Profile::vista);
    EXPECT_EQ(set(key, u"bypassed", 1), STATUS_SUCCESS);
}

TEST_F(ProfileTest, VistaHasContextsAndOverridesButNoV1) {  // R46, R49
    Filter vista(
        log, "vista", u"1",
        [&](const Call& call) {
            if (call.notify_class == RegNtPreOpenKeyEx) {
                EXPECT_EQ(call.as<REG_OPEN_KEY_INFORMATION>()->Reserved, nullptr);
                call.as<REG_OPEN_KEY_INFORMATION>()->CallContext = &log;
            } else if (call.notify_class == RegNtPostOpenKeyEx) {
                EXPECT_EQ(call.post()->CallContext, &log);
                auto* pre = static_cast<REG_OPEN_KEY_INFORMATION*>(call.post()->PreInformation);
                EXPECT_EQ(pre->Reserved, nullptr);
                // 1.0 shows the root where there is no key.
                EXPECT_EQ(call.post()->Object, pre->RootObject);
                call.post()->ReturnStatus = STATUS_ACCESS_DENIED;
                return STATUS_CALLBACK_BYPASS;
            }
            return STATUS_SUCCESS;
        },
        Profile::vista);
    EXPECT_EQ(open(u"Missing", key), STATUS_ACCESS_DENIED);
    EXPECT_EQ(NtFlushKey(key), STATUS_SUCCESS);
    // Names are asked without notice before Windows 10.
    EXPECT_EQ(NtQueryObject(key, ObjectNameInformation, buffer, sizeof buffer, &needed), STATUS_SUCCESS);
    EXPECT_EQ(log, (Log{"vista.28", "vista.29", "vista.30", "vista.31"}));
}

TEST_F(ProfileTest, VistaDoesNotOverrideALowerVeto) {  // R25
    for (auto [profile, expected] : {std::pair{Profile::vista, STATUS_INSUFFICIENT_RESOURCES},
                                     std::pair{Profile::windows7, STATUS_ACCESS_DENIED}}) {
        Filter high(
            log, "high", u"2",
            [](const Call& call) {
                if (call.notify_class != RegNtPostSetValueKey) return STATUS_SUCCESS;
                EXPECT_EQ(call.post()->Status, STATUS_INSUFFICIENT_RESOURCES);
                call.post()->ReturnStatus = STATUS_ACCESS_DENIED;
                return STATUS_CALLBACK_BYPASS;
            },
            profile);
        Filter low(log, "low", u"1", [](const Call& call) {
            return call.notify_class == RegNtPreSetValueKey ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
        });
        EXPECT_EQ(set(key, u"v", 1), expected);
    }
}

TEST_F(ProfileTest, ProfilesStandSideBySide) {
    Filter high(log, "7", u"2", {}, Profile::windows7);
    Filter middle(log, "xp", u"1.5", {}, Profile::xp);
    Filter low(log, "2003", u"1", {}, Profile::server2003);
    EXPECT_EQ(open(u"Missing", key), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(set(key, u"v", 1), STATUS_SUCCESS);
    EXPECT_EQ(
        log, (Log{"7.28", "xp.12", "2003.28", "2003.29", "xp.13", "7.29", "7.1", "xp.1", "2003.1", "2003.16", "7.16"}));
}

TEST_F(ProfileTest, ObjectContextsCameWithVista) {
    Filter old(log, "old", u"1", {}, Profile::server2003);
    void* object = nullptr;
    Filter seer(log, "x", u"0", [&](const Call& call) {
        if (call.notify_class == RegNtPreSetValueKey) object = *call.as<void*>();
        return STATUS_SUCCESS;
    });
    EXPECT_EQ(set(key, u"v", 1), STATUS_SUCCESS);
    EXPECT_EQ(CmSetCallbackObjectContext(object, &old.cookie, &log, nullptr), STATUS_NOT_SUPPORTED);
}

}  // namespace
}  // namespace regent::test
