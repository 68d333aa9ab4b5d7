#include "tool.h"

#include <unistd.h>

#include <cstdio>

namespace regent::hivetool {

namespace {

const char* advice(NTSTATUS code) {
    switch (code) {
        case STATUS_OBJECT_NAME_NOT_FOUND:
            return "there is no such file";
        case STATUS_ACCESS_DENIED:
            return "not permitted: look at the file's mode";
        case STATUS_SHARING_VIOLATION:
            return "in use by a registry: unload the hive there first, or work on a copy";
        case STATUS_OBJECT_NAME_COLLISION:
            return "exists already: name a new file, this tool overwrites none";
        case STATUS_DISK_FULL:
            return "the disk is full";
        case STATUS_NOT_REGISTRY_FILE:
            return "this is no registry hive (a regf file), or its first page is lost";
        case STATUS_REGISTRY_CORRUPT:
            return "too damaged to load: hivetool check says where";
        default:
            return "the operation failed";
    }
}

}  // namespace

int explain(const std::string& path, Status status) {
    const bool damaged = status.code() == STATUS_REGISTRY_CORRUPT || status.code() == STATUS_NOT_REGISTRY_FILE;
    std::fprintf(stderr, "hivetool: %s: %s (%s)\n", path.c_str(), advice(status.code()),
                 rtl::status_name(status.code()));
    return damaged ? exit_findings : exit_error;
}

Result<std::unique_ptr<hive::Hive>> open_read_only(const std::string& path, hive::FindingSink& findings) {
    hive::OpenOptions options;
    options.durability = hive::Durability::read_only;
    options.tolerate_bad_log = true;
    options.findings = &findings;
    return hive::Hive::open(rtl::real_env(), path, options);
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

int exit_code(const hive::FindingList& findings) { return findings.count() == 0 ? exit_fine : exit_findings; }

int finish(const hive::FindingList& findings, bool written) {
    if (!written) {
        std::fprintf(stderr, "hivetool: cannot write to standard output\n");
        return exit_error;
    }
    print_findings(findings, stderr);
    return exit_code(findings);
}

Progress::Progress(const char* command, bool forced) : command_(command), on_(forced || ::isatty(2) != 0) {}

Progress::~Progress() {
    if (on_) show(true);
}

void Progress::show(bool last) {
    const auto now = std::chrono::steady_clock::now();
    if (!last && now - shown_ < std::chrono::milliseconds(250)) return;
    shown_ = now;
    std::fprintf(stderr, "\r%s: %llu keys%s", command_, static_cast<unsigned long long>(keys_), last ? "\n" : "");
}

}  // namespace regent::hivetool
