/* two_altitude: one driver, two callbacks. The lower one refuses values called "Forbidden"; the upper one sees what
   became of every write: a pre goes from the top down, the posts come back up, and who refuses gets no post. */
#include "common/filter.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD TwoUnload;
static EX_CALLBACK_FUNCTION UpperCallback, LowerCallback;

typedef struct _COUNTS {
    FILTER Filter; /* first: the registration's context is this structure */
    volatile LONG Pre;
    volatile LONG Post;
    volatile LONG Failed;
} COUNTS, *PCOUNTS;

static COUNTS g_Upper;
static COUNTS g_Lower;

static VOID Count(PCOUNTS Counts, REG_NOTIFY_CLASS Class, PVOID Information) {
    if (Class == RegNtPreSetValueKey) {
        if (FilterKeyName(&Counts->Filter, ((PREG_SET_VALUE_KEY_INFORMATION)Information)->Object) != NULL)
            InterlockedIncrement(&Counts->Pre);
    } else if (Class == RegNtPostSetValueKey) {
        PREG_POST_OPERATION_INFORMATION post = Information;
        if (FilterKeyName(&Counts->Filter, post->Object) == NULL) return;
        InterlockedIncrement(&Counts->Post);
        if (!NT_SUCCESS(post->Status)) InterlockedIncrement(&Counts->Failed);
    }
}

static NTSTATUS NTAPI UpperCallback(PVOID CallbackContext, PVOID Argument1, PVOID Argument2) {
    Count(CallbackContext, (REG_NOTIFY_CLASS)(ULONG_PTR)Argument1, Argument2);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI LowerCallback(PVOID CallbackContext, PVOID Argument1, PVOID Argument2) {
    static const UNICODE_STRING forbidden = RTL_CONSTANT_STRING(L"Forbidden");
    PREG_SET_VALUE_KEY_INFORMATION info = Argument2;
    PCOUNTS counts = CallbackContext;

    Count(counts, (REG_NOTIFY_CLASS)(ULONG_PTR)Argument1, Argument2);
    if ((REG_NOTIFY_CLASS)(ULONG_PTR)Argument1 != RegNtPreSetValueKey) return STATUS_SUCCESS;
    if (!RtlEqualUnicodeString(info->ValueName, &forbidden, TRUE)) return STATUS_SUCCESS;
    return FilterKeyName(&counts->Filter, info->Object) != NULL ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
}

static VOID NTAPI TwoUnload(PDRIVER_OBJECT DriverObject) {
    UNREFERENCED_PARAMETER(DriverObject);
    FilterStop(&g_Upper.Filter);
    FilterStop(&g_Lower.Filter);
    DbgPrint("two_altitude: upper %d/%d (%d failed), lower %d/%d (%d failed)\n", g_Upper.Pre, g_Upper.Post,
             g_Upper.Failed, g_Lower.Pre, g_Lower.Post, g_Lower.Failed);
}

/* Both read Parameters\Subtree; Parameters\Altitude would be one altitude for two, a collision. */
NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
    NTSTATUS status = FilterStart(&g_Lower.Filter, DriverObject, RegistryPath, L"320030", LowerCallback, TwoUnload);

    if (!NT_SUCCESS(status)) return status;
    status = FilterStart(&g_Upper.Filter, DriverObject, RegistryPath, L"370030.5", UpperCallback, TwoUnload);
    if (!NT_SUCCESS(status)) FilterStop(&g_Lower.Filter);
    return status;
}
