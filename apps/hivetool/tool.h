// What the commands of hivetool share: exit codes, opening, findings, progress.
#pragma once

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "hive/hive.h"

namespace regent::hivetool {

constexpr int exit_fine = 0;
constexpr int exit_findings = 1;
constexpr int exit_error = 2;

// What the command line says.
struct Arguments {
    std::string file;
    std::string other;   // diff: the second hive
    std::string output;  // recover, repair, compact
    std::string key;     // ls, get: a path as append_escaped writes it
    std::string value;   // get
    std::string prefix;  // dump --reg
    bool raw = false;    // get
    bool json = false;
    bool reg = false;
    bool xml = false;
    bool times = false;
    bool progress = false;
};

// Says on standard error what failed and what to do about it; the exit code for it.
int explain(const std::string& path, Status status);
// The hive as it is, logs applied and repaired in memory; the file is not written.
Result<std::unique_ptr<hive::Hive>> open_read_only(const std::string& path, hive::FindingSink& findings);
const char* state_name(const hive::Hive& hive, const hive::FindingList& findings);
void print_findings(const hive::FindingList& findings, std::FILE* out);
nlohmann::ordered_json to_json(const hive::FindingList& findings);
void print_json(const nlohmann::ordered_json& json);
int exit_code(const hive::FindingList& findings);
// After the output of a command: findings to standard error, and the code.
int finish(const hive::FindingList& findings, bool written);

// "dump: 120000 keys" on standard error, a few times a second, when it is a terminal (or forced).
class Progress {
public:
    Progress(const char* command, bool forced);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    void step() {
        if (on_ && ++keys_ % 4096 == 0) show(false);
    }

private:
    void show(bool last);
    const char* command_;
    bool on_;
    std::uint64_t keys_ = 0;
    std::chrono::steady_clock::time_point shown_ = std::chrono::steady_clock::now();
};

// Calls enter(key, depth) for each key of the tree at `top` before its subkeys, leave() after them. The root has depth
// 0.
template <typename Visitor>
void walk(const hive::Hive& hive, hive::CellIndex top, Visitor& visitor) {
    struct Frame {
        hive::CellIndex key;
        std::uint32_t next;
        std::uint32_t count;
    };
    std::vector<Frame> stack;
    auto enter = [&](hive::CellIndex key) {
        visitor.enter(key, stack.size());
        stack.push_back({key, 0, hive.key_info(key).subkey_count});
    };
    enter(top);
    while (!stack.empty()) {
        Frame& frame = stack.back();
        if (frame.next == frame.count) {
            visitor.leave();
            stack.pop_back();
            continue;
        }
        if (const auto child = hive.subkey_at(frame.key, frame.next++)) enter(*child);
    }
}

// The commands; each returns the exit code.
int info(const Arguments& arguments);
int check(const Arguments& arguments);
int list_keys(const Arguments& arguments);
int get(const Arguments& arguments);
int dump(const Arguments& arguments);
int recover(const Arguments& arguments);
int repair(const Arguments& arguments);
int compact(const Arguments& arguments);
int diff(const Arguments& arguments);
int stats(const Arguments& arguments);
int deleted(const Arguments& arguments);

}  // namespace regent::hivetool
