// The last step of a caller's request, called by IofCompleteRequest.
#pragma once

#include "io/request.h"

namespace regent::io {

// Hands the output over, tells the sink, sets the events, drops the packet's reference.
void finish_request(Request& request);

}  // namespace regent::io
