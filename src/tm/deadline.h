// The time by which a transaction must be committed: then it is rolled back.
#pragma once

#include "rtl/ref.h"
#include "wdk/wdm.h"

namespace regent::tm {

// Internally synchronised. A timer that runs, or a work item that it queued, keeps it.
class Deadline final : public rtl::RefCounted {
public:
    // Runs from now on. `due` is as KeSetTimer's: negative is from now, else a system time.
    static Ref<Deadline> start(const GUID& transaction, LARGE_INTEGER due);
    // Does not run out any more, unless it just did.
    void cancel();

    explicit Deadline(const GUID& transaction) : transaction_(transaction) {}

private:
    static VOID NTAPI expired(PKDPC, PVOID self, PVOID, PVOID);
    static VOID NTAPI roll_back(PVOID self);

    const GUID transaction_;
    KTIMER timer_{};
    KDPC dpc_{};
    WORK_QUEUE_ITEM work_{};
};

}  // namespace regent::tm
