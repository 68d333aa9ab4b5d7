// Files into keys: restore, replace, application hives.
#include <cstdio>
#include <random>

#include "nt/ntservices.h"
#include "win32/classes.h"
#include "win32/convert.h"
#include "win32/predefined.h"
#include "win32/value.h"

using namespace regent;
using namespace regent::win32;

namespace {

// OBJECT_ATTRIBUTES over a name that stays where it is. Not movable: the attributes point into it.
class NamedObject {
public:
    explicit NamedObject(Utf16View name, HANDLE root = nullptr) : string_(rtl::unicode_string(name)) {
        InitializeObjectAttributes(&attributes_, &string_, OBJ_CASE_INSENSITIVE, root, nullptr);
    }
    NamedObject(const NamedObject&) = delete;
    NamedObject& operator=(const NamedObject&) = delete;
    POBJECT_ATTRIBUTES get() { return &attributes_; }

private:
    UNICODE_STRING string_;
    OBJECT_ATTRIBUTES attributes_;
};

bool is_file_name(const Utf16& name) { return !name.empty() && name.size() <= max_name_units; }

NTSTATUS open_file(const Utf16& name, HANDLE* file) {
    NamedObject object(name);
    IO_STATUS_BLOCK block{};
    return NtCreateFile(file, GENERIC_READ | SYNCHRONIZE, object.get(), &block, nullptr, 0, FILE_SHARE_READ, FILE_OPEN,
                        FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE, nullptr, 0);
}

// A key that is not the root of its hive stands for that root: upwards until the service takes one.
NTSTATUS replace_upwards(HANDLE key, NamedObject& fresh, NamedObject& old) {
    NTSTATUS status = NtReplaceKey(fresh.get(), key, old.get());
    if (status != STATUS_INVALID_PARAMETER) return status;
    Utf16 path;
    if (const NTSTATUS named = query_path(key, &path); !NT_SUCCESS(named)) return named;
    while (status == STATUS_INVALID_PARAMETER) {
        const std::size_t end = path.rfind(u'\\');
        if (end == 0 || end == Utf16::npos) return status;
        path.resize(end);
        ScopedKey above;
        const NTSTATUS opened = open_key(nullptr, path, MAXIMUM_ALLOWED, above.receive());
        if (!NT_SUCCESS(opened)) return opened;
        status = NtReplaceKey(fresh.get(), above.handle(), old.get());
    }
    return status;
}

// A name that no other application hive has.
Utf16 fresh_hive_name() {
    std::random_device source;
    char text[64];
    std::snprintf(text, sizeof(text), "{%08x-%04x-%04x-%04x-%08x%04x}", source(), source() & 0xFFFF,
                  (source() & 0x0FFF) | 0x4000, (source() & 0x3FFF) | 0x8000, source(), source() & 0xFFFF);
    return rtl::from_utf8(text);
}

}  // namespace

extern "C" {

// ERRORS, in this order: INVALID_PARAMETER (no file), INVALID_HANDLE, the file's, NtRestoreKey's.
LSTATUS WINAPI RegRestoreKeyW(HKEY hKey, LPCWSTR lpFile, DWORD dwFlags) {
    const Utf16 name = nt_file_name(units_of(lpFile));
    if (!is_file_name(name)) return ERROR_INVALID_PARAMETER;
    KeyReference key(hKey);
    if (!NT_SUCCESS(key.status())) return to_error(key.status());
    ScopedKey file;
    NTSTATUS status = open_file(name, file.receive());
    if (NT_SUCCESS(status)) status = NtRestoreKey(key.handle(), file.handle(), dwFlags);
    return to_error(status);
}

// ERRORS, in this order: INVALID_PARAMETER (a file name), INVALID_HANDLE, the subkey's, NtReplaceKey's.
LSTATUS WINAPI RegReplaceKeyW(HKEY hKey, LPCWSTR lpSubKey, LPCWSTR lpNewFile, LPCWSTR lpOldFile) {
    const Utf16 new_name = nt_file_name(units_of(lpNewFile));
    const Utf16 old_name = nt_file_name(units_of(lpOldFile));
    if (!is_file_name(new_name) || !is_file_name(old_name)) return ERROR_INVALID_PARAMETER;
    HKEY subkey = nullptr;
    if (!units_of(lpSubKey).empty()) {
        const LSTATUS opened = RegCreateKeyW(hKey, lpSubKey, &subkey);
        if (opened != ERROR_SUCCESS) return opened;
    }
    ScopedKey owned(nt_handle(subkey));
    KeyReference key(subkey != nullptr ? subkey : hKey);
    if (!NT_SUCCESS(key.status())) return to_error(key.status());
    NamedObject fresh(new_name);
    NamedObject old(old_name);
    return to_error(replace_upwards(key.handle(), fresh, old));
}

// ERRORS, in this order: INVALID_PARAMETER, NtLoadKeyEx's.
LSTATUS WINAPI RegLoadAppKeyW(LPCWSTR lpFile, PHKEY phkResult, REGSAM samDesired, DWORD dwOptions, DWORD Reserved) {
    const Utf16 file = nt_file_name(units_of(lpFile));
    if (phkResult == nullptr || Reserved != 0 || !is_file_name(file)) return ERROR_INVALID_PARAMETER;
    if ((dwOptions & ~static_cast<DWORD>(REG_PROCESS_APPKEY)) != 0) return ERROR_INVALID_PARAMETER;
    *phkResult = nullptr;
    const Utf16 path = u"\\Registry\\A\\" + fresh_hive_name();
    NamedObject target(path);
    NamedObject source(file);
    const ULONG flags = REG_APP_HIVE | ((dwOptions & REG_PROCESS_APPKEY) != 0 ? REG_PROCESS_PRIVATE : 0);
    HANDLE root = nullptr;
    const NTSTATUS status =
        NtLoadKeyEx(target.get(), source.get(), flags, nullptr, nullptr, samDesired, &root, nullptr);
    if (NT_SUCCESS(status)) *phkResult = static_cast<HKEY>(root);
    return to_error(status);
}

LSTATUS WINAPI RegRestoreKeyA(HKEY hKey, LPCSTR lpFile, DWORD dwFlags) {
    return RegRestoreKeyW(hKey, WideArgument(lpFile).get(), dwFlags);
}

LSTATUS WINAPI RegReplaceKeyA(HKEY hKey, LPCSTR lpSubKey, LPCSTR lpNewFile, LPCSTR lpOldFile) {
    return RegReplaceKeyW(hKey, WideArgument(lpSubKey).get(), WideArgument(lpNewFile).get(),
                          WideArgument(lpOldFile).get());
}

LSTATUS WINAPI RegLoadAppKeyA(LPCSTR lpFile, PHKEY phkResult, REGSAM samDesired, DWORD dwOptions, DWORD Reserved) {
    return RegLoadAppKeyW(WideArgument(lpFile).get(), phkResult, samDesired, dwOptions, Reserved);
}
}
