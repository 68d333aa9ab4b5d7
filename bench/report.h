// One figure: several runs of one workload by one subject; printed as a table row and, when asked, as a JSON line
// {"suite","workload","variant","n","subject","unit","median","min","max","runs","steal"}.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace regent::bench {

struct Figure {
    std::string workload;  // W1..W12, event, added
    std::string variant;   // u (uniform), h (hot), or empty
    std::uint64_t n = 0;
    std::string subject;
    std::string unit;
    double median = 0, min = 0, max = 0;
    int runs = 0;
    double steal = 0;  // percent of all CPU time taken by the hypervisor while this figure was measured
};

class Report {
public:
    // `json_path` may be null.
    Report(std::string suite, const char* json_path);
    ~Report();
    Report(const Report&) = delete;
    Report& operator=(const Report&) = delete;

    // Runs `body` (which returns the nanoseconds of one operation) `runs` times, after one unmeasured run; a set of
    // runs with more than 10 % steal is repeated once.
    const Figure& measure(std::string workload, std::string variant, std::uint64_t n, std::string subject, int runs,
                          const std::function<double()>& body);
    // The same for several subjects that take turns, a run each, so that what disturbs the machine disturbs them all.
    // `body` returns the figure of one run in `unit`; a negative one says that the subject failed, and ends the suite.
    struct Contender {
        std::string subject;
        std::function<double()> body;
    };
    void measure_paired(const std::string& workload, const std::string& variant, std::uint64_t n,
                        const std::string& unit, int runs, const std::vector<Contender>& contenders);
    void add(Figure figure);
    void skipped(const std::string& subject, const std::string& why);
    // The figures as ratios to `subject`, a line per workload and variant.
    void print_ratios(const std::string& subject) const;

private:
    std::string suite_;
    std::FILE* json_ = nullptr;
    std::vector<Figure> figures_;
};

// Nanoseconds (of spent_ns) per call of `operation`, called once for each of `count`.
double time_per_operation(std::size_t count, const std::function<void(std::size_t)>& operation);
std::int64_t now_ns();
// The processor time of the calling thread instead of the wall's, where it is told to count that: on a machine that
// others use too, the time of one thread's work without the time that it waited for a processor.
void count_processor_time();
std::int64_t spent_ns();

}  // namespace regent::bench
