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

// Control and the parts' addresses, of either form.
std::optional<SECURITY_DESCRIPTOR> parts_of(PSECURITY_DESCRIPTOR descriptor) {
    SECURITY_DESCRIPTOR_RELATIVE relative;
    std::memcpy(&relative, descriptor, sizeof(relative));
    if (relative.Revision != SECURITY_DESCRIPTOR_REVISION) return std::nullopt;
    SECURITY_DESCRIPTOR whole;
    if ((relative.Control & SE_SELF_RELATIVE) == 0) {
        std::memcpy(&whole, descriptor, sizeof(whole));
        return whole;
    }
    const auto at = [&](ULONG offset) -> void* {
        return offset == 0 ? nullptr : static_cast<std::byte*>(descriptor) + offset;
    };
    return SECURITY_DESCRIPTOR{relative.Revision,
                               relative.Sbz1,
                               relative.Control,
                               at(relative.Owner),
                               at(relative.Group),
                               static_cast<PACL>(at(relative.Sacl)),
                               static_cast<PACL>(at(relative.Dacl))};
}

struct SidPart {
    PSID SECURITY_DESCRIPTOR::* sid;
    USHORT defaulted;

    BOOL get(PSECURITY_DESCRIPTOR descriptor, PSID* out, LPBOOL is_default) const {
        const auto parts = parts_of(descriptor);
        if (!parts) return refuse(ERROR_UNKNOWN_REVISION);
        *out = (*parts).*sid;
        *is_default = (parts->Control & defaulted) != 0 ? TRUE : FALSE;
        return TRUE;
    }
    BOOL set(PSECURITY_DESCRIPTOR descriptor, PSID value, BOOL is_default) const {
        auto* made = absolute(descriptor);
        if (made == nullptr) return FALSE;
        made->*sid = value;
        set_bits(*made, defaulted, is_default != 0);
        return TRUE;
    }
};
constexpr SidPart owner_part{&SECURITY_DESCRIPTOR::Owner, SE_OWNER_DEFAULTED};
constexpr SidPart group_part{&SECURITY_DESCRIPTOR::Group, SE_GROUP_DEFAULTED};

struct ListPart {
    PACL SECURITY_DESCRIPTOR::* list;
    USHORT present;
    USHORT defaulted;

    BOOL get(PSECURITY_DESCRIPTOR descriptor, LPBOOL is_present, PACL* out, LPBOOL is_default) const {
        const auto parts = parts_of(descriptor);
        if (!parts) return refuse(ERROR_UNKNOWN_REVISION);
        *is_present = (parts->Control & present) != 0 ? TRUE : FALSE;
        if (!*is_present) return TRUE;
        *out = (*parts).*list;
        *is_default = (parts->Control & defaulted) != 0 ? TRUE : FALSE;
        return TRUE;
    }
    BOOL set(PSECURITY_DESCRIPTOR descriptor, BOOL is_present, PACL value, BOOL is_default) const {
        auto* made = absolute(descriptor);
        if (made == nullptr) return FALSE;
        made->*list = is_present ? value : nullptr;
        set_bits(*made, present, is_present != 0);
        set_bits(*made, defaulted, is_present && is_default);
        return TRUE;
    }
};
constexpr ListPart dacl_part{&SECURITY_DESCRIPTOR::Dacl, SE_DACL_PRESENT, SE_DACL_DEFAULTED};
constexpr ListPart sacl_part{&SECURITY_DESCRIPTOR::Sacl, SE_SACL_PRESENT, SE_SACL_DEFAULTED};

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

