#include <gtest/gtest.h>

#include "se/access.h"
#include "se/sddl.h"

namespace regent::se {
namespace {

constexpr GENERIC_MAPPING key_mapping{0x20019, 0x20006, 0x20019, 0xF003F};

Ref<Token> alice() {
    std::uint32_t groups[] = {100};
    return Token::for_unix_user(1001, 100, groups);
}

std::string assigned(const char* parent, const char* given, bool container = true) {
    auto parent_descriptor = parse_sddl(parent ? parent : "").value();
    auto given_descriptor = parse_sddl(given ? given : "").value();
    DescriptorView parent_view = parent_descriptor, given_view = given_descriptor;
    auto made = assign_descriptor(parent ? &parent_view : nullptr, given ? &given_view : nullptr, *alice(), key_mapping,
                                  container);
    if (!made) return "failed";
    return to_sddl(*made).value();
}

const std::string mine = "O:S-1-22-1-1001G:S-1-22-2-100";

TEST(Assign, InheritsFromTheParent) {
    EXPECT_EQ(assigned("O:BAD:P(A;CI;KA;;;BA)(A;;KA;;;SY)(A;CI;KR;;;BU)", nullptr),
              mine + "D:AI(A;CIID;KA;;;BA)(A;CIID;KR;;;BU)");
    // CI+NP reaches the child only; IO becomes effective; OI alone is passed on without effect (semantics SE-2, SD-3).
    EXPECT_EQ(assigned("D:(A;CINP;KA;;;BA)(A;CIIO;KR;;;BU)(A;OI;KR;;;WD)", nullptr),
              mine + "D:AI(A;ID;KA;;;BA)(A;CIID;KR;;;BU)(A;OIIOID;KR;;;WD)");
    EXPECT_EQ(assigned("D:(A;CI;KA;;;BA)(A;OI;KR;;;WD)", nullptr, false), mine + "D:AI(A;ID;KR;;;WD)");
}

TEST(Assign, CreatorOwnerIsInstantiatedAndKept) {
    EXPECT_EQ(assigned("D:(A;CIIO;KA;;;CO)(A;CINP;KR;;;CG)", nullptr),
              mine + "D:AI(A;ID;KA;;;S-1-22-1-1001)(A;CIIOID;KA;;;CO)(A;ID;KR;;;S-1-22-2-100)");
    EXPECT_EQ(assigned("D:(A;CI;GR;;;BU)", nullptr), mine + "D:AI(A;ID;KR;;;BU)(A;CIIOID;GR;;;BU)");
}

TEST(Assign, TheCreatorsListComesFirstAndMayBeProtected) {
    const char* parent = "D:(A;CI;KA;;;BA)";
    EXPECT_EQ(assigned(parent, "D:(A;;GR;;;WD)"), mine + "D:AI(A;;KR;;;WD)(A;CIID;KA;;;BA)");
    EXPECT_EQ(assigned(parent, "D:P(A;;KR;;;WD)"), mine + "D:P(A;;KR;;;WD)");
    EXPECT_EQ(assigned(parent, "D:(A;CIID;KR;;;WD)"), mine + "D:AI(A;CIID;KA;;;BA)");
    EXPECT_EQ(assigned(parent, "D:P"), mine + "D:P");
    EXPECT_EQ(assigned(parent, "D:NO_ACCESS_CONTROL"), mine + "D:NO_ACCESS_CONTROL");
}

TEST(Assign, WithoutAnythingTheTokensDefaultIsUsed) {
    std::string defaults = mine + "D:(A;;KA;;;S-1-22-1-1001)(A;;KA;;;SY)";
    EXPECT_EQ(assigned(nullptr, nullptr), defaults);
    EXPECT_EQ(assigned("O:BAD:(A;;KA;;;BA)", nullptr), defaults);
}

TEST(Assign, OwnersAndAuditListsNeedTheRight) {
    EXPECT_EQ(assigned(nullptr, "O:BA"), "failed");
    EXPECT_EQ(assigned(nullptr, "S:(AU;SA;KA;;;WD)"), "failed");
    auto given = parse_sddl("O:SYS:(AU;SA;KA;;;WD)").value();
    DescriptorView view = given;
    auto root = Token::for_unix_user(0, 0, {});
    auto made = assign_descriptor(nullptr, &view, *root, key_mapping, true);
    ASSERT_TRUE(made);
    EXPECT_EQ(to_sddl(*made).value(), "O:SYG:S-1-22-2-0D:(A;;KA;;;BA)(A;;KA;;;SY)S:(AU;SA;KA;;;WD)");
}

TEST(Modify, QueryTakesOnlyTheParts) {
    auto all = parse_sddl("O:BAG:SYD:PAI(A;;KA;;;SY)S:(AU;FA;KA;;;WD)").value();
    EXPECT_EQ(to_sddl(query_descriptor(all, OWNER_SECURITY_INFORMATION)).value(), "O:BA");
    EXPECT_EQ(to_sddl(query_descriptor(all, DACL_SECURITY_INFORMATION)).value(), "D:PAI(A;;KA;;;SY)");
    EXPECT_EQ(to_sddl(query_descriptor(all, 0)).value(), "");
}

TEST(Modify, MergeReplacesOnlyTheParts) {
    auto token = alice();
    auto current = parse_sddl("O:BAG:SYD:(A;;KA;;;SY)").value();
    auto given = parse_sddl("O:S-1-22-1-1001G:BUD:AI(A;CI;GR;;;WD)").value();
    auto merge = [&](SECURITY_INFORMATION what) {
        auto merged = merge_descriptor(current, given, what, *token, key_mapping);
        return merged ? to_sddl(*merged).value() : std::string(rtl::status_name(merged.error().code()));
    };
    EXPECT_EQ(merge(OWNER_SECURITY_INFORMATION), "O:S-1-22-1-1001G:SYD:(A;;KA;;;SY)");
    EXPECT_EQ(merge(DACL_SECURITY_INFORMATION), "O:BAG:SYD:(A;CI;KR;;;WD)");  // AI without the request is dropped
    EXPECT_EQ(merge(DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION), "O:BAG:SYD:P(A;CI;KR;;;WD)");
    EXPECT_EQ(merge(GROUP_SECURITY_INFORMATION), "O:BAG:BUD:(A;;KA;;;SY)");
    given = parse_sddl("O:SY").value();
    EXPECT_EQ(merge(OWNER_SECURITY_INFORMATION), "STATUS_INVALID_OWNER");
    EXPECT_EQ(merge(GROUP_SECURITY_INFORMATION), "STATUS_INVALID_PRIMARY_GROUP");
    EXPECT_EQ(access_to_set(DACL_SECURITY_INFORMATION), ACCESS_MASK{WRITE_DAC});
    EXPECT_EQ(access_to_query(all_parts), ACCESS_MASK{READ_CONTROL | ACCESS_SYSTEM_SECURITY});
}

}  // namespace
}  // namespace regent::se
