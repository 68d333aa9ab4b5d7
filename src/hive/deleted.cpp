#include "hive/deleted.h"

#include <algorithm>
#include <map>
#include <set>

#include "hive/format.h"
#include "hive/storage.h"

namespace regent::hive {

namespace {

constexpr std::uint32_t granule = 8;
// 1990 to 2100: a time outside is no time of a key.
constexpr std::uint64_t earliest_time = 122755392000000000;
constexpr std::uint64_t latest_time = 157469184000000000;
constexpr std::uint16_t key_flags = 0x03FF;
constexpr std::uint16_t value_flags = value_comp_name | value_tombstone;

// Which bytes of the bins mean something today, in granules.
class Map {
public:
    Map(const Hive& hive, Bytes behind) : bins_(hive.stable_bytes()), end_(bins_.size()) {
        behind = behind.first(std::min<std::size_t>(behind.size(), max_storage - end_));
        if (!behind.empty()) {
            whole_.assign(bins_.begin(), bins_.end());
            whole_.insert(whole_.end(), behind.begin(), behind.end());
            bins_ = whole_;
        }
        live_.resize(bins_.size() / granule + 1);
        allocated_.resize(bins_.size() / granule + 1);
        heads_.resize(bins_.size() / granule + 1);
        starts_.resize(bins_.size() / granule + 1);
        headers_.resize(bins_.size() / page_size + 1);
        mark_allocated();
        mark_headers_behind();
        for_each_live_cell(hive, [&](const LiveCell& cell) {
            mark(live_, cell.cell, std::uint64_t{cell.used} + 4);
            heads_.set(cell.cell / granule);
            if (cell.kind == CellKind::value_list) lists_.push_back(cell);
        });
    }

    Bytes bins() const { return bins_; }
    const std::vector<LiveCell>& value_lists() const { return lists_; }
    bool is_live_head(CellIndex cell) const { return cell < end_ && heads_.test(cell / granule); }
    bool is_live(std::uint32_t at) const { return live_.test(at / granule); }
    bool is_bin_header(std::uint32_t at) const {
        return at % page_size < sizeof(BinHeader) && headers_.test(at / page_size);
    }
    Place place(std::uint32_t at) const {
        if (at >= end_) return Place::behind_the_bins;
        if (!allocated_.test(at / granule)) return Place::free_space;
        // Slack follows the used part of a live cell; a lost cell has no live granule before it up to its start.
        for (std::uint32_t start = at; start >= granule; start -= granule) {
            if (live_.test(start / granule)) return Place::slack;
            if (starts_.test(start / granule)) return Place::lost_cell;
        }
        return Place::lost_cell;
    }
    // The bytes [at, at + size), when none of them is in use and no bin begins among them.
    std::optional<Bytes> unused(std::uint64_t at, std::uint64_t size) const {
        if (at % granule > 4 || at + size > bins_.size()) return std::nullopt;
        for (std::uint64_t i = at / granule; i * granule < at + size; ++i) {
            const auto here = static_cast<std::uint32_t>(i * granule);
            if (live_.test(i) || is_bin_header(here)) return std::nullopt;
        }
        return rtl::slice(bins_, at, size);
    }

private:
    static void mark(BitMap& map, std::uint64_t at, std::uint64_t size) {
        for (std::uint64_t i = at / granule; i * granule < at + size; ++i) map.set(i);
    }

    void mark_allocated() {
        for (std::uint32_t bin = 0; bin < end_;) {
            const auto* header = rtl::record_at<BinHeader>(bins_, bin);
            if (header == nullptr || header->size == 0) return;
            headers_.set(bin / page_size);
            const std::uint32_t end = bin + header->size;
            for (std::uint32_t at = bin + sizeof(BinHeader); at < end;) {
                const auto stored = rtl::load<std::int32_t>(bins_, at);
                if (!stored || *stored == 0) return;
                const auto size = static_cast<std::uint32_t>(*stored < 0 ? -*stored : *stored);
                if (*stored < 0) {
                    mark(allocated_, at, size);
                    starts_.set(at / granule);
                }
                at += size;
            }
            bin = end;
        }
    }

    // Bins that were cut off keep their headers, at their old places.
    void mark_headers_behind() {
        for (std::uint64_t page = end_ / page_size; (page + 1) * page_size <= bins_.size(); ++page) {
            const auto* header = rtl::record_at<BinHeader>(bins_, page * page_size);
            if (header->signature == bin_signature && header->offset == page * page_size) headers_.set(page);
        }
    }

