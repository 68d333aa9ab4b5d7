// Keys in transactions, and the transactions themselves (ktmw32.dll). Views are those of the other calls; the merged
// classes are not seen through a transaction: HKEY_CLASSES_ROOT is the machine's part.
#include "nt/ntservices.h"
#include "win32/classes.h"
#include "win32/convert.h"
#include "win32/ktmw32.h"

using namespace regent;
using namespace regent::win32;

namespace {

// What all three calls refuse alike. ERRORS, in this order: INVALID_PARAMETER, BAD_PATHNAME.
LSTATUS check(LPCWSTR subkey, REGSAM access, PVOID extended) {
    if (subkey == nullptr || extended != nullptr || (access & view_flags) == view_flags) return ERROR_INVALID_PARAMETER;
    const Utf16View name = units_of(subkey);
    if (name.starts_with(u'\\')) return ERROR_BAD_PATHNAME;
    return name.size() > max_name_units ? ERROR_INVALID_PARAMETER : ERROR_SUCCESS;
}

class Attributes {
public:
    Attributes(HANDLE root, Utf16View name, ULONG flags, PVOID descriptor) : string_(rtl::unicode_string(name)) {
        InitializeObjectAttributes(&object_, &string_, OBJ_CASE_INSENSITIVE | flags, root, descriptor);
    }
    POBJECT_ATTRIBUTES get() { return &object_; }

private:
    UNICODE_STRING string_;
    OBJECT_ATTRIBUTES object_{};
};

NTSTATUS open_in(const SubkeyName& name, ACCESS_MASK access, HANDLE transaction, HANDLE* key) {
    return NtOpenKeyTransacted(key, access & ~view_flags, Attributes(name.root(), name.name(), 0, nullptr).get(),
                               transaction);
}

struct Creation {
    ACCESS_MASK access;
    PVOID descriptor;
    PUNICODE_STRING class_name;
    ULONG options;
    HANDLE transaction;
};

NTSTATUS create_in(HANDLE root, Utf16View name, const Creation& call, HANDLE* key, ULONG* disposition) {
    return NtCreateKeyTransacted(key, call.access, Attributes(root, name, 0, call.descriptor).get(), 0, call.class_name,
                                 call.options, call.transaction, disposition);
}

// What is missing on the way, in the transaction too (TR-18).
NTSTATUS create_parents(HANDLE root, Utf16View name, const Creation& call) {
    const Creation parent{MAXIMUM_ALLOWED, nullptr, nullptr, call.options & ULONG{REG_OPTION_VOLATILE},
                          call.transaction};
    // Of an absolute name \Registry, its parts and the hives' roots are there.
    const std::size_t first = root == nullptr ? name.find(u'\\', std::size(u"\\REGISTRY\\MACHINE\\") - 1) : 0;
    for (std::size_t end = name.find(u'\\', first); end != Utf16View::npos; end = name.find(u'\\', end + 1)) {
        ScopedKey key;
        const NTSTATUS status = create_in(root, name.substr(0, end), parent, key.receive(), nullptr);
        if (!NT_SUCCESS(status)) return status;
    }
    return STATUS_SUCCESS;
}

NTSTATUS create_whole_path(const SubkeyName& name, const Creation& call, HANDLE* key, ULONG* disposition) {
    NTSTATUS status = create_in(name.root(), name.name(), call, key, disposition);
    if (status != STATUS_OBJECT_NAME_NOT_FOUND) return status;
    status = create_parents(name.root(), name.name(), call);
    return NT_SUCCESS(status) ? create_in(name.root(), name.name(), call, key, disposition) : status;
}

BOOL told(NTSTATUS status) {
    if (NT_SUCCESS(status)) return TRUE;
    SetLastError(static_cast<DWORD>(to_error(status)));
    return FALSE;
}

}  // namespace

