// Security descriptors: both forms, and text.
#include <utility>

#include "se/sddl.h"
#include "win32/sddl.h"
#include "win32/security.h"

using namespace regent;
using namespace regent::win32;

namespace {

// The absolute form, for the functions that change one. Null with the error set when it is self-relative.
SECURITY_DESCRIPTOR* absolute(PSECURITY_DESCRIPTOR descriptor) {
    auto* made = static_cast<SECURITY_DESCRIPTOR*>(descriptor);
    if (made->Revision != SECURITY_DESCRIPTOR_REVISION) return refuse(ERROR_UNKNOWN_REVISION), nullptr;
    if ((made->Control & SE_SELF_RELATIVE) != 0) return refuse(ERROR_INVALID_SECURITY_DESCR), nullptr;
    return made;
}

void set_bits(SECURITY_DESCRIPTOR& descriptor, USHORT bits, bool on) {
    descriptor.Control = static_cast<USHORT>(on ? descriptor.Control | bits : descriptor.Control & ~bits);
}

struct Parts {
    USHORT control;
    PSID owner, group;
    PACL sacl, dacl;
};

// The parts' addresses in either form.
std::optional<Parts> parts_of(PSECURITY_DESCRIPTOR descriptor) {
    SECURITY_DESCRIPTOR_RELATIVE relative;
    std::memcpy(&relative, descriptor, sizeof(relative));
    if (relative.Revision != SECURITY_DESCRIPTOR_REVISION) return std::nullopt;
    if ((relative.Control & SE_SELF_RELATIVE) == 0) {
        SECURITY_DESCRIPTOR whole;
        std::memcpy(&whole, descriptor, sizeof(whole));
        return Parts{whole.Control, whole.Owner, whole.Group, whole.Sacl, whole.Dacl};
    }
    const auto at = [&](ULONG offset) -> void* {
        return offset == 0 ? nullptr : static_cast<std::byte*>(descriptor) + offset;
    };
    return Parts{relative.Control, at(relative.Owner), at(relative.Group), static_cast<PACL>(at(relative.Sacl)),
                 static_cast<PACL>(at(relative.Dacl))};
}

BOOL get_list(PSECURITY_DESCRIPTOR descriptor, bool dacl, LPBOOL present, PACL* list, LPBOOL defaulted) {
    const auto parts = parts_of(descriptor);
    if (!parts) return refuse(ERROR_UNKNOWN_REVISION);
    *present = (parts->control & (dacl ? SE_DACL_PRESENT : SE_SACL_PRESENT)) != 0 ? TRUE : FALSE;
    if (!*present) return TRUE;
    *list = dacl ? parts->dacl : parts->sacl;
    *defaulted = (parts->control & (dacl ? SE_DACL_DEFAULTED : SE_SACL_DEFAULTED)) != 0 ? TRUE : FALSE;
    return TRUE;
}

BOOL give_descriptor(const Result<se::SecurityDescriptor>& made, PSECURITY_DESCRIPTOR* out, PULONG size) {
    if (!made) {
        // Whatever is wrong with the text, but for an account, is one error.
        return refuse(made.error().code() == STATUS_INVALID_SID ? ERROR_INVALID_SID : ERROR_INVALID_PARAMETER);
    }
    *out = local_copy(made->bytes());
    if (*out == nullptr) return FALSE;
    if (size != nullptr) *size = static_cast<ULONG>(made->size());
    return TRUE;
}

Result<std::string> text_of(PSECURITY_DESCRIPTOR descriptor, SECURITY_INFORMATION what) {
    auto captured = se::capture_descriptor(descriptor);
    if (!captured) return std::unexpected(captured.error());
    return se::to_sddl(se::query_descriptor(*captured, what), what);
}

// Copies one part where there is room for it; `size` becomes what it needs.
bool take_part(Bytes part, void* out, LPDWORD size) {
    const DWORD given = std::exchange(*size, static_cast<DWORD>(part.size()));
    if (given < part.size()) return false;
    if (!part.empty()) std::memcpy(out, part.data(), part.size());
    return true;
}

}  // namespace

