// Arguments of the token services, rebuilt in the call's memory.
#include "nt/probe.h"
#include "rpc/server_call.h"
#include "se/descriptor.h"
#include "se/sid.h"

namespace regent::rpc {
namespace {

bool sound(TokenPointers points, Bytes target) {
    if (points == TokenPointers::one_acl) return se::AclView::validate(target).has_value();
    const auto sid = se::Sid::from_bytes(target);
    return sid && sid->size() == target.size();
}

}  // namespace

CallBuffer ServerCall::token_information(TOKEN_INFORMATION_CLASS kind) {
    const CallBuffer information = buffer();
    const TokenPointers points = token_pointers(kind);
    if (information.data == nullptr || information.size < sizeof(PVOID)) return information;
    if (points == TokenPointers::none || points == TokenPointers::groups) return information;
    const Bytes target = reader_.get_bytes(reader_.get<std::uint32_t>());
    if (!target.empty() && !sound(points, target)) reader_.fail();
    PVOID pointer = target.empty() || !good() ? nullptr : copy(target, 8);
    std::memcpy(information.data, &pointer, sizeof(pointer));
    return information;
}

PTOKEN_GROUPS ServerCall::groups() {
    if (reader_.get<std::uint8_t>() == 0) return nullptr;
    const auto count = reader_.get<std::uint32_t>();
    if (!good() || count > max_token_entries) {
        reader_.fail();
        return nullptr;
    }
    const std::size_t size =
        offsetof(TOKEN_GROUPS, Groups) + std::max<std::size_t>(count, 1) * sizeof(SID_AND_ATTRIBUTES);
    auto* made = static_cast<PTOKEN_GROUPS>(allocate(size, alignof(TOKEN_GROUPS)));
    std::memset(made, 0, size);
    made->GroupCount = count;
    PSID_AND_ATTRIBUTES entries = made->Groups;
    for (std::uint32_t i = 0; i < count && good(); ++i) {
        entries[i].Attributes = reader_.get<std::uint32_t>();
        const Bytes sid = reader_.get_bytes(reader_.get<std::uint32_t>());
        if (!good() || !sound(TokenPointers::one_sid, sid)) {
            reader_.fail();
            return nullptr;
        }
        entries[i].Sid = copy(sid, 4);
    }
    return made;
}

PTOKEN_PRIVILEGES ServerCall::privileges() {
    if (reader_.get<std::uint8_t>() == 0) return nullptr;
    const auto count = reader_.get<std::uint32_t>();
    const Bytes entries = reader_.get_bytes(std::size_t{count} * sizeof(LUID_AND_ATTRIBUTES));
    if (!good()) return nullptr;
    auto* made =
        static_cast<PTOKEN_PRIVILEGES>(allocate(sizeof(TOKEN_PRIVILEGES) + entries.size(), alignof(TOKEN_PRIVILEGES)));
    made->PrivilegeCount = count;
    if (!entries.empty()) std::memcpy(made->Privileges, entries.data(), entries.size());
    return made;
}

PPRIVILEGE_SET ServerCall::privilege_set() {
    if (reader_.get<std::uint8_t>() == 0) return nullptr;
    const auto count = reader_.get<std::uint32_t>();
    const auto control = reader_.get<std::uint32_t>();
    const Bytes entries = reader_.get_bytes(std::size_t{count} * sizeof(LUID_AND_ATTRIBUTES));
    if (!good()) return nullptr;
    auto* made = static_cast<PPRIVILEGE_SET>(allocate(sizeof(PRIVILEGE_SET) + entries.size(), alignof(PRIVILEGE_SET)));
    made->PrivilegeCount = count;
    made->Control = control;
    if (!entries.empty()) std::memcpy(made->Privilege, entries.data(), entries.size());
    return made;
}

PSID ServerCall::sid() {
    if (reader_.get<std::uint8_t>() == 0) return nullptr;
    const Bytes sid = reader_.get_bytes(reader_.get<std::uint32_t>());
    if (!good() || !sound(TokenPointers::one_sid, sid)) {
        reader_.fail();
        return nullptr;
    }
    return copy(sid, 4);
}

CallTypes ServerCall::object_types() {
    if (reader_.get<std::uint8_t>() == 0) return {};
    const auto count = reader_.get<std::uint32_t>();
    if (!good() || count > nt::probe::max_object_types) {
        reader_.fail();
        return {};
    }
    const std::size_t size = std::max<std::size_t>(count, 1) * sizeof(OBJECT_TYPE_LIST);
    auto* types = static_cast<POBJECT_TYPE_LIST>(allocate(size, alignof(OBJECT_TYPE_LIST)));
    std::memset(types, 0, size);
    for (std::uint32_t i = 0; i < count && good(); ++i) {
        types[i].Level = reader_.get<USHORT>();
        types[i].ObjectType = optional<GUID>();
    }
    return {types, count};
}

void ServerCall::reply_privilege_set(const PRIVILEGE_SET* privileges) {
    if (privileges != nullptr) {
        reply_->put_bytes(privileges->Privilege, privileges->PrivilegeCount * sizeof(LUID_AND_ATTRIBUTES));
    }
}

// Only an answer has pointers; what else is in the buffer is the client's own.
void ServerCall::reply_out_groups(const CallBuffer& buffer) {
    std::uint32_t count = 0;
    if (NT_SUCCESS(status_) && buffer.size >= sizeof(count) && buffer.data != nullptr) {
        std::memcpy(&count, buffer.data, sizeof(count));
    }
    reply_rebased(buffer, token_groups, count);
}

void ServerCall::reply_out_token(const CallBuffer& buffer, TOKEN_INFORMATION_CLASS kind) {
    const TokenPointers points = token_pointers(kind);
    if (points == TokenPointers::groups) return reply_out_groups(buffer);
    const bool has_pointer = NT_SUCCESS(status_) && points != TokenPointers::none;
    reply_rebased(buffer, token_pointer, has_pointer ? 1 : 0);
}

}  // namespace regent::rpc
