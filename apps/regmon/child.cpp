#include "child.h"

#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <atomic>

extern char** environ;

namespace regent::regmon {
namespace {

std::atomic<int> seen_signals{0};

void count_signal(int) { seen_signals.fetch_add(1, std::memory_order_relaxed); }

}  // namespace

void watch_signals() {
    struct sigaction action{};
    action.sa_handler = count_signal;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    signal(SIGPIPE, SIG_IGN);
}

int signals_seen() { return seen_signals.load(std::memory_order_relaxed); }

std::optional<Child> Child::start(const std::vector<std::string>& command, const std::string& socket) {
    if (!socket.empty()) setenv("REGENT_SOCKET", socket.c_str(), 1);
    std::vector<std::string> words = command;
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t defaults;  // what regmon ignores or handles, the command does not
    sigemptyset(&defaults);
    for (int number : {SIGINT, SIGTERM, SIGPIPE}) sigaddset(&defaults, number);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    pid_t pid = 0;
    const int failed = posix_spawnp(&pid, arguments[0], nullptr, &attributes, arguments.data(), environ);
    posix_spawnattr_destroy(&attributes);
    if (failed != 0) return std::nullopt;
    return Child(pid);
}

std::optional<int> Child::exit_code() {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace regent::regmon
