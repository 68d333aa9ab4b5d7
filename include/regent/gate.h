// Which registry this process works on: a store embedded in the process, or a daemon behind a Unix socket. Every Nt*
// (and so every Reg*) call goes there. Without a choice the first call chooses as the command-line contract says:
// REGENT_SOCKET, REGENT_STORE, a default daemon that answers, the user's own store. REGENT_DURABILITY says how a store
// in this process is kept, REGENT_AUDIT what is recorded of its use, in regentd's words (--durability, --audit).
#pragma once

#include <expected>
#include <string>

#include "nt/ntdef.h"

namespace regent {

// At most one is set (from --store and --socket); both empty: the environment and the defaults decide.
struct GateChoice {
    std::string store;
    std::string socket;
};

// What went wrong, in one line fit for a user, and the status that Nt* calls give meanwhile.
struct GateFailure {
    NTSTATUS status;
    std::string message;
};

// Boots the store or connects to the daemon. A second choice in one process is refused.
std::expected<void, GateFailure> select_gate(const GateChoice& choice = {});

// Stops the embedded executive (flushed, unlocked) or closes the connections. Also done at exit.
void close_gate();

// "store /home/me/.local/share/regent" or "daemon at /run/regent/socket"; empty before a choice.
std::string gate_description();

// The last failure of a choice made implicitly by a first Nt* call; empty when there was none.
std::string gate_failure();

// Where the contract puts things when nothing is said.
std::string default_socket_path();
std::string default_store_path();

}  // namespace regent
