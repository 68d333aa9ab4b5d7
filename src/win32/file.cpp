// Devices and files: CreateFile, ReadFile, WriteFile, DeviceIoControl, overlapped results.
#include "nt/ntservices.h"
#include "win32/convert.h"
#include "win32/predefined.h"

using namespace regent;
using namespace regent::win32;

namespace {

BOOL fail_with(DWORD error) {
    SetLastError(error);
    return FALSE;
}

// NT's disposition of a Win32 one; 0xFFFFFFFF for an unknown number. Indexed by CREATE_NEW ...
ULONG nt_disposition(DWORD disposition) {
    static constexpr ULONG table[] = {0xFFFFFFFF, FILE_CREATE,  FILE_OVERWRITE_IF,
                                      FILE_OPEN,  FILE_OPEN_IF, FILE_OVERWRITE};
    return disposition < std::size(table) ? table[disposition] : 0xFFFFFFFF;
}

// One read, write or control call: overlapped requests report into the OVERLAPPED, whose first members are an
// IO_STATUS_BLOCK; the others wait here when the driver made them pend.
template <typename Call>
BOOL transfer(HANDLE file, DWORD* transferred, OVERLAPPED* overlapped, Call call) {
    IO_STATUS_BLOCK local{};
    auto* block = overlapped != nullptr ? reinterpret_cast<IO_STATUS_BLOCK*>(overlapped) : &local;
    HANDLE event = nullptr;
    LARGE_INTEGER offset{};
    LARGE_INTEGER* where = nullptr;
    if (overlapped != nullptr) {
        // The low bit of the event keeps completions off a port; there are no ports here, and it is no part of a
        // handle.
        event = reinterpret_cast<HANDLE>(reinterpret_cast<ULONG_PTR>(overlapped->hEvent) & ~ULONG_PTR{1});
        overlapped->Internal = static_cast<ULONG_PTR>(STATUS_PENDING);
        offset.u.LowPart = overlapped->Offset;
        offset.u.HighPart = static_cast<LONG>(overlapped->OffsetHigh);
        where = &offset;
    }
    if (transferred != nullptr) *transferred = 0;
    NTSTATUS status = call(event, block, where);
    if (status == STATUS_PENDING && overlapped == nullptr) {
        status = NtWaitForSingleObject(file, FALSE, nullptr);
        if (NT_SUCCESS(status)) status = block->Status;
    }
    if (status == STATUS_PENDING) return fail_with(ERROR_IO_PENDING);
    if (transferred != nullptr && (NT_SUCCESS(status) || status == STATUS_BUFFER_OVERFLOW)) {
        *transferred = static_cast<DWORD>(block->Information);
    }
    if (status == STATUS_END_OF_FILE && overlapped == nullptr) return TRUE;  // a plain read at the end gives 0 bytes
    return NT_SUCCESS(status) ? TRUE : fail_with(RtlNtStatusToDosError(status));
}

}  // namespace

