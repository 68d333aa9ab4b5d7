// The services on hives and files: each sends its pre and its post with its own structure, and can be refused (A11).
#include <algorithm>

#include "filter_test.h"
#include "ob/process.h"

namespace regent::test {
namespace {

class HiveServicesTest : public FilterTest {
protected:
    static std::string line(REG_NOTIFY_CLASS notify_class) { return "x." + std::to_string(notify_class); }

    // The call under a filter: pre and post with the call's status; then refused, with nothing done.
    template <typename Information>
    void expect_pair(REG_NOTIFY_CLASS pre, REG_NOTIFY_CLASS post, NTSTATUS expected,
                     const std::function<NTSTATUS()>& service,
                     const std::function<void(const Information&)>& check = {}) {
        NTSTATUS posted = -1;
        log.clear();
        {
            Filter filter(log, "x", u"1", [&](const Call& call) {
                if (call.notify_class == pre && check) check(*call.as<Information>());
                if (call.notify_class == post) posted = call.post()->Status;
                return STATUS_SUCCESS;
            });
            EXPECT_EQ(service(), expected) << pre;
        }
        ASSERT_GE(log.size(), 2U) << pre;
        EXPECT_EQ(std::count(log.begin(), log.end(), line(pre)), 1) << pre;
        EXPECT_EQ(std::count(log.begin(), log.end(), line(post)), 1) << pre;
        EXPECT_EQ(posted, expected) << pre;
    }
    NTSTATUS refused(REG_NOTIFY_CLASS pre, const std::function<NTSTATUS()>& service) {
        Filter filter(log, "x", u"1", [&](const Call& call) {
            return call.notify_class == pre ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
        });
        return service();
    }

