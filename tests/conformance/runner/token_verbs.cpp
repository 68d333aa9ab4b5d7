// Verbs on tokens: whom a line works for.
#include <cstring>

#include "se/sddl_tables.h"
#include "session.h"

namespace regent::regtest {
namespace {

// SIDs by alias or text, "BU,S-1-5-12", as TOKEN_GROUPS.
class Groups {
public:
    explicit Groups(const std::string& list) {
        for (std::size_t start = 0; start < list.size();) {
            const std::size_t end = std::min(list.find(',', start), list.size());
            const auto sid = se::sddl::parse_account(list.substr(start, end - start));
            good_ = good_ && sid.has_value();
            if (sid) sids_.push_back(*sid);
            start = end + 1;
        }
        bytes_.resize(sizeof(TOKEN_GROUPS) + sids_.size() * sizeof(SID_AND_ATTRIBUTES));
        const auto count = static_cast<ULONG>(sids_.size());
        std::memcpy(bytes_.data(), &count, sizeof(count));
    }
    bool good() const { return good_; }
    // Null when there are none.
    PTOKEN_GROUPS with(ULONG attributes) {
        for (std::size_t i = 0; i < sids_.size(); ++i) {
            const SID_AND_ATTRIBUTES entry{&sids_[i], attributes};
            std::memcpy(bytes_.data() + offsetof(TOKEN_GROUPS, Groups) + i * sizeof(entry), &entry, sizeof(entry));
        }
        return sids_.empty() ? nullptr : reinterpret_cast<PTOKEN_GROUPS>(bytes_.data());
    }

private:
    bool good_ = true;
    std::vector<se::Sid> sids_;
    std::vector<std::byte> bytes_;
};

Groups groups_of(const Session& session, const Line& line, const char* option) {
    return Groups(line.has(option) ? session.expand(line.options.at(option).text) : std::string());
}

Outcome kept(Session& session, const std::string& name, NTSTATUS status, HANDLE handle) {
    if (NT_SUCCESS(status)) session.keep(name, handle);
    return {status, {}, {}};
}

// opentoken T [access=MASK]
Outcome open_token(Session& session, const Line& line) {
    HANDLE handle = nullptr;
    const auto access = static_cast<ACCESS_MASK>(session.number(line, "access", TOKEN_ALL_ACCESS));
    const NTSTATUS status = NtOpenProcessToken(NtCurrentProcess(), access, &handle);
    return kept(session, line.words.at(0).text, status, handle);
}

// openthreadtoken T [access=MASK] [self=yes]
Outcome open_thread_token(Session& session, const Line& line) {
    HANDLE handle = nullptr;
    const auto access = static_cast<ACCESS_MASK>(session.number(line, "access", TOKEN_ALL_ACCESS));
    const NTSTATUS status = NtOpenThreadToken(NtCurrentThread(), access, line.has("self") ? TRUE : FALSE, &handle);
    return kept(session, line.words.at(0).text, status, handle);
}

// filtertoken T NEW [flags=N] [disable=SID,...] [restrict=SID,...]
Outcome filter_token(Session& session, const Line& line) {
    Groups disabled = groups_of(session, line, "disable");
    Groups restricting = groups_of(session, line, "restrict");
    if (!disabled.good() || !restricting.good()) return misuse("no such account");
    HANDLE handle = nullptr;
    const NTSTATUS status =
        NtFilterToken(session.handle(line.words.at(0).text), static_cast<ULONG>(session.number(line, "flags", 0)),
                      disabled.with(0), nullptr, restricting.with(0), &handle);
    return kept(session, line.words.at(1).text, status, handle);
}

// duplicatetoken T NEW [type=2] [level=2] [access=MASK]
Outcome duplicate_token(Session& session, const Line& line) {
    SECURITY_QUALITY_OF_SERVICE quality{};
    quality.Length = sizeof(quality);
    quality.ImpersonationLevel =
        static_cast<SECURITY_IMPERSONATION_LEVEL>(session.number(line, "level", SecurityImpersonation));
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, nullptr, 0, nullptr, nullptr);
    attributes.SecurityQualityOfService = &quality;
    HANDLE handle = nullptr;
    const NTSTATUS status = NtDuplicateToken(
        session.handle(line.words.at(0).text), static_cast<ACCESS_MASK>(session.number(line, "access", 0)), &attributes,
        FALSE, static_cast<TOKEN_TYPE>(session.number(line, "type", TokenImpersonation)), &handle);
    return kept(session, line.words.at(1).text, status, handle);
}

NTSTATUS set_thread_token(HANDLE handle) {
    return NtSetInformationThread(NtCurrentThread(), ThreadImpersonationToken, &handle, sizeof(handle));
}
// impersonate T
Outcome impersonate(Session& session, const Line& line) {
    return {set_thread_token(session.handle(line.words.at(0).text)), {}, {}};
}
// anonymous: the thread works for ANONYMOUS
Outcome anonymous(Session&, const Line&) { return {NtImpersonateAnonymousToken(NtCurrentThread()), {}, {}}; }
// revert
Outcome revert(Session&, const Line&) { return {set_thread_token(nullptr), {}, {}}; }

// integrity T LEVEL
Outcome integrity(Session& session, const Line& line) {
    se::Sid sid(16, {static_cast<std::uint32_t>(to_number(line.words.at(1).text).value_or(0))});
    TOKEN_MANDATORY_LABEL label{{&sid, SE_GROUP_INTEGRITY}};
    return {
        NtSetInformationToken(session.handle(line.words[0].text), TokenIntegrityLevel, &label, sizeof(label)), {}, {}};
}

// privilege T NUMBER on|off|removed -> previous=N (attributes; none when nothing changed)
Outcome privilege(Session& session, const Line& line) {
    const std::string& state = line.words.at(2).text;
    TOKEN_PRIVILEGES wanted{};
    wanted.PrivilegeCount = 1;
    wanted.Privileges[0].Luid.LowPart = static_cast<ULONG>(to_number(line.words.at(1).text).value_or(0));
    wanted.Privileges[0].Attributes = state == "on"        ? SE_PRIVILEGE_ENABLED
                                      : state == "removed" ? SE_PRIVILEGE_REMOVED
                                                           : 0;
    TOKEN_PRIVILEGES previous{};
    ULONG needed = 0;
    Outcome outcome{NtAdjustPrivilegesToken(session.handle(line.words[0].text), FALSE, &wanted, sizeof(previous),
                                            &previous, &needed),
                    {},
                    {}};
    outcome.facts["previous"] =
        previous.PrivilegeCount == 0 ? "none" : std::to_string(previous.Privileges[0].Attributes);
    return outcome;
}

// group T SID on|off
Outcome group(Session& session, const Line& line) {
    Groups groups(session.expand(line.words.at(1).text));
    if (!groups.good()) return misuse("no such account");
    const ULONG attributes = line.words.at(2).text == "on" ? SE_GROUP_ENABLED : 0;
    return {
        NtAdjustGroupsToken(session.handle(line.words[0].text), FALSE, groups.with(attributes), 0, nullptr, nullptr),
        {},
        {}};
}

// setowner T SID; setprimarygroup T SID
Outcome set_default(Session& session, const Line& line) {
    const auto parsed = se::sddl::parse_account(session.expand(line.words.at(1).text));
    if (!parsed) return misuse("no such account");
    se::Sid sid = *parsed;
    TOKEN_OWNER owner{&sid};
    const TOKEN_INFORMATION_CLASS kind = line.verb == "setowner" ? TokenOwner : TokenPrimaryGroup;
    return {NtSetInformationToken(session.handle(line.words[0].text), kind, &owner, sizeof(owner)), {}, {}};
}

const std::map<std::string, TOKEN_INFORMATION_CLASS>& classes() {
    static const std::map<std::string, TOKEN_INFORMATION_CLASS> table = {{"user", TokenUser},
                                                                         {"groups", TokenGroups},
                                                                         {"owner", TokenOwner},
                                                                         {"primarygroup", TokenPrimaryGroup},
                                                                         {"type", TokenType},
                                                                         {"level", TokenImpersonationLevel},
                                                                         {"restricted", TokenRestrictedSids},
                                                                         {"integrity", TokenIntegrityLevel},
                                                                         {"elevated", TokenElevation},
                                                                         {"hasrestrictions", TokenHasRestrictions},
                                                                         {"session", TokenSessionId},
                                                                         {"statistics", TokenStatistics},
                                                                         {"privileges", TokenPrivileges},
                                                                         {"dacl", TokenDefaultDacl},
                                                                         {"source", TokenSource}};
    return table;
}

std::string sid_text(const void* where) {
    PSID sid = nullptr;
    std::memcpy(&sid, where, sizeof(sid));
    if (sid == nullptr) return "null";
    const std::size_t size = 8 + std::size_t{4} * static_cast<const UCHAR*>(sid)[1];
    const auto parsed = se::Sid::from_bytes(rtl::as_bytes(sid, size));
    return parsed ? se::sddl::account_text(*parsed) : "?";
}

// querytoken T CLASS [len=N] [of=SID] -> sid=BA, value=N, count=N, attributes=N (of that group)
Outcome query_token(Session& session, const Line& line) {
    const auto kind = classes().find(line.words.at(1).text);
    const auto number = kind == classes().end()
                            ? static_cast<TOKEN_INFORMATION_CLASS>(to_number(line.words[1].text).value_or(0))
                            : kind->second;
    const auto length = static_cast<ULONG>(session.number(line, "len", 8192));
    alignas(8) std::byte buffer[8192] = {};
    ULONG needed = 0;
    Outcome outcome{
        NtQueryInformationToken(session.handle(line.words[0].text), number, buffer, length, &needed), {}, {}};
    outcome.facts["needed"] = std::to_string(needed);
    if (!NT_SUCCESS(outcome.status)) return outcome;
    std::uint32_t value = 0;
    std::memcpy(&value, buffer, sizeof(value));
    outcome.facts["value"] = std::to_string(value);
    if (number == TokenUser || number == TokenOwner || number == TokenPrimaryGroup || number == TokenIntegrityLevel) {
        outcome.facts["sid"] = sid_text(buffer);
    }
    if (number == TokenGroups || number == TokenRestrictedSids) {
        const std::string wanted = line.has("of") ? line.options.at("of").text : "";
        outcome.facts["attributes"] = "none";
        for (std::uint32_t i = 0; i < value; ++i) {
            const std::byte* entry = buffer + offsetof(TOKEN_GROUPS, Groups) + i * sizeof(SID_AND_ATTRIBUTES);
            ULONG attributes = 0;
            std::memcpy(&attributes, entry + offsetof(SID_AND_ATTRIBUTES, Attributes), sizeof(attributes));
            if (sid_text(entry) == wanted) outcome.facts["attributes"] = std::to_string(attributes);
        }
    }
    return outcome;
}

// privilegecheck T NUMBER -> held=yes|no
Outcome privilege_check(Session& session, const Line& line) {
    PRIVILEGE_SET set{};
    set.PrivilegeCount = 1;
    set.Control = PRIVILEGE_SET_ALL_NECESSARY;
    set.Privilege[0].Luid.LowPart = static_cast<ULONG>(to_number(line.words.at(1).text).value_or(0));
    BOOLEAN held = FALSE;
    Outcome outcome{NtPrivilegeCheck(session.handle(line.words[0].text), &set, &held), {}, {}};
    outcome.facts["held"] = held != 0 ? "yes" : "no";
    outcome.facts["used"] = (set.Privilege[0].Attributes & SE_PRIVILEGE_USED_FOR_ACCESS) != 0 ? "yes" : "no";
    return outcome;
}

// accesscheck T "O:..G:..D:.." MASK -> the status of the check, granted=MASK; the call's own status when it fails
Outcome access_check(Session& session, const Line& line) {
    const auto descriptor = session.descriptor(line.words.at(1).text);
    if (descriptor.empty()) return misuse("the SDDL is malformed");
    GENERIC_MAPPING mapping{KEY_READ, KEY_WRITE, KEY_EXECUTE, KEY_ALL_ACCESS};
    PRIVILEGE_SET used{};
    ULONG length = sizeof(used);
    ACCESS_MASK granted = 0;
    NTSTATUS checked = STATUS_SUCCESS;
    Outcome outcome;
    outcome.status = NtAccessCheck(const_cast<std::byte*>(descriptor.data()), session.handle(line.words[0].text),
                                   static_cast<ACCESS_MASK>(to_number(line.words.at(2).text).value_or(0)), &mapping,
                                   &used, &length, &granted, &checked);
    outcome.facts["granted"] = std::to_string(granted);
    outcome.facts["privileges"] = std::to_string(used.PrivilegeCount);
    if (NT_SUCCESS(outcome.status)) outcome.status = checked;
    return outcome;
}

// A list "0:1,1:2": levels, and types that are GUIDs by their first number.
struct TypeList {
    std::vector<GUID> guids;
    std::vector<OBJECT_TYPE_LIST> entries;
    explicit TypeList(const std::string& list) {
        for (std::size_t start = 0; start < list.size();) {
            const std::size_t end = std::min(list.find(',', start), list.size());
            const std::size_t colon = std::min(list.find(':', start), end);
            const auto level = to_number(list.substr(start, colon - start)).value_or(0xFFFF);
            entries.push_back({static_cast<USHORT>(level), 0, nullptr});
            const auto type = colon < end ? to_number(list.substr(colon + 1, end - colon - 1)).value_or(0) : 0;
            guids.push_back({static_cast<ULONG>(type), 0, 0, {}});
            start = end + 1;
        }
        for (std::size_t i = 0; i < entries.size(); ++i) entries[i].ObjectType = &guids[i];
    }
};

// accesschecktype T "O:..G:..D:.." MASK [types=0:1,1:2] [self=SID] -> as accesscheck
// accesscheckeach: granted and failed are lists, an entry each type; failed is 0 or the status
Outcome access_check_types(Session& session, const Line& line, bool each) {
    const auto descriptor = session.descriptor(line.words.at(1).text);
    if (descriptor.empty()) return misuse("the SDDL is malformed");
    TypeList types(line.has("types") ? line.options.at("types").text : std::string());
    std::optional<se::Sid> self;
    if (line.has("self")) {
        const auto sid = se::sddl::parse_account(session.expand(line.options.at("self").text));
        if (!sid) return misuse("no such account");
        self = *sid;
    }
    GENERIC_MAPPING mapping{KEY_READ, KEY_WRITE, KEY_EXECUTE, KEY_ALL_ACCESS};
    PRIVILEGE_SET used{};
    ULONG length = sizeof(used);
    const auto count = static_cast<ULONG>(types.entries.size());
    std::vector<ACCESS_MASK> granted(count + 1);
    std::vector<NTSTATUS> checked(count + 1);
    auto* const service = each ? &NtAccessCheckByTypeResultList : &NtAccessCheckByType;
    Outcome outcome;
    outcome.status = service(
        const_cast<std::byte*>(descriptor.data()), self ? &*self : nullptr, session.handle(line.words[0].text),
        static_cast<ACCESS_MASK>(to_number(line.words.at(2).text).value_or(0)),
        count == 0 ? nullptr : types.entries.data(), count, &mapping, &used, &length, granted.data(), checked.data());
    std::string masks = std::to_string(granted[0]), refusals = std::to_string(static_cast<ULONG>(checked[0]));
    for (ULONG i = 1; each && i < count; ++i) {
        masks += "," + std::to_string(granted[i]);
        refusals += "," + std::to_string(static_cast<ULONG>(checked[i]));
    }
    outcome.facts["granted"] = masks;
    outcome.facts["failed"] = refusals;
    outcome.facts["privileges"] = std::to_string(used.PrivilegeCount);
    if (!each && NT_SUCCESS(outcome.status)) outcome.status = checked[0];
    return outcome;
}
Outcome access_check_type(Session& session, const Line& line) { return access_check_types(session, line, false); }
Outcome access_check_each(Session& session, const Line& line) { return access_check_types(session, line, true); }

}  // namespace

void add_token_verbs(std::map<std::string, Verb>& verbs) {
    verbs["opentoken"] = open_token;
    verbs["openthreadtoken"] = open_thread_token;
    verbs["filtertoken"] = filter_token;
    verbs["duplicatetoken"] = duplicate_token;
    verbs["impersonate"] = impersonate;
    verbs["anonymous"] = anonymous;
    verbs["revert"] = revert;
    verbs["integrity"] = integrity;
    verbs["privilege"] = privilege;
    verbs["group"] = group;
    verbs["setowner"] = set_default;
    verbs["setprimarygroup"] = set_default;
    verbs["querytoken"] = query_token;
    verbs["privilegecheck"] = privilege_check;
    verbs["accesscheck"] = access_check;
    verbs["accesschecktype"] = access_check_type;
    verbs["accesscheckeach"] = access_check_each;
}

}  // namespace regent::regtest
