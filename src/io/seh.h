// Structured exceptions of drivers as ELF objects. Their __try blocks are frames in a list of the thread
// (RG_SEH_FRAME, made by what regent-cc puts in the source); filters and __finally blocks run on the stack of what
// happened, in the frame of their function. An exception does not leave the driver: beyond the frames that were entered
// since the host called it, the host stops with a report.
#pragma once

#include <string>
#include <string_view>

#include "wdk/ntddk.h"

namespace regent::io {

// Asks the filters of the calling thread's driver, from the innermost block on. Goes on in a handler, or returns true
// when a filter said to continue, or stops the host when nobody handles it. `driver_pc` is the driver's instruction.
bool dispatch_exception(EXCEPTION_RECORD& record, CONTEXT& context, const void* driver_pc);

// The calling thread is in an ELF driver's routine.
bool in_elf_driver();

// A routine that holds no lock and no memory when it faults: the fault is its caller's.
bool raises_for_its_caller(std::string_view name);

// The instruction of the ELF driver whose mistake a fault at `pc` is; null: it is the host's. `jumped`: nothing is at
// `pc`, it was called or jumped to.
const void* driver_of_fault(const void* pc, const void* return_address, bool jumped);

// Where in which driver an exception was raised. Owns nothing: the frames that hold it may be left without an unwind.
struct ExceptionPlace {
    char text[256];
};

// The host stops: code and parameters by what the host had called the driver for.
[[noreturn]] void stop_unhandled(const EXCEPTION_RECORD& record, const CONTEXT& context, const ExceptionPlace& place);

// ExRaiseStatus and its kin raise in the driver that called them, of either format. Once, before the first driver runs.
void deliver_exceptions();

}  // namespace regent::io
