#include "driver.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "io/driver.h"
#include "nt/ntservices.h"
#include "nt/ntstatus.h"
#include "rtl/status.h"
#include "rtl/utf16.h"
#include "shared/debug_lines.h"

namespace regent::app {
namespace {

constexpr const char* services = "\\Registry\\Machine\\System\\CurrentControlSet\\Services\\";
constexpr ULONG kernel_driver = 1;
constexpr ULONG error_normal = 1;

int failed(const std::string& what, NTSTATUS status) {
    std::fprintf(stderr, "regent: %s: %s\n", what.c_str(), rtl::status_name(status));
    return 1;
}

// OBJECT_ATTRIBUTES over a name that lives with it.
struct Named {
    Utf16 text;
    UNICODE_STRING string;
    OBJECT_ATTRIBUTES attributes;
    explicit Named(const std::string& name, HANDLE root = nullptr)
        : text(rtl::from_utf8(name)), string(rtl::unicode_string(text)) {
        InitializeObjectAttributes(&attributes, &string, OBJ_CASE_INSENSITIVE, root, nullptr);
    }
    Named(const Named&) = delete;
    Named& operator=(const Named&) = delete;
};

NTSTATUS set_value(HANDLE key, const char* name, ULONG type, const void* data, std::size_t size) {
    Named value(name);
    return NtSetValueKey(key, &value.string, 0, type, const_cast<void*>(data), static_cast<ULONG>(size));
}

NTSTATUS set_string(HANDLE key, const char* name, const std::string& text, ULONG type) {
    const Utf16 wide = rtl::from_utf8(text);
    return set_value(key, name, type, wide.c_str(), (wide.size() + 1) * sizeof(char16_t));
}

// 0..4, or nothing for a word that is none of NT's.
int start_number(const std::string& word) {
    static constexpr const char* words[] = {"boot", "system", "auto", "demand", "disabled"};
    for (int i = 0; i < 5; ++i)
        if (word == words[i]) return i;
    return -1;
}

// The value Verify of the service key; -1 for another word.
int verify_number(const std::string& word) {
    static constexpr const char* words[] = {"off", "report", "stop"};
    for (int i = 0; i < 3; ++i)
        if (word == words[i]) return i;
    return -1;
}

// The exit code of what has succeeded otherwise.
int show_findings(const VerifierLines& report) {
    for (const std::string& line : report.lines()) std::printf("  %s\n", line.c_str());
    return report.findings() == 0 ? 0 : verifier_found;
}

// A path on this machine as NT names it; a bare file name stays one (it is looked up in the driver folder).
std::string image_path(const std::string& image) {
    if (image.find('/') == std::string::npos) return image;
    char* real = ::realpath(image.c_str(), nullptr);
    std::string path = "\\??\\UNIX" + std::string(real == nullptr ? image.c_str() : real);
    std::free(real);
    for (char& c : path)
        if (c == '/') c = '\\';
    return path;
}

NTSTATUS write_service_key(const DriverOptions& options, int start) {
    Named name(services + options.name);
    HANDLE key = nullptr;
    ULONG disposition = 0;
    NTSTATUS status = NtCreateKey(&key, KEY_ALL_ACCESS, &name.attributes, 0, nullptr, 0, &disposition);
    if (!NT_SUCCESS(status)) return status;
    const auto set_dword = [&](const char* value, ULONG number) {
        if (NT_SUCCESS(status)) status = set_value(key, value, REG_DWORD, &number, sizeof(number));
    };
    if (disposition == REG_CREATED_NEW_KEY) {
        set_dword("Type", kernel_driver);
        set_dword("ErrorControl", error_normal);
        if (start < 0) start = start_number("demand");
    }
    if (start >= 0) set_dword("Start", static_cast<ULONG>(start));
    if (!options.image.empty() && NT_SUCCESS(status))
        status = set_string(key, "ImagePath", image_path(options.image), REG_EXPAND_SZ);
    if (!options.verify.empty()) set_dword("Verify", static_cast<ULONG>(verify_number(options.verify)));
    if (options.budget != 0) set_dword("VerifyBudget", options.budget);
    // A driver that stops the system at its start must not be forgotten by that.
    if (NT_SUCCESS(status)) status = NtFlushKey(key);
    NtClose(key);
    return status;
}

}  // namespace

int load_driver(const DriverOptions& options) {
    const int start = options.start.empty() ? -1 : start_number(options.start);
    if (!options.start.empty() && start < 0) {
        std::fprintf(stderr, "regent: --start takes boot, system, auto, demand or disabled\n");
        return 2;
    }
    if (!options.verify.empty() && verify_number(options.verify) < 0) {
        std::fprintf(stderr, "regent: --verify takes report, stop or off\n");
        return 2;
    }
    if (!options.image.empty() || start >= 0 || !options.verify.empty() || options.budget != 0) {
        const NTSTATUS status = write_service_key(options, start);
        if (!NT_SUCCESS(status)) return failed("cannot write the service key of " + options.name, status);
    }
    Named service(services + options.name);
    auto lines = DebugLines::open_at_end();
    const NTSTATUS status = NtLoadDriver(&service.string);
    if (!NT_SUCCESS(status)) {
        const std::string reason = lines ? words_about_driver(*lines, options.name) : std::string();
        const std::string what = "cannot load " + options.name;
        return failed(reason.empty() ? what : what + ": " + reason, status);
    }
    std::printf("%s: loaded\n", options.name.c_str());
    if (!options.show_findings) return 0;
    VerifierLines report(options.name);
    if (auto all = DebugLines::open()) report.read(*all);
    return report.watched() ? show_findings(report) : 0;
}

int unload_driver(const std::string& name) {
    Named service(services + name);
    auto lines = DebugLines::open();
    VerifierLines report(name);
    if (lines) report.read(*lines);
    const bool watched = report.watched();
    const NTSTATUS status = NtUnloadDriver(&service.string);
    if (!NT_SUCCESS(status)) return failed("cannot unload " + name, status);
    std::printf("%s: unloaded\n", name.c_str());
    if (lines) report.read(*lines);
    return watched ? show_findings(report) : 0;
}

int list_drivers() {
    Named name("\\Driver");
    HANDLE directory = nullptr;
    NTSTATUS status = NtOpenDirectoryObject(&directory, DIRECTORY_QUERY, &name.attributes);
    if (!NT_SUCCESS(status)) return failed("cannot open \\Driver", status);
    std::vector<std::byte> buffer(64 * 1024);
    ULONG context = 0, needed = 0;
    BOOLEAN restart = TRUE;
    while (true) {
        status = NtQueryDirectoryObject(directory, buffer.data(), static_cast<ULONG>(buffer.size()), FALSE, restart,
                                        &context, &needed);
        if (!NT_SUCCESS(status)) break;
        restart = FALSE;
        for (const auto* entry = reinterpret_cast<const OBJECT_DIRECTORY_INFORMATION*>(buffer.data());
             entry->Name.Buffer != nullptr; ++entry)
            std::printf("%s\n", rtl::to_utf8(rtl::view(entry->Name)).c_str());
    }
    NtClose(directory);
    return status == STATUS_NO_MORE_ENTRIES ? 0 : failed("cannot list \\Driver", status);
}

int list_exports() {
    for (const io::DriverExport& entry : io::driver_exports())
        std::printf("%s%s\n", entry.name, entry.data ? entry.pointer ? " CONSTANT" : " DATA" : "");
    return 0;
}

}  // namespace regent::app
