// The access check services: their contracts in this process and through regentd, whose client's arguments travel.
#include <array>
#include <memory>
#include <optional>

#include "fixture.h"
#include "regent/gate.h"
#include "se/sddl.h"

namespace regent::test {
namespace {

constexpr GUID guid(ULONG number) { return {number, 0, 0, {0, 0, 0, 0, 0, 0, 0, 0}}; }
// The object, a property set with two properties, a property set without.
GUID guids[] = {guid(1), guid(2), guid(3), guid(4), guid(5)};
constexpr const char* object = "00000001-0000-0000-0000-000000000000";
constexpr const char* first_set = "00000002-0000-0000-0000-000000000000";
constexpr const char* property = "00000003-0000-0000-0000-000000000000";

class AccessTest : public testing::TestWithParam<bool> {
protected:
    void SetUp() override {
        GateChoice choice;
        if (GetParam()) {
            choice.socket = folder_.path() + "/socket";
            daemon_ = std::make_unique<Child>(std::vector<std::string>{
                RG_BIN "/regentd", "--store", folder_.path() + "/store", "--socket", choice.socket});
            ASSERT_NE(daemon_->read_line().find("ready"), std::string::npos);
        } else {
            choice.store = folder_.path() + "/store";
        }
        ASSERT_TRUE(select_gate(choice));
        ASSERT_EQ(NtOpenProcessToken(NtCurrentProcess(), MAXIMUM_ALLOWED, &own_), STATUS_SUCCESS);
        ASSERT_EQ(duplicate(SecurityIdentification, &client_), STATUS_SUCCESS);
    }
    void TearDown() override {
        NtClose(own_);
        NtClose(client_);
        close_gate();
        if (!daemon_) return;
        daemon_->signal(SIGTERM);
        EXPECT_EQ(daemon_->wait(), 0);
    }
    NTSTATUS duplicate(SECURITY_IMPERSONATION_LEVEL level, PHANDLE made) {
        SECURITY_QUALITY_OF_SERVICE quality{sizeof(quality), level, 0, FALSE};
        OBJECT_ATTRIBUTES attributes{};
        InitializeObjectAttributes(&attributes, nullptr, 0, nullptr, nullptr);
        attributes.SecurityQualityOfService = &quality;
        return NtDuplicateToken(own_, MAXIMUM_ALLOWED, &attributes, FALSE, TokenImpersonation, made);
    }
    // The descriptor that the checks are of: owner and group of nobody here.
    void describe(const std::string& lists) {
        auto parsed = se::parse_sddl("O:LSG:LS" + lists);
        ASSERT_TRUE(parsed) << lists;
        descriptor_ = *parsed;
    }
    PSECURITY_DESCRIPTOR bytes() { return const_cast<std::byte*>(descriptor_->bytes().data()); }

    // Outputs that were not written keep these.
    static constexpr ACCESS_MASK kept = 0x77;
    static constexpr NTSTATUS untold = 0x66;
    NTSTATUS whole(ACCESS_MASK desired) {
        length_ = sizeof(used_);
        granted_.fill(kept);
        status_.fill(untold);
        return NtAccessCheckByType(bytes(), self_, client_, desired, types_.data(), count_, &mapping_, &used_, &length_,
                                   granted_.data(), status_.data());
    }
    NTSTATUS each(ACCESS_MASK desired) {
        length_ = sizeof(used_);
        granted_.fill(kept);
        status_.fill(untold);
        return NtAccessCheckByTypeResultList(bytes(), self_, client_, desired, types_.data(), count_, &mapping_, &used_,
                                             &length_, granted_.data(), status_.data());
    }

