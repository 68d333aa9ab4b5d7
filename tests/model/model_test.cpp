// Random sequences of service calls against the model, in process and through regentd. REGENT_MODEL_SEED=N runs the
// sequence of one seed, REGENT_MODEL_COUNT=N as many as that.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "regent/gate.h"
#include "service_run.h"

namespace regent::test {
namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
    const char* text = std::getenv(variable);
    return text != nullptr ? std::strtoull(text, nullptr, 0) : otherwise;
}

std::vector<std::uint8_t> bytes_of(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::vector<std::uint8_t> bytes(64 + random() % 1200);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    return bytes;
}

// The seed at work, for the parent to tell when a way's process ends in the middle of it.
std::uint64_t& current_seed() {
    static void* const page =
        mmap(nullptr, sizeof(std::uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return *static_cast<std::uint64_t*>(page);
}

// The exit code of a way's process.
int run_sequences(const GateChoice& choice, bool remote, std::uint64_t count) {
    if (const auto chosen = select_gate(choice); !chosen) {
        std::fprintf(stderr, "%s\n", chosen.error().message.c_str());
        return 2;
    }
    ServiceWorld world;
    if (!world.prepare(remote)) {
        std::fprintf(stderr, "the world is not as it must be\n");
        return 2;
    }
    const std::uint64_t only = number_from("REGENT_MODEL_SEED", 0);
    int failed = 0;
    for (std::uint64_t seed = only != 0 ? only : 1; failed < 3 && seed <= (only != 0 ? only : count); ++seed) {
        current_seed() = seed;
        const std::string difference = run_services(world, bytes_of(seed));
        if (difference.empty()) continue;
        std::fprintf(stderr, "%sREGENT_MODEL_SEED=%llu\n", difference.c_str(), static_cast<unsigned long long>(seed));
        ++failed;
    }
    close_gate();
    return failed;
}

// A process chooses its registry once: each way runs in a child.
template <typename Way>
int in_child(const Way& way) {
    std::fflush(nullptr);
    current_seed() = 0;
    const pid_t child = fork();
    if (child == 0) _exit(way());
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFEXITED(status)) return WEXITSTATUS(status);
    std::fprintf(stderr, "signal %d in REGENT_MODEL_SEED=%llu\n", WTERMSIG(status),
                 static_cast<unsigned long long>(current_seed()));
    return 128 + WTERMSIG(status);
}

class Folder {
public:
    Folder() {
        char name[] = "/tmp/regent-model.XXXXXX";
        path_ = mkdtemp(name);
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

TEST(ServiceModel, AgreesInProcess) {
    const Folder folder;
    const std::uint64_t count = number_from("REGENT_MODEL_COUNT", 600);
    EXPECT_EQ(in_child([&] { return run_sequences({.store = folder.path() + "/store", .socket = {}}, false, count); }),
              0);
}

TEST(ServiceModel, AgreesThroughTheGate) {
    const Folder folder;
    const std::string store = folder.path() + "/store";
    const std::string socket = folder.path() + "/socket";
    const pid_t daemon = fork();
    if (daemon == 0) {
        execl(RG_BIN "/regentd", "regentd", "--store", store.c_str(), "--socket", socket.c_str(), nullptr);
        _exit(127);
    }
    struct stat info{};
    for (int i = 0; i < 1500 && stat(socket.c_str(), &info) != 0; ++i) usleep(20'000);
    const std::uint64_t count = number_from("REGENT_MODEL_COUNT", 120);
    EXPECT_EQ(in_child([&] { return run_sequences({.store = {}, .socket = socket}, true, count); }), 0);
    kill(daemon, SIGTERM);
    int status = 0;
    waitpid(daemon, &status, 0);
    EXPECT_EQ(status, 0) << "regentd did not end well";
}

}  // namespace
}  // namespace regent::test
