// Access control lists in the caller's memory.
#include <vector>

#include "se/descriptor.h"
#include "win32/security.h"

using namespace regent;
using namespace regent::win32;

namespace {

// A list's header and entries, all inside AclSize. The caller's memory is trusted to be that long.
std::optional<se::AclView> view_of(PACL acl) {
    if (acl == nullptr || acl->AclSize < sizeof(ACL)) return std::nullopt;
    return se::AclView::validate(rtl::as_bytes(acl, acl->AclSize));
}

std::size_t used_of(const se::AclView& view) {
    std::size_t used = sizeof(ACL);
    for (se::AceView ace : view) used += ace.raw().size();
    return used;
}

// Puts `entries` in before entry `index`; beyond the last: at the end. ERRORS: ERROR_INVALID_ACL,
// ERROR_ALLOTTED_SPACE_EXCEEDED.
BOOL insert(PACL acl, DWORD revision, DWORD index, Bytes entries, WORD count) {
    const auto view = view_of(acl);
    if (!view) return refuse(ERROR_INVALID_ACL);
    const std::size_t used = used_of(*view);
    if (used + entries.size() > acl->AclSize) return refuse(ERROR_ALLOTTED_SPACE_EXCEEDED);
    std::size_t at = sizeof(ACL);
    for (se::AceView ace : *view) {
        if (index-- == 0) break;
        at += ace.raw().size();
    }
    auto* bytes = reinterpret_cast<std::byte*>(acl);
    std::memmove(bytes + at + entries.size(), bytes + at, used - at);
    std::memcpy(bytes + at, entries.data(), entries.size());
    acl->AceCount = static_cast<WORD>(acl->AceCount + count);
    if (revision > acl->AclRevision) acl->AclRevision = static_cast<BYTE>(revision);
    return TRUE;
}

BOOL add(PACL acl, DWORD revision, BYTE type, DWORD flags, DWORD mask, PSID sid) {
    const auto account = sid_at(sid);
    if (!account) return refuse(ERROR_INVALID_SID);
    if (revision < ACL_REVISION || revision > 4) return refuse(ERROR_REVISION_MISMATCH);
    se::AclBuilder one;
    one.add(type, static_cast<std::uint8_t>(flags), mask, *account);
    const auto made = one.finish();
    if (!made) return refuse(ERROR_INVALID_ACL);
    return insert(acl, revision, MAXDWORD, Bytes(*made).subspan(sizeof(ACL)), 1);
}

}  // namespace

