// regtest: runs .regtest files against the registry in one or more ways and compares every answer.
//
//     regtest [--mode=inproc,remote,filter,win32] [--regentd=PATH] FILE|DIRECTORY...
//
// inproc: a temporary store in this process. remote: the same through a daemon started for it. filter: in process,
// behind a callback that lets everything pass. win32: in process through Reg*, where a line can be said so. Each way
// runs in a child of its own, for a process chooses its registry once.
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "cm/callback.h"
#include "regent/gate.h"
#include "run_case.h"

namespace regent::regtest {
namespace {

struct Settings {
    std::vector<std::string> modes{"inproc"};
    std::string daemon;
    std::vector<std::string> files;
};

Tally run_scripts(const Settings& settings, const std::string& mode, const std::string& files) {
    Tally tally;
    for (const std::string& path : settings.files) {
        const Script script = read_script(path);
        for (const std::string& error : script.errors) {
            ++tally.failed;
            std::printf("%s\n", error.c_str());
        }
        for (const Case& one : script.cases) run_case(script, one, mode, files, tally);
    }
    return tally;
}

// A daemon of our own on a temporary socket.
class Daemon {
public:
    Daemon(const std::string& program, const std::string& store, const std::string& socket) {
        pid_ = fork();
        if (pid_ == 0) {
            execl(program.c_str(), program.c_str(), "--store", store.c_str(), "--socket", socket.c_str(), nullptr);
            std::perror(program.c_str());
            _exit(127);
        }
        struct stat info{};
        for (int i = 0; i < 500 && stat(socket.c_str(), &info) != 0; ++i) usleep(20'000);
    }
    ~Daemon() {
        close_gate();
        kill(pid_, SIGTERM);
        waitpid(pid_, nullptr, 0);
    }
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

private:
    pid_t pid_;
};

std::atomic<unsigned> filter_calls{0};
NTSTATUS pass_all(PVOID, PVOID, PVOID) {
    filter_calls.fetch_add(1, std::memory_order_relaxed);
    return STATUS_SUCCESS;
}

bool choose(const GateChoice& choice) {
    auto chosen = select_gate(choice);
    if (!chosen) std::printf("regtest: %s\n", chosen.error().message.c_str());
    return chosen.has_value();
}

Tally run_mode(const Settings& settings, const std::string& mode) {
    char name[] = "/tmp/regtest.XXXXXX";
    if (mkdtemp(name) == nullptr) return {1, 1, 0};
    const std::string directory = name;
    const std::string files = directory + "/files";
    mkdir(files.c_str(), 0777);
    Tally tally;
    if (mode == "remote") {
        const std::string socket = directory + "/socket";
        Daemon daemon(settings.daemon, directory + "/store", socket);
        tally = choose({.store = {}, .socket = socket}) ? run_scripts(settings, mode, files) : Tally{1, 1, 0};
    } else if (!choose({.store = directory + "/store", .socket = {}})) {
        tally = {1, 1, 0};
    } else {
        if (mode == "filter" && !cm::filter::register_callback(pass_all, u"370000.5", nullptr)) return {1, 1, 0};
        tally = run_scripts(settings, mode, files);
        if (mode == "filter" && filter_calls == 0) {
            ++tally.failed;
            std::printf("regtest: the filter was never called\n");
        }
        close_gate();
    }
    std::filesystem::remove_all(directory);
    return tally;
}

// Runs one way in a child and takes its tally from a pipe; a child that dies counts as a failure.
Tally run_in_child(const Settings& settings, const std::string& mode) {
    int ends[2];
    if (pipe(ends) != 0) return {1, 1, 0};
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        const Tally tally = run_mode(settings, mode);
        std::fflush(stdout);
        const bool told = write(ends[1], &tally, sizeof tally) == static_cast<ssize_t>(sizeof tally);
        _exit(told ? 0 : 1);
    }
    ::close(ends[1]);
    Tally tally;
    const bool told = read(ends[0], &tally, sizeof tally) == static_cast<ssize_t>(sizeof tally);
    ::close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (!told || status != 0) {
        std::printf("regtest: [%s] ended early, wait status %d\n", mode.c_str(), status);
        ++tally.failed;
    }
    std::printf("%s: %u checks, %u failed", mode.c_str(), tally.checks, tally.failed);
    if (tally.skipped != 0) std::printf(" (%u lines have no Reg* form)", tally.skipped);
    std::printf("\n");
    return tally;
}

void add_files(const std::string& path, std::vector<std::string>* files) {
    if (!std::filesystem::is_directory(path)) return files->push_back(path);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
        if (entry.path().extension() == ".regtest") files->push_back(entry.path().string());
    }
}

bool parse_arguments(int count, char** arguments, Settings* settings) {
    for (int i = 1; i < count; ++i) {
        const std::string argument = arguments[i];
        if (argument.starts_with("--mode=")) {
            settings->modes.clear();
            for (std::size_t start = 7; start <= argument.size();) {
                const std::size_t end = std::min(argument.find(',', start), argument.size());
                settings->modes.push_back(argument.substr(start, end - start));
                start = end + 1;
            }
        } else if (argument.starts_with("--regentd=")) {
            settings->daemon = argument.substr(10);
        } else if (argument.starts_with("--")) {
            return false;
        } else {
            add_files(argument, &settings->files);
        }
    }
    std::sort(settings->files.begin(), settings->files.end());
    if (settings->daemon.empty()) {
        settings->daemon = (std::filesystem::canonical("/proc/self/exe").parent_path() / "../bin/regentd").string();
    }
    return !settings->files.empty();
}

int run(int count, char** arguments) {
    Settings settings;
    if (!parse_arguments(count, arguments, &settings)) {
        std::fprintf(stderr, "usage: regtest [--mode=inproc,remote,filter,win32] [--regentd=PATH] FILE|DIRECTORY...\n");
        return 2;
    }
    Tally total;
    unsigned ways = 0;
    for (const std::string& mode : settings.modes) {
        if (mode != "inproc" && mode != "remote" && mode != "filter" && mode != "win32") {
            std::fprintf(stderr, "regtest: no such way: %s\n", mode.c_str());
            return 2;
        }
        const Tally tally = run_in_child(settings, mode);
        ++ways;
        total.checks += tally.checks;
        total.failed += tally.failed;
    }
    std::printf("%u checks, %u ways, %u failed\n", total.checks, ways, total.failed);
    return total.failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace regent::regtest

int main(int count, char** arguments) { return regent::regtest::run(count, arguments); }
