#include <algorithm>
#include <string>

#include "hive/check.h"
#include "hive/hive.h"
#include "hive/hive_impl.h"
#include "hive/subkey_list.h"
#include "hive/value_data.h"

namespace regent::hive {

Result<void> HiveImpl::require_writable_node(CellIndex key) const {
    if (durability == Durability::read_only || (log != nullptr && log->failed()))
        return fail(STATUS_MEDIA_WRITE_PROTECTED);
    if (cells.stable().is_suspect()) return fail(STATUS_REGISTRY_CORRUPT);
    if (!is_node(key)) return fail(STATUS_INVALID_PARAMETER);
    return {};
}

Result<void> HiveImpl::require_writable(CellIndex key) const {
    RG_TRY(require_writable_node(key));
    if (!cells.is_allocated(key)) return fail(STATUS_INVALID_PARAMETER);
    return {};
}

std::uint32_t HiveImpl::subkey_count(CellIndex key) const {
    const KeyNode& of = node(key);
    std::uint32_t stable = cells.subkeys(key, of, StorageType::stable).count;
    // A count that nobody has verified must not keep a caller busy for ever.
    if (!cells.stable().trusted()) {
        stable = std::min<std::uint32_t>(stable, cells.stable().size() / std::uint32_t{sizeof(KeyNode)});
    }
    return stable + cells.subkeys(key, of, StorageType::volatile_).count;
}

// Each key has one parent, which its node names: what passes here cannot be a cycle, nor reached on two ways.
std::optional<CellIndex> HiveImpl::verified_subkey(CellIndex key, std::optional<CellIndex> child) const {
    if (!child || storage_of(*child) == StorageType::volatile_) return child;
    const char* defect = *child == root ? "the root key" : key_record_defect(cells.data(*child), false);
    if (defect == nullptr && node(*child).parent != key) defect = "a subkey of another key";
    if (defect == nullptr) return child;
    cells.stable().suspect(FindingKind::key, key, "subkey at cell " + std::to_string(*child), defect);
    return std::nullopt;
}

bool HiveImpl::verified_subkeys(CellIndex key, std::vector<CellIndex>* subkeys) const {
    const Storage& stable = cells.stable();
    if (const char* defect = subkeys_defect(cells, key, root, subkeys)) {
        stable.suspect(FindingKind::subkey_list, key, "a list of subkeys in order", defect);
        return false;
    }
    stable.set_verified(key);
    return true;
}

std::optional<ValueRef> HiveImpl::verified_value(CellIndex key, std::optional<ValueRef> value) const {
    if (!value || storage_of(key) == StorageType::volatile_) return value;
    const char* defect = storage_of(value->cell) == StorageType::stable
                             ? value_record_defect(node(key), cells.data(value->cell))
                             : "a volatile cell";
    if (defect == nullptr) {
        defect = value_data_defect(cells, *cells.record<KeyValue>(value->cell), [](CellIndex) { return true; });
    }
    if (defect == nullptr) return value;
    cells.stable().suspect(FindingKind::value, key, "value at cell " + std::to_string(value->cell), defect);
    return std::nullopt;
}

Result<void> HiveImpl::require_sound() const {
    const Storage& stable = cells.stable();
    if (!stable.trusted()) {
        FindingList findings;
        check_all(*this, findings);
        for (const Finding& found : findings.findings()) stable.suspect(found);
        if (!stable.is_suspect()) stable.trust();
    }
    return stable.is_suspect() ? fail(STATUS_REGISTRY_CORRUPT) : Result<void>{};
}

std::uint32_t HiveImpl::depth_of(CellIndex key) const {
    std::uint32_t depth = 1;
    for (; key != root && depth <= max_key_depth; ++depth) key = node(key).parent;
    return depth;
}

Hive::Hive(std::unique_ptr<HiveImpl> impl) : impl_(std::move(impl)) {}
Hive::~Hive() = default;

const std::string& Hive::path() const { return impl_->path; }
Durability Hive::durability() const { return impl_->durability; }
LoadState Hive::load_state() const { return impl_->load_state; }
bool Hive::healed() const { return impl_->healed; }
std::uint32_t Hive::minor_version() const { return impl_->cells.minor; }
std::uint32_t Hive::sequence() const {
    return impl_->log ? impl_->log->sequence() : std::uint32_t{impl_->base.secondary_sequence};
}
std::uint64_t Hive::stable_size() const { return impl_->cells.stable().size(); }
std::uint64_t Hive::volatile_size() const { return impl_->cells.storage(StorageType::volatile_).size(); }
CellIndex Hive::root() const { return impl_->root; }
std::int64_t Hive::last_write_time(CellIndex key) const {
    return static_cast<std::int64_t>(std::uint64_t{impl_->node(key).last_write_time});
}
std::uint64_t Hive::changes() const { return impl_->changes; }
bool Hive::is_key(CellIndex cell) const { return impl_->is_key(cell); }
NameView Hive::key_name(CellIndex key) const { return name_of_key(impl_->cells, key); }
CellIndex Hive::parent(CellIndex key) const {
    return key == impl_->root ? nil_cell : CellIndex{impl_->node(key).parent};
}

std::uint16_t Hive::flags(CellIndex key) const {
    // A file may carry the flag from a key of an earlier life, where it means nothing.
    const std::uint16_t flags = impl_->node(key).flags;
    return storage_of(key) == StorageType::volatile_ ? flags : static_cast<std::uint16_t>(flags & ~key_volatile);
}

bool Hive::trusted() const { return impl_->cells.stable().trusted(); }
bool Hive::suspect() const { return impl_->cells.stable().is_suspect(); }
std::vector<Finding> Hive::suspicions() const { return impl_->cells.stable().suspicions(); }

KeyInfo Hive::key_info(CellIndex key) const {
    const KeyNode& node = impl_->node(key);
    KeyInfo info = {};
    info.last_write_time = static_cast<std::int64_t>(std::uint64_t{node.last_write_time});
    info.flags = flags(key);
    info.subkey_count = impl_->subkey_count(key);
    info.stable_subkey_count = info.subkey_count - impl_->cells.subkeys(key, node, StorageType::volatile_).count;
    info.value_count = value_count(impl_->cells, node);
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
    const Cells& cells = impl_->cells;
    const SubkeyList stable = cells.subkeys(key, node, StorageType::stable);
    if (stable.count != 0) {
        if (const auto found = find_in_list(cells, stable.list, name)) return impl_->sound_subkey(key, found);
    }
    const SubkeyList other = cells.subkeys(key, node, StorageType::volatile_);
    if (other.count != 0) return find_in_list(cells, other.list, name);
    return std::nullopt;
}

std::optional<CellIndex> Hive::subkey_at(CellIndex key, std::uint32_t index) const {
    const KeyNode& node = impl_->node(key);
    const Cells& cells = impl_->cells;
    const SubkeyList stable = cells.subkeys(key, node, StorageType::stable);
    const SubkeyList other = cells.subkeys(key, node, StorageType::volatile_);
    if (stable.count != 0 && !impl_->sound_subkeys(key)) return std::nullopt;
    if (index >= stable.count + other.count) return std::nullopt;
    auto present = [](CellIndex cell) { return cell == nil_cell ? std::nullopt : std::optional(cell); };
    if (other.count == 0) return present(element_at(cells, stable.list, index));
    if (stable.count == 0) return present(element_at(cells, other.list, index));
    // Two sorted lists: the first stable element whose merged rank is above `index` ends the stable elements before it.
    std::uint32_t low = 0;
    std::uint32_t high = std::min(stable.count, index + 1);
    while (low < high) {
        const std::uint32_t middle = (low + high) / 2;
        const CellIndex element = element_at(cells, stable.list, middle);
        const std::uint32_t rank = middle + count_below(cells, other.list, name_of_key(cells, element));
        if (rank == index) return present(element);
        (rank < index ? low : high) = rank < index ? middle + 1 : middle;
    }
    return present(element_at(cells, other.list, index - low));
}

std::optional<ValueRef> Hive::find_value(CellIndex key, Utf16View name) const {
    const KeyNode& node = impl_->node(key);
    if (impl_->values.helps(impl_->cells, node)) return impl_->values.find(impl_->cells, key, node, name);
    return impl_->sound_value(key, find_value_in(impl_->cells, node, name));
}

std::optional<ValueRef> Hive::value_at(CellIndex key, std::uint32_t index) const {
    const CellIndex cell = value_cell(impl_->cells, impl_->node(key), index);
    if (cell == nil_cell) return std::nullopt;
    return impl_->sound_value(key, ValueRef{cell, index});
}

ValueInfo Hive::value_info(ValueRef value) const {
    const Cells& cells = impl_->cells;
    const Bytes cell = cells.data(value.cell);
    const auto* record = rtl::record_at<KeyValue>(cell);
    ValueInfo info = {};
    if (record == nullptr) return info;
    info.type = record->type;
    info.data_size = record->data_size & ~value_inline_bit;
    info.tombstone = (record->flags & value_tombstone) != 0;
    const std::size_t name_size = record->name_size;
    if (record->signature == vk_signature && name_size <= cell.size() - sizeof(KeyValue)) [[likely]] {
        info.name = NameView(cell.subspan(sizeof(KeyValue), name_size), (record->flags & value_comp_name) != 0);
    } else {
        info.name = name_of_value(cells, value.cell, cell);
    }
    if (!plain_data(cells, *record, &info.data)) info.data = data_in_place(cells, *record).value_or(Bytes{});
    return info;
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

CellIndex Hive::security_cell(CellIndex key) const { return impl_->node(key).security; }

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
        if (!impl_->sound_subkeys(key)) continue;
        for (const StorageType type : {StorageType::stable, StorageType::volatile_}) {
            const SubkeyList children = impl_->cells.subkeys(key, node, type);
            for_each_in_list(impl_->cells, children.list, [&](CellIndex child) {
                stack.push_back(child);
                return true;
            });
        }
    }
    return counts;
}

}  // namespace regent::hive
