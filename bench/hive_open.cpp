// W8: from nothing to the first value, with the file in the page cache and without. Closing is not measured.
#include "hive_suite.h"
#include "rtl/env.h"

namespace regent::bench {
namespace {

double open_ours(const HiveSuite& suite, std::uint32_t key, hive::OpenOptions options) {
    const auto began = now_ns();
    const auto opened = hive::Hive::open(rtl::real_env(), suite.saved_hive(), options);
    if (!opened) return -1;
    const hive::Hive& hive = **opened;
    hive::CellIndex cell = hive.root();
    Utf16View path = suite.tree.path[key];
    while (!path.empty()) {
        const std::size_t end = std::min(path.find(u'\\'), path.size());
        const auto child = hive.find_subkey(cell, path.substr(0, end));
        if (!child) return -1;
        cell = *child;
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    const auto value = hive.find_value(cell, suite.tree.value_name[1]);
    std::byte data[value_bytes];
    if (!value || hive.read_value(*value, 0, data) != value_bytes) return -1;
    return static_cast<double>(now_ns() - began);
}

std::vector<Opener> make_openers(HiveSuite& suite) {
    std::vector<Opener> openers;
    hive::OpenOptions on_touch;  // as a store opens its own hives (ADR 0009)
    on_touch.validation = hive::Validation::on_touch;
    openers.push_back({"regent", suite.saved_hive(),
                       [&suite, on_touch](std::uint32_t key) { return open_ours(suite, key, on_touch); }});
    openers.push_back(
        {"regent-full", suite.saved_hive(), [&suite](std::uint32_t key) { return open_ours(suite, key, {}); }});
    for (Opener& peer : make_peer_openers(suite)) openers.push_back(std::move(peer));
    return openers;
}

}  // namespace

void measure_open(HiveSuite& suite) {
    const auto openers = make_openers(suite);
    const auto keys = suite.tree.pattern('u', 1000);
    std::size_t next = 0;
    for (const bool cold : {false, true}) {
        std::vector<Report::Contender> contenders;
        for (const Opener& opener : openers) {
            contenders.push_back({opener.subject, [&] {
                                      if (cold && !drop_from_cache(opener.file)) return -1.0;
                                      return opener.first_answer(keys[next++ % keys.size()]);
                                  }});
        }
        // An opening is short beside what disturbs it: more runs than of the other figures.
        suite.report.measure_paired("W8", cold ? "cold" : "warm", suite.tree.size, "ns", 4 * suite.runs + 1,
                                    contenders);
    }
}

}  // namespace regent::bench
