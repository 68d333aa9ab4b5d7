#include "se/access.h"

#include <gtest/gtest.h>

#include "se/sddl.h"

namespace regent::se {
namespace {

constexpr GENERIC_MAPPING key_mapping{0x20019, 0x20006, 0x20019, 0xF003F};

Ref<Token> token_with(Sid user, std::vector<TokenGroup> groups = {}, PrivilegeSet privileges = 0) {
    Token::Parts parts;
    parts.user = user;
    parts.default_owner = user;
    parts.primary_group = user;
    parts.groups = std::move(groups);
    parts.held = parts.enabled = privileges;
    return rtl::make_ref<Token>(std::move(parts));
}

NTSTATUS status_of(std::string_view sddl, const Token& token, ACCESS_MASK desired, ACCESS_MASK* granted = nullptr) {
    auto descriptor = parse_sddl(sddl);
    if (!descriptor) return descriptor.error().code();
    auto result = access_check(*descriptor, token, desired, key_mapping, user_mode);
    if (result && granted != nullptr) *granted = *result;
    return rtl::to_ntstatus(result);
}

const Sid alice = from_uid(1001);

TEST(AccessCheck, RowsOfMsDtyp) {
    auto token = token_with(alice, {{well_known::users()}, {well_known::world()}});
    struct Row {
        const char* sddl;
        ACCESS_MASK desired;
        NTSTATUS status;
        ACCESS_MASK granted;
    } rows[] = {
        {"O:SYG:SY", 0xF003F, STATUS_SUCCESS, 0xF003F},                     // no list
        {"O:SYD:NO_ACCESS_CONTROL", GENERIC_ALL, STATUS_SUCCESS, 0xF003F},  // NULL list
        {"O:SYD:", 1, STATUS_ACCESS_DENIED, 0},                             // empty list
        {"O:SYD:(A;;KR;;;BU)", GENERIC_READ, STATUS_SUCCESS, 0x20019},
        {"O:SYD:(A;;KR;;;BU)", 2, STATUS_ACCESS_DENIED, 0},
        {"O:SYD:(A;;KR;;;BA)", 1, STATUS_ACCESS_DENIED, 0},
        {"O:SYD:(D;;CC;;;WD)(A;;KA;;;BU)", 1, STATUS_ACCESS_DENIED, 0},  // deny first
        {"O:SYD:(D;;CC;;;WD)(A;;KA;;;BU)", 2, STATUS_SUCCESS, 2},        // deny of another bit
        {"O:SYD:(A;;KA;;;BU)(D;;CC;;;WD)", 1, STATUS_SUCCESS, 1},        // stored order is honoured
        {"O:SYD:(A;CIIO;KA;;;BU)", 1, STATUS_ACCESS_DENIED, 0},          // inherit-only
        {"O:SYD:(A;;CC;;;BU)(A;;DC;;;WD)", 3, STATUS_SUCCESS, 3},        // collected from two entries
        {"O:SYD:(A;;GA;;;BU)", 0xF003F, STATUS_SUCCESS, 0xF003F},        // generic in an entry
        {"O:SYD:(A;;KR;;;BU)", 0, STATUS_ACCESS_DENIED, 0},              // nothing asked
        {"O:SYD:(A;;KR;;;BU)", MAXIMUM_ALLOWED, STATUS_SUCCESS, 0x20019},
        {"O:SYD:(D;;CC;;;WD)(A;;KR;;;BU)", MAXIMUM_ALLOWED, STATUS_SUCCESS, 0x20018},
        {"O:SYD:(A;;KR;;;BU)", MAXIMUM_ALLOWED | 2, STATUS_ACCESS_DENIED, 0},
        {"O:SYD:", MAXIMUM_ALLOWED, STATUS_ACCESS_DENIED, 0},
        {"O:SYD:(A;;0x010f003f;;;BU)", ACCESS_SYSTEM_SECURITY, STATUS_PRIVILEGE_NOT_HELD, 0},
        {"O:S-1-22-1-1001D:", READ_CONTROL | WRITE_DAC, STATUS_SUCCESS, 0x60000},  // owner's rights
        {"O:S-1-22-1-1001D:(D;;RCWD;;;WD)", WRITE_DAC, STATUS_SUCCESS, 0x40000},   // come before the list
        {"O:S-1-22-1-1001D:", MAXIMUM_ALLOWED, STATUS_SUCCESS, 0x60000},
        {"O:S-1-22-1-1001D:(A;;RC;;;OW)", WRITE_DAC, STATUS_ACCESS_DENIED, 0},  // replaced by OWNER RIGHTS
        {"O:S-1-22-1-1001D:(A;;RC;;;OW)", READ_CONTROL, STATUS_SUCCESS, 0x20000},
        {"O:S-1-22-1-1001D:(A;IO;RC;;;OW)", WRITE_DAC, STATUS_SUCCESS, 0x40000},  // not by an inherit-only one
        {"O:SYD:(A;;RC;;;OW)", READ_CONTROL, STATUS_ACCESS_DENIED, 0},            // not the owner
    };
    for (const Row& row : rows) {
        ACCESS_MASK granted = 0;
        EXPECT_EQ(status_of(row.sddl, *token, row.desired, &granted), row.status) << row.sddl << " " << row.desired;
        if (row.status == STATUS_SUCCESS) {
            EXPECT_EQ(granted, row.granted) << row.sddl;
        }
    }
}

TEST(AccessCheck, PrivilegesStandInForEntries) {
    auto security = token_with(alice, {}, privilege_bit(SE_SECURITY_PRIVILEGE));
    EXPECT_EQ(status_of("O:SYD:", *security, ACCESS_SYSTEM_SECURITY), STATUS_SUCCESS);
    auto taker = token_with(alice, {}, privilege_bit(SE_TAKE_OWNERSHIP_PRIVILEGE));
    EXPECT_EQ(status_of("O:SYD:(D;;WO;;;WD)", *taker, WRITE_OWNER), STATUS_SUCCESS);
    EXPECT_EQ(status_of("O:SYD:", *taker, WRITE_OWNER | 1), STATUS_ACCESS_DENIED);
    ACCESS_MASK granted = 0;
    EXPECT_EQ(status_of("O:SYD:", *taker, MAXIMUM_ALLOWED, &granted), STATUS_SUCCESS);
    EXPECT_EQ(granted, ACCESS_MASK{WRITE_OWNER});
    ASSERT_TRUE(taker->enable(SE_TAKE_OWNERSHIP_PRIVILEGE, false).value());
    EXPECT_EQ(status_of("O:SYD:", *taker, WRITE_OWNER), STATUS_ACCESS_DENIED);
    EXPECT_EQ(taker->enable(SE_DEBUG_PRIVILEGE, true).error().code(), STATUS_PRIVILEGE_NOT_HELD);
}

TEST(AccessCheck, DenyOnlyGroupsMatchDenyEntriesOnly) {
    auto token = token_with(alice, {{well_known::administrators(), SE_GROUP_USE_FOR_DENY_ONLY}, {well_known::world()}});
    EXPECT_EQ(status_of("O:SYD:(A;;KA;;;BA)", *token, 1), STATUS_ACCESS_DENIED);
    EXPECT_EQ(status_of("O:SYD:(D;;CC;;;BA)(A;;KA;;;WD)", *token, 1), STATUS_ACCESS_DENIED);
    EXPECT_EQ(status_of("O:BAD:", *token, READ_CONTROL), STATUS_ACCESS_DENIED);
}

TEST(AccessCheck, KernelCallersGetWhatTheyAsk) {
    auto token = token_with(alice);
    auto descriptor = parse_sddl("O:SYD:").value();
    EXPECT_EQ(access_check(descriptor, *token, GENERIC_READ, key_mapping, kernel_mode).value(), 0x20019u);
    EXPECT_EQ(access_check(descriptor, *token, MAXIMUM_ALLOWED, key_mapping, kernel_mode).value(), 0xF003Fu);
}

TEST(Token, UnixUsers) {
    std::uint32_t groups[] = {100, 27};
    auto user = Token::for_unix_user(1000, 100, groups);
    EXPECT_EQ(user->user().to_string(), "S-1-22-1-1000");
    EXPECT_TRUE(user->matches_allow(from_gid(27).bytes()));
    EXPECT_FALSE(user->is_admin());
    EXPECT_FALSE(user->holds(SE_RESTORE_PRIVILEGE));
    auto root = Token::for_unix_user(0, 0, {});
    EXPECT_TRUE(root->is_admin());
    EXPECT_TRUE(root->enabled(SE_LOAD_DRIVER_PRIVILEGE));
    EXPECT_EQ(root->default_owner(), well_known::administrators());
    auto nobody = Token::for_unix_user(65534, 65534, {});
    EXPECT_EQ(nobody->user(), well_known::anonymous());
    EXPECT_FALSE(nobody->matches_allow(well_known::users().bytes()));
}

}  // namespace
}  // namespace regent::se
