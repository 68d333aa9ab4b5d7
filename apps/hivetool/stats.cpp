// stats: where the space of a hive goes.
#include <algorithm>
#include <array>
#include <cstdio>
#include <map>

#include "dump.h"
#include "hive/format.h"
#include "hive/live_cells.h"
#include "tool.h"

namespace regent::hivetool {

namespace {

constexpr std::size_t biggest_values = 10;

struct KindTotal {
    std::uint64_t cells = 0;
    std::uint64_t bytes = 0;  // with size fields
    std::uint64_t slack = 0;
};

struct BigValue {
    std::uint32_t size;
    std::string path;
    std::string name;
};

struct Statistics {
    hive::Space space = {};
    std::array<KindTotal, hive::cell_kinds> kinds;
    KindTotal lost;  // allocated, and nothing refers to it
    std::map<std::string, std::uint64_t> lists;
    std::size_t deepest = 0;
    std::string deepest_path;
    std::vector<BigValue> biggest;

    std::uint64_t slack() const {
        std::uint64_t sum = 0;
        for (const KindTotal& kind : kinds) sum += kind.slack;
        return sum;
    }
    std::uint64_t wasted() const { return space.free_bytes + slack() + lost.bytes; }
};

void count_cells(const hive::Hive& hive, Statistics& stats) {
    const Bytes bins = hive.stable_bytes();
    std::uint64_t allocated_cells = 0;
    std::uint64_t allocated_bytes = 0;
    for (std::uint32_t bin = 0; bin < bins.size();) {
        const auto* header = rtl::record_at<hive::BinHeader>(bins, bin);
        if (header == nullptr || header->size == 0) break;
        const std::uint32_t end = bin + header->size;
        for (std::uint32_t at = bin + sizeof(hive::BinHeader); at < end;) {
            const auto stored = rtl::load<std::int32_t>(bins, at);
            if (!stored || *stored == 0) break;
            const auto size = static_cast<std::uint32_t>(*stored < 0 ? -*stored : *stored);
            if (*stored < 0) {
                ++allocated_cells;
                allocated_bytes += size;
            }
            at += size;
        }
        bin = end;
    }
    stats.space = hive.space();
    hive::for_each_live_cell(hive, [&](const hive::LiveCell& live) {
        const Bytes data = hive::cell_data(bins, live.cell);
        KindTotal& kind = stats.kinds[static_cast<std::size_t>(live.kind)];
        ++kind.cells;
        kind.bytes += data.size() + 4;
        kind.slack += data.size() - std::min<std::size_t>(live.used, data.size());
        if (live.kind == hive::CellKind::subkey_leaf || live.kind == hive::CellKind::subkey_index) {
            ++stats.lists[{reinterpret_cast<const char*>(data.data()), 2}];
        }
    });
    stats.lost = {allocated_cells, allocated_bytes, 0};
    for (const KindTotal& kind : stats.kinds) {
        stats.lost.cells -= kind.cells;
        stats.lost.bytes -= kind.bytes;
    }
}

class TreeStatistics {
public:
    TreeStatistics(const hive::Hive& hive, Statistics& stats, Progress& progress)
        : hive_(hive), stats_(stats), progress_(progress) {}

    void enter(hive::CellIndex key, std::size_t depth) {
        progress_.step();
        const hive::KeyInfo info = hive_.key_info(key);
        std::string& path = path_.at(depth);
        path += '\\';
        if (depth != 0) append_escaped(path, info.name);
        if (depth == 0) path.clear();
        path_.entered();
        if (depth + 1 > stats_.deepest) {
            stats_.deepest = depth + 1;
            stats_.deepest_path = path.empty() ? "\\" : path;
        }
        each_value(hive_, key, info.value_count, [&](hive::ValueRef, const hive::ValueInfo& value) { note(value); });
    }
    void leave() {}

private:
    void note(const hive::ValueInfo& value) {
        auto& biggest = stats_.biggest;
        if (biggest.size() == biggest_values && value.data_size <= biggest.back().size) return;
        std::string name;
        append_escaped(name, value.name);
        const auto at = std::find_if(biggest.begin(), biggest.end(),
                                     [&](const BigValue& other) { return other.size < value.data_size; });
        biggest.insert(at, {value.data_size, path_.text().empty() ? "\\" : path_.text(), name});
        if (biggest.size() > biggest_values) biggest.pop_back();
    }

