// Who a client of regentd is: root, a member of the administrators' group, a user, a user of no namespace.
#include <grp.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <sstream>

#include "fixture.h"
#include "nt/nttoken.h"
#include "regent/gate.h"
#include "se/sid.h"

namespace regent::test {
namespace {

constexpr const char* admin_group = "daemon";  // one that every Debian has; regadmin is for whoever makes it
constexpr Utf16View work = u"\\Registry\\Machine\\Software\\IdentityTest";

template <typename T>
T* ask(HANDLE token, TOKEN_INFORMATION_CLASS what, std::vector<std::byte>& buffer) {
    buffer.resize(8192);
    ULONG needed = 0;
    const NTSTATUS status =
        NtQueryInformationToken(token, what, buffer.data(), static_cast<ULONG>(buffer.size()), &needed);
    return NT_SUCCESS(status) ? reinterpret_cast<T*>(buffer.data()) : nullptr;
}

std::string text_of(const void* sid) {
    const auto* const bytes = static_cast<const std::byte*>(sid);
    const auto parsed = se::Sid::from_bytes({bytes, 8 + 4 * std::to_integer<std::size_t>(bytes[1])});
    return parsed ? parsed->to_string() : "?";
}

// What a client says of itself: its user, level, privileges, groups, and what it may do with a key of administrators.
void describe() {
    HANDLE token = nullptr;
    std::vector<std::byte> buffer;
    if (NtOpenProcessToken(NtCurrentProcess(), TOKEN_QUERY, &token) != STATUS_SUCCESS) return;
    std::printf("user %s\n", text_of(ask<TOKEN_USER>(token, TokenUser, buffer)->User.Sid).c_str());
    std::printf("level %s\n",
                text_of(ask<TOKEN_MANDATORY_LABEL>(token, TokenIntegrityLevel, buffer)->Label.Sid).c_str());
    std::printf("privileges %u\n",
                static_cast<unsigned>(ask<TOKEN_PRIVILEGES>(token, TokenPrivileges, buffer)->PrivilegeCount));
    const auto* groups = ask<TOKEN_GROUPS>(token, TokenGroups, buffer);
    for (ULONG i = 0; i < groups->GroupCount; ++i) {
        const bool logon = (groups->Groups[i].Attributes & SE_GROUP_LOGON_ID) == SE_GROUP_LOGON_ID;
        std::printf("%s %s\n", logon ? "logon" : "group", text_of(groups->Groups[i].Sid).c_str());
    }
    const auto session = ask<TOKEN_STATISTICS>(token, TokenStatistics, buffer)->AuthenticationId;
    std::printf("session S-1-5-5-%u-%u\n", static_cast<unsigned>(session.HighPart),
                static_cast<unsigned>(session.LowPart));
    HANDLE key = nullptr;
    std::printf("writes %d\n", NT_SUCCESS(open_key(work, &key, KEY_SET_VALUE)));
    std::printf("reads %d\n", NT_SUCCESS(open_key(work, &key, KEY_QUERY_VALUE)));
}

int run_client(const char* socket, uid_t uid, gid_t group) {
    if (::setgroups(1, &group) != 0 || ::setgid(uid) != 0 || ::setuid(uid) != 0) return 2;
    GateChoice choice;
    choice.socket = socket;
    if (!select_gate(choice)) return 3;
    describe();
    return 0;
}

class IdentityTest : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "only root can be several users";
        ASSERT_EQ(::chmod(folder_.path().c_str(), 0711), 0);  // so that other users come to the socket
        daemon_ =
            std::make_unique<Child>(std::vector<std::string>{RG_BIN "/regentd", "--store", folder_.path() + "/store",
                                                             "--socket", socket(), "--admin-group", admin_group});
        ASSERT_NE(daemon_->read_line().find("ready"), std::string::npos);
        GateChoice choice;
        choice.socket = socket();
        ASSERT_TRUE(select_gate(choice));
        HANDLE key = nullptr;
        ASSERT_EQ(create_key(work, &key), STATUS_SUCCESS);
        NtClose(key);
    }
    void TearDown() override {
        close_gate();
        if (!daemon_) return;
        daemon_->signal(SIGTERM);
        EXPECT_EQ(daemon_->wait(), 0);
    }
    std::string socket() const { return folder_.path() + "/socket"; }