extern "C" {

HANDLE WINAPI CreateFileW(LPCWSTR lpFileName, DWORD dwDesiredAccess, DWORD dwShareMode,
                          LPSECURITY_ATTRIBUTES lpSecurityAttributes, DWORD dwCreationDisposition,
                          DWORD dwFlagsAndAttributes, HANDLE) {
    const Utf16 path = nt_file_name(units_of(lpFileName));
    const ULONG disposition = nt_disposition(dwCreationDisposition);
    if (path.empty() || path.size() > max_name_units || disposition == 0xFFFFFFFF) {
        SetLastError(path.empty() ? ERROR_PATH_NOT_FOUND : ERROR_INVALID_PARAMETER);
        return INVALID_HANDLE_VALUE;
    }
    UNICODE_STRING name = rtl::unicode_string(path);
    OBJECT_ATTRIBUTES object;
    InitializeObjectAttributes(&object, &name, OBJ_CASE_INSENSITIVE, nullptr,
                               lpSecurityAttributes != nullptr ? lpSecurityAttributes->lpSecurityDescriptor : nullptr);
    const ULONG options = (dwFlagsAndAttributes & FILE_FLAG_OVERLAPPED) != 0 ? 0 : FILE_SYNCHRONOUS_IO_NONALERT;
    HANDLE file = nullptr;
    IO_STATUS_BLOCK block{};
    NTSTATUS status = NtCreateFile(&file, dwDesiredAccess | SYNCHRONIZE | FILE_READ_ATTRIBUTES, &object, &block,
                                   nullptr, dwFlagsAndAttributes & 0xFFFF, dwShareMode, disposition,
                                   options | FILE_NON_DIRECTORY_FILE, nullptr, 0);
    if (!NT_SUCCESS(status)) {
        // An existing file is ERROR_FILE_EXISTS here, where a key would be ERROR_ALREADY_EXISTS.
        SetLastError(status == STATUS_OBJECT_NAME_COLLISION ? ERROR_FILE_EXISTS : RtlNtStatusToDosError(status));
        return INVALID_HANDLE_VALUE;
    }
    const bool existed = (dwCreationDisposition == CREATE_ALWAYS || dwCreationDisposition == OPEN_ALWAYS) &&
                         block.Information != FILE_CREATED;
    SetLastError(existed ? ERROR_ALREADY_EXISTS : ERROR_SUCCESS);
    return file;
}

HANDLE WINAPI CreateFileA(LPCSTR lpFileName, DWORD dwDesiredAccess, DWORD dwShareMode,
                          LPSECURITY_ATTRIBUTES lpSecurityAttributes, DWORD dwCreationDisposition,
                          DWORD dwFlagsAndAttributes, HANDLE hTemplateFile) {
    return CreateFileW(WideArgument(lpFileName).get(), dwDesiredAccess, dwShareMode, lpSecurityAttributes,
                       dwCreationDisposition, dwFlagsAndAttributes, hTemplateFile);
}

BOOL WINAPI ReadFile(HANDLE hFile, LPVOID lpBuffer, DWORD nNumberOfBytesToRead, LPDWORD lpNumberOfBytesRead,
                     LPOVERLAPPED lpOverlapped) {
    return transfer(
        hFile, lpNumberOfBytesRead, lpOverlapped, [&](HANDLE event, IO_STATUS_BLOCK* block, LARGE_INTEGER* offset) {
            return NtReadFile(hFile, event, nullptr, nullptr, block, lpBuffer, nNumberOfBytesToRead, offset, nullptr);
        });
}

BOOL WINAPI WriteFile(HANDLE hFile, LPCVOID lpBuffer, DWORD nNumberOfBytesToWrite, LPDWORD lpNumberOfBytesWritten,
                      LPOVERLAPPED lpOverlapped) {
    return transfer(hFile, lpNumberOfBytesWritten, lpOverlapped,
                    [&](HANDLE event, IO_STATUS_BLOCK* block, LARGE_INTEGER* offset) {
                        return NtWriteFile(hFile, event, nullptr, nullptr, block, const_cast<LPVOID>(lpBuffer),
                                           nNumberOfBytesToWrite, offset, nullptr);
                    });
}

BOOL WINAPI DeviceIoControl(HANDLE hDevice, DWORD dwIoControlCode, LPVOID lpInBuffer, DWORD nInBufferSize,
                            LPVOID lpOutBuffer, DWORD nOutBufferSize, LPDWORD lpBytesReturned,
                            LPOVERLAPPED lpOverlapped) {
    return transfer(hDevice, lpBytesReturned, lpOverlapped, [&](HANDLE event, IO_STATUS_BLOCK* block, LARGE_INTEGER*) {
        return NtDeviceIoControlFile(hDevice, event, nullptr, nullptr, block, dwIoControlCode, lpInBuffer,
                                     nInBufferSize, lpOutBuffer, nOutBufferSize);
    });
}

BOOL WINAPI GetOverlappedResult(HANDLE hFile, LPOVERLAPPED lpOverlapped, LPDWORD lpNumberOfBytesTransferred,
                                BOOL bWait) {
    auto* block = reinterpret_cast<IO_STATUS_BLOCK*>(lpOverlapped);
    if (__atomic_load_n(&block->Status, __ATOMIC_ACQUIRE) == STATUS_PENDING) {
        if (!bWait) return fail_with(ERROR_IO_INCOMPLETE);
        HANDLE waitable = lpOverlapped->hEvent != nullptr ? lpOverlapped->hEvent : hFile;
        NTSTATUS status = NtWaitForSingleObject(waitable, FALSE, nullptr);
        if (!NT_SUCCESS(status)) return fail_with(RtlNtStatusToDosError(status));
    }
    const NTSTATUS status = block->Status;
    if (lpNumberOfBytesTransferred != nullptr) *lpNumberOfBytesTransferred = static_cast<DWORD>(block->Information);
    return NT_SUCCESS(status) ? TRUE : fail_with(RtlNtStatusToDosError(status));
}

BOOL WINAPI CancelIo(HANDLE hFile) {
    IO_STATUS_BLOCK block{};
    NTSTATUS status = NtCancelIoFile(hFile, &block);
    return NT_SUCCESS(status) ? TRUE : fail_with(RtlNtStatusToDosError(status));
}
}
