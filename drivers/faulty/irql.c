/* irql: a registry service is asked at DISPATCH_LEVEL. */
#include "faulty.h"

static VOID Fault(VOID) {
    UNICODE_STRING name;
    OBJECT_ATTRIBUTES attributes;
    HANDLE key;
    KIRQL old;
    NTSTATUS status;

    RtlInitUnicodeString(&name, L"\\Registry\\Machine\\Software");
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    status = ZwOpenKey(&key, KEY_READ, &attributes);
    KeLowerIrql(old);
    if (NT_SUCCESS(status)) ZwClose(key);
}

NOTHING_AT_THE_BEGIN
NOTHING_AT_THE_END
