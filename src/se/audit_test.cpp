#include "se/audit.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "se/privilege.h"
#include "se/sddl.h"

namespace regent::se {
namespace {

constexpr GENERIC_MAPPING key_mapping{0x20019, 0x20006, 0x20019, 0xF003F};
const Sid alice = from_uid(1001);

Ref<Token> token_with(std::vector<TokenGroup> groups) {
    Token::Parts parts;
    parts.user = parts.default_owner = parts.primary_group = alice;
    parts.groups = std::move(groups);
    return rtl::make_ref<Token>(std::move(parts));
}

TEST(Audit, EntriesAskByOutcomeRightsAndTrustee) {
    const auto token = token_with({{well_known::world()}, {well_known::users(), SE_GROUP_USE_FOR_DENY_ONLY}});
    constexpr bool granted = true;
    constexpr bool refused = false;
    const struct {
        const char* sddl;
        ACCESS_MASK mask;
        bool outcome;
        ACCESS_MASK rights;
    } rows[] = {
        {"D:", 0xF003F, granted, 0},                                                 // no list
        {"D:S:", 0xF003F, granted, 0},                                               // an empty one
        {"D:S:(AU;SA;KA;;;WD)", 3, granted, 3},                                      //
        {"D:S:(AU;SA;KA;;;WD)", 3, refused, 0},                                      // another outcome
        {"D:S:(AU;FA;KA;;;WD)", 3, granted, 0},                                      //
        {"D:S:(AU;FA;KA;;;WD)", 3, refused, 3},                                      //
        {"D:S:(AU;SAFA;KA;;;WD)", 3, refused, 3},                                    //
        {"D:S:(AU;SA;DC;;;WD)", 3, granted, 2},                                      // a part of the rights
        {"D:S:(AU;SA;DC;;;WD)", 1, granted, 0},                                      // none of them
        {"D:S:(AU;SA;CC;;;WD)(AU;SA;DC;;;WD)", 7, granted, 3},                       // entries add up
        {"D:S:(AU;SA;KA;;;S-1-22-1-1001)", 1, granted, 1},                           // the user
        {"D:S:(AU;SA;KA;;;S-1-22-1-1002)", 1, granted, 0},                           // another one
        {"D:S:(AU;SA;KA;;;BA)", 1, granted, 0},                                      // no group of his
        {"D:S:(AU;SA;KA;;;BU)", 1, granted, 1},                                      // one for denial only
        {"D:S:(AU;CIIOSA;KA;;;WD)", 1, granted, 0},                                  // for subkeys only
        {"D:S:(AU;SA;GA;;;WD)", 0xF003F, granted, 0xF003F},                          // generic in an entry
        {"D:S:(AU;FA;KR;;;WD)", GENERIC_WRITE, refused, READ_CONTROL},               // generic in a request
        {"D:S:(AU;FA;KA;;;WD)", MAXIMUM_ALLOWED, refused, 0xF003F},                  // everything was asked for
        {"D:S:(ML;;NW;;;ME)", 1, granted, 0},                                        // a label is no audit entry
        {"D:S:(XU;SA;KA;;;WD;(Member_of {SID(WD)}))", 1, granted, 1},                // a condition that is true
        {"D:S:(XU;SA;KA;;;WD;(Not_Member_of {SID(WD)}))", 1, granted, 0},            // that is false
        {"D:S:(XU;SA;KA;;;WD;(@User.nothing == 1))", 1, granted, 1},                 // that nobody can tell
        {"D:S:(AU;SA;0x01000000;;;WD)", ACCESS_SYSTEM_SECURITY, granted, 0x1000000}  //
    };
    for (const auto& row : rows) {
        const auto descriptor = parse_sddl(std::string("O:SYG:SY") + row.sddl);
        ASSERT_TRUE(descriptor) << row.sddl;
        EXPECT_EQ(audited_rights(*descriptor, *token, row.mask, row.outcome, key_mapping), row.rights)
            << row.sddl << " " << row.mask << " " << row.outcome;
    }
}

TEST(Audit, OnlyEntriesThatMayAskCount) {
    const auto has = [](const char* sddl) { return has_audit_entries(*parse_sddl(sddl)); };
    EXPECT_FALSE(has("O:SYG:SYD:"));
    EXPECT_FALSE(has("O:SYG:SYD:S:(ML;;NW;;;ME)"));
    EXPECT_FALSE(has("O:SYG:SYD:S:(AU;CIIOSA;KA;;;WD)"));
    EXPECT_TRUE(has("O:SYG:SYD:S:(ML;;NW;;;ME)(AU;SA;KA;;;WD)"));
}

// A key has no parts: an object entry counts when it names none.
TEST(Audit, ObjectEntriesCountWithoutAType) {
    const auto token = token_with({{well_known::world()}});
    for (const bool named : {false, true}) {
        std::vector<std::byte> ace(named ? 40 : 24);
        ace[0] = std::byte{SYSTEM_AUDIT_OBJECT_ACE_TYPE};
        ace[1] = std::byte{SUCCESSFUL_ACCESS_ACE_FLAG};
        ace[2] = static_cast<std::byte>(ace.size());
        ace[4] = std::byte{3};
        ace[8] = named ? std::byte{1} : std::byte{0};
        const Bytes sid = well_known::world().bytes();
        std::ranges::copy(sid, ace.end() - static_cast<std::ptrdiff_t>(sid.size()));
        SecurityDescriptor::Parts parts;
        parts.control = SE_SACL_PRESENT;
        parts.sacl = AclBuilder().add_raw(ace).finish().value();
        const auto descriptor = SecurityDescriptor::build(parts);
        ASSERT_TRUE(descriptor);
        EXPECT_EQ(has_audit_entries(*descriptor), !named);
        EXPECT_EQ(audited_rights(*descriptor, *token, 1, true, key_mapping), named ? 0u : 1u);
        // Of an object with parts, when the named one was accessed.
        const std::array<TypeId, 2> parts_accessed{TypeId{std::byte{7}}, TypeId{}};
        EXPECT_EQ(audited_rights(*descriptor, *token, 1, true, key_mapping, parts_accessed), 1u);
        EXPECT_EQ(audited_rights(*descriptor, *token, 1, true, key_mapping, std::span(parts_accessed).first(1)),
                  named ? 0u : 1u);
    }
}

TEST(Privileges, HaveNames) {
    EXPECT_EQ(privilege_name(SE_CREATE_TOKEN_PRIVILEGE), "SeCreateTokenPrivilege");
    EXPECT_EQ(privilege_name(SE_SECURITY_PRIVILEGE), "SeSecurityPrivilege");
    EXPECT_EQ(privilege_name(last_privilege), "SeDelegateSessionUserImpersonatePrivilege");
    EXPECT_EQ(privilege_name(0), "");
    EXPECT_EQ(privilege_name(last_privilege + 1), "");
    for (unsigned privilege = SE_CREATE_TOKEN_PRIVILEGE; privilege <= last_privilege; ++privilege)
        EXPECT_TRUE(privilege_name(privilege).starts_with("Se")) << privilege;
}

}  // namespace
}  // namespace regent::se
