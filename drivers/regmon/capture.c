/* The callback. The pre-notification only stamps; the post-notification knows everything and writes one record. */
#include "regmon.h"

/* What an event consists of, gathered before the ring is entered so that it is held as shortly as possible. */
typedef struct _CAPTURE {
    REGMON_EVENT Event;
    const VOID* Path;
    const VOID* Name;
    const VOID* Data;
    PRING Ring; /* held while it is set */
} CAPTURE, *PCAPTURE;

static VOID SetText(const VOID** Text, PUSHORT Length, PCAPTURE Capture, const VOID* Source, ULONG Bytes) {
    if (Bytes > REGMON_NAME_MAXIMUM) {
        Bytes = REGMON_NAME_MAXIMUM;
        Capture->Event.Flags |= REGMON_EVENT_NAME_CUT;
    }
    *Text = Source;
    *Length = Source == NULL ? 0 : (USHORT)Bytes;
}
static VOID SetPath(PCAPTURE Capture, PCUNICODE_STRING Path) {
    if (Path != NULL) SetText(&Capture->Path, &Capture->Event.PathLength, Capture, Path->Buffer, Path->Length);
}
static VOID SetName(PCAPTURE Capture, PCUNICODE_STRING Name) {
    if (Name != NULL) SetText(&Capture->Name, &Capture->Event.NameLength, Capture, Name->Buffer, Name->Length);
}
static VOID SetData(PCAPTURE Capture, const VOID* Data, ULONG Bytes) {
    ULONG limit = g_Session.Config.DataBytes;

    Capture->Data = Data;
    Capture->Event.DataLength = Data == NULL ? 0 : (USHORT)(Bytes < limit ? Bytes : limit);
}

/* A field of an information buffer; 0 when the buffer ends before it. */
static ULONG Field(const VOID* Buffer, ULONG Length, ULONG Offset) {
    ULONG value = 0;

    if (Offset + sizeof(value) <= Length) RtlCopyMemory(&value, (const UCHAR*)Buffer + Offset, sizeof(value));
    return value;
}
/* `Bytes` at `Offset`, cut to what the buffer holds. */
static ULONG Inside(ULONG Length, ULONG Offset, ULONG Bytes) {
    if (Offset >= Length) return 0;
    return Bytes < Length - Offset ? Bytes : Length - Offset;
}
static VOID SetNameInside(PCAPTURE Capture, const VOID* Buffer, ULONG Length, ULONG Offset, ULONG Bytes) {
    SetText(&Capture->Name, &Capture->Event.NameLength, Capture, (const UCHAR*)Buffer + Offset,
            Inside(Length, Offset, Bytes));
}
static VOID SetDataInside(PCAPTURE Capture, const VOID* Buffer, ULONG Length, ULONG Offset, ULONG Bytes) {
    SetData(Capture, (const UCHAR*)Buffer + Offset, Inside(Length, Offset, Bytes));
}

/* KEY_VALUE_BASIC, FULL and PARTIAL_INFORMATION (and the 64-bit aligned kinds), filled by the operation. */
static VOID CaptureValue(PCAPTURE Capture, ULONG Class, const VOID* Buffer, ULONG Length, BOOLEAN WithName) {
    PULONG detail = Capture->Event.Detail;

    switch (Class) {
        case 0: /* basic: TitleIndex, Type, NameLength, Name */
            detail[REGMON_DETAIL_TYPE] = Field(Buffer, Length, 4);
            if (WithName) SetNameInside(Capture, Buffer, Length, 12, Field(Buffer, Length, 8));
            break;
        case 1:
        case 3: /* full: TitleIndex, Type, DataOffset, DataLength, NameLength, Name */
            detail[REGMON_DETAIL_TYPE] = Field(Buffer, Length, 4);
            detail[REGMON_DETAIL_LENGTH] = Field(Buffer, Length, 12);
            if (WithName) SetNameInside(Capture, Buffer, Length, 20, Field(Buffer, Length, 16));
            SetDataInside(Capture, Buffer, Length, Field(Buffer, Length, 8), detail[REGMON_DETAIL_LENGTH]);
            break;
        case 2: /* partial: TitleIndex, Type, DataLength, Data */
            detail[REGMON_DETAIL_TYPE] = Field(Buffer, Length, 4);
            detail[REGMON_DETAIL_LENGTH] = Field(Buffer, Length, 8);
            SetDataInside(Capture, Buffer, Length, 12, detail[REGMON_DETAIL_LENGTH]);
            break;
        case 4: /* partial, aligned: Type, DataLength, Data */
            detail[REGMON_DETAIL_TYPE] = Field(Buffer, Length, 0);
            detail[REGMON_DETAIL_LENGTH] = Field(Buffer, Length, 4);
            SetDataInside(Capture, Buffer, Length, 8, detail[REGMON_DETAIL_LENGTH]);
            break;
        default:
            break;
    }
}

