/* rename_tracker: says which key got which name. The old path is known in the pre-notification and stale in the post;
   CallContext carries a copy from the one to the other. A rename that another filter below refuses is none. */
#include "common/filter.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD RenameUnload;
static EX_CALLBACK_FUNCTION RenameCallback;

static FILTER g_Filter;
static volatile LONG g_Renames;
static volatile LONG g_Open; /* copies that no post has freed yet */

static NTSTATUS OnPre(PREG_RENAME_KEY_INFORMATION Information) {
    PCUNICODE_STRING name = FilterKeyName(&g_Filter, Information->Object);
    PUNICODE_STRING copy;

    if (name == NULL) return STATUS_SUCCESS; /* CallContext stays NULL: the post has nothing to tell */
    copy = ExAllocatePoolWithTag(PagedPool, sizeof(*copy) + name->Length, DRIVER_POOL_TAG);
    if (copy == NULL) return STATUS_INSUFFICIENT_RESOURCES;
    copy->Buffer = (PWCH)(copy + 1);
    copy->Length = 0;
    copy->MaximumLength = name->Length;
    RtlCopyUnicodeString(copy, name);
    Information->CallContext = copy;
    InterlockedIncrement(&g_Open);
    return STATUS_SUCCESS;
}

static VOID OnPost(PREG_POST_OPERATION_INFORMATION Post) {
    PREG_RENAME_KEY_INFORMATION info = Post->PreInformation;
    PUNICODE_STRING old = Post->CallContext;

    if (old == NULL) return;
    if (NT_SUCCESS(Post->Status)) {
        InterlockedIncrement(&g_Renames);
        DbgPrint("rename_tracker: %wZ is %wZ now\n", old, info->NewName);
    }
    ExFreePoolWithTag(old, DRIVER_POOL_TAG);
    InterlockedDecrement(&g_Open);
}

static NTSTATUS NTAPI RenameCallback(PVOID CallbackContext, PVOID Argument1, PVOID Argument2) {
    UNREFERENCED_PARAMETER(CallbackContext);
    switch ((REG_NOTIFY_CLASS)(ULONG_PTR)Argument1) {
        case RegNtPreRenameKey:
            return OnPre(Argument2);
        case RegNtPostRenameKey:
            OnPost(Argument2);
            break;
        default:
            break;
    }
    return STATUS_SUCCESS;
}

static VOID NTAPI RenameUnload(PDRIVER_OBJECT DriverObject) {
    UNREFERENCED_PARAMETER(DriverObject);
    FilterStop(&g_Filter);
    DbgPrint("rename_tracker: %d renames, %d open\n", g_Renames, g_Open);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
    return FilterStart(&g_Filter, DriverObject, RegistryPath, L"370020", RenameCallback, RenameUnload);
}
