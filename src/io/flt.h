// The filter manager's ports: named by a filter, connected to by programs through \Device\FltMgr. Inside this floor
// only.
#pragma once

#include "io/io_state.h"

namespace regent::io {

Result<void> start_fltmgr();
// Filters that a driver did not unregister, with their ports; how many.
std::size_t remove_filters(const DRIVER_OBJECT* driver);

}  // namespace regent::io