/* KEY_x_INFORMATION: where the name and the counts are, by class. */
static VOID CaptureKeyName(PCAPTURE Capture, ULONG Class, const VOID* Buffer, ULONG Length) {
    if (Class == 0) SetNameInside(Capture, Buffer, Length, 16, Field(Buffer, Length, 12));
    if (Class == 1) SetNameInside(Capture, Buffer, Length, 24, Field(Buffer, Length, 20));
    if (Class == 3) SetNameInside(Capture, Buffer, Length, 4, Field(Buffer, Length, 0));
}
static VOID CaptureKeyCounts(PCAPTURE Capture, ULONG Class, const VOID* Buffer, ULONG Length) {
    PULONG detail = Capture->Event.Detail;

    if (Class == 2) {
        detail[REGMON_DETAIL_KEY_SUBKEYS] = Field(Buffer, Length, 20);
        detail[REGMON_DETAIL_KEY_VALUES] = Field(Buffer, Length, 32);
    } else if (Class == 4) {
        detail[REGMON_DETAIL_KEY_SUBKEYS] = Field(Buffer, Length, 12);
        detail[REGMON_DETAIL_KEY_VALUES] = Field(Buffer, Length, 20);
    } else if (Class == 5) {
        detail[REGMON_DETAIL_KEY_USER_FLAGS] = Field(Buffer, Length, 0);
    }
}

/* Bytes that the operation put into the caller's buffer. */
static ULONG Written(ULONG Length, PULONG ResultLength) {
    return ResultLength != NULL && *ResultLength < Length ? *ResultLength : Length;
}

