// Random hives, each checked against its model: make_hives FIRST COUNT [DIRECTORY]. A hive is built, closed, loaded,
// saved compactly in either format and loaded again; all must hold what the model holds and break no rule. With
// DIRECTORY the hives are also left there, for other readers; without it, every fourth one has names that only we can
// read.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "hive/diff.h"
#include "random_hive.h"
#include "rtl/sim_env.h"

namespace {

using namespace regent;
using namespace regent::hive;

struct Totals {
    std::uint64_t keys = 0;
    std::uint64_t values = 0;
    std::uint64_t bytes = 0;
};

class Silence : public DiffSink {
public:
    void report(const Difference& difference) override { first = first.empty() ? to_string(difference.aspect) : first; }
    std::string first;
};

// Loads `path`; what is wrong with it, or an empty text.
std::string load(rtl::Env& env, const std::string& path, const RandomHive& model, std::unique_ptr<Hive>& hive) {
    FindingList findings;
    OpenOptions options;
    options.durability = Durability::read_only;
    options.findings = &findings;
    auto opened = Hive::open(env, path, options);
    if (!opened) return "open: " + std::string(rtl::status_name(opened.error().code()));
    hive = std::move(opened).value();
    if (findings.count() != 0) return "finding: " + findings.findings()[0].expected;
    if (hive->load_state() != LoadState::clean) return "not clean";
    return model.compare_with(*hive);
}

std::string round_trip(std::uint64_t seed, bool strange, const std::string& directory, Totals& totals) {
    rtl::SimEnv env;
    RandomHive model(seed, strange);
    if (const std::string what = model.build(env, "hive"); !what.empty()) return "build: " + what;
    std::unique_ptr<Hive> hive;
    if (const std::string what = load(env, "hive", model, hive); !what.empty()) return "load: " + what;
    const Format other = seed % 2 == 0 ? Format::v1_5 : Format::v1_3;
    {
        const auto file = env.open("saved", rtl::OpenMode::create_new);
        if (!file || !hive->save_subtree(hive->root(), **file, other)) return "save";
    }
    std::unique_ptr<Hive> saved;
    if (const std::string what = load(env, "saved", model, saved); !what.empty()) return "load of the copy: " + what;
    Silence silence;
    compare(*hive, *saved, {true}, silence);
    if (!silence.first.empty()) return "diff: " + silence.first;
    const HiveCounts counts = hive->count();
    totals.keys += counts.keys;
    totals.values += counts.values;
    totals.bytes += hive->stable_size();
    if (directory.empty()) return "";
    const std::string content = env.contents().at("hive");
    std::ofstream out(directory + "/" + std::to_string(seed), std::ios::binary);
    return out.write(content.data(), static_cast<std::streamsize>(content.size())).flush() ? "" : "cannot write";
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3 && argc != 4) {
        std::fprintf(stderr, "usage: make_hives FIRST COUNT [DIRECTORY]\n");
        return 2;
    }
    const std::uint64_t first = std::strtoull(argv[1], nullptr, 10);
    const std::uint64_t count = std::strtoull(argv[2], nullptr, 10);
    const std::string directory = argc == 4 ? argv[3] : "";
    Totals totals;
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        const std::string what = round_trip(seed, directory.empty() && seed % 4 == 0, directory, totals);
        if (what.empty()) continue;
        std::fprintf(stderr, "make_hives: seed %ju: %s\n", std::uintmax_t{seed}, what.c_str());
        return 1;
    }
    std::printf("%ju hives, %ju keys, %ju values, %ju bytes: all equal after load, save and load\n",
                std::uintmax_t{count}, std::uintmax_t{totals.keys}, std::uintmax_t{totals.values},
                std::uintmax_t{totals.bytes});
    return 0;
}