    std::vector<std::byte> whole_;  // bins and what is behind them, when there is any
    Bytes bins_;
    const std::size_t end_;    // of the bins
    BitMap live_, allocated_;  // granules
    BitMap heads_, starts_;    // first granules of live cells, of allocated cells
    BitMap headers_;           // pages where a bin begins
    std::vector<LiveCell> lists_;
};

class Search {
public:
    Search(const Hive& hive, Bytes behind) : hive_(hive), map_(hive, behind), bins_(map_.bins()) {}

    DeletedRecords run() {
        scan();
        DeletedRecords found;
        for (const CellIndex cell : keys_) found.keys.push_back(describe_key(cell));
        attach_to_live_keys(found);
        for (const CellIndex cell : values_) {
            if (taken_.count(cell) == 0) found.values.push_back({nil_cell, describe_value(cell)});
        }
        std::sort(found.values.begin(), found.values.end(),
                  [](const OrphanValue& a, const OrphanValue& b) { return a.value.cell < b.value.cell; });
        return found;
    }

private:
    // Cells begin on 8 bytes, so records stand 4 bytes behind a granule, wherever cells were joined since.
    void scan() {
        for (std::uint32_t cell = 0; cell + granule <= bins_.size(); cell += granule) {
            if (map_.is_live(cell) || map_.is_bin_header(cell)) continue;
            const std::uint16_t signature = *rtl::load<std::uint16_t>(bins_, cell + 4);
            if (signature == nk_signature && key_at(cell) != nullptr) keys_.insert(cell);
            if (signature == vk_signature && value_at(cell) != nullptr) values_.insert(cell);
        }
    }

    static bool sane_name(NameView name, std::size_t limit, bool key) {
        if (name.size() > limit) return false;
        for (std::size_t i = 0; i < name.size(); ++i) {
            if (key && (name[i] == u'\\' || name[i] == 0)) return false;
        }
        return !key || !name.empty();
    }
    static NameView key_name(Bytes record, const KeyNode& node) {
        return {record.subspan(sizeof(KeyNode), node.name_size), (node.flags & key_comp_name) != 0};
    }

    // The record of a deleted key; null when the bytes cannot be one.
    const KeyNode* key_at(std::uint32_t cell) const {
        const auto fixed = map_.unused(std::uint64_t{cell} + 4, sizeof(KeyNode));
        if (!fixed) return nullptr;
        const auto* node = rtl::record_at<KeyNode>(*fixed);
        const std::uint64_t time = node->last_write_time;
        if (node->signature != nk_signature || (node->flags & ~key_flags & 0x0FFF) != 0) return nullptr;
        if (time < earliest_time || time > latest_time) return nullptr;
        const auto whole = map_.unused(std::uint64_t{cell} + 4, sizeof(KeyNode) + node->name_size);
        if (!whole || (node->name_size % 2 != 0 && (node->flags & key_comp_name) == 0)) return nullptr;
        return sane_name(key_name(*whole, *node), max_key_name, true) ? node : nullptr;
    }
    NameView name_of(std::uint32_t cell, const KeyNode& node) const {
        return key_name(bins_.subspan(cell + 4, sizeof(KeyNode) + node.name_size), node);
    }

    const KeyValue* value_at(std::uint32_t cell) const {
        const auto fixed = map_.unused(std::uint64_t{cell} + 4, sizeof(KeyValue));
        if (!fixed) return nullptr;
        const auto* value = rtl::record_at<KeyValue>(*fixed);
        const std::uint32_t size = value->data_size;
        if (value->signature != vk_signature || (value->flags & ~value_flags) != 0) return nullptr;
        const bool is_inline = (size & value_inline_bit) != 0;
        if (is_inline ? (size & ~value_inline_bit) > 4 : size > max_value_data) return nullptr;
        if (!is_inline && size != 0 && (value->data % granule != 0 || value->data >= bins_.size())) return nullptr;
        if (!map_.unused(std::uint64_t{cell} + 4, sizeof(KeyValue) + value->name_size)) return nullptr;
        if (value->name_size % 2 != 0 && (value->flags & value_comp_name) == 0) return nullptr;
        return sane_name(value_name(cell, *value), max_value_name, false) ? value : nullptr;
    }
    NameView value_name(std::uint32_t cell, const KeyValue& value) const {
        return {bins_.subspan(cell + 4 + sizeof(KeyValue), value.name_size), (value.flags & value_comp_name) != 0};
    }

