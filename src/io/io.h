// The io floor's life and its built-in devices. The composition root calls initialize() after ob, ex and cm are up and
// shutdown() before they go down.
#pragma once

#include <string>

#include "rtl/status.h"

namespace regent::io {

struct IoOptions {
    std::string driver_directory;  // where a bare file name in ImagePath is looked up
};

// Creates the types Driver, Device and File, the default device procedures, \Device\HostFs (link \??\UNIX),
// \Device\DbgView (link \??\DbgView) and \Device\SecurityAudit (link \??\SecurityAudit).
Result<void> initialize(const IoOptions& options);

// Sends IRP_MJ_SHUTDOWN where it was asked for, then unloads every driver that has an Unload routine. (NT unloads none
// at shutdown; here the process lives on and may start another executive.) REQUIRES: no client calls are running.
void shutdown();

}  // namespace regent::io
