#include "key_path.h"

BOOLEAN IsInSubtree(PCUNICODE_STRING Subtree, PCUNICODE_STRING Name) {
    if (Subtree->Length == 0) return TRUE;
    if (!RtlPrefixUnicodeString(Subtree, Name, TRUE)) return FALSE;
    return Name->Length == Subtree->Length || Name->Buffer[Subtree->Length / sizeof(WCHAR)] == L'\\';
}

NTSTATUS CompletePath(PLARGE_INTEGER Cookie, PREG_CREATE_KEY_INFORMATION Information, PUNICODE_STRING Path) {
    PCUNICODE_STRING name = Information->CompleteName;
    BOOLEAN absolute = name->Length != 0 && name->Buffer[0] == L'\\';
    PCUNICODE_STRING root = NULL;
    ULONG bytes = name->Length;
    NTSTATUS status;

    if (!absolute) {
        status = CmCallbackGetKeyObjectID(Cookie, Information->RootObject, NULL, &root);
        if (!NT_SUCCESS(status)) return status;
        bytes += root->Length + (ULONG)sizeof(WCHAR);
    }
    if (bytes > 0xFFFE) return STATUS_NAME_TOO_LONG;
    Path->Length = 0;
    Path->MaximumLength = (USHORT)bytes;
    Path->Buffer = ExAllocatePoolWithTag(PagedPool, bytes == 0 ? sizeof(WCHAR) : bytes, DRIVER_POOL_TAG);
    if (Path->Buffer == NULL) return STATUS_INSUFFICIENT_RESOURCES;
    if (!absolute) {
        RtlCopyUnicodeString(Path, root);
        if (name->Length != 0) RtlAppendUnicodeToString(Path, L"\\");
    }
    return RtlAppendUnicodeStringToString(Path, name);
}