    const hive::Hive& hive_;
    Statistics& stats_;
    Progress& progress_;
    DumpPath path_;
};

double percent(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

void print_text(const Statistics& stats) {
    const auto row = [](const char* name, const KindTotal& total) {
        std::printf("%-18s %12ju %12ju %12ju\n", name, std::uintmax_t{total.cells}, std::uintmax_t{total.bytes},
                    std::uintmax_t{total.slack});
    };
    std::printf("%ju bytes in %ju bins\n\n%-18s %12s %12s %12s\n", std::uintmax_t{stats.space.bytes},
                std::uintmax_t{stats.space.bins}, "kind", "cells", "bytes", "slack");
    for (std::size_t i = 0; i < stats.kinds.size(); ++i) {
        row(hive::to_string(static_cast<hive::CellKind>(i)), stats.kinds[i]);
    }
    row("lost", stats.lost);
    row("free", {stats.space.free_cells, stats.space.free_bytes, 0});
    std::printf("\nwasted    %ju bytes (%.1f%%): free, slack and lost cells; hivetool compact gives them back\n",
                std::uintmax_t{stats.wasted()}, percent(stats.wasted(), stats.space.bytes));
    std::printf("fragments %ju free cells, the largest of %ju bytes (%.1f%% of what is free)\n",
                std::uintmax_t{stats.space.free_cells}, std::uintmax_t{stats.space.largest_free},
                percent(stats.space.largest_free, stats.space.free_bytes));
    std::printf("          fragmentation %.1f%%, free bins at the end %ju bytes\n", stats.space.fragmentation(),
                std::uintmax_t{stats.space.free_tail});
    for (const auto& [kind, count] : stats.lists) std::printf("%s lists  %ju\n", kind.c_str(), std::uintmax_t{count});
    std::printf("depth     %zu: %s\n", stats.deepest, stats.deepest_path.c_str());
    for (const BigValue& value : stats.biggest) {
        std::printf("%9u bytes  %s : %s\n", value.size, value.path.c_str(),
                    value.name.empty() ? "(default)" : value.name.c_str());
    }
}

nlohmann::ordered_json to_json(const Statistics& stats) {
    nlohmann::ordered_json kinds;
    const auto total = [](const KindTotal& of) {
        return nlohmann::ordered_json{{"cells", of.cells}, {"bytes", of.bytes}, {"slack", of.slack}};
    };
    for (std::size_t i = 0; i < stats.kinds.size(); ++i) {
        kinds[hive::to_string(static_cast<hive::CellKind>(i))] = total(stats.kinds[i]);
    }
    auto biggest = nlohmann::ordered_json::array();
    for (const BigValue& value : stats.biggest) {
        biggest.push_back({{"size", value.size}, {"path", value.path}, {"name", value.name}});
    }
    return {{"bytes", stats.space.bytes},
            {"bins", stats.space.bins},
            {"kinds", kinds},
            {"lost", total(stats.lost)},
            {"free",
             {{"cells", stats.space.free_cells},
              {"bytes", stats.space.free_bytes},
              {"largest", stats.space.largest_free},
              {"tail", stats.space.free_tail}}},
            {"fragmentation", stats.space.fragmentation()},
            {"wasted", stats.wasted()},
            {"lists", stats.lists},
            {"depth", stats.deepest},
            {"deepest", stats.deepest_path},
            {"biggest_values", biggest}};
}

}  // namespace

int stats(const Arguments& arguments) {
    hive::FindingList findings;
    const auto opened = open_read_only(arguments.file, findings);
    if (!opened) {
        print_findings(findings, stderr);
        return explain(arguments.file, opened.error());
    }
    Statistics result;
    count_cells(**opened, result);
    {
        Progress progress("stats", arguments.progress);
        TreeStatistics tree(**opened, result, progress);
        walk(**opened, (*opened)->root(), tree);
    }
    if (arguments.json) {
        print_json(to_json(result));
    } else {
        print_text(result);
    }
    return finish(findings, std::fflush(stdout) == 0);
}

}  // namespace regent::hivetool
