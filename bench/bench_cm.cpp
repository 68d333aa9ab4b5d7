// Suite `cm`: open, query, open+query+close, set, create and walk over the tree of tree.h, ours beside the floor and
// the peers, all in this process and taking turns; then two threads, and the way from a set to whoever waits for it.
// With REGENT_SOCKET set it measures the daemon instead, alone. usage: bench_cm --dir DIR [--n KEYS] [--runs R]
// [--json FILE] [--subject NAME] [--peers all|floor|none] [--only W1,W3]
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "notify.h"
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
    std::string peers = "all";
    std::vector<std::string> only;
    bool processor_time = false;

    bool wants(const std::string& workload) const {
        return only.empty() || std::find(only.begin(), only.end(), workload) != only.end();
    }
};

[[noreturn]] void give_up(const Subject& subject, const char* workload) {
    std::fprintf(stderr, "bench: %s failed %s\n", subject.name().c_str(), workload);
    std::exit(1);
}

struct Contestant {
    std::unique_ptr<Subject> subject;
    std::size_t operations;  // a run; slow subjects get fewer
};

class Suite {
public:
    Suite(Report& report, const Tree& tree, const Options& options) : report_(report), tree_(tree), options_(options) {}

    void add(std::unique_ptr<Subject> subject, std::size_t operations) {
        contestants_.push_back({std::move(subject), operations});
    }
    void run() {
        for (Contestant& each : contestants_) build(*each.subject);
        measure("W2", 'h', [](Subject& s, std::uint32_t, std::uint32_t i) { return s.query_open(i); });
        for (const char variant : {'h', 'u'}) {
            measure("W1", variant, [](Subject& s, std::uint32_t key, std::uint32_t) { return s.open_close(key); });
            measure("W3", variant,
                    [](Subject& s, std::uint32_t key, std::uint32_t) { return s.open_query_close(key); });
            measure("W4", variant, [](Subject& s, std::uint32_t key, std::uint32_t i) { return s.set_value(key, i); });
        }
        walk("u", &Subject::walk);
        walk("bulk", &Subject::walk_in_bulk);
        for (const bool writing : {false, true}) threads(writing);
    }

private:
    using Operation = bool (*)(Subject&, std::uint32_t key, std::uint32_t i);

