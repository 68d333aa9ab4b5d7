#include "se/sddl.h"

#include <gtest/gtest.h>

#include <random>

#include "se/condition.h"

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
             "D:(XA;;KR;;;WD;(Member_of {SID(BA), SID(S-1-22-2-7)} && (@User.a == 1 || @Resource.Dept Any_of {\"x\", "
             "\"y;)(\"})))",
             "D:(XD;CI;KA;;;WD;(!(Exists @Resource.Level) || clearance >= -5 || @Device.d != #00ff || a == 0x1f))",
             "D:(XA;;KR;;;WD;(Not_Member_of_Any SID(BU)))(XA;;KR;;;WD;(@User.%0020%d83d == @Resource.b))",
             "S:(XU;SA;KA;;;WD;(@User.flag))(RA;CI;;;;WD;(\"Dept\",TS,0x2,\"a,b\",\"c\"))(SP;;;;;S-1-17-22)",
             "S:(RA;;;;;WD;(\"n\",TI,0x0,-7,5))(RA;;;;;WD;(\"u\",TU,0x0,18446744073709551615))(RA;;;;;WD;(\"b\",TB,0x0,"
             "1))",
             "S:(RA;;;;;WD;(\"s\",TD,0x0,BA,S-1-22-1-5))(RA;;;;;WD;(\"x\",TX,0x0,00ff,))",
             "D:(OA;CI;CR;bf967aba-0de6-11d0-a285-00aa003049e2;;SY)(OD;;CR;;bf967aba-0de6-11d0-a285-00aa003049e2;WD)("
             "OA;;CC;;;BA)",
             "D:(ZA;;CR;bf967aba-0de6-11d0-a285-00aa003049e2;;SY;(a))",
             "S:(OU;FA;CR;;;WD)(AL;FA;CR;;;WD)(ML;CI;NX;;;LW)",
             "D:(A;;;;;WD)",
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
        {"D:(A;;KA;;;SY;)", STATUS_INVALID_ACL},
        {"D:(A;;K;;;SY)", STATUS_INVALID_ACL},
        {"D:(A;;QQ;;;SY)", STATUS_INVALID_ACL},
        {"D:(A;;0x;;;SY)", STATUS_INVALID_ACL},
        {"D:(A;;0x1ffffffff;;;SY)", STATUS_INVALID_ACL},
        {"D:(A;XX;KA;;;SY)", STATUS_INVALID_ACL},
        {"D:(AU;;KA;;;SY)", STATUS_INVALID_ACL},
        {"S:(A;;KA;;;SY)", STATUS_INVALID_ACL},
        {"D:(A;;KA;bf967aba-0de6-11d0-a285-00aa003049e2;;SY)", STATUS_INVALID_ACL},
        {"D:(OA;;KA;bf967aba-0de6-11d0-a285-00aa003049e;;SY)", STATUS_INVALID_ACL},
        {"D:(OA;;KA;bf967aba00de6011d00a2850-00aa003049e2;;SY)", STATUS_INVALID_ACL},
        {"D:(OA;;KA;gf967aba-0de6-11d0-a285-00aa003049e2;;SY)", STATUS_INVALID_ACL},
        {"D:(A;;KA;;;SY;(Exists a))", STATUS_INVALID_ACL},
        {"D:(XA;;KA;;;SY)", STATUS_INVALID_ACL},
        {"D:(XA;;KA;;;SY;)", STATUS_INVALID_ACL},
        {"D:(XA;;KA;;;SY;())", STATUS_INVALID_ACE_CONDITION},
        {"D:(XA;;KA;;;SY;(Member_of {SID(BA), }))", STATUS_INVALID_ACE_CONDITION},
        {"D:(XA;;KA;;;SY;(Member_of {}))", STATUS_INVALID_ACE_CONDITION},
        {"D:(XA;;KA;;;SY;(Member_of 5))", STATUS_INVALID_ACE_CONDITION},
        {"D:(XA;;KA;;;SY;(@User. == 1))", STATUS_INVALID_ACE_CONDITION},
        {"D:(XA;;KA;;;SY;(@User.a == ))", STATUS_INVALID_ACE_CONDITION},
        {"D:(XA;;KA;;;SY;(@User.a == 08x))", STATUS_INVALID_ACE_CONDITION},
        {"D:(XA;;KA;;;SY;(@User.a == 9223372036854775808))", STATUS_INVALID_ACE_CONDITION},
        {"D:(XA;;KA;;;SY;(@User.a == #f))", STATUS_INVALID_ACE_CONDITION},
        {"D:(XA;;KA;;;SY;(@User.a && ))", STATUS_INVALID_ACE_CONDITION},
        {"D:(XA;;KA;;;SY;(5 == @User.a))", STATUS_INVALID_ACE_CONDITION},
        {"D:(XA;;KA;;;SY;(@User.%00 == 1))", STATUS_INVALID_ACE_CONDITION},
        {"D:(XA;;KA;;;SY;(a == \"open))", STATUS_INVALID_SECURITY_DESCR},
        {"S:(RA;;;;;WD;(\"a\",TI,0))", STATUS_INVALID_ACL},
        {"S:(RA;;;;;WD;(\"a\",TQ,0,1))", STATUS_INVALID_ACL},
        {"S:(RA;;;;;WD;(\"a\",TB,0,2))", STATUS_INVALID_ACL},
        {"S:(RA;;;;;WD;(\"a\",TU,0,-1))", STATUS_INVALID_ACL},
        {"S:(RA;;;;;WD;(\"a\",TD,0,ZZ))", STATUS_INVALID_ACL},
        {"S:(RA;;;;;WD;(a,TI,0,1))", STATUS_INVALID_ACL},
        {"S:(RA;;;;;WD)", STATUS_INVALID_ACL},
        {"D:(RA;;;;;WD;(\"a\",TI,0,1))", STATUS_INVALID_ACL},
        {"S:(TL;;;;;WD)", STATUS_INVALID_ACL},
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

