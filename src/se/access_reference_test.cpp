// Random access checks against a slow reference, written down from the pseudo-code of MS-DTYP 2.5.3.2 and 2.5.3.3: it
// works on a model (lists of structures, sets of account numbers, trees of conditions), knows nothing of bytes, and
// asks for one right at a time. REGENT_ACCESS_CASES sets how many cases are run.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <random>
#include <set>

#include "se/access.h"
#include "se/claims.h"
#include "se/condition.h"
#include "se/sddl.h"

namespace regent::se {
namespace {

constexpr GENERIC_MAPPING key_mapping{0x20019, 0x20006, 0x20019, 0xF003F};
constexpr ACCESS_MASK single_rights[] = {1, 2, 4, 8, 0x10, 0x20, DELETE, READ_CONTROL, WRITE_DAC, WRITE_OWNER};

// ---- the model ----------------------------------------------------------------------------------------------------
using Account = unsigned;  // an index into accounts(); the last one stands for OWNER RIGHTS
constexpr Account owner_rights_account = 7;

const Sid& sid_of(Account account) {
    static const Sid sids[] = {from_uid(1001),
                               from_uid(1002),
                               well_known::users(),
                               well_known::world(),
                               well_known::administrators(),
                               from_gid(7),
                               Sid(5, {21, 1, 2, 3, 9}),
                               well_known::owner_rights()};
    return sids[account];
}

struct Tree {
    enum Kind {
        member,
        member_any,
        not_member,
        level,
        missing,
        has_level,
        has_user,
        both,
        either,
        inverse,
        garbage
    } kind;
    std::set<Account> accounts;
    unsigned relation = 0;  // 0 to 5: == != < <= > >=
    int number = 0;
    std::unique_ptr<Tree> left, right;
};

struct ModelAce {
    bool allows;
    bool inherit_only;
    ACCESS_MASK mask;
    Account account;
    std::unique_ptr<Tree> condition;
};

struct Model {
    Account owner;
    bool has_list;
    std::vector<ModelAce> list;
    bool labelled;
    std::uint32_t label;
    unsigned policy;
    std::optional<int> level_attribute;