/* The caller's buffers may go away at any moment: everything here runs under an exception handler. */
static VOID CaptureDetails(PCAPTURE Capture, REG_NOTIFY_CLASS Class, PREG_POST_OPERATION_INFORMATION Post) {
    PULONG detail = Capture->Event.Detail;
    BOOLEAN ok = (BOOLEAN)NT_SUCCESS(Post->Status);
    PVOID pre = Post->PreInformation;

    switch (Class) {
        case RegNtPostCreateKeyEx:
        case RegNtPostOpenKeyEx: {
            PREG_CREATE_KEY_INFORMATION info = pre;
            detail[REGMON_DETAIL_DESIRED_ACCESS] = info->DesiredAccess;
            detail[REGMON_DETAIL_OPTIONS] = info->CreateOptions;
            if (ok) detail[REGMON_DETAIL_GRANTED_ACCESS] = info->GrantedAccess;
            if (ok && info->Disposition != NULL) detail[REGMON_DETAIL_DISPOSITION] = *info->Disposition;
            SetPath(Capture, info->CompleteName);
            break;
        }
        case RegNtPostSetValueKey: {
            PREG_SET_VALUE_KEY_INFORMATION info = pre;
            detail[REGMON_DETAIL_TYPE] = info->Type;
            detail[REGMON_DETAIL_LENGTH] = info->DataSize;
            SetName(Capture, info->ValueName);
            SetData(Capture, info->Data, info->DataSize);
            break;
        }
        case RegNtPostQueryValueKey: {
            PREG_QUERY_VALUE_KEY_INFORMATION info = pre;
            detail[REGMON_DETAIL_VALUE_CLASS] = info->KeyValueInformationClass;
            detail[REGMON_DETAIL_VALUE_BUFFER] = info->Length;
            SetName(Capture, info->ValueName);
            if (ok)
                CaptureValue(Capture, info->KeyValueInformationClass, info->KeyValueInformation,
                             Written(info->Length, info->ResultLength), FALSE);
            break;
        }
        case RegNtPostEnumerateValueKey: {
            PREG_ENUMERATE_VALUE_KEY_INFORMATION info = pre;
            detail[REGMON_DETAIL_VALUE_CLASS] = info->KeyValueInformationClass;
            detail[REGMON_DETAIL_VALUE_BUFFER] = info->Length;
            detail[REGMON_DETAIL_VALUE_INDEX] = info->Index;
            if (ok)
                CaptureValue(Capture, info->KeyValueInformationClass, info->KeyValueInformation,
                             Written(info->Length, info->ResultLength), TRUE);
            break;
        }
        case RegNtPostEnumerateKey: {
            PREG_ENUMERATE_KEY_INFORMATION info = pre;
            detail[REGMON_DETAIL_ENUM_INDEX] = info->Index;
            detail[REGMON_DETAIL_ENUM_CLASS] = info->KeyInformationClass;
            detail[REGMON_DETAIL_ENUM_BUFFER] = info->Length;
            if (ok)
                CaptureKeyName(Capture, info->KeyInformationClass, info->KeyInformation,
                               Written(info->Length, info->ResultLength));
            break;
        }
        case RegNtPostQueryKey: {
            PREG_QUERY_KEY_INFORMATION info = pre;
            ULONG written = Written(info->Length, info->ResultLength);
            detail[REGMON_DETAIL_KEY_CLASS] = info->KeyInformationClass;
            detail[REGMON_DETAIL_KEY_BUFFER] = info->Length;
            if (!ok) break;
            CaptureKeyName(Capture, info->KeyInformationClass, info->KeyInformation, written);
            CaptureKeyCounts(Capture, info->KeyInformationClass, info->KeyInformation, written);
            break;
        }
        case RegNtPostDeleteValueKey:
            SetName(Capture, ((PREG_DELETE_VALUE_KEY_INFORMATION)pre)->ValueName);
            break;
        case RegNtPostRenameKey:
            SetName(Capture, ((PREG_RENAME_KEY_INFORMATION)pre)->NewName);
            break;
        case RegNtPostSetInformationKey: {
            PREG_SET_INFORMATION_KEY_INFORMATION info = pre;
            detail[0] = info->KeySetInformationClass;
            detail[1] = info->KeySetInformationLength;
            SetData(Capture, info->KeySetInformation, info->KeySetInformationLength);
            break;
        }
        case RegNtPostQueryMultipleValueKey:
            detail[0] = ((PREG_QUERY_MULTIPLE_VALUE_KEY_INFORMATION)pre)->EntryCount;
            break;
        case RegNtPostLoadKey: {
            PREG_LOAD_KEY_INFORMATION info = pre;
            detail[REGMON_DETAIL_LOAD_FLAGS] = info->Flags;
            SetPath(Capture, info->KeyName);
            SetName(Capture, info->SourceFile);
            break;
        }
        case RegNtPostSaveKey:
            detail[REGMON_DETAIL_SAVE_FORMAT] = ((PREG_SAVE_KEY_INFORMATION)pre)->Format;
            break;
        case RegNtPostRestoreKey:
            detail[0] = ((PREG_RESTORE_KEY_INFORMATION)pre)->Flags;
            break;
        case RegNtPostQueryKeySecurity:
            detail[REGMON_DETAIL_SECURITY_INFORMATION] =
                *((PREG_QUERY_KEY_SECURITY_INFORMATION)pre)->SecurityInformation;
            break;
        case RegNtPostSetKeySecurity:
            detail[REGMON_DETAIL_SECURITY_INFORMATION] = *((PREG_SET_KEY_SECURITY_INFORMATION)pre)->SecurityInformation;
            break;
        default:
            break;
    }
}