// Texts made of every word the tables know; each is its own round trip.
class Writer {
public:
    explicit Writer(std::uint32_t seed) : random_(seed) {}

    std::string text() {
        std::string out;
        if (pick(2) == 0) out += "O:" + account();
        if (pick(2) == 0) out += "G:" + account();
        if (pick(8) != 0) out += "D:" + list(false);
        if (pick(2) == 0) out += "S:" + list(true);
        return out;
    }

private:
    unsigned pick(unsigned n) { return static_cast<unsigned>(random_() % n); }
    template <std::size_t N>
    std::string one_of(const char* const (&words)[N]) {
        return words[pick(N)];
    }
    std::string account() {
        if (pick(3) == 0) return "S-1-5-21-" + std::to_string(pick(4000000000)) + "-" + std::to_string(pick(9));
        static const char* const aliases[] = {"SY", "BA", "BU", "WD", "CO", "CG", "OW", "RC", "AU", "AN", "IU",
                                              "NU", "SU", "LS", "NS", "PS", "ED", "WR", "BG", "PU", "AO", "SO",
                                              "PO", "BO", "RE", "RU", "RD", "NO", "MU", "LU", "IS", "CY", "ER",
                                              "CD", "HA", "AA", "RM", "AC", "LW", "ME", "MP", "HI", "SI", "UD"};
        return one_of(aliases);
    }
    std::string some(const std::vector<std::string>& words) {
        std::string out;
        for (const std::string& word : words) out += pick(3) == 0 ? word : "";
        return out;
    }
    std::string rights() {
        static const char* const masks[] = {"KA", "KR", "KW", "FA", "FR", "FW", "FX", "0x2", "0x80000001", "0x100400"};
        if (pick(2) == 0) {
            const std::string mask = one_of(masks);
            return mask == "0x2" ? "DC" : mask == "0x80000001" ? "GRCC" : mask;
        }
        return some({"CC", "DC", "LC", "SW", "RP", "WP", "DT", "LO", "CR", "SD", "WD", "WO"});
    }
    std::string name() { return std::string(1, static_cast<char>('a' + pick(26))) + std::to_string(pick(9)); }
    std::string attribute() {
        static const char* const prefixes[] = {"", "@User.", "@Resource.", "@Device."};
        return one_of(prefixes) + name();
    }
    std::string literal() {
        switch (pick(5)) {
            case 0:
                return "\"" + name() + " ;:()\"";
            case 1:
                return "#0a" + std::to_string(10 + pick(90));
            case 2:
                return "SID(" + account() + ")";
            case 3:
                return "{" + std::to_string(pick(9)) + ", -" + std::to_string(1 + pick(9)) + ", 0x" +
                       std::to_string(1 + pick(9)) + "}";
            default:
                return std::to_string(pick(100000));
        }
    }
    std::string term(unsigned depth) {
        static const char* const relations[] = {"==", "!=", "<", "<=", ">", ">=", "Contains", "Any_of"};
        static const char* const memberships[] = {"Member_of", "Device_Member_of_Any", "Not_Member_of",
                                                  "Not_Device_Member_of"};
        switch (pick(depth == 0 ? 4 : 6)) {
            case 0:
                return attribute();
            case 1:
                return (pick(2) == 0 ? "Exists " : "Not_Exists ") + attribute();
            case 2:
                return one_of(memberships) + " {SID(" + account() + "), SID(" + account() + ")}";
            case 3:
                return attribute() + " " + one_of(relations) + " " + (pick(3) == 0 ? attribute() : literal());
            case 4:
                return "!(" + condition(depth - 1) + ")";
            default:
                return "(" + term(depth - 1) + " || " + term(0) + ")";
        }
    }
    std::string condition(unsigned depth) {
        std::string out = depth == 0 ? simple() : pick(2) == 0 ? simple() : "!(" + simple() + ")";
        for (unsigned more = pick(3); more != 0; --more) out += " && " + simple();
        return out;
    }
    std::string simple() {
        std::string text = term(1);
        // Parentheses that precedence does not need are not written back.
        return text.starts_with('(') ? "!" + text : text;
    }
    std::string claim() {
        switch (pick(4)) {
            case 0:
                return "\"" + name() + "\",TS,0x0,\"v(" + name() + "\",\"\"";
            case 1:
                return "\"" + name() + "\",TI,0x2,-" + std::to_string(1 + pick(9));
            case 2:
                return "\"" + name() + "\",TD,0x0," + account();
            default:
                return "\"" + name() + "\",TX,0x10,0fa0";
        }
    }
    std::string entry(bool sacl) {
        const std::string flags = some({"OI", "CI", "NP", "IO", "ID"});
        if (!sacl) {
            if (pick(3) == 0) {
                return "(" + std::string(pick(2) == 0 ? "XA" : "XD") + ";" + flags + ";" + rights() + ";;;" +
                       account() + ";(" + condition(2) + "))";
            }
            return "(" + std::string(pick(2) == 0 ? "A" : "D") + ";" + flags + ";" + rights() + ";;;" + account() + ")";
        }
        if (pick(3) == 0) return "(RA;" + flags + ";;;;WD;(" + claim() + "))";
        if (pick(3) == 0) return "(ML;" + flags + ";" + some({"NW", "NR", "NX"}) + ";;;" + account() + ")";
        return "(AU;" + flags + some({"SA", "FA"}) + ";" + rights() + ";;;" + account() + ")";
    }
    std::string list(bool sacl) {
        std::string out = some({"P", "AR", "AI"});
        if (pick(20) == 0) return out + "NO_ACCESS_CONTROL";
        for (unsigned n = pick(5); n != 0; --n) out += entry(sacl);
        return out;
    }