    Account user;
    bool user_deny_only;
    std::set<Account> enabled, deny_only, restricting;
    bool restricted, write_restricted;
    std::uint32_t integrity;
    bool no_write_up;
    std::set<unsigned> privileges;
};

// ---- the reference ------------------------------------------------------------------------------------------------
// Kleene's logic: -1 no, 0 unknown, 1 yes.
int judge(const Tree& tree, const Model& model, const std::set<Account>& present) {
    const auto has = [&](Account account) { return present.contains(account); };
    switch (tree.kind) {
        case Tree::member:
            return std::ranges::all_of(tree.accounts, has) ? 1 : -1;
        case Tree::member_any:
            return std::ranges::any_of(tree.accounts, has) ? 1 : -1;
        case Tree::not_member:
            return std::ranges::all_of(tree.accounts, has) ? -1 : 1;
        case Tree::level: {
            if (!model.level_attribute) return 0;
            const int a = *model.level_attribute;
            const int b = tree.number;
            const bool holds[] = {a == b, a != b, a<b, a <= b, a> b, a >= b};
            return holds[tree.relation] ? 1 : -1;
        }
        case Tree::missing:
            return 0;
        case Tree::has_level:
            return model.level_attribute ? 1 : -1;
        case Tree::has_user:
            return -1;
        case Tree::both:
            return std::min(judge(*tree.left, model, present), judge(*tree.right, model, present));
        case Tree::either:
            return std::max(judge(*tree.left, model, present), judge(*tree.right, model, present));
        case Tree::inverse:
            return -judge(*tree.left, model, present);
        case Tree::garbage:
            return 0;
    }
    return 0;
}
bool has_garbage(const Tree& tree) {
    return tree.kind == Tree::garbage || (tree.left && has_garbage(*tree.left)) ||
           (tree.right && has_garbage(*tree.right));
}

ACCESS_MASK specific(ACCESS_MASK mask) {
    ACCESS_MASK out = mask & 0x0FFFFFFF;
    if (mask & GENERIC_ALL) out |= 0xF003F;
    if (mask & (GENERIC_READ | GENERIC_EXECUTE)) out |= 0x20019;
    if (mask & GENERIC_WRITE) out |= 0x20006;
    return out;
}

bool reading(ACCESS_MASK right) { return (right & 0x20019) != 0; }

// 2.5.3.3, for one right.
bool integrity_allows(const Model& model, ACCESS_MASK right) {
    if (!model.no_write_up) return true;
    const std::uint32_t label = model.labelled ? model.label : 0x2000;
    const unsigned policy = model.labelled ? model.policy : 1;
    if (model.integrity >= label) return true;
    if (right == WRITE_OWNER && model.privileges.contains(SE_RELABEL_PRIVILEGE)) return true;
    if (reading(right) && (policy & 2) == 0) return true;
    if (reading(right) && (policy & 4) == 0) return true;
    return (!reading(right) || right == READ_CONTROL) && (policy & 1) == 0;
}

// 2.5.3.2 after the privileges, for one right and one set of accounts.
bool list_grants(const Model& model, ACCESS_MASK right, const std::set<Account>& to_allow,
                 const std::set<Account>& to_deny) {
    if (!model.has_list) return true;
    const bool owns = to_allow.contains(model.owner);
    bool owner_entry = false;
    for (const ModelAce& ace : model.list) {
        if (!ace.inherit_only && ace.account == owner_rights_account) owner_entry = true;
    }
    if (owns && !owner_entry && (right == READ_CONTROL || right == WRITE_DAC)) return true;
    for (const ModelAce& ace : model.list) {
        if (ace.inherit_only || (specific(ace.mask) & right) == 0) continue;
        const std::set<Account>& present = ace.allows ? to_allow : to_deny;
        const bool named = ace.account == owner_rights_account ? owns : present.contains(ace.account);
        if (!named) continue;
        if (ace.condition) {
            const int verdict = has_garbage(*ace.condition) ? 0 : judge(*ace.condition, model, present);
            if (ace.allows ? verdict != 1 : verdict == -1) continue;
        }
        return ace.allows;
    }
    return false;
}

bool grants(const Model& model, ACCESS_MASK right) {
    if (!integrity_allows(model, right)) return false;
    if (right == WRITE_OWNER && model.privileges.contains(SE_TAKE_OWNERSHIP_PRIVILEGE)) return true;
    std::set<Account> to_allow = model.enabled;
    std::set<Account> to_deny = model.enabled;
    to_deny.insert(model.deny_only.begin(), model.deny_only.end());
    to_deny.insert(model.user);
    if (!model.user_deny_only) to_allow.insert(model.user);
    if (!list_grants(model, right, to_allow, to_deny)) return false;
    if (!model.restricted || (model.write_restricted && reading(right))) return true;
    return list_grants(model, right, model.restricting, model.restricting);
}

// Status and mask of a whole request.
std::pair<NTSTATUS, ACCESS_MASK> answer(const Model& model, ACCESS_MASK desired) {
    ACCESS_MASK asked = specific(desired) & ~ACCESS_MASK{MAXIMUM_ALLOWED};
    const bool maximum = (desired & MAXIMUM_ALLOWED) != 0;
    if (asked == 0 && !maximum) return {STATUS_ACCESS_DENIED, 0};
    ACCESS_MASK granted = 0;
    for (ACCESS_MASK right : single_rights) {
        if ((asked & right) != 0 && !integrity_allows(model, right)) return {STATUS_ACCESS_DENIED, 0};
        if (((asked & right) != 0 || maximum) && grants(model, right)) granted |= right;
    }
    if ((asked & ACCESS_SYSTEM_SECURITY) != 0) {
        if (!model.privileges.contains(SE_SECURITY_PRIVILEGE)) return {STATUS_PRIVILEGE_NOT_HELD, 0};
        granted |= ACCESS_SYSTEM_SECURITY;
    }
    if ((asked & ~granted) != 0 || granted == 0) return {STATUS_ACCESS_DENIED, 0};
    return {STATUS_SUCCESS, granted};
}

// ---- the same as bytes --------------------------------------------------------------------------------------------
void put32(std::vector<std::byte>& out, std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<std::byte>(value >> shift & 0xFF));
}
void put_code(std::vector<std::byte>& out, unsigned code) { out.push_back(static_cast<std::byte>(code)); }
void put_name(std::vector<std::byte>& out, unsigned code, std::string_view name) {
    put_code(out, code);
    put32(out, static_cast<std::uint32_t>(name.size() * 2));
    for (char c : name) {
        put_code(out, static_cast<unsigned char>(c));
        put_code(out, 0);
    }
}

void encode(const Tree& tree, std::vector<std::byte>& out) {
    if (tree.left) encode(*tree.left, out);
    if (tree.right) encode(*tree.right, out);
    switch (tree.kind) {
        case Tree::member:
        case Tree::member_any:
        case Tree::not_member: {
            std::vector<std::byte> members;
            for (Account account : tree.accounts) {
                put_code(members, 0x51);
                put32(members, static_cast<std::uint32_t>(sid_of(account).size()));
                for (std::byte b : sid_of(account).bytes()) members.push_back(b);
            }
            put_code(out, 0x50);
            put32(out, static_cast<std::uint32_t>(members.size()));
            out.insert(out.end(), members.begin(), members.end());
            put_code(out, tree.kind == Tree::member ? 0x89 : tree.kind == Tree::member_any ? 0x8B : 0x90);
            return;
        }
        case Tree::level:
        case Tree::missing:
            put_name(out, tree.kind == Tree::level ? 0xFA : 0xF9, tree.kind == Tree::level ? "Level" : "Other");
            put_code(out, 0x04);
            for (int shift = 0; shift < 64; shift += 8) {
                put_code(out, static_cast<unsigned>(static_cast<std::int64_t>(tree.number) >> shift & 0xFF));
            }
            put_code(out, tree.number < 0 ? 2 : 3);
            put_code(out, 2);
            put_code(out, 0x80 + tree.relation);
            return;
        case Tree::has_level:
            put_name(out, 0xFA, "LEVEL");
            return put_code(out, 0x87);
        case Tree::has_user:
            put_name(out, 0xF9, "Level");
            return put_code(out, 0x87);
        case Tree::both:
            return put_code(out, 0xA0);
        case Tree::either:
            return put_code(out, 0xA1);
        case Tree::inverse:
            return put_code(out, 0xA2);
        case Tree::garbage:
            return put_code(out, 0x7E);
    }
}

SecurityDescriptor descriptor_of(const Model& model) {
    SecurityDescriptor::Parts parts;
    parts.owner = sid_of(model.owner);
    parts.control = SE_DACL_PRESENT;
    AclBuilder list;
    for (const ModelAce& ace : model.list) {
        std::vector<std::byte> tail;
        if (ace.condition) {
            for (char c : condition::signature) tail.push_back(static_cast<std::byte>(c));
            encode(*ace.condition, tail);
            tail.resize((tail.size() + 3) & ~std::size_t{3});
        }
        const unsigned kind = (ace.condition ? 9u : 0u) + (ace.allows ? 0u : 1u);
        list.add(static_cast<std::uint8_t>(kind), ace.inherit_only ? INHERIT_ONLY_ACE : 0, ace.mask,
                 sid_of(ace.account), tail);
    }
    if (model.has_list) parts.dacl = list.finish().value();
    AclBuilder sacl;
    if (model.labelled) sacl.add(SYSTEM_MANDATORY_LABEL_ACE_TYPE, 0, model.policy, integrity_sid(model.label));
    if (model.level_attribute) {
        constexpr char16_t name[] = u"Level";
        const Claim claim{rtl::as_bytes(name, 10),
                          ClaimType::int64,
                          0,
                          {{ClaimType::int64, static_cast<std::uint64_t>(std::int64_t{*model.level_attribute})}}};
        sacl.add(SYSTEM_RESOURCE_ATTRIBUTE_ACE_TYPE, 0, 0, well_known::world(), write_claim(claim));
    }
    if (!sacl.empty()) {
        parts.control |= SE_SACL_PRESENT;
        parts.sacl = sacl.finish().value();
    }
    return SecurityDescriptor::build(parts).value();
}

Ref<Token> token_of(const Model& model) {
    Token::Parts parts;
    parts.user = parts.default_owner = parts.primary_group = sid_of(model.user);
    parts.user_deny_only = model.user_deny_only;
    for (Account account = 2; account < owner_rights_account; ++account) {
        std::uint32_t attributes = 0;
        if (model.enabled.contains(account)) attributes = SE_GROUP_ENABLED;
        if (model.deny_only.contains(account)) attributes = SE_GROUP_USE_FOR_DENY_ONLY;
        parts.groups.push_back({sid_of(account), attributes});
    }
    if (model.restricted) {
        for (Account account : model.restricting) parts.restricting.push_back(sid_of(account));
    }
    parts.write_restricted = model.write_restricted;
    parts.integrity = model.integrity;
    parts.mandatory_policy = model.no_write_up ? 1 : 0;
    for (unsigned privilege : model.privileges) parts.held |= privilege_bit(privilege);
    parts.enabled = parts.held;
    return rtl::make_ref<Token>(std::move(parts));
}

// ---- chance -------------------------------------------------------------------------------------------------------
class Chance {
public:
    explicit Chance(std::uint32_t seed) : random_(seed) {}