    DeletedKey describe_key(CellIndex cell) {
        const KeyNode& node = *key_at(cell);
        DeletedKey key = {};
        key.cell = cell;
        key.place = map_.place(cell);
        key.name = name_of(cell, node).to_utf16();
        key.time = static_cast<std::int64_t>(std::uint64_t{node.last_write_time});
        find_path(cell, key);
        const auto list = map_.unused(std::uint64_t{node.value_list} + 4, std::uint64_t{node.value_count} * 4);
        if (node.value_count == 0 || !list) return key;
        for (std::size_t i = 0; i < node.value_count; ++i) {
            const CellIndex value = *rtl::load<std::uint32_t>(*list, i * 4);
            if (values_.count(value) != 0 && taken_.insert(value).second) key.values.push_back(describe_value(value));
        }
        return key;
    }

    // Up the parent chain: deleted parents by their records, then the live one by the hive.
    void find_path(CellIndex cell, DeletedKey& key) {
        std::set<CellIndex> seen;
        while (keys_.count(cell) != 0 && seen.insert(cell).second && key.path.size() < max_key_depth) {
            const KeyNode& node = *key_at(cell);
            key.path.push_back(name_of(cell, node).to_utf16());
            cell = node.parent;
        }
        key.rooted = map_.is_live_head(cell) && hive_.is_key(cell);
        for (; key.rooted && cell != hive_.root(); cell = hive_.parent(cell)) {
            key.path.push_back(hive_.key_name(cell).to_utf16());
        }
        std::reverse(key.path.begin(), key.path.end());
    }

    // Windows and we take a value out of its list by moving the later ones up: what stood last stays behind the end.
    void attach_to_live_keys(DeletedRecords& found) {
        for (const LiveCell& list : map_.value_lists()) {
            const Bytes entries = cell_data(bins_, list.cell);
            for (std::size_t at = list.used; at + 4 <= entries.size(); at += 4) {
                const CellIndex value = *rtl::load<std::uint32_t>(entries, at);
                if (values_.count(value) == 0 || !taken_.insert(value).second) continue;
                found.values.push_back({list.key, describe_value(value)});
            }
        }
    }

    DeletedValue describe_value(CellIndex cell) const {
        const KeyValue& record = *value_at(cell);
        DeletedValue value = {};
        value.cell = cell;
        value.place = map_.place(cell);
        value.name = value_name(cell, record).to_utf16();
        value.type = record.type;
        value.size = record.data_size & ~value_inline_bit;
        value.state = read_data(cell, record, value.data) ? DataState::whole : DataState::overwritten;
        if (value.state == DataState::overwritten) value.data.clear();
        return value;
    }

    bool read_data(CellIndex cell, const KeyValue& record, std::vector<std::byte>& data) const {
        const std::uint32_t size = record.data_size & ~value_inline_bit;
        if ((record.data_size & value_inline_bit) != 0) {
            const Bytes field = bins_.subspan(cell + 4 + offsetof(KeyValue, data), size);
            data.assign(field.begin(), field.end());
            return true;
        }
        if (size == 0) return true;
        if (hive_.minor_version() < 4 || size <= big_data_segment) return append(record.data, size, data);
        const auto header = map_.unused(std::uint64_t{record.data} + 4, sizeof(BigData));
        const auto* big = header ? rtl::record_at<BigData>(*header) : nullptr;
        if (big == nullptr || big->signature != db_signature) return false;
        const auto list = map_.unused(std::uint64_t{big->list} + 4, big->count * std::uint64_t{4});
        if (!list || big->count != (size + big_data_segment - 1) / big_data_segment) return false;
        for (std::size_t i = 0; i < big->count; ++i) {
            const std::uint32_t part = std::min(big_data_segment, size - static_cast<std::uint32_t>(data.size()));
            if (!append(*rtl::load<std::uint32_t>(*list, i * 4), part, data)) return false;
        }
        return true;
    }

    // A cell keeps its size field when it is freed; the first of joined cells gets a larger one.
    bool append(CellIndex cell, std::uint32_t size, std::vector<std::byte>& data) const {
        const auto bytes = map_.unused(std::uint64_t{cell} + 4, size);
        const auto stored = rtl::load<std::int32_t>(bins_, cell);
        if (!stored || std::abs(std::int64_t{*stored}) < std::int64_t{size} + 4) return false;
        if (bytes) data.insert(data.end(), bytes->begin(), bytes->end());
        return bytes.has_value();
    }

    const Hive& hive_;
    Map map_;
    Bytes bins_;
    std::set<CellIndex> keys_, values_;
    std::set<CellIndex> taken_;  // values that have their key
};

}  // namespace

const char* to_string(Place place) {
    static constexpr const char* names[] = {"free space", "slack", "lost cell", "behind the bins"};
    return names[static_cast<std::size_t>(place)];
}

DeletedRecords find_deleted(const Hive& hive, Bytes behind) { return Search(hive, behind).run(); }

}  // namespace regent::hive
