/* status_override: changes outcomes after the fact, below Parameters\Subtree. In a post-notification that is
   ReturnStatus together with STATUS_CALLBACK_BYPASS; either alone does nothing.
     - a subkey called "Hidden" cannot be opened or created: success becomes OBJECT_NAME_NOT_FOUND, the object is
   dropped;
     - deleting a value that is not there succeeds: failure becomes success. */
#include "common/filter.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD OverrideUnload;
static EX_CALLBACK_FUNCTION OverrideCallback;

static FILTER g_Filter;

static BOOLEAN EndsWith(PCUNICODE_STRING Name, PCUNICODE_STRING End) {
    UNICODE_STRING tail;

    if (Name->Length < End->Length) return FALSE;
    tail.Buffer = Name->Buffer + (Name->Length - End->Length) / sizeof(WCHAR);
    tail.Length = tail.MaximumLength = End->Length;
    return RtlEqualUnicodeString(&tail, End, TRUE);
}

static NTSTATUS Hide(PREG_POST_OPERATION_INFORMATION Post) {
    static const UNICODE_STRING hidden = RTL_CONSTANT_STRING(L"\\Hidden");
    PREG_CREATE_KEY_INFORMATION info = Post->PreInformation;
    PCUNICODE_STRING name;

    if (Post->Status != STATUS_SUCCESS) return STATUS_SUCCESS;
    name = FilterKeyName(&g_Filter, Post->Object);
    if (name == NULL || !EndsWith(name, &hidden)) return STATUS_SUCCESS;
    /* Nobody will take the object that the operation made: it is ours to drop, and no pointer to it may stay. */
    ObDereferenceObject(Post->Object);
    Post->Object = NULL;
    *info->ResultObject = NULL;
    Post->ReturnStatus = STATUS_OBJECT_NAME_NOT_FOUND;
    return STATUS_CALLBACK_BYPASS;
}

static NTSTATUS NTAPI OverrideCallback(PVOID CallbackContext, PVOID Argument1, PVOID Argument2) {
    PREG_POST_OPERATION_INFORMATION post = Argument2; /* in the cases below */

    UNREFERENCED_PARAMETER(CallbackContext);
    switch ((REG_NOTIFY_CLASS)(ULONG_PTR)Argument1) {
        case RegNtPostOpenKeyEx:
        case RegNtPostCreateKeyEx:
            return Hide(post);
        case RegNtPostDeleteValueKey:
            if (post->Status != STATUS_OBJECT_NAME_NOT_FOUND || FilterKeyName(&g_Filter, post->Object) == NULL)
                return STATUS_SUCCESS;
            post->ReturnStatus = STATUS_SUCCESS;
            return STATUS_CALLBACK_BYPASS;
        default:
            return STATUS_SUCCESS;
    }
}

static VOID NTAPI OverrideUnload(PDRIVER_OBJECT DriverObject) {
    UNREFERENCED_PARAMETER(DriverObject);
    FilterStop(&g_Filter);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
    return FilterStart(&g_Filter, DriverObject, RegistryPath, L"320040", OverrideCallback, OverrideUnload);
}
