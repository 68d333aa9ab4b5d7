/* audit: one line in the debugger for each successful change below Parameters\Subtree: what, where, by which process.
   Everything is told in post-notifications: only there it is known that the change happened. */
#include "common/filter.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD AuditUnload;
static EX_CALLBACK_FUNCTION AuditCallback;

static FILTER g_Filter;
static volatile LONG g_Changes;

static VOID Record(PCSTR What, PREG_POST_OPERATION_INFORMATION Post, PCUNICODE_STRING Value) {
    static const UNICODE_STRING none = {0, 0, NULL};
    PCUNICODE_STRING key;

    if (Post->Status != STATUS_SUCCESS || (key = FilterKeyName(&g_Filter, Post->Object)) == NULL) return;
    InterlockedIncrement(&g_Changes);
    DbgPrint("audit: process %u %s %wZ %wZ\n", HandleToULong(PsGetCurrentProcessId()), What, key,
             Value != NULL ? Value : &none);
}

static NTSTATUS NTAPI AuditCallback(PVOID CallbackContext, PVOID Argument1, PVOID Argument2) {
    PREG_POST_OPERATION_INFORMATION post = Argument2; /* in the cases below */

    UNREFERENCED_PARAMETER(CallbackContext);
    switch ((REG_NOTIFY_CLASS)(ULONG_PTR)Argument1) {
        case RegNtPostCreateKeyEx: {
            PREG_CREATE_KEY_INFORMATION info = post->PreInformation;
            if (post->Status == STATUS_SUCCESS && *info->Disposition == REG_CREATED_NEW_KEY)
                Record("created", post, NULL);
            break;
        }
        case RegNtPostSetValueKey:
            Record("set", post, ((PREG_SET_VALUE_KEY_INFORMATION)post->PreInformation)->ValueName);
            break;
        case RegNtPostDeleteValueKey:
            Record("deleted value", post, ((PREG_DELETE_VALUE_KEY_INFORMATION)post->PreInformation)->ValueName);
            break;
        case RegNtPostDeleteKey:
            Record("deleted", post, NULL);
            break;
        case RegNtPostSetKeySecurity:
            Record("secured", post, NULL);
            break;
        default:
            break;
    }
    return STATUS_SUCCESS;
}

static VOID NTAPI AuditUnload(PDRIVER_OBJECT DriverObject) {
    UNREFERENCED_PARAMETER(DriverObject);
    FilterStop(&g_Filter);
    DbgPrint("audit: %d changes\n", g_Changes);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
    return FilterStart(&g_Filter, DriverObject, RegistryPath, L"370010", AuditCallback, AuditUnload);
}
