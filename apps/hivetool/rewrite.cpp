// recover, repair and compact: a new hive file from FILE, which is left as it is.
#include <cstdio>
#include <functional>
#include <limits>

#include "hive/recovery.h"
#include "tool.h"

namespace regent::hivetool {

namespace {

using Write = std::function<Result<void>(rtl::File&)>;

// Makes arguments.output with `write`, for the same users as the hive.
int write_new(const Arguments& arguments, const hive::FindingList& findings, const std::string& done,
              const Write& write) {
    const auto written = rtl::write_new_file(rtl::real_env(), arguments.output, arguments.file, write);
    if (!written) {
        explain(arguments.output, written.error());
        return exit_error;
    }
    std::printf("%s: %s\n", arguments.output.c_str(), done.c_str());
    return exit_code(findings);
}

}  // namespace

int recover(const Arguments& arguments) {
    hive::FindingList findings;
    const auto recovered = hive::recover_file(rtl::real_env(), arguments.file, findings);
    print_findings(findings, stderr);
    if (!recovered) return explain(arguments.file, recovered.error());
    std::string applied;
    for (const std::string& name : recovered->recovery.applied) applied += (applied.empty() ? "" : ", ") + name;
    return write_new(arguments, findings, "applied " + (applied.empty() ? "no log" : applied), [&](rtl::File& file) {
        const std::string& content = recovered->content;
        return file.write_at(0, rtl::as_bytes(content.data(), content.size()));
    });
}

// Every finding names what was done about it; the lines with "removed" are the drops.
int repair(const Arguments& arguments) {
    hive::FindingList findings(std::numeric_limits<std::size_t>::max());
    const auto opened = open_read_only(arguments.file, findings);
    print_findings(findings, stdout);
    if (!opened) return explain(arguments.file, opened.error());
    const std::string done = std::to_string(findings.count()) + " findings" +
                             ((*opened)->load_state() == hive::LoadState::recovered ? ", logs applied" : "");
    return write_new(arguments, findings, done, [&](rtl::File& file) { return (*opened)->write_image(file); });
}

int compact(const Arguments& arguments) {
    hive::FindingList findings;
    const auto opened = open_read_only(arguments.file, findings);
    print_findings(findings, stderr);
    if (!opened) return explain(arguments.file, opened.error());
    const hive::Hive& hive = **opened;
    const hive::Format format = hive.minor_version() <= 3 ? hive::Format::v1_3 : hive::Format::v1_5;
    return write_new(arguments, findings, "compact copy of " + std::to_string(hive.stable_size()) + " bytes of bins",
                     [&](rtl::File& file) { return hive.save_subtree(hive.root(), file, format); });
}

}  // namespace regent::hivetool
