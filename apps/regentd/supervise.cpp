#include "supervise.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace {

using Clock = std::chrono::steady_clock;

constexpr int exit_failure = 1;
constexpr unsigned most_early_crashes = 5;
constexpr std::chrono::seconds early{10};

pid_t start(std::vector<std::string> arguments, const sigset_t& signals) {
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    const pid_t supervisor = ::getpid();
    const pid_t daemon = ::fork();
    if (daemon != 0) return daemon;
    // The daemon does not outlive its supervisor, which may be gone already.
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != supervisor) ::_exit(exit_failure);
    ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
    ::execv("/proc/self/exe", argv.data());
    ::_exit(exit_failure);
}

// Passes signals on until the daemon has ended; its wait status.
int wait_for(pid_t daemon, const sigset_t& signals) {
    for (;;) {
        int status = 0;
        if (::waitpid(daemon, &status, WNOHANG) == daemon) return status;
        int signal = 0;
        sigwait(&signals, &signal);
        if (signal != SIGCHLD) ::kill(daemon, signal);
    }
}

}  // namespace

int supervise(const std::vector<std::string>& arguments) {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) sigaddset(&signals, signal);
    ::sigprocmask(SIG_BLOCK, &signals, nullptr);
    for (unsigned early_crashes = 0; early_crashes < most_early_crashes;) {
        const Clock::time_point began = Clock::now();
        const pid_t daemon = start(arguments, signals);
        if (daemon < 0) {
            std::perror("regentd: cannot start the daemon");
            return exit_failure;
        }
        const int status = wait_for(daemon, signals);
        if (WIFEXITED(status)) return WEXITSTATUS(status);
        early_crashes = Clock::now() - began < early ? early_crashes + 1 : 0;
        std::fprintf(stderr, "regentd: the daemon (pid %d) was ended by signal %d; starting it again\n",
                     static_cast<int>(daemon), WTERMSIG(status));
    }
    std::fprintf(stderr, "regentd: it crashed %u times right after its start; giving up\n", most_early_crashes);
    return exit_failure;
}
