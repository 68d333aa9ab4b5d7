/* The frame of the faulty drivers. Each breaks one rule of the verifier, at its start, when a value called "Fault" is
   set, or at its end, and does the rest right. docs/driver-verifier.md lists the rules. */
#pragma once

#include "common/driver.h"

#define FAULTY_TAG 'tluF'

/* Functions of their own, to be named in findings. */
static __attribute__((noinline)) NTSTATUS Begin(PDRIVER_OBJECT DriverObject);
static __attribute__((noinline)) VOID Fault(VOID);
static __attribute__((noinline)) VOID End(PDRIVER_OBJECT DriverObject);

#define NOTHING_AT_THE_BEGIN                             \
    static NTSTATUS Begin(PDRIVER_OBJECT DriverObject) { \
        UNREFERENCED_PARAMETER(DriverObject);            \
        return STATUS_SUCCESS;                           \
    }
#define NOTHING_BETWEEN \
    static VOID Fault(VOID) {}
#define NOTHING_AT_THE_END \
    static VOID End(PDRIVER_OBJECT DriverObject) { UNREFERENCED_PARAMETER(DriverObject); }

static LARGE_INTEGER g_Cookie;
static volatile NTSTATUS g_Status; /* an answer that goes through it is not another function's, called last */

static BOOLEAN IsFaultValue(REG_NOTIFY_CLASS Class, PVOID Information) {
    UNICODE_STRING fault;

    if (Class != RegNtPreSetValueKey) return FALSE;
    RtlInitUnicodeString(&fault, L"Fault");
    return RtlEqualUnicodeString(((PREG_SET_VALUE_KEY_INFORMATION)Information)->ValueName, &fault, TRUE);
}

static NTSTATUS Callback(PVOID Context, PVOID Class, PVOID Information) {
    UNREFERENCED_PARAMETER(Context);
    if (IsFaultValue((REG_NOTIFY_CLASS)(ULONG_PTR)Class, Information)) Fault();
    return STATUS_SUCCESS;
}

static VOID Unload(PDRIVER_OBJECT DriverObject) {
    CmUnRegisterCallback(g_Cookie);
    End(DriverObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
    UNICODE_STRING altitude;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverUnload = Unload;
    status = Begin(DriverObject);
    if (!NT_SUCCESS(status)) return status;
    RtlInitUnicodeString(&altitude, L"320777");
    return CmRegisterCallbackEx(Callback, &altitude, DriverObject, NULL, &g_Cookie, NULL);
}
