#include "hive/hive.h"
#include "hive/hive_impl.h"
#include "hive/subkey_list.h"
#include "hive/value_data.h"

namespace regent::hive {

const KeyNode& HiveImpl::node(CellIndex key) const {
    static const KeyNode none = {};
    const auto* record = cells.record<KeyNode>(key);
    return record != nullptr && record->signature == nk_signature ? *record : none;
}

bool HiveImpl::is_key(CellIndex key) const {
    const auto* record = cells.record<KeyNode>(key);
    return record != nullptr && record->signature == nk_signature && cells.is_allocated(key);
}

Result<void> HiveImpl::require_writable(CellIndex key) const {
    if (read_only || (log != nullptr && log->failed())) return fail(STATUS_MEDIA_WRITE_PROTECTED);
    if (!is_key(key)) return fail(STATUS_INVALID_PARAMETER);
    return {};
}

std::uint32_t HiveImpl::depth_of(CellIndex key) const {
    std::uint32_t depth = 1;
    for (; key != root && depth <= max_key_depth; ++depth) key = node(key).parent;
    return depth;
}

Hive::Hive(std::unique_ptr<HiveImpl> impl) : impl_(std::move(impl)) {}
Hive::~Hive() = default;

const std::string& Hive::path() const { return impl_->path; }
bool Hive::read_only() const { return impl_->read_only; }
LoadState Hive::load_state() const { return impl_->load_state; }
bool Hive::healed() const { return impl_->healed; }
std::uint32_t Hive::minor_version() const { return impl_->cells.minor; }
std::uint32_t Hive::sequence() const {
    return impl_->log ? impl_->log->sequence() : std::uint32_t{impl_->base.secondary_sequence};
}
std::uint64_t Hive::stable_size() const { return impl_->cells.stable().size(); }
std::uint64_t Hive::volatile_size() const { return impl_->cells.storage(StorageType::volatile_).size(); }
CellIndex Hive::root() const { return impl_->root; }
bool Hive::is_key(CellIndex cell) const { return impl_->is_key(cell); }
NameView Hive::key_name(CellIndex key) const { return name_of_key(impl_->cells, key); }
CellIndex Hive::parent(CellIndex key) const {
    return key == impl_->root ? nil_cell : CellIndex{impl_->node(key).parent};
}
std::uint16_t Hive::flags(CellIndex key) const { return impl_->node(key).flags; }

KeyInfo Hive::key_info(CellIndex key) const {
    const KeyNode& node = impl_->node(key);
    KeyInfo info = {};
    info.last_write_time = static_cast<std::int64_t>(std::uint64_t{node.last_write_time});
    info.flags = node.flags;
    info.stable_subkey_count = node.subkey_count[0];
    info.subkey_count = node.subkey_count[0] + node.subkey_count[1];
    info.value_count = node.value_count;
    info.max_subkey_name_bytes = node.max_name;
    info.max_subkey_class_bytes = node.max_class;
    info.max_value_name_bytes = node.max_value_name;
    info.max_value_data_bytes = node.max_value_data;
    info.virtualization_flags = std::to_integer<std::uint8_t>(node.virtual_flags & std::byte{0x0F});
    info.user_flags = std::to_integer<std::uint8_t>(node.virtual_flags >> 4);
    info.parent = parent(key);
    info.security = node.security;
    info.name = key_name(key);
    if (node.class_size != 0) {
        info.class_name = rtl::slice(impl_->cells.data(node.class_cell), 0, node.class_size).value_or(Bytes{});
    }
    return info;
}

std::optional<CellIndex> Hive::find_subkey(CellIndex key, Utf16View name) const {
    const KeyNode& node = impl_->node(key);
    if (node.subkey_count[0] != 0) {
        if (const auto found = find_in_list(impl_->cells, node.subkey_list[0], name)) return found;
    }
    if (node.subkey_count[1] != 0) return find_in_list(impl_->cells, node.subkey_list[1], name);
    return std::nullopt;
}

std::optional<CellIndex> Hive::subkey_at(CellIndex key, std::uint32_t index) const {
    const KeyNode& node = impl_->node(key);
    const Cells& cells = impl_->cells;
    const std::uint32_t stable = node.subkey_count[0];
    const std::uint32_t total = stable + node.subkey_count[1];
    if (index >= total) return std::nullopt;
    auto present = [](CellIndex cell) { return cell == nil_cell ? std::nullopt : std::optional(cell); };
    if (stable == total) return present(element_at(cells, node.subkey_list[0], index));
    if (stable == 0) return present(element_at(cells, node.subkey_list[1], index));
    // Two sorted lists: the first stable element whose merged rank is above `index` ends the stable elements before it.
    std::uint32_t low = 0;
    std::uint32_t high = std::min(stable, index + 1);
    while (low < high) {
        const std::uint32_t middle = (low + high) / 2;
        const CellIndex element = element_at(cells, node.subkey_list[0], middle);
        const std::uint32_t rank = middle + count_below(cells, node.subkey_list[1], name_of_key(cells, element));
        if (rank == index) return present(element);
        (rank < index ? low : high) = rank < index ? middle + 1 : middle;
    }
    return present(element_at(cells, node.subkey_list[1], index - low));
}

std::optional<ValueRef> Hive::find_value(CellIndex key, Utf16View name) const {
    return find_value_in(impl_->cells, impl_->node(key), name);
}

std::optional<ValueRef> Hive::value_at(CellIndex key, std::uint32_t index) const {
    const CellIndex cell = value_cell(impl_->cells, impl_->node(key), index);
    if (cell == nil_cell) return std::nullopt;
    return ValueRef{cell, index};
}

ValueInfo Hive::value_info(ValueRef value) const {
    const auto* record = impl_->cells.record<KeyValue>(value.cell);
    if (record == nullptr) return {};
    return {record->type, record->data_size & ~value_inline_bit, (record->flags & value_tombstone) != 0,
            name_of_value(impl_->cells, value.cell)};
}

std::size_t Hive::read_value(ValueRef value, std::uint64_t offset, MutableBytes out) const {
    const auto* record = impl_->cells.record<KeyValue>(value.cell);
    return record == nullptr ? 0 : read_data(impl_->cells, *record, offset, out);
}

std::optional<Bytes> Hive::value_bytes(ValueRef value) const {
    const auto* record = impl_->cells.record<KeyValue>(value.cell);
    if (record == nullptr) return std::nullopt;
    return data_in_place(impl_->cells, *record);
}

Bytes Hive::security(CellIndex key) const { return descriptor_of(impl_->cells, impl_->node(key).security); }

HiveCounts Hive::count() const {
    HiveCounts counts = {};
    BitMap seen[2];
    for (const StorageType type : {StorageType::stable, StorageType::volatile_}) {
        seen[static_cast<int>(type)].resize(impl_->cells.storage(type).size() / 8 + 1);
    }
    std::vector<CellIndex> stack = {impl_->root};
    while (!stack.empty()) {
        const CellIndex key = stack.back();
        stack.pop_back();
        const KeyNode& node = impl_->node(key);
        ++counts.keys;
        counts.values += value_count(impl_->cells, node);
        const CellIndex security = node.security;
        BitMap& seen_cells = seen[static_cast<int>(storage_of(security))];
        if (impl_->cells.is_allocated(security) && !seen_cells.test((security & ~volatile_bit) / 8)) {
            seen_cells.set((security & ~volatile_bit) / 8);
            ++counts.security;
        }
        for (int type = 0; type < 2; ++type) {
            for (std::uint32_t i = 0; i < node.subkey_count[type]; ++i) {
                const CellIndex child = element_at(impl_->cells, node.subkey_list[type], i);
                if (child == nil_cell) break;
                stack.push_back(child);
            }
        }
    }
    return counts;
}

}  // namespace regent::hive
