#include "report.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <nlohmann/json.hpp>

namespace regent::bench {
namespace {

struct CpuTimes {
    std::uint64_t all = 0, steal = 0;
};

CpuTimes cpu_times() {
    CpuTimes times;
    std::FILE* file = std::fopen("/proc/stat", "r");
    if (file == nullptr) return times;
    unsigned long long field[8] = {};
    if (std::fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &field[0], &field[1], &field[2], &field[3],
                    &field[4], &field[5], &field[6], &field[7]) == 8) {
        for (unsigned long long f : field) times.all += f;
        times.steal = field[7];
    }
    std::fclose(file);
    return times;
}

double steal_percent(const CpuTimes& before, const CpuTimes& after) {
    const auto all = after.all - before.all;
    return all == 0 ? 0 : 100.0 * static_cast<double>(after.steal - before.steal) / static_cast<double>(all);
}

void set_statistics(Figure& figure, std::vector<double>& results) {
    std::sort(results.begin(), results.end());
    figure.median = results[results.size() / 2];
    figure.min = results.front();
    figure.max = results.back();
}

}  // namespace

namespace {
bool counts_processor_time = false;
}

void count_processor_time() { counts_processor_time = true; }

std::int64_t spent_ns() {
    timespec now{};
    if (!counts_processor_time) return now_ns();
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

std::int64_t now_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1000000000 + now.tv_nsec;
}

double time_per_operation(std::size_t count, const std::function<void(std::size_t)>& operation) {
    const auto began = spent_ns();
    for (std::size_t i = 0; i < count; ++i) operation(i);
    return static_cast<double>(spent_ns() - began) / static_cast<double>(count);
}

Report::Report(std::string suite, const char* json_path) : suite_(std::move(suite)) {
    if (json_path != nullptr) json_ = std::fopen(json_path, "a");
    if (json_path != nullptr && json_ == nullptr) std::fprintf(stderr, "bench: cannot write %s\n", json_path);
    std::printf("%-6s %-11s %9s %-14s %18s %18s %18s %5s %6s\n", "what", "variant", "n", "subject", "median", "min",
                "max", "runs", "steal");
}

Report::~Report() {
    if (json_ != nullptr) std::fclose(json_);
}

const Figure& Report::measure(std::string workload, std::string variant, std::uint64_t n, std::string subject, int runs,
                              const std::function<double()>& body) {
    Figure figure{std::move(workload), std::move(variant), n, std::move(subject), "ns", 0, 0, 0, runs, 0};
    body();
    std::vector<double> times;
    for (int attempt = 0; attempt < 2; ++attempt) {
        times.clear();
        const CpuTimes before = cpu_times();
        for (int run = 0; run < runs; ++run) times.push_back(body());
        figure.steal = steal_percent(before, cpu_times());
        if (figure.steal <= 10) break;
    }
    set_statistics(figure, times);
    add(std::move(figure));
    return figures_.back();
}

void Report::measure_paired(const std::string& workload, const std::string& variant, std::uint64_t n,
                            const std::string& unit, int runs, const std::vector<Contender>& contenders) {
    std::vector<std::vector<double>> results(contenders.size());
    const auto round = [&](bool record) {
        for (std::size_t i = 0; i < contenders.size(); ++i) {
            const double result = contenders[i].body();
            if (result < 0) {
                std::fprintf(stderr, "bench: %s failed %s\n", contenders[i].subject.c_str(), workload.c_str());
                std::exit(1);
            }
            if (record) results[i].push_back(result);
        }
    };
    round(false);
    const CpuTimes before = cpu_times();
    for (int run = 0; run < runs; ++run) round(true);
    const double steal = steal_percent(before, cpu_times());
    for (std::size_t i = 0; i < contenders.size(); ++i) {
        Figure figure{workload, variant, n, contenders[i].subject, unit, 0, 0, 0, runs, steal};
        set_statistics(figure, results[i]);
        add(std::move(figure));
    }
}

void Report::add(Figure figure) {
    std::printf("%-6s %-11s %9llu %-14s %12.1f %-5s %12.1f %-5s %12.1f %-5s %5d %5.1f%%\n", figure.workload.c_str(),
                figure.variant.c_str(), static_cast<unsigned long long>(figure.n), figure.subject.c_str(),
                figure.median, figure.unit.c_str(), figure.min, figure.unit.c_str(), figure.max, figure.unit.c_str(),
                figure.runs, figure.steal);
    std::fflush(stdout);
    if (json_ != nullptr) {
        const nlohmann::json line = {
            {"suite", suite_},         {"workload", figure.workload}, {"variant", figure.variant},
            {"n", figure.n},           {"subject", figure.subject},   {"unit", figure.unit},
            {"median", figure.median}, {"min", figure.min},           {"max", figure.max},
            {"runs", figure.runs},     {"steal", figure.steal}};
        std::fprintf(json_, "%s\n", line.dump().c_str());
        std::fflush(json_);
    }
    figures_.push_back(std::move(figure));
}

void Report::skipped(const std::string& subject, const std::string& why) {
    std::printf("skipped %s: %s\n", subject.c_str(), why.c_str());
}

void Report::print_ratios(const std::string& subject) const {
    std::printf("\nratios to %s (below 1: faster than it)\n", subject.c_str());
    for (const Figure& ours : figures_) {
        if (ours.subject != subject || ours.median <= 0) continue;
        std::printf("%-6s %-7s", ours.workload.c_str(), ours.variant.c_str());
        for (const Figure& other : figures_) {
            if (other.subject == subject || other.workload != ours.workload || other.variant != ours.variant ||
                other.n != ours.n) {
                continue;
            }
            std::printf("  %s %.2f", other.subject.c_str(), other.median / ours.median);
        }
        std::printf("\n");
    }
}

}  // namespace regent::bench
