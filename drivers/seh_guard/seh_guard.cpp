// seh_guard: a C++ driver that reads what queries returned from their callers' buffers, under structured exceptions:
// the buffers are the callers' memory and may be gone. It counts the bytes of values read below Parameters\Subtree.
#include <ntifs.h>

extern "C" {
#include "common/filter.h"
}

extern "C" DRIVER_INITIALIZE DriverEntry;

namespace {

// A counter that only ever grows, from any thread.
class Counter {
public:
    void add(LONG64 n) { InterlockedExchangeAdd64(&value_, n); }
    LONG64 value() const { return value_; }

private:
    volatile LONG64 value_ = 0;
};

FILTER filter;
Counter bytes_seen;
Counter buffers_gone;

// SEH and C++ objects with destructors do not mix in one function, so the guarded part stands alone. Returns the sum of
// the bytes; -1: the memory is not there.
LONG64 SumOf(const VOID* Data, ULONG Length) {
    LONG64 sum = 0;

    __try {
        for (ULONG i = 0; i < Length; i++) sum += static_cast<const volatile UCHAR*>(Data)[i];
    } __except (GetExceptionCode() == STATUS_ACCESS_VIOLATION ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH) {
        return -1;
    }
    return sum;
}

void OnQueried(PREG_POST_OPERATION_INFORMATION Post) {
    auto info = static_cast<PREG_QUERY_VALUE_KEY_INFORMATION>(Post->PreInformation);

    if (FilterKeyName(&filter, Post->Object) == nullptr) return;
    if (SumOf(info->KeyValueInformation, info->Length) < 0)
        buffers_gone.add(1);
    else
        bytes_seen.add(info->Length);
}

NTSTATUS NTAPI Callback(PVOID, PVOID Argument1, PVOID Argument2) {
    if (static_cast<REG_NOTIFY_CLASS>(reinterpret_cast<ULONG_PTR>(Argument1)) == RegNtPostQueryValueKey)
        OnQueried(static_cast<PREG_POST_OPERATION_INFORMATION>(Argument2));
    return STATUS_SUCCESS;
}

VOID NTAPI Unload(PDRIVER_OBJECT) {
    FilterStop(&filter);
    DbgPrint("seh_guard: %I64d bytes seen, %I64d buffers gone\n", bytes_seen.value(), buffers_gone.value());
}

}  // namespace

extern "C" NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
    return FilterStart(&filter, DriverObject, RegistryPath, L"370050", Callback, Unload);
}