    static HANDLE file(const Utf16& path) {
        Name name(path);
        IO_STATUS_BLOCK block{};
        HANDLE handle = nullptr;
        EXPECT_EQ(NtCreateFile(&handle, FILE_GENERIC_READ | FILE_GENERIC_WRITE, name, &block, nullptr, 0, 0,
                               FILE_OVERWRITE_IF, FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE, nullptr, 0),
                  STATUS_SUCCESS);
        return handle;
    }
    static Utf16 path(const char* name) {
        Utf16 path = rtl::from_utf8("\\??\\UNIX" + host_folder() + "/" + name);
        std::replace(path.begin(), path.end(), u'/', u'\\');
        return path;
    }
};

TEST_F(HiveServicesTest, QueryMultipleValues) {
    ASSERT_EQ(set(key, u"one", 1), STATUS_SUCCESS);
    Utf16 text = u"one";
    UNICODE_STRING name = rtl::unicode_string(text);
    KEY_VALUE_ENTRY entry{&name, 0, 0, 0};
    std::byte buffer[16];
    ULONG length = 0;
    const auto query = [&] {
        length = sizeof(buffer);
        return NtQueryMultipleValueKey(key, &entry, 1, buffer, &length, nullptr);
    };
    using Information = REG_QUERY_MULTIPLE_VALUE_KEY_INFORMATION;
    expect_pair<Information>(RegNtPreQueryMultipleValueKey, RegNtPostQueryMultipleValueKey, STATUS_SUCCESS, query,
                             [&](const Information& info) {
                                 EXPECT_EQ(info.EntryCount, 1U);
                                 EXPECT_EQ(info.ValueBuffer, buffer);
                                 EXPECT_EQ(*info.BufferLength, sizeof(buffer));
                             });
    EXPECT_EQ(length, 4U);
    EXPECT_EQ(refused(RegNtPreQueryMultipleValueKey, query), STATUS_INSUFFICIENT_RESOURCES);
}

TEST_F(HiveServicesTest, SaveRestoreAndMergedSave) {
    ASSERT_EQ(set(key, u"v", 1), STATUS_SUCCESS);
    HANDLE out = file(path("callback_save.hiv"));
    expect_pair<REG_SAVE_KEY_INFORMATION>(
        RegNtPreSaveKey, RegNtPostSaveKey, STATUS_SUCCESS, [&] { return NtSaveKeyEx(key, out, REG_LATEST_FORMAT); },
        [&](const REG_SAVE_KEY_INFORMATION& info) {
            EXPECT_EQ(info.FileHandle, out);
            EXPECT_EQ(info.Format, ULONG{REG_LATEST_FORMAT});
        });
    ASSERT_EQ(set(key, u"v", 2), STATUS_SUCCESS);
    const auto restore = [&] { return NtRestoreKey(key, out, REG_FORCE_RESTORE); };
    EXPECT_EQ(refused(RegNtPreRestoreKey, restore), STATUS_INSUFFICIENT_RESOURCES);
    expect_pair<REG_RESTORE_KEY_INFORMATION>(RegNtPreRestoreKey, RegNtPostRestoreKey, STATUS_SUCCESS, restore,
                                             [&](const REG_RESTORE_KEY_INFORMATION& info) {
                                                 EXPECT_EQ(info.FileHandle, out);
                                                 EXPECT_EQ(info.Flags, ULONG{REG_FORCE_RESTORE});
                                             });
    HANDLE low = create(u"low", key);
    const auto merged = [&] { return NtSaveMergedKeys(key, low, out); };
    expect_pair<REG_SAVE_MERGED_KEY_INFORMATION>(RegNtPreSaveMergedKey, RegNtPostSaveMergedKey, STATUS_SUCCESS, merged,
                                                 [&](const REG_SAVE_MERGED_KEY_INFORMATION& info) {
                                                     EXPECT_EQ(info.Object, info.HighKeyObject);
                                                     EXPECT_NE(info.LowKeyObject, info.HighKeyObject);
                                                 });
    EXPECT_EQ(refused(RegNtPreSaveMergedKey, merged), STATUS_INSUFFICIENT_RESOURCES);
    NtDeleteKey(low);
    NtClose(low);
    NtClose(out);
}

TEST_F(HiveServicesTest, ReplaceTellsBothNamesAlsoWhenItFails) {
    const Utf16 fresh = path("callback_new.hiv");
    const Utf16 old = path("callback_old.hiv");
    Name new_name(fresh);
    Name old_name(old);
    const auto replace = [&] { return NtReplaceKey(new_name, key, old_name); };
    expect_pair<REG_REPLACE_KEY_INFORMATION>(RegNtPreReplaceKey, RegNtPostReplaceKey, STATUS_INVALID_PARAMETER, replace,
                                             [&](const REG_REPLACE_KEY_INFORMATION& info) {
                                                 EXPECT_EQ(rtl::view(*info.NewFileName), fresh);
                                                 EXPECT_EQ(rtl::view(*info.OldFileName), old);
                                             });
    EXPECT_EQ(refused(RegNtPreReplaceKey, replace), STATUS_INSUFFICIENT_RESOURCES);
}

TEST_F(HiveServicesTest, AnApplicationHiveIsLoadedInSight) {
    const Utf16 source = path("callback_app.hiv");
    Name target(u"\\Registry\\A\\callback");
    Name file_name(source);
    HANDLE root = nullptr;
    const auto load = [&] {
        return NtLoadKeyEx(target, file_name, REG_APP_HIVE, nullptr, nullptr, KEY_READ, &root, nullptr);
    };
    EXPECT_EQ(refused(RegNtPreLoadKey, load), STATUS_INSUFFICIENT_RESOURCES);
    EXPECT_EQ(root, nullptr);
    expect_pair<REG_LOAD_KEY_INFORMATION_V2>(RegNtPreLoadKey, RegNtPostLoadKey, STATUS_SUCCESS, load,
                                             [&](const REG_LOAD_KEY_INFORMATION_V2& info) {
                                                 EXPECT_EQ(info.Flags, ULONG{REG_APP_HIVE});
                                                 EXPECT_EQ(info.DesiredAccess, ACCESS_MASK{KEY_READ});
                                                 EXPECT_EQ(info.RootHandle, &root);
                                                 EXPECT_EQ(rtl::view(*info.SourceFile), source);
                                                 EXPECT_EQ(info.FileAccessToken, nullptr);
                                             });
    NtClose(root);
    // Whose the file is opened as, where the caller says so.
    KEY_LOAD_ENTRY token{KeyLoadToken, {nullptr}};
    ASSERT_EQ(NtOpenProcessToken(NtCurrentProcess(), TOKEN_IMPERSONATE, &token.KeyHandle), STATUS_SUCCESS);
    const auto load_with = [&] {
        return NtLoadKey3(target, file_name, REG_APP_HIVE, &token, 1, KEY_READ, &root, nullptr);
    };
    expect_pair<REG_LOAD_KEY_INFORMATION_V2>(RegNtPreLoadKey, RegNtPostLoadKey, STATUS_SUCCESS, load_with,
                                             [&](const REG_LOAD_KEY_INFORMATION_V2& info) {
                                                 ASSERT_NE(info.FileAccessToken, nullptr);
                                                 const auto* given = static_cast<se::Token*>(info.FileAccessToken);
                                                 EXPECT_EQ(given->user(), ob::current().token().user());
                                             });
    NtClose(root);
    NtClose(token.KeyHandle);
}

TEST_F(HiveServicesTest, AnUnloadThatWaitsTellsItsEvent) {
    HANDLE out = file(path("callback_unload.hiv"));
    ASSERT_EQ(NtSaveKey(key, out), STATUS_SUCCESS);
    NtClose(out);
    const Utf16 source = path("callback_unload.hiv");
    Name target(u"\\Registry\\Machine\\CallbackLoaded");
    Name file_name(source);
    ASSERT_EQ(NtLoadKey(target, file_name), STATUS_SUCCESS);
    HANDLE open = nullptr;
    ASSERT_EQ(NtOpenKey(&open, KEY_READ, target), STATUS_SUCCESS);
    HANDLE event = nullptr;
    ASSERT_EQ(NtCreateEvent(&event, EVENT_ALL_ACCESS, nullptr, NotificationEvent, FALSE), STATUS_SUCCESS);
    using Information = REG_UNLOAD_KEY_INFORMATION;
    expect_pair<Information>(
        RegNtPreUnLoadKey, RegNtPostUnLoadKey, STATUS_PENDING, [&] { return NtUnloadKeyEx(target, event); },
        [&](const Information& info) { EXPECT_NE(info.UserEvent, nullptr); });
    NtClose(open);
    LARGE_INTEGER timeout;
    timeout.QuadPart = -20'000'000;
    EXPECT_EQ(NtWaitForSingleObject(event, FALSE, &timeout), STATUS_SUCCESS);
    EXPECT_EQ(NtOpenKey(&open, KEY_READ, target), STATUS_OBJECT_NAME_NOT_FOUND);
    NtClose(event);
}

}  // namespace
}  // namespace regent::test