    struct Client {
        std::vector<std::string> lines;
        bool says(const std::string& line) const { return std::ranges::count(lines, line) == 1; }
        std::string first(const std::string& word) const {
            for (const std::string& line : lines) {
                if (line.starts_with(word + " ")) return line.substr(word.size() + 1);
            }
            return "";
        }
    };
    Client client(uid_t uid, gid_t group) {
        Child child({"/proc/self/exe", "--client", socket(), std::to_string(uid), std::to_string(group)});
        std::istringstream text(child.read_all());
        EXPECT_EQ(child.wait(), 0);
        Client made;
        for (std::string line; std::getline(text, line);) made.lines.push_back(line);
        return made;
    }
    static gid_t admins() { return ::getgrnam(admin_group)->gr_gid; }

    TemporaryFolder folder_;
    std::unique_ptr<Child> daemon_;
};

TEST_F(IdentityTest, root_is_an_administrator_with_systems_rights) {
    const Client root = client(0, 0);
    EXPECT_TRUE(root.says("user S-1-22-1-0"));
    EXPECT_TRUE(root.says("group S-1-5-18"));
    EXPECT_TRUE(root.says("group S-1-5-32-544"));
    EXPECT_TRUE(root.says("level S-1-16-16384"));
    EXPECT_TRUE(root.says("writes 1"));
}

TEST_F(IdentityTest, members_of_the_administrators_group_are_administrators) {
    const Client admin = client(12345, admins());
    EXPECT_TRUE(admin.says("user S-1-22-1-12345"));
    EXPECT_TRUE(admin.says("group S-1-5-32-544"));
    EXPECT_FALSE(admin.says("group S-1-5-18"));
    EXPECT_TRUE(admin.says("level S-1-16-12288"));
    EXPECT_EQ(admin.first("privileges"), client(0, 0).first("privileges"));
    EXPECT_TRUE(admin.says("writes 1"));
}

TEST_F(IdentityTest, others_are_users_with_a_sid_by_their_uid) {
    const Client user = client(12345, 54321);
    EXPECT_TRUE(user.says("user S-1-22-1-12345"));
    EXPECT_TRUE(user.says("group S-1-5-32-545"));
    EXPECT_TRUE(user.says("group S-1-22-2-54321"));
    EXPECT_FALSE(user.says("group S-1-5-32-544"));
    EXPECT_TRUE(user.says("level S-1-16-8192"));
    EXPECT_TRUE(user.says("privileges 1"));
    EXPECT_TRUE(user.says("writes 0"));
    EXPECT_TRUE(user.says("reads 1"));
}

TEST_F(IdentityTest, a_user_that_no_namespace_maps_is_anonymous_whatever_its_groups) {
    const Client nobody = client(65534, admins());
    EXPECT_TRUE(nobody.says("user S-1-5-7"));
    EXPECT_TRUE(nobody.says("level S-1-16-0"));
    EXPECT_EQ(nobody.first("logon"), "");
    EXPECT_TRUE(nobody.says("writes 0"));
}

TEST_F(IdentityTest, each_process_is_a_logon_session) {
    const Client one = client(12345, 54321);
    const Client two = client(12345, 54321);
    for (const Client* each : {&one, &two}) {
        EXPECT_NE(each->first("logon"), "");
        EXPECT_EQ(each->first("logon"), each->first("session"));
    }
    EXPECT_NE(one.first("logon"), two.first("logon"));
}

}  // namespace
}  // namespace regent::test

int main(int argc, char** argv) {
    if (argc == 5 && std::string_view(argv[1]) == "--client") {
        return regent::test::run_client(argv[2], static_cast<uid_t>(std::atoi(argv[3])),
                                        static_cast<gid_t>(std::atoi(argv[4])));
    }
    testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
