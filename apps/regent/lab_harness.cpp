#include "lab_harness.h"

#include <cstdio>
#include <filesystem>
#include <thread>
#include <vector>

#include "nt/ntioapi.h"
#include "nt/ntregapi.h"
#include "nt/ntseapi.h"
#include "nt/ntservices.h"
#include "nt/ntstatus.h"
#include "nt/system.h"
#include "rtl/status.h"

namespace regent::app {
namespace {

constexpr const char* services = "\\Registry\\Machine\\System\\CurrentControlSet\\Services\\";
constexpr const char* software = "\\Registry\\Machine\\Software\\";
constexpr int fail_every = 5;  // every fifth round also fails on purpose, inside and outside Classes

bool say(const std::string& what, NTSTATUS status) {
    std::fprintf(stderr, "regent: lab: %s: %s\n", what.c_str(), rtl::status_name(status));
    return false;
}

struct Named {
    Utf16 text;
    UNICODE_STRING string;
    OBJECT_ATTRIBUTES attributes;
    explicit Named(Utf16 name, HANDLE root = nullptr) : text(std::move(name)), string(rtl::unicode_string(text)) {
        InitializeObjectAttributes(&attributes, &string, OBJ_CASE_INSENSITIVE, root, nullptr);
    }
    explicit Named(const std::string& name) : Named(rtl::from_utf8(name)) {}
    Named(const Named&) = delete;
    Named& operator=(const Named&) = delete;
};

NTSTATUS create(const std::string& path, HANDLE& key) {
    Named name(path);
    return ZwCreateKey(&key, KEY_ALL_ACCESS, &name.attributes, 0, nullptr, 0, nullptr);
}

void do_create(WorkloadCounts& counts, const std::string& path, bool expected, bool in_classes) {
    HANDLE key = nullptr;
    const NTSTATUS status = create(path, key);
    counts.operations++;
    counts.creates++;
    if (!NT_SUCCESS(status)) {
        counts.failed_creates++;
        if (in_classes) counts.failed_in_classes++;
        if (expected) counts.unexpected++;
        return;
    }
    if (!expected) counts.unexpected++;
    Named value("Round");
    ULONG data = 1;
    counts.operations++;
    if (NT_SUCCESS(ZwSetValueKey(key, &value.string, 0, REG_DWORD, &data, sizeof data)))
        counts.values_written++;
    else
        counts.unexpected++;
    ZwClose(key);
    counts.operations++;
}

void work(int thread, int rounds, WorkloadCounts& counts) {
    const std::string number = std::to_string(thread);
    for (int round = 0; round < rounds; ++round) {
        const std::string leaf = "T" + number + "R" + std::to_string(round);
        do_create(counts, std::string(software) + "RegentLab\\" + leaf, true, false);
        do_create(counts, std::string(software) + "Classes\\RegentLab\\" + leaf, true, true);
        if (round % fail_every != 0) continue;
        do_create(counts, std::string(software) + "RegentLab\\Missing\\" + leaf, false, false);
        do_create(counts, std::string(software) + "Classes\\RegentLab\\Missing\\" + leaf, false, true);
    }
}

}  // namespace

LabStore::~LabStore() {
    nt::stop_system();
    std::error_code ignored;
    if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
}

bool LabStore::boot() {
    std::string name = (std::filesystem::temp_directory_path() / "regent-lab.XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) return say("cannot make " + name, STATUS_OBJECT_PATH_NOT_FOUND);
    directory_ = name;
    const auto started = nt::start_system({.directory = directory_ + "/store"});
    if (!started) return say(started.error().message, started.error().status);
    for (const char* key : {"RegentLab", "Classes", "Classes\\RegentLab"}) {
        HANDLE handle = create_key(std::string(software) + key);
        if (handle == nullptr) return false;
        ZwClose(handle);
    }
    return true;
}

HANDLE create_key(const std::string& path) {
    HANDLE key = nullptr;
    const NTSTATUS status = create(path, key);
    if (!NT_SUCCESS(status)) say(path, status);
    return NT_SUCCESS(status) ? key : nullptr;
}

LabDriver::~LabDriver() {
    if (loaded_) unload();
}

std::string LabDriver::key() const { return services + name_; }

bool LabDriver::set(const std::string& path, const std::string& value, ULONG type, const void* data, std::size_t size) {
    HANDLE handle = create_key(path);
    if (handle == nullptr) return false;
    Named name(value);
    const NTSTATUS status =
        ZwSetValueKey(handle, &name.string, 0, type, const_cast<void*>(data), static_cast<ULONG>(size));
    ZwClose(handle);
    return NT_SUCCESS(status) || say(path + "\\" + value, status);
}

bool LabDriver::set_parameter(const std::string& value, const std::string& text) {
    const Utf16 wide = rtl::from_utf8(text);
    return set(key(), "Type", REG_DWORD, "\1\0\0", 4) &&
           set(key() + "\\Parameters", value, REG_SZ, wide.c_str(), (wide.size() + 1) * sizeof(char16_t));
}

bool LabDriver::set_parameter(const std::string& value, ULONG number) {
    return set(key(), "Type", REG_DWORD, "\1\0\0", 4) &&
           set(key() + "\\Parameters", value, REG_DWORD, &number, sizeof number);
}

bool LabDriver::load() {
    const Utf16 image = rtl::from_utf8(name_ + ".so");
    const ULONG demand = 3;
    if (!set(key(), "Type", REG_DWORD, "\1\0\0", 4) || !set(key(), "Start", REG_DWORD, &demand, sizeof demand) ||
        !set(key(), "ImagePath", REG_EXPAND_SZ, image.c_str(), (image.size() + 1) * sizeof(char16_t)))
        return false;
    Named service(key());
    const NTSTATUS status = ZwLoadDriver(&service.string);
    loaded_ = NT_SUCCESS(status);
    return loaded_ || say("loading " + name_, status);
}

bool LabDriver::unload() {
    Named service(key());
    const NTSTATUS status = ZwUnloadDriver(&service.string);
    loaded_ = false;
    return NT_SUCCESS(status) || say("unloading " + name_, status);
}

HANDLE LabDriver::open_device() const {
    Named name("\\??\\" + device_);
    IO_STATUS_BLOCK iosb{};
    HANDLE device = nullptr;
    const NTSTATUS status = ZwCreateFile(&device, FILE_GENERIC_READ | FILE_GENERIC_WRITE, &name.attributes, &iosb,
                                         nullptr, 0, 0, FILE_OPEN, FILE_SYNCHRONOUS_IO_NONALERT, nullptr, 0);
    if (!NT_SUCCESS(status)) say("opening \\\\.\\" + device_, status);
    return NT_SUCCESS(status) ? device : nullptr;
}

bool LabDriver::query(EXPERIMENT_COUNTS& counts) const {
    HANDLE device = open_device();
    if (device == nullptr) return false;
    IO_STATUS_BLOCK iosb{};
    const NTSTATUS status = ZwDeviceIoControlFile(device, nullptr, nullptr, nullptr, &iosb, IOCTL_EXPERIMENT_QUERY,
                                                  nullptr, 0, &counts, sizeof counts);
    ZwClose(device);
    return NT_SUCCESS(status) || say("asking " + name_, status);
}

WorkloadCounts run_workload(int threads, int rounds) {
    std::vector<WorkloadCounts> counts(static_cast<std::size_t>(threads));
    std::vector<std::thread> workers;
    for (int i = 0; i < threads; ++i)
        workers.emplace_back([i, rounds, &counts] { work(i, rounds, counts[static_cast<std::size_t>(i)]); });
    for (std::thread& worker : workers) worker.join();
    WorkloadCounts sum;
    for (const WorkloadCounts& one : counts) {
        sum.operations += one.operations;
        sum.values_written += one.values_written;
        sum.creates += one.creates;
        sum.failed_creates += one.failed_creates;
        sum.failed_in_classes += one.failed_in_classes;
        sum.unexpected += one.unexpected;
    }
    return sum;
}

bool failing_create(const Utf16& path) {
    Named name(path);
    HANDLE key = nullptr;
    if (!NT_SUCCESS(ZwCreateKey(&key, KEY_ALL_ACCESS, &name.attributes, 0, nullptr, 0, nullptr))) return true;
    ZwClose(key);
    return false;
}

}  // namespace regent::app
