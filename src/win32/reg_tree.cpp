// RegDeleteTree and RegCopyTree: walks over many Nt calls, as in Windows' client library; a filter sees each of them.
#include <cstring>
#include <optional>
#include <string>

#include "nt/ntservices.h"
#include "win32/classes.h"
#include "win32/convert.h"
#include "win32/predefined.h"
#include "win32/value.h"

using namespace regent;
using namespace regent::win32;

namespace {

constexpr ACCESS_MASK delete_access = DELETE | KEY_ENUMERATE_SUB_KEYS | KEY_QUERY_VALUE;
constexpr unsigned max_depth = 512;  // a registry path has no more levels

std::optional<Utf16> name_of_subkey(HANDLE key, ULONG index, NTSTATUS* status) {
    AnswerBuffer buffer;
    *status = query_all(buffer, [&](BYTE* data, ULONG length, ULONG* needed) {
        return NtEnumerateKey(key, index, KeyBasicInformation, data, length, needed);
    });
    if (!NT_SUCCESS(*status)) return std::nullopt;
    const auto* info = buffer.as<KEY_BASIC_INFORMATION>();
    return Utf16(reinterpret_cast<const char16_t*>(info->Name), info->NameLength / sizeof(char16_t));
}

NTSTATUS subkey_names(HANDLE key, std::vector<Utf16>* names) {
    for (ULONG index = 0;; ++index) {
        NTSTATUS status = STATUS_SUCCESS;
        auto name = name_of_subkey(key, index, &status);
        if (status == STATUS_NO_MORE_ENTRIES) return STATUS_SUCCESS;
        if (!name) return status;
        names->push_back(std::move(*name));
    }
}

NTSTATUS delete_subkeys(HANDLE key, unsigned depth) {
    if (depth > max_depth) return STATUS_NAME_TOO_LONG;
    for (;;) {  // always the first: deleting moves the others up
        NTSTATUS status = STATUS_SUCCESS;
        auto name = name_of_subkey(key, 0, &status);
        if (status == STATUS_NO_MORE_ENTRIES) return STATUS_SUCCESS;
        if (!name) return status;
        ScopedKey child;
        // A link is deleted itself, never what it points to.
        status = open_key(key, *name, delete_access, child.receive(), OBJ_OPENLINK);
        if (NT_SUCCESS(status)) status = delete_subkeys(child.handle(), depth + 1);
        if (NT_SUCCESS(status)) status = NtDeleteKey(child.handle());
        if (!NT_SUCCESS(status)) return status;
    }
}

NTSTATUS delete_values(HANDLE key) {
    for (;;) {
        AnswerBuffer buffer;
        NTSTATUS status = query_all(buffer, [&](BYTE* data, ULONG length, ULONG* needed) {
            return NtEnumerateValueKey(key, 0, KeyValueBasicInformation, data, length, needed);
        });
        if (status == STATUS_NO_MORE_ENTRIES) return STATUS_SUCCESS;
        if (!NT_SUCCESS(status)) return status;
        auto* info = reinterpret_cast<KEY_VALUE_BASIC_INFORMATION*>(buffer.data());
        UNICODE_STRING name{static_cast<USHORT>(info->NameLength), static_cast<USHORT>(info->NameLength), info->Name};
        status = NtDeleteValueKey(key, &name);
        if (!NT_SUCCESS(status)) return status;
    }
}

// The full NT path of a key; empty when it cannot be told.
Utf16 path_of(HANDLE key) {
    Utf16 path;
    (void)query_path(key, &path);
    return path;
}

NTSTATUS copy_values(HANDLE source, HANDLE target) {
    for (ULONG index = 0;; ++index) {
        AnswerBuffer buffer;
        NTSTATUS status = query_all(buffer, [&](BYTE* data, ULONG length, ULONG* needed) {
            return NtEnumerateValueKey(source, index, KeyValueFullInformation, data, length, needed);
        });
        if (status == STATUS_NO_MORE_ENTRIES) return STATUS_SUCCESS;
        if (!NT_SUCCESS(status)) return status;
        auto* info = reinterpret_cast<KEY_VALUE_FULL_INFORMATION*>(buffer.data());
        UNICODE_STRING name{static_cast<USHORT>(info->NameLength), static_cast<USHORT>(info->NameLength), info->Name};
        status = NtSetValueKey(target, &name, 0, info->Type, buffer.data() + info->DataOffset, info->DataLength);
        if (!NT_SUCCESS(status)) return status;
    }
}

// A key opened with OBJ_OPENLINK is a link when all it has is its link value.
bool is_link(HANDLE key) {
    AnswerBuffer buffer;
    if (!NT_SUCCESS(query_value(key, u"SymbolicLinkValue", buffer))) return false;
    if (buffer.as<KEY_VALUE_PARTIAL_INFORMATION>()->Type != REG_LINK) return false;
    AnswerBuffer full;
    NTSTATUS status = query_all(full, [&](BYTE* data, ULONG length, ULONG* needed) {
        return NtQueryKey(key, KeyFullInformation, data, length, needed);
    });
    if (!NT_SUCCESS(status)) return false;
    return full.as<KEY_FULL_INFORMATION>()->SubKeys == 0 && full.as<KEY_FULL_INFORMATION>()->Values == 1;
}

// The owner, group and DACL of a key; empty when the caller may not read them.
std::vector<BYTE> security_of(HANDLE key) {
    constexpr SECURITY_INFORMATION parts =
        OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
    ULONG needed = 0;
    if (NtQuerySecurityObject(key, parts, nullptr, 0, &needed) != STATUS_BUFFER_TOO_SMALL) return {};
    std::vector<BYTE> descriptor(needed);
    if (!NT_SUCCESS(NtQuerySecurityObject(key, parts, descriptor.data(), needed, &needed))) return {};
    return descriptor;
}

NTSTATUS create_copy(HANDLE source, HANDLE parent, Utf16View name, bool link, HANDLE* copy) {
    AnswerBuffer buffer;
    NTSTATUS status = query_all(buffer, [&](BYTE* data, ULONG length, ULONG* needed) {
        return NtQueryKey(source, KeyNodeInformation, data, length, needed);
    });
    if (!NT_SUCCESS(status)) return status;
    const auto* info = buffer.as<KEY_NODE_INFORMATION>();
    UNICODE_STRING class_name{};
    if (info->ClassLength > 0) {
        class_name.Length = class_name.MaximumLength = static_cast<USHORT>(info->ClassLength);
        class_name.Buffer = reinterpret_cast<PWSTR>(buffer.data() + info->ClassOffset);
    }
    std::vector<BYTE> security = security_of(source);
    UNICODE_STRING string = rtl::unicode_string(name);
    OBJECT_ATTRIBUTES object;
    InitializeObjectAttributes(&object, &string, OBJ_CASE_INSENSITIVE, parent,
                               security.empty() ? nullptr : security.data());
    return NtCreateKey(copy, MAXIMUM_ALLOWED, &object, 0, info->ClassLength > 0 ? &class_name : nullptr,
                       link ? REG_OPTION_CREATE_LINK : 0, nullptr);
}

class TreeCopy {
public:
    explicit TreeCopy(HANDLE target) : target_path_(path_of(target)) {}