    unsigned pick(unsigned n) { return static_cast<unsigned>(random_() % n); }
    bool one_in(unsigned n) { return pick(n) == 0; }
    ACCESS_MASK mask() {
        if (one_in(6)) return ACCESS_MASK{GENERIC_ALL} << pick(4);
        ACCESS_MASK all = 0;
        for (ACCESS_MASK right : single_rights) all |= one_in(3) ? right : 0;
        return all;
    }

    std::unique_ptr<Tree> tree(unsigned depth) {
        auto made = std::make_unique<Tree>();
        const unsigned kind = depth == 0 ? pick(7) : pick(10);
        made->kind = static_cast<Tree::Kind>(kind);
        if (one_in(60)) made->kind = Tree::garbage;
        made->accounts = {pick(owner_rights_account), pick(owner_rights_account)};
        made->relation = pick(6);
        made->number = static_cast<int>(pick(5)) - 2;
        if (made->kind == Tree::both || made->kind == Tree::either || made->kind == Tree::inverse) {
            made->left = tree(depth - 1);
            if (made->kind != Tree::inverse) made->right = tree(depth - 1);
        }
        return made;
    }

    Model model() {
        constexpr std::uint32_t levels[] = {0, 0x1000, 0x2000, 0x2100, 0x3000, 0x4000};
        Model made{};
        made.owner = pick(owner_rights_account);
        made.has_list = !one_in(20);
        for (unsigned n = pick(7); n != 0; --n) {
            made.list.push_back({!one_in(3), one_in(8), mask(), pick(8), one_in(3) ? tree(2) : nullptr});
        }
        made.labelled = one_in(2);
        made.label = levels[pick(6)];
        made.policy = pick(8);
        if (!one_in(3)) made.level_attribute = static_cast<int>(pick(5)) - 2;
        made.user = pick(2);
        made.user_deny_only = one_in(10);
        for (Account account = 2; account < owner_rights_account; ++account) {
            const unsigned state = pick(4);
            if (state < 2) made.enabled.insert(account);
            if (state == 2) made.deny_only.insert(account);
        }
        made.restricted = one_in(4);
        made.write_restricted = made.restricted && one_in(2);
        if (made.restricted) {
            made.restricting = {pick(owner_rights_account), pick(owner_rights_account), pick(owner_rights_account)};
        }
        made.integrity = one_in(2) ? 0x2000 : levels[pick(6)];
        made.no_write_up = !one_in(8);
        for (unsigned privilege : {SE_SECURITY_PRIVILEGE, SE_TAKE_OWNERSHIP_PRIVILEGE, SE_RELABEL_PRIVILEGE}) {
            if (one_in(4)) made.privileges.insert(privilege);
        }
        return made;
    }

