// Where DbgPrint goes: a ring of recent lines that readers follow by sequence number.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "rtl/lock.h"

namespace regent::ex {

struct DebugLine {
    std::uint64_t sequence = 0;  // 1, 2, 3...
    std::int64_t time = 0;       // NT time
    std::uint32_t component = 101;
    std::uint32_t level = 3;
    std::uint32_t pid = 0;
    std::uint32_t tid = 0;
    std::string text;  // UTF-8, without the newline
};

// Text arrives in pieces; a line ends at \n. A piece without one is kept for the thread's next piece.
// Internally synchronised by a lock of rank trace.
class DebugSink {
public:
    static constexpr std::size_t capacity = 4096;  // lines; the oldest are dropped

    static DebugSink& instance();

    void print(std::uint32_t component, std::uint32_t level, std::string_view text);
    // Lines with a sequence above `after`, oldest first, at most `limit`.
    std::vector<DebugLine> read(std::uint64_t after, std::size_t limit = capacity);
    // The same, but waits up to timeout_ms (-1: forever) for the first line, or until wake_readers().
    std::vector<DebugLine> wait_and_read(std::uint64_t after, int timeout_ms, std::size_t limit = capacity);
    void wake_readers();
    std::uint64_t last_sequence();
    // Copies every line to stderr as well; off at start unless REGENT_DEBUG_STDERR is set.
    void echo_to_stderr(bool on) { echo_.store(on, std::memory_order_relaxed); }

private:
    DebugSink();
    void add_line_locked(DebugLine line) RG_REQUIRES(lock_);
    std::vector<DebugLine> read_locked(std::uint64_t after, std::size_t limit) RG_REQUIRES(lock_);

    Mutex<LockRank::trace> lock_;
    ConditionVariable changed_;
    std::deque<DebugLine> lines_ RG_GUARDED_BY(lock_);
    std::vector<DebugLine> partial_ RG_GUARDED_BY(lock_);  // one unfinished line for each thread that has one
    std::uint64_t next_ RG_GUARDED_BY(lock_) = 1;
    std::uint64_t wakes_ RG_GUARDED_BY(lock_) = 0;
    std::atomic<bool> echo_{false};
};

}  // namespace regent::ex