    NTSTATUS copy(HANDLE source, HANDLE target, const Utf16& source_path, unsigned depth) {
        if (depth > max_depth) return STATUS_NAME_TOO_LONG;
        NTSTATUS status = copy_values(source, target);
        std::vector<Utf16> names;
        if (NT_SUCCESS(status)) status = subkey_names(source, &names);
        for (std::size_t index = 0; NT_SUCCESS(status) && index < names.size(); ++index) {
            const Utf16 path = source_path + u"\\" + names[index];
            // A target inside its own source is not copied into itself.
            if (rtl::equal_folded(path, target_path_)) continue;
            status = copy_subkey(source, target, names[index], path, depth);
        }
        return status;
    }

private:
    NTSTATUS copy_subkey(HANDLE source, HANDLE target, const Utf16& name, const Utf16& path, unsigned depth) {
        ScopedKey from;
        ScopedKey to;
        NTSTATUS status = open_key(source, name, KEY_READ, from.receive(), OBJ_OPENLINK);
        if (!NT_SUCCESS(status)) return status;
        const bool link = is_link(from.handle());
        status = create_copy(from.handle(), target, name, link, to.receive());
        return NT_SUCCESS(status) ? copy(from.handle(), to.handle(), path, depth + 1) : status;
    }

    Utf16 target_path_;
};

}  // namespace

extern "C" {

LSTATUS WINAPI RegDeleteTreeW(HKEY hKey, LPCWSTR lpSubKey) {
    KeyReference root(hKey);
    if (!NT_SUCCESS(root.status())) return to_error(root.status());
    const Utf16View name = units_of(lpSubKey);
    ScopedHkey subkey;
    NTSTATUS status = STATUS_SUCCESS;
    HANDLE key = root.handle();
    if (!name.empty()) {
        status = open_subkey(hKey, name, delete_access, 0, subkey.receive());
        key = subkey.handle();
    }
    if (NT_SUCCESS(status)) status = delete_subkeys(key, 0);
    // Without a name the key itself stays, emptied.
    if (NT_SUCCESS(status)) status = name.empty() ? delete_values(key) : NtDeleteKey(key);
    return to_error(status);
}

LSTATUS WINAPI RegCopyTreeW(HKEY hKeySrc, LPCWSTR lpSubKey, HKEY hKeyDest) {
    if (hKeySrc == nullptr) return ERROR_INVALID_HANDLE;
    KeyReference target(hKeyDest);
    if (!NT_SUCCESS(target.status())) return to_error(target.status());
    ScopedHkey subkey;
    NTSTATUS status = STATUS_SUCCESS;
    const Utf16View name = units_of(lpSubKey);
    if (!name.empty()) status = open_subkey(hKeySrc, name, KEY_READ, 0, subkey.receive());
    if (!NT_SUCCESS(status)) return to_error(status);
    KeyReference source(name.empty() ? hKeySrc : subkey.get());
    status = source.status();
    // Of both sides of HKEY_CLASSES_ROOT the user's comes last: its values stay.
    for (HANDLE side : {source.fallback(), source.handle()}) {
        if (!NT_SUCCESS(status) || side == nullptr) continue;
        status = TreeCopy(target.handle()).copy(side, target.handle(), path_of(side), 0);
    }
    return to_error(status);
}

LSTATUS WINAPI RegDeleteTreeA(HKEY hKey, LPCSTR lpSubKey) { return RegDeleteTreeW(hKey, WideArgument(lpSubKey).get()); }

LSTATUS WINAPI RegCopyTreeA(HKEY hKeySrc, LPCSTR lpSubKey, HKEY hKeyDest) {
    return RegCopyTreeW(hKeySrc, WideArgument(lpSubKey).get(), hKeyDest);
}
}
