// Suite `callbacks`: what a registered callback adds to W2 (one value of an open key), and what one event costs.
//   added  subjects empty (pre and post of one callback that does nothing), ten of them, exp1 (counts atomically),
//   regmon
//          with its consumer reading and writing a capture file
//   event  subjects regent (regmon's record: what it adds beyond an empty callback), floor (the record copied into a
//          private ring with a time stamp), floor-live (into one that a thread reads meanwhile), lttng-ust (the same
//          payload by a tracepoint that is being recorded)
//   rate   millions of events a second: into the ring (one core producing), to the file (the consumer's processor time)
// Drivers are loaded by NtLoadDriver from service keys made here.
// usage: bench_callbacks [--runs R] [--json FILE] [--cpu] [--bare PROGRAM]; with --only-w2 [--driver NAME] it prints
// one figure: PROGRAM is this program in a build without the hook (RG_CALLBACKS=OFF).
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <memory>
#include <thread>
#include <vector>

#include "event_floor.h"

#include "nt/ntioapi.h"
#include "nt/ntregapi.h"
#include "nt/ntseapi.h"
#include "nt/ntservices.h"
#include "nt/ntstatus.h"
#include "regent/regmon_ioctl.h"
#include "report.h"

namespace regent::bench {
namespace {

UNICODE_STRING unicode(std::u16string_view text) {
    UNICODE_STRING string{};
    string.Length = static_cast<USHORT>(text.size() * 2);
    string.MaximumLength = string.Length;
    string.Buffer = const_cast<char16_t*>(text.data());
    return string;
}

OBJECT_ATTRIBUTES attributes_of(UNICODE_STRING& name) {
    OBJECT_ATTRIBUTES attributes{};
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
    return attributes;
}

HANDLE create_key(std::u16string_view path) {
    UNICODE_STRING name = unicode(path);
    OBJECT_ATTRIBUTES attributes = attributes_of(name);
    HANDLE key = nullptr;
    return NT_SUCCESS(NtCreateKey(&key, KEY_ALL_ACCESS, &attributes, 0, nullptr, 0, nullptr)) ? key : nullptr;
}

void set_dword(HANDLE key, std::u16string_view value, ULONG data) {
    UNICODE_STRING name = unicode(value);
    NtSetValueKey(key, &name, 0, REG_DWORD, &data, sizeof data);
}

const std::u16string services = u"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\";

void set_parameter(std::u16string_view driver, std::u16string_view value, ULONG data) {
    const std::u16string path = services + std::u16string(driver);
    NtClose(create_key(path));
    const HANDLE key = create_key(path + u"\\Parameters");
    set_dword(key, value, data);
    NtClose(key);
}

NTSTATUS load(std::u16string_view driver) {
    const std::u16string path = services + std::u16string(driver);
    const HANDLE key = create_key(path);
    if (key == nullptr) return STATUS_OBJECT_NAME_NOT_FOUND;
    set_dword(key, u"Type", 1);
    set_dword(key, u"Start", 3);
    const std::u16string image = std::u16string(driver) + u".so";
    UNICODE_STRING name = unicode(u"ImagePath");
    NtSetValueKey(key, &name, 0, REG_EXPAND_SZ, const_cast<char16_t*>(image.c_str()),
                  static_cast<ULONG>((image.size() + 1) * 2));
    NtClose(key);
    UNICODE_STRING service = unicode(path);
    return NtLoadDriver(&service);
}

NTSTATUS unload(std::u16string_view driver) {
    const std::u16string path = services + std::u16string(driver);
    UNICODE_STRING service = unicode(path);
    return NtUnloadDriver(&service);
}

class QueryLoop {
public:
    bool prepare() {
        key_ = create_key(u"\\Registry\\Machine\\Software\\BenchCallbacks");
        std::uint8_t data[40] = {1, 2, 3};
        return key_ != nullptr && NT_SUCCESS(NtSetValueKey(key_, &name_, 0, REG_BINARY, data, sizeof data));
    }
    ~QueryLoop() {
        if (key_ != nullptr) NtClose(key_);
    }
    double run(std::size_t count) {
        return time_per_operation(count, [this](std::size_t) {
            ULONG size = 0;
            if (!NT_SUCCESS(NtQueryValueKey(key_, &name_, KeyValuePartialInformation, out_, sizeof out_, &size)))
                std::abort();
        });
    }

private:
    HANDLE key_ = nullptr;
    UNICODE_STRING name_ = unicode(u"Value");
    std::uint8_t out_[64] = {};
};

// Reads regmon's records on a thread of its own until stopped, as a monitor does.
class Consumer {
public:
    bool start() {
        file_.reset(std::tmpfile());
        if (!file_) return false;
        UNICODE_STRING name = unicode(u"\\??\\Regmon");
        OBJECT_ATTRIBUTES attributes = attributes_of(name);
        IO_STATUS_BLOCK iosb{};
        if (!NT_SUCCESS(NtCreateFile(&device_, FILE_GENERIC_READ | FILE_GENERIC_WRITE, &attributes, &iosb, nullptr, 0,
                                     0, FILE_OPEN, FILE_SYNCHRONOUS_IO_NONALERT, nullptr, 0))) {
            return false;
        }
        // The subject and the consumer are one process here; a monitor would leave its own operations out.
        REGMON_CONFIG config{};
        config.OperationMask = ~0ull;
        config.DataBytes = REGMON_DATA_DEFAULT;
        config.FlushMilliseconds = 20;
        config.Flags = REGMON_CONFIG_INCLUDE_SELF;
        if (!NT_SUCCESS(control(IOCTL_REGMON_CONFIGURE, &config, sizeof config, nullptr, 0))) return false;
        if (!NT_SUCCESS(control(IOCTL_REGMON_START, nullptr, 0, nullptr, 0))) return false;
        thread_ = std::thread([this] { read(); });
        return true;
    }
    // Nanoseconds of processor time of the consumer for one event: reading it and writing it to the file.
    double per_event() const { return events_ == 0 ? 0 : cpu_ns_ / static_cast<double>(events_); }

