#include "nt/token.h"

#include "nt/capture.h"
#include "ob/security.h"

namespace regent::nt {
namespace {

constexpr ULONG max_entries = 4096;  // more groups or privileges than any token has

}  // namespace

Result<FoundToken> reference_token(HANDLE handle, ACCESS_MASK access) {
    auto found = RG_TRY(ob::reference_by_handle(handle, access, &ob::types::token(), ob::current().previous_mode));
    return FoundToken{static_cast<ob::TokenObject*>(found.object.get())->token, found.granted};
}

Result<HANDLE> open_token(Ref<se::Token> token, ACCESS_MASK desired, ULONG attributes, const se::Token* checked) {
    auto object = RG_TRY(ob::make_token_object(std::move(token)));
    ACCESS_MASK granted = desired;
    if (checked != nullptr) {
        granted = RG_TRY(ob::check_access(object.get(), *checked, desired, ob::current().previous_mode));
    }
    return ob::insert_handle(std::move(object), granted, handle_attributes(attributes));
}

Result<se::Sid> capture_sid(const void* sid) {
    if (sid == nullptr) return fail(STATUS_ACCESS_VIOLATION);
    const auto count = static_cast<const UCHAR*>(sid)[1];
    if (count > se::Sid::max_subauthorities) return fail(STATUS_INVALID_SID);
    const auto copy = se::Sid::from_bytes(rtl::as_bytes(sid, std::size_t{8} + 4u * count));
    if (!copy) return fail(STATUS_INVALID_SID);
    return *copy;
}

Result<std::vector<se::TokenGroup>> capture_groups(const TOKEN_GROUPS* groups) {
    std::vector<se::TokenGroup> made;
    if (groups == nullptr) return made;
    const ULONG count = groups->GroupCount;
    if (count > max_entries) return fail(STATUS_INVALID_PARAMETER);
    const SID_AND_ATTRIBUTES* entries = groups->Groups;
    for (ULONG i = 0; i < count; ++i) {
        const auto sid = RG_TRY(capture_sid(entries[i].Sid));
        made.push_back({sid, entries[i].Attributes});
    }
    return made;
}

Result<std::vector<LUID_AND_ATTRIBUTES>> capture_privileges(const TOKEN_PRIVILEGES* privileges) {
    std::vector<LUID_AND_ATTRIBUTES> made;
    if (privileges == nullptr) return made;
    const ULONG count = privileges->PrivilegeCount;
    if (count > max_entries) return fail(STATUS_INVALID_PARAMETER);
    const LUID_AND_ATTRIBUTES* entries = privileges->Privileges;
    made.assign(entries, entries + count);
    return made;
}

void TokenAnswer::point(std::size_t at, Bytes target) {
    bytes_.resize((bytes_.size() + 3) & ~std::size_t{3});
    pointers_.emplace_back(at, bytes_.size());
    bytes_.insert(bytes_.end(), target.begin(), target.end());
}

NTSTATUS TokenAnswer::write(void* buffer, ULONG length, ULONG* needed) const {
    *needed = static_cast<ULONG>(bytes_.size());
    if (length < bytes_.size()) return STATUS_BUFFER_TOO_SMALL;
    if (buffer == nullptr) return STATUS_ACCESS_VIOLATION;
    auto* out = static_cast<std::byte*>(buffer);
    std::memcpy(out, bytes_.data(), bytes_.size());
    for (const auto& [at, target] : pointers_) {
        const void* address = out + target;
        std::memcpy(out + at, &address, sizeof(address));
    }
    return STATUS_SUCCESS;
}

TokenAnswer answer_groups(std::span<const se::TokenGroup> groups) {
    constexpr std::size_t first = offsetof(TOKEN_GROUPS, Groups);
    // The structure has one entry, also where there is none.
    TokenAnswer answer(first + std::max<std::size_t>(groups.size(), 1) * sizeof(SID_AND_ATTRIBUTES));
    answer.put(0, static_cast<ULONG>(groups.size()));
    for (std::size_t i = 0; i < groups.size(); ++i) {
        const std::size_t at = first + i * sizeof(SID_AND_ATTRIBUTES);
        answer.put(at + offsetof(SID_AND_ATTRIBUTES, Attributes), static_cast<ULONG>(groups[i].attributes));
        answer.point(at, groups[i].sid.bytes());
    }
    return answer;
}

}  // namespace regent::nt
