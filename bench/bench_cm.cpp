// Suite `cm`: open, query, open+query+close, set, create and walk over the tree of tree.h, ours beside the floor and
// the peers, all in this process. With REGENT_SOCKET set it measures the daemon instead, alone. usage: bench_cm --dir
// DIR [--n KEYS] [--runs R] [--json FILE] [--subject NAME]
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>

#include "report.h"
#include "subject.h"

namespace regent::bench {
namespace {

struct Options {
    std::string directory;
    std::uint32_t keys = 100000;
    int runs = 5;
    std::string json;
    std::string subject = "regent";
    bool peers = true;
};

[[noreturn]] void give_up(const Subject& subject, const char* workload) {
    std::fprintf(stderr, "bench: %s failed %s\n", subject.name().c_str(), workload);
    std::exit(1);
}

// One variant's figures of one subject. `slow` subjects get fewer operations a run.
void measure_pattern(Report& report, Subject& subject, const Tree& tree, char variant, int runs,
                     std::size_t operations) {
    const auto keys = tree.pattern(variant, operations);
    const std::string name(1, variant);
    report.measure("W1", name, tree.size, subject.name(), runs, [&] {
        return time_per_operation(operations, [&](std::size_t i) {
            if (!subject.open_close(keys[i])) give_up(subject, "W1");
        });
    });
    report.measure("W3", name, tree.size, subject.name(), runs, [&] {
        return time_per_operation(operations, [&](std::size_t i) {
            if (!subject.open_query_close(keys[i])) give_up(subject, "W3");
        });
    });
    report.measure("W4", name, tree.size, subject.name(), runs, [&] {
        return time_per_operation(operations, [&](std::size_t i) {
            if (!subject.set_value(keys[i], static_cast<std::uint32_t>(i))) give_up(subject, "W4");
        });
    });
}

void measure(Report& report, Subject& subject, const Tree& tree, int runs, std::size_t operations) {
    const auto began = now_ns();
    if (!subject.build(tree)) give_up(subject, "W6");
    const double each = static_cast<double>(now_ns() - began) / tree.size;
    report.add({"W6", "u", tree.size, subject.name(), "ns", each, each, each, 1, 0});
    report.measure("W2", "h", tree.size, subject.name(), runs, [&] {
        return time_per_operation(operations, [&](std::size_t i) {
            if (!subject.query_open(static_cast<std::uint32_t>(i))) give_up(subject, "W2");
        });
    });
    measure_pattern(report, subject, tree, 'h', runs, operations);
    measure_pattern(report, subject, tree, 'u', runs, operations);
    report.measure("W7", "u", tree.size, subject.name(), runs, [&] {
        const auto start = now_ns();
        if (subject.walk() == 0) give_up(subject, "W7");
        return static_cast<double>(now_ns() - start) / tree.size;
    });
}

int run(const Options& options) {
    const Tree tree(options.keys);
    Report report("cm", options.json.empty() ? nullptr : options.json.c_str());
    std::string why;
    const bool remote = std::getenv("REGENT_SOCKET") != nullptr;
    const std::size_t operations = remote ? 20000 : 200000;
    if (auto ours = make_regent(options.subject, why)) {
        measure(report, *ours, tree, options.runs, operations);
    } else {
        std::fprintf(stderr, "bench: %s\n", why.c_str());
        return 1;
    }
    if (!options.peers) return 0;
    measure(report, *make_floor(), tree, options.runs, operations);
    using Maker = std::unique_ptr<Subject> (*)(const std::string&, std::string&);
    const std::pair<const char*, Maker> peers[] = {{"lmdb", make_lmdb}, {"sqlite", make_sqlite}, {"hivex", make_hivex}};
    for (const auto& [name, make] : peers) {
        if (auto peer = make(options.directory, why)) {
            measure(report, *peer, tree, options.runs, 50000);
        } else {
            report.skipped(name, why);
        }
    }
    report.print_ratios(options.subject);
    return 0;
}

}  // namespace
}  // namespace regent::bench

int main(int argc, char** argv) {
    regent::bench::Options options;
    CLI::App app("open, query, set, create and walk: ours beside the floor and the peers");
    app.add_option("--dir", options.directory, "an empty folder for the peers' stores")->required();
    app.add_option("--n", options.keys, "keys in the tree");
    app.add_option("--runs", options.runs, "runs a figure");
    app.add_option("--json", options.json, "append JSON Lines to this file");
    app.add_option("--subject", options.subject, "the name our figures are given");
    app.add_flag("!--no-peers", options.peers, "measure ours alone");
    CLI11_PARSE(app, argc, argv);
    return regent::bench::run(options);
}
