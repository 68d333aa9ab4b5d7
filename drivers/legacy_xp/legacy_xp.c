/* legacy_xp: a driver as one wrote it in 2001: no altitude, one complete name for a create, posts for creates and opens
   only. Its service key says Parameters\RegistryCallbackProfile = XP; under a later profile it hears of no create. */
#include "common/driver.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD LegacyUnload;
static EX_CALLBACK_FUNCTION LegacyCallback;

static LARGE_INTEGER g_Cookie;
static volatile LONG g_Creates;
static volatile LONG g_Opens;
static volatile LONG g_Writes;
static volatile LONG g_Newer; /* classes that XP does not have */

static NTSTATUS NTAPI LegacyCallback(IN PVOID CallbackContext, IN PVOID Argument1, IN PVOID Argument2) {
    PREG_POST_CREATE_KEY_INFORMATION post = Argument2; /* in case of RegNtPostCreateKey */

    UNREFERENCED_PARAMETER(CallbackContext);
    switch ((REG_NOTIFY_CLASS)(ULONG_PTR)Argument1) {
        case RegNtPostCreateKey:
            InterlockedIncrement(&g_Creates);
            if (!NT_SUCCESS(post->Status))
                DbgPrint("legacy_xp: create of %wZ failed with 0x%08X\n", post->CompleteName, post->Status);
            break;
        case RegNtPostOpenKey:
            InterlockedIncrement(&g_Opens);
            break;
        case RegNtSetValueKey:
            InterlockedIncrement(&g_Writes);
            break;
        default:
            if ((ULONG_PTR)Argument1 > RegNtKeyHandleClose) InterlockedIncrement(&g_Newer);
            break;
    }
    return STATUS_SUCCESS;
}

static VOID NTAPI LegacyUnload(IN PDRIVER_OBJECT DriverObject) {
    UNREFERENCED_PARAMETER(DriverObject);
    CmUnRegisterCallback(g_Cookie);
    DbgPrint("legacy_xp: %d creates, %d opens, %d writes, %d of newer classes\n", g_Creates, g_Opens, g_Writes,
             g_Newer);
}

NTSTATUS NTAPI DriverEntry(IN PDRIVER_OBJECT DriverObject, IN PUNICODE_STRING RegistryPath) {
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverUnload = LegacyUnload;
    return CmRegisterCallback(LegacyCallback, NULL, &g_Cookie);
}
