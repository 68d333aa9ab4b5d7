// Privileges that a service asks of its caller.
#pragma once

#include "nt/ntseapi.h"
#include "ob/audit.h"

namespace regent::nt {

inline bool may(unsigned privilege) {
    if (ob::current().kernel()) return true;
    const bool held = ob::current().token().enabled(privilege);
    if (ob::audits_anything()) [[unlikely]]
        ob::record_privilege(privilege, held);
    return held;
}

}  // namespace regent::nt
