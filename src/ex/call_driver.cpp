#include "ex/call_driver.h"

#include <string>

#include "ex/driver_image.h"
#include "ex/verifier.h"

namespace regent::ex {

void DriverCall::repair() {
    const DriverId driver = driver_of(frame_.routine);
    const std::string returned = std::string(frame_.purpose) + " returned ";
    if (verifier::report_locks_kept(frame_)) {
        // A lock that was kept explains the rest.
    } else if (thread_.irql != irql_) {
        verifier::complain(
            driver, verifier::rules::irql_kept,
            returned + "at IRQL " + std::to_string(thread_.irql) + " instead of " + std::to_string(irql_),
            frame_.routine);
    } else {
        verifier::complain(driver, verifier::rules::region_kept,
                           returned + "with an unbalanced critical or guarded region", frame_.routine);
    }
    thread_.irql = irql_;
    thread_.critical_regions = critical_regions_;
    thread_.guarded_regions = guarded_regions_;
}

}  // namespace regent::ex
