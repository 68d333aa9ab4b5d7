/* redirect: whoever opens or creates a key below Parameters\Subtree gets the key of the same name below Parameters\To.
   By bypass: the driver opens the other key itself and hands its object out; the Configuration Manager makes the
   caller's handle on it and does nothing else. */
#include "common/filter.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD RedirectUnload;
static EX_CALLBACK_FUNCTION RedirectCallback;

static FILTER g_Filter;
static WCHAR g_ToBuffer[260];
static UNICODE_STRING g_To = {0, sizeof(g_ToBuffer), g_ToBuffer};

/* To + what follows Subtree in `Path`. */
static NTSTATUS TargetOf(PCUNICODE_STRING Path, PUNICODE_STRING Target) {
    UNICODE_STRING rest;

    rest.Buffer = Path->Buffer + g_Filter.Subtree.Length / sizeof(WCHAR);
    rest.Length = rest.MaximumLength = (USHORT)(Path->Length - g_Filter.Subtree.Length);
    Target->Length = 0;
    Target->MaximumLength = (USHORT)(g_To.Length + rest.Length);
    Target->Buffer = ExAllocatePoolWithTag(PagedPool, Target->MaximumLength, DRIVER_POOL_TAG);
    if (Target->Buffer == NULL) return STATUS_INSUFFICIENT_RESOURCES;
    RtlCopyUnicodeString(Target, &g_To);
    return RtlAppendUnicodeStringToString(Target, &rest);
}

/* Opens the target with the caller's rights: a Zw routine alone would open it for anybody. */
static NTSTATUS OpenTarget(PREG_CREATE_KEY_INFORMATION Information, BOOLEAN Create, PUNICODE_STRING Target) {
    ULONG check = ExGetPreviousMode() == UserMode ? OBJ_FORCE_ACCESS_CHECK : 0;
    OBJECT_HANDLE_INFORMATION granted;
    OBJECT_ATTRIBUTES attributes;
    ULONG disposition = REG_OPENED_EXISTING_KEY;
    HANDLE key;
    NTSTATUS status;

    InitializeObjectAttributes(&attributes, Target, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE | check, NULL,
                               Information->SecurityDescriptor);
    status = Create ? ZwCreateKey(&key, Information->DesiredAccess, &attributes, 0, Information->Class,
                                  Information->CreateOptions, &disposition)
                    : ZwOpenKey(&key, Information->DesiredAccess, &attributes);
    if (!NT_SUCCESS(status)) return status;
    status = ObReferenceObjectByHandle(key, 0, NULL, KernelMode, Information->ResultObject, &granted);
    ZwClose(key);
    if (!NT_SUCCESS(status)) return status;
    Information->GrantedAccess = granted.GrantedAccess;
    if (Information->Disposition != NULL) *Information->Disposition = disposition;
    return STATUS_CALLBACK_BYPASS; /* the reference is the Configuration Manager's now */
}

static NTSTATUS NTAPI RedirectCallback(PVOID CallbackContext, PVOID Argument1, PVOID Argument2) {
    REG_NOTIFY_CLASS operation = (REG_NOTIFY_CLASS)(ULONG_PTR)Argument1;
    UNICODE_STRING path;
    UNICODE_STRING target;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(CallbackContext);
    if (operation != RegNtPreOpenKeyEx && operation != RegNtPreCreateKeyEx) return STATUS_SUCCESS;
    if (!NT_SUCCESS(CompletePath(&g_Filter.Cookie, Argument2, &path))) return STATUS_SUCCESS;
    status = STATUS_SUCCESS;
    if (IsInSubtree(&g_Filter.Subtree, &path) && NT_SUCCESS(status = TargetOf(&path, &target))) {
        status = OpenTarget(Argument2, (BOOLEAN)(operation == RegNtPreCreateKeyEx), &target);
        ExFreePoolWithTag(target.Buffer, DRIVER_POOL_TAG);
    }
    ExFreePoolWithTag(path.Buffer, DRIVER_POOL_TAG);
    return status;
}

static VOID NTAPI RedirectUnload(PDRIVER_OBJECT DriverObject) {
    UNREFERENCED_PARAMETER(DriverObject);
    FilterStop(&g_Filter);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
    NTSTATUS status = ReadStringParameter(RegistryPath, L"To", &g_To);

    if (!NT_SUCCESS(status)) return status;
    status = FilterStart(&g_Filter, DriverObject, RegistryPath, L"260010", RedirectCallback, RedirectUnload);
    if (NT_SUCCESS(status) && g_Filter.Subtree.Length == 0) { /* everything redirected would be nothing redirected */
        FilterStop(&g_Filter);
        return STATUS_INVALID_PARAMETER;
    }
    return status;
}
