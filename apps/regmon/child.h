// The command that `regmon run -- CMD...` watches, and Ctrl-C.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace regent::regmon {

// Counts SIGINT and SIGTERM from now on; SIGPIPE becomes a failed write.
void watch_signals();
int signals_seen();

class Child {
public:
    // Nothing when the program cannot be started. `socket`: the daemon it is to talk to; empty leaves its environment
    // alone.
    static std::optional<Child> start(const std::vector<std::string>& command, const std::string& socket);
    // The exit code (128 + n after signal n) once it has ended.
    std::optional<int> exit_code();

private:
    explicit Child(pid_t pid) : pid_(pid) {}
    pid_t pid_;
};

}  // namespace regent::regmon
