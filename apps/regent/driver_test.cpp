#include "driver_test.h"

#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "driver.h"
#include "ex/debug_sink.h"
#include "nt/ntseapi.h"
#include "nt/ntservices.h"
#include "regent/gate.h"
#include "run_case.h"
#include "trace.h"

namespace regent::app {
namespace {

constexpr const char* services = "\\Registry\\Machine\\System\\CurrentControlSet\\Services\\";

int complain(const std::string& text) {
    std::fprintf(stderr, "regent: driver test: %s\n", text.c_str());
    return 1;
}

// A store that goes with the run.
class Scratch {
public:
    Scratch() {
        std::string name = (std::filesystem::temp_directory_path() / "regent-driver.XXXXXX").string();
        if (::mkdtemp(name.data()) != nullptr) directory_ = name;
    }
    ~Scratch() {
        close_gate();
        std::error_code ignored;
        if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    // The folder behind $F; empty after saying why.
    std::string boot() {
        const auto chosen = select_gate({.store = directory_ + "/store", .socket = {}});
        if (!chosen) {
            complain(chosen.error().message);
            return {};
        }
        const std::string files = directory_ + "/files";
        ::mkdir(files.c_str(), 0777);
        return files;
    }

private:
    std::string directory_;
};

HANDLE create_key(const std::string& path) {
    const Utf16 text = rtl::from_utf8(path);
    UNICODE_STRING string = rtl::unicode_string(text);
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &string, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
    HANDLE key = nullptr;
    return NT_SUCCESS(NtCreateKey(&key, KEY_ALL_ACCESS, &attributes, 0, nullptr, 0, nullptr)) ? key : nullptr;
}

bool write_parameter(const std::string& service, const std::string& parameter) {
    const std::size_t equals = parameter.find('=');
    if (equals == std::string::npos) return false;
    NtClose(create_key(services + service));
    const HANDLE key = create_key(services + service + "\\Parameters");
    const Utf16 name = rtl::from_utf8(parameter.substr(0, equals));
    UNICODE_STRING string = rtl::unicode_string(name);
    const std::string value = parameter.substr(equals + 1);
    NTSTATUS status;
    if (value.starts_with("dword:")) {
        ULONG number = static_cast<ULONG>(std::strtoul(value.c_str() + 6, nullptr, 0));
        status = NtSetValueKey(key, &string, 0, REG_DWORD, &number, sizeof number);
    } else {
        Utf16 text = rtl::from_utf8(value);
        status = NtSetValueKey(key, &string, 0, REG_SZ, text.data(), static_cast<ULONG>((text.size() + 1) * 2));
    }
    NtClose(key);
    return NT_SUCCESS(status);
}

// Runs all cases; false when a script cannot be read.
bool run_scripts(const DriverTestOptions& options, const std::string& files, regtest::Tally& tally) {
    for (const std::string& path : options.scripts) {
        const regtest::Script script = regtest::read_script(path);
        for (const std::string& error : script.errors) complain(error);
        if (!script.errors.empty()) return false;
        for (const regtest::Case& one : script.cases) regtest::run_case(script, one, "driver", files, tally);
    }
    return true;
}

// What the debugger heard since `since`. True: the host found fault with a driver.
bool show_lines(std::uint64_t since, bool all) {
    bool fault = false;
    for (const ex::DebugLine& line : ex::DebugSink::instance().read(since)) {
        const bool finding =
            line.text.find("left behind") != std::string::npos || line.text.find("violation") != std::string::npos;
        fault = fault || finding;
        if (all || finding) std::printf("  %s%s", line.text.c_str(), line.text.ends_with('\n') ? "" : "\n");
    }
    return fault;
}

}  // namespace

int test_driver(const DriverTestOptions& options) {
    Scratch scratch;
    const std::string files = scratch.boot();
    if (files.empty()) return 1;
    const std::string service = std::filesystem::path(options.driver).stem().string();
    for (const std::string& parameter : options.parameters)
        if (!write_parameter(service, parameter)) return complain("no parameter: " + parameter);
    const std::uint64_t since = ex::DebugSink::instance().last_sequence();
    DriverOptions driver;
    driver.name = service;
    driver.image = std::filesystem::absolute(options.driver).string();
    driver.start = "demand";
    driver.verify = options.verify ? "report" : "off";
    driver.budget = options.budget;
    driver.show_findings = false;  // all of them after the unload
    if (load_driver(driver) != 0) return 1;
    regtest::Tally tally;
    bool readable;
    {
        std::vector<std::unique_ptr<FilterTrace>> traces;
        for (const std::string& altitude : options.altitudes) {
            traces.push_back(std::make_unique<FilterTrace>(altitude));
            if (!traces.back()->watching()) return complain("no probes around altitude " + altitude);
        }
        readable = run_scripts(options, files, tally);
    }
    const int unloaded = unload_driver(service);
    const bool fault = show_lines(since, options.verbose);
    std::printf("%s: %u checks, %u failed%s\n", service.c_str(), tally.checks, tally.failed,
                fault                        ? ", the driver left something behind"
                : unloaded == verifier_found ? ", the verifier found something"
                                             : "");
    return readable && unloaded == 0 && !fault && tally.failed == 0 && tally.checks != 0 ? 0 : 1;
}

}  // namespace regent::app