    // Stops the recording, reads what is left, and closes.
    REGMON_STATS stop() {
        control(IOCTL_REGMON_STOP, nullptr, 0, nullptr, 0);
        if (thread_.joinable()) thread_.join();
        REGMON_STATS stats{};
        control(IOCTL_REGMON_QUERY_STATS, nullptr, 0, &stats, sizeof stats);
        if (device_ != nullptr) NtClose(device_);
        device_ = nullptr;
        return stats;
    }

private:
    NTSTATUS control(ULONG code, void* in, ULONG in_size, void* out, ULONG out_size) {
        IO_STATUS_BLOCK iosb{};
        return NtDeviceIoControlFile(device_, nullptr, nullptr, nullptr, &iosb, code, in, in_size, out, out_size);
    }
    static double thread_cpu_ns() {
        timespec now{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
    }
    void read() {
        std::vector<std::uint64_t> buffer((1 << 20) / sizeof(std::uint64_t));
        REGMON_READ request{};
        request.WaitMilliseconds = 100;
        const auto* batch = reinterpret_cast<const REGMON_BATCH*>(buffer.data());
        while (NT_SUCCESS(control(IOCTL_REGMON_READ, &request, sizeof request, buffer.data(), 1 << 20))) {
            if ((batch->Flags & REGMON_BATCH_STOPPED) != 0 && batch->Records == 0) break;
            std::fwrite(batch, batch->Bytes, 1, file_.get());
            events_ += batch->Records;
            if (std::ftell(file_.get()) > (256 << 20)) std::rewind(file_.get());
        }
        cpu_ns_ = thread_cpu_ns();
    }

    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    std::unique_ptr<std::FILE, Close> file_;
    double cpu_ns_ = 0;
    std::uint64_t events_ = 0;
    HANDLE device_ = nullptr;
    std::thread thread_;
};

int failed(const char* what, NTSTATUS status) {
    std::fprintf(stderr, "bench: %s: 0x%08X\n", what, static_cast<unsigned>(status));
    return 1;
}

void add_difference(Report& report, const char* workload, const std::string& subject, const Figure& with,
                    const Figure& without) {
    report.add({workload, "h", 1, subject, "ns", with.median - without.median, with.min - without.min,
                with.max - without.max, with.runs, with.steal});
}

void measure_others(Report& report, int runs, std::size_t count) {
    report.measure("event", "h", 1, "floor", runs, [&] { return floor_event(count); });
    report.measure("event", "h", 1, "floor-live", runs, [&] { return floor_live_event(count); });
#if defined(RG_HAVE_LTTNG)
    if (lttng_records() == 0) return report.skipped("lttng-ust", "no session records regent_bench:registry");
    EventRecord event = sample_event();
    report.measure("event", "h", 1, "lttng-ust", runs, [&] {
        return time_per_operation(count, [&](std::size_t i) {
            event.thread = static_cast<std::uint32_t>(i);
            trace_by_lttng(&event);
        });
    });
#else
    report.skipped("lttng-ust", "liblttng-ust-dev is not installed");
#endif
}

// W2 of a program that has no hook, as that program says it; below 0 when it cannot be run.
double bare_w2(const std::string& program, bool cpu) {
    std::FILE* pipe = ::popen((program + " --only-w2" + (cpu ? " --cpu" : "")).c_str(), "r");
    if (pipe == nullptr) return -1;
    double ns = -1;
    if (std::fscanf(pipe, "%lf", &ns) != 1) ns = -1;
    ::pclose(pipe);
    return ns;
}

struct Options {
    int runs = 5;
    std::string json;
    std::string bare;
    bool cpu = false;
    bool only_w2 = false;
    std::string driver;
};

constexpr std::size_t count = 500000;

// W2 with the driver loaded; ends the program when that does not load.
const Figure& measure_with(Report& report, QueryLoop& loop, int runs, std::u16string_view driver,
                           const std::string& subject) {
    if (const NTSTATUS status = load(driver); !NT_SUCCESS(status)) {
        std::fprintf(stderr, "bench: driver of subject %s: 0x%08X\n", subject.c_str(), static_cast<unsigned>(status));
        std::exit(1);
    }
    const Figure& figure = report.measure("W2", "h", 1, subject, runs, [&] { return loop.run(count); });
    unload(driver);
    return figure;
}

int measure_regmon(Report& report, QueryLoop& loop, int runs, const Figure& none, const Figure& empty) {
    if (const NTSTATUS status = load(u"regmon"); !NT_SUCCESS(status)) return failed("regmon", status);
    Consumer consumer;
    if (!consumer.start()) return failed("\\??\\Regmon", STATUS_UNSUCCESSFUL);
    const Figure regmon = report.measure("W2", "h", 1, "regmon", runs, [&] { return loop.run(count); });
    const REGMON_STATS stats = consumer.stop();
    unload(u"regmon");
    add_difference(report, "added", "regmon", regmon, none);
    add_difference(report, "event", "regent", regmon, empty);
    const double record = regmon.median - empty.median;
    report.add({"rate", "h", 1, "ring", "M/s", 1000 / record, 1000 / record, 1000 / record, 1, regmon.steal});
    const double file = 1000 / consumer.per_event();
    report.add({"rate", "h", 1, "file", "M/s", file, file, file, 1, regmon.steal});
    unsigned long long dropped = 0;
    for (auto count_of_reason : stats.Dropped) dropped += count_of_reason;
    std::printf("regmon's ledger while measured: produced=%llu delivered=%llu dropped=%llu\n", stats.Produced,
                stats.Delivered, dropped);
    return stats.Produced == stats.Delivered + dropped ? 0 : failed("the ledger is not exact", STATUS_UNSUCCESSFUL);
}

// One figure, for a program without the hook and for profilers.
int print_w2(QueryLoop& loop, const Options& options) {
    Consumer consumer;
    const std::u16string driver(options.driver.begin(), options.driver.end());
    if (!driver.empty() && !NT_SUCCESS(load(driver))) return failed("the driver", STATUS_UNSUCCESSFUL);
    if (driver == u"regmon" && !consumer.start()) return failed("\\??\\Regmon", STATUS_UNSUCCESSFUL);
    loop.run(count);
    double best = loop.run(count);
    for (int i = 1; i < options.runs; ++i) best = std::min(best, loop.run(count));
    std::printf("%f\n", best);
    if (driver == u"regmon") consumer.stop();
    if (!driver.empty()) unload(driver);
    return 0;
}

int run(const Options& options) {
    QueryLoop loop;
    if (options.cpu) count_processor_time();
    if (!loop.prepare()) return failed("the benchmark's key", STATUS_UNSUCCESSFUL);
    set_parameter(u"empty_callbacks", u"Count", 1);  // the store may know another number from an earlier run
    if (options.only_w2) return print_w2(loop, options);
    Report report("callbacks", options.json.empty() ? nullptr : options.json.c_str());
    if (!options.bare.empty()) {
        report.measure_paired("W2", "h", 1, "ns", options.runs,
                              {{"with hook", [&] { return loop.run(count); }},
                               {"no hook", [&] { return bare_w2(options.bare, options.cpu); }}});
    }
    const Figure none = report.measure("W2", "h", 1, "none", options.runs, [&] { return loop.run(count); });
    const Figure empty = measure_with(report, loop, options.runs, u"empty_callbacks", "empty");
    set_parameter(u"empty_callbacks", u"Count", 10);
    const Figure ten = measure_with(report, loop, options.runs, u"empty_callbacks", "ten");
    const Figure exp1 = measure_with(report, loop, options.runs, u"exp1_empty_callback", "exp1");
    add_difference(report, "added", "empty", empty, none);
    add_difference(report, "added", "ten", ten, none);
    add_difference(report, "added", "exp1", exp1, none);
    measure_others(report, options.runs, count);
    return measure_regmon(report, loop, options.runs, none, empty);
}

}  // namespace
}  // namespace regent::bench

int main(int argc, char** argv) {
    regent::bench::Options options;
    CLI::App app("what a registered callback adds to a query");
    app.add_option("--runs", options.runs, "runs a figure");
    app.add_option("--json", options.json, "append JSON Lines to this file");
    app.add_option("--bare", options.bare, "this program, built without the hook");
    app.add_flag("--cpu", options.cpu, "count the measuring thread's processor time");
    app.add_flag("--only-w2", options.only_w2, "print nanoseconds of W2, the best of the runs, and end");
    app.add_option("--driver", options.driver, "with --only-w2: load this driver before");
    CLI11_PARSE(app, argc, argv);
    return regent::bench::run(options);
}
