// SIDs: layout and text.
#include <charconv>

#include "se/sddl_tables.h"
#include "win32/sddl.h"
#include "win32/security.h"

using namespace regent;
using namespace regent::win32;

namespace regent::win32 {

std::optional<se::Sid> sid_at(const void* sid) {
    if (sid == nullptr) return std::nullopt;
    const std::size_t count = static_cast<const UCHAR*>(sid)[1];
    if (count > se::Sid::max_subauthorities) return std::nullopt;
    return se::Sid::from_bytes(rtl::as_bytes(sid, 8 + 4 * count));
}

void* local_copy(Bytes bytes) {
    void* memory = LocalAlloc(0, bytes.size());
    if (memory == nullptr) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return nullptr;
    }
    std::memcpy(memory, bytes.data(), bytes.size());
    return memory;
}

BOOL give_text(Utf16View text, LPWSTR* out, ULONG* length) {
    const Utf16 copy(text);
    *out = static_cast<LPWSTR>(local_copy(rtl::as_bytes(copy.c_str(), (copy.size() + 1) * sizeof(WCHAR))));
    if (length != nullptr) *length = static_cast<ULONG>(copy.size() + 1);
    return *out != nullptr ? TRUE : FALSE;
}

BOOL give_text(const std::string& text, LPSTR* out, ULONG* length) {
    *out = static_cast<LPSTR>(local_copy(rtl::as_bytes(text.c_str(), text.size() + 1)));
    if (length != nullptr) *length = static_cast<ULONG>(text.size() + 1);
    return *out != nullptr ? TRUE : FALSE;
}

}  // namespace regent::win32

namespace {

BOOL give_sid(const std::optional<se::Sid>& sid, PSID* out) {
    if (!sid) return refuse(ERROR_INVALID_SID);
    *out = local_copy(sid->bytes());
    return *out != nullptr ? TRUE : FALSE;
}

}  // namespace

extern "C" {

BOOL WINAPI InitializeSid(PSID Sid, PSID_IDENTIFIER_AUTHORITY pIdentifierAuthority, BYTE nSubAuthorityCount) {
    if (nSubAuthorityCount > SID_MAX_SUB_AUTHORITIES) return refuse(ERROR_INVALID_PARAMETER);
    auto* made = static_cast<PISID>(Sid);
    made->Revision = SID_REVISION;
    made->SubAuthorityCount = nSubAuthorityCount;
    made->IdentifierAuthority = *pIdentifierAuthority;
    return TRUE;
}

BOOL WINAPI AllocateAndInitializeSid(PSID_IDENTIFIER_AUTHORITY pIdentifierAuthority, BYTE nSubAuthorityCount, DWORD s0,
                                     DWORD s1, DWORD s2, DWORD s3, DWORD s4, DWORD s5, DWORD s6, DWORD s7, PSID* pSid) {
    if (nSubAuthorityCount > 8) return refuse(ERROR_INVALID_SID);
    *pSid = LocalAlloc(0, GetSidLengthRequired(nSubAuthorityCount));
    if (*pSid == nullptr) return refuse(ERROR_NOT_ENOUGH_MEMORY);
    InitializeSid(*pSid, pIdentifierAuthority, nSubAuthorityCount);
    const DWORD values[] = {s0, s1, s2, s3, s4, s5, s6, s7};
    std::memcpy(static_cast<std::byte*>(*pSid) + 8, values, nSubAuthorityCount * sizeof(DWORD));
    return TRUE;
}

PVOID WINAPI FreeSid(PSID pSid) {
    LocalFree(pSid);
    return nullptr;
}

BOOL WINAPI IsValidSid(PSID pSid) { return sid_at(pSid) ? TRUE : refuse(ERROR_INVALID_SID); }

BOOL WINAPI EqualSid(PSID pSid1, PSID pSid2) {
    const auto a = sid_at(pSid1);
    const auto b = sid_at(pSid2);
    return a && b && *a == *b ? TRUE : FALSE;
}

BOOL WINAPI CopySid(DWORD nDestinationSidLength, PSID pDestinationSid, PSID pSourceSid) {
    const auto sid = sid_at(pSourceSid);
    if (!sid) return refuse(ERROR_INVALID_SID);
    if (nDestinationSidLength < sid->size()) return refuse(ERROR_INSUFFICIENT_BUFFER);
    std::memcpy(pDestinationSid, &*sid, sid->size());
    return TRUE;
}

DWORD WINAPI GetSidLengthRequired(UCHAR nSubAuthorityCount) { return 8 + 4u * nSubAuthorityCount; }
DWORD WINAPI GetLengthSid(PSID pSid) { return GetSidLengthRequired(static_cast<PISID>(pSid)->SubAuthorityCount); }
PSID_IDENTIFIER_AUTHORITY WINAPI GetSidIdentifierAuthority(PSID pSid) {
    return &static_cast<PISID>(pSid)->IdentifierAuthority;
}
PDWORD WINAPI GetSidSubAuthority(PSID pSid, DWORD nSubAuthority) {
    return reinterpret_cast<PDWORD>(static_cast<std::byte*>(pSid) + 8) + nSubAuthority;
}
PUCHAR WINAPI GetSidSubAuthorityCount(PSID pSid) { return &static_cast<PISID>(pSid)->SubAuthorityCount; }

BOOL WINAPI ConvertSidToStringSidW(PSID Sid, LPWSTR* StringSid) {
    const auto sid = sid_at(Sid);
    if (!sid) return refuse(ERROR_INVALID_SID);
    return give_text(rtl::from_utf8(sid->to_string()), StringSid, nullptr);
}
BOOL WINAPI ConvertSidToStringSidA(PSID Sid, LPSTR* StringSid) {
    const auto sid = sid_at(Sid);
    if (!sid) return refuse(ERROR_INVALID_SID);
    return give_text(sid->to_string(), StringSid, nullptr);
}
BOOL WINAPI ConvertStringSidToSidA(LPCSTR StringSid, PSID* Sid) {
    if (StringSid == nullptr || Sid == nullptr) return refuse(ERROR_INVALID_PARAMETER);
    return give_sid(se::sddl::parse_account(StringSid), Sid);
}
BOOL WINAPI ConvertStringSidToSidW(LPCWSTR StringSid, PSID* Sid) {
    if (StringSid == nullptr || Sid == nullptr) return refuse(ERROR_INVALID_PARAMETER);
    return give_sid(se::sddl::parse_account(rtl::to_utf8(StringSid)), Sid);
}
}
