// Lookaside lists, and the interlocked lists they are made of.
#include <cstring>

#include "ex/bugcheck.h"
#include "ex/pool.h"
#include "ex/thread_state.h"
#include "rtl/foreign_call.h"

namespace {

// SLIST_HEADER: a lock bit instead of NT's double-width compare-and-swap; the sections are a few instructions.
class SListGuard {
public:
    explicit SListGuard(PSLIST_HEADER head) : head_(head) {
        while (__atomic_exchange_n(&head_->Rg.Lock, 1, __ATOMIC_ACQUIRE) != 0) YieldProcessor();
    }
    ~SListGuard() { __atomic_store_n(&head_->Rg.Lock, 0, __ATOMIC_RELEASE); }
    SListGuard(const SListGuard&) = delete;
    SListGuard& operator=(const SListGuard&) = delete;

private:
    PSLIST_HEADER head_;
};

constexpr USHORT default_depth = 256;

void initialize(GENERAL_LOOKASIDE& list, PALLOCATE_FUNCTION allocate, PFREE_FUNCTION release, POOL_TYPE type,
                SIZE_T size, ULONG tag) {
    std::memset(&list, 0, sizeof list);
    ExInitializeSListHead(&list.ListHead);
    list.Depth = default_depth;
    list.MaximumDepth = default_depth;
    list.Type = type;
    list.Tag = tag;
    list.Size = static_cast<ULONG>(size < sizeof(SLIST_ENTRY) ? sizeof(SLIST_ENTRY) : size);
    list.Allocate = allocate;
    list.Free = release;
    InitializeListHead(&list.ListEntry);
}

PVOID allocate(GENERAL_LOOKASIDE& list, const void* caller) {
    ++list.TotalAllocates;  // statistics only: lost counts do no harm
    if (PSLIST_ENTRY entry = ExpInterlockedPopEntrySList(&list.ListHead)) return entry;
    ++list.AllocateMisses;
    if (list.Allocate != nullptr) return regent::rtl::call_routine(list.Allocate, list.Type, list.Size, list.Tag);
    return regent::ex::allocate_pool(static_cast<ULONG>(list.Type), list.Size, list.Tag, caller);
}

void release(GENERAL_LOOKASIDE& list, PVOID entry) {
    ++list.TotalFrees;
    if (ExQueryDepthSList(&list.ListHead) < list.Depth) {
        ExpInterlockedPushEntrySList(&list.ListHead, static_cast<PSLIST_ENTRY>(entry));
        return;
    }
    ++list.FreeMisses;
    if (list.Free != nullptr) {
        regent::rtl::call_routine(list.Free, entry);
    } else {
        ExFreePool(entry);
    }
}

void remove(GENERAL_LOOKASIDE& list) {
    while (PSLIST_ENTRY entry = ExpInterlockedPopEntrySList(&list.ListHead)) {
        if (list.Free != nullptr) {
            regent::rtl::call_routine(list.Free, entry);
        } else {
            ExFreePool(entry);
        }
    }
}

}  // namespace

extern "C" {

VOID ExInitializeSListHead(PSLIST_HEADER SListHead) { std::memset(SListHead, 0, sizeof *SListHead); }

PSLIST_ENTRY ExpInterlockedPushEntrySList(PSLIST_HEADER ListHead, PSLIST_ENTRY ListEntry) {
    SListGuard guard(ListHead);
    PSLIST_ENTRY previous = ListHead->Rg.Next;
    ListEntry->Next = previous;
    ListHead->Rg.Next = ListEntry;
    ++ListHead->Rg.Depth;
    return previous;
}

PSLIST_ENTRY ExpInterlockedPopEntrySList(PSLIST_HEADER ListHead) {
    SListGuard guard(ListHead);
    PSLIST_ENTRY entry = ListHead->Rg.Next;
    if (entry == nullptr) return nullptr;
    ListHead->Rg.Next = entry->Next;
    --ListHead->Rg.Depth;
    return entry;
}

PSLIST_ENTRY ExpInterlockedFlushSList(PSLIST_HEADER ListHead) {
    SListGuard guard(ListHead);
    PSLIST_ENTRY all = ListHead->Rg.Next;
    ListHead->Rg.Next = nullptr;
    ListHead->Rg.Depth = 0;
    return all;
}

USHORT ExQueryDepthSList(PSLIST_HEADER ListHead) { return __atomic_load_n(&ListHead->Rg.Depth, __ATOMIC_RELAXED); }

PLIST_ENTRY ExInterlockedInsertHeadList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry, PKSPIN_LOCK Lock) {
    KeAcquireSpinLockAtDpcLevel(Lock);
    PLIST_ENTRY previous = IsListEmpty(ListHead) ? nullptr : ListHead->Flink;
    InsertHeadList(ListHead, ListEntry);
    KeReleaseSpinLockFromDpcLevel(Lock);
    return previous;
}

PLIST_ENTRY ExInterlockedInsertTailList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry, PKSPIN_LOCK Lock) {
    KeAcquireSpinLockAtDpcLevel(Lock);
    PLIST_ENTRY previous = IsListEmpty(ListHead) ? nullptr : ListHead->Blink;
    InsertTailList(ListHead, ListEntry);
    KeReleaseSpinLockFromDpcLevel(Lock);
    return previous;
}

PLIST_ENTRY ExInterlockedRemoveHeadList(PLIST_ENTRY ListHead, PKSPIN_LOCK Lock) {
    KeAcquireSpinLockAtDpcLevel(Lock);
    PLIST_ENTRY entry = IsListEmpty(ListHead) ? nullptr : RemoveHeadList(ListHead);
    KeReleaseSpinLockFromDpcLevel(Lock);
    return entry;
}

VOID ExInitializeNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside, PALLOCATE_FUNCTION Allocate, PFREE_FUNCTION Free,
                                     ULONG Flags, SIZE_T Size, ULONG Tag, USHORT) {
    initialize(Lookaside->L, Allocate, Free, static_cast<POOL_TYPE>(NonPagedPool | Flags), Size, Tag);
}

VOID ExDeleteNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside) { remove(Lookaside->L); }

PVOID ExAllocateFromNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside) {
    return allocate(Lookaside->L, regent::rtl::driver_caller(__builtin_return_address(0)));
}

VOID ExFreeToNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside, PVOID Entry) { release(Lookaside->L, Entry); }

VOID ExInitializePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside, PALLOCATE_FUNCTION Allocate, PFREE_FUNCTION Free,
                                    ULONG Flags, SIZE_T Size, ULONG Tag, USHORT) {
    initialize(Lookaside->L, Allocate, Free, static_cast<POOL_TYPE>(PagedPool | Flags), Size, Tag);
}

VOID ExDeletePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside) { remove(Lookaside->L); }

PVOID ExAllocateFromPagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside) {
    return allocate(Lookaside->L, regent::rtl::driver_caller(__builtin_return_address(0)));
}

VOID ExFreeToPagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside, PVOID Entry) { release(Lookaside->L, Entry); }

}  // extern "C"
