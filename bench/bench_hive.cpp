// Suite `hive`: durable sets (W5), open to first answer (W8), compacting save (W9), bytes a key (W12), load, touch and
// walk of real hives, memory. usage: bench_hive --dir DIR [--n KEYS] [--runs R] [--json FILE] [--hive FILE]...
// [--hivetool PROGRAM] [--only PART]...
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "hive_suite.h"
#include "rtl/env.h"

namespace regent::bench {

std::unique_ptr<hive::Hive> build_hive(const Tree& tree, const std::string& path, std::vector<hive::CellIndex>& keys) {
    hive::HiveOptions options;
    options.path = path;
    auto made = hive::Hive::create(rtl::real_env(), options);
    if (!made) return nullptr;
    hive::Hive& hive = **made;
    const Bytes security = hive.security(hive.root());
    keys.assign(tree.size + 1, hive.root());
    for (std::uint32_t i = 1; i <= tree.size; ++i) {
        const auto key =
            hive.create_subkey(keys[tree.parent[i]], tree.name[i], {}, security, hive::StorageType::stable, 1);
        if (!key) return nullptr;
        keys[i] = *key;
        for (const auto& name : tree.value_name) {
            if (!hive.set_value(*key, name, 3, rtl::as_bytes(tree.data, value_bytes), 1)) return nullptr;
        }
    }
    if (!path.empty() && !hive.reconcile()) return nullptr;
    return std::move(*made);
}

bool drop_from_cache(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    const bool done = ::fsync(file) == 0 && ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) == 0;
    ::close(file);
    return done;
}

namespace {

// hivex cannot make a hive: it begins with an empty one of ours.
bool make_minimal_hive(const HiveSuite& suite) {
    hive::HiveOptions options;
    options.path = suite.minimal_hive();
    return hive::Hive::create(rtl::real_env(), options).has_value();
}

struct Part {
    const char* name;
    void (*measure)(HiveSuite&);
};
// `save` leaves the compact hive that `open`, `walk` and `memory` read.
constexpr Part parts[] = {{"durable", measure_durable}, {"save", measure_save}, {"waits", measure_waits},
                          {"open", measure_open},       {"walk", measure_walk}, {"memory", measure_memory}};

int run(HiveSuite suite, const std::vector<std::string>& only) {
    if (!make_minimal_hive(suite)) {
        std::fprintf(stderr, "bench: cannot write in %s\n", suite.directory.c_str());
        return 1;
    }
    for (const Part& part : parts) {
        const bool wanted = only.empty() || std::find(only.begin(), only.end(), part.name) != only.end();
        if (wanted) part.measure(suite);
    }
    return 0;
}

}  // namespace
}  // namespace regent::bench

int main(int argc, char** argv) {
    std::string directory, json, hivetool = "hivetool", memory_of;
    std::uint32_t keys = 100000;
    int runs = 5;
    std::vector<std::string> hives, only;
    CLI::App app("the hive library beside regf libraries and embedded stores");
    app.add_option("--dir", directory, "an empty folder on the disk to measure")->required();
    app.add_option("--n", keys, "keys in the tree");
    app.add_option("--runs", runs, "runs a figure");
    app.add_option("--json", json, "append JSON Lines to this file");
    app.add_option("--hive", hives, "a real hive to load and walk; may be given again");
    app.add_option("--hivetool", hivetool, "hivetool, for text against hivexml's");
    app.add_option("--only", only, "durable, save, waits, open, walk or memory; may be given again");
    app.add_option("--memory-of-walk", memory_of, "print the bytes that walking this hive needs beyond its size");
    CLI11_PARSE(app, argc, argv);
    if (!memory_of.empty()) return regent::bench::print_memory_of_walk(memory_of);
    regent::bench::Report report("hive", json.empty() ? nullptr : json.c_str());
    const regent::bench::Tree tree(keys);
    return regent::bench::run({report, tree, directory, hives, hivetool, runs}, only);
}
