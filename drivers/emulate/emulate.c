/* emulate: every key below Parameters\Subtree has a value "Queries" (REG_DWORD) that is stored nowhere: how often it
   was asked for. The pre-notification of a query answers into the caller's buffer and bypasses the operation. */
#include "common/filter.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD EmulateUnload;
static EX_CALLBACK_FUNCTION EmulateCallback;

static FILTER g_Filter;
static volatile LONG g_Queries;
static UNICODE_STRING g_Name = RTL_CONSTANT_STRING(L"Queries");

/* One information class of NtQueryValueKey. As the Configuration Manager answers: the length that is needed in any
   case; too small for the fixed part: BUFFER_TOO_SMALL; too small for the data: what fits, and BUFFER_OVERFLOW. */
static NTSTATUS Answer(PREG_QUERY_VALUE_KEY_INFORMATION Information, const VOID* Value, ULONG Fixed, ULONG Size) {
    ULONG length = Information->Length < Size ? Information->Length : Size;

    *Information->ResultLength = Size;
    if (Information->Length < Fixed) return STATUS_BUFFER_TOO_SMALL;
    RtlCopyMemory(Information->KeyValueInformation, Value, length);
    return length < Size ? STATUS_BUFFER_OVERFLOW : STATUS_CALLBACK_BYPASS;
}

static NTSTATUS Emulate(PREG_QUERY_VALUE_KEY_INFORMATION Information) {
    ULONG number = (ULONG)InterlockedIncrement(&g_Queries);
    struct {
        KEY_VALUE_PARTIAL_INFORMATION Partial;
        UCHAR Data[sizeof(ULONG)];
    } partial;
    struct {
        KEY_VALUE_BASIC_INFORMATION Basic;
        WCHAR Name[8];
    } basic;

    RtlZeroMemory(&partial, sizeof(partial));
    RtlZeroMemory(&basic, sizeof(basic));
    switch (Information->KeyValueInformationClass) {
        case KeyValuePartialInformation:
            partial.Partial.Type = REG_DWORD;
            partial.Partial.DataLength = sizeof(number);
            RtlCopyMemory(partial.Partial.Data, &number, sizeof(number));
            return Answer(Information, &partial, FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION, Data),
                          FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION, Data) + sizeof(number));
        case KeyValueBasicInformation:
            basic.Basic.Type = REG_DWORD;
            basic.Basic.NameLength = g_Name.Length;
            RtlCopyMemory(basic.Basic.Name, g_Name.Buffer, g_Name.Length);
            return Answer(Information, &basic, FIELD_OFFSET(KEY_VALUE_BASIC_INFORMATION, Name),
                          FIELD_OFFSET(KEY_VALUE_BASIC_INFORMATION, Name) + g_Name.Length);
        default:
            return STATUS_NOT_SUPPORTED; /* the others are left as an exercise */
    }
}

static NTSTATUS NTAPI EmulateCallback(PVOID CallbackContext, PVOID Argument1, PVOID Argument2) {
    PREG_QUERY_VALUE_KEY_INFORMATION info = Argument2;

    UNREFERENCED_PARAMETER(CallbackContext);
    if ((REG_NOTIFY_CLASS)(ULONG_PTR)Argument1 != RegNtPreQueryValueKey) return STATUS_SUCCESS;
    if (!RtlEqualUnicodeString(info->ValueName, &g_Name, TRUE)) return STATUS_SUCCESS;
    if (FilterKeyName(&g_Filter, info->Object) == NULL) return STATUS_SUCCESS;
    /* The output buffer and the length are a user's memory: it may go away at any moment. */
    __try {
        return Emulate(info);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return STATUS_ACCESS_VIOLATION;
    }
}

static VOID NTAPI EmulateUnload(PDRIVER_OBJECT DriverObject) {
    UNREFERENCED_PARAMETER(DriverObject);
    FilterStop(&g_Filter);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
    return FilterStart(&g_Filter, DriverObject, RegistryPath, L"320010", EmulateCallback, EmulateUnload);
}