extern "C" {

LSTATUS WINAPI RegOpenKeyTransactedW(HKEY hKey, LPCWSTR lpSubKey, DWORD ulOptions, REGSAM samDesired, PHKEY phkResult,
                                     HANDLE hTransaction, PVOID pExtendedParemeter) {
    if (phkResult == nullptr || ulOptions != 0) return ERROR_INVALID_PARAMETER;
    *phkResult = nullptr;
    // NULL is a new handle to the same key here.
    const LPCWSTR subkey = lpSubKey == nullptr ? u"" : lpSubKey;
    if (LSTATUS error = check(subkey, samDesired, pExtendedParemeter); error != ERROR_SUCCESS) return error;
    SubkeyName name;
    NTSTATUS status = name.resolve(hKey, units_of(subkey), samDesired, KeyReference::Sides::own);
    HANDLE key = nullptr;
    if (NT_SUCCESS(status)) status = open_in(name, samDesired, hTransaction, &key);
    if (!NT_SUCCESS(status)) return to_error(status);
    *phkResult = name.transacted_key_of(key);
    return ERROR_SUCCESS;
}

LSTATUS WINAPI RegCreateKeyTransactedW(HKEY hKey, LPCWSTR lpSubKey, DWORD Reserved, LPWSTR lpClass, DWORD dwOptions,
                                       REGSAM samDesired, const LPSECURITY_ATTRIBUTES lpSecurityAttributes,
                                       PHKEY phkResult, LPDWORD lpdwDisposition, HANDLE hTransaction,
                                       PVOID pExtendedParemeter) {
    constexpr DWORD legal = REG_OPTION_VOLATILE | REG_OPTION_BACKUP_RESTORE;
    if (phkResult == nullptr || Reserved != 0 || (dwOptions & ~legal) != 0) return ERROR_INVALID_PARAMETER;
    *phkResult = nullptr;
    if (LSTATUS error = check(lpSubKey, samDesired, pExtendedParemeter); error != ERROR_SUCCESS) return error;
    Utf16View path = units_of(lpSubKey);
    while (path.ends_with(u'\\')) path.remove_suffix(1);
    SubkeyName name;
    NTSTATUS status = name.resolve(hKey, path, samDesired, KeyReference::Sides::own);
    PVOID descriptor = lpSecurityAttributes != nullptr ? lpSecurityAttributes->lpSecurityDescriptor : nullptr;
    UNICODE_STRING class_name = rtl::unicode_string(units_of(lpClass));
    const Creation call{samDesired & ~view_flags, descriptor, lpClass != nullptr ? &class_name : nullptr, dwOptions,
                        hTransaction};
    HANDLE key = nullptr;
    ULONG disposition = 0;
    if (NT_SUCCESS(status)) status = create_whole_path(name, call, &key, &disposition);
    if (!NT_SUCCESS(status)) return to_error(status);
    *phkResult = name.transacted_key_of(key);
    if (lpdwDisposition != nullptr) *lpdwDisposition = disposition;
    return ERROR_SUCCESS;
}

// The rights of `hKey` do not matter: the subkey is opened with DELETE (TR-17).
LSTATUS WINAPI RegDeleteKeyTransactedW(HKEY hKey, LPCWSTR lpSubKey, REGSAM samDesired, DWORD Reserved,
                                       HANDLE hTransaction, PVOID pExtendedParameter) {
    if (Reserved != 0) return ERROR_INVALID_PARAMETER;
    if (LSTATUS error = check(lpSubKey, samDesired, pExtendedParameter); error != ERROR_SUCCESS) return error;
    SubkeyName name;
    NTSTATUS status = name.resolve(hKey, units_of(lpSubKey), samDesired, KeyReference::Sides::own);
    ScopedKey key;
    if (NT_SUCCESS(status)) status = open_in(name, DELETE, hTransaction, key.receive());
    if (NT_SUCCESS(status)) status = NtDeleteKey(key.handle());
    return to_error(status);
}

LSTATUS WINAPI RegOpenKeyTransactedA(HKEY hKey, LPCSTR lpSubKey, DWORD ulOptions, REGSAM samDesired, PHKEY phkResult,
                                     HANDLE hTransaction, PVOID pExtendedParemeter) {
    return RegOpenKeyTransactedW(hKey, WideArgument(lpSubKey).get(), ulOptions, samDesired, phkResult, hTransaction,
                                 pExtendedParemeter);
}

LSTATUS WINAPI RegCreateKeyTransactedA(HKEY hKey, LPCSTR lpSubKey, DWORD Reserved, LPSTR lpClass, DWORD dwOptions,
                                       REGSAM samDesired, const LPSECURITY_ATTRIBUTES lpSecurityAttributes,
                                       PHKEY phkResult, LPDWORD lpdwDisposition, HANDLE hTransaction,
                                       PVOID pExtendedParemeter) {
    WideArgument class_name(lpClass);
    return RegCreateKeyTransactedW(hKey, WideArgument(lpSubKey).get(), Reserved, class_name.get_mutable(), dwOptions,
                                   samDesired, lpSecurityAttributes, phkResult, lpdwDisposition, hTransaction,
                                   pExtendedParemeter);
}

LSTATUS WINAPI RegDeleteKeyTransactedA(HKEY hKey, LPCSTR lpSubKey, REGSAM samDesired, DWORD Reserved,
                                       HANDLE hTransaction, PVOID pExtendedParameter) {
    return RegDeleteKeyTransactedW(hKey, WideArgument(lpSubKey).get(), samDesired, Reserved, hTransaction,
                                   pExtendedParameter);
}

// ---- ktmw32.dll

HANDLE WINAPI CreateTransaction(LPSECURITY_ATTRIBUTES lpTransactionAttributes, LPGUID UOW, DWORD CreateOptions,
                                DWORD IsolationLevel, DWORD IsolationFlags, DWORD Timeout, LPWSTR Description) {
    const bool inherited = lpTransactionAttributes != nullptr && lpTransactionAttributes->bInheritHandle != 0;
    PVOID descriptor = lpTransactionAttributes != nullptr ? lpTransactionAttributes->lpSecurityDescriptor : nullptr;
    Attributes object(nullptr, {}, inherited ? OBJ_INHERIT : 0, descriptor);
    LARGE_INTEGER timeout;
    timeout.QuadPart = -LONGLONG{10000} * Timeout;
    UNICODE_STRING description = rtl::unicode_string(units_of(Description));
    HANDLE transaction = nullptr;
    const NTSTATUS status = NtCreateTransaction(
        &transaction, TRANSACTION_ALL_ACCESS, object.get(), UOW, nullptr, CreateOptions, IsolationLevel, IsolationFlags,
        Timeout == 0 || Timeout == INFINITE ? nullptr : &timeout, Description != nullptr ? &description : nullptr);
    return told(status) ? transaction : INVALID_HANDLE_VALUE;
}

HANDLE WINAPI OpenTransaction(DWORD dwDesiredAccess, LPGUID TransactionId) {
    HANDLE transaction = nullptr;
    const NTSTATUS status = NtOpenTransaction(&transaction, dwDesiredAccess, nullptr, TransactionId, nullptr);
    return told(status) ? transaction : INVALID_HANDLE_VALUE;
}

BOOL WINAPI CommitTransaction(HANDLE TransactionHandle) { return told(NtCommitTransaction(TransactionHandle, TRUE)); }

BOOL WINAPI RollbackTransaction(HANDLE TransactionHandle) {
    return told(NtRollbackTransaction(TransactionHandle, TRUE));
}

BOOL WINAPI GetTransactionId(HANDLE TransactionHandle, LPGUID TransactionId) {
    if (TransactionId == nullptr) return told(STATUS_INVALID_PARAMETER);
    TRANSACTION_BASIC_INFORMATION info{};
    const NTSTATUS status =
        NtQueryInformationTransaction(TransactionHandle, TransactionBasicInformation, &info, sizeof(info), nullptr);
    if (!told(status)) return FALSE;
    *TransactionId = info.TransactionId;
    return TRUE;
}

}  // extern "C"
