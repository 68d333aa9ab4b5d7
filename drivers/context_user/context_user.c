/* context_user: counts what is written through each opening of a key below Parameters\Subtree. The count hangs at the
   key object, an opening, not at the key; the system hands it back exactly once, when the opening ends or when this
   driver unregisters, whichever comes first. */
#include "common/filter.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD ContextUnload;
static EX_CALLBACK_FUNCTION ContextCallback;

typedef struct _OPENING {
    volatile LONG Writes;
} OPENING, *POPENING;

static FILTER g_Filter;
static volatile LONG g_Open;
static volatile LONG g_Ended;

static VOID OnOpened(PREG_POST_OPERATION_INFORMATION Post) {
    POPENING opening;
    PVOID old = NULL;

    if (Post->Status != STATUS_SUCCESS || FilterKeyName(&g_Filter, Post->Object) == NULL) return;
    opening = ExAllocatePoolWithTag(NonPagedPool, sizeof(*opening), DRIVER_POOL_TAG);
    if (opening == NULL) return; /* this one is not counted */
    opening->Writes = 0;
    InterlockedIncrement(&g_Open);
    if (!NT_SUCCESS(CmSetCallbackObjectContext(Post->Object, &g_Filter.Cookie, opening, &old))) {
        InterlockedDecrement(&g_Open);
        ExFreePoolWithTag(opening, DRIVER_POOL_TAG);
    }
}

static VOID OnEnded(PREG_CALLBACK_CONTEXT_CLEANUP_INFORMATION Information) {
    POPENING opening = Information->ObjectContext;

    if (opening->Writes != 0) DbgPrint("context_user: %d values written through one opening\n", opening->Writes);
    ExFreePoolWithTag(opening, DRIVER_POOL_TAG);
    InterlockedDecrement(&g_Open);
    InterlockedIncrement(&g_Ended);
}

static NTSTATUS NTAPI ContextCallback(PVOID CallbackContext, PVOID Argument1, PVOID Argument2) {
    PREG_POST_OPERATION_INFORMATION post = Argument2; /* in the post cases below */

    UNREFERENCED_PARAMETER(CallbackContext);
    switch ((REG_NOTIFY_CLASS)(ULONG_PTR)Argument1) {
        case RegNtPostOpenKeyEx:
        case RegNtPostCreateKeyEx:
            OnOpened(post);
            break;
        case RegNtPostSetValueKey:
            if (NT_SUCCESS(post->Status) && post->ObjectContext != NULL)
                InterlockedIncrement(&((POPENING)post->ObjectContext)->Writes);
            break;
        case RegNtCallbackObjectContextCleanup:
            OnEnded(Argument2);
            break;
        default:
            break;
    }
    return STATUS_SUCCESS;
}

static VOID NTAPI ContextUnload(PDRIVER_OBJECT DriverObject) {
    UNREFERENCED_PARAMETER(DriverObject);
    FilterStop(&g_Filter); /* hands back what is still open, before it returns */
    DbgPrint("context_user: %d openings ended, %d open\n", g_Ended, g_Open);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
    return FilterStart(&g_Filter, DriverObject, RegistryPath, L"370040", ContextCallback, ContextUnload);
}