    ACCESS_MASK request() {
        ACCESS_MASK desired = one_in(2) ? single_rights[pick(10)] : mask();
        if (one_in(4)) desired = (one_in(2) ? desired : 0) | MAXIMUM_ALLOWED;
        if (one_in(12)) desired |= ACCESS_SYSTEM_SECURITY;
        return desired;
    }

private:
    std::mt19937 random_;
};

TEST(AccessReference, agrees_on_random_cases) {
    const char* wanted = std::getenv("REGENT_ACCESS_CASES");
    const unsigned long cases = wanted != nullptr ? std::strtoul(wanted, nullptr, 10) : 60'000;
    Chance chance(20240611);
    unsigned long granted = 0;
    for (unsigned long done = 0; done < cases;) {
        const Model model = chance.model();
        const SecurityDescriptor descriptor = descriptor_of(model);
        const auto token = token_of(model);
        for (int i = 0; i < 6 && done < cases; ++i, ++done) {
            const ACCESS_MASK desired = chance.request();
            const auto [status, mask] = answer(model, desired);
            const auto result = access_check(descriptor, *token, desired, key_mapping, user_mode);
            ASSERT_EQ(rtl::to_ntstatus(result), status)
                << "case " << done << ": " << to_sddl(descriptor).value_or("?") << " desired " << std::hex << desired;
            ASSERT_EQ(result.value_or(0), mask)
                << "case " << done << ": " << to_sddl(descriptor).value_or("?") << " desired " << std::hex << desired;
            granted += result ? 1 : 0;
        }
    }
    std::printf("access checks against the reference: %lu, granted %lu\n", cases, granted);
    EXPECT_GT(granted, cases / 10);
    EXPECT_LT(granted, cases - cases / 10);
}

}  // namespace
}  // namespace regent::se
