// A store is made, booted, stopped and booted again in this process; another process is kept out of it.
#include <sys/stat.h>

#include <algorithm>
#include <thread>

#include "cm/key_lock.h"
#include "fixture.h"
#include "nt/nttoken.h"
#include "nt/system.h"
#include "regent/gate.h"

namespace regent::test {
namespace {

class BootTest : public testing::Test {
protected:
    void boot() {
        GateChoice choice;
        choice.store = folder_.path() + "/deep/store";
        const auto selected = select_gate(choice);
        ASSERT_TRUE(selected) << selected.error().message;
    }
    void TearDown() override { close_gate(); }
    bool exists(const std::string& file) const {
        struct stat info{};
        return ::stat((folder_.path() + "/deep/store/" + file).c_str(), &info) == 0;
    }
    TemporaryFolder folder_;
};

TEST_F(BootTest, a_missing_store_is_made_with_its_hives) {
    boot();
    for (const char* hive : {"SYSTEM", "SOFTWARE", "SAM", "SECURITY", "DEFAULT", "lock"}) EXPECT_TRUE(exists(hive));
    EXPECT_TRUE(exists("users/S-1-22-1-" + std::to_string(::geteuid()) + "/NTUSER.DAT"));
    HANDLE key = nullptr;
    for (const Utf16View path :
         {u"\\Registry\\Machine\\System\\Select", u"\\Registry\\Machine\\System\\CurrentControlSet\\Services",
          u"\\Registry\\Machine\\Software\\Classes",
          u"\\Registry\\Machine\\Software\\Microsoft\\Windows\\CurrentVersion",
          u"\\Registry\\User\\.DEFAULT\\Software"}) {
        EXPECT_EQ(open_key(path, &key), STATUS_SUCCESS) << rtl::to_utf8(path);
        NtClose(key);
    }
    // Administrators may not read these (SD-8, SD-9).
    for (const Utf16View path : {u"\\Registry\\Machine\\SAM\\SAM", u"\\Registry\\Machine\\SECURITY\\Policy"}) {
        EXPECT_EQ(open_key(path, &key, READ_CONTROL), STATUS_SUCCESS) << rtl::to_utf8(path);
        NtClose(key);
    }
}

// NtLoadKey3's token: its user opens the files, whoever calls.
TEST_F(BootTest, a_hive_is_opened_as_the_user_of_the_token_given) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can be another user";
    boot();
    HANDLE token = nullptr, none = nullptr;
    ASSERT_EQ(NtImpersonateAnonymousToken(NtCurrentThread()), STATUS_SUCCESS);
    EXPECT_EQ(NtOpenThreadToken(NtCurrentThread(), TOKEN_IMPERSONATE, FALSE, &token), STATUS_SUCCESS);
    EXPECT_EQ(NtSetInformationThread(NtCurrentThread(), ThreadImpersonationToken, &none, sizeof(none)), STATUS_SUCCESS);
    const auto load = [&](const std::string& file, ULONG count) {
        std::string path = "\\??\\UNIX" + file;
        std::replace(path.begin(), path.end(), '/', '\\');
        Named target(u"\\Registry\\Machine\\ByToken"), source(rtl::from_utf8(path));
        KEY_LOAD_ENTRY entry{KeyLoadToken, {token}};
        return NtLoadKey3(&target.attributes, &source.attributes, 0, &entry, count, 0, nullptr, nullptr);
    };
    Named mounted(u"\\Registry\\Machine\\ByToken");
    const auto owner = [](const std::string& file) {
        struct stat info{};
        return ::stat(file.c_str(), &info) == 0 ? info.st_uid : ~uid_t{0};
    };
    const std::string secret = folder_.path() + "/secret.hiv";
    EXPECT_EQ(load(secret, 1), STATUS_ACCESS_DENIED);
    EXPECT_EQ(load(secret, 0), STATUS_SUCCESS);
    EXPECT_EQ(owner(secret), 0u);
    EXPECT_EQ(NtUnloadKey(&mounted.attributes), STATUS_SUCCESS);
    // Where that user may make files, the hive is his.
    ASSERT_EQ(::chmod(folder_.path().c_str(), 0777), 0);
    const std::string open_to_all = folder_.path() + "/open.hiv";
    EXPECT_EQ(load(open_to_all, 1), STATUS_SUCCESS);
    EXPECT_NE(owner(open_to_all), 0u);
    EXPECT_EQ(NtUnloadKey(&mounted.attributes), STATUS_SUCCESS);
    NtClose(token);
}

TEST_F(BootTest, the_journal_of_transactions_is_for_nobody_else) {
    const std::string journal = folder_.path() + "/deep/store/transactions.journal";
    const auto rights = [&] {
        struct stat info{};
        EXPECT_EQ(::stat(journal.c_str(), &info), 0);
        return info.st_mode & 0777;
    };
    const mode_t before = ::umask(022);
    boot();
    EXPECT_EQ(rights(), 0600U);
    close_gate();
    ASSERT_EQ(::chmod(journal.c_str(), 0644), 0);  // as it was made once
    boot();
    EXPECT_EQ(rights(), 0600U);
    ::umask(before);
}

TEST_F(BootTest, as_many_closed_keys_are_kept_as_the_registry_says) {
    constexpr int many = 300;
    const auto kept_of_closed = [] {
        const auto number = [](int i) { return std::to_string(1000 + i); };
        for (int i = 0; i < many; ++i) {
            HANDLE key = nullptr;
            const Utf16 path = u"\\Registry\\Machine\\Software\\Many" + rtl::from_utf8(number(i));
            EXPECT_EQ(create_key(path, &key, REG_OPTION_VOLATILE), STATUS_SUCCESS);
            NtClose(key);
        }
        int kept = 0;
        for (int i = 0; i < many; ++i)
            kept += cm::key_table().find_path("\\REGISTRY\\MACHINE\\SOFTWARE\\MANY" + number(i)) ? 1 : 0;
        return kept;
    };
    const auto say = [](ULONG limit) {
        HANDLE key = nullptr;
        const Utf16View path =
            u"\\Registry\\Machine\\System\\CurrentControlSet\\Control\\Session Manager\\Configuration Manager";
        ASSERT_EQ(create_key(path, &key), STATUS_SUCCESS);
        EXPECT_EQ(set_dword(key, u"DelayCloseSize", limit), STATUS_SUCCESS);
        NtClose(key);
    };
    boot();
    EXPECT_EQ(kept_of_closed(), many);
    say(0);
    close_gate();
    boot();
    EXPECT_EQ(kept_of_closed(), 0);
    say(100);
    close_gate();
    boot();
    const int kept = kept_of_closed();
    EXPECT_GT(kept, 0);
    EXPECT_LE(kept, 128);  // 2 in each of the table's 64 shards
}

TEST_F(BootTest, stable_keys_survive_a_reboot_and_volatile_ones_do_not) {
    boot();
    HANDLE key = nullptr;
    ASSERT_EQ(create_key(u"\\Registry\\Machine\\Software\\Stable", &key), STATUS_SUCCESS);
    EXPECT_EQ(set_dword(key, u"n", 42), STATUS_SUCCESS);
    NtClose(key);
    ASSERT_EQ(create_key(u"\\Registry\\Machine\\Software\\Volatile", &key, REG_OPTION_VOLATILE), STATUS_SUCCESS);
    NtClose(key);
    close_gate();
    EXPECT_FALSE(nt::system_running());
    boot();
    EXPECT_EQ(open_key(u"\\Registry\\Machine\\Software\\Volatile", &key), STATUS_OBJECT_NAME_NOT_FOUND);
    ASSERT_EQ(open_key(u"\\Registry\\Machine\\Software\\Stable", &key), STATUS_SUCCESS);
    Partial value{};
    EXPECT_EQ(query(key, u"n", value), STATUS_SUCCESS);
    EXPECT_EQ(value.info.Data[0], 42);
    NtClose(key);
}

TEST_F(BootTest, the_end_of_a_thread_sets_the_events_of_its_notifications) {  // NT-9, NO-8
    boot();
    HANDLE key = nullptr, event = nullptr;
    ASSERT_EQ(open_key(u"\\Registry\\Machine\\Software", &key), STATUS_SUCCESS);
    ASSERT_EQ(NtCreateEvent(&event, EVENT_ALL_ACCESS, nullptr, NotificationEvent, FALSE), STATUS_SUCCESS);
    IO_STATUS_BLOCK block{};
    LARGE_INTEGER now{};
    std::thread([&] {
        EXPECT_EQ(
            NtNotifyChangeKey(key, event, nullptr, nullptr, &block, REG_NOTIFY_CHANGE_NAME, FALSE, nullptr, 0, TRUE),
            STATUS_PENDING);
        EXPECT_EQ(NtWaitForSingleObject(event, FALSE, &now), STATUS_TIMEOUT);
    }).join();
    EXPECT_EQ(NtWaitForSingleObject(event, FALSE, &now), STATUS_SUCCESS);
    EXPECT_EQ(block.Status, STATUS_PENDING);
    NtClose(event);
    NtClose(key);
}

TEST_F(BootTest, handles_left_open_do_not_keep_the_store_from_stopping) {
    boot();
    HANDLE left_open = nullptr;
    ASSERT_EQ(create_key(u"\\Registry\\Machine\\Software\\LeftOpen", &left_open), STATUS_SUCCESS);
    close_gate();
    boot();
    EXPECT_EQ(NtClose(left_open), STATUS_INVALID_HANDLE);
    HANDLE key = nullptr;
    EXPECT_EQ(open_key(u"\\Registry\\Machine\\Software\\LeftOpen", &key), STATUS_SUCCESS);
    NtClose(key);
}

TEST_F(BootTest, current_control_set_is_a_link_to_what_select_says) {  // NS-13
    boot();
    HANDLE link = nullptr;
    ASSERT_EQ(open_key(u"\\Registry\\Machine\\System\\CurrentControlSet", &link, KEY_READ, OBJ_OPENLINK),
              STATUS_SUCCESS);
    Partial value{};
    ASSERT_EQ(query(link, u"SymbolicLinkValue", value), STATUS_SUCCESS);
    EXPECT_EQ(value.info.Type, ULONG(REG_LINK));
    EXPECT_EQ(string_of(value), u"\\Registry\\Machine\\System\\ControlSet001");
    NtClose(link);
    HANDLE key = nullptr;
    ASSERT_EQ(create_key(u"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\mine", &key), STATUS_SUCCESS);
    NtClose(key);
    EXPECT_EQ(open_key(u"\\Registry\\Machine\\System\\ControlSet001\\Services\\mine", &key), STATUS_SUCCESS);
    NtClose(key);
    EXPECT_EQ(open_key(u"\\Registry\\Machine\\System\\CurrentControlSet\\Hardware Profiles\\Current\\Software", &key),
              STATUS_SUCCESS);
    NtClose(key);
}

TEST_F(BootTest, hivelist_is_what_is_mounted) {
    boot();
    HANDLE key = nullptr;
    ASSERT_EQ(open_key(u"\\Registry\\Machine\\System\\CurrentControlSet\\Control\\hivelist", &key), STATUS_SUCCESS);
    const auto hives = nt::mounted_hives();
    ASSERT_GE(hives.size(), 8u);
    for (const nt::MountedHive& hive : hives) {
        Partial value{};
        ASSERT_EQ(query(key, rtl::from_utf8(hive.key), value), STATUS_SUCCESS) << hive.key;
        std::string expected = hive.file.empty() ? "" : "\\Device\\HostFs" + hive.file;
        for (char& c : expected)
            if (c == '/') c = '\\';
        EXPECT_EQ(rtl::to_utf8(string_of(value)), expected);
    }
    NtClose(key);
}

TEST_F(BootTest, hardware_describes_this_machine) {
    boot();
    HANDLE key = nullptr;
    ASSERT_EQ(open_key(u"\\Registry\\Machine\\HARDWARE\\DESCRIPTION\\System\\CentralProcessor\\0", &key),
              STATUS_SUCCESS);
    Partial value{};
    EXPECT_EQ(query(key, u"ProcessorNameString", value), STATUS_SUCCESS);
    EXPECT_FALSE(string_of(value).empty());
    NtClose(key);
    ASSERT_EQ(open_key(u"\\Registry\\Machine\\HARDWARE\\DESCRIPTION\\System\\CentralProcessor", &key), STATUS_SUCCESS);
    alignas(8) std::byte buffer[256];
    ULONG needed = 0;
    EXPECT_EQ(NtQueryKey(key, KeyFullInformation, buffer, sizeof(buffer), &needed), STATUS_SUCCESS);
    EXPECT_EQ(long(reinterpret_cast<KEY_FULL_INFORMATION*>(buffer)->SubKeys), ::sysconf(_SC_NPROCESSORS_ONLN));
    NtClose(key);
}

TEST_F(BootTest, my_software_classes_is_a_link_to_my_classes_hive) {  // NS-12
    boot();
    const Utf16 me = u"\\Registry\\User\\S-1-22-1-" + rtl::from_utf8(std::to_string(::geteuid()));
    HANDLE key = nullptr;
    ASSERT_EQ(create_key(me + u"\\Software\\Classes\\.txt", &key), STATUS_SUCCESS);
    NtClose(key);
    EXPECT_EQ(open_key(me + u"_Classes\\.txt", &key), STATUS_SUCCESS);
    NtClose(key);
}

TEST_F(BootTest, a_second_process_is_told_who_owns_the_store) {
    boot();
    Child other({RG_BIN "/regent", "boot", "--store", folder_.path() + "/deep/store"}, STDERR_FILENO);
    const std::string message = other.read_all();
    EXPECT_EQ(other.wait(), 1);
    EXPECT_NE(message.find("in use by process " + std::to_string(::getpid())), std::string::npos) << message;
}

TEST_F(BootTest, a_damaged_hive_is_named_and_nothing_runs) {
    boot();
    close_gate();
    const std::string file = folder_.path() + "/deep/store/SOFTWARE";
    ASSERT_EQ(::truncate(file.c_str(), 100), 0);
    GateChoice choice;
    choice.store = folder_.path() + "/deep/store";
    const auto selected = select_gate(choice);
    ASSERT_FALSE(selected);
    EXPECT_NE(selected.error().message.find(file), std::string::npos) << selected.error().message;
    EXPECT_FALSE(nt::system_running());
}

TEST(GateChoiceTest, a_store_and_a_socket_are_one_too_many) {
    GateChoice choice;
    choice.store = "/tmp/a";
    choice.socket = "/tmp/b";
    EXPECT_FALSE(select_gate(choice));
}

}  // namespace
}  // namespace regent::test
