// Routines of drivers that want to know of processes, threads and images: PsSetCreateProcessNotifyRoutine and its kin.
// They run at PASSIVE_LEVEL in a critical region, in the thread that begins or ends, with no lock of ob held.
#pragma once

#include "ob/process.h"
#include "wdk/wdm/ps.h"

namespace regent::ob {

// The process is there and has done nothing yet. A failure is what a driver put in CreationStatus: the process is not
// let in. Only processes and threads that were announced are told of when they end.
NTSTATUS announce_process(Process& process);
void announce_thread(Thread& thread);
// `process` null: a driver.
void announce_image(const Process* process, Utf16View path, PVOID base, std::size_t size);

// What ends, by Process and Thread themselves.
void announce_end(Process& process);
void announce_end(Thread& thread);

// Takes away what routines in [start, start + size) are left, when they run no more; how many there were.
std::size_t remove_notify_routines(const void* start, std::size_t size);

// Facts of a program of this system, by its number; nothing when there is none.
std::uint32_t parent_of(std::uint32_t pid);
Utf16 command_line_of(std::uint32_t pid);
// \??\UNIX\usr\bin\reg for /usr/bin/reg; other names stay as they are.
Utf16 nt_image_name(Utf16View image);

}  // namespace regent::ob
