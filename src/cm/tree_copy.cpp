#include "cm/tree_copy.h"

#include <cstring>
#include <vector>

namespace regent::cm {

namespace {

constexpr std::uint16_t copied_flags = hive::key_no_delete | hive::key_sym_link | hive::key_predef_handle;

std::vector<std::byte> copy_of(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

Result<void> copy_values(const hive::Hive& from, hive::CellIndex source, hive::Hive& to, hive::CellIndex target) {
    const hive::KeyInfo info = from.key_info(source);
    std::vector<std::byte> data;
    for (std::uint32_t i = 0; i < info.value_count; ++i) {
        const auto value = from.value_at(source, i);
        if (!value) continue;
        const hive::ValueInfo about = from.value_info(*value);
        data.resize(about.data_size);
        from.read_value(*value, 0, data);
        RG_TRY(to.set_value(target, about.name.to_utf16(), about.type, data, info.last_write_time));
    }
    return {};
}

// The subkey of `target` that takes a copy of `source`: the one of that name, or a new one.
Result<hive::CellIndex> ensure_subkey(const hive::Hive& from, hive::CellIndex source, hive::Hive& to,
                                      hive::CellIndex target) {
    const hive::KeyInfo info = from.key_info(source);
    const Utf16 name = info.name.to_utf16();
    if (const auto known = to.find_subkey(target, name)) return *known;
    const std::vector<std::byte> security = copy_of(from.security(source));
    Utf16 class_name(info.class_name.size() / sizeof(char16_t), u'\0');
    if (!class_name.empty())
        std::memcpy(class_name.data(), info.class_name.data(), class_name.size() * sizeof(char16_t));
    const auto type =
        (to.flags(target) & hive::key_volatile) != 0 ? hive::StorageType::volatile_ : hive::StorageType::stable;
    return to.create_subkey(target, name, class_name, security, type, info.last_write_time,
                            static_cast<std::uint16_t>(info.flags & copied_flags));
}

}  // namespace

Result<void> copy_tree(const hive::Hive& from, hive::CellIndex source, hive::Hive& to, hive::CellIndex target) {
    RG_TRY(copy_values(from, source, to, target));
    const hive::KeyInfo top = from.key_info(source);
    for (std::uint32_t i = 0; i < top.subkey_count; ++i) {
        const auto child = from.subkey_at(source, i);
        if (!child) continue;
        if ((from.flags(*child) & hive::key_volatile) != 0) continue;
        const hive::CellIndex made = RG_TRY(ensure_subkey(from, *child, to, target));
        RG_TRY(copy_tree(from, *child, to, made));  // as deep as a hive is: 512 levels
    }
    RG_TRY(to.set_user_flags(target, top.user_flags, top.virtualization_flags));
    return to.set_last_write_time(target, top.last_write_time);
}

Result<void> empty_tree(hive::Hive& storage, hive::CellIndex key) {
    const std::int64_t time = storage.key_info(key).last_write_time;
    for (std::uint32_t left = storage.key_info(key).subkey_count; left > 0; --left) {
        const auto child = storage.subkey_at(key, left - 1);
        if (!child) continue;
        RG_TRY(empty_tree(storage, *child));
        RG_TRY(storage.delete_key(*child));
    }
    for (std::uint32_t left = storage.key_info(key).value_count; left > 0; --left) {
        const auto value = storage.value_at(key, left - 1);
        if (!value) continue;
        const Utf16 name = storage.value_info(*value).name.to_utf16();
        RG_TRY(storage.delete_value(key, name, time));
    }
    return {};
}

}  // namespace regent::cm
