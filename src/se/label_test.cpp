#include <gtest/gtest.h>

#include "se/access.h"
#include "se/sddl.h"

namespace regent::se {
namespace {

constexpr GENERIC_MAPPING key_mapping{0x20019, 0x20006, 0x20019, 0xF003F};

Ref<Token> token_at(std::uint32_t integrity, PrivilegeSet privileges = 0) {
    Token::Parts parts;
    parts.user = parts.default_owner = parts.primary_group = from_uid(1001);
    parts.integrity = integrity;
    parts.held = parts.enabled = privileges;
    return rtl::make_ref<Token>(std::move(parts));
}

std::string merged(const char* current, const char* given, SECURITY_INFORMATION what, const Token& token) {
    const auto result = merge_descriptor(*parse_sddl(current), *parse_sddl(given), what, token, key_mapping);
    return result ? to_sddl(*result).value() : std::to_string(result.error().code());
}

TEST(Label, IsSetAndAskedForApartFromAudit) {
    const auto token = token_at(SECURITY_MANDATORY_MEDIUM_RID);
    const char* both = "O:BAS:(AU;FA;KA;;;WD)(ML;;NW;;;LW)";
    EXPECT_EQ(to_sddl(query_descriptor(*parse_sddl(both), LABEL_SECURITY_INFORMATION)).value(), "S:(ML;;NW;;;LW)");
    EXPECT_EQ(to_sddl(query_descriptor(*parse_sddl(both), SACL_SECURITY_INFORMATION)).value(), "S:(AU;FA;KA;;;WD)");
    EXPECT_EQ(to_sddl(query_descriptor(*parse_sddl("O:BA"), LABEL_SECURITY_INFORMATION)).value(), "");
    EXPECT_EQ(merged(both, "S:(ML;;NWNR;;;ME)", LABEL_SECURITY_INFORMATION, *token),
              "O:BAS:(ML;;NWNR;;;ME)(AU;FA;KA;;;WD)");
    EXPECT_EQ(merged(both, "S:(AU;SA;KR;;;BU)", SACL_SECURITY_INFORMATION, *token),
              "O:BAS:(AU;SA;KR;;;BU)(ML;;NW;;;LW)");
    EXPECT_EQ(merged("O:BA", "S:(ML;;NW;;;LW)", LABEL_SECURITY_INFORMATION, *token), "O:BAS:(ML;;NW;;;LW)");
    EXPECT_EQ(merged("O:BAS:(ML;;NW;;;LW)", "S:", LABEL_SECURITY_INFORMATION, *token), "O:BA");
}

TEST(Label, AboveTheOwnLevelNeedsThePrivilege) {
    const auto token = token_at(SECURITY_MANDATORY_MEDIUM_RID);
    EXPECT_EQ(merged("O:BA", "S:(ML;;NW;;;HI)", LABEL_SECURITY_INFORMATION, *token),
              std::to_string(STATUS_PRIVILEGE_NOT_HELD));
    EXPECT_EQ(merged("O:BA", "S:(ML;;NW;;;WD)", LABEL_SECURITY_INFORMATION, *token),
              std::to_string(STATUS_INVALID_LABEL));
    const auto relabels = token_at(SECURITY_MANDATORY_MEDIUM_RID, privilege_bit(SE_RELABEL_PRIVILEGE));
    EXPECT_EQ(merged("O:BA", "S:(ML;;NW;;;HI)", LABEL_SECURITY_INFORMATION, *relabels), "O:BAS:(ML;;NW;;;HI)");
}

TEST(Label, OfANewObject) {
    const auto made = [](std::uint32_t level, const char* parent, const char* given) {
        const auto above = parse_sddl(parent).value();
        const DescriptorView view = above;
        const auto token = token_at(level);
        std::optional<SecurityDescriptor> explicit_one;
        std::optional<DescriptorView> explicit_view;
        if (given != nullptr) explicit_one = parse_sddl(given).value();
        if (explicit_one) explicit_view = explicit_one->view();
        const auto result =
            assign_descriptor(&view, explicit_view ? &*explicit_view : nullptr, *token, key_mapping, true);
        return result ? to_sddl(*result, SACL_SECURITY_INFORMATION).value() : std::to_string(result.error().code());
    };
    EXPECT_EQ(made(SECURITY_MANDATORY_MEDIUM_RID, "D:(A;;KA;;;WD)", nullptr), "");
    EXPECT_EQ(made(SECURITY_MANDATORY_LOW_RID, "D:(A;;KA;;;WD)", nullptr), "S:(ML;;NW;;;LW)");
    EXPECT_EQ(made(SECURITY_MANDATORY_LOW_RID, "S:(ML;CI;NW;;;S-1-16-0)", nullptr), "S:AI(ML;CIID;NW;;;S-1-16-0)");
    EXPECT_EQ(made(SECURITY_MANDATORY_MEDIUM_RID, "D:(A;;KA;;;WD)", "S:(ML;;NR;;;LW)"), "S:(ML;;NR;;;LW)");
    EXPECT_EQ(made(SECURITY_MANDATORY_MEDIUM_RID, "D:(A;;KA;;;WD)", "S:(ML;;NR;;;HI)"),
              std::to_string(STATUS_PRIVILEGE_NOT_HELD));
    EXPECT_EQ(made(SECURITY_MANDATORY_MEDIUM_RID, "D:(A;;KA;;;WD)", "S:(AU;FA;KA;;;WD)"),
              std::to_string(STATUS_PRIVILEGE_NOT_HELD));
}

TEST(FilteredToken, LosesAndNeverGains) {
    const auto root = Token::for_administrator(0, 0, {});
    const Sid sandbox = Sid(5, {21, 1, 2, 3, 4});
    const auto limited = filter_token(*root, {LUA_TOKEN, {}, 0, {}});
    EXPECT_FALSE(limited->is_admin());
    EXPECT_TRUE(limited->matches_deny(well_known::administrators().bytes()));
    EXPECT_FALSE(limited->holds(SE_RESTORE_PRIVILEGE));
    EXPECT_EQ(limited->integrity(), std::uint32_t{SECURITY_MANDATORY_MEDIUM_RID});
    const auto bare = filter_token(*root, {DISABLE_MAX_PRIVILEGE, {well_known::users()}, 0, {sandbox}});
    EXPECT_EQ(bare->held(), privilege_bit(SE_CHANGE_NOTIFY_PRIVILEGE));
    EXPECT_FALSE(bare->matches_allow(well_known::users().bytes()));
    EXPECT_TRUE(bare->is_restricted());
    // Restricted again: what both lists have, here nobody.
    const auto twice = filter_token(*bare, {0, {}, 0, {from_uid(5)}});
    EXPECT_TRUE(twice->is_restricted());
    EXPECT_FALSE(twice->matches(from_uid(5).bytes(), Match::allow, Identity::restricting));
    EXPECT_FALSE(twice->matches(sandbox.bytes(), Match::allow, Identity::restricting));
    const auto copy = duplicate_token(*bare, true, SecurityImpersonation, true);
    EXPECT_TRUE(copy->is_restricted());
    EXPECT_EQ(copy->level(), SecurityImpersonation);
    EXPECT_EQ(copy->logon_id(), root->logon_id());
}

TEST(Token, ChangesGiveItsStateAnotherName) {
    Token::Parts parts;
    parts.user = from_uid(1);
    parts.groups = {
        {well_known::users(), SE_GROUP_ENABLED}, {well_known::world()}, {from_gid(3), SE_GROUP_USE_FOR_DENY_ONLY}};
    Token token(parts);
    const auto before = token.answer_id();
    ASSERT_TRUE(token.enable_group(0, false));
    EXPECT_NE(token.answer_id(), before);
    EXPECT_FALSE(token.matches_allow(well_known::users().bytes()));
    EXPECT_EQ(token.enable_group(1, false).error().code(), STATUS_CANT_DISABLE_MANDATORY);
    EXPECT_EQ(token.enable_group(2, true).error().code(), STATUS_CANT_ENABLE_DENY_ONLY);
    const auto lowered = token.answer_id();
    token.set_integrity(SECURITY_MANDATORY_LOW_RID);
    EXPECT_NE(token.answer_id(), lowered);
    EXPECT_EQ(token.set_default_owner(from_uid(2)).error().code(), STATUS_INVALID_OWNER);
    EXPECT_EQ(token.set_primary_group(from_uid(2)).error().code(), STATUS_INVALID_PRIMARY_GROUP);
    for (const auto& change : {+[](Token& changed) { EXPECT_TRUE(changed.set_primary_group(from_gid(3))); },
                               +[](Token& changed) { EXPECT_TRUE(changed.set_default_owner(from_uid(1))); },
                               +[](Token& changed) { changed.set_default_dacl({}); }}) {
        const auto unchanged = token.answer_id();
        change(token);
        EXPECT_NE(token.answer_id(), unchanged);
    }
}

}  // namespace
}  // namespace regent::se
