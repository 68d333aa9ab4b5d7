// A record of the audit as one line of JSON. docs/audit.md has the fields.
#pragma once

#include <string>

#include "ob/audit.h"

namespace regent::io {

std::string audit_line(const ob::AuditRecord& record);

}  // namespace regent::io
