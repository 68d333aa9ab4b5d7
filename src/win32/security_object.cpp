// Security of registry keys by handle and by name, with the propagation of inheritable entries to the keys below, which
// Windows too does in the program and not in the kernel (semantics SE-4); lists made of EXPLICIT_ACCESS entries.
#include <vector>

#include "nt/ntservices.h"
#include "se/access.h"
#include "se/descriptor.h"
#include "se/token.h"
#include "win32/aclapi.h"
#include "win32/predefined.h"
#include "win32/security.h"
#include "win32/value.h"

using namespace regent;
using namespace regent::win32;

namespace {

constexpr GENERIC_MAPPING key_mapping{KEY_READ, KEY_WRITE, KEY_EXECUTE, KEY_ALL_ACCESS};
constexpr SECURITY_INFORMATION parts_for_inheritance =
    OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
constexpr unsigned max_depth = 512;  // of keys below each other

Result<se::SecurityDescriptor> read_security(HANDLE key, SECURITY_INFORMATION what) {
    std::vector<std::byte> buffer(1024);
    ULONG needed = 0;
    NTSTATUS status = NtQuerySecurityObject(key, what, buffer.data(), static_cast<ULONG>(buffer.size()), &needed);
    if (status == STATUS_BUFFER_TOO_SMALL) {
        buffer.resize(needed);
        status = NtQuerySecurityObject(key, what, buffer.data(), needed, &needed);
    }
    if (!NT_SUCCESS(status)) return fail(status);
    return se::SecurityDescriptor::from_bytes(Bytes(buffer).first(needed));
}

// `own` explicit entries and what `parent` passes on, for an object of this owner and group.
Result<se::SecurityDescriptor> with_inherited(const se::SecurityDescriptor& parent, const se::SecurityDescriptor& own) {
    const se::DescriptorView above = parent;
    const se::DescriptorView given = own;
    auto made =
        RG_TRY(se::assign_descriptor(&above, &given, *se::Token::system(), key_mapping, true, /*kernel_caller=*/true));
    se::SecurityDescriptor::Parts parts = made.parts();
    // Taken over by a set only together (se::merge_descriptor).
    parts.control |= SE_DACL_AUTO_INHERITED | SE_DACL_AUTO_INHERIT_REQ;
    return se::SecurityDescriptor::build(parts);
}

bool is_protected(const se::SecurityDescriptor& descriptor) {
    return (descriptor.view().control() & SE_DACL_PROTECTED) != 0;
}

NTSTATUS set_dacl(HANDLE key, se::SecurityDescriptor& descriptor) {
    return NtSetSecurityObject(key, DACL_SECURITY_INFORMATION, const_cast<std::byte*>(descriptor.bytes().data()));
}

class Opened {
public:
    ~Opened() {
        if (handle_ != nullptr) NtClose(handle_);
    }
    NTSTATUS open(HANDLE root, Utf16View name, ACCESS_MASK access) {
        Utf16 copy(name);
        UNICODE_STRING string = rtl::unicode_string(copy);
        OBJECT_ATTRIBUTES attributes;
        InitializeObjectAttributes(&attributes, &string, OBJ_CASE_INSENSITIVE | OBJ_OPENLINK, root, nullptr);
        return NtOpenKey(&handle_, access, &attributes);
    }
    HANDLE get() const { return handle_; }

private:
    HANDLE handle_ = nullptr;
};

// Gives every key below the entries that `key` passes on now. Keys that the caller may not change keep theirs, with all
// below them, as on Windows.
void propagate(HANDLE key, unsigned depth) {
    const auto security = read_security(key, parts_for_inheritance);
    if (!security || depth == max_depth) return;
    alignas(8) std::byte buffer[1024];
    ULONG needed = 0;
    for (ULONG index = 0; NT_SUCCESS(NtEnumerateKey(key, index, KeyBasicInformation, buffer, sizeof(buffer), &needed));
         ++index) {
        const auto* info = reinterpret_cast<const KEY_BASIC_INFORMATION*>(buffer);
        const Utf16 name(reinterpret_cast<const char16_t*>(info->Name), info->NameLength / sizeof(char16_t));
        Opened child;
        if (!NT_SUCCESS(child.open(key, name, READ_CONTROL | WRITE_DAC | KEY_ENUMERATE_SUB_KEYS))) continue;
        const auto own = read_security(child.get(), parts_for_inheritance);
        if (!own || is_protected(*own)) continue;
        auto made = with_inherited(*security, *own);
        if (made && NT_SUCCESS(set_dacl(child.get(), *made))) propagate(child.get(), depth + 1);
    }
}

// What the key's parent passes on; nothing when that cannot be seen.
std::optional<se::SecurityDescriptor> security_above(HANDLE key) {
    Utf16 path;
    if (!NT_SUCCESS(query_path(key, &path))) return std::nullopt;
    const std::size_t slash = path.rfind(u'\\');
    if (slash == Utf16::npos || slash == 0) return std::nullopt;
    Opened parent;
    if (!NT_SUCCESS(parent.open(nullptr, Utf16View(path).substr(0, slash), READ_CONTROL))) return std::nullopt;
    auto security = read_security(parent.get(), parts_for_inheritance);
    return security ? std::optional(std::move(*security)) : std::nullopt;
}

struct Change {
    SECURITY_INFORMATION what;
    PSID owner, group;
    PACL dacl, sacl;
};

Result<se::SecurityDescriptor> descriptor_of(const Change& change) {
    SECURITY_DESCRIPTOR absolute{
        SECURITY_DESCRIPTOR_REVISION, 0, 0, change.owner, change.group, change.sacl, change.dacl};
    if ((change.what & DACL_SECURITY_INFORMATION) != 0) absolute.Control |= SE_DACL_PRESENT;
    if ((change.what & (SACL_SECURITY_INFORMATION | LABEL_SECURITY_INFORMATION)) != 0)
        absolute.Control |= SE_SACL_PRESENT;
    if ((change.what & PROTECTED_DACL_SECURITY_INFORMATION) != 0) absolute.Control |= SE_DACL_PROTECTED;
    return se::capture_descriptor(&absolute);
}

NTSTATUS set_security(HANDLE key, const Change& change) {
    auto wanted = descriptor_of(change);
    if (!wanted) return wanted.error().code();
    const bool lists = (change.what & DACL_SECURITY_INFORMATION) != 0;
    const auto current = lists ? read_security(key, parts_for_inheritance) : fail(STATUS_ACCESS_DENIED);
    const bool protects =
        (change.what & PROTECTED_DACL_SECURITY_INFORMATION) != 0 ||
        (current && is_protected(*current) && (change.what & UNPROTECTED_DACL_SECURITY_INFORMATION) == 0);
    if (lists && change.dacl != nullptr && current) {
        se::SecurityDescriptor::Parts parts = wanted->parts();
        if (!parts.owner) parts.owner = current->parts().owner;
        if (!parts.group) parts.group = current->parts().group;
        if (protects) parts.control |= SE_DACL_PROTECTED;
        wanted = se::SecurityDescriptor::build(parts);
        const auto above = protects ? std::nullopt : security_above(key);
        if (wanted && above) {
            auto merged = with_inherited(*above, *wanted);
            if (!merged) return merged.error().code();
            se::SecurityDescriptor::Parts whole = merged->parts();
            whole.sacl = wanted->parts().sacl;
            whole.control = static_cast<USHORT>(whole.control | (wanted->view().control() & SE_SACL_PRESENT));
            wanted = se::SecurityDescriptor::build(whole);
        }
        if (!wanted) return wanted.error().code();
    }
    const NTSTATUS status = NtSetSecurityObject(key, change.what, const_cast<std::byte*>(wanted->bytes().data()));
    if (NT_SUCCESS(status) && lists) propagate(key, 0);
    return status;
}

// MACHINE\Software\..., as SE_REGISTRY_KEY names are written. ERRORS: ERROR_INVALID_NAME, RegOpenKeyEx's.
LSTATUS open_named(Utf16View name, REGSAM access, HKEY* key) {
    struct Root {
        Utf16View text;
        HKEY key;
    };
    const Root roots[] = {{u"MACHINE", HKEY_LOCAL_MACHINE},
                          {u"CURRENT_USER", HKEY_CURRENT_USER},
                          {u"USERS", HKEY_USERS},
                          {u"CLASSES_ROOT", HKEY_CLASSES_ROOT}};
    const std::size_t end = std::min(name.find(u'\\'), name.size());
    for (const Root& root : roots) {
        if (!rtl::equal_folded(root.text, name.substr(0, end))) continue;
        const Utf16 rest(end == name.size() ? Utf16View() : name.substr(end + 1));
        return RegOpenKeyExW(root.key, rest.c_str(), 0, access, key);
    }
    return ERROR_INVALID_NAME;
}

// The parts' addresses in a descriptor that goes to the caller, and the descriptor itself.
DWORD give(HANDLE key, SECURITY_INFORMATION what, PSID* owner, PSID* group, PACL* dacl, PACL* sacl,
           PSECURITY_DESCRIPTOR* out) {
    const auto security = read_security(key, what);
    if (!security) return RtlNtStatusToDosError(security.error().code());
    PSECURITY_DESCRIPTOR copy = local_copy(security->bytes());
    if (copy == nullptr) return ERROR_NOT_ENOUGH_MEMORY;
    BOOL present = FALSE;
    BOOL defaulted = FALSE;
    if (owner != nullptr) GetSecurityDescriptorOwner(copy, owner, &defaulted);
    if (group != nullptr) GetSecurityDescriptorGroup(copy, group, &defaulted);
    if (dacl != nullptr) *dacl = nullptr;
    if (sacl != nullptr) *sacl = nullptr;
    if (dacl != nullptr) GetSecurityDescriptorDacl(copy, &present, dacl, &defaulted);
    if (sacl != nullptr) GetSecurityDescriptorSacl(copy, &present, sacl, &defaulted);
    if (out != nullptr) {
        *out = copy;
    } else {
        LocalFree(copy);
    }
    return ERROR_SUCCESS;
}

REGSAM access_for(SECURITY_INFORMATION what, bool sets) {
    if (!sets) return se::access_to_query(what);
    // Inheritance looks at the key's own security and at what is below.
    const ACCESS_MASK for_lists = (what & DACL_SECURITY_INFORMATION) != 0 ? READ_CONTROL | KEY_ENUMERATE_SUB_KEYS : 0;
    return se::access_to_set(what) | for_lists;
}

struct Entry {
    se::Sid sid;
    ACCESS_MODE mode;
    DWORD rights, inheritance;
};

// ERRORS: ERROR_INVALID_PARAMETER, ERROR_NONE_MAPPED.
DWORD read_entry(const EXPLICIT_ACCESS_W& given, Entry* entry) {
    *entry = {se::Sid(), given.grfAccessMode, given.grfAccessPermissions, given.grfInheritance};
    if (given.Trustee.TrusteeForm == TRUSTEE_IS_SID) {
        const auto sid = sid_at(given.Trustee.ptstrName);
        if (!sid) return ERROR_INVALID_PARAMETER;
        entry->sid = *sid;
        return ERROR_SUCCESS;
    }
    if (given.Trustee.TrusteeForm != TRUSTEE_IS_NAME) return ERROR_INVALID_PARAMETER;
    DWORD size = sizeof(entry->sid);
    WCHAR domain[64];
    DWORD length = 64;
    SID_NAME_USE use;
    if (!LookupAccountNameW(nullptr, given.Trustee.ptstrName, &entry->sid, &size, domain, &length, &use)) {
        return GetLastError();
    }
    return ERROR_SUCCESS;
}

// Whether the new entries take the place of an old one's account: SET_ACCESS and REVOKE_ACCESS of its explicit entries.
bool replaced(const se::AceView& ace, const std::vector<Entry>& entries) {
    if (!ace.is_basic() || (ace.flags() & INHERITED_ACE) != 0) return false;
    for (const Entry& entry : entries) {
        if ((entry.mode == SET_ACCESS || entry.mode == REVOKE_ACCESS) && entry.sid == ace.sid()) return true;
    }
    return false;
}

}  // namespace

