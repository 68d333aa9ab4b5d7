#include "ex/debug_sink.h"

#include <cstdio>
#include <cstdlib>

#include "ex/hooks.h"
#include "ex/thread_state.h"
#include "rtl/time.h"

namespace regent::ex {

DebugSink::DebugSink() : echo_(std::getenv("REGENT_DEBUG_STDERR") != nullptr) {}

DebugSink& DebugSink::instance() {
    static DebugSink* sink = new DebugSink;  // drivers may print until the process ends
    return *sink;
}

void DebugSink::add_line_locked(DebugLine line) {
    if (echo_.load(std::memory_order_relaxed)) std::fprintf(stderr, "%s\n", line.text.c_str());
    line.sequence = next_++;
    if (lines_.size() == capacity) lines_.pop_front();
    lines_.push_back(std::move(line));
}

void DebugSink::print(std::uint32_t component, std::uint32_t level, std::string_view text) {
    DebugLine line;
    line.time = rtl::nt_time_now();
    line.component = component;
    line.level = level;
    line.tid = thread_state().tid;
    line.pid = hooks().current_process_id != nullptr ? hooks().current_process_id() : 0;
    bool complete = false;
    {
        ExclusiveGuard guard(lock_);
        for (std::size_t i = 0; i < partial_.size(); ++i) {
            if (partial_[i].tid != line.tid) continue;
            line = std::move(partial_[i]);
            partial_.erase(partial_.begin() + static_cast<std::ptrdiff_t>(i));
            break;
        }
        for (const char c : text) {
            if (c == '\r') continue;
            if (c != '\n') {
                line.text.push_back(c);
                continue;
            }
            complete = true;
            DebugLine rest = line;
            rest.text.clear();
            add_line_locked(std::move(line));
            line = std::move(rest);
        }
        if (!line.text.empty()) partial_.push_back(std::move(line));
    }
    if (complete) changed_.notify_all();
}

std::vector<DebugLine> DebugSink::read_locked(std::uint64_t after, std::size_t limit) {
    std::vector<DebugLine> result;
    if (lines_.empty()) return result;
    const std::uint64_t first = lines_.front().sequence;
    std::size_t index = after < first ? 0 : static_cast<std::size_t>(after - first) + 1;
    for (; index < lines_.size() && result.size() < limit; ++index) result.push_back(lines_[index]);
    return result;
}

std::vector<DebugLine> DebugSink::read(std::uint64_t after, std::size_t limit) {
    ExclusiveGuard guard(lock_);
    return read_locked(after, limit);
}

std::vector<DebugLine> DebugSink::wait_and_read(std::uint64_t after, int timeout_ms, std::size_t limit) {
    ExclusiveGuard guard(lock_);
    const std::uint64_t wakes = wakes_;
    const auto ready = [&]() RG_NO_ANALYSIS { return next_ > after + 1 || wakes_ != wakes; };
    if (timeout_ms < 0) {
        changed_.wait(lock_, ready);
    } else {
        changed_.wait_until(lock_, std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms), ready);
    }
    return read_locked(after, limit);
}

void DebugSink::wake_readers() {
    {
        ExclusiveGuard guard(lock_);
        ++wakes_;
    }
    changed_.notify_all();
}

std::uint64_t DebugSink::last_sequence() {
    ExclusiveGuard guard(lock_);
    return next_ - 1;
}

}  // namespace regent::ex
