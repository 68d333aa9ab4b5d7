// regent audit: the records of the security audit, one line of JSON each.
#pragma once

#include <cstdint>

namespace regent::app {

struct AuditOptions {
    std::uint64_t after = 0;
    bool follow = false;
};
// The exit code.
int show_audit(const AuditOptions& options);

}  // namespace regent::app