extern "C" {

DWORD WINAPI GetSecurityInfo(HANDLE handle, SE_OBJECT_TYPE ObjectType, SECURITY_INFORMATION SecurityInfo,
                             PSID* ppsidOwner, PSID* ppsidGroup, PACL* ppDacl, PACL* ppSacl,
                             PSECURITY_DESCRIPTOR* ppSecurityDescriptor) {
    if (ObjectType != SE_REGISTRY_KEY) return ERROR_NOT_SUPPORTED;
    const KeyReference key(static_cast<HKEY>(handle));
    if (!NT_SUCCESS(key.status())) return RtlNtStatusToDosError(key.status());
    return give(key.handle(), SecurityInfo, ppsidOwner, ppsidGroup, ppDacl, ppSacl, ppSecurityDescriptor);
}

DWORD WINAPI SetSecurityInfo(HANDLE handle, SE_OBJECT_TYPE ObjectType, SECURITY_INFORMATION SecurityInfo,
                             PSID psidOwner, PSID psidGroup, PACL pDacl, PACL pSacl) {
    if (ObjectType != SE_REGISTRY_KEY) return ERROR_NOT_SUPPORTED;
    const KeyReference key(static_cast<HKEY>(handle));
    if (!NT_SUCCESS(key.status())) return RtlNtStatusToDosError(key.status());
    return static_cast<DWORD>(to_error(set_security(key.handle(), {SecurityInfo, psidOwner, psidGroup, pDacl, pSacl})));
}

DWORD WINAPI GetNamedSecurityInfoW(LPCWSTR pObjectName, SE_OBJECT_TYPE ObjectType, SECURITY_INFORMATION SecurityInfo,
                                   PSID* ppsidOwner, PSID* ppsidGroup, PACL* ppDacl, PACL* ppSacl,
                                   PSECURITY_DESCRIPTOR* ppSecurityDescriptor) {
    if (ObjectType != SE_REGISTRY_KEY) return ERROR_NOT_SUPPORTED;
    if (pObjectName == nullptr) return ERROR_INVALID_PARAMETER;
    HKEY key = nullptr;
    const LSTATUS opened = open_named(pObjectName, access_for(SecurityInfo, false), &key);
    if (opened != ERROR_SUCCESS) return static_cast<DWORD>(opened);
    const DWORD error =
        GetSecurityInfo(key, ObjectType, SecurityInfo, ppsidOwner, ppsidGroup, ppDacl, ppSacl, ppSecurityDescriptor);
    RegCloseKey(key);
    return error;
}

DWORD WINAPI SetNamedSecurityInfoW(LPWSTR pObjectName, SE_OBJECT_TYPE ObjectType, SECURITY_INFORMATION SecurityInfo,
                                   PSID psidOwner, PSID psidGroup, PACL pDacl, PACL pSacl) {
    if (ObjectType != SE_REGISTRY_KEY) return ERROR_NOT_SUPPORTED;
    if (pObjectName == nullptr) return ERROR_INVALID_PARAMETER;
    HKEY key = nullptr;
    const LSTATUS opened = open_named(pObjectName, access_for(SecurityInfo, true), &key);
    if (opened != ERROR_SUCCESS) return static_cast<DWORD>(opened);
    const DWORD error = SetSecurityInfo(key, ObjectType, SecurityInfo, psidOwner, psidGroup, pDacl, pSacl);
    RegCloseKey(key);
    return error;
}

// Order of the result: denials, then grants, then what the old list had left.
DWORD WINAPI SetEntriesInAclW(ULONG cCountOfExplicitEntries, PEXPLICIT_ACCESS_W pListOfExplicitEntries, PACL OldAcl,
                              PACL* NewAcl) {
    std::vector<Entry> entries(cCountOfExplicitEntries);
    for (ULONG i = 0; i < cCountOfExplicitEntries; ++i) {
        const DWORD error = read_entry(pListOfExplicitEntries[i], &entries[i]);
        if (error != ERROR_SUCCESS) return error;
    }
    se::AclBuilder list;
    for (const Entry& entry : entries) {
        const auto flags = static_cast<std::uint8_t>(entry.inheritance);
        if (entry.mode == DENY_ACCESS) list.add(ACCESS_DENIED_ACE_TYPE, flags, entry.rights, entry.sid);
    }
    for (const Entry& entry : entries) {
        const auto flags = static_cast<std::uint8_t>(entry.inheritance);
        const bool grants = entry.mode == GRANT_ACCESS || entry.mode == SET_ACCESS;
        if (grants) list.add(ACCESS_ALLOWED_ACE_TYPE, flags, entry.rights, entry.sid);
    }
    if (OldAcl != nullptr) {
        const auto old = se::AclView::validate(rtl::as_bytes(OldAcl, OldAcl->AclSize));
        if (!old) return ERROR_INVALID_ACL;
        for (se::AceView ace : *old) {
            if (!replaced(ace, entries)) list.add_raw(ace.raw());
        }
    }
    const auto made = list.finish();
    if (!made) return ERROR_INVALID_ACL;
    *NewAcl = static_cast<PACL>(local_copy(*made));
    return *NewAcl != nullptr ? ERROR_SUCCESS : ERROR_NOT_ENOUGH_MEMORY;
}
}
