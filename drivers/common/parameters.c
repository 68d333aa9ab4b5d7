#include "parameters.h"

/* Room for a string value of 260 characters. */
#define VALUE_BYTES (sizeof(KEY_VALUE_PARTIAL_INFORMATION) + 520)

static NTSTATUS OpenParameters(PUNICODE_STRING RegistryPath, PHANDLE Key) {
    static const WCHAR subkey[] = L"\\Parameters";
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING path;
    NTSTATUS status;

    path.Length = 0;
    path.MaximumLength = (USHORT)(RegistryPath->Length + sizeof(subkey));
    path.Buffer = ExAllocatePoolWithTag(PagedPool, path.MaximumLength, DRIVER_POOL_TAG);
    if (path.Buffer == NULL) return STATUS_INSUFFICIENT_RESOURCES;
    RtlCopyUnicodeString(&path, RegistryPath);
    RtlAppendUnicodeToString(&path, subkey);
    InitializeObjectAttributes(&attributes, &path, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    status = ZwOpenKey(Key, KEY_QUERY_VALUE, &attributes);
    ExFreePoolWithTag(path.Buffer, DRIVER_POOL_TAG);
    return status;
}

static NTSTATUS QueryParameter(PUNICODE_STRING RegistryPath, PCWSTR ValueName, PKEY_VALUE_PARTIAL_INFORMATION Value,
                               ULONG Length) {
    UNICODE_STRING name;
    HANDLE key;
    ULONG needed;
    NTSTATUS status = OpenParameters(RegistryPath, &key);

    if (!NT_SUCCESS(status)) return status;
    RtlInitUnicodeString(&name, ValueName);
    status = ZwQueryValueKey(key, &name, KeyValuePartialInformation, Value, Length, &needed);
    ZwClose(key);
    return status;
}

ULONG ReadDwordParameter(PUNICODE_STRING RegistryPath, PCWSTR ValueName, ULONG Default) {
    ULONGLONG buffer[VALUE_BYTES / sizeof(ULONGLONG)];
    PKEY_VALUE_PARTIAL_INFORMATION value = (PKEY_VALUE_PARTIAL_INFORMATION)buffer;
    ULONG result;

    if (!NT_SUCCESS(QueryParameter(RegistryPath, ValueName, value, sizeof(buffer)))) return Default;
    if (value->Type != REG_DWORD || value->DataLength != sizeof(result)) return Default;
    RtlCopyMemory(&result, value->Data, sizeof(result));
    return result;
}

NTSTATUS ReadStringParameter(PUNICODE_STRING RegistryPath, PCWSTR ValueName, PUNICODE_STRING Value) {
    ULONGLONG buffer[VALUE_BYTES / sizeof(ULONGLONG)];
    PKEY_VALUE_PARTIAL_INFORMATION value = (PKEY_VALUE_PARTIAL_INFORMATION)buffer;
    UNICODE_STRING text;
    NTSTATUS status = QueryParameter(RegistryPath, ValueName, value, sizeof(buffer));

    if (!NT_SUCCESS(status)) return status;
    if (value->Type != REG_SZ && value->Type != REG_EXPAND_SZ) return STATUS_OBJECT_TYPE_MISMATCH;
    text.Buffer = (PWCH)value->Data;
    text.Length = (USHORT)(value->DataLength & ~1u);
    while (text.Length != 0 && text.Buffer[text.Length / sizeof(WCHAR) - 1] == 0) text.Length -= sizeof(WCHAR);
    text.MaximumLength = text.Length;
    if (text.Length > Value->MaximumLength) return STATUS_BUFFER_TOO_SMALL;
    RtlCopyUnicodeString(Value, &text);
    return STATUS_SUCCESS;
}
