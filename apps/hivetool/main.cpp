// hivetool: looks into registry hives without a registry. Never writes to its input.
// Exit codes: 0 fine, 1 findings, 2 usage or I/O.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "dump.h"
#include "hive/hive.h"
#include "hive/recovery.h"

namespace {

using namespace regent;

constexpr int exit_fine = 0;
constexpr int exit_findings = 1;
constexpr int exit_error = 2;
// `info` lists so many findings and says how many there are; `check` lists all.
constexpr std::size_t info_findings = 100;
constexpr std::size_t all_findings = std::numeric_limits<std::size_t>::max();

int explain(const std::string& path, Status status) {
    const bool damaged = status.code() == STATUS_REGISTRY_CORRUPT || status.code() == STATUS_NOT_REGISTRY_FILE;
    std::fprintf(stderr, "hivetool: %s: %s\n", path.c_str(), rtl::status_name(status.code()));
    return damaged ? exit_findings : exit_error;
}

const char* state_name(const hive::Hive& hive, const hive::FindingList& findings) {
    if (findings.count() != 0) return "corrupt";
    switch (hive.load_state()) {
        case hive::LoadState::clean:
            return "clean";
        case hive::LoadState::dirty:
            return "dirty";
        case hive::LoadState::recovered:
            return "recovered";
    }
    return "unknown";
}

void print_findings(const hive::FindingList& findings, std::FILE* out) {
    for (const hive::Finding& finding : findings.findings()) {
        std::fprintf(out, "%s at 0x%llx: expected %s, found %s%s%s\n", hive::to_string(finding.kind),
                     static_cast<unsigned long long>(finding.file_offset), finding.expected.c_str(),
                     finding.actual.c_str(), finding.repair.empty() ? "" : " -> ", finding.repair.c_str());
    }
    if (findings.count() > findings.findings().size()) {
        std::fprintf(out, "... and %zu more; check lists all\n", findings.count() - findings.findings().size());
    }
}

nlohmann::ordered_json to_json(const hive::FindingList& findings) {
    auto list = nlohmann::ordered_json::array();
    for (const hive::Finding& finding : findings.findings()) {
        list.push_back({{"kind", hive::to_string(finding.kind)},
                        {"offset", finding.file_offset},
                        {"expected", finding.expected},
                        {"actual", finding.actual},
                        {"repair", finding.repair}});
    }
    return list;
}

void print_json(const nlohmann::ordered_json& json) {
    std::puts(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

Result<std::unique_ptr<hive::Hive>> open_read_only(const std::string& path, hive::FindingList& findings) {
    hive::OpenOptions options;
    options.read_only = true;
    options.tolerate_bad_log = true;
    options.findings = &findings;
    return hive::Hive::open(rtl::real_env(), path, options);
}

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

int info(const std::string& path, bool json) {
    hive::FindingList findings(info_findings);
    const auto opened = open_read_only(path, findings);
    if (!opened) return explain_unloadable(path, opened.error(), findings, json);
    const hive::Hive& hive = **opened;
    const hive::HiveCounts counts = hive.count();
    const std::string version = "1." + std::to_string(hive.minor_version());
    const char* state = state_name(hive, findings);
    if (json) {
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
    return findings.count() == 0 ? exit_fine : exit_findings;
}

int check(const std::string& path, bool json) {
    hive::FindingList findings(all_findings);
    const auto opened = open_read_only(path, findings);
    if (!opened) return explain_unloadable(path, opened.error(), findings, json);
    if (json) {
        print_json({{"state", state_name(**opened, findings)},
                    {"findings", to_json(findings)},
                    {"findings_total", findings.count()}});
    } else {
        print_findings(findings, stdout);
        std::printf("%zu findings\n", findings.count());
    }
    return findings.count() == 0 ? exit_fine : exit_findings;
}

int dump(const std::string& path, bool json) {
    hive::FindingList findings;
    const auto opened = open_read_only(path, findings);
    if (!opened) return explain_unloadable(path, opened.error(), findings, false);
    if (!hivetool::dump(**opened, json ? hivetool::DumpFormat::json : hivetool::DumpFormat::text)) {
        std::fprintf(stderr, "hivetool: cannot write to standard output\n");
        return exit_error;
    }
    print_findings(findings, stderr);
    return findings.count() == 0 ? exit_fine : exit_findings;
}

int recover(const std::string& path, const std::string& output) {
    hive::FindingList findings;
    const auto recovered = hive::recover_file(rtl::real_env(), path, findings);
    print_findings(findings, stderr);
    if (!recovered) return explain(path, recovered.error());
    const auto file = rtl::real_env().open(output, rtl::OpenMode::create_new);
    if (!file) {
        explain(output, file.error());
        return exit_error;
    }
    const std::string& content = recovered->content;
    auto written = (*file)->write_at(0, rtl::as_bytes(content.data(), content.size()));
    if (written) written = (*file)->sync();
    if (!written) {
        explain(output, written.error());
        return exit_error;
    }
    std::string applied;
    for (const std::string& name : recovered->recovery.applied) applied += (applied.empty() ? "" : ", ") + name;
    std::printf("%s: applied %s\n", output.c_str(), applied.empty() ? "no log" : applied.c_str());
    return findings.count() == 0 ? exit_fine : exit_findings;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Looks into registry hives (regf files). Exit code: 0 fine, 1 findings, 2 usage or I/O."};
    app.require_subcommand(1);
    std::string path;
    std::string output;
    bool json = false;
    bool text = false;
    auto add = [&](const char* name, const char* what) {
        CLI::App* command = app.add_subcommand(name, what);
        command->add_option("FILE", path, "the hive")->required();
        return command;
    };
    CLI::App* info_command = add("info", "counts, version, state and findings");
    info_command->add_flag("--json", json, "one JSON object");
    CLI::App* dump_command = add("dump", "every key and value, in order");
    dump_command->add_flag("--json", json, "one JSON object a key");
    dump_command->add_flag("--text", text, "lines of text (the default)")->excludes("--json");
    CLI::App* check_command = add("check", "every rule that the hive breaks, and where");
    check_command->add_flag("--json", json, "one JSON object");
    CLI::App* recover_command = add("recover", "apply the logs beside FILE");
    recover_command->add_option("-o,--output", output, "the new file")->required();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? exit_fine : exit_error;
    }
    if (info_command->parsed()) return info(path, json);
    if (dump_command->parsed()) return dump(path, json);
    if (check_command->parsed()) return check(path, json);
    return recover(path, output);
}
