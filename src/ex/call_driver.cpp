#include "ex/call_driver.h"

#include <string>

#include "ex/bugcheck.h"
#include "ex/driver_image.h"

namespace regent::ex {

void DriverCall::repair() {
    std::string text = driver_name(driver_of(frame_.routine)) + ": " + frame_.purpose + " returned ";
    if (thread_.irql != irql_) {
        text += "at IRQL " + std::to_string(thread_.irql) + " instead of " + std::to_string(irql_);
    } else {
        text += "with an unbalanced critical or guarded region";
    }
    report_violation(text);
    thread_.irql = irql_;
    thread_.critical_regions = critical_regions_;
    thread_.guarded_regions = guarded_regions_;
}

}  // namespace regent::ex
