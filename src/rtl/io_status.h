// The one way to complete a pending call: whoever polls Status sees it change last.
#pragma once

#include <atomic>

#include "nt/ntdef.h"

namespace regent::rtl {

// Writes the outcome of a pending call into its status block, Information first. Output buffers must be written before.
inline void complete_io_status(IO_STATUS_BLOCK* block, NTSTATUS status, ULONG_PTR information) {
    if (block == nullptr) return;
    block->Information = information;
    std::atomic_ref<NTSTATUS>(block->Status).store(status, std::memory_order_release);
}

// The status of a block that another thread may complete; what was written before its completion is visible.
inline NTSTATUS load_io_status(IO_STATUS_BLOCK* block) {
    return std::atomic_ref<NTSTATUS>(block->Status).load(std::memory_order_acquire);
}

}  // namespace regent::rtl
