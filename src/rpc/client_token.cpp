// Arguments of the token services, which point to SIDs and lists.
#include "rpc/client_call.h"
#include "se/descriptor.h"
#include "se/sid.h"

namespace regent::rpc {

TokenPointers token_pointers(std::uint32_t information_class) {
    switch (information_class) {
        case TokenUser:
        case TokenOwner:
        case TokenPrimaryGroup:
        case TokenIntegrityLevel:
            return TokenPointers::one_sid;
        case TokenDefaultDacl:
            return TokenPointers::one_acl;
        case TokenGroups:
        case TokenRestrictedSids:
        case TokenLogonSid:
        case TokenCapabilities:
            return TokenPointers::groups;
        default:
            return TokenPointers::none;
    }
}

namespace {

// Of this process's own memory: a SID as long as it says.
Bytes sid_at(PSID sid) {
    if (sid == nullptr) return {};
    const std::size_t count = static_cast<const UCHAR*>(sid)[1];
    return rtl::as_bytes(sid, 8 + 4 * count);
}

}  // namespace

void ClientCall::put_sid_bytes(PSID sid) {
    const Bytes bytes = sid_at(sid);
    if (sid != nullptr && !se::Sid::from_bytes(bytes)) return give_up(STATUS_INVALID_SID);
    put_value(static_cast<std::uint32_t>(bytes.size()));
    put_raw(bytes.data(), bytes.size());
}

void ClientCall::put_token_information(TOKEN_INFORMATION_CLASS kind, const void* information, std::uint32_t size) {
    put_buffer(information, size);
    const TokenPointers points = token_pointers(kind);
    if (information == nullptr || size < sizeof(PVOID) || points == TokenPointers::none) return;
    if (points == TokenPointers::groups) return give_up(STATUS_INVALID_INFO_CLASS);  // cannot be set
    PVOID target = nullptr;
    std::memcpy(&target, information, sizeof(target));
    if (points == TokenPointers::one_sid) return put_sid_bytes(target);
    ACL header{};
    if (target != nullptr) std::memcpy(&header, target, sizeof(header));
    const Bytes acl = target == nullptr ? Bytes() : rtl::as_bytes(target, header.AclSize);
    if (target != nullptr && !se::AclView::validate(acl)) return give_up(STATUS_INVALID_ACL);
    put_value(static_cast<std::uint32_t>(acl.size()));
    put_raw(acl.data(), acl.size());
}

void ClientCall::put_groups(const TOKEN_GROUPS* groups) {
    put_value(static_cast<std::uint8_t>(groups != nullptr));
    if (groups == nullptr) return;
    const std::uint32_t count = groups->GroupCount;
    if (count > max_token_entries) return give_up(STATUS_INVALID_PARAMETER);
    put_value(count);
    const SID_AND_ATTRIBUTES* entries = groups->Groups;
    for (std::uint32_t i = 0; i < count; ++i) {
        if (entries[i].Sid == nullptr) return give_up(STATUS_ACCESS_VIOLATION);
        put_value(entries[i].Attributes);
        put_sid_bytes(entries[i].Sid);
    }
}

void ClientCall::put_privileges(const TOKEN_PRIVILEGES* privileges) {
    put_value(static_cast<std::uint8_t>(privileges != nullptr));
    if (privileges == nullptr) return;
    const std::uint32_t count = privileges->PrivilegeCount;
    if (count > max_token_entries) return give_up(STATUS_INVALID_PARAMETER);
    put_value(count);
    put_raw(privileges->Privileges, count * sizeof(LUID_AND_ATTRIBUTES));
}

void ClientCall::put_privilege_set(const PRIVILEGE_SET* privileges) {
    put_value(static_cast<std::uint8_t>(privileges != nullptr));
    if (privileges == nullptr) return;
    const std::uint32_t count = privileges->PrivilegeCount;
    if (count > max_token_entries) return give_up(STATUS_INVALID_PARAMETER);
    put_value(count);
    put_value(privileges->Control);
    put_raw(privileges->Privilege, count * sizeof(LUID_AND_ATTRIBUTES));
}

void ClientCall::put_sid(PSID sid) {
    put_value(static_cast<std::uint8_t>(sid != nullptr));
    if (sid != nullptr) put_sid_bytes(sid);
}

void ClientCall::put_object_types(const OBJECT_TYPE_LIST* types, std::uint32_t count) {
    if (count > nt::probe::max_object_types) return give_up(STATUS_INVALID_PARAMETER);
    put_value(static_cast<std::uint8_t>(types != nullptr));
    if (types == nullptr) return;
    put_value(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        put_value(types[i].Level);
        put_optional(types[i].ObjectType);
    }
}

void ClientCall::get_privilege_set(PRIVILEGE_SET* privileges) {
    if (privileges == nullptr) return;
    const Bytes entries = reader_.get_bytes(privileges->PrivilegeCount * sizeof(LUID_AND_ATTRIBUTES));
    if (!entries.empty()) std::memcpy(privileges->Privilege, entries.data(), entries.size());
}

void ClientCall::get_out_token(PVOID buffer, TOKEN_INFORMATION_CLASS kind) {
    const TokenPointers points = token_pointers(kind);
    get_rebased(buffer, points == TokenPointers::groups ? token_groups : token_pointer);
}

}  // namespace regent::rpc
