/* Prints what the notify routines are told; a process's beginning and end are values of Software\Notify as well, for
   programs elsewhere. A program called "refused" is not let in. */
#include <ntifs.h>

static VOID Record(HANDLE id, PCWSTR what, PCUNICODE_STRING text) {
    UNICODE_STRING path, name;
    OBJECT_ATTRIBUTES attributes;
    HANDLE key;
    WCHAR buffer[32];
    WCHAR none = 0;

    RtlInitUnicodeString(&path, L"\\Registry\\Machine\\Software\\Notify");
    InitializeObjectAttributes(&attributes, &path, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    if (!NT_SUCCESS(ZwCreateKey(&key, KEY_SET_VALUE, &attributes, 0, NULL, REG_OPTION_VOLATILE, NULL))) return;
    name.Buffer = buffer;
    name.Length = 0;
    name.MaximumLength = sizeof(buffer);
    RtlIntegerToUnicodeString((ULONG)(ULONG_PTR)id, 10, &name);
    RtlAppendUnicodeToString(&name, what);
    ZwSetValueKey(key, &name, 0, REG_SZ, text != NULL ? text->Buffer : &none,
                  text != NULL ? text->Length : sizeof(WCHAR));
    ZwClose(key);
}

static BOOLEAN EndsWith(PCUNICODE_STRING text, PCWSTR end) {
    UNICODE_STRING wanted, tail;
    RtlInitUnicodeString(&wanted, end);
    if (text->Length < wanted.Length) return FALSE;
    tail.Length = tail.MaximumLength = wanted.Length;
    tail.Buffer = text->Buffer + (text->Length - wanted.Length) / sizeof(WCHAR);
    return RtlEqualUnicodeString(&tail, &wanted, TRUE);
}

static VOID NTAPI OnProcess(PEPROCESS process, HANDLE id, PPS_CREATE_NOTIFY_INFO info) {
    if (PsGetProcessId(process) != id || KeGetCurrentIrql() != PASSIVE_LEVEL) DbgPrint("notify: wrong process\n");
    if (info == NULL) {
        DbgPrint("notify: process %u ended\n", (ULONG)(ULONG_PTR)id);
        Record(id, L" ended", NULL);
        return;
    }
    DbgPrint("notify: process %u of %u: %wZ, %wZ\n", (ULONG)(ULONG_PTR)id, (ULONG)(ULONG_PTR)info->ParentProcessId,
             info->ImageFileName, info->CommandLine);
    Record(id, L" began", info->ImageFileName);
    if (EndsWith(info->ImageFileName, L"\\refused")) info->CreationStatus = STATUS_ACCESS_DENIED;
}

static VOID NTAPI OnOldProcess(HANDLE parent, HANDLE id, BOOLEAN create) {
    UNREFERENCED_PARAMETER(parent);
    DbgPrint("notify: old routine: process %u %s\n", (ULONG)(ULONG_PTR)id, create ? "began" : "ended");
}

static VOID NTAPI OnThread(HANDLE process, HANDLE thread, BOOLEAN create) {
    DbgPrint("notify: thread %u of %u %s\n", (ULONG)(ULONG_PTR)thread, (ULONG)(ULONG_PTR)process,
             create ? "began" : "ended");
}

static VOID NTAPI OnImage(PUNICODE_STRING name, HANDLE process, PIMAGE_INFO info) {
    DbgPrint("notify: image %wZ in %u, system mode %u, size %s\n", name, (ULONG)(ULONG_PTR)process,
             (ULONG)info->SystemModeImage, info->ImageSize != 0 ? "known" : "0");
}

static VOID NTAPI Unload(PDRIVER_OBJECT driver) {
    NTSTATUS status;
    UNREFERENCED_PARAMETER(driver);
    status = PsSetCreateProcessNotifyRoutineEx(OnProcess, TRUE);
    if (NT_SUCCESS(status)) status = PsSetCreateProcessNotifyRoutine(OnOldProcess, TRUE);
    if (NT_SUCCESS(status)) status = PsRemoveCreateThreadNotifyRoutine(OnThread);
    if (NT_SUCCESS(status)) status = PsRemoveLoadImageNotifyRoutine(OnImage);
    if (NT_SUCCESS(status) && PsRemoveLoadImageNotifyRoutine(OnImage) == STATUS_PROCEDURE_NOT_FOUND &&
        PsSetCreateProcessNotifyRoutineEx(OnProcess, TRUE) == STATUS_INVALID_PARAMETER)
        DbgPrint("notify: removed\n");
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path) {
    NTSTATUS status;
    UNREFERENCED_PARAMETER(path);
    driver->DriverUnload = Unload;
    status = PsSetCreateProcessNotifyRoutineEx(OnProcess, FALSE);
    if (!NT_SUCCESS(status)) return status;
    if (PsSetCreateProcessNotifyRoutineEx(OnProcess, FALSE) != STATUS_INVALID_PARAMETER) DbgPrint("notify: twice\n");
    status = PsSetCreateProcessNotifyRoutine(OnOldProcess, FALSE);
    if (NT_SUCCESS(status)) status = PsSetCreateThreadNotifyRoutine(OnThread);
    if (NT_SUCCESS(status)) status = PsSetLoadImageNotifyRoutine(OnImage);
    return status;
}
