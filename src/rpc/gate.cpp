// regent::select_gate: which registry the Nt* calls of this process reach.
#include "regent/gate.h"

#include <sys/stat.h>
#include <unistd.h>
#include <cstdio>

#include <cstdlib>

#include "nt/dispatch.h"
#include "nt/system.h"
#include "rpc/client.h"
#include "rtl/lock.h"

namespace regent {
namespace {

enum class Kind { none, store, daemon };

struct Choice {
    Kind kind = Kind::none;
    std::string place;
    std::string failure;
    NTSTATUS status = STATUS_SUCCESS;
};

// Booting under the lock would order it before the executive's own; a second chooser waits on the flag instead.
Mutex<LockRank::leaf> choice_lock;
ConditionVariable choice_done;
Choice choice RG_GUARDED_BY(choice_lock);
bool choosing RG_GUARDED_BY(choice_lock) = false;

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : std::string(value);
}

bool exists(const std::string& path) {
    struct stat info{};
    return ::stat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
}

std::expected<Choice, GateFailure> use_store(const std::string& directory) {
    nt::StoreOptions options;
    options.directory = directory;
    if (const std::string wanted = environment("REGENT_DURABILITY");
        !wanted.empty() && !nt::set_durability(options, wanted))
        return std::unexpected(GateFailure{STATUS_INVALID_PARAMETER, "no durability: REGENT_DURABILITY=" + wanted});
    if (const std::string wanted = environment("REGENT_AUDIT"); !wanted.empty()) {
        const auto policy = ob::AuditPolicy::parse(wanted);
        if (!policy) {
            return std::unexpected(GateFailure{STATUS_INVALID_PARAMETER, "no audit policy: REGENT_AUDIT=" + wanted});
        }
        options.audit = *policy;
    }
    if (auto started = nt::start_system(options); !started)
        return std::unexpected(GateFailure{started.error().status, started.error().message});
    nt::set_gate(&nt::local_table());
    // After the boot: what the executive keeps in statics must outlive this handler.
    static const int registered = std::atexit(close_gate);
    static_cast<void>(registered);
    return Choice{Kind::store, nt::store_directory(), {}, STATUS_SUCCESS};
}

std::expected<Choice, GateFailure> use_daemon(const std::string& socket) {
    if (auto opened = rpc::RemoteGate::instance().open(socket); !opened)
        return std::unexpected(GateFailure{STATUS_PORT_CONNECTION_REFUSED, opened.error()});
    nt::set_gate(&rpc::remote_table());
    return Choice{Kind::daemon, socket, {}, STATUS_SUCCESS};
}

std::expected<Choice, GateFailure> choose(const GateChoice& wanted) {
    if (!wanted.store.empty() && !wanted.socket.empty())
        return std::unexpected(GateFailure{STATUS_INVALID_PARAMETER, "choose a store or a socket, not both"});
    if (!wanted.socket.empty()) return use_daemon(wanted.socket);
    if (!wanted.store.empty()) return use_store(wanted.store);
    if (const std::string socket = environment("REGENT_SOCKET"); !socket.empty()) return use_daemon(socket);
    if (const std::string store = environment("REGENT_STORE"); !store.empty()) return use_store(store);
    for (const std::string& socket : {default_socket_path(), std::string("/run/regent/socket")})
        if (exists(socket))
            if (auto daemon = use_daemon(socket)) return daemon;
    return use_store(default_store_path());
}

nt::Gate resolve() {
    const auto selected = select_gate();
    if (!selected) return {nullptr, selected.error().status};
    return nt::current_gate();
}

// The resolver is there before main, whoever calls first.
const bool resolver_installed = [] {
    nt::set_gate_resolver(resolve);
    return true;
}();

}  // namespace

std::expected<void, GateFailure> select_gate(const GateChoice& wanted) {
    const bool implicit = wanted.store.empty() && wanted.socket.empty();
    {
        ExclusiveGuard guard(choice_lock);
        choice_done.wait(choice_lock, []() RG_NO_ANALYSIS { return !choosing; });
        if (choice.kind != Kind::none) {
            if (implicit || wanted.store == choice.place || wanted.socket == choice.place) return {};
            return std::unexpected(
                GateFailure{STATUS_INVALID_DEVICE_STATE, "this process already works on " + choice.place});
        }
        // A failed implicit choice stays failed: the calls of a program fail alike, not one with a boot in between.
        if (implicit && choice.status != STATUS_SUCCESS)
            return std::unexpected(GateFailure{choice.status, choice.failure});
        choosing = true;
    }
    auto selected = choose(wanted);
    ExclusiveGuard guard(choice_lock);
    choosing = false;
    choice_done.notify_all();
    if (selected) {
        choice = std::move(*selected);
        return {};
    }
    choice.failure = selected.error().message;
    choice.status = selected.error().status;
    return std::unexpected(selected.error());
}

void close_gate() {
    Kind kind = Kind::none;
    {
        ExclusiveGuard guard(choice_lock);
        choice_done.wait(choice_lock, []() RG_NO_ANALYSIS { return !choosing; });
        kind = choice.kind;
        choice = {};
    }
    if (kind == Kind::none) return;
    nt::set_gate(nullptr);
    if (kind != Kind::store) return;
    for (const std::string& line : nt::stop_system()) std::fprintf(stderr, "regent: %s\n", line.c_str());
    if (kind == Kind::daemon) rpc::RemoteGate::instance().close();
}

std::string gate_description() {
    ExclusiveGuard guard(choice_lock);
    if (choice.kind == Kind::store) return "store " + choice.place;
    if (choice.kind == Kind::daemon) return "daemon at " + choice.place;
    return {};
}

std::string gate_failure() {
    ExclusiveGuard guard(choice_lock);
    return choice.failure;
}

std::string default_socket_path() {
    const std::string runtime = environment("XDG_RUNTIME_DIR");
    return runtime.empty() ? "/run/regent/socket" : runtime + "/regent/socket";
}

std::string default_store_path() {
    const std::string data = environment("XDG_DATA_HOME");
    if (!data.empty()) return data + "/regent";
    const std::string home = environment("HOME");
    return (home.empty() ? std::string("/var/lib") : home + "/.local/share") + "/regent";
}

}  // namespace regent