    std::mt19937 random_;
};

TEST(Sddl, GeneratedTextsRoundTrip) {
    Writer writer(7);
    for (int i = 0; i < 4000; ++i) {
        const std::string text = writer.text();
        const auto descriptor = parse_sddl(text);
        ASSERT_TRUE(descriptor) << text;
        ASSERT_TRUE(DescriptorView::validate(descriptor->bytes())) << text;
        ASSERT_EQ(to_sddl(*descriptor).value_or("?"), text);
        // Cut anywhere it is another text or none, never half of one.
        const std::size_t cut = static_cast<std::size_t>(i) % (text.size() + 1);
        const auto part = parse_sddl(std::string_view(text).substr(0, cut));
        if (part) {
            ASSERT_EQ(parse_sddl(to_sddl(*part).value_or("?")), *part) << text.substr(0, cut);
        }
    }
}

TEST(Sddl, OfConditionsOtherSpellings) {
    const auto canonical = [](const char* condition) {
        const auto made = parse_condition(condition);
        return made ? condition_to_text(*made).value_or("?") : std::string("none");
    };
    EXPECT_EQ(canonical("(a==1&&((b))||c)"), "a == 1 && b || c");
    EXPECT_EQ(canonical("(a && (b || c))"), "a && (b || c)");
    EXPECT_EQ(canonical("a&&b&&c"), "a && b && c");
    EXPECT_EQ(canonical("(a&&(b&&c))"), "a && (b && c)");
    EXPECT_EQ(canonical("member_of{BA , sid(SY)}"), "Member_of {SID(BA), SID(SY)}");
    EXPECT_EQ(canonical("@USER.x any_of {017, +5}"), "@User.x Any_of {017, +5}");
    EXPECT_EQ(canonical("!a"), "!(a)");
    EXPECT_EQ(canonical("a != b"), "a != b");
    EXPECT_EQ(canonical(std::string(300, '(').append("a").append(300, ')').c_str()), "none");
    EXPECT_EQ(parse_condition("a").value().size() % 4, 0u);
}

}  // namespace
}  // namespace regent::se
