// Objects that have a name or none: events, mutexes, semaphores, timers. Their names are those of \\BaseNamedObjects:
// there is one session, so "Global\\" and "Local\\" before a name mean nothing more.
#pragma once

#include "nt/ntservices.h"
#include "win32/predefined.h"
#include "win32/winbase.h"

namespace regent::win32 {

// TRUE, or FALSE with the last error.
inline BOOL finish(NTSTATUS status) {
    if (NT_SUCCESS(status)) return TRUE;
    SetLastError(RtlNtStatusToDosError(status));
    return FALSE;
}

inline Utf16View without_session(Utf16View name) {
    for (const Utf16View session : {Utf16View(u"Global\\"), Utf16View(u"Local\\")}) {
        if (name.starts_with(session)) return name.substr(session.size());
    }
    return name;
}

// Not movable: the attributes point into it.
class NamedAttributes {
public:
    NamedAttributes(LPCWSTR name, ULONG flags, const SECURITY_ATTRIBUTES* security) : named_(name != nullptr) {
        if (security != nullptr && security->bInheritHandle != 0) flags |= OBJ_INHERIT;
        if (named_) path_ += without_session(units_of(name));
        string_ = rtl::unicode_string(Utf16View(path_).substr(0, max_name_units));
        InitializeObjectAttributes(&object_, named_ ? &string_ : nullptr, flags, nullptr,
                                   security != nullptr ? security->lpSecurityDescriptor : nullptr);
    }
    NamedAttributes(const NamedAttributes&) = delete;
    NamedAttributes& operator=(const NamedAttributes&) = delete;

    bool too_long() const { return path_.size() > max_name_units; }
    POBJECT_ATTRIBUTES get() { return &object_; }

private:
    bool named_;
    Utf16 path_ = u"\\BaseNamedObjects\\";
    UNICODE_STRING string_{};
    OBJECT_ATTRIBUTES object_{};
};

// `service(handle, attributes)` makes the object or finds it. The last error tells which; it is set on success too.
template <typename Service>
HANDLE create_named(const SECURITY_ATTRIBUTES* security, LPCWSTR name, Service service) {
    NamedAttributes attributes(name, OBJ_OPENIF, security);
    HANDLE handle = nullptr;
    const NTSTATUS status = attributes.too_long() ? STATUS_INVALID_PARAMETER : service(&handle, attributes.get());
    if (!finish(status)) return nullptr;
    SetLastError(status == STATUS_OBJECT_NAME_EXISTS ? ERROR_ALREADY_EXISTS : ERROR_SUCCESS);
    return handle;
}

using OpenService = NTSTATUS(NTAPI*)(PHANDLE, ACCESS_MASK, POBJECT_ATTRIBUTES);

// ERRORS: INVALID_PARAMETER (no name), the service's. A success leaves the last error alone.
inline HANDLE open_named(OpenService service, DWORD access, BOOL inherit, LPCWSTR name) {
    NamedAttributes attributes(name, inherit ? OBJ_INHERIT : 0, nullptr);
    HANDLE handle = nullptr;
    const bool wrong = name == nullptr || attributes.too_long();
    return finish(wrong ? STATUS_INVALID_PARAMETER : service(&handle, access, attributes.get())) ? handle : nullptr;
}

}  // namespace regent::win32
