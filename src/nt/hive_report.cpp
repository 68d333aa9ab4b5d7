#include "nt/hive_report.h"

#include "ex/debug_sink.h"
#include "rtl/status.h"

namespace regent::nt {
namespace {

constexpr std::uint32_t component_of_drivers = 101;  // DPFLTR_IHVDRIVER_ID and its error level: shown without a filter
constexpr std::uint32_t level_error = 0;

std::string describe(const hive::Finding& finding) {
    const std::string text = "at offset " + std::to_string(finding.file_offset) + " (" + hive::to_string(finding.kind) +
                             "): expected " + finding.expected + ", found " + finding.actual;
    return finding.repair.empty() ? text : text + ": " + finding.repair;
}

// The others say all there is to say: not found, access denied, in use.
bool blames_content(NTSTATUS status) {
    return status == STATUS_REGISTRY_CORRUPT || status == STATUS_NOT_REGISTRY_FILE ||
           status == STATUS_REGISTRY_IO_FAILED;
}

std::string describe_refusal(NTSTATUS status, const LoadFindings& findings) {
    if (findings.count() == 0) return blames_content(status) ? rtl::status_name(status) : std::string();
    return std::string(rtl::status_name(status)) + ": damage " + describe(findings.last());
}

std::string describe_load(const hive::Hive& hive, const LoadFindings& findings) {
    std::string text = hive.load_state() == hive::LoadState::recovered ? "recovered from its log" : "";
    if (findings.count() == 0) return text;
    if (!text.empty()) text += "; ";
    text += findings.count() == 1 ? "damage " : std::to_string(findings.count()) + " damages, the first ";
    text += describe(findings.first());
    if (!hive.healed()) return text;
    return text +
           (hive.read_only() ? "; repaired in memory only" : "; the original is kept as " + hive.path() + ".corrupt");
}

}  // namespace

std::optional<std::string> report_load(const std::string& path, const Result<std::unique_ptr<hive::Hive>>& opened,
                                       const LoadFindings& findings) {
    const std::string text =
        opened ? describe_load(**opened, findings) : describe_refusal(opened.error().code(), findings);
    if (text.empty()) return std::nullopt;
    std::string line = path + ": " + text;
    ex::DebugSink::instance().print(component_of_drivers, level_error, "hive: " + line + "\n");
    return line;
}

}  // namespace regent::nt
