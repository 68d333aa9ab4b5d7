// Rundown protection: users acquire it while they use something; the owner waits once for the last of them.
#pragma once

#include "wdk/wdm.h"

namespace regent::ex {

// 1. After wait() has begun no acquire succeeds. 2. wait() returns after the last release.
// 3. After that the object may go: a releaser does not touch it once its release can be seen.
// Internally synchronised.
class RundownRef {
public:
    RundownRef() { ref_.Count = 0; }
    RundownRef(const RundownRef&) = delete;
    RundownRef& operator=(const RundownRef&) = delete;
    [[nodiscard]] bool acquire() { return ExAcquireRundownProtection(&ref_) != FALSE; }
    void release() { ExReleaseRundownProtection(&ref_); }
    void wait() { ExWaitForRundownProtectionRelease(&ref_); }
    // After wait(): makes it usable again.
    void reinitialize() { ExReInitializeRundownProtection(&ref_); }

private:
    EX_RUNDOWN_REF ref_;
};

// Holds a RundownRef for a scope when it could be had.
class RundownGuard {
public:
    explicit RundownGuard(RundownRef& ref) : ref_(ref.acquire() ? &ref : nullptr) {}
    ~RundownGuard() {
        if (ref_ != nullptr) ref_->release();
    }
    RundownGuard(const RundownGuard&) = delete;
    RundownGuard& operator=(const RundownGuard&) = delete;
    explicit operator bool() const { return ref_ != nullptr; }

private:
    RundownRef* ref_;
};

}  // namespace regent::ex
