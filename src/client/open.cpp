#include "client/open.h"

namespace regent::client {
namespace {

// The path that Nt* gets; a failure when a path from the root names no place, or none fits in a UNICODE_STRING.
Result<Utf16> checked_path(const From& from, Utf16View path, const char* verb) {
    if (path.size() > max_name_units) return failed(STATUS_OBJECT_NAME_INVALID, verb, path.substr(0, 64));
    if (from.root != nullptr) return Utf16(path);
    Utf16 place = nt_path(path);
    if (place.empty()) return failed(STATUS_OBJECT_PATH_SYNTAX_BAD, verb, path);
    if (place.size() > max_name_units) return failed(STATUS_OBJECT_NAME_INVALID, verb, path.substr(0, 64));
    return place;
}

NTSTATUS create_last(const From& from, Utf16View path, ACCESS_MASK access, ULONG options, HANDLE* handle) {
    Attributes attributes(from.root, path);
    if (from.transaction == nullptr) {
        return NtCreateKey(handle, access, attributes.get(), 0, nullptr, options, nullptr);
    }
    return NtCreateKeyTransacted(handle, access, attributes.get(), 0, nullptr, options, from.transaction, nullptr);
}

NTSTATUS create_whole(const From& from, Utf16View path, ACCESS_MASK access, ULONG options, HANDLE* handle) {
    const NTSTATUS status = create_last(from, path, access, options, handle);
    const std::size_t end = path.rfind(u'\\');
    if (status != STATUS_OBJECT_NAME_NOT_FOUND || end == Utf16View::npos || end == 0) return status;
    // NtCreateKey makes the last key of a path only.
    HANDLE parent = nullptr;
    const NTSTATUS made = create_whole(from, path.substr(0, end), KEY_CREATE_SUB_KEY, options, &parent);
    if (!NT_SUCCESS(made)) return made;
    NtClose(parent);
    return create_last(from, path, access, options, handle);
}

}  // namespace

Result<unique_key> open_at(From from, Utf16View path, Access access) {
    const auto place = checked_path(from, path, "open");
    if (!place) return std::unexpected(place.error());
    Attributes attributes(from.root, *place);
    const auto mask = static_cast<ACCESS_MASK>(access);
    HANDLE handle = nullptr;
    const NTSTATUS status = from.transaction == nullptr
                                ? NtOpenKey(&handle, mask, attributes.get())
                                : NtOpenKeyTransacted(&handle, mask, attributes.get(), from.transaction);
    if (!NT_SUCCESS(status)) return failed(status, "open", path);
    return unique_key(handle);
}

Result<unique_key> create_at(From from, Utf16View path, Access access, Lifetime lifetime) {
    const auto place = checked_path(from, path, "create");
    if (!place) return std::unexpected(place.error());
    HANDLE handle = nullptr;
    const NTSTATUS status =
        create_whole(from, *place, static_cast<ACCESS_MASK>(access), static_cast<ULONG>(lifetime), &handle);
    if (!NT_SUCCESS(status)) return failed(status, "create", path);
    return unique_key(handle);
}

}  // namespace regent::client
