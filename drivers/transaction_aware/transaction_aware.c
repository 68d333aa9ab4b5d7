/* transaction_aware: tells changes that a transaction may still take back from those that are there to stay, below
   Parameters\Subtree. An opening knows its transaction (CmGetBoundTransaction); a create or open that is transacted
   itself says so in its own structure. */
#include "common/filter.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD TransactionUnload;
static EX_CALLBACK_FUNCTION TransactionCallback;

static FILTER g_Filter;
static volatile LONG g_Transacted;
static volatile LONG g_Final;
static volatile LONG g_Creates; /* transacted creates and opens */

static NTSTATUS NTAPI TransactionCallback(PVOID CallbackContext, PVOID Argument1, PVOID Argument2) {
    PREG_POST_OPERATION_INFORMATION post = Argument2; /* in case of RegNtPostSetValueKey */
    PREG_CREATE_KEY_INFORMATION create = Argument2;   /* in the others */

    UNREFERENCED_PARAMETER(CallbackContext);
    switch ((REG_NOTIFY_CLASS)(ULONG_PTR)Argument1) {
        case RegNtPreCreateKeyEx:
        case RegNtPreOpenKeyEx:
            /* Relative to a transacted key the call is transacted too, although the field is NULL. */
            if (create->Transaction != NULL || CmGetBoundTransaction(&g_Filter.Cookie, create->RootObject) != NULL)
                InterlockedIncrement(&g_Creates);
            break;
        case RegNtPostSetValueKey:
            if (!NT_SUCCESS(post->Status) || FilterKeyName(&g_Filter, post->Object) == NULL) break;
            if (CmGetBoundTransaction(&g_Filter.Cookie, post->Object) != NULL)
                InterlockedIncrement(&g_Transacted);
            else
                InterlockedIncrement(&g_Final);
            break;
        default:
            break;
    }
    return STATUS_SUCCESS;
}

static VOID NTAPI TransactionUnload(PDRIVER_OBJECT DriverObject) {
    UNREFERENCED_PARAMETER(DriverObject);
    FilterStop(&g_Filter);
    DbgPrint("transaction_aware: %d writes in transactions, %d outside, %d transacted creates\n", g_Transacted, g_Final,
             g_Creates);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
    return FilterStart(&g_Filter, DriverObject, RegistryPath, L"370060", TransactionCallback, TransactionUnload);
}