    TemporaryFolder folder_;
    std::unique_ptr<Child> daemon_;
    HANDLE own_ = nullptr, client_ = nullptr;
    std::optional<se::SecurityDescriptor> descriptor_;
    PSID self_ = nullptr;
    std::array<OBJECT_TYPE_LIST, 5> types_{
        {{0, 0, &guids[0]}, {1, 0, &guids[1]}, {2, 0, &guids[2]}, {2, 0, &guids[3]}, {1, 0, &guids[4]}}};
    ULONG count_ = 5;
    GENERIC_MAPPING mapping_{KEY_READ, KEY_WRITE, KEY_EXECUTE, KEY_ALL_ACCESS};
    PRIVILEGE_SET used_{};
    ULONG length_ = 0;
    std::array<ACCESS_MASK, 6> granted_{};
    std::array<NTSTATUS, 6> status_{};
};

using Masks = std::array<ACCESS_MASK, 6>;
using Statuses = std::array<NTSTATUS, 6>;

std::string entry(const char* kind, const char* rights, const char* type, const char* who = "WD") {
    return std::string("(") + kind + ";;" + rights + ";" + type + ";;" + who + ")";
}

TEST_P(AccessTest, EachPartHasItsAnswer) {
    describe("D:" + entry("OA", "CC", property) + entry("OA", "DC", object) + entry("OA", "LC", first_set));
    EXPECT_EQ(each(1), STATUS_SUCCESS);
    EXPECT_EQ(granted_, (Masks{0, 0, 1, 0, 0, kept}));
    EXPECT_EQ(status_, (Statuses{STATUS_ACCESS_DENIED, STATUS_ACCESS_DENIED, STATUS_SUCCESS, STATUS_ACCESS_DENIED,
                                 STATUS_ACCESS_DENIED, untold}));
    EXPECT_EQ(each(3), STATUS_SUCCESS);
    EXPECT_EQ(granted_, (Masks{2, 2, 3, 2, 2, kept}));  // what is refused tells its part all the same
    EXPECT_EQ(status_[0], STATUS_ACCESS_DENIED);
    EXPECT_EQ(status_[2], STATUS_SUCCESS);
    EXPECT_EQ(each(MAXIMUM_ALLOWED), STATUS_SUCCESS);
    // WRITE_OWNER by privilege, everywhere.
    EXPECT_EQ(granted_,
              (Masks{WRITE_OWNER | 2, WRITE_OWNER | 6, WRITE_OWNER | 7, WRITE_OWNER | 6, WRITE_OWNER | 2, kept}));
    EXPECT_EQ(used_.PrivilegeCount, 1u);
    EXPECT_EQ(used_.Privilege[0].Luid.LowPart, ULONG{SE_TAKE_OWNERSHIP_PRIVILEGE});
    EXPECT_EQ(used_.Privilege[0].Attributes, SE_PRIVILEGE_USED_FOR_ACCESS);
    EXPECT_EQ(length_, sizeof(PRIVILEGE_SET));
    // The privilege that nobody holds is missed everywhere.
    TOKEN_PRIVILEGES off{1, {{{SE_SECURITY_PRIVILEGE, 0}, 0}}};
    ASSERT_EQ(NtAdjustPrivilegesToken(client_, FALSE, &off, 0, nullptr, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(each(2 | ACCESS_SYSTEM_SECURITY), STATUS_SUCCESS);
    EXPECT_EQ(status_[0], STATUS_PRIVILEGE_NOT_HELD);
    EXPECT_EQ(status_[4], STATUS_PRIVILEGE_NOT_HELD);
}

TEST_P(AccessTest, TheWholeIsGrantedOrRefused) {
    describe("D:" + entry("OA", "CC", property) + entry("OA", "DC", object));
    EXPECT_EQ(whole(2), STATUS_SUCCESS);
    EXPECT_EQ(granted_[0], 2u);
    EXPECT_EQ(status_[0], STATUS_SUCCESS);
    EXPECT_EQ(granted_[1], kept);
    EXPECT_EQ(used_.PrivilegeCount, 0u);
    EXPECT_EQ(whole(3), STATUS_SUCCESS);
    EXPECT_EQ(granted_[0], 0u);  // nothing, where nothing is allowed
    EXPECT_EQ(status_[0], STATUS_ACCESS_DENIED);
    // Without types it is NtAccessCheck: entries of parts are about nothing.
    count_ = 0;
    EXPECT_EQ(whole(2), STATUS_SUCCESS);
    EXPECT_EQ(status_[0], STATUS_ACCESS_DENIED);
    describe("D:(A;;DC;;;WD)");
    EXPECT_EQ(whole(2), STATUS_SUCCESS);
    EXPECT_EQ(status_[0], STATUS_SUCCESS);
    length_ = sizeof(used_);
    EXPECT_EQ(NtAccessCheckByType(bytes(), nullptr, client_, 2, nullptr, 0, &mapping_, &used_, &length_,
                                  granted_.data(), status_.data()),
              STATUS_SUCCESS);
    EXPECT_EQ(status_[0], STATUS_SUCCESS);
    descriptor_ = *se::parse_sddl("O:LSG:LS");  // no list: everything
    count_ = 5;
    EXPECT_EQ(whole(MAXIMUM_ALLOWED), STATUS_SUCCESS);
    EXPECT_EQ(granted_[0], ACCESS_MASK{KEY_ALL_ACCESS});
}

TEST_P(AccessTest, PrincipalSelfIsTheCallersSid) {
    describe("D:" + entry("OA", "CC", first_set, "PS"));
    EXPECT_EQ(each(1), STATUS_SUCCESS);
    EXPECT_EQ(status_[1], STATUS_ACCESS_DENIED);
    se::Sid world = se::well_known::world();
    self_ = &world;
    EXPECT_EQ(each(1), STATUS_SUCCESS);
    EXPECT_EQ(status_[0], STATUS_ACCESS_DENIED);
    EXPECT_EQ(status_[1], STATUS_SUCCESS);
    EXPECT_EQ(status_[3], STATUS_SUCCESS);
    std::array<std::byte, 8> broken{std::byte{7}};
    self_ = broken.data();
    EXPECT_EQ(each(1), STATUS_INVALID_SID);
    EXPECT_EQ(granted_[0], kept);
}

// The order of these is that of tests on Windows, but for the token's handle and the generic rights.
TEST_P(AccessTest, RefusalsInTheirOrder) {
    describe("D:(A;;KA;;;WD)");
    EXPECT_EQ(
        NtAccessCheckByType(nullptr, nullptr, nullptr, 0, nullptr, 0, nullptr, nullptr, nullptr, nullptr, nullptr),
        STATUS_ACCESS_VIOLATION);
    const auto check = [&](PSECURITY_DESCRIPTOR descriptor, HANDLE token, ACCESS_MASK desired) {
        return NtAccessCheckByType(descriptor, nullptr, token, desired, types_.data(), count_, &mapping_, &used_,
                                   &length_, granted_.data(), status_.data());
    };
    HANDLE anonymous = nullptr;
    ASSERT_EQ(duplicate(SecurityAnonymous, &anonymous), STATUS_SUCCESS);
    EXPECT_EQ(check(nullptr, nullptr, MAXIMUM_ALLOWED), STATUS_INVALID_HANDLE);
    EXPECT_EQ(check(nullptr, own_, MAXIMUM_ALLOWED), STATUS_NO_IMPERSONATION_TOKEN);
    EXPECT_EQ(check(nullptr, anonymous, MAXIMUM_ALLOWED), STATUS_BAD_IMPERSONATION_LEVEL);
    EXPECT_EQ(check(nullptr, anonymous, GENERIC_WRITE), STATUS_GENERIC_NOT_MAPPED);
    EXPECT_EQ(check(nullptr, client_, MAXIMUM_ALLOWED), STATUS_INVALID_SECURITY_DESCR);
    NtClose(anonymous);
    descriptor_ = *se::parse_sddl("D:(A;;KA;;;WD)");
    EXPECT_EQ(check(bytes(), client_, 1), STATUS_INVALID_SECURITY_DESCR);
    types_[0].Level = ACCESS_PROPERTY_SET_GUID;  // the list comes before the descriptor
    EXPECT_EQ(check(bytes(), client_, 1), STATUS_INVALID_PARAMETER);
    types_[0].Level = 10;
    EXPECT_EQ(check(bytes(), client_, 1), STATUS_INVALID_PARAMETER);
    types_[0].Level = 0, types_[1].Level = 0;
    EXPECT_EQ(check(bytes(), client_, 1), STATUS_INVALID_PARAMETER);
    types_[1].Level = 2;
    EXPECT_EQ(check(bytes(), client_, 1), STATUS_INVALID_PARAMETER);
    types_[1].Level = 1, types_[1].ObjectType = nullptr;
    EXPECT_EQ(check(bytes(), client_, 1), STATUS_ACCESS_VIOLATION);
    types_[1].ObjectType = &guids[1];
    HANDLE narrow = nullptr;
    ASSERT_EQ(NtDuplicateObject(NtCurrentProcess(), client_, NtCurrentProcess(), &narrow, TOKEN_DUPLICATE, 0, 0),
              STATUS_SUCCESS);
    describe("D:(A;;KA;;;WD)");
    EXPECT_EQ(check(bytes(), narrow, 1), STATUS_ACCESS_DENIED);
    NtClose(narrow);
    // Lists: none, and one that is too long.
    count_ = 0;
    EXPECT_EQ(each(1), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(NtAccessCheckByTypeResultList(bytes(), nullptr, client_, 1, nullptr, 5, &mapping_, &used_, &length_,
                                            granted_.data(), status_.data()),
              STATUS_ACCESS_VIOLATION);
    std::vector<OBJECT_TYPE_LIST> many(4097, OBJECT_TYPE_LIST{1, 0, &guids[1]});
    many[0] = types_[0];
    std::vector<ACCESS_MASK> masks(many.size());
    std::vector<NTSTATUS> statuses(many.size(), untold);
    const auto list = [&](ULONG count) {
        length_ = sizeof(used_);
        return NtAccessCheckByTypeResultList(bytes(), nullptr, client_, 1, many.data(), count, &mapping_, &used_,
                                             &length_, masks.data(), statuses.data());
    };
    EXPECT_EQ(list(4097), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(list(~0u), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(list(4096), STATUS_SUCCESS);
    EXPECT_EQ(statuses[4095], STATUS_SUCCESS);
    EXPECT_EQ(masks[4095], 1u);
    EXPECT_EQ(statuses[4096], untold);
}

TEST_P(AccessTest, ThePrivilegesNeedTheirRoom) {
    describe("D:");
    const auto check = [&](PVOID used, ULONG length) {
        length_ = length;
        return NtAccessCheckByTypeResultList(bytes(), nullptr, client_, WRITE_OWNER | ACCESS_SYSTEM_SECURITY,
                                             types_.data(), count_, &mapping_, used, &length_, granted_.data(),
                                             status_.data());
    };
    constexpr ULONG two = offsetof(PRIVILEGE_SET, Privilege) + 2 * sizeof(LUID_AND_ATTRIBUTES);
    std::array<std::byte, two> room{};
    granted_.fill(kept);
    EXPECT_EQ(check(nullptr, 0), STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQ(length_, two);
    EXPECT_EQ(check(room.data(), two - 1), STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQ(check(nullptr, two), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(granted_[0], kept);
    EXPECT_EQ(check(room.data(), two), STATUS_SUCCESS);
    EXPECT_EQ(granted_[4], ACCESS_MASK{WRITE_OWNER | ACCESS_SYSTEM_SECURITY});
    EXPECT_EQ(room[0], std::byte{2});
}

INSTANTIATE_TEST_SUITE_P(Ways, AccessTest, testing::Bool(),
                         [](const auto& way) { return way.param ? "remote" : "inproc"; });

}  // namespace
}  // namespace regent::test