extern "C" {

BOOL WINAPI InitializeAcl(PACL pAcl, DWORD nAclLength, DWORD dwAclRevision) {
    if (nAclLength < sizeof(ACL)) return refuse(ERROR_INSUFFICIENT_BUFFER);
    if (nAclLength > MAXWORD || dwAclRevision < ACL_REVISION || dwAclRevision > 4)
        return refuse(ERROR_INVALID_PARAMETER);
    *pAcl = {static_cast<BYTE>(dwAclRevision), 0, static_cast<WORD>(nAclLength & ~DWORD{3}), 0, 0};
    return TRUE;
}

BOOL WINAPI IsValidAcl(PACL pAcl) { return view_of(pAcl) ? TRUE : refuse(ERROR_INVALID_ACL); }

BOOL WINAPI AddAce(PACL pAcl, DWORD dwAceRevision, DWORD dwStartingAceIndex, LPVOID pAceList, DWORD nAceListLength) {
    // Counted as a list of its own.
    WORD count = 0;
    for (std::size_t at = 0; at < nAceListLength;) {
        ACE_HEADER header;
        if (nAceListLength - at < sizeof(header)) return refuse(ERROR_INVALID_PARAMETER);
        std::memcpy(&header, static_cast<const std::byte*>(pAceList) + at, sizeof(header));
        if (header.AceSize < sizeof(header) || header.AceSize > nAceListLength - at)
            return refuse(ERROR_INVALID_PARAMETER);
        at += header.AceSize;
        ++count;
    }
    return insert(pAcl, dwAceRevision, dwStartingAceIndex, rtl::as_bytes(pAceList, nAceListLength), count);
}

BOOL WINAPI AddAccessAllowedAceEx(PACL pAcl, DWORD dwAceRevision, DWORD AceFlags, DWORD AccessMask, PSID pSid) {
    return add(pAcl, dwAceRevision, ACCESS_ALLOWED_ACE_TYPE, AceFlags, AccessMask, pSid);
}
BOOL WINAPI AddAccessAllowedAce(PACL pAcl, DWORD dwAceRevision, DWORD AccessMask, PSID pSid) {
    return add(pAcl, dwAceRevision, ACCESS_ALLOWED_ACE_TYPE, 0, AccessMask, pSid);
}
BOOL WINAPI AddAccessDeniedAceEx(PACL pAcl, DWORD dwAceRevision, DWORD AceFlags, DWORD AccessMask, PSID pSid) {
    return add(pAcl, dwAceRevision, ACCESS_DENIED_ACE_TYPE, AceFlags, AccessMask, pSid);
}
BOOL WINAPI AddAccessDeniedAce(PACL pAcl, DWORD dwAceRevision, DWORD AccessMask, PSID pSid) {
    return add(pAcl, dwAceRevision, ACCESS_DENIED_ACE_TYPE, 0, AccessMask, pSid);
}
BOOL WINAPI AddAuditAccessAceEx(PACL pAcl, DWORD dwAceRevision, DWORD AceFlags, DWORD dwAccessMask, PSID pSid,
                                BOOL bAuditSuccess, BOOL bAuditFailure) {
    if (bAuditSuccess) AceFlags |= SUCCESSFUL_ACCESS_ACE_FLAG;
    if (bAuditFailure) AceFlags |= FAILED_ACCESS_ACE_FLAG;
    return add(pAcl, dwAceRevision, SYSTEM_AUDIT_ACE_TYPE, AceFlags, dwAccessMask, pSid);
}
BOOL WINAPI AddMandatoryAce(PACL pAcl, DWORD dwAceRevision, DWORD AceFlags, DWORD MandatoryPolicy, PSID pLabelSid) {
    return add(pAcl, dwAceRevision, SYSTEM_MANDATORY_LABEL_ACE_TYPE, AceFlags, MandatoryPolicy, pLabelSid);
}

BOOL WINAPI GetAce(PACL pAcl, DWORD dwAceIndex, LPVOID* pAce) {
    const auto view = view_of(pAcl);
    if (!view || dwAceIndex >= view->count()) return refuse(ERROR_INVALID_PARAMETER);
    for (se::AceView ace : *view) {
        if (dwAceIndex-- != 0) continue;
        *pAce = const_cast<std::byte*>(ace.raw().data());
        break;
    }
    return TRUE;
}

BOOL WINAPI DeleteAce(PACL pAcl, DWORD dwAceIndex) {
    void* ace = nullptr;
    if (!GetAce(pAcl, dwAceIndex, &ace)) return FALSE;
    const std::size_t used = used_of(*view_of(pAcl));
    ACE_HEADER header;
    std::memcpy(&header, ace, sizeof(header));
    auto* place = static_cast<std::byte*>(ace);
    const auto before = static_cast<std::size_t>(place - reinterpret_cast<std::byte*>(pAcl));
    std::memmove(place, place + header.AceSize, used - before - header.AceSize);
    --pAcl->AceCount;
    return TRUE;
}

BOOL WINAPI GetAclInformation(PACL pAcl, LPVOID pAclInformation, DWORD nAclInformationLength,
                              ACL_INFORMATION_CLASS dwAclInformationClass) {
    const auto view = view_of(pAcl);
    if (!view) return refuse(ERROR_INVALID_ACL);
    const auto used = static_cast<DWORD>(used_of(*view));
    const ACL_REVISION_INFORMATION revision{pAcl->AclRevision};
    const ACL_SIZE_INFORMATION size{pAcl->AceCount, used, pAcl->AclSize - used};
    const bool wants_size = dwAclInformationClass == AclSizeInformation;
    if (!wants_size && dwAclInformationClass != AclRevisionInformation) return refuse(ERROR_INVALID_PARAMETER);
    const Bytes answer = wants_size ? rtl::as_bytes(&size, sizeof(size)) : rtl::as_bytes(&revision, sizeof(revision));
    if (nAclInformationLength < answer.size()) return refuse(ERROR_INSUFFICIENT_BUFFER);
    std::memcpy(pAclInformation, answer.data(), answer.size());
    return TRUE;
}
}
