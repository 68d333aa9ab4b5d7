// Changes of keys. Each is one Edit: allocate first, change saved bytes, free last.
#include <algorithm>
#include <cstring>

#include "hive/hive_impl.h"
#include "hive/value_data.h"

namespace regent::hive {

namespace {

constexpr std::uint16_t created_flags = key_hive_exit | key_no_delete | key_sym_link;
constexpr std::uint16_t settable_flags = created_flags | key_virtual_source | key_virtual_target | key_virtual_store;

// Links `key` (which has its name and parent) into its parent's list, at `place`, and counts it.
Result<void> link_to_parent(Edit& edit, CellIndex parent, CellIndex key, const ListPlace& place) {
    const StorageType type = storage_of(key);
    const Cells& cells = edit.cells();
    const auto* before = cells.record<KeyNode>(parent);
    if (before == nullptr) return fail(STATUS_REGISTRY_CORRUPT);
    const SubkeyList children = cells.subkeys(parent, *before, type);
    const CellIndex moved = RG_TRY(insert_into_list(edit, children.list, place, key, type));
    edit.set_subkeys(parent, type, {children.count + 1, moved});
    const std::size_t name_bytes = name_of_key(cells, key).byte_size();
    const std::uint32_t class_bytes = cells.record<KeyNode>(key)->class_size;
    // Written only where it says something new: a volatile subkey leaves the page of its stable parent clean.
    if (name_bytes <= before->max_name && class_bytes <= before->max_class) return {};
    auto& node = edit.change_record<KeyNode>(parent);
    if (name_bytes > node.max_name) node.max_name = static_cast<std::uint16_t>(name_bytes);
    if (class_bytes > node.max_class) node.max_class = class_bytes;
    return {};
}

Result<void> unlink_from_parent(Edit& edit, CellIndex parent, CellIndex key) {
    const StorageType type = storage_of(key);
    const auto* before = edit.cells().record<KeyNode>(parent);
    const SubkeyList children = before == nullptr ? SubkeyList{} : edit.cells().subkeys(parent, *before, type);
    if (children.count == 0) return fail(STATUS_REGISTRY_CORRUPT);
    const CellIndex moved = RG_TRY(remove_from_list(edit, children.list, key));
    edit.set_subkeys(parent, type, {children.count - 1, moved});
    return {};
}

void release_values(Edit& edit, const KeyNode& node) {
    const std::uint32_t count = value_count(edit.cells(), node);
    for (std::uint32_t i = 0; i < count; ++i) {
        const CellIndex cell = value_cell(edit.cells(), node, i);
        const auto* value = edit.cells().record<KeyValue>(cell);
        if (value == nullptr) continue;
        release_data(edit, *value);
        edit.release_later(cell);
    }
    if (count != 0) edit.release_later(node.value_list);
}

void set_time(Edit& edit, CellIndex key, std::int64_t time) {
    if (time != 0 && edit.cells().record<KeyNode>(key) != nullptr)
        edit.change_record<KeyNode>(key).last_write_time = static_cast<std::uint64_t>(time);
}

}  // namespace

Result<ListPlace> HiveImpl::place_for_subkey(CellIndex parent, Utf16View name, StorageType type) const {
    const StorageType other = type == StorageType::stable ? StorageType::volatile_ : StorageType::stable;
    const SubkeyList others = cells.subkeys(parent, node(parent), other);
    if (others.count != 0 && sound_subkey(parent, find_in_list(cells, others.list, name)))
        return fail(STATUS_OBJECT_NAME_COLLISION);
    const SubkeyList siblings = cells.subkeys(parent, node(parent), type);
    const ListPlace place = place_in_list(cells, siblings.list, name);
    if (!place.found) return place;
    const CellIndex known = list_view(cells, place.leaf).cell(place.position);
    return fail(sound_subkey(parent, known) ? STATUS_OBJECT_NAME_COLLISION : STATUS_REGISTRY_CORRUPT);
}

template <typename GetSecurity>
Result<CellIndex> HiveImpl::create_subkey(const NewKey& key, StorageType type, GetSecurity get_security) {
    RG_TRY(require_writable(key.parent));
    RG_TRY(check_key_name(key.name));
    if (key.class_name.size() > 32767) return fail(STATUS_INVALID_PARAMETER);
    if (type == StorageType::stable && storage_of(key.parent) == StorageType::volatile_) {
        return fail(STATUS_CHILD_MUST_BE_VOLATILE);
    }
    if (depth_of(key.parent) >= max_key_depth) return fail(STATUS_INVALID_PARAMETER);
    const ListPlace place = RG_TRY(place_for_subkey(key.parent, key.name, type));

    Edit edit(cells);
    NewKey node = key;
    node.security = RG_TRY(get_security(edit));
    node.flags = static_cast<std::uint16_t>(key.flags & created_flags);
    const CellIndex cell = RG_TRY(new_key_node(edit, type, node));
    RG_TRY(link_to_parent(edit, key.parent, cell, place));
    set_time(edit, key.parent, key.time);
    commit(edit);
    return cell;
}

Result<CellIndex> Hive::create_subkey(CellIndex parent, Utf16View name, Utf16View class_name, Bytes sd,
                                      StorageType type, std::int64_t time, std::uint16_t flags) {
    const NewKey key = {parent, nil_cell, name, class_name, time, flags};
    const CellIndex cell = RG_TRY(impl_->create_subkey(key, type, [&](Edit& edit) -> Result<CellIndex> {
        if (sd.empty()) return fail(STATUS_INVALID_PARAMETER);
        if (!valid_descriptor(sd)) return fail(STATUS_INVALID_SECURITY_DESCR);
        return impl_->security.acquire(edit, type, sd);
    }));
    RG_TRY(end_operation());
    return cell;
}

Result<CellIndex> Hive::create_subkey_sharing(CellIndex parent, Utf16View name, Utf16View class_name,
                                              CellIndex security, StorageType type, std::int64_t time,
                                              std::uint16_t flags) {
    const NewKey key = {parent, nil_cell, name, class_name, time, flags};
    const auto share = [&](Edit& edit) { return impl_->security.share(edit, type, security); };
    const CellIndex cell = RG_TRY(impl_->create_subkey(key, type, share));
    RG_TRY(end_operation());
    return cell;
}

Result<void> Hive::delete_key(CellIndex key, std::int64_t time) {
    RG_TRY(impl_->require_writable(key));
    if (key == impl_->root) return fail(STATUS_ACCESS_DENIED);
    const KeyNode& node = impl_->node(key);
    if (impl_->subkey_count(key) != 0) return fail(STATUS_KEY_HAS_CHILDREN);

    Edit edit(impl_->cells);
    const CellIndex parent = node.parent;
    RG_TRY(unlink_from_parent(edit, parent, key));
    release_values(edit, node);
    if (node.class_size != 0) edit.release_later(node.class_cell);
    RG_TRY(impl_->security.drop(edit, node.security));
    edit.release_later(key);
    set_time(edit, parent, time);
    impl_->commit(edit);
    impl_->values.forget(key);
    return end_operation();
}

namespace {

// A copy of the key node with another name, for a name that does not fit its cell; children follow it.
Result<CellIndex> move_key_node(Edit& edit, CellIndex key, std::size_t name_bytes) {
    Cells& cells = edit.cells();
    const CellIndex moved = RG_TRY(edit.allocate(storage_of(key), sizeof(KeyNode) + name_bytes));
    std::memcpy(edit.fresh(moved).data(), cells.data(key).data(), sizeof(KeyNode));
    const KeyNode& node = *cells.record<KeyNode>(key);
    for (const StorageType type : {StorageType::stable, StorageType::volatile_}) {
        const SubkeyList children = cells.subkeys(key, node, type);
        bool sound = true;
        for_each_in_list(cells, children.list, [&](CellIndex child) {
            sound = cells.record<KeyNode>(child) != nullptr;
            if (sound) edit.change_record<KeyNode>(child).parent = moved;
            return sound;
        });
        if (!sound) return fail(STATUS_REGISTRY_CORRUPT);
        if (type == StorageType::volatile_ && children.count != 0) {
            edit.set_subkeys(key, type, {});
            edit.set_subkeys(moved, type, children);
        }
    }
    edit.release_later(key);
    return moved;
}

}  // namespace

Result<CellIndex> Hive::rename_key(CellIndex key, Utf16View name, std::int64_t time) {
    RG_TRY(impl_->require_writable(key));
    if (key == impl_->root) return fail(STATUS_ACCESS_DENIED);
    RG_TRY(check_key_name(name));
    const CellIndex parent = impl_->node(key).parent;
    const auto existing = find_subkey(parent, name);
    if (existing && *existing != key) return fail(STATUS_OBJECT_NAME_COLLISION);

    Edit edit(impl_->cells);
    RG_TRY(unlink_from_parent(edit, parent, key));
    const std::size_t name_bytes = stored_size(name);
    CellIndex cell = key;
    if (impl_->cells.data(key).size() < sizeof(KeyNode) + name_bytes) {
        cell = RG_TRY(move_key_node(edit, key, name_bytes));
    }
    const MutableBytes data = edit.change(cell, 0, impl_->cells.data(cell).size());
    auto& node = *rtl::record_at<KeyNode>(data);
    node.flags = static_cast<std::uint16_t>((node.flags & ~key_comp_name) | (compressible(name) ? key_comp_name : 0));
    node.name_size = static_cast<std::uint16_t>(name_bytes);
    std::fill(data.begin() + sizeof(KeyNode), data.end(), std::byte{0});
    store_name(name, data.subspan(sizeof(KeyNode), name_bytes));
    const SubkeyList siblings = impl_->cells.subkeys(parent, *impl_->cells.record<KeyNode>(parent), storage_of(cell));
    RG_TRY(link_to_parent(edit, parent, cell, place_in_list(impl_->cells, siblings.list, name)));
    set_time(edit, cell, time);
    set_time(edit, parent, time);
    impl_->commit(edit);
    impl_->values.forget(key);
    RG_TRY(end_operation());
    return cell;
}

Result<void> Hive::set_security(CellIndex key, Bytes sd, std::int64_t time) {
    RG_TRY(impl_->require_writable(key));
    if (!valid_descriptor(sd)) return fail(STATUS_INVALID_SECURITY_DESCR);
    Edit edit(impl_->cells);
    const CellIndex security = RG_TRY(impl_->security.acquire(edit, storage_of(key), sd));
    RG_TRY(impl_->security.drop(edit, impl_->node(key).security));
    edit.change_record<KeyNode>(key).security = security;
    set_time(edit, key, time);
    impl_->commit(edit);
    return end_operation();
}

Result<void> Hive::set_last_write_time(CellIndex key, std::int64_t time) {
    RG_TRY(impl_->require_writable(key));
    Edit edit(impl_->cells);
    edit.change_record<KeyNode>(key).last_write_time = static_cast<std::uint64_t>(time);
    impl_->commit(edit);
    return end_operation();
}

Result<void> Hive::set_flags(CellIndex key, std::uint16_t flags) {
    RG_TRY(impl_->require_writable(key));
    Edit edit(impl_->cells);
    auto& node = edit.change_record<KeyNode>(key);
    node.flags = static_cast<std::uint16_t>((node.flags & ~settable_flags) | (flags & settable_flags));
    impl_->commit(edit);
    return end_operation();
}

Result<void> Hive::set_user_flags(CellIndex key, std::uint8_t user_flags, std::uint8_t virtualization_flags) {
    RG_TRY(impl_->require_writable(key));
    Edit edit(impl_->cells);
    edit.change_record<KeyNode>(key).virtual_flags =
        static_cast<std::byte>((user_flags & 0x0F) << 4 | (virtualization_flags & 0x0F));
    impl_->commit(edit);
    return end_operation();
}

}  // namespace regent::hive
