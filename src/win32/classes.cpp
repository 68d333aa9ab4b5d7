#include "win32/classes.h"

#include "nt/ntservices.h"

namespace regent::win32 {
namespace {

constexpr Utf16View machine_classes = u"\\REGISTRY\\MACHINE\\SOFTWARE\\Classes";

// `path` is `prefix` or lies below it; then `rest` starts with a separator or is empty.
bool lies_below(Utf16View path, Utf16View prefix, Utf16View* rest) {
    if (path.size() < prefix.size() || !rtl::equal_folded(path.substr(0, prefix.size()), prefix)) return false;
    *rest = path.substr(prefix.size());
    return rest->empty() || rest->front() == u'\\';
}

Utf16 joined(Utf16View head, Utf16View tail) {
    Utf16 path(head);
    if (!tail.empty()) (path += u'\\') += tail;
    return path;
}

}  // namespace

bool class_places(Utf16View path, ClassPlaces* places) {
    const Utf16 user_classes = user_sid_path() + u"_Classes";
    Utf16View rest;
    if (!lies_below(path, machine_classes, &rest) && !lies_below(path, user_classes, &rest)) return false;
    (places->user = user_classes) += rest;
    (places->machine = machine_classes) += rest;
    return true;
}

NTSTATUS granted_access(HANDLE key, ACCESS_MASK* granted) {
    OBJECT_BASIC_INFORMATION basic{};
    const NTSTATUS status = NtQueryObject(key, ObjectBasicInformation, &basic, sizeof(basic), nullptr);
    if (NT_SUCCESS(status)) *granted = basic.GrantedAccess;
    return status;
}

NTSTATUS SubkeyName::resolve(HKEY root, Utf16View name, REGSAM access, KeyReference::Sides sides) {
    reference_.emplace(root, KeyReference::Sides::own);
    if (!NT_SUCCESS(reference_->status())) return reference_->status();
    root_ = reference_->own();
    name_ = name;
    merged_ = sides == KeyReference::Sides::both && is_merged(root);
    origin_ = origin_of(root_);
    if ((access & KEY_WOW64_32KEY) != 0) origin_.is_32_bit = true;
    if (!merged_ && !origin_.is_32_bit) return STATUS_SUCCESS;
    Utf16 path;
    if (const NTSTATUS status = query_path(root_, &path); !NT_SUCCESS(status)) return status;
    ClassPlaces places;
    if (merged_ && class_places(path, &places)) {
        whole_ = joined(places.machine, name);
        user_ = joined(places.user, name);
        if (origin_.is_32_bit) user_ = in_32_bit_view(user_);
    } else {
        whole_ = joined(path, name);
    }
    if (origin_.is_32_bit) {
        Utf16 viewed = in_32_bit_view(whole_);
        if (user_.empty() && rtl::equal_folded(viewed, whole_)) {
            whole_.clear();  // the same place: the name below the handle will do
            return STATUS_SUCCESS;
        }
        whole_ = std::move(viewed);
    }
    leave_root();
    return STATUS_SUCCESS;
}

NTSTATUS SubkeyName::leave_transaction() {
    if (!origin_.transacted) return STATUS_SUCCESS;
    Utf16 path;
    if (const NTSTATUS status = query_path(root_, &path); !NT_SUCCESS(status)) return status;
    whole_ = joined(path, name_);
    leave_root();
    return STATUS_SUCCESS;
}

// A whole name leads into no transaction.
void SubkeyName::leave_root() {
    root_ = nullptr;
    origin_.transacted = false;
}

NTSTATUS SubkeyName::open(ACCESS_MASK access, ULONG attributes, HKEY* key) const {
    *key = nullptr;
    HANDLE handle = nullptr;
    NTSTATUS status = STATUS_OBJECT_NAME_NOT_FOUND;
    if (!user_.empty()) status = open_key(nullptr, user_, access, &handle, attributes);
    if (status == STATUS_OBJECT_NAME_NOT_FOUND) status = open_key(root_, name(), access, &handle, attributes);
    if (NT_SUCCESS(status)) *key = key_of(handle);
    return status;
}

HKEY SubkeyName::key_of(HANDLE handle, HandleOrigin origin) const {
    remember_origin(handle, origin);
    return merged_ ? tagged(handle) : static_cast<HKEY>(handle);
}

NTSTATUS open_subkey(HKEY root, Utf16View name, REGSAM access, ULONG attributes, HKEY* key) {
    *key = nullptr;
    SubkeyName subkey;
    const NTSTATUS status = subkey.resolve(root, name, access);
    return NT_SUCCESS(status) ? subkey.open(access, attributes, key) : status;
}

ScopedHkey::~ScopedHkey() {
    if (key_ != nullptr) NtClose(nt_handle(key_));
}

}  // namespace regent::win32
