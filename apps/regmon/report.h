// What a run came to: hottest keys, failed creates, values written, the ledger.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "columns.h"

namespace regent::regmon {

class Report {
public:
    void count(const Event& event);
    void count_shown() { ++shown_; }

    std::uint64_t events() const { return events_; }
    std::uint64_t failed_creates() const { return failed_creates_; }
    std::uint64_t values_written() const { return values_written_; }

    // The end of a run, for the terminal.
    std::string text(const REGMON_STATS& stats) const;

private:
    struct FailedCreate {
        std::string path;
        std::string process;
        NTSTATUS status;
        std::uint64_t duration_ns;
    };
    static constexpr std::size_t kept_failed_creates = 20;

    std::uint64_t events_ = 0;
    std::uint64_t shown_ = 0;
    std::uint64_t failed_creates_ = 0;
    std::uint64_t values_written_ = 0;
    std::vector<FailedCreate> first_failed_;
    struct Heat {
        std::uint64_t count = 0;
        Utf16 path;  // as first seen
    };
    std::unordered_map<Utf16, Heat> keys_;  // by NT path, upper case
};

// "ledger: produced=N delivered=N dropped=N"
std::string ledger_line(const REGMON_STATS& stats);
std::uint64_t dropped(const REGMON_STATS& stats);

}  // namespace regent::regmon
