// regentd: the executive as a daemon. Boots a store, answers on a Unix socket until SIGTERM or SIGINT.
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <string>
#include <utility>

#include "nt/dispatch.h"
#include "nt/system.h"
#include "nt/user_profile.h"
#include "ob/process.h"
#include "regent/gate.h"
#include "rpc/client_identity.h"
#include "rpc/server.h"
#include "supervise.h"

namespace {

using namespace regent;

constexpr int exit_failure = 1;

void say(const std::string& line) { std::fprintf(stderr, "regentd: %s\n", line.c_str()); }

// Blocked before any thread starts, taken with sigwait by the main thread.
sigset_t block_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    return signals;
}

NTSTATUS admit(ob::Process& process) {
    const auto profile = nt::ensure_user_profile(process.token());
    if (profile) return STATUS_SUCCESS;
    say(profile.error().message);
    return profile.error().status;
}

// One line, so that whoever started the daemon can wait for it with a read.
void announce(int ready_fd, const std::string& line) {
    const std::string text = line + "\n";
    if (::write(ready_fd, text.data(), text.size()) < 0) say("nobody reads the ready line");
    if (ready_fd > STDERR_FILENO) ::close(ready_fd);
}

int serve(const nt::StoreOptions& chosen, const std::string& socket, const std::string& admins, int ready_fd) {
    const sigset_t signals = block_signals();
    auto listener = rpc::listen_socket(socket);
    if (!listener) {
        say(listener.error());
        return exit_failure;
    }
    nt::StoreOptions options = chosen;
    options.log = say;
    if (auto started = nt::start_system(options); !started) {
        say(started.error().message);
        nt::stop_system();
        ::unlink(socket.c_str());
        return exit_failure;
    }
    nt::set_gate(&nt::local_table());
    for (const std::string& message : nt::boot_messages()) say(message);

    rpc::ServerOptions server_options;
    server_options.socket_path = socket;
    server_options.table = &nt::local_table();
    server_options.admit = admit;
    server_options.admins = rpc::admin_group(admins);
    server_options.log = say;
    auto server = rpc::Server::start(std::move(server_options), std::move(*listener));
    if (!server) {
        say(server.error());
        nt::stop_system();
        ::unlink(socket.c_str());
        return exit_failure;
    }
    announce(ready_fd, "regentd: ready, store " + nt::store_directory() + ", socket " + socket + ", pid " +
                           std::to_string(::getpid()));
    int signal = 0;
    sigwait(&signals, &signal);
    (*server)->stop();
    const auto lost = nt::stop_system();
    for (const std::string& line : lost) say(line);
    return lost.empty() ? 0 : exit_failure;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"The registry executive as a daemon on a Unix socket. Runs in the foreground until SIGTERM."};
    nt::StoreOptions options;
    std::string store, socket, durability, audit, admins = rpc::usual_admin_group;
    bool read_only = false, in_memory = false;
    int ready_fd = STDOUT_FILENO;
    bool supervised = false;
    app.add_option("--store", store, "Directory of the store [REGENT_STORE, else $XDG_DATA_HOME/regent]");
    app.add_option("--socket", socket, "Path of the socket [REGENT_SOCKET, else $XDG_RUNTIME_DIR/regent/socket]");
    app.add_option("--ready-fd", ready_fd, "Descriptor that gets the ready line [1]");
    auto* const word =
        app.add_option("--durability", durability,
                       "When changes reach the store: lazy[:SECONDS] (5; 0: when asked and at the end), every\n"
                       "(each operation is durable before it is answered), read-only, memory\n"
                       "[REGENT_DURABILITY, else lazy]");
    auto* const reads = app.add_flag("--read-only", read_only, "The same as --durability read-only")->excludes(word);
    app.add_flag("--memory", in_memory, "The same as --durability memory")->excludes(word)->excludes(reads);
    app.add_option(
        "--audit", audit,
        "What the security audit records: none, or some of registry, kernel, handles, privileges and other,\n"
        "separated by commas, each with :success or :failure for that alone [REGENT_AUDIT, else none]");
    app.add_option("--admin-group", admins, "The group whose members are administrators [regadmin]");
    app.add_flag("--supervise", supervised, "Start again after a crash; a driver that caused two is disabled");
    CLI11_PARSE(app, argc, argv);
    const auto environment = [](const char* name, std::string otherwise) {
        const char* value = std::getenv(name);
        return value != nullptr && *value != '\0' ? std::string(value) : std::move(otherwise);
    };
    if (store.empty()) store = environment("REGENT_STORE", regent::default_store_path());
    if (socket.empty()) {
        socket = environment("REGENT_SOCKET", regent::default_socket_path());
        ::mkdir(socket.substr(0, socket.rfind('/')).c_str(), 0755);  // of the default place; else listening tells
    }
    if (read_only) durability = "read-only";
    if (in_memory) durability = "memory";
    if (durability.empty()) durability = environment("REGENT_DURABILITY", "lazy");
    if (!nt::set_durability(options, durability)) {
        say("no durability: " + durability + " (lazy, lazy:SECONDS, every, read-only or memory)");
        return exit_failure;
    }
    if (audit.empty()) audit = environment("REGENT_AUDIT", "none");
    const auto policy = ob::AuditPolicy::parse(audit);
    if (!policy) {
        say("no audit policy: " + audit + " (none, or of registry, kernel, handles, privileges, other)");
        return exit_failure;
    }
    options.audit = *policy;
    options.directory = store;
    if (!supervised) return serve(options, socket, admins, ready_fd);
    return supervise({"regentd", "--store", store, "--socket", socket, "--durability", durability, "--audit", audit,
                      "--admin-group", admins, "--ready-fd", std::to_string(ready_fd)});
}
