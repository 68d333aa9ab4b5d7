#include "lab_measure.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <optional>
#include <thread>
#include <vector>

#include "lab_harness.h"
#include "nt/ntioapi.h"
#include "nt/ntservices.h"
#include "nt/ntstatus.h"
#include "regent/regmon_ioctl.h"

namespace regent::app {
namespace {

constexpr int creates_per_run = 20000;
constexpr int runs = 5;

const Utf16 missing = u"\\Registry\\Machine\\Software\\Classes\\RegentLab\\Missing\\Key";

// Nanoseconds for one failing create: median of the runs.
double nanoseconds_per_create() {
    std::vector<double> results;
    for (int run = 0; run < runs; ++run) {
        const auto start = std::chrono::steady_clock::now();
        for (int i = 0; i < creates_per_run; ++i)
            if (!failing_create(missing)) return -1;
        const std::chrono::duration<double, std::nano> elapsed = std::chrono::steady_clock::now() - start;
        results.push_back(elapsed.count() / creates_per_run);
    }
    std::ranges::sort(results);
    return results[results.size() / 2];
}

NTSTATUS control(HANDLE device, ULONG code, void* input, std::size_t input_size, void* output,
                 std::size_t output_size) {
    IO_STATUS_BLOCK iosb{};
    return ZwDeviceIoControlFile(device, nullptr, nullptr, nullptr, &iosb, code, input, static_cast<ULONG>(input_size),
                                 output, static_cast<ULONG>(output_size));
}

// regmon's consumer: reads batches on a thread of its own, as a monitor does.
class Consumer {
public:
    bool start(const LabDriver& driver) {
        device_ = driver.open_device();
        if (device_ == nullptr) return false;
        REGMON_CONFIG config{};
        config.OperationMask = ~0ull;
        config.DataBytes = REGMON_DATA_DEFAULT;
        config.FlushMilliseconds = 20;
        config.Flags = REGMON_CONFIG_INCLUDE_SELF;
        if (!NT_SUCCESS(control(device_, IOCTL_REGMON_CONFIGURE, &config, sizeof config, nullptr, 0)) ||
            !NT_SUCCESS(control(device_, IOCTL_REGMON_START, nullptr, 0, nullptr, 0)))
            return false;
        thread_ = std::thread([this] { read(); });
        return true;
    }
    // The ledger after everything was read.
    REGMON_STATS stop() {
        REGMON_STATS stats{};
        control(device_, IOCTL_REGMON_STOP, nullptr, 0, nullptr, 0);
        thread_.join();
        control(device_, IOCTL_REGMON_QUERY_STATS, nullptr, 0, &stats, sizeof stats);
        ZwClose(device_);
        return stats;
    }

private:
    void read() {
        std::vector<ULONGLONG> buffer(1 << 17);
        REGMON_READ wait{250, 0};
        while (true) {
            const NTSTATUS status =
                control(device_, IOCTL_REGMON_READ, &wait, sizeof wait, buffer.data(), buffer.size() * 8);
            const auto* batch = reinterpret_cast<const REGMON_BATCH*>(buffer.data());
            if (!NT_SUCCESS(status)) return;
            if ((batch->Flags & REGMON_BATCH_STOPPED) != 0 && batch->Records == 0) return;
        }
    }
    HANDLE device_ = nullptr;
    std::thread thread_;
};

void print_row(bool json, const char* design, double total, double base) {
    if (json)
        std::printf("{\"design\":\"%s\",\"ns\":%.0f,\"added\":%.0f}\n", design, total, total - base);
    else
        std::printf("%-44s %8.0f %8.0f\n", design, total, total - base);
}

std::optional<double> measure_mode(ULONG mode) {
    LabDriver driver("exp4_worker_thread", "Exp4");
    if (!driver.set_parameter("Mode", mode) || !driver.load()) return std::nullopt;
    const double result = nanoseconds_per_create();
    EXPERIMENT_COUNTS counts{};
    do {  // the worker's rest must not run into the next measurement
        if (!driver.query(counts)) return std::nullopt;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    } while (counts.Dumped != counts.FailedCreates);
    return driver.unload() ? std::optional(result) : std::nullopt;
}

}  // namespace

int measure_callback(bool json) {
    LabStore store;
    if (!store.boot()) return 1;
    const double base = nanoseconds_per_create();
    if (!json) std::printf("%-44s %8s %8s\n", "failed creates, one thread", "ns/call", "added");
    print_row(json, "no callback", base, base);
    constexpr const char* designs[] = {"worker, all that is on the list", "worker, a work item an event",
                                       "DbgPrint in the callback"};
    for (const ULONG mode : {2u, 1u, 0u}) {
        const auto result = measure_mode(mode);
        if (!result) return 1;
        print_row(json, designs[mode], *result, base);
    }
    LabDriver regmon("regmon", "Regmon");
    Consumer consumer;
    if (!regmon.load() || !consumer.start(regmon)) return 1;
    print_row(json, "ring of the thread (regmon, consumer reading)", nanoseconds_per_create(), base);
    const REGMON_STATS stats = consumer.stop();
    ULONGLONG dropped = 0;
    for (const ULONGLONG reason : stats.Dropped) dropped += reason;
    if (!json)
        std::printf("regmon: produced=%llu delivered=%llu dropped=%llu wake-ups=%llu\n", stats.Produced,
                    stats.Delivered, dropped, stats.WakeUps);
    const bool exact = stats.Produced == stats.Delivered + dropped;
    return regmon.unload() && exact ? 0 : 1;
}

}  // namespace regent::app
