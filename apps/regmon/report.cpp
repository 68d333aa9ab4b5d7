#include "report.h"

#include <algorithm>
#include <cstdio>

#include "nt/ntstatus.h"
#include "output.h"
#include "wdk/regcallback.h"

namespace regent::regmon {
namespace {

constexpr std::size_t hottest_shown = 10;

std::string plain_path(const Utf16& nt_path) {
    Event event;  // one that shows its key only
    event.path = nt_path;
    return display_path(event);
}

}  // namespace

void Report::count(const Event& event) {
    ++events_;
    if (!event.path.empty()) {
        Heat& heat = keys_[rtl::upcased(event.path)];
        if (heat.count++ == 0) heat.path = event.path;
    }
    if (event.operation == RegNtPostSetValueKey && NT_SUCCESS(event.status)) ++values_written_;
    // A create that went through a symbolic link is asked again at the link's target: no failure.
    if (is_create(event) && !NT_SUCCESS(event.status)) {
        ++failed_creates_;
        if (first_failed_.size() < kept_failed_creates) {
            first_failed_.push_back({display_path(event), event.process, event.status, event.duration_ns});
        }
    }
}

std::uint64_t dropped(const REGMON_STATS& stats) {
    std::uint64_t sum = 0;
    for (std::uint64_t reason : stats.Dropped) sum += reason;
    return sum;
}

std::string ledger_line(const REGMON_STATS& stats) {
    return "ledger: produced=" + std::to_string(stats.Produced) + " delivered=" + std::to_string(stats.Delivered) +
           " dropped=" + std::to_string(dropped(stats));
}

std::string Report::text(const REGMON_STATS& stats) const {
    std::vector<std::pair<std::uint64_t, const Utf16*>> hottest;
    for (const auto& [folded, heat] : keys_) hottest.emplace_back(heat.count, &heat.path);
    const std::size_t shown = std::min(hottest_shown, hottest.size());
    std::partial_sort(
        hottest.begin(), hottest.begin() + static_cast<std::ptrdiff_t>(shown), hottest.end(),
        [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : *a.second < *b.second; });
    std::string text = "hottest keys:\n";
    char number[64];
    for (std::size_t index = 0; index < shown; ++index) {
        std::snprintf(number, sizeof number, "%9llu  ", static_cast<unsigned long long>(hottest[index].first));
        text += number + plain_path(*hottest[index].second) + "\n";
    }
    for (const FailedCreate& failed : first_failed_) {
        std::snprintf(number, sizeof number, "  %.1f us", static_cast<double>(failed.duration_ns) / 1000.0);
        text +=
            "failed create: " + failed.path + "  " + result_name(failed.status) + "  " + failed.process + number + "\n";
    }
    for (unsigned reason = 0; reason < REGMON_DROP_REASONS; ++reason) {
        if (stats.Dropped[reason] == 0) continue;
        text += "dropped, " + std::string(drop_reason(reason)) + ": " + std::to_string(stats.Dropped[reason]) + "\n";
    }
    text += "captured " + std::to_string(events_) + ", shown " + std::to_string(shown_) + "\n";
    text += ledger_line(stats) + "\n";
    text += "failed creates: " + std::to_string(failed_creates_) + "\n";
    return text + "values written: " + std::to_string(values_written_) + "\n";
}

}  // namespace regent::regmon
