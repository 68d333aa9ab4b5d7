// info and check: what a hive is, and what is wrong with it.
#include <cstdio>
#include <limits>

#include "tool.h"

namespace regent::hivetool {

namespace {

// `info` lists so many findings and says how many there are; `check` lists all.
constexpr std::size_t info_findings = 100;
constexpr std::size_t all_findings = std::numeric_limits<std::size_t>::max();

// A hive that cannot be loaded at all still has findings to tell.
int explain_unloadable(const std::string& path, Status status, const hive::FindingList& findings, bool json) {
    const int code = explain(path, status);
    if (code == exit_error) return code;
    if (json) {
        print_json({{"keys", 0},
                    {"values", 0},
                    {"security", 0},
                    {"version", nullptr},
                    {"state", "corrupt"},
                    {"findings", to_json(findings)},
                    {"findings_total", findings.count()}});
    } else {
        print_findings(findings, stdout);
    }
    return code;
}

}  // namespace

int info(const Arguments& arguments) {
    hive::FindingList findings(info_findings);
    const auto opened = open_read_only(arguments.file, findings);
    if (!opened) return explain_unloadable(arguments.file, opened.error(), findings, arguments.json);
    const hive::Hive& hive = **opened;
    const hive::HiveCounts counts = hive.count();
    const std::string version = "1." + std::to_string(hive.minor_version());
    const char* state = state_name(hive, findings);
    if (arguments.json) {
        print_json({{"keys", counts.keys},
                    {"values", counts.values},
                    {"security", counts.security},
                    {"version", version},
                    {"state", state},
                    {"findings", to_json(findings)},
                    {"findings_total", findings.count()}});
    } else {
        std::printf(
            "version   %s\nstate     %s\nkeys      %llu\nvalues    %llu\nsecurity  %llu\nbins      %llu bytes\n",
            version.c_str(), state, static_cast<unsigned long long>(counts.keys),
            static_cast<unsigned long long>(counts.values), static_cast<unsigned long long>(counts.security),
            static_cast<unsigned long long>(hive.stable_size()));
        std::printf("findings  %zu\n", findings.count());
        print_findings(findings, stdout);
    }
    return exit_code(findings);
}

int check(const Arguments& arguments) {
    hive::FindingList findings(all_findings);
    const auto opened = open_read_only(arguments.file, findings);
    if (!opened) return explain_unloadable(arguments.file, opened.error(), findings, arguments.json);
    if (arguments.json) {
        print_json({{"state", state_name(**opened, findings)},
                    {"findings", to_json(findings)},
                    {"findings_total", findings.count()}});
    } else {
        print_findings(findings, stdout);
        std::printf("%zu findings\n", findings.count());
    }
    return exit_code(findings);
}

}  // namespace regent::hivetool
