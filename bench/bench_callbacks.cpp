// Suite `callbacks`: what a registered callback adds to W2 (one value of an open key): none, an empty one (the driver
// of experiment 1), regmon with its consumer reading. Drivers are loaded by NtLoadDriver from service keys made here.
// usage: bench_callbacks [--runs R] [--json FILE]
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

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
    void read() {
        std::vector<std::uint64_t> buffer((1 << 20) / sizeof(std::uint64_t));
        REGMON_READ request{};
        request.WaitMilliseconds = 100;
        const auto* batch = reinterpret_cast<const REGMON_BATCH*>(buffer.data());
        while (NT_SUCCESS(control(IOCTL_REGMON_READ, &request, sizeof request, buffer.data(), 1 << 20))) {
            if ((batch->Flags & REGMON_BATCH_STOPPED) != 0 && batch->Records == 0) break;
        }
    }

    HANDLE device_ = nullptr;
    std::thread thread_;
};

int failed(const char* what, NTSTATUS status) {
    std::fprintf(stderr, "bench: %s: 0x%08X\n", what, static_cast<unsigned>(status));
    return 1;
}

void add_difference(Report& report, const std::string& subject, const Figure& with, const Figure& without) {
    report.add({"added", "h", 1, subject, "ns", with.median - without.median, with.min - without.min,
                with.max - without.max, with.runs, with.steal});
}

int run(int runs, const char* json) {
    constexpr std::size_t count = 500000;
    Report report("callbacks", json);
    QueryLoop loop;
    if (!loop.prepare()) return failed("the benchmark's key", STATUS_UNSUCCESSFUL);
    const Figure none = report.measure("W2", "h", 1, "none", runs, [&] { return loop.run(count); });
    if (const NTSTATUS status = load(u"exp1_empty_callback"); !NT_SUCCESS(status))
        return failed("exp1_empty_callback", status);
    const Figure empty = report.measure("W2", "h", 1, "empty", runs, [&] { return loop.run(count); });
    unload(u"exp1_empty_callback");
    add_difference(report, "empty", empty, none);

    if (const NTSTATUS status = load(u"regmon"); !NT_SUCCESS(status)) return failed("regmon", status);
    Consumer consumer;
    if (!consumer.start()) return failed("\\??\\Regmon", STATUS_UNSUCCESSFUL);
    const Figure regmon = report.measure("W2", "h", 1, "regmon", runs, [&] { return loop.run(count); });
    const REGMON_STATS stats = consumer.stop();
    unload(u"regmon");
    add_difference(report, "regmon", regmon, none);
    unsigned long long dropped = 0;
    for (auto count_of_reason : stats.Dropped) dropped += count_of_reason;
    std::printf("regmon's ledger while measured: produced=%llu delivered=%llu dropped=%llu\n", stats.Produced,
                stats.Delivered, dropped);
    return 0;
}

}  // namespace
}  // namespace regent::bench

int main(int argc, char** argv) {
    int runs = 5;
    std::string json;
    CLI::App app("what a registered callback adds to a query");
    app.add_option("--runs", runs, "runs a figure");
    app.add_option("--json", json, "append JSON Lines to this file");
    CLI11_PARSE(app, argc, argv);
    return regent::bench::run(runs, json.empty() ? nullptr : json.c_str());
}
