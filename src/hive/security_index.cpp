#include "hive/security_index.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <string_view>

namespace regent::hive {

namespace {

std::uint64_t hash_of(Bytes descriptor) {
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(descriptor.data()), descriptor.size()});
}

// Null when the cell holds no security record. In a hive that is validated on touch another record may have claimed a
// cell of the circle, and freed it since.
const KeySecurity* security_record(const Cells& cells, CellIndex cell) {
    const auto* record = cells.record<KeySecurity>(cell);
    return record != nullptr && record->signature == sk_signature ? record : nullptr;
}

// A count about to wrap is left alone: a second cell with the same descriptor is legal.
constexpr std::uint32_t most_references = 0xFFFFFFFE;

void add_reference(Edit& edit, CellIndex security) {
    auto& record = edit.change_record<KeySecurity>(security);
    record.reference_count = record.reference_count + 1;
}

// The circle does not hold any more.
std::unexpected<Status> broken_circle(const Cells& cells, CellIndex cell) {
    cells.met_damage(FindingKind::security, cell, "a closed list of security cells");
    return fail(STATUS_REGISTRY_CORRUPT);
}

}  // namespace

Bytes descriptor_of(const Cells& cells, CellIndex security) {
    const Bytes data = cells.data(security);
    const auto* record = security_record(cells, security);
    if (record == nullptr) return {};
    return rtl::slice(data, sizeof(KeySecurity), record->descriptor_size).value_or(Bytes{});
}

std::optional<CellIndex> SecurityIndex::find(const Cells& cells, StorageType type, Bytes descriptor) const {
    const auto [first, last] = cells_by_hash_.equal_range(hash_of(descriptor));
    for (auto it = first; it != last; ++it) {
        if (storage_of(it->second) != type) continue;
        const Bytes stored = descriptor_of(cells, it->second);
        if (stored.size() != descriptor.size()) continue;
        if (std::memcmp(stored.data(), descriptor.data(), stored.size()) != 0) continue;
        if (cells.record<KeySecurity>(it->second)->reference_count < most_references) return it->second;
    }
    return std::nullopt;
}

std::optional<CellIndex> SecurityIndex::any_of(StorageType type) const {
    for (const auto& [hash, cell] : cells_by_hash_) {
        if (storage_of(cell) == type) return cell;
    }
    return std::nullopt;
}

// Each link is checked both ways, so that the walk ends where it began, or at damage.
Result<void> SecurityIndex::read_circle(const Cells& cells) {
    if (unread_ == nil_cell) return {};
    const auto* root = cells.record<KeyNode>(unread_);
    const CellIndex start = root == nullptr ? nil_cell : CellIndex{root->security};
    CellIndex cell = start;
    do {
        const bool good = storage_of(cell) == StorageType::stable && valid_descriptor(descriptor_of(cells, cell));
        const CellIndex next = good ? CellIndex{cells.record<KeySecurity>(cell)->flink} : nil_cell;
        const auto* after = good ? cells.record<KeySecurity>(next) : nullptr;
        if (after == nullptr || after->blink != cell) {
            cells_by_hash_.clear();
            cells.stable().suspect(FindingKind::security, cell, "a closed list of security cells", "a broken one");
            return fail(STATUS_REGISTRY_CORRUPT);
        }
        add(cells, cell);
        cell = next;
    } while (cell != start);
    unread_ = nil_cell;
    return {};
}

Result<CellIndex> SecurityIndex::acquire(Edit& edit, StorageType type, Bytes descriptor) {
    if (descriptor.empty()) return fail(STATUS_INVALID_PARAMETER);
    if (type == StorageType::stable) RG_TRY(read_circle(edit.cells()));
    if (const auto found = find(edit.cells(), type, descriptor)) {
        add_reference(edit, *found);
        return *found;
    }
    const CellIndex cell = RG_TRY(edit.allocate(type, sizeof(KeySecurity) + descriptor.size()));
    auto& record = edit.fresh_record<KeySecurity>(cell);
    record.signature = sk_signature;
    record.reference_count = 1;
    record.descriptor_size = static_cast<std::uint32_t>(descriptor.size());
    record.flink = cell;
    record.blink = cell;
    std::memcpy(edit.fresh(cell).data() + sizeof(KeySecurity), descriptor.data(), descriptor.size());
    if (const auto neighbour = any_of(type)) {
        const auto* beside = security_record(edit.cells(), *neighbour);
        if (beside == nullptr) return broken_circle(edit.cells(), *neighbour);
        const CellIndex next = beside->flink;
        if (security_record(edit.cells(), next) == nullptr) return broken_circle(edit.cells(), next);
        edit.change_record<KeySecurity>(*neighbour).flink = cell;
        edit.change_record<KeySecurity>(next).blink = cell;
        record.flink = next;
        record.blink = *neighbour;
    }
    edit.created_security.push_back(cell);
    return cell;
}

Result<CellIndex> SecurityIndex::share(Edit& edit, StorageType type, CellIndex security) {
    const auto* record = security_record(edit.cells(), security);
    if (record == nullptr || storage_of(security) != type) return fail(STATUS_INVALID_PARAMETER);
    if (record->reference_count >= most_references) return acquire(edit, type, descriptor_of(edit.cells(), security));
    add_reference(edit, security);
    return security;
}

Result<void> SecurityIndex::drop(Edit& edit, CellIndex security) {
    const auto* record = security_record(edit.cells(), security);
    if (record == nullptr) return broken_circle(edit.cells(), security);
    if (record->reference_count > 1) {
        auto& changed = edit.change_record<KeySecurity>(security);
        changed.reference_count = changed.reference_count - 1;
        return {};
    }
    const CellIndex next = record->flink;
    const CellIndex previous = record->blink;
    for (const CellIndex neighbour : {next, previous}) {
        if (security_record(edit.cells(), neighbour) == nullptr) return broken_circle(edit.cells(), neighbour);
    }
    edit.change_record<KeySecurity>(previous).flink = next;
    edit.change_record<KeySecurity>(next).blink = previous;
    edit.dropped_security.push_back(security);
    edit.release_later(security);
    return {};
}

void SecurityIndex::forget(const Cells& cells, CellIndex security) {
    const auto [first, last] = cells_by_hash_.equal_range(hash_of(descriptor_of(cells, security)));
    for (auto it = first; it != last; ++it) {
        if (it->second != security) continue;
        cells_by_hash_.erase(it);
        return;
    }
}

SecurityIndex SecurityIndex::without_stable(CellIndex root) const {
    SecurityIndex other;
    for (const auto& entry : cells_by_hash_) {
        if (storage_of(entry.second) == StorageType::volatile_) other.cells_by_hash_.insert(entry);
    }
    other.be_lazy(root);
    return other;
}

void SecurityIndex::add(const Cells& cells, CellIndex security) {
    try {
        cells_by_hash_.emplace(hash_of(descriptor_of(cells, security)), security);
    } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): nothing is lost
        // The cell is only not shared any more.
    }
}

void SecurityIndex::commit(Edit& edit) {
    for (CellIndex cell : edit.dropped_security) forget(edit.cells(), cell);
    edit.commit();
    for (CellIndex cell : edit.created_security) add(edit.cells(), cell);
}

}  // namespace regent::hive
