// AccessCheck vectors: every rule's table, its outcomes stated as the rule states them (a formula over the row), never
// taken from the implementation. Rights are asked one by one and together.
#include <gtest/gtest.h>

#include "se/access.h"
#include "se/condition.h"
#include "se/sddl.h"

namespace regent::se {
namespace {

constexpr GENERIC_MAPPING key_mapping{0x20019, 0x20006, 0x20019, 0xF003F};
constexpr ACCESS_MASK rights[] = {1, 2, 4, 8, 0x10, 0x20, DELETE, READ_CONTROL, WRITE_DAC, WRITE_OWNER};
constexpr ACCESS_MASK read_class = 0x20019;  // of keys: reading and executing are the same

const Sid alice = from_uid(1001);
const Sid team = from_gid(500);

unsigned vectors = 0;

Token::Parts parts_of_alice() {
    Token::Parts parts;
    parts.user = parts.default_owner = parts.primary_group = alice;
    parts.groups = {{well_known::world()}, {team}};
    return parts;
}
Ref<Token> token_of(Token::Parts parts) { return rtl::make_ref<Token>(std::move(parts)); }
Ref<Token> alices() { return token_of(parts_of_alice()); }

struct Entry {
    std::uint8_t type;
    ACCESS_MASK mask;
    Sid sid = alice;
    std::uint8_t flags = 0;
    std::vector<std::byte> tail = {};
};

SecurityDescriptor descriptor_of(const Sid& owner, const std::vector<Entry>& dacl,
                                 const std::vector<Entry>& sacl = {}) {
    SecurityDescriptor::Parts parts;
    parts.owner = owner;
    parts.control = SE_DACL_PRESENT;
    AclBuilder access;
    for (const Entry& entry : dacl) access.add(entry.type, entry.flags, entry.mask, entry.sid, entry.tail);
    parts.dacl = access.finish().value();
    if (!sacl.empty()) {
        AclBuilder audit;
        for (const Entry& entry : sacl) audit.add(entry.type, entry.flags, entry.mask, entry.sid, entry.tail);
        parts.control |= SE_SACL_PRESENT;
        parts.sacl = audit.finish().value();
    }
    return SecurityDescriptor::build(parts).value();
}

constexpr std::uint8_t allow = ACCESS_ALLOWED_ACE_TYPE;
constexpr std::uint8_t deny = ACCESS_DENIED_ACE_TYPE;

// One vector: the status, and on success the granted mask.
void expect(DescriptorView descriptor, const Token& token, ACCESS_MASK desired, NTSTATUS status, ACCESS_MASK granted) {
    ++vectors;
    const auto result = access_check(descriptor, token, desired, key_mapping, user_mode);
    ASSERT_EQ(rtl::to_ntstatus(result), status)
        << to_sddl(descriptor).value_or("(not text)") << " desired " << std::hex << desired;
    if (status == STATUS_SUCCESS) {
        ASSERT_EQ(*result, granted) << to_sddl(descriptor).value_or("(not text)") << " desired " << std::hex << desired;
    }
}
void expect_granted(DescriptorView descriptor, const Token& token, ACCESS_MASK desired, bool granted) {
    expect(descriptor, token, desired, granted ? STATUS_SUCCESS : STATUS_ACCESS_DENIED, desired);
}

TEST(AccessVectors, A1_generic_rights_are_mapped_and_nothing_is_refused) {
    const auto token = alices();
    const auto all = descriptor_of(well_known::local_system(), {{allow, 0xF003F}});
    const ACCESS_MASK generic[] = {GENERIC_READ, GENERIC_WRITE, GENERIC_EXECUTE, GENERIC_ALL};
    const ACCESS_MASK meaning[] = {0x20019, 0x20006, 0x20019, 0xF003F};
    for (unsigned set = 1; set < 16; ++set) {
        ACCESS_MASK desired = 0;
        ACCESS_MASK mapped = 0;
        for (unsigned i = 0; i < 4; ++i) {
            if ((set >> i & 1) == 0) continue;
            desired |= generic[i];
            mapped |= meaning[i];
        }
        expect(all, *token, desired, STATUS_SUCCESS, mapped);
        expect(all, *token, desired | DELETE, STATUS_SUCCESS, mapped | DELETE);
        // The same in the entry.
        const auto by_generic = descriptor_of(well_known::local_system(), {{allow, desired}});
        for (ACCESS_MASK right : rights) expect_granted(by_generic, *token, right, (mapped & right) != 0);
    }
    expect(all, *token, 0, STATUS_ACCESS_DENIED, 0);
}

TEST(AccessVectors, A3_absent_NULL_and_empty_lists) {
    const auto token = alices();
    for (bool owner : {true, false}) {
        const Sid who = owner ? alice : well_known::local_system();
        SecurityDescriptor::Parts absent;
        absent.owner = who;
        SecurityDescriptor::Parts null = absent;
        null.control = SE_DACL_PRESENT;
        const auto empty = descriptor_of(who, {});
        for (ACCESS_MASK right : rights) {
            expect_granted(SecurityDescriptor::build(absent).value(), *token, right, true);
            expect_granted(SecurityDescriptor::build(null).value(), *token, right, true);
            expect_granted(empty, *token, right, owner && (right == READ_CONTROL || right == WRITE_DAC));
        }
    }
}

// Of lists of up to three entries over two rights: a right is granted when the first entry that names it allows it.
template <typename Check>
void for_all_short_lists(Check check) {
    for (unsigned length = 1; length <= 3; ++length) {
        unsigned count = 1;
        for (unsigned i = 0; i < length; ++i) count *= 6;
        for (unsigned code = 0; code < count; ++code) {
            std::vector<Entry> list;
            ACCESS_MASK granted = 0;
            ACCESS_MASK seen = 0;
            for (unsigned i = 0, rest = code; i < length; ++i, rest /= 6) {
                const bool allows = rest % 2 == 0;
                const ACCESS_MASK mask = rest % 6 / 2 + 1;
                list.push_back({allows ? allow : deny, mask, i % 2 == 0 ? alice : team});
                if (allows) granted |= mask & ~seen;
                seen |= mask;
            }
            check(descriptor_of(well_known::local_system(), list), granted);
        }
    }
}

TEST(AccessVectors, A4_the_first_entry_that_names_a_right_decides) {
    const auto token = alices();
    for_all_short_lists([&](const SecurityDescriptor& descriptor, ACCESS_MASK granted) {
        for (ACCESS_MASK desired : {1u, 2u, 3u}) {
            expect_granted(descriptor, *token, desired, (desired & ~granted) == 0);
        }
    });
}

TEST(AccessVectors, A8_maximum_allowed_is_what_each_right_alone_would_get) {
    const auto token = alices();
    for_all_short_lists([&](const SecurityDescriptor& descriptor, ACCESS_MASK granted) {
        for (ACCESS_MASK beside : {0u, 1u, 2u, 3u}) {
            const bool ok = granted != 0 && (beside & ~granted) == 0;
            expect(descriptor, *token, MAXIMUM_ALLOWED | beside, ok ? STATUS_SUCCESS : STATUS_ACCESS_DENIED, granted);
        }
    });
}

TEST(AccessVectors, A5_which_groups_an_entry_reaches) {
    struct State {
        std::uint32_t attributes;
        bool allows, denies;
    };
    for (State state : {State{SE_GROUP_ENABLED, true, true}, State{0, false, false},
                        State{SE_GROUP_USE_FOR_DENY_ONLY, false, true}}) {
        auto parts = parts_of_alice();
        parts.groups[1].attributes = state.attributes;
        const auto token = token_of(parts);
        for (bool inherit_only : {false, true}) {
            const auto flags = static_cast<std::uint8_t>(inherit_only ? INHERIT_ONLY_ACE | CONTAINER_INHERIT_ACE : 0);
            for (ACCESS_MASK right : rights) {
                const auto given = descriptor_of(well_known::local_system(), {{allow, right, team, flags}});
                expect_granted(given, *token, right, state.allows && !inherit_only);
                const auto taken =
                    descriptor_of(well_known::local_system(), {{deny, right, team, flags}, {allow, 0xF003F}});
                expect_granted(taken, *token, right, !state.denies || inherit_only);
                // Owned by the group: the implied rights come with an enabled group only.
                const auto owned = descriptor_of(team, {});
                const bool implied = right == READ_CONTROL || right == WRITE_DAC;
                if (!inherit_only) expect_granted(owned, *token, right, state.allows && implied);
            }
        }
    }
}

TEST(AccessVectors, A5_a_user_may_be_deny_only_too) {
    auto parts = parts_of_alice();
    parts.user_deny_only = true;
    const auto token = token_of(parts);
    for (ACCESS_MASK right : rights) {
        expect_granted(descriptor_of(well_known::local_system(), {{allow, right}}), *token, right, false);
        expect_granted(descriptor_of(alice, {}), *token, right, false);
        const auto taken =
            descriptor_of(well_known::local_system(), {{deny, right}, {allow, 0xF003F, well_known::world()}});
        expect_granted(taken, *token, right, false);
    }
}

TEST(AccessVectors, A5_kinds_that_are_no_decision_are_skipped) {
    const auto token = alices();
    constexpr std::uint8_t kinds[] = {2, 3, 4, 0x0D, 0x0E, 0x11, 0x13, 0x14, 0x20, 0xFF};
    for (std::uint8_t type : kinds) {
        for (ACCESS_MASK right : rights) {
            expect_granted(descriptor_of(well_known::local_system(), {{type, 0xF003F}}), *token, right, false);
            const auto before = descriptor_of(well_known::local_system(), {{type, 0xF003F}, {allow, right}});
            expect_granted(before, *token, right, true);
        }
    }
}

TEST(AccessVectors, A6_owner_rights_replace_what_an_owner_has) {
    struct Row {
        std::vector<Entry> entries;
        ACCESS_MASK owners;  // what an owner gets of a list that names nobody else
    };
    const Sid& owner_rights = well_known::owner_rights();
    const Row rows[] = {
        {{}, READ_CONTROL | WRITE_DAC},
        {{{allow, READ_CONTROL, owner_rights}}, READ_CONTROL},
        {{{allow, WRITE_DAC, owner_rights}}, WRITE_DAC},
        {{{allow, 1, owner_rights}}, 1},
        {{{allow, 0xF003F, owner_rights}}, 0xF003F},
        {{{deny, READ_CONTROL, owner_rights}}, 0},
        {{{deny, WRITE_DAC, owner_rights}, {allow, 0xF003F, owner_rights}}, 0xF003F & ~WRITE_DAC},
        {{{allow, 1, owner_rights, INHERIT_ONLY_ACE}}, READ_CONTROL | WRITE_DAC},
        {{{deny, READ_CONTROL, owner_rights, INHERIT_ONLY_ACE}}, READ_CONTROL | WRITE_DAC},
    };
    const auto token = alices();
    for (const Row& row : rows) {
        for (ACCESS_MASK right : rights) {
            expect_granted(descriptor_of(alice, row.entries), *token, right, (row.owners & right) != 0);
            expect_granted(descriptor_of(team, row.entries), *token, right, (row.owners & right) != 0);
            expect_granted(descriptor_of(well_known::local_system(), row.entries), *token, right, false);
        }
        const auto mine = descriptor_of(alice, row.entries);
        expect(mine, *token, MAXIMUM_ALLOWED, row.owners != 0 ? STATUS_SUCCESS : STATUS_ACCESS_DENIED, row.owners);
    }
}

TEST(AccessVectors, A7_privileges) {
    const auto closed = descriptor_of(well_known::local_system(), {{deny, 0xF003F | ACCESS_SYSTEM_SECURITY}});
    const auto open = descriptor_of(well_known::local_system(), {{allow, 0xF003F | ACCESS_SYSTEM_SECURITY}});
    for (bool security : {false, true}) {
        for (bool take : {false, true}) {
            auto parts = parts_of_alice();
            if (security) parts.held |= privilege_bit(SE_SECURITY_PRIVILEGE);
            if (take) parts.held |= privilege_bit(SE_TAKE_OWNERSHIP_PRIVILEGE);
            for (bool enabled : {false, true}) {
                parts.enabled = enabled ? parts.held : 0;
                const auto token = token_of(parts);
                const bool sees = security && enabled;
                const bool takes = take && enabled;
                const NTSTATUS sacl = sees ? STATUS_SUCCESS : STATUS_PRIVILEGE_NOT_HELD;
                expect(closed, *token, ACCESS_SYSTEM_SECURITY, sacl, ACCESS_SYSTEM_SECURITY);
                expect(open, *token, ACCESS_SYSTEM_SECURITY, sacl, ACCESS_SYSTEM_SECURITY);
                expect(open, *token, ACCESS_SYSTEM_SECURITY | 1, sacl, ACCESS_SYSTEM_SECURITY | 1);
                expect(open, *token, ACCESS_SYSTEM_SECURITY | MAXIMUM_ALLOWED, sacl, ACCESS_SYSTEM_SECURITY | 0xF003F);
                for (ACCESS_MASK right : rights) {
                    expect_granted(closed, *token, right, right == WRITE_OWNER && takes);
                    expect_granted(open, *token, right, true);
                }
                const NTSTATUS maximum = takes ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
                expect(closed, *token, MAXIMUM_ALLOWED, maximum, WRITE_OWNER);
                expect(closed, *token, WRITE_OWNER | 1, STATUS_ACCESS_DENIED, 0);
            }
        }
    }
}

TEST(AccessVectors, A9_integrity) {
    const std::uint32_t levels[] = {SECURITY_MANDATORY_UNTRUSTED_RID, SECURITY_MANDATORY_LOW_RID,
                                    SECURITY_MANDATORY_MEDIUM_RID,    0x2100,
                                    SECURITY_MANDATORY_HIGH_RID,      SECURITY_MANDATORY_SYSTEM_RID};
    for (std::uint32_t of_token : levels) {
        auto parts = parts_of_alice();
        parts.integrity = of_token;
        const auto token = token_of(parts);
        const auto check = [&](const SecurityDescriptor& descriptor, std::uint32_t label, ACCESS_MASK policy) {
            ACCESS_MASK most = 0;
            for (ACCESS_MASK right : rights) {
                const bool reads = (right & read_class) != 0;
                const bool writes = right == READ_CONTROL || !reads;
                // A right goes when every class it belongs to is barred.
                const bool by_reading = reads && (policy & SYSTEM_MANDATORY_LABEL_NO_READ_UP) == 0;
                const bool by_executing = reads && (policy & SYSTEM_MANDATORY_LABEL_NO_EXECUTE_UP) == 0;
                const bool by_writing = writes && (policy & SYSTEM_MANDATORY_LABEL_NO_WRITE_UP) == 0;
                const bool ok = of_token >= label || by_reading || by_executing || by_writing;
                expect_granted(descriptor, *token, right, ok);
                if (ok) most |= right;
            }
            expect(descriptor, *token, MAXIMUM_ALLOWED, most != 0 ? STATUS_SUCCESS : STATUS_ACCESS_DENIED, most);
        };
        const std::vector<Entry> all = {{allow, 0xF003F}};
        check(descriptor_of(alice, all), SECURITY_MANDATORY_MEDIUM_RID, SYSTEM_MANDATORY_LABEL_NO_WRITE_UP);
        for (std::uint32_t label : levels) {
            for (ACCESS_MASK policy = 0; policy < 8; ++policy) {
                const Entry entry{SYSTEM_MANDATORY_LABEL_ACE_TYPE, policy, integrity_sid(label)};
                check(descriptor_of(alice, all, {entry}), label, policy);
            }
        }
        // Only an effective entry is a label, and of several the first.
        const Entry high{SYSTEM_MANDATORY_LABEL_ACE_TYPE, 7, integrity_sid(SECURITY_MANDATORY_HIGH_RID)};
        Entry passed_on = high;
        passed_on.flags = INHERIT_ONLY_ACE | CONTAINER_INHERIT_ACE;
        const Entry low{SYSTEM_MANDATORY_LABEL_ACE_TYPE, 1, integrity_sid(SECURITY_MANDATORY_LOW_RID)};
        check(descriptor_of(alice, all, {passed_on}), SECURITY_MANDATORY_MEDIUM_RID, 1);
        check(descriptor_of(alice, all, {low, high}), SECURITY_MANDATORY_LOW_RID, 1);
        check(descriptor_of(alice, all, {high, low}), SECURITY_MANDATORY_HIGH_RID, 7);
    }
}

TEST(AccessVectors, A2_integrity_comes_before_privileges_and_lists) {
    const auto closed = descriptor_of(alice, {{deny, 0xF003F, well_known::world()}});
    for (bool relabel : {false, true}) {
        auto parts = parts_of_alice();
        parts.integrity = SECURITY_MANDATORY_LOW_RID;
        parts.held = parts.enabled = privilege_bit(SE_TAKE_OWNERSHIP_PRIVILEGE) |
                                     (relabel ? privilege_bit(SE_RELABEL_PRIVILEGE) : PrivilegeSet{0});
        const auto token = token_of(parts);
        expect_granted(closed, *token, WRITE_OWNER, relabel);
        expect_granted(closed, *token, WRITE_DAC, false);                             // although the owner's
        expect_granted(closed, *token, READ_CONTROL, true);                           // the owner's, and reading
        expect(closed, *token, ACCESS_SYSTEM_SECURITY | 2, STATUS_ACCESS_DENIED, 0);  // before PRIVILEGE_NOT_HELD
        expect(closed, *token, ACCESS_SYSTEM_SECURITY, STATUS_PRIVILEGE_NOT_HELD, 0);
    }
    auto parts = parts_of_alice();
    parts.integrity = SECURITY_MANDATORY_LOW_RID;
    parts.mandatory_policy = TOKEN_MANDATORY_POLICY_OFF;
    const auto free = token_of(parts);
    const auto open = descriptor_of(well_known::local_system(), {{allow, 0xF003F}});
    for (ACCESS_MASK right : rights) expect_granted(open, *free, right, true);
    SecurityDescriptor::Parts no_list;
    no_list.owner = well_known::local_system();
    parts.mandatory_policy = TOKEN_MANDATORY_POLICY_NO_WRITE_UP;
    const auto low = token_of(parts);
    for (ACCESS_MASK right : rights) {  // also where there is no list
        expect_granted(SecurityDescriptor::build(no_list).value(), *low, right, (right & read_class) != 0);
    }
}

TEST(AccessVectors, A10_both_identities_must_grant) {
    const Sid sandbox = Sid(5, {21, 1, 2, 3, 2000});
    const ACCESS_MASK masks[] = {0, 0x20019, 0x20006, 0xF003F, 1};
    for (bool write_only : {false, true}) {
        auto parts = parts_of_alice();
        parts.restricting = {sandbox};
        parts.write_restricted = write_only;
        const auto token = token_of(parts);
        for (ACCESS_MASK whole : masks) {
            for (ACCESS_MASK restricted : masks) {
                for (ACCESS_MASK barred : {0u, 1u, 2u}) {
                    const auto descriptor =
                        descriptor_of(well_known::local_system(),
                                      {{deny, barred, sandbox}, {allow, whole}, {allow, restricted, sandbox}});
                    ACCESS_MASK most = 0;
                    for (ACCESS_MASK right : rights) {
                        const bool second = (restricted & ~barred & right) != 0;
                        const bool asked_twice = !write_only || (right & read_class) == 0;
                        const bool ok = (whole & right) != 0 && (second || !asked_twice);
                        expect_granted(descriptor, *token, right, ok);
                        if (ok) most |= right;
                    }
                    const NTSTATUS status = most != 0 ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
                    expect(descriptor, *token, MAXIMUM_ALLOWED, status, most);
                }
            }
        }
        // The owner's rights too: alice owns it, the sandbox does not.
        for (ACCESS_MASK right : rights) {
            const bool implied = right == READ_CONTROL || right == WRITE_DAC;
            expect_granted(descriptor_of(alice, {}), *token, right, implied && write_only && right == READ_CONTROL);
            expect_granted(descriptor_of(sandbox, {}), *token, right, false);
        }
    }
    auto parts = parts_of_alice();
    parts.restricting = {alice};
    for (ACCESS_MASK right : rights) {
        const bool implied = right == READ_CONTROL || right == WRITE_DAC;
        expect_granted(descriptor_of(alice, {}), *token_of(parts), right, implied);
    }
}

std::vector<std::byte> expression(std::initializer_list<unsigned> code) {
    std::vector<std::byte> bytes;
    for (char c : condition::signature) bytes.push_back(static_cast<std::byte>(c));
    for (unsigned c : code) bytes.push_back(static_cast<std::byte>(c));
    bytes.resize((bytes.size() + 3) & ~std::size_t{3});
    return bytes;
}

TEST(AccessVectors, A11_conditions) {
    // Member_of Everyone; Member_of Nobody; a user attribute; what no expression is.
    const std::initializer_list<unsigned> member = {0x51, 12, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0x89};
    const std::initializer_list<unsigned> stranger = {0x51, 12, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x89};
    const std::initializer_list<unsigned> unknown = {0xF9, 2, 0, 0, 0, 'a', 0, 0x04, 1,   0,
                                                     0,    0, 0, 0, 0, 0,   3, 2,    0x80};
    enum { yes, no, maybe };
    struct Row {
        std::vector<std::byte> condition;
        int truth;
    };
    const Row rows[] = {
        {expression(member), yes},
        {expression(stranger), no},
        {expression(unknown), maybe},
        {expression({}), maybe},                              // nothing on the stack
        {expression({0x89}), maybe},                          // an operator without its operand
        {expression({0x51, 200, 0, 0, 0, 1}), maybe},         // a literal cut short
        {expression({0x77}), maybe},                          // no such token
        {expression({0xF9, 2, 0, 0, 0, 'a', 0, 0x87}), no},   // Exists
        {expression({0xF9, 2, 0, 0, 0, 'a', 0, 0x8D}), yes},  // Not_Exists
        {expression({0xF9, 2, 0, 0, 0, 'a', 0}), maybe},
        {expression({0x04, 1, 0, 0, 0, 0, 0, 0, 0, 3, 2}), maybe},  // a literal is no condition
        {{}, maybe},
        {std::vector<std::byte>(8, std::byte{0x41}), maybe},  // no signature
    };
    const auto token = alices();
    for (const Row& row : rows) {
        const Entry conditional_allow{ACCESS_ALLOWED_CALLBACK_ACE_TYPE, 0xF003F, alice, 0, row.condition};
        const Entry conditional_deny{ACCESS_DENIED_CALLBACK_ACE_TYPE, 0xF003F, alice, 0, row.condition};
        Entry passed_on = conditional_deny;
        passed_on.flags = INHERIT_ONLY_ACE;
        const Entry all{allow, 0xF003F};
        const Sid& system = well_known::local_system();
        for (ACCESS_MASK right : rights) {
            expect_granted(descriptor_of(system, {conditional_allow}), *token, right, row.truth == yes);
            expect_granted(descriptor_of(system, {conditional_deny, all}), *token, right, row.truth == no);
            expect_granted(descriptor_of(system, {passed_on, all}), *token, right, true);
            expect_granted(descriptor_of(system, {all, conditional_deny}), *token, right, true);
        }
    }
}

// Last in the file, and so last to run.
TEST(AccessVectors, are_at_least_2000) {
    RecordProperty("vectors", static_cast<int>(vectors));
    std::printf("access vectors: %u\n", vectors);
    if (testing::GTEST_FLAG(filter) == "*") {
        EXPECT_GE(vectors, 2000u);
    }
}

}  // namespace
}  // namespace regent::se
