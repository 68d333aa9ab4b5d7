#include "rpc/wire.h"

namespace regent::rpc {

void Writer::begin_frame(FrameKind kind) {
    bytes_.clear();
    count_ = 0;
    FrameHeader header{};
    header.kind = static_cast<std::uint16_t>(kind);
    put(header);
}

void Writer::begin_record(RecordKind kind, std::uint16_t service) {
    record_ = bytes_.size();
    RecordHeader header{};
    header.kind = static_cast<std::uint16_t>(kind);
    header.service = service;
    put(header);
    ++count_;
}

void Writer::end_record() {
    rtl::record_at<RecordHeader>(MutableBytes(bytes_), record_)->size =
        static_cast<std::uint32_t>(bytes_.size() - record_);
}

void Writer::end_frame(std::uint64_t ordinal) {
    auto* header = rtl::record_at<FrameHeader>(MutableBytes(bytes_));
    header->size = static_cast<std::uint32_t>(bytes_.size());
    header->count = count_;
    header->ordinal = ordinal;
}

ChangedRange changed_range(Bytes before, Bytes after) {
    const auto differs = [&](std::size_t i) { return after[i] != (i < before.size() ? before[i] : std::byte{0}); };
    std::size_t first = 0;
    while (first < after.size() && !differs(first)) ++first;
    if (first == after.size()) return {};
    std::size_t last = after.size();
    while (!differs(last - 1)) --last;
    return {static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(last - first)};
}

std::size_t significant_size(Bytes bytes) {
    std::size_t size = bytes.size();
    while (size > 0 && bytes[size - 1] == std::byte{0}) --size;
    return size;
}

}  // namespace regent::rpc