/* The key that the path starts at: its NameId, 0 for an absolute path. */
static ULONG NameOfOperation(REG_NOTIFY_CLASS Class, PREG_POST_OPERATION_INFORMATION Post) {
    if (Class == RegNtPostCreateKeyEx || Class == RegNtPostOpenKeyEx) {
        PREG_CREATE_KEY_INFORMATION info = Post->PreInformation;
        PCUNICODE_STRING name = info->CompleteName;
        if (name != NULL && name->Length != 0 && name->Buffer[0] == L'\\') return 0;
        return info->RootObject == NULL ? 0 : NameOfKey(info->RootObject, FALSE);
    }
    if (Class == RegNtPostLoadKey) {
        PREG_LOAD_KEY_INFORMATION info = Post->PreInformation;
        PCUNICODE_STRING name = info->KeyName;
        if (info->Object == NULL || (name != NULL && name->Length != 0 && name->Buffer[0] == L'\\')) return 0;
        return NameOfKey(info->Object, FALSE);
    }
    return Post->Object == NULL ? 0 : NameOfKey(Post->Object, FALSE);
}

/* These operations change or end the name: it is looked up before them, and travels with the stamp in the call context:
   the NameId above, 32 bits of the stamp (in units of 16 ticks) below. */
#define PACKED_SHIFT 4
static BOOLEAN NameBefore(ULONG PostClass) {
    return PostClass == RegNtPostKeyHandleClose || PostClass == RegNtPostDeleteKey || PostClass == RegNtPostRenameKey ||
           PostClass == RegNtPostUnLoadKey;
}

/* By pre class: the post class, and where the structure keeps the call context. */
static const struct {
    UCHAR PostClass;
    UCHAR ContextOffset;
} g_Pre[MaxRegNtNotifyClass] = {
#define PRE(name, type) [RegNtPre##name] = {RegNtPost##name, FIELD_OFFSET(type, CallContext)}
    PRE(DeleteKey, REG_DELETE_KEY_INFORMATION),
    PRE(SetValueKey, REG_SET_VALUE_KEY_INFORMATION),
    PRE(DeleteValueKey, REG_DELETE_VALUE_KEY_INFORMATION),
    PRE(SetInformationKey, REG_SET_INFORMATION_KEY_INFORMATION),
    PRE(RenameKey, REG_RENAME_KEY_INFORMATION),
    PRE(EnumerateKey, REG_ENUMERATE_KEY_INFORMATION),
    PRE(EnumerateValueKey, REG_ENUMERATE_VALUE_KEY_INFORMATION),
    PRE(QueryKey, REG_QUERY_KEY_INFORMATION),
    PRE(QueryValueKey, REG_QUERY_VALUE_KEY_INFORMATION),
    PRE(QueryMultipleValueKey, REG_QUERY_MULTIPLE_VALUE_KEY_INFORMATION),
    PRE(KeyHandleClose, REG_KEY_HANDLE_CLOSE_INFORMATION),
    PRE(CreateKeyEx, REG_CREATE_KEY_INFORMATION),
    PRE(OpenKeyEx, REG_CREATE_KEY_INFORMATION),
    PRE(FlushKey, REG_DELETE_KEY_INFORMATION), /* the same structure */
    PRE(LoadKey, REG_LOAD_KEY_INFORMATION),
    PRE(UnLoadKey, REG_UNLOAD_KEY_INFORMATION),
    PRE(QueryKeySecurity, REG_QUERY_KEY_SECURITY_INFORMATION),
    PRE(SetKeySecurity, REG_SET_KEY_SECURITY_INFORMATION),
    PRE(RestoreKey, REG_RESTORE_KEY_INFORMATION),
    PRE(SaveKey, REG_SAVE_KEY_INFORMATION),
    PRE(ReplaceKey, REG_REPLACE_KEY_INFORMATION),
#undef PRE
};

static BOOLEAN IsWanted(ULONG PostClass) {
    ULONG process;

    if ((g_Session.Config.OperationMask >> PostClass & 1) == 0) return FALSE;
    if (g_Session.ExcludedProcessId == 0 && g_Session.Config.OnlyProcessId == 0) return TRUE;
    process = HandleToULong(PsGetCurrentProcessId());
    if (process == g_Session.ExcludedProcessId) {
        InterlockedIncrement64(&g_Session.Excluded);
        return FALSE;
    }
    return g_Session.Config.OnlyProcessId == 0 || process == g_Session.Config.OnlyProcessId;
}