// `give` takes the text.
template <typename Give>
BOOL give_text_of(PSECURITY_DESCRIPTOR descriptor, DWORD revision, SECURITY_INFORMATION what, const void* out,
                  Give give) {
    if (descriptor == nullptr || out == nullptr) return refuse(ERROR_INVALID_PARAMETER);
    if (revision != SDDL_REVISION_1) return refuse(ERROR_UNKNOWN_REVISION);
    const auto captured = se::capture_descriptor(descriptor);
    if (!captured) return refuse(RtlNtStatusToDosError(captured.error().code()));
    const auto text = se::to_sddl(se::query_descriptor(*captured, what), what);
    if (!text) return refuse(RtlNtStatusToDosError(text.error().code()));
    return give(*text);
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
    *pControl = parts->Control;
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
    return owner_part.get(pSecurityDescriptor, pOwner, lpbOwnerDefaulted);
}

BOOL WINAPI SetSecurityDescriptorOwner(PSECURITY_DESCRIPTOR pSecurityDescriptor, PSID pOwner, BOOL bOwnerDefaulted) {
    return owner_part.set(pSecurityDescriptor, pOwner, bOwnerDefaulted);
}

BOOL WINAPI GetSecurityDescriptorGroup(PSECURITY_DESCRIPTOR pSecurityDescriptor, PSID* pGroup,
                                       LPBOOL lpbGroupDefaulted) {
    return group_part.get(pSecurityDescriptor, pGroup, lpbGroupDefaulted);
}

BOOL WINAPI SetSecurityDescriptorGroup(PSECURITY_DESCRIPTOR pSecurityDescriptor, PSID pGroup, BOOL bGroupDefaulted) {
    return group_part.set(pSecurityDescriptor, pGroup, bGroupDefaulted);
}

BOOL WINAPI GetSecurityDescriptorDacl(PSECURITY_DESCRIPTOR pSecurityDescriptor, LPBOOL lpbDaclPresent, PACL* pDacl,
                                      LPBOOL lpbDaclDefaulted) {
    return dacl_part.get(pSecurityDescriptor, lpbDaclPresent, pDacl, lpbDaclDefaulted);
}

BOOL WINAPI SetSecurityDescriptorDacl(PSECURITY_DESCRIPTOR pSecurityDescriptor, BOOL bDaclPresent, PACL pDacl,
                                      BOOL bDaclDefaulted) {
    return dacl_part.set(pSecurityDescriptor, bDaclPresent, pDacl, bDaclDefaulted);
}

BOOL WINAPI GetSecurityDescriptorSacl(PSECURITY_DESCRIPTOR pSecurityDescriptor, LPBOOL lpbSaclPresent, PACL* pSacl,
                                      LPBOOL lpbSaclDefaulted) {
    return sacl_part.get(pSecurityDescriptor, lpbSaclPresent, pSacl, lpbSaclDefaulted);
}

BOOL WINAPI SetSecurityDescriptorSacl(PSECURITY_DESCRIPTOR pSecurityDescriptor, BOOL bSaclPresent, PACL pSacl,
                                      BOOL bSaclDefaulted) {
    return sacl_part.set(pSecurityDescriptor, bSaclPresent, pSacl, bSaclDefaulted);
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
    return give_text_of(SecurityDescriptor, RequestedStringSDRevision, SecurityInformation, StringSecurityDescriptor,
                        [&](const std::string& text) {
                            return give_text(rtl::from_utf8(text), StringSecurityDescriptor,
                                             StringSecurityDescriptorLen);
                        });
}

BOOL WINAPI ConvertSecurityDescriptorToStringSecurityDescriptorA(PSECURITY_DESCRIPTOR SecurityDescriptor,
                                                                 DWORD RequestedStringSDRevision,
                                                                 SECURITY_INFORMATION SecurityInformation,
                                                                 LPSTR* StringSecurityDescriptor,
                                                                 PULONG StringSecurityDescriptorLen) {
    return give_text_of(SecurityDescriptor, RequestedStringSDRevision, SecurityInformation, StringSecurityDescriptor,
                        [&](const std::string& text) {
                            return give_text(text, StringSecurityDescriptor, StringSecurityDescriptorLen);
                        });
}
}