    void build(Subject& subject) {
        const auto began = spent_ns();
        if (!subject.build(tree_)) give_up(subject, "W6");
        const double each = static_cast<double>(spent_ns() - began) / tree_.size;
        report_.add({"W6", "u", tree_.size, subject.name(), "ns", each, each, each, 1, 0});
    }
    void measure(const char* workload, char variant, Operation operation) {
        if (!options_.wants(workload)) return;
        std::vector<Report::Contender> contenders;
        for (Contestant& each : contestants_) {
            contenders.push_back({each.subject->name(), [&, keys = tree_.pattern(variant, each.operations)] {
                                      return time_per_operation(each.operations, [&](std::size_t i) {
                                          if (!operation(*each.subject, keys[i], static_cast<std::uint32_t>(i)))
                                              give_up(*each.subject, workload);
                                      });
                                  }});
        }
        report_.measure_paired(workload, std::string(1, variant), tree_.size, "ns", options_.runs, contenders);
    }
    void walk(const char* variant, std::uint64_t (Subject::*whole)()) {
        if (!options_.wants("W7") && !options_.wants(std::string("W7.") + variant)) return;
        std::vector<Report::Contender> contenders;
        for (Contestant& each : contestants_) {
            contenders.push_back({each.subject->name(), [&] {
                                      const auto start = spent_ns();
                                      if (((*each.subject).*whole)() == 0) give_up(*each.subject, "W7");
                                      return static_cast<double>(spent_ns() - start) / tree_.size;
                                  }});
        }
        report_.measure_paired("W7", variant, tree_.size, "ns", options_.runs, contenders);
    }
    // W10: what one W3 takes a thread, with one thread and with two, which take as long when they do not hinder each
    // other; a writer sets up to 20,000 values a second or none.
    void threads(bool writing) {
        if (!options_.wants("W10")) return;
        std::vector<Report::Contender> contenders;
        for (Contestant& each : contestants_) {
            if (!each.subject->concurrent()) continue;
            for (const int count : {1, 2}) {
                contenders.push_back({each.subject->name() + "-" + std::to_string(count) + "thr",
                                      [&, count] { return time_threads(each, count, writing); }});
            }
        }
        report_.measure_paired("W10", writing ? "busy" : "idle", tree_.size, "ns", options_.runs, contenders);
    }
    double time_threads(Contestant& each, int count, bool writing) {
        std::atomic<bool> stop{false};
        std::thread writer;
        if (writing) writer = std::thread([&] { write_until(*each.subject, stop); });
        std::vector<std::thread> readers;
        std::atomic<std::int64_t> spent{0};
        for (int t = 0; t < count; ++t) {
            readers.emplace_back([&, t] {
                const auto keys = tree_.pattern('h', each.operations);
                const auto began = spent_ns();
                for (std::size_t i = 0; i < keys.size(); ++i) {
                    const std::size_t at = (i + static_cast<std::size_t>(t) * keys.size() / 2) % keys.size();
                    if (!each.subject->open_query_close(keys[at])) give_up(*each.subject, "W10");
                }
                spent += spent_ns() - began;
            });
        }
        for (auto& reader : readers) reader.join();
        stop.store(true);
        if (writer.joinable()) writer.join();
        return static_cast<double>(spent.load()) / count / static_cast<double>(each.operations);
    }
    void write_until(Subject& subject, const std::atomic<bool>& stop) {
        const auto keys = tree_.pattern('h', 4096);
        for (std::uint32_t i = 0; !stop.load(std::memory_order_relaxed); ++i) {
            if (!subject.set_value(keys[i % keys.size()], i)) give_up(subject, "W10");
            std::this_thread::sleep_for(std::chrono::microseconds(50));
        }
    }

    Report& report_;
    const Tree& tree_;
    const Options& options_;
    std::vector<Contestant> contestants_;
};

int run(const Options& options) {
    const Tree tree(options.keys);
    Report report("cm", options.json.empty() ? nullptr : options.json.c_str());
    std::string why;
    const bool remote = std::getenv("REGENT_SOCKET") != nullptr;
    Suite suite(report, tree, options);
    auto ours = make_regent(options.subject, why);
    if (ours == nullptr) {
        std::fprintf(stderr, "bench: %s\n", why.c_str());
        return 1;
    }
    suite.add(std::move(ours), remote ? 20000 : 200000);
    if (options.peers != "none") suite.add(make_floor(), 200000);
    using Maker = std::unique_ptr<Subject> (*)(const std::string&, std::string&);
    const std::pair<const char*, Maker> peers[] = {{"lmdb", make_lmdb}, {"sqlite", make_sqlite}, {"hivex", make_hivex}};
    for (const auto& [name, make] : peers) {
        if (options.peers != "all") break;
        if (auto peer = make(options.directory, why)) {
            suite.add(std::move(peer), 50000);
        } else {
            report.skipped(name, why);
        }
    }
    suite.run();
    if (options.wants("W11")) measure_notify(report, options.runs, options.subject);
    if (options.peers != "none") report.print_ratios(options.subject);
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
    app.add_option("--peers", options.peers, "all, floor or none")->check(CLI::IsMember({"all", "floor", "none"}));
    app.add_option("--only", options.only, "these workloads, such as W1,W3 (W6 always runs)")->delimiter(',');
    app.add_flag("--processor-time", options.processor_time, "count a thread's processor time, not the wall's");
    CLI11_PARSE(app, argc, argv);
    if (options.processor_time) regent::bench::count_processor_time();
    return regent::bench::run(options);
}
