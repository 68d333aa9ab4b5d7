// Hives as files: save, load, unload.
#include <unistd.h>

#include "nt/ntservices.h"
#include "win32/convert.h"
#include "win32/predefined.h"

using namespace regent;
using namespace regent::win32;

namespace {

bool is_one_format(DWORD flags) {
    return flags == REG_STANDARD_FORMAT || flags == REG_LATEST_FORMAT || flags == REG_NO_COMPRESSION;
}

NTSTATUS create_file(const Utf16& name, HANDLE* file) {
    if (name.size() > max_name_units) return STATUS_NAME_TOO_LONG;
    UNICODE_STRING string = rtl::unicode_string(name);
    OBJECT_ATTRIBUTES object;
    InitializeObjectAttributes(&object, &string, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
    IO_STATUS_BLOCK block{};
    return NtCreateFile(file, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE, &object, &block, nullptr, 0, 0, FILE_CREATE,
                        FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE, nullptr, 0);
}

// A save that failed leaves no file behind that could be taken for a hive.
void remove_partial(Utf16View file) {
    if (!file.starts_with(u"\\")) unlink(rtl::to_utf8(file).c_str());
}

// Of a key that HKEY_CLASSES_ROOT has on both sides, both together are saved.
LSTATUS save(HKEY root, LPCWSTR file_name, DWORD format) {
    const Utf16 name = nt_file_name(units_of(file_name));
    if (!is_one_format(format) || name.empty()) return ERROR_INVALID_PARAMETER;
    KeyReference key(root);
    if (!NT_SUCCESS(key.status())) return to_error(key.status());
    NTSTATUS status = STATUS_SUCCESS;
    {
        ScopedKey file;
        status = create_file(name, file.receive());
        if (!NT_SUCCESS(status)) return to_error(status);
        status = key.fallback() == nullptr ? NtSaveKeyEx(key.handle(), file.handle(), format)
                                           : NtSaveMergedKeys(key.handle(), key.fallback(), file.handle());
    }
    if (!NT_SUCCESS(status)) remove_partial(units_of(file_name));
    return to_error(status);
}

}  // namespace

extern "C" {

// HKEY_CLASSES_ROOT itself is documented as RegSaveKey's alone; that the error is this one is inferred.
LSTATUS WINAPI RegSaveKeyExW(HKEY hKey, LPCWSTR lpFile, const LPSECURITY_ATTRIBUTES, DWORD Flags) {
    if (is_one_format(Flags) && is_classes_root(hKey)) return ERROR_INVALID_HANDLE;
    return save(hKey, lpFile, Flags);
}

LSTATUS WINAPI RegSaveKeyW(HKEY hKey, LPCWSTR lpFile, const LPSECURITY_ATTRIBUTES) {
    return save(hKey, lpFile, REG_STANDARD_FORMAT);
}

LSTATUS WINAPI RegLoadKeyW(HKEY hKey, LPCWSTR lpSubKey, LPCWSTR lpFile) {
    const Utf16 file = nt_file_name(units_of(lpFile));
    const Utf16View subkey = units_of(lpSubKey);
    if (file.empty() || subkey.empty() || file.size() > max_name_units || subkey.size() > max_name_units) {
        return ERROR_INVALID_PARAMETER;
    }
    KeyReference key(hKey);
    if (!NT_SUCCESS(key.status())) return to_error(key.status());
    UNICODE_STRING target_name = rtl::unicode_string(subkey);
    UNICODE_STRING file_name = rtl::unicode_string(file);
    OBJECT_ATTRIBUTES target;
    OBJECT_ATTRIBUTES source;
    InitializeObjectAttributes(&target, &target_name, OBJ_CASE_INSENSITIVE, key.handle(), nullptr);
    InitializeObjectAttributes(&source, &file_name, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
    return to_error(NtLoadKey(&target, &source));
}

LSTATUS WINAPI RegUnLoadKeyW(HKEY hKey, LPCWSTR lpSubKey) {
    const Utf16View subkey = units_of(lpSubKey);
    if (subkey.empty() || subkey.size() > max_name_units) return ERROR_INVALID_PARAMETER;
    KeyReference key(hKey);
    if (!NT_SUCCESS(key.status())) return to_error(key.status());
    UNICODE_STRING target_name = rtl::unicode_string(subkey);
    OBJECT_ATTRIBUTES target;
    InitializeObjectAttributes(&target, &target_name, OBJ_CASE_INSENSITIVE, key.handle(), nullptr);
    return to_error(NtUnloadKey(&target));
}

LSTATUS WINAPI RegSaveKeyExA(HKEY hKey, LPCSTR lpFile, const LPSECURITY_ATTRIBUTES lpSecurityAttributes, DWORD Flags) {
    return RegSaveKeyExW(hKey, WideArgument(lpFile).get(), lpSecurityAttributes, Flags);
}

LSTATUS WINAPI RegSaveKeyA(HKEY hKey, LPCSTR lpFile, const LPSECURITY_ATTRIBUTES lpSecurityAttributes) {
    return RegSaveKeyW(hKey, WideArgument(lpFile).get(), lpSecurityAttributes);
}

LSTATUS WINAPI RegLoadKeyA(HKEY hKey, LPCSTR lpSubKey, LPCSTR lpFile) {
    return RegLoadKeyW(hKey, WideArgument(lpSubKey).get(), WideArgument(lpFile).get());
}

LSTATUS WINAPI RegUnLoadKeyA(HKEY hKey, LPCSTR lpSubKey) { return RegUnLoadKeyW(hKey, WideArgument(lpSubKey).get()); }
}
