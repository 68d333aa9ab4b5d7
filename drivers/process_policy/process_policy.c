/* process_policy: the program named by Parameters\Process (an image name of up to 15 characters) may read the registry
   but not create or change anything below Parameters\Subtree. A callback runs in the thread that does the operation, so
   the current process is the caller. */
#include "common/filter.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD PolicyUnload;
static EX_CALLBACK_FUNCTION PolicyCallback;

/* Exported by the kernel, in no public header of old kits. */
NTKERNELAPI PCHAR NTAPI PsGetProcessImageFileName(PEPROCESS Process);

static FILTER g_Filter;
static CHAR g_Process[16];
static volatile LONG g_Refused;

static BOOLEAN IsRestrictedProcess(VOID) {
    const CHAR* name = PsGetProcessImageFileName(PsGetCurrentProcess());
    ULONG i;

    for (i = 0; i < sizeof(g_Process) - 1 && name[i] != 0; i++) {
        CHAR a = name[i], b = g_Process[i];
        if (a >= 'A' && a <= 'Z') a = (CHAR)(a + ('a' - 'A'));
        if (b >= 'A' && b <= 'Z') b = (CHAR)(b + ('a' - 'A'));
        if (a != b) return FALSE;
    }
    return g_Process[i] == 0;
}

static BOOLEAN IsForbidden(REG_NOTIFY_CLASS Class, PVOID Information) {
    UNICODE_STRING path;
    BOOLEAN inside;

    switch (Class) {
        case RegNtPreSetValueKey:
        case RegNtPreDeleteValueKey:
        case RegNtPreDeleteKey:
        case RegNtPreRenameKey:
        case RegNtPreSetKeySecurity:
            return (BOOLEAN)(IsRestrictedProcess() && FilterKeyName(&g_Filter, *(PVOID*)Information) != NULL);
        case RegNtPreCreateKeyEx:
            if (!IsRestrictedProcess() || !NT_SUCCESS(CompletePath(&g_Filter.Cookie, Information, &path))) return FALSE;
            inside = IsInSubtree(&g_Filter.Subtree, &path);
            ExFreePoolWithTag(path.Buffer, DRIVER_POOL_TAG);
            return inside;
        default:
            return FALSE;
    }
}

static NTSTATUS NTAPI PolicyCallback(PVOID CallbackContext, PVOID Argument1, PVOID Argument2) {
    UNREFERENCED_PARAMETER(CallbackContext);
    if (!IsForbidden((REG_NOTIFY_CLASS)(ULONG_PTR)Argument1, Argument2)) return STATUS_SUCCESS;
    InterlockedIncrement(&g_Refused);
    return STATUS_ACCESS_DENIED;
}

static VOID NTAPI PolicyUnload(PDRIVER_OBJECT DriverObject) {
    UNREFERENCED_PARAMETER(DriverObject);
    FilterStop(&g_Filter);
    DbgPrint("process_policy: %d operations of %s refused\n", g_Refused, g_Process);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
    WCHAR buffer[16];
    UNICODE_STRING name = {0, sizeof(buffer) - sizeof(WCHAR), NULL};
    NTSTATUS status;
    USHORT i;

    name.Buffer = buffer;
    status = ReadStringParameter(RegistryPath, L"Process", &name);
    if (!NT_SUCCESS(status)) return status;
    for (i = 0; i < name.Length / sizeof(WCHAR); i++) g_Process[i] = (CHAR)buffer[i];
    return FilterStart(&g_Filter, DriverObject, RegistryPath, L"328020", PolicyCallback, PolicyUnload);
}
