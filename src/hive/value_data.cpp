#include "hive/value_data.h"

#include <algorithm>
#include <cstring>
#include <span>

namespace regent::hive {

namespace {

// What differs in ASCII in more than the bit of case is no pair of one letter.
bool surely_differ(std::byte latin, char16_t unit) {
    const unsigned other = std::to_integer<unsigned>(latin);
    return (other | unit) < 0x80 && ((other ^ unit) & ~0x20U) != 0;
}

}  // namespace

namespace {

// A value's name is this one, or may be it in another case or form.
enum class Match : std::uint8_t { no, maybe, yes };

// Looks at the spelling alone, and calls nothing.
[[gnu::always_inline]] inline Match match_spelling(Bytes cell, Utf16View name) {
    const auto* record = rtl::record_at<KeyValue>(cell);
    if (record == nullptr || record->signature != vk_signature) return Match::no;
    // Most names are passed over by their length.
    const bool compressed = (record->flags & value_comp_name) != 0;
    const std::size_t size = record->name_size;
    if (size != (compressed ? name.size() : name.size() * 2) || size > cell.size() - sizeof(KeyValue)) return Match::no;
    if (name.empty()) return Match::yes;
    if (!compressed) return Match::maybe;
    // Names of one length mostly differ at their ends.
    const std::byte* stored = cell.data() + sizeof(KeyValue);
    if (surely_differ(stored[size - 1], name.back())) return Match::no;
    return same_spelling(stored, name) ? Match::yes : Match::maybe;
}

std::optional<ValueRef> find_folded(const Cells& cells, const KeyNode& node, Utf16View name) {
    const std::uint32_t count = value_count(cells, node);
    if (count == 0) return std::nullopt;
    const Bytes list = cells.data(node.value_list);
    for (std::uint32_t i = 0; i < count; ++i) {
        const CellIndex cell = *rtl::load<std::uint32_t>(list, std::uint64_t{i} * 4);
        const Bytes data = cells.data(cell);
        const Match match = match_spelling(data, name);
        if (match == Match::no) continue;
        if (match == Match::yes || equal_folded(name_of_value(cells, cell, data), name)) return ValueRef{cell, i};
    }
    return std::nullopt;
}

}  // namespace

std::optional<ValueRef> find_value_in(const Cells& cells, const KeyNode& node, Utf16View name) {
    // Who asks for a value mostly spells it as it is stored: where nothing is to be verified, that is looked for first.
    const std::uint32_t count = node.value_count;
    if (count == 0) return std::nullopt;
    const StorageType type = storage_of(node.value_list);
    const Storage& storage = cells.storage(type);
    const Bytes list = storage.allocated_cell(node.value_list & ~volatile_bit);
    if (!storage.trusted() || list.size() / 4 < count) [[unlikely]]
        return find_folded(cells, node, name);
    bool doubt = false;
    for (std::uint32_t i = 0; i < count; ++i) {
        const CellIndex cell = *rtl::load<std::uint32_t>(list, std::uint64_t{i} * 4);
        const Match match = match_spelling(storage.allocated_cell(cell & ~volatile_bit), name);
        if (match == Match::no) continue;
        if (match == Match::yes && storage_of(cell) == type) [[likely]]
            return ValueRef{cell, i};
        doubt = true;
    }
    return doubt ? find_folded(cells, node, name) : std::nullopt;
}

namespace {

std::size_t read_big_data(const Cells& cells, const KeyValue& value, std::uint64_t offset, MutableBytes out) {
    const auto* big = cells.record<BigData>(value.data);
    if (big == nullptr || big->signature != db_signature) return 0;
    const Bytes list = cells.data(big->list);
    std::size_t done = 0;
    while (done < out.size()) {
        const std::uint64_t number = (offset + done) / big_data_segment;
        const std::size_t inside = static_cast<std::size_t>((offset + done) % big_data_segment);
        const auto cell = rtl::load<std::uint32_t>(list, number * 4);
        if (number >= big->count || !cell) break;
        const Bytes segment = cells.data(*cell);
        const std::size_t usable = std::min<std::size_t>(segment.size(), big_data_segment);
        if (inside >= usable) break;
        const std::size_t part = std::min(usable - inside, out.size() - done);
        std::memcpy(out.data() + done, segment.data() + inside, part);
        done += part;
    }
    return done;
}

Result<DataPlace> store_big_data(Edit& edit, StorageType type, Bytes data) {
    const std::size_t count = (data.size() + big_data_segment - 1) / big_data_segment;
    const CellIndex head = RG_TRY(edit.allocate(type, sizeof(BigData)));
    const CellIndex list = RG_TRY(edit.allocate(type, count * 4));
    auto& big = edit.fresh_record<BigData>(head);
    big.signature = db_signature;
    big.count = static_cast<std::uint16_t>(count);
    big.list = list;
    // The last segment too has the full size, as in every hive of Windows: other readers rely on it. So any may be the
    // last, and they stand in rising order, which reglookup takes for granted.
    const std::span<Le32> segments(rtl::record_at<Le32>(edit.fresh(list)), count);
    for (Le32& segment : segments) segment = RG_TRY(edit.allocate(type, big_data_segment));
    std::sort(segments.begin(), segments.end());
    for (std::size_t i = 0; i < count; ++i) {
        const Bytes part = data.subspan(i * big_data_segment,
                                        std::min<std::size_t>(big_data_segment, data.size() - i * big_data_segment));
        std::memcpy(edit.fresh(segments[i]).data(), part.data(), part.size());
    }
    return DataPlace{static_cast<std::uint32_t>(data.size()), head};
}

}  // namespace

std::size_t read_data(const Cells& cells, const KeyValue& value, std::uint64_t offset, MutableBytes out) {
    const std::uint32_t size = value.data_size & ~value_inline_bit;
    if (const auto data = data_in_place(cells, value)) {
        if (offset >= data->size()) return 0;
        const std::size_t part = std::min<std::size_t>(out.size(), data->size() - static_cast<std::size_t>(offset));
        if (part != 0) std::memcpy(out.data(), data->data() + offset, part);
        return part;
    }
    if (offset >= size) return 0;
    return read_big_data(cells, value, offset, out.first(std::min<std::uint64_t>(out.size(), size - offset)));
}

Result<DataPlace> store_data(Edit& edit, StorageType type, Bytes data) {
    if (data.size() <= 4) {
        Le32 inline_data = 0;
        if (!data.empty()) std::memcpy(&inline_data, data.data(), data.size());
        return DataPlace{static_cast<std::uint32_t>(data.size()) | value_inline_bit, inline_data};
    }
    const bool splits = edit.cells().minor >= 4;
    if (data.size() > (splits ? max_value_data : max_cell_data)) return fail(STATUS_INVALID_PARAMETER);
    const std::uint32_t size = static_cast<std::uint32_t>(data.size());
    if (edit.cells().big_data(size)) return store_big_data(edit, type, data);
    const CellIndex cell = RG_TRY(edit.allocate(type, size));
    std::memcpy(edit.fresh(cell).data(), data.data(), size);
    return DataPlace{size, cell};
}

void release_data(Edit& edit, const KeyValue& value) {
    const std::uint32_t size = value.data_size;
    if ((size & value_inline_bit) != 0 || size == 0) return;
    const Cells& cells = edit.cells();
    if (cells.big_data(size)) {
        if (const auto* big = cells.record<BigData>(value.data)) {
            const Bytes list = cells.data(big->list);
            for (std::uint32_t i = 0; i < big->count; ++i) {
                if (const auto cell = rtl::load<std::uint32_t>(list, std::uint64_t{i} * 4)) edit.release_later(*cell);
            }
            edit.release_later(big->list);
        }
    }
    edit.release_later(value.data);
}

}  // namespace regent::hive
