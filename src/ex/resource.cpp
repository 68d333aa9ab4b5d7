// ERESOURCE: a recursive reader-writer lock whose owner is known.
// Readers are admitted while no writer owns it, even when one waits: a thread that reads already may then read again.
#include <cstring>

#include "ex/futex.h"
#include "ex/thread_state.h"
#include "ex/verifier.h"

namespace verifier = regent::ex::verifier;

namespace {

using regent::ex::futex_wait;
using regent::ex::futex_wake;

// The fields are guarded by Guard, a small lock; Sequence changes whenever a waiter might get in.
class Guarded {
public:
    explicit Guarded(PERESOURCE resource) : resource_(resource) {
        while (__atomic_exchange_n(&resource_->Guard, 1, __ATOMIC_ACQUIRE) != 0) YieldProcessor();
    }
    ~Guarded() { __atomic_store_n(&resource_->Guard, 0, __ATOMIC_RELEASE); }
    Guarded(const Guarded&) = delete;
    Guarded& operator=(const Guarded&) = delete;

private:
    PERESOURCE resource_;
};

bool take_exclusive(PERESOURCE resource, void* self) {
    Guarded guard(resource);
    if (resource->ExclusiveOwner == self) {
        ++resource->Recursion;
        return true;
    }
    if (resource->ExclusiveOwner != nullptr || resource->SharedHolds != 0) return false;
    resource->ExclusiveOwner = self;
    resource->Recursion = 1;
    return true;
}

bool take_shared(PERESOURCE resource, void* self) {
    Guarded guard(resource);
    if (resource->ExclusiveOwner == self) {
        ++resource->Recursion;
        return true;
    }
    if (resource->ExclusiveOwner != nullptr) return false;
    ++resource->SharedHolds;
    return true;
}

constexpr const char* resource_name = "resource";

BOOLEAN acquire(PERESOURCE resource, bool (*take)(PERESOURCE, void*), BOOLEAN wait) {
    void* self = &regent::ex::thread_state();
    if (verifier::active()) [[unlikely]] {
        verifier::check_resource("a routine that acquires a resource");
        if (wait) verifier::lock_wanted(resource, resource_name, true);
    }
    for (;;) {
        const LONG sequence = __atomic_load_n(&resource->Sequence, __ATOMIC_ACQUIRE);
        if (take(resource, self)) {
            if (!wait) verifier::took(resource, resource_name);
            return TRUE;
        }
        if (!wait) return FALSE;
        __atomic_add_fetch(&resource->ContentionCount, 1, __ATOMIC_RELAXED);
        futex_wait(&resource->Sequence, static_cast<std::uint32_t>(sequence));
    }
}

void let_in(PERESOURCE resource) {
    __atomic_add_fetch(&resource->Sequence, 1, __ATOMIC_RELEASE);
    futex_wake(&resource->Sequence);
}

}  // namespace

extern "C" {

NTSTATUS ExInitializeResourceLite(PERESOURCE Resource) {
    std::memset(Resource, 0, sizeof *Resource);
    return STATUS_SUCCESS;
}

NTSTATUS ExReinitializeResourceLite(PERESOURCE Resource) { return ExInitializeResourceLite(Resource); }
NTSTATUS ExDeleteResourceLite(PERESOURCE Resource) { return ExInitializeResourceLite(Resource); }

BOOLEAN ExAcquireResourceExclusiveLite(PERESOURCE Resource, BOOLEAN Wait) {
    return acquire(Resource, take_exclusive, Wait);
}

BOOLEAN ExAcquireResourceSharedLite(PERESOURCE Resource, BOOLEAN Wait) { return acquire(Resource, take_shared, Wait); }

BOOLEAN ExTryToAcquireResourceExclusiveLite(PERESOURCE Resource) {
    return ExAcquireResourceExclusiveLite(Resource, FALSE);
}

VOID ExReleaseResourceLite(PERESOURCE Resource) {
    verifier::gave_back(Resource);
    {
        void* self = &regent::ex::thread_state();
        Guarded guard(Resource);
        if (Resource->ExclusiveOwner == self) {
            if (--Resource->Recursion != 0) return;
            Resource->ExclusiveOwner = nullptr;
        } else if (Resource->SharedHolds != 0) {
            if (--Resource->SharedHolds != 0) return;
        } else {
            KeBugCheckEx(0xE3, reinterpret_cast<ULONG_PTR>(Resource), reinterpret_cast<ULONG_PTR>(self), 0, 0);
        }
    }
    let_in(Resource);
}

VOID ExConvertExclusiveToSharedLite(PERESOURCE Resource) {
    {
        Guarded guard(Resource);
        Resource->SharedHolds = Resource->Recursion;
        Resource->Recursion = 0;
        Resource->ExclusiveOwner = nullptr;
    }
    let_in(Resource);
}

BOOLEAN ExIsResourceAcquiredExclusiveLite(PERESOURCE Resource) {
    Guarded guard(Resource);
    return Resource->ExclusiveOwner == &regent::ex::thread_state();
}

// Which threads read is not recorded: any reader counts.
ULONG ExIsResourceAcquiredSharedLite(PERESOURCE Resource) {
    Guarded guard(Resource);
    return Resource->ExclusiveOwner == &regent::ex::thread_state() ? Resource->Recursion : Resource->SharedHolds;
}

}  // extern "C"
