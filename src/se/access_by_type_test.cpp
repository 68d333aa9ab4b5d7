// Access to objects with parts: vectors, and random cases against a slow reference that walks a tree of nodes for one
// right at a time. REGENT_ACCESS_CASES sets how many.
#include "se/access_by_type.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <random>
#include <set>

#include "se/access_walk.h"
#include "se/sddl.h"

namespace regent::se {
namespace {

constexpr GENERIC_MAPPING key_mapping{0x20019, 0x20006, 0x20019, 0xF003F};
constexpr ACCESS_MASK single_rights[] = {1, 2, 4, 8, 0x10, 0x20, DELETE, READ_CONTROL, WRITE_DAC, WRITE_OWNER};
const Sid alice = from_uid(1001);
const Sid principal_self(5, {10});

std::array<std::byte, 16> guid(unsigned number) {
    std::array<std::byte, 16> made{};
    made[0] = static_cast<std::byte>(number);
    made[15] = std::byte{0x80};
    return made;
}

void put32(std::vector<std::byte>& out, std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<std::byte>(value >> shift & 0xFF));
}

// What a conditional entry carries; from text, so that nothing of it is written here.
const std::vector<std::byte>& expression(int truth) {
    static const auto of = [](const char* text) {
        const auto descriptor = parse_sddl(std::string("D:(XA;;KA;;;WD;(") + text + "))");
        const Bytes bytes = walk::content_of(*descriptor->view().dacl()->begin(), false).expression;
        return std::vector<std::byte>(bytes.begin(), bytes.end());
    };
    static const std::vector<std::byte> no = of("Not_Member_of {SID(WD)}");
    static const std::vector<std::byte> unknown = of("@User.nothing == 1");
    static const std::vector<std::byte> yes = of("Member_of {SID(WD)}");
    return truth < 0 ? no : truth == 0 ? unknown : yes;
}

struct Entry {
    bool allows = true;
    ACCESS_MASK mask = 0;
    Sid sid;
    int type = -1;           // of the part it is about; -1: all
    bool object = true;      // written in the form that may name one
    bool inherited = false;  // with the second GUID, which says nothing here
    std::uint8_t flags = 0;
    std::optional<int> truth = {};  // conditional
};

std::vector<std::byte> ace_of(const Entry& entry) {
    std::vector<std::byte> ace;
    const bool conditional = entry.truth.has_value();
    const unsigned plain = (conditional ? 9u : 0u) + (entry.allows ? 0u : 1u);
    const unsigned object = (conditional ? 0x0Bu : 5u) + (entry.allows ? 0u : 1u);
    ace.push_back(static_cast<std::byte>(entry.object ? object : plain));
    ace.push_back(static_cast<std::byte>(entry.flags));
    ace.resize(4);
    put32(ace, entry.mask);
    if (entry.object) {
        put32(ace, (entry.type >= 0 ? 1u : 0u) | (entry.inherited ? 2u : 0u));
        for (const auto& each : {std::pair(entry.type >= 0, guid(static_cast<unsigned>(entry.type))),
                                 std::pair(entry.inherited, guid(99))}) {
            if (each.first) ace.insert(ace.end(), each.second.begin(), each.second.end());
        }
    }
    const Bytes sid = entry.sid.bytes();
    ace.insert(ace.end(), sid.begin(), sid.end());
    if (conditional) ace.insert(ace.end(), expression(*entry.truth).begin(), expression(*entry.truth).end());
    ace.resize((ace.size() + 3) & ~std::size_t{3});
    ace[2] = static_cast<std::byte>(ace.size() & 0xFF);
    ace[3] = static_cast<std::byte>(ace.size() >> 8);
    return ace;
}

SecurityDescriptor descriptor_of(const Sid& owner, const std::vector<Entry>& entries) {
    SecurityDescriptor::Parts parts;
    parts.owner = owner;
    parts.control = SE_DACL_PRESENT;
    AclBuilder list;
    for (const Entry& entry : entries) list.add_raw(ace_of(entry));
    parts.dacl = list.finish().value();
    return SecurityDescriptor::build(parts).value();
}

Ref<Token> token_with(std::vector<TokenGroup> groups, std::vector<Sid> restricting = {}, bool write_restricted = false,
                      PrivilegeSet privileges = 0) {
    Token::Parts parts;
    parts.user = parts.default_owner = parts.primary_group = alice;
    parts.groups = std::move(groups);
    parts.restricting = std::move(restricting);
    parts.write_restricted = write_restricted;
    parts.held = parts.enabled = privileges;
    return rtl::make_ref<Token>(std::move(parts));
}

// 0 the object; 1 and 2 property sets; 3 and 4 properties of 1, 5 of 2.
const std::vector<ObjectType>& usual_tree() {
    static const std::vector<ObjectType> tree = {{0, guid(0)}, {1, guid(1)}, {2, guid(3)},
                                                 {2, guid(4)}, {1, guid(2)}, {2, guid(5)}};
    return tree;
}

// The elements that get right 1, as digits of their GUIDs.
std::string granted_to(const std::vector<Entry>& entries, const Sid* self = nullptr) {
    const auto token = token_with({{well_known::world()}});
    const auto answers = access_check_by_type(descriptor_of(well_known::local_service(), entries), *token, 1,
                                              key_mapping, usual_tree(), self);
    std::string text;
    for (std::size_t i = 0; i < answers->size(); ++i) {
        const bool granted = (*answers)[i].status == STATUS_SUCCESS;
        EXPECT_EQ((*answers)[i].granted, granted ? 1u : 0u);
        if (granted) text += static_cast<char>('0' + std::to_integer<int>(usual_tree()[i].type[0]));
    }
    return text;
}

TEST(AccessByType, EntriesDecideAboutPartsInTheirOrder) {
    const Sid world = well_known::world();
    const auto allow = [&](int type) { return Entry{true, 1, world, type}; };
    const auto deny = [&](int type) { return Entry{false, 1, world, type}; };
    EXPECT_EQ(granted_to({}), "");
    EXPECT_EQ(granted_to({allow(-1)}), "013425");
    EXPECT_EQ(granted_to({Entry{true, 1, world, -1, false}}), "013425");  // the plain form says the same
    EXPECT_EQ(granted_to({allow(0)}), "013425");
    EXPECT_EQ(granted_to({allow(1)}), "134");            // what is below it
    EXPECT_EQ(granted_to({allow(3)}), "3");              // one of two parts
    EXPECT_EQ(granted_to({allow(3), allow(4)}), "134");  // all parts: the whole
    EXPECT_EQ(granted_to({allow(5)}), "25");             // the only part
    EXPECT_EQ(granted_to({allow(3), allow(4), allow(5)}), "013425");
    EXPECT_EQ(granted_to({deny(3), allow(-1)}), "425");  // and what it is a part of
    EXPECT_EQ(granted_to({deny(1), allow(-1)}), "25");
    EXPECT_EQ(granted_to({deny(0), allow(-1)}), "");
    EXPECT_EQ(granted_to({deny(-1), allow(3)}), "");
    EXPECT_EQ(granted_to({allow(3), deny(-1)}), "3");  // decided before
    EXPECT_EQ(granted_to({allow(3), deny(3), allow(-1)}), "013425");
    EXPECT_EQ(granted_to({allow(1), deny(3), allow(2)}), "013425");
    EXPECT_EQ(granted_to({deny(9), allow(-1)}), "013425");  // not of this object
    EXPECT_EQ(granted_to({allow(9)}), "");
    EXPECT_EQ(granted_to({Entry{false, 1, world, 3, true, true}, allow(-1)}), "425");
    EXPECT_EQ(granted_to({Entry{false, 1, world, 3, true, false, INHERIT_ONLY_ACE}, allow(-1)}), "013425");
    EXPECT_EQ(granted_to({Entry{false, 1, world, 3, true, false, 0, -1}, allow(-1)}), "013425");
    EXPECT_EQ(granted_to({Entry{false, 1, world, 3, true, false, 0, 0}, allow(-1)}), "425");
    EXPECT_EQ(granted_to({Entry{true, 1, world, 1, true, false, 0, 0}}), "");
    EXPECT_EQ(granted_to({Entry{true, 1, world, 1, true, false, 0, 1}}), "134");
    EXPECT_EQ(granted_to({Entry{true, 1, from_uid(7), 1}}), "");
}

TEST(AccessByType, PrincipalSelfIsWhomTheCallerSays) {
    const std::vector<Entry> entries = {{true, 1, principal_self, 2}};
    const Sid other = from_uid(7);
    EXPECT_EQ(granted_to(entries), "");
    EXPECT_EQ(granted_to(entries, &alice), "25");
    EXPECT_EQ(granted_to(entries, &other), "");
    EXPECT_EQ(granted_to(entries, &well_known::world()), "25");
}

TEST(AccessByType, ListsThatAreNoTreesAreRefused) {
    const auto token = token_with({});
    const auto descriptor = descriptor_of(alice, {});
    const auto status = [&](std::vector<ObjectType> types) {
        return rtl::to_ntstatus(access_check_by_type(descriptor, *token, READ_CONTROL, key_mapping, types));
    };
    EXPECT_EQ(status({}), STATUS_SUCCESS);
    EXPECT_EQ(status({{0, guid(0)}}), STATUS_SUCCESS);
    EXPECT_EQ(status({{0, guid(0)}, {1, guid(1)}, {2, guid(2)}, {3, guid(3)}, {4, guid(4)}, {1, guid(5)}}),
              STATUS_SUCCESS);
    EXPECT_EQ(status({{1, guid(0)}}), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(status({{0, guid(0)}, {0, guid(1)}}), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(status({{0, guid(0)}, {2, guid(1)}}), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(status({{0, guid(0)}, {1, guid(1)}, {2, guid(2)}, {3, guid(3)}, {4, guid(4)}, {5, guid(5)}}),
              STATUS_INVALID_PARAMETER);
}

TEST(AccessByType, RefusalsBeforeTheListAreToldOfEveryPart) {
    const auto token = token_with({{well_known::world()}});
    const auto descriptor = descriptor_of(alice, {{true, 0xF003F, well_known::world()}});
    const auto all = [&](ACCESS_MASK desired) {
        const auto answers = access_check_by_type(descriptor, *token, desired, key_mapping, usual_tree());
        std::set<NTSTATUS> statuses;
        for (const TypeAccess& answer : *answers) statuses.insert(answer.status);
        EXPECT_EQ(answers->size(), 6u);
        return statuses;
    };
    EXPECT_EQ(all(1), std::set<NTSTATUS>{STATUS_SUCCESS});
    EXPECT_EQ(all(0), std::set<NTSTATUS>{STATUS_ACCESS_DENIED});
    EXPECT_EQ(all(1 | ACCESS_SYSTEM_SECURITY), std::set<NTSTATUS>{STATUS_PRIVILEGE_NOT_HELD});
}

// What a part grants of a refused request is told with the refusal, as tests on Windows have it.
TEST(AccessByType, ARefusalTellsWhatIsGrantedAllTheSame) {
    const auto token = token_with({{well_known::world()}});
    const Sid world = well_known::world();
    const auto descriptor = descriptor_of(alice, {{false, 0x20019, world, 0}, {false, 0x20006, world, 1}});
    PrivilegeSet used = 0;
    for (const ACCESS_MASK asked : {0x20019u, 0x20006u}) {
        const auto answers = access_check_by_type(descriptor, *token, asked, key_mapping, usual_tree(), nullptr, &used);
        for (const TypeAccess& answer : *answers) {
            EXPECT_EQ(answer.status, STATUS_ACCESS_DENIED);
            EXPECT_EQ(answer.granted, ACCESS_MASK{READ_CONTROL});  // the owner's
        }
    }
    const auto taker = token_with({{world}}, {}, false, privilege_bit(SE_TAKE_OWNERSHIP_PRIVILEGE));
    const auto closed = descriptor_of(well_known::local_service(), {});
    const auto refused =
        access_check_by_type(closed, *taker, WRITE_OWNER | 1, key_mapping, usual_tree(), nullptr, &used);
    EXPECT_EQ(refused->front().status, STATUS_ACCESS_DENIED);
    EXPECT_EQ(refused->front().granted, ACCESS_MASK{WRITE_OWNER});
    EXPECT_EQ(used, 0u);  // no access rests on it
    EXPECT_EQ(
        access_check_by_type(closed, *taker, WRITE_OWNER, key_mapping, usual_tree(), nullptr, &used)->front().status,
        STATUS_SUCCESS);
    EXPECT_EQ(used, privilege_bit(SE_TAKE_OWNERSHIP_PRIVILEGE));
}

// Without a list of parts an object has none: entries that name one are about nothing.
TEST(AccessByType, APlainCheckSkipsWhatNamesAPart) {
    const auto token = token_with({{well_known::world()}});
    const auto granted = [&](const Entry& entry) {
        return access_check(descriptor_of(well_known::local_service(), {entry}), *token, 1, key_mapping, user_mode)
            .has_value();
    };
    EXPECT_TRUE(granted({true, 1, well_known::world(), -1, true}));
    EXPECT_TRUE(granted({true, 1, well_known::world(), -1, true, true}));
    EXPECT_TRUE(granted({true, 1, well_known::world(), -1, true, false, 0, 1}));
    EXPECT_FALSE(granted({true, 1, well_known::world(), -1, true, false, 0, 0}));
    EXPECT_FALSE(granted({true, 1, well_known::world(), 0, true}));
    EXPECT_FALSE(granted({true, 1, well_known::world(), 0, true, false, 0, 1}));
}

// ---- the reference ------------------------------------------------------------------------------------------------
struct Node {
    int type;
    Node* parent = nullptr;
    std::vector<std::unique_ptr<Node>> parts;
    int verdict = 0;  // -1 denied, 1 granted
};

struct Model {
    Sid owner;
    std::vector<Entry> entries;
    std::set<std::string> allowing, denying, restricting;
    bool restricted, write_restricted;
    bool takes_ownership;
    std::optional<Sid> self;
    std::vector<std::pair<unsigned, int>> tree;  // level and type
};

std::unique_ptr<Node> grow(const Model& model, std::vector<Node*>& order) {
    std::unique_ptr<Node> root;
    std::vector<Node*> open;
    for (const auto& [level, type] : model.tree) {
        auto made = std::make_unique<Node>();
        made->type = type;
        Node* const raw = made.get();
        order.push_back(raw);
        open.resize(level);
        if (level == 0) {
            root = std::move(made);
        } else {
            raw->parent = open.back();
            open.back()->parts.push_back(std::move(made));
        }
        open.push_back(raw);
    }
    return root;
}

void spread(Node& node, int verdict) {
    if (node.verdict == 0) node.verdict = verdict;
    for (const auto& part : node.parts) spread(*part, verdict);
}

bool settle(const std::vector<Node*>& order) {
    for (Node* node : order) {
        if (node->verdict != 0 || node->parts.empty()) continue;
        if (std::ranges::all_of(node->parts, [](const auto& part) { return part->verdict == 1; })) {
            node->verdict = 1;
            return true;
        }
    }
    return false;
}

// The verdicts of one list for one right.
std::vector<int> judge(const Model& model, ACCESS_MASK right, const std::set<std::string>& allowing,
                       const std::set<std::string>& denying) {
    std::vector<Node*> order;
    const auto root = grow(model, order);
    const auto node_of = [&](int type) -> Node* {
        if (type < 0) return root.get();
        for (Node* node : order) {
            if (node->type == type) return node;
        }
        return nullptr;
    };
    const bool owner = allowing.contains(model.owner.to_string());
    bool owner_entry = false;
    for (const Entry& entry : model.entries) {
        const int type = entry.object ? entry.type : -1;
        owner_entry |= entry.flags == 0 && entry.sid == well_known::owner_rights() && node_of(type) != nullptr;
    }
    if (owner && !owner_entry && (right == READ_CONTROL || right == WRITE_DAC)) spread(*root, 1);
    for (const Entry& entry : model.entries) {
        Node* const node = node_of(entry.object ? entry.type : -1);
        const std::set<std::string>& present = entry.allows ? allowing : denying;
        const Sid& sid = entry.sid == principal_self && model.self ? *model.self : entry.sid;
        const bool named = entry.sid == well_known::owner_rights() ? owner : present.contains(sid.to_string());
        if (node == nullptr || entry.flags != 0 || (entry.mask & right) == 0 || !named) continue;
        if (entry.truth && (entry.allows ? *entry.truth < 1 : *entry.truth < 0)) continue;
        const bool was_open = node->verdict == 0;
        spread(*node, entry.allows ? 1 : -1);
        if (entry.allows) {
            while (settle(order)) {
            }
        } else if (was_open) {
            for (Node* above = node->parent; above != nullptr; above = above->parent) {
                if (above->verdict == 0) above->verdict = -1;
            }
        }
    }
    std::vector<int> verdicts;
    for (const Node* node : order) verdicts.push_back(node->verdict);
    return verdicts;
}

std::vector<TypeAccess> answers_of(const Model& model, ACCESS_MASK desired) {
    const ACCESS_MASK asked = desired & ~ACCESS_MASK{MAXIMUM_ALLOWED};
    std::vector<ACCESS_MASK> granted(model.tree.size());
    for (const ACCESS_MASK right : single_rights) {
        if ((asked & right) == 0 && (desired & MAXIMUM_ALLOWED) == 0) continue;
        auto verdicts = judge(model, right, model.allowing, model.denying);
        const bool again = model.restricted && !(model.write_restricted && (right & 0x20019) != 0);
        const auto second = judge(model, right, model.restricting, model.restricting);
        for (std::size_t i = 0; i < granted.size(); ++i) {
            const bool listed = verdicts[i] == 1 && (!again || second[i] == 1);
            if (listed || (right == WRITE_OWNER && model.takes_ownership)) granted[i] |= right;
        }
    }
    std::vector<TypeAccess> answers;
    for (const ACCESS_MASK mask : granted) {
        const bool enough = desired != 0 && (asked & ~mask) == 0 && mask != 0;
        answers.push_back({enough ? STATUS_SUCCESS : STATUS_ACCESS_DENIED, mask});
    }
    return answers;
}

// ---- chance -------------------------------------------------------------------------------------------------------
const std::vector<Sid>& accounts() {
    static const std::vector<Sid> sids = {
        alice,          well_known::users(), well_known::administrators(), from_gid(7),
        from_uid(1002), principal_self,      well_known::owner_rights(),   well_known::world()};
    return sids;
}

class Chance {
public:
    explicit Chance(std::uint32_t seed) : random_(seed) {}
    unsigned pick(unsigned n) { return static_cast<unsigned>(random_() % n); }
    bool one_in(unsigned n) { return pick(n) == 0; }
    ACCESS_MASK mask() {
        ACCESS_MASK all = 0;
        for (const ACCESS_MASK right : single_rights) all |= one_in(3) ? right : 0;
        return all;
    }
    Entry entry() {
        Entry made{!one_in(3), mask(), accounts()[pick(8)]};
        made.object = !one_in(4);
        made.type = made.object && !one_in(4) ? static_cast<int>(pick(10)) : -1;
        made.inherited = made.object && one_in(4);
        made.flags = one_in(10) ? INHERIT_ONLY_ACE : std::uint8_t{0};
        if (one_in(4)) made.truth = static_cast<int>(pick(3)) - 1;
        return made;
    }
    Model model() {
        Model made{};
        made.owner = accounts()[pick(5)];
        for (unsigned n = pick(9); n != 0; --n) made.entries.push_back(entry());
        made.restricted = one_in(4);
        made.write_restricted = made.restricted && one_in(2);
        made.takes_ownership = one_in(6);
        if (!one_in(3)) made.self = accounts()[pick(5)];
        unsigned level = 0;
        for (int n = static_cast<int>(pick(9)), type = 0; type <= n; ++type) {
            made.tree.push_back({level, one_in(12) ? static_cast<int>(pick(10)) : type});  // a type may come twice
            level = 1 + pick(std::min(level + 1, 4u));
        }
        return made;
    }
    ACCESS_MASK request() {
        ACCESS_MASK desired = one_in(2) ? single_rights[pick(10)] : mask();
        if (one_in(3)) desired = (one_in(2) ? desired : 0) | MAXIMUM_ALLOWED;
        return desired;
    }

private:
    std::mt19937 random_;
};

// Groups by chance; Everyone always, on whom the conditions rest.
Ref<Token> give_token(Chance& chance, Model& model) {
    std::vector<TokenGroup> groups = {{well_known::world()}};
    model.allowing = model.denying = {alice.to_string(), well_known::world().to_string()};
    for (std::size_t i = 1; i < 5; ++i) {
        const unsigned state = chance.pick(3);
        if (state == 2) continue;
        groups.push_back({accounts()[i], state == 0 ? usual_group : std::uint32_t{SE_GROUP_USE_FOR_DENY_ONLY}});
        if (state == 0) model.allowing.insert(accounts()[i].to_string());
        model.denying.insert(accounts()[i].to_string());
    }
    std::vector<Sid> restricting;
    if (model.restricted) {
        restricting = {well_known::world(), accounts()[chance.pick(5)], accounts()[chance.pick(5)]};
        for (const Sid& sid : restricting) model.restricting.insert(sid.to_string());
    }
    return token_with(std::move(groups), std::move(restricting), model.write_restricted,
                      model.takes_ownership ? privilege_bit(SE_TAKE_OWNERSHIP_PRIVILEGE) : 0);
}

TEST(AccessByType, agrees_with_a_slow_reference_on_random_cases) {
    const char* wanted = std::getenv("REGENT_ACCESS_CASES");
    const unsigned long cases = wanted != nullptr ? std::strtoul(wanted, nullptr, 10) : 5'000;
    Chance chance(20261128);
    unsigned long granted = 0, parts = 0;
    for (unsigned long done = 0; done < cases; ++done) {
        Model model = chance.model();
        const auto token = give_token(chance, model);
        const SecurityDescriptor descriptor = descriptor_of(model.owner, model.entries);
        std::vector<ObjectType> types;
        for (const auto& [level, type] : model.tree) types.push_back({level, guid(static_cast<unsigned>(type))});
        const ACCESS_MASK desired = chance.request();
        const Sid* const self = model.self ? &*model.self : nullptr;
        const auto answers = access_check_by_type(descriptor, *token, desired, key_mapping, types, self);
        const auto expected = answers_of(model, desired);
        ASSERT_TRUE(answers) << "case " << done;
        for (std::size_t i = 0; i < expected.size(); ++i, ++parts) {
            ASSERT_EQ((*answers)[i].status, expected[i].status) << "case " << done << " part " << i;
            ASSERT_EQ((*answers)[i].granted, expected[i].granted) << "case " << done << " part " << i;
            granted += expected[i].status == STATUS_SUCCESS ? 1 : 0;
        }
        // An object without parts, asked about both ways.
        model.tree = {{0, 200}};
        model.self = std::nullopt;
        const TypeAccess whole = answers_of(model, desired).front();
        const auto alone = access_check_by_type(descriptor, *token, desired, key_mapping, {});
        const auto plain = access_check(descriptor, *token, desired, key_mapping, user_mode);
        ASSERT_EQ(alone->front().status, whole.status) << "case " << done;
        ASSERT_EQ(alone->front().granted, whole.granted) << "case " << done;
        ASSERT_EQ(rtl::to_ntstatus(plain), whole.status) << "case " << done;
        ASSERT_EQ(plain.value_or(0), plain ? whole.granted : 0) << "case " << done;
    }
    std::printf("access by type against the reference: %lu cases, %lu parts, granted %lu\n", cases, parts, granted);
    EXPECT_GT(granted, parts / 20);
    EXPECT_LT(granted, parts - parts / 20);
}

}  // namespace
}  // namespace regent::se
