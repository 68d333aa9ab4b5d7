/* Structured exceptions in every form that registry drivers use. DriverEntry runs the cases; the driver loads when all
   of them do what Windows does. With the parameter Crash it registers a callback that faults and handles nothing. */
#include <ntifs.h>

#define NOINLINE __attribute__((noinline))

static char Trace[64];
static LARGE_INTEGER Cookie;
static NOINLINE void Mark(char c) {
    size_t n = strlen(Trace);
    if (n + 1 < sizeof Trace) Trace[n] = c, Trace[n + 1] = 0;
}
static NOINLINE int Filter(char c, int answer) {
    Mark(c);
    return answer;
}
static int* volatile Bad = (int*)8;
static NOINLINE void Fault(void) { *Bad = 1; }
static NOINLINE void FaultDeep(int depth) {
    volatile char pad[200];
    pad[0] = (char)depth;
    if (depth == 0) {
        Fault();
    } else {
        FaultDeep(depth - 1);
    }
    pad[1] = pad[0];
}

static void AccessViolation(void) {
    __try {
        Bad[4] = 1;
        Mark('n');
    } __except (GetExceptionCode() == STATUS_ACCESS_VIOLATION ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH) {
        Mark(GetExceptionCode() == STATUS_ACCESS_VIOLATION ? 'y' : 'n');
    }
}

static NOINLINE int Inspect(PEXCEPTION_POINTERS pointers) {
    PEXCEPTION_RECORD record = pointers->ExceptionRecord;
    Mark(record->ExceptionAddress == (PVOID)pointers->ContextRecord->Rip ? 'a' : 'n');
    Mark(record->NumberParameters == 2 && record->ExceptionInformation[0] == 1 ? 'w' : 'n');
    Mark(record->ExceptionInformation[1] == 8 ? '8' : 'n');
    return EXCEPTION_EXECUTE_HANDLER;
}
static void Information(void) {
    __try {
        Fault();
    } __except (Inspect(GetExceptionInformation())) {
        Mark('h');
    }
}

static void RaisedStatus(void) {
    __try {
        ExRaiseStatus(STATUS_QUOTA_EXCEEDED);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Mark(GetExceptionCode() == STATUS_QUOTA_EXCEEDED ? 'y' : 'n');
    }
}

static void Probe(void) {
    __try {
        ProbeForRead((PVOID)(ULONG_PTR)0xFFFF800000001000, 4, 1);
        Mark('n');
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Mark(GetExceptionCode() == STATUS_ACCESS_VIOLATION ? 'v' : 'n');
    }
    __try {
        ProbeForRead((PVOID)(ULONG_PTR)0x10001, 4, 4);
        Mark('n');
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Mark(GetExceptionCode() == STATUS_DATATYPE_MISALIGNMENT ? 'm' : 'n');
    }
}

/* The filters first, from inside out; then the blocks that are left, then the handler. */
static void Nested(void) {
    __try {
        __try {
            __try {
                FaultDeep(5);
            } __finally {
                Mark(AbnormalTermination() ? '3' : 'n');
            }
        } __except (Filter('1', EXCEPTION_CONTINUE_SEARCH)) {
            Mark('n');
        }
        Mark('n');
    } __except (Filter('2', EXCEPTION_EXECUTE_HANDLER)) {
        Mark('4');
    }
}

