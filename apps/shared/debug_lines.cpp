#include "shared/debug_lines.h"

#include <algorithm>
#include <cstring>

namespace regent::app {

Outcome<DebugLines> DebugLines::open() {
    auto device = Device::open(u"\\\\.\\DbgView");
    if (!device) return std::unexpected(device.error());
    return DebugLines(std::move(*device));
}

Outcome<DebugLines> DebugLines::open_at_end() {
    auto lines = open();
    while (lines) {
        const auto skipped = lines->read(0);
        if (!skipped || skipped->empty()) break;
    }
    return lines;
}

Outcome<std::vector<DebugLine>> DebugLines::read(std::uint32_t wait_ms) {
    DBGVIEW_READ request{};
    request.After = after_;
    request.WaitMilliseconds = wait_ms;
    auto count = device_.control(IOCTL_DBGVIEW_READ, bytes_of(request), buffer_);
    if (!count) return std::unexpected(count.error());
    const auto damaged = [] {
        return std::unexpected(std::string("the debugger's device answered with a damaged batch"));
    };
    DBGVIEW_BATCH batch{};
    if (*count < sizeof batch) return damaged();
    std::memcpy(&batch, buffer_.data(), sizeof batch);
    if (batch.Bytes > *count || batch.Bytes < sizeof batch) return damaged();
    rtl::Bytes rest = rtl::Bytes(buffer_).subspan(sizeof batch, batch.Bytes - sizeof batch);
    std::vector<DebugLine> lines;
    for (std::uint32_t index = 0; index < batch.Count; ++index) {
        DebugLine line{};
        if (rest.size() < DBGVIEW_LINE_HEADER) return damaged();
        std::memcpy(&line.head, rest.data(), std::min(rest.size(), sizeof line.head));
        if (line.head.Size > rest.size() || line.head.Size < DBGVIEW_LINE_HEADER ||
            line.head.TextLength > line.head.Size - DBGVIEW_LINE_HEADER) {
            return damaged();
        }
        line.text.assign(reinterpret_cast<const char*>(rest.data()) + DBGVIEW_LINE_HEADER, line.head.TextLength);
        rest = rest.subspan(line.head.Size);
        lines.push_back(std::move(line));
    }
    after_ = batch.Last;
    lost_ += batch.Lost;
    return lines;
}

std::string words_about_driver(DebugLines& lines, const std::string& name) {
    const std::string start = "driver " + name + ": ";
    std::string words;
    for (auto batch = lines.read(0); batch && !batch->empty(); batch = lines.read(0)) {
        for (const DebugLine& line : *batch) {
            if (line.text.starts_with(start)) words = line.text.substr(start.size());
        }
    }
    while (words.ends_with('\n')) words.pop_back();
    return words;
}

void VerifierLines::read(DebugLines& lines) {
    const std::string everyone = "verifier: ";
    const std::string frame = everyone + "   ";
    for (auto batch = lines.read(0); batch && !batch->empty(); batch = lines.read(0)) {
        for (const DebugLine& line : *batch) {
            if (in_finding_ && line.text.starts_with(frame)) found_.push_back(line.text.substr(everyone.size()));
            if (!line.text.starts_with(everyone) || line.text.starts_with(frame)) continue;
            in_finding_ = false;
            if (!line.text.starts_with(start_)) continue;
            const std::string words = line.text.substr(start_.size());
            if (words == "watched from here on") {
                found_.clear();
                watched_ = true;
            } else if (words == "no longer watched") {
                watched_ = false;
            } else if (watched_) {
                in_finding_ = true;
                found_.push_back(words);
            }
        }
    }
}

std::size_t VerifierLines::findings() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(found_, [](const std::string& line) { return !line.starts_with(' '); }));
}

}  // namespace regent::app