extern "C" {

BOOL WINAPI InitializeSecurityDescriptor(PSECURITY_DESCRIPTOR pSecurityDescriptor, DWORD dwRevision) {
    if (dwRevision != SECURITY_DESCRIPTOR_REVISION) return refuse(ERROR_UNKNOWN_REVISION);
    *static_cast<SECURITY_DESCRIPTOR*>(pSecurityDescriptor) = {
        SECURITY_DESCRIPTOR_REVISION, 0, 0, nullptr, nullptr, nullptr, nullptr};
    return TRUE;
}

BOOL WINAPI IsValidSecurityDescriptor(PSECURITY_DESCRIPTOR pSecurityDescriptor) {
    if (pSecurityDescriptor == nullptr || !se::capture_descriptor(pSecurityDescriptor)) {
        return refuse(ERROR_INVALID_SECURITY_DESCR);
    }
    return TRUE;
}

DWORD WINAPI GetSecurityDescriptorLength(PSECURITY_DESCRIPTOR pSecurityDescriptor) {
    const auto captured = se::capture_descriptor(pSecurityDescriptor);
    return captured ? static_cast<DWORD>(captured->size()) : 0;
}

BOOL WINAPI GetSecurityDescriptorControl(PSECURITY_DESCRIPTOR pSecurityDescriptor,
                                         PSECURITY_DESCRIPTOR_CONTROL pControl, LPDWORD lpdwRevision) {
    const auto parts = parts_of(pSecurityDescriptor);
    if (!parts) return refuse(ERROR_UNKNOWN_REVISION);
    *pControl = parts->control;
    *lpdwRevision = SECURITY_DESCRIPTOR_REVISION;
    return TRUE;
}

BOOL WINAPI SetSecurityDescriptorControl(PSECURITY_DESCRIPTOR pSecurityDescriptor,
                                         SECURITY_DESCRIPTOR_CONTROL ControlBitsOfInterest,
                                         SECURITY_DESCRIPTOR_CONTROL ControlBitsToSet) {
    constexpr USHORT settable = SE_DACL_AUTO_INHERIT_REQ | SE_SACL_AUTO_INHERIT_REQ | SE_DACL_AUTO_INHERITED |
                                SE_SACL_AUTO_INHERITED | SE_DACL_PROTECTED | SE_SACL_PROTECTED;
    if ((ControlBitsOfInterest & ~settable) != 0 || (ControlBitsToSet & ~ControlBitsOfInterest) != 0) {
        return refuse(ERROR_INVALID_PARAMETER);
    }
    auto* head = static_cast<SECURITY_DESCRIPTOR_RELATIVE*>(pSecurityDescriptor);  // the same front in both forms
    head->Control = static_cast<USHORT>((head->Control & ~ControlBitsOfInterest) | ControlBitsToSet);
    return TRUE;
}

BOOL WINAPI GetSecurityDescriptorOwner(PSECURITY_DESCRIPTOR pSecurityDescriptor, PSID* pOwner,
                                       LPBOOL lpbOwnerDefaulted) {
    const auto parts = parts_of(pSecurityDescriptor);
    if (!parts) return refuse(ERROR_UNKNOWN_REVISION);
    *pOwner = parts->owner;
    *lpbOwnerDefaulted = (parts->control & SE_OWNER_DEFAULTED) != 0 ? TRUE : FALSE;
    return TRUE;
}

BOOL WINAPI SetSecurityDescriptorOwner(PSECURITY_DESCRIPTOR pSecurityDescriptor, PSID pOwner, BOOL bOwnerDefaulted) {
    auto* descriptor = absolute(pSecurityDescriptor);
    if (descriptor == nullptr) return FALSE;
    descriptor->Owner = pOwner;
    set_bits(*descriptor, SE_OWNER_DEFAULTED, bOwnerDefaulted != 0);
    return TRUE;
}

BOOL WINAPI GetSecurityDescriptorGroup(PSECURITY_DESCRIPTOR pSecurityDescriptor, PSID* pGroup,
                                       LPBOOL lpbGroupDefaulted) {
    const auto parts = parts_of(pSecurityDescriptor);
    if (!parts) return refuse(ERROR_UNKNOWN_REVISION);
    *pGroup = parts->group;
    *lpbGroupDefaulted = (parts->control & SE_GROUP_DEFAULTED) != 0 ? TRUE : FALSE;
    return TRUE;
}

BOOL WINAPI SetSecurityDescriptorGroup(PSECURITY_DESCRIPTOR pSecurityDescriptor, PSID pGroup, BOOL bGroupDefaulted) {
    auto* descriptor = absolute(pSecurityDescriptor);
    if (descriptor == nullptr) return FALSE;
    descriptor->Group = pGroup;
    set_bits(*descriptor, SE_GROUP_DEFAULTED, bGroupDefaulted != 0);
    return TRUE;
}

BOOL WINAPI GetSecurityDescriptorDacl(PSECURITY_DESCRIPTOR pSecurityDescriptor, LPBOOL lpbDaclPresent, PACL* pDacl,
                                      LPBOOL lpbDaclDefaulted) {
    return get_list(pSecurityDescriptor, true, lpbDaclPresent, pDacl, lpbDaclDefaulted);
}

BOOL WINAPI SetSecurityDescriptorDacl(PSECURITY_DESCRIPTOR pSecurityDescriptor, BOOL bDaclPresent, PACL pDacl,
                                      BOOL bDaclDefaulted) {
    auto* descriptor = absolute(pSecurityDescriptor);
    if (descriptor == nullptr) return FALSE;
    descriptor->Dacl = bDaclPresent ? pDacl : nullptr;
    set_bits(*descriptor, SE_DACL_PRESENT, bDaclPresent != 0);
    set_bits(*descriptor, SE_DACL_DEFAULTED, bDaclPresent && bDaclDefaulted);
    return TRUE;
}

BOOL WINAPI GetSecurityDescriptorSacl(PSECURITY_DESCRIPTOR pSecurityDescriptor, LPBOOL lpbSaclPresent, PACL* pSacl,
                                      LPBOOL lpbSaclDefaulted) {
    return get_list(pSecurityDescriptor, false, lpbSaclPresent, pSacl, lpbSaclDefaulted);
}

BOOL WINAPI SetSecurityDescriptorSacl(PSECURITY_DESCRIPTOR pSecurityDescriptor, BOOL bSaclPresent, PACL pSacl,
                                      BOOL bSaclDefaulted) {
    auto* descriptor = absolute(pSecurityDescriptor);
    if (descriptor == nullptr) return FALSE;
    descriptor->Sacl = bSaclPresent ? pSacl : nullptr;
    set_bits(*descriptor, SE_SACL_PRESENT, bSaclPresent != 0);
    set_bits(*descriptor, SE_SACL_DEFAULTED, bSaclPresent && bSaclDefaulted);
    return TRUE;
}

BOOL WINAPI MakeSelfRelativeSD(PSECURITY_DESCRIPTOR pAbsoluteSD, PSECURITY_DESCRIPTOR pSelfRelativeSD,
                               LPDWORD lpdwBufferLength) {
    const auto captured = se::capture_descriptor(pAbsoluteSD);
    if (!captured) return refuse(RtlNtStatusToDosError(captured.error().code()));
    const DWORD given = std::exchange(*lpdwBufferLength, static_cast<DWORD>(captured->size()));
    if (given < captured->size()) return refuse(ERROR_INSUFFICIENT_BUFFER);
    std::memcpy(pSelfRelativeSD, captured->bytes().data(), captured->size());
    return TRUE;
}

BOOL WINAPI MakeAbsoluteSD(PSECURITY_DESCRIPTOR pSelfRelativeSD, PSECURITY_DESCRIPTOR pAbsoluteSD,
                           LPDWORD lpdwAbsoluteSDSize, PACL pDacl, LPDWORD lpdwDaclSize, PACL pSacl,
                           LPDWORD lpdwSaclSize, PSID pOwner, LPDWORD lpdwOwnerSize, PSID pPrimaryGroup,
                           LPDWORD lpdwPrimaryGroupSize) {
    const auto captured = se::capture_descriptor(pSelfRelativeSD);
    if (!captured) return refuse(RtlNtStatusToDosError(captured.error().code()));
    const auto parts = captured->parts();
    const auto bytes_of = [](const auto& part) { return part ? Bytes(*part) : Bytes(); };
    const auto sid_of = [](const auto& sid) { return sid ? sid->bytes() : Bytes(); };
    SECURITY_DESCRIPTOR made{SECURITY_DESCRIPTOR_REVISION, 0, parts.control, nullptr, nullptr, nullptr, nullptr};
    if (parts.owner) made.Owner = pOwner;
    if (parts.group) made.Group = pPrimaryGroup;
    if (parts.dacl) made.Dacl = pDacl;
    if (parts.sacl) made.Sacl = pSacl;
    // All sizes are told, also when one is too small.
    bool fits = take_part(rtl::as_bytes(&made, sizeof(made)), pAbsoluteSD, lpdwAbsoluteSDSize);
    fits = take_part(bytes_of(parts.dacl), pDacl, lpdwDaclSize) && fits;
    fits = take_part(bytes_of(parts.sacl), pSacl, lpdwSaclSize) && fits;
    fits = take_part(sid_of(parts.owner), pOwner, lpdwOwnerSize) && fits;
    fits = take_part(sid_of(parts.group), pPrimaryGroup, lpdwPrimaryGroupSize) && fits;
    return fits ? TRUE : refuse(ERROR_INSUFFICIENT_BUFFER);
}

BOOL WINAPI ConvertStringSecurityDescriptorToSecurityDescriptorA(LPCSTR StringSecurityDescriptor,
                                                                 DWORD StringSDRevision,
                                                                 PSECURITY_DESCRIPTOR* SecurityDescriptor,
                                                                 PULONG SecurityDescriptorSize) {
    if (StringSecurityDescriptor == nullptr || SecurityDescriptor == nullptr) return refuse(ERROR_INVALID_PARAMETER);
    if (StringSDRevision != SDDL_REVISION_1) return refuse(ERROR_UNKNOWN_REVISION);
    return give_descriptor(se::parse_sddl(StringSecurityDescriptor), SecurityDescriptor, SecurityDescriptorSize);
}

BOOL WINAPI ConvertStringSecurityDescriptorToSecurityDescriptorW(LPCWSTR StringSecurityDescriptor,
                                                                 DWORD StringSDRevision,
                                                                 PSECURITY_DESCRIPTOR* SecurityDescriptor,
                                                                 PULONG SecurityDescriptorSize) {
    if (StringSecurityDescriptor == nullptr) return refuse(ERROR_INVALID_PARAMETER);
    return ConvertStringSecurityDescriptorToSecurityDescriptorA(
        rtl::to_utf8(StringSecurityDescriptor).c_str(), StringSDRevision, SecurityDescriptor, SecurityDescriptorSize);
}

BOOL WINAPI ConvertSecurityDescriptorToStringSecurityDescriptorW(PSECURITY_DESCRIPTOR SecurityDescriptor,
                                                                 DWORD RequestedStringSDRevision,
                                                                 SECURITY_INFORMATION SecurityInformation,
                                                                 LPWSTR* StringSecurityDescriptor,
                                                                 PULONG StringSecurityDescriptorLen) {
    if (SecurityDescriptor == nullptr || StringSecurityDescriptor == nullptr) return refuse(ERROR_INVALID_PARAMETER);
    if (RequestedStringSDRevision != SDDL_REVISION_1) return refuse(ERROR_UNKNOWN_REVISION);
    const auto text = text_of(SecurityDescriptor, SecurityInformation);
    if (!text) return refuse(RtlNtStatusToDosError(text.error().code()));
    return give_text(rtl::from_utf8(*text), StringSecurityDescriptor, StringSecurityDescriptorLen);
}

BOOL WINAPI ConvertSecurityDescriptorToStringSecurityDescriptorA(PSECURITY_DESCRIPTOR SecurityDescriptor,
                                                                 DWORD RequestedStringSDRevision,
                                                                 SECURITY_INFORMATION SecurityInformation,
                                                                 LPSTR* StringSecurityDescriptor,
                                                                 PULONG StringSecurityDescriptorLen) {
    if (SecurityDescriptor == nullptr || StringSecurityDescriptor == nullptr) return refuse(ERROR_INVALID_PARAMETER);
    if (RequestedStringSDRevision != SDDL_REVISION_1) return refuse(ERROR_UNKNOWN_REVISION);
    const auto text = text_of(SecurityDescriptor, SecurityInformation);
    if (!text) return refuse(RtlNtStatusToDosError(text.error().code()));
    return give_text(*text, StringSecurityDescriptor, StringSecurityDescriptorLen);
}
}
