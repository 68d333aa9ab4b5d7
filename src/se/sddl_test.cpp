#include "se/sddl.h"

#include <gtest/gtest.h>

namespace regent::se {
namespace {

TEST(Sddl, RoundTrips) {
    for (const char* text : {
             "O:BAG:SYD:P(A;CI;KA;;;BA)(A;CIIO;KA;;;CO)(A;CI;KA;;;SY)(A;CI;KR;;;BU)(A;CI;KR;;;AC)",
             "D:ARAI(D;OICINPIOID;KW;;;AN)(A;;GAGRGWGX;;;AU)(A;;SDRCWDWO;;;IU)",
             "D:AI(A;;CCDCLCSWRPSDRC;;;PU)",
             "O:S-1-22-1-1000G:S-1-22-2-100D:",
             "D:NO_ACCESS_CONTROL",
             "D:PNO_ACCESS_CONTROL",
             "S:AI(AU;SAFA;KA;;;WD)(ML;;NWNR;;;HI)",
             "D:(A;;0x100400;;;LS)(A;;KR;;;NS)(A;;KR;;;RC)(A;;KR;;;OW)(A;;KR;;;CG)",
             "D:(A;;KA;;;S-1-15-3-1024-1065365936-1281604716)",
             "",
         }) {
        auto descriptor = parse_sddl(text);
        ASSERT_TRUE(descriptor) << text;
        EXPECT_TRUE(DescriptorView::validate(descriptor->bytes()));
        EXPECT_EQ(to_sddl(*descriptor).value(), text);
    }
}

TEST(Sddl, OtherSpellingsOfTheSame) {
    EXPECT_EQ(to_sddl(*parse_sddl("D:(A;;KX;;;S-1-5-18)")).value(), "D:(A;;KR;;;SY)");
    EXPECT_EQ(to_sddl(*parse_sddl("G:SYO:BA")).value(), "O:BAG:SY");
    EXPECT_EQ(to_sddl(*parse_sddl("D:(A;;0xF003F;;;SY)(A;;16;;;BA)")).value(), "D:(A;;KA;;;SY)(A;;RP;;;BA)");
    EXPECT_EQ(parse_sddl("D:AIP(A;;KA;;;SY)")->view().control(),
              SE_SELF_RELATIVE | SE_DACL_PRESENT | SE_DACL_PROTECTED | SE_DACL_AUTO_INHERITED);
}

TEST(Sddl, MalformedTextGivesNothing) {
    struct Row {
        const char* text;
        NTSTATUS status;
    } rows[] = {
        {"X:BA", STATUS_INVALID_SECURITY_DESCR},
        {"O", STATUS_INVALID_SECURITY_DESCR},
        {"O:", STATUS_INVALID_SID},
        {"O:ZZ", STATUS_INVALID_SID},
        {"O:BAO:SY", STATUS_INVALID_SECURITY_DESCR},
        {"O:BA D:", STATUS_INVALID_SID},
        {"D:(A;;KA;;;SY", STATUS_INVALID_SECURITY_DESCR},
        {"D:A;;KA;;;SY)", STATUS_INVALID_SECURITY_DESCR},
        {"D:(A;;KA;;SY)", STATUS_INVALID_ACL},
        {"D:(A;;KA;;;SY;)", STATUS_INVALID_SID},
        {"D:(A;;K;;;SY)", STATUS_INVALID_ACL},
        {"D:(A;;QQ;;;SY)", STATUS_INVALID_ACL},
        {"D:(A;;0x;;;SY)", STATUS_INVALID_ACL},
        {"D:(A;;0x1ffffffff;;;SY)", STATUS_INVALID_ACL},
        {"D:(A;XX;KA;;;SY)", STATUS_INVALID_ACL},
        {"D:(AU;;KA;;;SY)", STATUS_INVALID_ACL},
        {"S:(A;;KA;;;SY)", STATUS_INVALID_ACL},
        {"D:(OA;;KA;bf967aba-0de6-11d0-a285-00aa003049e2;;SY)", STATUS_INVALID_ACL},
        {"D:Q(A;;KA;;;SY)", STATUS_INVALID_SECURITY_DESCR},
        {"D:NO_ACCESS_CONTROL(A;;KA;;;SY)", STATUS_INVALID_SECURITY_DESCR},
        {"D:(A;;KA;;;SY)x", STATUS_INVALID_SECURITY_DESCR},
        {":", STATUS_INVALID_SECURITY_DESCR},
    };
    for (const Row& row : rows) {
        auto result = parse_sddl(row.text);
        ASSERT_FALSE(result) << row.text;
        EXPECT_EQ(result.error().code(), row.status) << row.text;
    }
}

}  // namespace
}  // namespace regent::se
