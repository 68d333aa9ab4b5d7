// A hive of very many keys: hive_scale KEYS. Builds it in a file of its own below the temporary directory, flushes as
// it goes, writes it back, opens it again in both ways, counts, compacts; prints time and memory of each step.
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "hive/hive.h"
#include "hive/hive_impl.h"

namespace {

using namespace regent;
using hive::Hive;

constexpr std::uint64_t keys_a_family = 1000;
constexpr std::uint64_t keys_a_flush = 50000;

// Memory of ours alone: what the system has to keep beside the file's pages.
std::uint64_t private_mib() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.rfind("RssAnon:", 0) == 0) return std::strtoull(line.c_str() + 8, nullptr, 10) / 1024;
    }
    return 0;
}

class Steps {
public:
    void begin() {
        wall_ = std::chrono::steady_clock::now();
        cpu_ = processor();
    }
    void end(const char* what, const Hive& hive) {
        const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - wall_;
        std::printf("%-28s %8.2f s, %8.2f s of processor time; bins %6ju MiB, memory beyond the file %6ju MiB\n", what,
                    wall.count(), processor() - cpu_, std::uintmax_t{hive.stable_size() >> 20},
                    std::uintmax_t{private_mib()});
        std::fflush(stdout);
    }

private:
    static double processor() {
        rusage usage{};
        ::getrusage(RUSAGE_SELF, &usage);
        const auto seconds = [](const timeval& time) {
            return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
        };
        return seconds(usage.ru_utime) + seconds(usage.ru_stime);
    }
    std::chrono::steady_clock::time_point wall_;
    double cpu_ = 0;
};

bool flush(Hive& hive) {
    if (!hive.flush()) return false;
    hive.drop_copies();
    return true;
}

bool build(Hive& hive, std::uint64_t keys) {
    hive::CellIndex family = hive.root();
    for (std::uint64_t i = 0; i < keys; ++i) {
        const bool first = i % keys_a_family == 0;
        const hive::CellIndex parent = first ? hive.root() : family;
        const auto made = hive.create_subkey(parent, rtl::from_utf8("key " + std::to_string(i)), {},
                                             hive::default_descriptor(), hive::StorageType::stable, 5);
        if (!made) return false;
        if (first) family = *made;
        if (i % keys_a_flush == keys_a_flush - 1 && !flush(hive)) return false;
    }
    return flush(hive);
}

std::unique_ptr<Hive> open(const std::string& path, hive::Validation validation) {
    hive::OpenOptions options;
    options.validation = validation;
    auto opened = Hive::open(rtl::real_env(), path, options);
    return opened ? std::move(*opened) : nullptr;
}

const char* run(const std::string& path, std::uint64_t keys) {
    Steps steps;
    hive::HiveOptions create;
    create.path = path;
    auto made = Hive::create(rtl::real_env(), create);
    if (!made) return "create";
    auto hive = std::move(*made);
    steps.begin();
    if (!build(*hive, keys)) return "build";
    steps.end("build, flushed", *hive);
    steps.begin();
    if (!hive->reconcile()) return "reconcile";
    steps.end("write back", *hive);
    hive.reset();
    steps.begin();
    hive = open(path, hive::Validation::on_touch);
    if (hive == nullptr || !hive->find_subkey(hive->root(), u"key 0")) return "open on touch";
    steps.end("open to the first answer", *hive);
    hive.reset();
    steps.begin();
    hive = open(path, hive::Validation::full);
    if (hive == nullptr) return "open";
    steps.end("open, validated in full", *hive);
    steps.begin();
    if (hive->count().keys != keys + 1) return "count";
    steps.end("walk", *hive);
    steps.begin();
    if (!hive->compact()) return "compact";
    steps.end("compact in place", *hive);
    if (hive->count().keys != keys + 1) return "count after the compaction";
    return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: hive_scale KEYS\n");
        return 2;
    }
    std::string folder = (std::filesystem::temp_directory_path() / "hive_scale_XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr) return 2;
    const char* failed = run(folder + "/HIVE", std::strtoull(argv[1], nullptr, 10));
    std::filesystem::remove_all(folder);
    if (failed != nullptr) std::fprintf(stderr, "hive_scale: %s failed\n", failed);
    return failed == nullptr ? 0 : 1;
}