static VOID OnPre(ULONG Class, PVOID Information) {
    PVOID* context = (PVOID*)((PUCHAR)Information + g_Pre[Class].ContextOffset);
    ULONGLONG stamp;

    if (g_Pre[Class].PostClass == 0 || !IsWanted(g_Pre[Class].PostClass)) return;
    if (!NameBefore(g_Pre[Class].PostClass)) {
        *context = (PVOID)(ULONG_PTR)RawNow();
        return;
    }
    /* Object is the first member of all of these structures. */
    stamp = (ULONGLONG)NameOfKey(*(PVOID*)Information, (BOOLEAN)(Class == RegNtPreKeyHandleClose)) << 32;
    *context = (PVOID)(ULONG_PTR)(stamp | (ULONG)(RawNow() >> PACKED_SHIFT));
}

/* The ring's producer alone counts; others look. */
static VOID Count(PULONGLONG Counter) { WriteShared(Counter, *Counter + 1); }

static VOID CountDrop(PRING Ring, UCHAR Reason, ULONGLONG Time) {
    Count(&Ring->Produced);
    Ring->Sequence++;
    Count(&Ring->Dropped[Reason]);
    if (Ring->GapCount++ != 0) return;
    Ring->GapReason = Reason;
    Ring->GapTime = Time;
}

/* Says in the ring that events are missing before the next one. */
static BOOLEAN WriteGap(PRING Ring) {
    PREGMON_GAP gap = RingReserve(Ring, sizeof(*gap));

    if (gap == NULL) return FALSE;
    RingTellGap(Ring, gap);
    RingCommit(Ring, sizeof(*gap));
    return TRUE;
}

static VOID WriteEvent(PRING Ring, PCAPTURE Capture, ULONG Size) {
    PREGMON_EVENT event;
    PUCHAR tail;

    if ((Ring->GapCount != 0 && !WriteGap(Ring)) || (event = RingReserve(Ring, Size)) == NULL) {
        CountDrop(Ring, REGMON_DROP_RING_FULL, Capture->Event.Time);
        return;
    }
    Capture->Event.Sequence = Ring->Sequence;
    Capture->Event.Ring = Ring->Index;
    *event = Capture->Event;
    tail = (PUCHAR)(event + 1);
    if (Capture->Event.PathLength != 0) RtlCopyMemory(tail, Capture->Path, Capture->Event.PathLength);
    tail += Capture->Event.PathLength;
    if (Capture->Event.NameLength != 0) RtlCopyMemory(tail, Capture->Name, Capture->Event.NameLength);
    tail += Capture->Event.NameLength;
    if (Capture->Event.DataLength != 0) RtlCopyMemory(tail, Capture->Data, Capture->Event.DataLength);
    /* Only now: a copy that met unmapped memory is counted as a drop instead. */
    Count(&Ring->Produced);
    Ring->Sequence++;
    RingCommit(Ring, Size);
}

/* Enters a ring and writes the event; Capture->Ring stays NULL when no ring is free. */
static VOID EnterAndWrite(PCAPTURE Capture, BOOLEAN Defined) {
    ULONG payload = (ULONG)Capture->Event.PathLength + Capture->Event.NameLength + Capture->Event.DataLength;
    ULONG size = (ULONG)((sizeof(REGMON_EVENT) + payload + 7) & ~(ULONG_PTR)7);

    Capture->Event.Header.Size = (USHORT)size;
    Capture->Ring = AcquireRing();
    if (Capture->Ring == NULL) return;
    if (Defined)
        WriteEvent(Capture->Ring, Capture, size);
    else
        CountDrop(Capture->Ring, REGMON_DROP_NAMES_FULL, Capture->Event.Time);
}

static VOID Record(PCAPTURE Capture, REG_NOTIFY_CLASS Class, PREG_POST_OPERATION_INFORMATION Post, BOOLEAN Defined) {
    CaptureDetails(Capture, Class, Post);
    EnterAndWrite(Capture, Defined);
}

/* One handler for both, entering costs; and a guarded function does nothing else: one with __try is not optimised when
   it is built as an ELF object. */
