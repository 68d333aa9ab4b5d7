// User APCs at the border of the executive: made of what a caller passes, run when one of its alertable waits was
// broken.
#pragma once

#include <memory>

#include "ex/apc.h"
#include "nt/ntobapi.h"

namespace regent::nt {

std::unique_ptr<ex::UserApc> make_io_apc(PIO_APC_ROUTINE routine, PVOID context, PIO_STATUS_BLOCK block);
// The way back to the caller: a wait that an APC broke delivers all that are queued, to a user's thread only.
NTSTATUS after_alertable_wait(NTSTATUS status);

}  // namespace regent::nt