static NOINLINE int ReturnInside(int value) {
    __try {
        if (value > 1) return value * 2;
        Mark('n');
    } __finally {
        Mark('f');
    }
    return 0;
}
static void LeavingEarly(void) {
    int i;
    Mark(ReturnInside(21) == 42 ? 'r' : 'n');
    for (i = 0; i < 5; i++) {
        __try {
            if (i == 1) continue;
            if (i == 3) break;
            Mark('b');
        } __finally {
            Mark('f');
        }
    }
    Mark((char)('0' + i));
    __try {
        __try {
            if (i == 3) goto out;
            Mark('n');
        } __finally {
            Mark('g');
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Mark('n');
    }
out:
    __try {
        if (i == 3) __leave;
        Mark('n');
    } __finally {
        Mark(AbnormalTermination() ? 'n' : 'l');
    }
}

static void CopyFromNowhere(void) {
    char buffer[16];
    __try {
        RtlCopyMemory(buffer, (PVOID)(ULONG_PTR)0x1000, Cookie.QuadPart + sizeof buffer);
        Mark('n');
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Mark(GetExceptionCode() == STATUS_ACCESS_VIOLATION ? 'y' : 'n');
    }
}

static void InHandler(void) {
    __try {
        __try {
            Fault();
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            Mark('1');
            ExRaiseStatus(STATUS_NO_MEMORY);
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Mark(GetExceptionCode() == STATUS_NO_MEMORY ? '2' : 'n');
    }
}

/* An exception in a __finally block during an unwind replaces the first one. */
static NOINLINE void CollideInner(void) {
    __try {
        Fault();
    } __finally {
        Mark('f');
        ExRaiseStatus(STATUS_NO_MEMORY);
    }
}
static void Collided(void) {
    __try {
        __try {
            CollideInner();
        } __finally {
            Mark('o');
        }
    } __except (Filter('?', EXCEPTION_EXECUTE_HANDLER)) {
        Mark(GetExceptionCode() == STATUS_NO_MEMORY ? 'c' : 'n');
    }
}

static NOINLINE int FilterThatFaults(void) {
    __try {
        Fault();
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Mark('i');
    }
    return EXCEPTION_EXECUTE_HANDLER;
}
static void InFilter(void) {
    __try {
        Fault();
    } __except (FilterThatFaults()) {
        Mark('o');
    }
}

static void Continued(void) {
    EXCEPTION_RECORD record = {0};
    record.ExceptionCode = STATUS_GUARD_PAGE_VIOLATION;
    __try {
        RtlRaiseException(&record);
        Mark('c');
    } __except (Filter('x', EXCEPTION_CONTINUE_EXECUTION)) {
        Mark('n');
    }
}

static volatile int Zero, Ten = 10;
static void Arithmetic(void) {
    __try {
        Zero = Ten / Zero;
        Mark('n');
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Mark(GetExceptionCode() == STATUS_INTEGER_DIVIDE_BY_ZERO ? 'y' : 'n');
    }
}

static void (*volatile Nowhere)(void);
static void CallNull(void) {
    __try {
        Nowhere();
        Mark('n');
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Mark(GetExceptionCode() == STATUS_ACCESS_VIOLATION ? 'y' : 'n');
    }
}

/* The host calls the driver back from a routine that the driver called: the exception passes the host's frames. */
static RTL_GENERIC_COMPARE_RESULTS NTAPI Compare(PRTL_GENERIC_TABLE table, PVOID a, PVOID b) {
    UNREFERENCED_PARAMETER(table);
    if (*(PULONG)a == 99) Fault();
    return *(PULONG)a < *(PULONG)b ? GenericLessThan : *(PULONG)a > *(PULONG)b ? GenericGreaterThan : GenericEqual;
}
static PVOID NTAPI Allocate(PRTL_GENERIC_TABLE table, CLONG size) {
    UNREFERENCED_PARAMETER(table);
    return ExAllocatePoolWithTag(PagedPool, size, 'heSR');
}
static VOID NTAPI Free(PRTL_GENERIC_TABLE table, PVOID block) {
    UNREFERENCED_PARAMETER(table);
    ExFreePoolWithTag(block, 'heSR');
}
static void ThroughTheHost(void) {
    RTL_GENERIC_TABLE table;
    ULONG numbers[] = {5, 3, 99};
    BOOLEAN isNew;
    RtlInitializeGenericTable(&table, Compare, Allocate, Free, NULL);
    RtlInsertElementGenericTable(&table, &numbers[0], sizeof(ULONG), &isNew);
    RtlInsertElementGenericTable(&table, &numbers[1], sizeof(ULONG), &isNew);
    __try {
        RtlInsertElementGenericTable(&table, &numbers[2], sizeof(ULONG), &isNew);
        Mark('n');
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Mark('y');
    }
    Mark((char)('0' + RtlNumberGenericTableElements(&table)));
    RtlDeleteElementGenericTable(&table, &numbers[0]);
    RtlDeleteElementGenericTable(&table, &numbers[1]);
}

static NOINLINE void LargeFrame(int depth) {
    volatile char large[20000];
    large[sizeof large - 1] = (char)depth;
    FaultDeep(large[sizeof large - 1]);
    large[0] = 1;
}
static void ThroughALargeFrame(void) {
    __try {
        LargeFrame(2);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Mark('y');
    }
}

/* The value is there before the block runs; the block runs before the caller goes on. */
static int Count;
static NOINLINE int ReturnBefore(void) {
    __try {
        return Count;
    } __finally {
        Count++;
        Mark(AbnormalTermination() ? 'a' : 'n');
    }
}
/* break and continue of a loop and a switch around a __try block, out of two blocks at once. */
static NOINLINE int OutOfTwo(int how) {
    int i;
    for (i = 0; i < 4; i++) {
        __try {
            __try {
                switch (how) {
                    case 0:
                        Mark('s');
                        break; /* the switch only */
                    case 1:
                        continue;
                    case 2:
                        goto done;
                    default:
                        return 9;
                }
                if (i == 1) break;
            } __finally {
                Mark(AbnormalTermination() ? 'A' : 'N');
            }
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            Mark('n');
        }
    }
done:
    return i;
}
static void EarlyExits(void) {
    Count = 5;
    Mark(ReturnBefore() == 5 && Count == 6 ? 'r' : 'n');
    Mark((char)('0' + OutOfTwo(0)));
    Mark((char)('0' + OutOfTwo(1)));
    Mark((char)('0' + OutOfTwo(2)));
    Mark((char)('0' + OutOfTwo(3)));
}

/* clang for Windows passes filters another frame than they expect when a variable wants more alignment than the stack.
 */
#ifdef _WIN32
#define OVERALIGNED
#define IS_OVERALIGNED(p) ((p) != NULL)
#else
#define OVERALIGNED DECLSPEC_CACHEALIGN
#define IS_OVERALIGNED(p) (((ULONG_PTR)(p) & 63) == 0)
#endif
/* What the filter, the block and the handler see of the function's variables is what was last assigned. */
static void Variables(void) {
    OVERALIGNED char text[4] = "xy";
    int a = 1, i;
    for (i = 0; i < 3; i++) {
        Mark(IS_OVERALIGNED(text) ? '.' : 'n');
        __try {
            a = i + 2;
            text[1] = (char)('a' + i);
            if (i == 1) __leave;
            Fault();
        } __except (
            Filter((char)('0' + a), text[1] == 'a' + i ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH)) {
            a += 4;
            Mark((char)('0' + a));
            continue;
        }
        Mark(text[1]);
    }
    __try {
        __try {
            a = 3;
            Fault();
        } __finally {
            Mark((char)('0' + a));
            a = 7;
        }
    } __except (a == 3) {
        Mark((char)('0' + a));
    }
}

/* A handler that is left by return; a block in a handler and in a __finally block; __leave of the right block. */
static NOINLINE int HandlerReturns(void) {
    __try {
        Fault();
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        __try {
            Mark('1');
            if (GetExceptionCode() == STATUS_ACCESS_VIOLATION) return 3;
        } __finally {
            __try {
                ExRaiseStatus(STATUS_NO_MEMORY);
            } __except (GetExceptionCode() == STATUS_NO_MEMORY) {
                Mark('2');
            }
        }
    }
    return 0;
}
static void InsideEachOther(void) {
    Mark((char)('0' + HandlerReturns()));
    __try {
        __try {
            __leave;
        } __finally {
            Mark('f');
        }
        Mark('m');
        __leave;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Mark('n');
    }
    Mark('e');
}

/* Many of them: nothing is left behind. */
static void ManyTimes(void) {
    ULONG i, handled = 0;
    for (i = 0; i < 2000; i++) {
        __try {
            FaultDeep((int)(i % 7));
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            handled++;
        }
    }
    Mark(handled == 2000 ? 'y' : 'n');
}

/* Not about exceptions: data imports as the headers for the two compilers declare them. */
static void DataImports(void) {
    HANDLE event = NULL;
    PVOID object = NULL;
    ZwCreateEvent(&event, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE);
    if (NT_SUCCESS(ObReferenceObjectByHandle(event, 0, *ExEventObjectType, KernelMode, &object, NULL))) Mark('e');
    if (object != NULL) ObDereferenceObject(object);
    if (!NT_SUCCESS(ObReferenceObjectByHandle(event, 0, *IoFileObjectType, KernelMode, &object, NULL))) Mark('f');
    ZwClose(event);
    Mark(PsInitialSystemProcess == PsGetCurrentProcess() ? 'p' : 'n');
}

static const struct {
    void (*Run)(void);
    const char* Expected;
} Cases[] = {
    {AccessViolation, "y"},    {Information, "aw8h"},
    {RaisedStatus, "y"},       {Probe, "vm"},
    {Nested, "1234"},          {LeavingEarly, "frbffbff3gl"},
    {CopyFromNowhere, "y"},    {InHandler, "12"},
    {Collided, "?f?oc"},       {InFilter, "io"},
    {Continued, "xc"},         {Arithmetic, "y"},
    {CallNull, "y"},           {ThroughTheHost, "y2"},
    {ThroughALargeFrame, "y"}, {EarlyExits, "arsNsA1AAAA4A0A9"},
    {Variables, ".26.b.4837"}, {InsideEachOther, "123fme"},
    {ManyTimes, "y"},          {DataImports, "efp"},
};

static NTSTATUS NTAPI Callback(PVOID context, PVOID operation, PVOID information) {
    UNREFERENCED_PARAMETER(context);
    UNREFERENCED_PARAMETER(information);
    if ((REG_NOTIFY_CLASS)(ULONG_PTR)operation == RegNtPreSetValueKey) FaultDeep(3);
    return STATUS_SUCCESS;
}

static VOID NTAPI Unload(PDRIVER_OBJECT driver) {
    UNREFERENCED_PARAMETER(driver);
    CmUnRegisterCallback(Cookie);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path) {
    ULONG i;
    ULONG failed = 0;
    UNREFERENCED_PARAMETER(path);
    for (i = 0; i < RTL_NUMBER_OF(Cases); i++) {
        Trace[0] = 0;
        Cases[i].Run();
        if (strcmp(Trace, Cases[i].Expected) == 0) continue;
        DbgPrint("seh: case %u: %s instead of %s\n", i, Trace, Cases[i].Expected);
        failed++;
    }
    DbgPrint("seh: %u cases, %u failed\n", (ULONG)RTL_NUMBER_OF(Cases), failed);
    driver->DriverUnload = Unload;
    if (failed != 0) return STATUS_UNSUCCESSFUL;
    return CmRegisterCallback(Callback, NULL, &Cookie);
}