static BOOLEAN RecordGuarded(PCAPTURE Capture, REG_NOTIFY_CLASS Class, PREG_POST_OPERATION_INFORMATION Post,
                             BOOLEAN Defined) {
    __try {
        Record(Capture, Class, Post, Defined);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return FALSE;
    }
    return TRUE;
}

/* The caller's memory went away. In the copy, inside the ring, the event is lost; before, only its details are. */
static VOID RecordUnreadable(PCAPTURE Capture, BOOLEAN Defined) {
    if (Capture->Ring != NULL) {
        CountDrop(Capture->Ring, REGMON_DROP_RING_FULL, Capture->Event.Time);
        return;
    }
    Capture->Event.Flags |= REGMON_EVENT_UNREADABLE;
    Capture->Event.PathLength = Capture->Event.NameLength = Capture->Event.DataLength = 0;
    EnterAndWrite(Capture, Defined);
}

static VOID LeaveRing(PRING Ring) {
    BOOLEAN wake = FALSE;

    if (Ring == NULL) {
        InterlockedIncrement64(&g_Session.BusyDrops);
        return;
    }
    if (!ReadShared(&Ring->Kicked) && (ULONGLONG)(Ring->Tail - Ring->KnownHead) > Ring->Size / 2) {
        Ring->KnownHead = LoadAcquire64(&Ring->Head);
        wake = (BOOLEAN)((ULONGLONG)(Ring->Tail - Ring->KnownHead) > Ring->Size / 2);
        if (wake) WriteShared(&Ring->Kicked, 1);
    }
    ReleaseRing(Ring);
    if (wake) WakeConsumer(); /* once for half a ring, not once for an event */
}

static VOID OnPost(REG_NOTIFY_CLASS Class, PREG_POST_OPERATION_INFORMATION Post) {
    ULONGLONG now = RawNow();
    ULONGLONG context = (ULONGLONG)(ULONG_PTR)Post->CallContext;
    CAPTURE capture;
    BOOLEAN defined;
    ULONG name;

    capture.Ring = NULL;
    RtlZeroMemory(&capture.Event, sizeof(capture.Event));
    if (NameBefore(Class)) {
        ULONG ticks = (ULONG)(now >> PACKED_SHIFT) - (ULONG)context;
        name = (ULONG)(context >> 32);
        capture.Event.Duration = (ULONGLONG)ticks << PACKED_SHIFT;
        capture.Event.Time = now - capture.Event.Duration;
    } else {
        name = NameOfOperation(Class, Post);
        capture.Event.Time = context;
        capture.Event.Duration = now - context;
    }
    capture.Event.Header.Kind = REGMON_KIND_EVENT;
    capture.Event.Header.Operation = (UCHAR)Class;
    capture.Event.Header.Status = (ULONG)Post->Status;
    capture.Event.ProcessId = HandleToULong(PsGetCurrentProcessId());
    capture.Event.ThreadId = HandleToULong(PsGetCurrentThreadId());
    if (ExGetPreviousMode() == KernelMode) capture.Event.Flags |= REGMON_EVENT_KERNEL;
    capture.Event.NameId = name;
    defined = (BOOLEAN)(name != REGMON_NO_NAME && DefineCurrentProcess(capture.Event.ProcessId));
    if (!RecordGuarded(&capture, Class, Post, defined)) RecordUnreadable(&capture, defined);
    LeaveRing(capture.Ring);
    if (Class == RegNtPostRenameKey && NT_SUCCESS(Post->Status)) NamesForget();
}

NTSTATUS NTAPI RegmonCallback(PVOID CallbackContext, PVOID Argument1, PVOID Argument2) {
    ULONG class = (ULONG)(ULONG_PTR)Argument1;

    UNREFERENCED_PARAMETER(CallbackContext);
    if (class >= MaxRegNtNotifyClass || class == RegNtCallbackObjectContextCleanup || !ReadShared(&g_Session.Recording))
        return STATUS_SUCCESS;
    if (g_Pre[class].PostClass != 0)
        OnPre(class, Argument2);
    else if (((PREG_POST_OPERATION_INFORMATION)Argument2)->CallContext != NULL) /* stamped: it is wanted */
        OnPost((REG_NOTIFY_CLASS) class, Argument2);
    return STATUS_SUCCESS;
}
