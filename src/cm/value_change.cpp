// Setting and deleting values.
#include <array>
#include <cstring>

#include "cm/transacted_key.h"

namespace regent::cm {

namespace {

constexpr Utf16View link_value_name = u"SymbolicLinkValue";

bool same_data(const hive::Hive& storage, hive::ValueRef value, Bytes data) {
    if (const auto bytes = storage.value_bytes(value)) {
        return bytes->size() == data.size() &&
               (data.empty() || std::memcmp(bytes->data(), data.data(), data.size()) == 0);
    }
    std::array<std::byte, 4096> piece;
    for (std::size_t at = 0; at < data.size();) {
        const std::size_t size = std::min(piece.size(), data.size() - at);
        if (storage.read_value(value, at, std::span(piece).first(size)) != size) return false;
        if (std::memcmp(piece.data(), data.data() + at, size) != 0) return false;
        at += size;
    }
    return true;
}

// Writing what is there already changes nothing: no notification, no new time, nothing dirty (NT-8).
bool is_unchanged(const hive::Hive& storage, const std::optional<hive::ValueRef>& value, ULONG type, Bytes data) {
    if (!value) return false;
    const hive::ValueInfo info = storage.value_info(*value);
    return info.type == type && info.data_size == data.size() && !info.tombstone && same_data(storage, *value, data);
}

// ERRORS, in this order: INVALID_PARAMETER, INSUFFICIENT_RESOURCES, ACCESS_DENIED.
Result<void> may_set(const KeyControlBlock& block, Utf16View name, ULONG type, Bytes data) {
    if (name.size() > hive::max_value_name) return fail(STATUS_INVALID_PARAMETER);
    if (data.size() > hive::max_value_data) return fail(STATUS_INSUFFICIENT_RESOURCES);
    if (block.is_link() && (type != REG_LINK || !rtl::equal_folded(name, link_value_name))) {
        return fail(STATUS_ACCESS_DENIED);  // SL-2
    }
    return {};
}

Result<void> set_transacted(const KeyBody& body, Utf16View name, ULONG type, Bytes data) {
    TransactedKey key(body.block(), *body.bound()->transaction);
    RG_TRY(key.writable());
    RG_TRY(may_set(body.block(), name, type, data));
    if (is_unchanged(key.storage(), key.storage().find_value(key.cell(), name), type, data)) return {};
    const std::int64_t time = key.next_time();
    const auto content = RG_TRY(key.change_content(REG_NOTIFY_CHANGE_LAST_SET));
    return content.storage.set_value(content.cell, name, type, data, time);
}

Result<void> delete_transacted(const KeyBody& body, Utf16View name) {
    TransactedKey key(body.block(), *body.bound()->transaction);
    RG_TRY(key.writable());
    if (name.size() > hive::max_value_name || !key.storage().find_value(key.cell(), name))
        return fail(STATUS_OBJECT_NAME_NOT_FOUND);
    const std::int64_t time = key.next_time();
    const auto content = RG_TRY(key.change_content(REG_NOTIFY_CHANGE_LAST_SET));
    return content.storage.delete_value(content.cell, name, time);
}

}  // namespace

Result<void> set_value(KeyBody& body, Utf16View name, ULONG type, Bytes data) {
    if (body.bound() != nullptr) [[unlikely]]
        return set_transacted(body, name, type, data);
    WriteKey key(body.block(), WriteKey::Descriptors::stay);
    RG_TRY(key.writable());
    RG_TRY(may_set(body.block(), name, type, data));
    const auto existing = key.storage().find_value(key.cell(), name);
    if (is_unchanged(key.storage(), existing, type, data)) return key.done();
    RG_TRY(key.storage().set_value(key.cell(), existing, name, type, data, key.next_time(key.cell())));
    const Result<void> done = key.done();
    notifier().report(body.block(), REG_NOTIFY_CHANGE_LAST_SET);
    return done;
}

Result<void> delete_value(KeyBody& body, Utf16View name) {
    if (body.bound() != nullptr) [[unlikely]]
        return delete_transacted(body, name);
    WriteKey key(body.block(), WriteKey::Descriptors::stay);
    RG_TRY(key.writable());
    if (name.size() > hive::max_value_name) return fail(STATUS_OBJECT_NAME_NOT_FOUND);
    RG_TRY(key.storage().delete_value(key.cell(), name, key.next_time(key.cell())));
    const Result<void> done = key.done();
    notifier().report(body.block(), REG_NOTIFY_CHANGE_LAST_SET);
    return done;
}

}  // namespace regent::cm
