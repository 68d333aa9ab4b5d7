// Applies transaction logs to a primary in memory: the new form (HvLE entries) and the old one (dirty sector map).
// Nothing of a log is applied before it was verified. docs/hive-format.md §10.
#pragma once

#include <string>
#include <vector>

#include "hive/finding.h"
#include "hive/hive.h"
#include "hive/storage.h"

namespace regent::hive {

struct LogFile {
    std::string name;
    std::string content;
    Bytes bytes() const { return rtl::as_bytes(content.data(), content.size()); }
};

struct Recovery {
    LoadState state = LoadState::clean;
    BaseBlock base = {};  // of the result: sequences equal, type primary
    bool base_was_good = true;
    bool log_unusable = false;         // the hive is dirty, there are logs, and none could be applied
    BitMap pages;                      // changed pages
    std::vector<std::string> applied;  // names of the logs, in order
};

// `first` is the start of the primary (at least a base block), `bins` its bins as raw storage.
// ERRORS: NOT_REGISTRY_FILE (no base block and no log to take it from), REGISTRY_CORRUPT, REGISTRY_QUOTA_LIMIT.
Result<Recovery> recover(const BaseBlock& first, Storage& bins, const std::vector<LogFile>& logs, FindingSink& sink);

// Base block of a primary: signature and checksum are right.
bool base_block_good(const BaseBlock& base);
// Every violation is a Finding; false when the hive cannot be loaded at all. What loading does not rely on is
// corrected.
bool check_base_block(BaseBlock& base, FindingSink& sink, bool* corrected);

struct RecoveredFile {
    Recovery recovery;
    std::string content;  // base block page and bins
    HiveCounts counts;
};
// hivetool recover: the file and its logs, recovered, as bytes.
Result<RecoveredFile> recover_file(rtl::Env& env, const std::string& path, FindingSink& sink);
// Reads path.LOG, .LOG1, .LOG2; missing ones are left out.
Result<std::vector<LogFile>> read_logs(rtl::Env& env, const std::string& path);

}  // namespace regent::hive
