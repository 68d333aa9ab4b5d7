// The composition root: one executive per process, on one store. Boot order: docs in src/nt/README.md.
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "hive/durability.h"
#include "nt/ntdef.h"
#include "ob/audit.h"

namespace regent::nt {

struct StoreOptions {
    std::string directory;      // created with its parents when missing
    bool start_drivers = true;  // auto-start drivers by their Start value
    // When changes reach the store's files, also those of hives that services load.
    hive::Durability durability = hive::Durability::lazy;
    int lazy_flush_seconds = 5;  // lazy: how often what changed is flushed; 0: only on request and at the stop
    ob::AuditPolicy audit = {};  // what the security audit records: nothing, as on Windows (docs/audit.md)
    std::function<void(const std::string& line)> log = {};  // what log_message() is given; any thread
};

// Why a store did not boot: NT's status and one line for the user, naming the file.
struct BootFailure {
    NTSTATUS status;
    std::string message;
};

struct MountedHive {
    std::string key;   // \REGISTRY\MACHINE\SYSTEM
    std::string file;  // host path; empty: volatile
};

// "lazy", "lazy:SECONDS", "every", "read-only" or "memory". False: none of these, and nothing has changed.
bool set_durability(StoreOptions& options, std::string_view text);

// Boots the executive on a store. ERRORS: a store owned by another process (its pid is in the message), a store that
// cannot be created (read-only: is not there), a damaged hive. After a failure nothing is running.
std::expected<void, BootFailure> start_system(const StoreOptions& options);

// Unloads drivers, flushes every hive, unlocks the store. Safe to call when nothing runs.
// Returns a line for every hive whose last changes could not be written: they are lost, and the caller must say so.
std::vector<std::string> stop_system();

bool system_running();
std::string store_directory();             // of the running system
std::vector<MountedHive> mounted_hives();  // as hivelist says
std::vector<std::string> boot_messages();  // what was created, recovered or skipped at boot, one line each
// Says one line to whoever runs the executive, when he wants to hear: what no status can carry.
void log_message(const std::string& line);

}  // namespace regent::nt
