// The four experiments: load the driver, let four threads work, and compare what it saw with what they did.
#include "lab.h"

#include <chrono>
#include <cstdio>
#include <thread>

#include "lab_harness.h"
#include "lab_measure.h"

namespace regent::app {
namespace {

constexpr int threads = 4;
constexpr int rounds = 100;
constexpr const char* drivers[] = {"exp1_empty_callback", "exp2_count_writes", "exp3_failed_creates",
                                   "exp4_worker_thread"};
constexpr const char* devices[] = {"Exp1", "Exp2", "Exp3", "Exp4"};

// Experiment 4's worker prints in the background: its result is there when it has printed all, within a second or so.
bool wait_for_dumps(const LabDriver& driver, EXPERIMENT_COUNTS& counts) {
    for (int i = 0; i < 500; ++i) {
        if (!driver.query(counts)) return false;
        if (counts.Dumped == counts.FailedCreates) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return true;
}

struct Answer {
    std::uint64_t expected = 0;
    std::uint64_t observed = 0;
    const char* what = "";
};

Answer answer_of(int experiment, bool xp, const WorkloadCounts& did, const EXPERIMENT_COUNTS& before,
                 const EXPERIMENT_COUNTS& after) {
    switch (experiment) {
        case 1:
            // Windows XP sends the posts of creates and opens only.
            if (xp)
                return {did.operations + did.creates, after.Callouts - before.Callouts,
                        "callouts (posts of creates only)"};
            return {2 * did.operations, after.Callouts - before.Callouts, "callouts (a pre and a post an operation)"};
        case 2:
            return {did.values_written, after.ValuesWritten - before.ValuesWritten, "values written"};
        case 3:
            return {did.failed_in_classes, after.FailedCreates - before.FailedCreates, "failed creates in Classes"};
        default:
            return {did.failed_in_classes, after.Dumped - before.Dumped, "failed creates printed by the worker"};
    }
}

int run(const LabOptions& options, Answer& answer) {
    const int experiment = options.experiment;
    const bool xp = options.profile == "XP";
    if (xp && experiment > 1) {
        std::fprintf(stderr, "regent: lab: experiment %d needs post-notifications: Windows XP sends none of them\n",
                     experiment);
        return 2;
    }
    LabStore store;
    if (!store.boot()) return 1;
    LabDriver driver(drivers[experiment - 1], devices[experiment - 1]);
    if (experiment >= 3 && !driver.set_parameter("Subtree", "\\registry\\machine\\software\\classes")) return 1;
    if (!options.profile.empty() && !driver.set_parameter("RegistryCallbackProfile", options.profile)) return 1;
    EXPERIMENT_COUNTS before{};
    EXPERIMENT_COUNTS after{};
    if (!driver.load() || !driver.query(before)) return 1;
    const WorkloadCounts did = run_workload(threads, rounds);
    if (!(experiment == 4 ? wait_for_dumps(driver, after) : driver.query(after))) return 1;
    if (!driver.unload()) return 1;
    answer = answer_of(experiment, xp, did, before, after);
    std::printf("experiment %d: %s\n", experiment, drivers[experiment - 1]);
    std::printf("  workload: %d threads, %llu creates (%llu failed), %llu values written\n", threads,
                static_cast<unsigned long long>(did.creates), static_cast<unsigned long long>(did.failed_creates),
                static_cast<unsigned long long>(did.values_written));
    if (experiment == 4)
        std::printf("  the worker: %llu work items, %llu operations of its own not looked at\n",
                    static_cast<unsigned long long>(after.WorkItems - before.WorkItems),
                    static_cast<unsigned long long>(after.OwnSkipped - before.OwnSkipped));
    std::printf("  %s: expected %llu, observed %llu\n", answer.what, static_cast<unsigned long long>(answer.expected),
                static_cast<unsigned long long>(answer.observed));
    return did.unexpected == 0 && after.Pending == 0 && answer.expected == answer.observed ? 0 : 1;
}

}  // namespace

int run_lab(const LabOptions& options) {
    if (options.measure) return measure_callback(options.json);
    Answer answer;
    const int code = run(options, answer);
    if (options.json)
        std::printf("{\"experiment\":%d,\"expected\":%llu,\"observed\":%llu}\n", options.experiment,
                    static_cast<unsigned long long>(answer.expected), static_cast<unsigned long long>(answer.observed));
    return code;
}

}  // namespace regent::app
