#include "cm/key_image.h"

#include <algorithm>
#include <cstring>

#include "cm/tree_copy.h"

namespace regent::cm {

namespace {

constexpr std::uint16_t created_flags = hive::key_no_delete | hive::key_sym_link | hive::key_predef_handle;

std::vector<std::byte> copy_of(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

bool same_value(const hive::Hive& storage, hive::ValueRef value, const ValueImage& image) {
    const hive::ValueInfo info = storage.value_info(value);
    if (info.type != image.type || info.data_size != image.data.size() || info.tombstone) return false;
    std::vector<std::byte> data(info.data_size);
    storage.read_value(value, 0, data);
    return data == image.data;
}

// Names of the values that are in the list already, in the image's order, from the first one on.
std::size_t common_order(const hive::Hive& storage, hive::CellIndex key, const std::vector<ValueImage>& values) {
    std::size_t same = 0;
    while (same < values.size()) {
        const auto there = storage.value_at(key, static_cast<std::uint32_t>(same));
        if (!there || !hive::equal_folded(storage.value_info(*there).name, values[same].name)) break;
        ++same;
    }
    return same;
}

bool keeps(const std::vector<ValueImage>& values, const hive::NameView& name) {
    return std::any_of(values.begin(), values.end(),
                       [&](const ValueImage& value) { return hive::equal_folded(name, value.name); });
}

// Exactly these values, in this order: what is not kept goes first, then what stands at another place.
Result<void> put_values(hive::Hive& storage, hive::CellIndex key, const std::vector<ValueImage>& values) {
    for (std::uint32_t left = storage.key_info(key).value_count; left > 0; --left) {
        const auto value = storage.value_at(key, left - 1);
        if (!value || keeps(values, storage.value_info(*value).name)) continue;
        const Utf16 name = storage.value_info(*value).name.to_utf16();
        RG_TRY(storage.delete_value(key, name, 0));
    }
    const std::size_t same = common_order(storage, key, values);
    for (std::uint32_t left = storage.key_info(key).value_count; left > same; --left) {
        const auto value = storage.value_at(key, left - 1);
        if (!value) continue;
        const Utf16 name = storage.value_info(*value).name.to_utf16();
        RG_TRY(storage.delete_value(key, name, 0));
    }
    for (const ValueImage& value : values) {
        const auto there = storage.find_value(key, value.name);
        if (there && same_value(storage, *there, value)) continue;
        RG_TRY(storage.set_value(key, value.name, value.type, value.data, 0));
    }
    return {};
}

Result<void> put_content(hive::Hive& storage, hive::CellIndex key, const KeyImage& image) {
    RG_TRY(put_values(storage, key, image.values));
    RG_TRY(storage.set_user_flags(key, image.user_flags, image.virtualization_flags));
    const Bytes security = storage.security(key);
    if (std::ranges::equal(security, image.security)) return {};
    return storage.set_security(key, image.security, 0);
}

Result<void> remove_key(hive::Hive& storage, hive::CellIndex key) {
    RG_TRY(empty_tree(storage, key));
    return storage.delete_key(key);
}

Result<void> put_key(hive::Hive& storage, const KeyChange& change) {
    const auto there = find_key(storage, change.path);
    if (there) {
        if (change.content) RG_TRY(put_content(storage, *there, change.image));
        return change.time != 0 ? storage.set_last_write_time(*there, change.time) : Result<void>{};
    }
    const std::span<const Utf16> path(change.path);
    const auto parent = path.empty() ? std::nullopt : find_key(storage, path.first(path.size() - 1));
    if (!parent) return fail(STATUS_OBJECT_NAME_NOT_FOUND);
    RG_TRY(create_from(change.image, storage, *parent, path.back()));
    return {};
}

std::int64_t parent_time_of(const hive::Hive& storage, std::span<const Utf16> path) {
    const auto parent = path.empty() ? std::nullopt : find_key(storage, path.first(path.size() - 1));
    return parent ? storage.key_info(*parent).last_write_time : 0;
}

}  // namespace

KeyImage image_of(const hive::Hive& storage, hive::CellIndex key) {
    const hive::KeyInfo info = storage.key_info(key);
    KeyImage image;
    image.class_name.resize(info.class_name.size() / sizeof(char16_t));
    if (!image.class_name.empty())
        std::memcpy(image.class_name.data(), info.class_name.data(), image.class_name.size() * sizeof(char16_t));
    image.security = copy_of(storage.security(key));
    image.in_memory = hive::storage_of(key) == hive::StorageType::volatile_;
    image.flags = static_cast<std::uint16_t>(info.flags & created_flags);
    image.user_flags = info.user_flags;
    image.virtualization_flags = info.virtualization_flags;
    image.time = info.last_write_time;
    image.values.reserve(info.value_count);
    for (std::uint32_t i = 0; i < info.value_count; ++i) {
        const auto value = storage.value_at(key, i);
        if (!value) continue;
        const hive::ValueInfo about = storage.value_info(*value);
        ValueImage copy{about.name.to_utf16(), about.type, std::vector<std::byte>(about.data_size)};
        storage.read_value(*value, 0, copy.data);
        image.values.push_back(std::move(copy));
    }
    return image;
}

Result<hive::CellIndex> create_from(const KeyImage& image, hive::Hive& storage, hive::CellIndex parent,
                                    Utf16View name) {
    const auto type = image.in_memory ? hive::StorageType::volatile_ : hive::StorageType::stable;
    const hive::CellIndex made =
        RG_TRY(storage.create_subkey(parent, name, image.class_name, image.security, type, image.time, image.flags));
    for (const ValueImage& value : image.values)
        RG_TRY(storage.set_value(made, value.name, value.type, value.data, image.time));
    RG_TRY(storage.set_user_flags(made, image.user_flags, image.virtualization_flags));
    return made;
}

std::optional<hive::CellIndex> find_key(const hive::Hive& storage, std::span<const Utf16> path) {
    hive::CellIndex at = storage.root();
    for (const Utf16& name : path) {
        const auto child = storage.find_subkey(at, name);
        if (!child) return std::nullopt;
        at = *child;
    }
    return at;
}

Result<void> apply_change(hive::Hive& storage, const KeyChange& change) {
    if (change.removed) {
        const auto there = find_key(storage, change.path);
        if (there) RG_TRY(remove_key(storage, *there));
    } else {
        RG_TRY(put_key(storage, change));
    }
    if (!change.parent_time || change.path.empty()) return {};
    const auto parent = find_key(storage, std::span(change.path).first(change.path.size() - 1));
    return parent ? storage.set_last_write_time(*parent, *change.parent_time) : Result<void>{};
}

KeyChange inverse_of(const hive::Hive& storage, const KeyChange& change) {
    KeyChange inverse;
    inverse.path = change.path;
    inverse.parent_time = parent_time_of(storage, change.path);
    const auto there = find_key(storage, change.path);
    inverse.removed = !there;
    if (!there) return inverse;
    inverse.content = true;
    inverse.image = image_of(storage, *there);
    inverse.time = inverse.image.time;
    return inverse;
}

}  // namespace regent::cm
