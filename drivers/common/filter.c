#include "filter.h"

NTSTATUS FilterStart(PFILTER Filter, PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath, PCWSTR Altitude,
                     PEX_CALLBACK_FUNCTION Callback, PDRIVER_UNLOAD Unload) {
    WCHAR buffer[64];
    UNICODE_STRING altitude;
    NTSTATUS status;

    Filter->Subtree.Length = 0;
    Filter->Subtree.MaximumLength = sizeof(Filter->SubtreeBuffer);
    Filter->Subtree.Buffer = Filter->SubtreeBuffer;
    ReadStringParameter(RegistryPath, L"Subtree", &Filter->Subtree);
    altitude.Length = 0;
    altitude.MaximumLength = sizeof(buffer);
    altitude.Buffer = buffer;
    if (!NT_SUCCESS(ReadStringParameter(RegistryPath, L"Altitude", &altitude)))
        RtlInitUnicodeString(&altitude, Altitude);
    status = CmRegisterCallbackEx(Callback, &altitude, DriverObject, Filter, &Filter->Cookie, NULL);
    if (NT_SUCCESS(status)) DriverObject->DriverUnload = Unload;
    return status;
}

VOID FilterStop(PFILTER Filter) { CmUnRegisterCallback(Filter->Cookie); }

PCUNICODE_STRING FilterKeyName(PFILTER Filter, PVOID Object) {
    PCUNICODE_STRING name = NULL;

    if (Object == NULL || !NT_SUCCESS(CmCallbackGetKeyObjectID(&Filter->Cookie, Object, NULL, &name))) return NULL;
    return IsInSubtree(&Filter->Subtree, name) ? name : NULL;
}
