// Cuts the power at every event of every workload, loses what was not synced in several ways, recovers, and asks
// whether the content is that of a complete flush no older than the last acknowledged one.
//
// crash_points [RECOVERIES] [SEED]: about so many recoveries (2,500). Ends with a line
// `N crash points, N recoveries, N lost, N torn, N violations`; exit code 0 only when the last three are 0.
#include <cinttypes>
#include <cstdio>
#include <cstdlib>

#include "crash_run.h"
#include "hive/finding.h"

namespace regent::hive::crash {

namespace {

constexpr rtl::LossModel models[] = {rtl::LossModel::none, rtl::LossModel::all,    rtl::LossModel::subset,
                                     rtl::LossModel::torn, rtl::LossModel::prefix, rtl::LossModel::reordered};
constexpr std::size_t model_count = std::size(models);

struct Totals {
    std::size_t points = 0, recoveries = 0, lost = 0, torn = 0, violations = 0;
};

// One place on the way: enough to find it again.
struct Where {
    const char* workload;
    std::uint64_t seed;
    std::size_t events;
    std::size_t model;
};

class Judge {
public:
    Totals totals;

    void violation(const Where& where, const char* what) {
        ++totals.violations;
        tell(where, what);
    }

    // The content found after a crash must be a state whose flush began before it and that is not older than the last
    // one acknowledged before it.
    void judge(const Run& run, const Where& where, std::uint64_t content) {
        std::size_t oldest = 0;
        const std::vector<State>& states = run.states();
        for (std::size_t i = 0; i < states.size(); ++i) {
            if (states[i].acknowledged <= where.events) oldest = i;
        }
        bool older = false;
        for (std::size_t i = 0; i < states.size() && states[i].begun <= where.events; ++i) {
            if (states[i].content != content) continue;
            if (i >= oldest) return;
            older = true;
        }
        ++(older ? totals.lost : totals.torn);
        tell(where, older ? "an acknowledged flush is lost" : "the content is none that was flushed");
    }

private:
    static void tell(const Where& where, const char* what) {
        std::printf("%s, seed %" PRIu64 ", after event %zu, model %zu: %s\n", where.workload, where.seed, where.events,
                    where.model, what);
    }
};

class Explorer {
public:
    Explorer(Judge& judge, std::size_t stride) : judge_(judge), stride_(stride) {}

    // Returns what was looked at: every stride-th pair of a crash point and a model.
    void explore(const Workload& workload, std::uint64_t seed) {
        Run run(seed);
        workload.run(run);
        run.hive.reset();
        Where where{workload.name, seed, 0, 0};
        if (!run.failure().empty()) return judge_.violation(where, run.failure().c_str());
        const std::size_t events = run.env.event_count();
        judge_.totals.points += events + 1;
        for (where.events = 0; where.events <= events; ++where.events) {
            for (where.model = 0; where.model < model_count; ++where.model) {
                if (count_++ % stride_ == 0) crash(run, where);
            }
        }
    }

private:
    void crash(const Run& run, const Where& where) {
        rtl::SimEnv disk(run.env.after_crash(where.events, models[where.model], where.seed));
        const std::uint64_t content = look(disk, run, where, true);
        judge_.judge(run, where, content);
        if (content <= unloadable) return;
        if (++crashes_ % 4 == 0) crash_again(disk, run, where, content);
        if (crashes_ % 4 == 2) live_on(disk, where);
    }

    // Opens what is there for writing. `content_of` it, or absent, or unloadable.
    std::uint64_t look(rtl::Env& disk, const Run& run, const Where& where, bool count) {
        if (count) ++judge_.totals.recoveries;
        FindingList findings;
        OpenOptions options;
        options.findings = &findings;
        const auto opened = Hive::open(disk, hive_path, options);
        if (!opened) {
            const NTSTATUS status = opened.error().code();
            if (status == STATUS_OBJECT_NAME_NOT_FOUND) return absent;
            // A base block cut off behind its signature is the second; whether there may be none is judged like
            // content.
            if (status == STATUS_NOT_REGISTRY_FILE || status == STATUS_REGISTRY_CORRUPT) return unloadable;
            judge_.violation(where, rtl::status_name(status));
            return unloadable;
        }
        if (findings.count() != 0 && !run.findings_expected) judge_.violation(where, "a finding at load");
        if ((*opened)->check(findings) != 0) judge_.violation(where, "an invariant is broken");
        return content_of(**opened);
    }

    // The recovery itself is cut off, anywhere; then the recovery of that.
    void crash_again(const rtl::SimEnv& disk, const Run& run, const Where& where, std::uint64_t content) {
        const std::size_t events = disk.event_count();
        for (std::size_t inner = 0; inner <= events; ++inner) {
            const std::size_t model = (where.events + where.model + inner) % model_count;
            rtl::SimEnv again(disk.after_crash(inner, models[model], where.seed + inner));
            if (look(again, run, where, true) != content) judge_.violation(where, "a second crash changed the result");
            if (again.event_count() != 0 && look(again, run, where, false) != content) {
                judge_.violation(where, "opening again changed the result");
            }
        }
    }

    // The recovered hive is used: what it acknowledges then survives too, with all that lay on the disk before.
    void live_on(rtl::SimEnv& disk, const Where& where) {
        std::uint64_t content = 0;
        {
            auto opened = Hive::open(disk, hive_path, {});
            if (!opened) return judge_.violation(where, "the second life does not open");
            const std::vector<std::byte> data(600, std::byte{'2'});
            const bool flushed =
                (*opened)->set_value((*opened)->root(), u"second life", 3, data, 9) && (*opened)->flush();
            if (!flushed) return judge_.violation(where, "the second life does not flush");
            content = content_of(**opened);
        }
        ++judge_.totals.recoveries;
        rtl::SimEnv after(disk.after_crash(disk.event_count(), rtl::LossModel::all, where.seed));
        const auto opened = Hive::open(after, hive_path, {});
        if (!opened || content_of(**opened) != content) {
            ++judge_.totals.lost;
            judge_.violation(where, "the second life lost its flush");
        }
    }

    Judge& judge_;
    const std::size_t stride_;
    std::size_t count_ = 0;
    std::size_t crashes_ = 0;
};

int explore_all(std::size_t wanted, std::uint64_t seed) {
    Judge judge;
    // A whole round is every point with every model; a small number is a part of one round.
    constexpr std::size_t a_round = 27000;
    Explorer explorer(judge, wanted >= a_round ? 1 : a_round / wanted);
    do {
        for (const Workload& workload : workloads()) explorer.explore(workload, seed);
        ++seed;
    } while (judge.totals.recoveries < wanted && judge.totals.violations + judge.totals.lost + judge.totals.torn == 0);
    const Totals& t = judge.totals;
    std::printf("%zu crash points, %zu recoveries, %zu lost, %zu torn, %zu violations\n", t.points, t.recoveries,
                t.lost, t.torn, t.violations);
    return t.lost + t.torn + t.violations == 0 ? 0 : 1;
}

}  // namespace

}  // namespace regent::hive::crash

int main(int argc, char** argv) {
    const std::size_t wanted = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 2500;
    const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
    return regent::hive::crash::explore_all(wanted == 0 ? 1 : wanted, seed);
}
