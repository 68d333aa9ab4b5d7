// A value's way to a table entry of RtlQueryRegistryValues (conformance rows 116 to 134, W-5).
#include <cstring>
#include <string>

#include "nt/rtl_registry.h"

namespace regent::nt {
namespace {

constexpr ULONG pool_tag = 0x76717452;  // "Rtqv"

bool is_string(ULONG type) { return type == REG_SZ || type == REG_EXPAND_SZ || type == REG_MULTI_SZ; }

Utf16 text_of(const std::vector<std::byte>& data) {
    Utf16 text(data.size() / sizeof(char16_t), u'\0');
    std::memcpy(text.data(), data.data(), text.size() * sizeof(char16_t));
    return text;
}

std::vector<std::byte> bytes_of(Utf16View text) {
    std::vector<std::byte> bytes((text.size() + 1) * sizeof(char16_t));
    std::memcpy(bytes.data(), text.data(), text.size() * sizeof(char16_t));
    return bytes;
}

// %NAME% from the host's environment; a name that is not there stays as it is.
Utf16 expand(Utf16View text) {
    Utf16 expanded;
    while (!text.empty()) {
        const std::size_t first = text.find(u'%');
        const std::size_t last = first == Utf16View::npos ? first : text.find(u'%', first + 1);
        if (last == Utf16View::npos) break;
        expanded += text.substr(0, first);
        const std::string name = rtl::to_utf8(text.substr(first + 1, last - first - 1));
        const char* value = name.empty() ? nullptr : std::getenv(name.c_str());
        if (value != nullptr) {
            expanded += rtl::from_utf8(value);
            text.remove_prefix(last + 1);
        } else {
            expanded += text.substr(first, last - first);  // the second sign may begin another name
            text.remove_prefix(last);
        }
    }
    return expanded += text;
}

// The string whole, with its NUL; a buffer that is too small is left as it is, and nobody is told (row 121).
void fill_string(PUNICODE_STRING target, const std::vector<std::byte>& data) {
    if (data.size() > 0xFFFE) return;
    const auto size = static_cast<USHORT>(data.size());
    if (target->Buffer == nullptr) {
        target->Buffer = static_cast<PWSTR>(ExAllocatePoolWithTag(PagedPool, size, pool_tag));
        if (target->Buffer == nullptr) return;
        target->MaximumLength = size;
    } else if (target->MaximumLength < size) {
        return;
    }
    if (size != 0) std::memcpy(target->Buffer, data.data(), size);
    target->Length = size >= sizeof(WCHAR) ? static_cast<USHORT>(size - sizeof(WCHAR)) : 0;
}

// Up to four bytes go to the place itself. More go to a buffer that says its size in its first four bytes: negative,
// the data replaces it; positive, size, type and data do.
void fill_data(std::byte* target, ULONG type, const std::vector<std::byte>& data) {
    const auto size = static_cast<ULONG>(data.size());
    if (size <= sizeof(ULONG)) {
        if (size != 0) std::memcpy(target, data.data(), size);
        return;
    }
    LONG room = 0;
    std::memcpy(&room, target, sizeof(room));
    if (room < 0) {
        if (LONGLONG{size} <= -LONGLONG{room}) std::memcpy(target, data.data(), size);
        return;
    }
    if (static_cast<ULONG>(room) < size + 2 * sizeof(ULONG)) return;
    std::memcpy(target, &size, sizeof(size));
    std::memcpy(target + sizeof(ULONG), &type, sizeof(type));
    std::memcpy(target + 2 * sizeof(ULONG), data.data(), size);
}

NTSTATUS deliver_direct(const RTL_QUERY_REGISTRY_TABLE& entry, const TableValue& value, ULONG stored_type) {
    if ((entry.Flags & RTL_QUERY_REGISTRY_TYPECHECK) != 0) {
        const ULONG wanted = entry.DefaultType >> RTL_QUERY_REGISTRY_TYPECHECK_SHIFT;
        if (wanted != REG_NONE && wanted != stored_type) return STATUS_OBJECT_TYPE_MISMATCH;
    }
    if (!is_string(value.type)) {
        fill_data(static_cast<std::byte*>(entry.EntryContext), value.type, value.data);
    } else if ((entry.Flags & RTL_QUERY_REGISTRY_NOSTRING) == 0) {
        fill_string(static_cast<PUNICODE_STRING>(entry.EntryContext), value.data);
    }
    return STATUS_SUCCESS;
}

NTSTATUS call(const RTL_QUERY_REGISTRY_TABLE& entry, TableValue& value, PVOID context) {
    return entry.QueryRoutine(reinterpret_cast<PWSTR>(value.name.data()), value.type, value.data.data(),
                              static_cast<ULONG>(value.data.size()), context, entry.EntryContext);
}

// One call a string, as REG_SZ and not expanded. Where the list ends, its size says alone: its last unit is taken for
// the end, whatever it is, and empty strings before that are told (row 129).
NTSTATUS call_each(const RTL_QUERY_REGISTRY_TABLE& entry, const TableValue& value, PVOID context) {
    const Utf16 list = text_of(value.data);
    for (Utf16View rest = list; rest.size() > 1;) {
        const std::size_t end = std::min(rest.find(u'\0'), rest.size());
        TableValue one{value.name, REG_SZ, bytes_of(rest.substr(0, end))};
        const NTSTATUS status = call(entry, one, context);
        if (!NT_SUCCESS(status)) return status;
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return STATUS_SUCCESS;
}

}  // namespace

NTSTATUS deliver(const RTL_QUERY_REGISTRY_TABLE& entry, TableValue value, PVOID context) {
    const bool direct = (entry.Flags & RTL_QUERY_REGISTRY_DIRECT) != 0;
    const bool expands = (entry.Flags & RTL_QUERY_REGISTRY_NOEXPAND) == 0;
    const ULONG stored_type = value.type;
    if (value.type == REG_EXPAND_SZ && expands) {
        const Utf16 text = text_of(value.data);
        value.type = REG_SZ;
        value.data = bytes_of(expand(Utf16View(text).substr(0, text.find(u'\0'))));
    }
    if (value.type == REG_MULTI_SZ && expands) {
        return direct ? STATUS_INVALID_PARAMETER : call_each(entry, value, context);
    }
    return direct ? deliver_direct(entry, value, stored_type) : call(entry, value, context);
}

}  // namespace regent::nt
