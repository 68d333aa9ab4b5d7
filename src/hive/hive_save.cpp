// A compact copy of a subtree in another file.
#include "hive/hive_save.h"

#include <limits>
#include <optional>
#include <string>

#include "hive/hive_impl.h"
#include "hive/tree_writer.h"

namespace regent::hive {

struct HiveSave::State {
    static constexpr std::size_t keys_a_step = 1000;  // a fraction of a millisecond
    static constexpr int patience = 2;                // times to begin anew
    static constexpr std::byte no_base_block[bins_start] = {};

    rtl::File& out;
    const Format format;
    std::optional<TreeWriter> writer;
    std::uint64_t changes = 0;  // of the hive, when the writer began
    int begun = 0;
    BaseBlock base = {};

    // The base block of an older hive must be gone for good before a bin is written below it.
    Result<void> clear_file() {
        const bool was_empty = RG_TRY(out.size()) == 0;
        RG_TRY(out.write_at(0, Bytes(no_base_block)));
        return was_empty ? Result<void>{} : out.sync();
    }

    Result<void> begin(const HiveImpl& hive, CellIndex key) {
        if (!hive.is_key(key)) return fail(STATUS_INVALID_PARAMETER);
        RG_TRY(hive.require_sound());
        // A layered hive stays one: its tombstones mean something only in format 1.6.
        const std::uint32_t minor =
            hive.cells.minor == 6 && format == Format::v1_5 ? 6 : static_cast<std::uint32_t>(format);
        if (begun++ == 0) RG_TRY(clear_file());
        base = new_base_block(hive.path, minor, hive.node(key).last_write_time);
        changes = hive.changes;
        writer.emplace(hive.cells, minor, out);
        return writer->begin(key);
    }
};

HiveSave::HiveSave(rtl::File& out, Format format) : state_(new State{out, format, {}, 0, 0, {}}) {}
HiveSave::~HiveSave() = default;

Result<bool> HiveSave::step(const Hive& hive, CellIndex key) {
    State& state = *state_;
    if (!state.writer || state.changes != hive.impl_->changes) RG_TRY(state.begin(*hive.impl_, key));
    const bool hurry = state.begun > State::patience;
    return state.writer->step(hurry ? std::numeric_limits<std::size_t>::max() : State::keys_a_step);
}

bool HiveSave::impatient() const { return state_->begun >= State::patience; }

// The bins are durable before the base block that makes a hive of them.
Result<void> HiveSave::finish() {
    State& state = *state_;
    const TreeWriter::Written written = state.writer->written();
    RG_TRY(state.out.truncate(std::uint64_t{bins_start} + written.bins_size));
    RG_TRY(state.out.sync());
    state.base.root_cell = written.root;
    state.base.bins_size = written.bins_size;
    state.base.checksum = checksum(state.base);
    auto sealed = state.out.write_at(0, rtl::as_bytes(&state.base, sizeof(state.base)));
    if (sealed) sealed = state.out.sync();
    if (!sealed) (void)state.out.write_at(0, Bytes(State::no_base_block));  // no hive, as far as the file still obeys
    return sealed;
}

Result<void> Hive::save_subtree(CellIndex key, rtl::File& out, Format format) const {
    HiveSave save(out, format);
    for (;;) {
        const bool done = RG_TRY(save.step(*this, key));
        if (done) return save.finish();
    }
}

}  // namespace regent::hive
