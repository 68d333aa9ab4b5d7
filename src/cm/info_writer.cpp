#include "cm/info_writer.h"

#include <algorithm>

namespace regent::cm {

MutableBytes InfoWriter::room(std::size_t offset, std::size_t size) {
    if (size == 0) return {};
    pad_to(offset + size);
    if (out_.size() < header_ || out_.size() <= offset) return {};
    return out_.subspan(offset, std::min(size, out_.size() - offset));
}

void InfoWriter::name(std::size_t offset, const hive::NameView& name) {
    const MutableBytes where = room(offset, name.byte_size());
    if (!name.compressed()) {
        if (!where.empty()) std::memcpy(where.data(), name.stored().data(), where.size());
        return;
    }
    // Latin-1 widens to UTF-16LE; the last unit may be cut in half.
    const Bytes stored = name.stored();
    for (std::size_t i = 0; i < where.size(); ++i) where[i] = (i & 1) == 0 ? stored[i / 2] : std::byte{0};
}

QueryOutcome InfoWriter::finish() const {
    const auto needed = static_cast<std::uint32_t>(needed_);
    if (out_.size() < header_) return {STATUS_BUFFER_TOO_SMALL, needed};
    if (out_.size() < needed_) return {STATUS_BUFFER_OVERFLOW, needed};
    return {STATUS_SUCCESS, needed};
}

}  // namespace regent::cm
