// Kernel APCs are not delivered by this host: the objects can be made, queuing one fails as for a thread that ends.
#include <cstring>

#include "ex/thread_state.h"

extern "C" {

VOID KeInitializeApc(PRKAPC Apc, PRKTHREAD Thread, KAPC_ENVIRONMENT Environment, PKKERNEL_ROUTINE KernelRoutine,
                     PKRUNDOWN_ROUTINE RundownRoutine, PKNORMAL_ROUTINE NormalRoutine, KPROCESSOR_MODE ApcMode,
                     PVOID NormalContext) {
    std::memset(Apc, 0, sizeof *Apc);
    Apc->Type = ApcObject;
    Apc->Size = sizeof *Apc;
    Apc->Thread = Thread;
    Apc->Reserved[0] = reinterpret_cast<PVOID>(KernelRoutine);
    Apc->Reserved[1] = reinterpret_cast<PVOID>(RundownRoutine);
    Apc->Reserved[2] = reinterpret_cast<PVOID>(NormalRoutine);
    Apc->NormalContext = NormalContext;
    Apc->ApcStateIndex = static_cast<CCHAR>(Environment);
    Apc->ApcMode = ApcMode;
}

BOOLEAN KeInsertQueueApc(PRKAPC, PVOID, PVOID, KPRIORITY) { return FALSE; }

}  // extern "C"
