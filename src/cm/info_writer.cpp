#include "cm/info_writer.h"

namespace regent::cm {

namespace {

// Latin-1 widens to UTF-16LE, eight units at a time, the last eight overlapping those before. `out` may end in the
// middle of a unit.
void widen(Bytes latin, MutableBytes out) {
    using Latin = std::uint8_t __attribute__((vector_size(8)));
    using Units = std::uint16_t __attribute__((vector_size(16)));
    const auto widen_eight = [&](std::size_t at) {
        Latin narrow;
        std::memcpy(&narrow, latin.data() + at, sizeof(narrow));
        const Units wide = __builtin_convertvector(narrow, Units);
        std::memcpy(out.data() + at * 2, &wide, sizeof(wide));
    };
    const std::size_t units = out.size() / 2;
    std::size_t at = 0;
    for (; at + 8 <= units; at += 8) widen_eight(at);
    if (at != units && units >= 8) {
        widen_eight(units - 8);
        at = units;
    }
    for (std::size_t i = at * 2; i < out.size(); ++i) out[i] = (i & 1) == 0 ? latin[i / 2] : std::byte{0};
}

}  // namespace

void InfoWriter::name(std::size_t offset, const hive::NameView& name) {
    const MutableBytes where = room(offset, name.byte_size());
    if (name.compressed()) {
        widen(name.stored(), where);
    } else if (!where.empty()) {
        std::memcpy(where.data(), name.stored().data(), where.size());
    }
}

}  // namespace regent::cm
