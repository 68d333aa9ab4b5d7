// Whole hives. `validate`: loading with every check, beside one read of every cache line. `walk`: loading and reading
// every key and value through the library, beside other regf libraries. `text`: programs that print everything.
// Megabytes of file a second. `memory`: what walking leaves beside the file's own bytes.
#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "hive/hive_scan.h"
#include "hive_suite.h"
#include "rtl/env.h"

namespace regent::bench {
namespace {

std::uint64_t size_of(const std::string& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

// Every cache line of the file once, through a mapping made for it.
std::uint64_t touch(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    const std::size_t size = size_of(path);
    void* const mapped = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
    ::close(file);
    if (mapped == MAP_FAILED) return 0;
    const auto* bytes = static_cast<const unsigned char*>(mapped);
    std::uint64_t sum = 1;
    for (std::size_t at = 0; at < size; at += 64) sum += *static_cast<const volatile unsigned char*>(bytes + at);
    ::munmap(mapped, size);
    return sum;
}

std::unique_ptr<hive::Hive> load(const std::string& path, hive::Validation validation = hive::Validation::full) {
    hive::OpenOptions options;
    options.durability = hive::Durability::read_only;
    options.validation = validation;
    auto opened = hive::Hive::open(rtl::real_env(), path, options);
    return opened ? std::move(*opened) : nullptr;
}

// Bytes of all values, each copied, with its name, as the peers do.
std::uint64_t walk(const hive::Hive& hive) {
    std::uint64_t bytes = 0;
    std::vector<std::byte> data(4096);
    char16_t name[hive::max_value_name];
    hive::HiveScan scan(hive);
    std::vector<hive::CellIndex> stack = {hive.root()};
    while (!stack.empty()) {
        const hive::CellIndex key = stack.back();
        stack.pop_back();
        hive.key_name(key).copy_to(name, std::size(name));
        for (const hive::HiveScan::Value& value : scan.values(key)) {
            value.name.copy_to(name, std::size(name));
            if (value.data_size > data.size()) data.resize(value.data_size);
            const MutableBytes out = MutableBytes(data).first(value.data_size);
            bytes += value.data ? value.data->size() : hive.read_value(value.ref, 0, out);
            if (value.data && !value.data->empty()) std::memcpy(out.data(), value.data->data(), value.data->size());
        }
        const auto& children = scan.subkeys(key);
        stack.insert(stack.end(), children.rbegin(), children.rend());
    }
    return bytes;
}

std::uint64_t walk_ours(const std::string& path, hive::Validation validation) {
    const auto hive = load(path, validation);
    return hive == nullptr ? 0 : walk(*hive);
}

// Megabytes of the file a second; negative when `work` answers 0.
double rate(const std::string& path, const std::function<std::uint64_t()>& work) {
    const auto began = now_ns();
    if (work() == 0) return -1;
    return 1e3 * static_cast<double>(size_of(path)) / static_cast<double>(now_ns() - began);
}

std::string quoted(const std::string& path) { return "'" + path + "'"; }

void measure_hive(HiveSuite& suite, const std::string& path, const std::string& label) {
    const std::uint64_t bytes = size_of(path);
    suite.report.measure_paired(
        "validate", label, bytes, "MB/s", suite.runs,
        {{"regent", [&] { return rate(path, [&] { return load(path) != nullptr ? 1U : 0U; }); }},
         {"touch", [&] { return rate(path, [&] { return touch(path); }); }}});
    const auto walker = [&](hive::Validation validation) {
        return [&path, validation] { return rate(path, [&] { return walk_ours(path, validation); }); };
    };
    std::vector<Report::Contender> walkers = {{"regent", walker(hive::Validation::on_touch)},
                                              {"regent-full", walker(hive::Validation::full)}};
    const std::pair<const char*, std::uint64_t (*)(const std::string&)> peers[] = {{"hivex", walk_by_hivex},
                                                                                   {"libregf", walk_by_libregf}};
    for (const auto& [name, walk_by] : peers) {
        const std::uint64_t found = walk_by(path);
        if (found == peer_missing) {
            suite.report.skipped(name, "its library was not there when the bench was built (./run setup)");
        } else if (found == 0) {
            suite.report.skipped(name, "it could not walk " + path);
        } else {
            walkers.push_back({name, [&, walk_by = walk_by] { return rate(path, [&] { return walk_by(path); }); }});
        }
    }
    suite.report.measure_paired("walk", label, bytes, "MB/s", suite.runs, walkers);
}

std::uint64_t succeeds(const std::string& command) { return std::system(command.c_str()) == 0 ? 1 : 0; }

void measure_text(HiveSuite& suite, const std::string& path, const std::string& label) {
    const std::string ours = quoted(suite.hivetool) + " dump --text " + quoted(path) + " >/dev/null";
    const std::string hivexml = "hivexml " + quoted(path) + " >/dev/null 2>&1";
    std::vector<Report::Contender> printers = {{"regent", [&] { return rate(path, [&] { return succeeds(ours); }); }}};
    if (succeeds(hivexml) != 0) {
        printers.push_back({"hivexml", [&] { return rate(path, [&] { return succeeds(hivexml); }); }});
    } else {
        suite.report.skipped("hivexml", "it is not installed, or cannot print " + path);
    }
    suite.report.measure_paired("text", label, size_of(path), "MB/s", suite.runs, printers);
}

std::uint64_t resident_bytes() {
    unsigned long long all = 0, resident = 0;
    std::FILE* file = std::fopen("/proc/self/statm", "r");
    if (file == nullptr || std::fscanf(file, "%llu %llu", &all, &resident) != 2) resident = 0;
    if (file != nullptr) std::fclose(file);
    return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

int print_memory_of_walk(const std::string& path) {
    const std::uint64_t before = resident_bytes();
    const auto hive = load(path);
    if (hive == nullptr || walk(*hive) == 0) return 1;
    ::malloc_trim(0);
    std::printf("%lld\n", static_cast<long long>(resident_bytes() - before) - static_cast<long long>(size_of(path)));
    return 0;
}

void measure_walk(HiveSuite& suite) {
    measure_hive(suite, suite.saved_hive(), std::to_string(suite.tree.size / 1000) + "k");
    if (suite.hives.empty()) suite.report.skipped("real hives", "none was named (REGENT_HIVES)");
    for (const std::string& path : suite.hives) {
        const std::string label = path.substr(path.rfind('/') + 1);
        measure_hive(suite, path, label);
        measure_text(suite, path, label);
    }
}

void measure_memory(HiveSuite& suite) {
    // In a process of its own: what this one has freed would hide what the walk needs.
    const std::string command = "/proc/" + std::to_string(::getpid()) + "/exe --dir " + quoted(suite.directory) +
                                " --memory-of-walk " + quoted(suite.saved_hive());
    suite.report.measure_paired("W12", "memory", suite.tree.size, "B/key", 3,
                                {{"regent", [&] {
                                      std::FILE* child = ::popen(command.c_str(), "r");
                                      long long bytes = 0;
                                      if (child == nullptr) return -1.0;
                                      const int read = std::fscanf(child, "%lld", &bytes);
                                      if (::pclose(child) != 0 || read != 1) return -1.0;
                                      return static_cast<double>(bytes > 0 ? bytes : 0) / suite.tree.size;
                                  }}});
}

}  // namespace regent::bench
