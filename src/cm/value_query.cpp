// NtQueryValueKey's and NtEnumerateValueKey's information classes.
#include "cm/transacted_key.h"

namespace regent::cm {

namespace {

std::uint32_t u32(std::size_t size) { return static_cast<std::uint32_t>(size); }

std::size_t align(std::size_t offset, std::size_t alignment) { return (offset + alignment - 1) & ~(alignment - 1); }

// A value in its hive, and where an answer about it goes.
struct Subject {
    const hive::Hive& storage;
    hive::ValueRef value;
    hive::ValueInfo info;
};

QueryOutcome write_basic(const Subject& subject, MutableBytes out) {
    InfoWriter writer(out, offsetof(KEY_VALUE_BASIC_INFORMATION, Name));
    writer.field(offsetof(KEY_VALUE_BASIC_INFORMATION, TitleIndex), std::uint32_t{0});
    writer.field(offsetof(KEY_VALUE_BASIC_INFORMATION, Type), subject.info.type);
    writer.field(offsetof(KEY_VALUE_BASIC_INFORMATION, NameLength), u32(subject.info.name.byte_size()));
    writer.name(offsetof(KEY_VALUE_BASIC_INFORMATION, Name), subject.info.name);
    return writer.finish();
}

void write_data(const Subject& subject, InfoWriter& writer, std::size_t offset) {
    const MutableBytes where = writer.room(offset, subject.info.data_size);
    if (subject.info.data.size() < where.size()) {  // not in one piece
        subject.storage.read_value(subject.value, 0, where);
    } else if (!where.empty()) {
        std::memcpy(where.data(), subject.info.data.data(), where.size());
    }
}

QueryOutcome write_full(const Subject& subject, std::size_t alignment, MutableBytes out) {
    constexpr std::size_t header = offsetof(KEY_VALUE_FULL_INFORMATION, Name);
    const std::size_t name_end = header + subject.info.name.byte_size();
    const std::size_t data_at = align(name_end, alignment);
    InfoWriter writer(out, header);
    writer.field(offsetof(KEY_VALUE_FULL_INFORMATION, TitleIndex), std::uint32_t{0});
    writer.field(offsetof(KEY_VALUE_FULL_INFORMATION, Type), subject.info.type);
    writer.field(offsetof(KEY_VALUE_FULL_INFORMATION, DataOffset), u32(data_at));
    writer.field(offsetof(KEY_VALUE_FULL_INFORMATION, DataLength), subject.info.data_size);
    writer.field(offsetof(KEY_VALUE_FULL_INFORMATION, NameLength), u32(subject.info.name.byte_size()));
    writer.name(header, subject.info.name);
    write_data(subject, writer, data_at);
    return writer.finish();
}

QueryOutcome write_partial(const Subject& subject, MutableBytes out) {
    InfoWriter writer(out, offsetof(KEY_VALUE_PARTIAL_INFORMATION, Data));
    writer.field(offsetof(KEY_VALUE_PARTIAL_INFORMATION, TitleIndex), std::uint32_t{0});
    writer.field(offsetof(KEY_VALUE_PARTIAL_INFORMATION, Type), subject.info.type);
    writer.field(offsetof(KEY_VALUE_PARTIAL_INFORMATION, DataLength), subject.info.data_size);
    write_data(subject, writer, offsetof(KEY_VALUE_PARTIAL_INFORMATION, Data));
    return writer.finish();
}

QueryOutcome write_partial_align64(const Subject& subject, MutableBytes out) {
    InfoWriter writer(out, offsetof(KEY_VALUE_PARTIAL_INFORMATION_ALIGN64, Data));
    writer.field(offsetof(KEY_VALUE_PARTIAL_INFORMATION_ALIGN64, Type), subject.info.type);
    writer.field(offsetof(KEY_VALUE_PARTIAL_INFORMATION_ALIGN64, DataLength), subject.info.data_size);
    write_data(subject, writer, offsetof(KEY_VALUE_PARTIAL_INFORMATION_ALIGN64, Data));
    return writer.finish();
}

QueryOutcome write_layer(const Subject& subject, MutableBytes out) {
    InfoWriter writer(out, sizeof(std::uint32_t));
    writer.field(0, std::uint32_t{subject.info.tombstone ? 1u : 0u});
    return writer.finish();
}

QueryOutcome write_value(const hive::Hive& storage, hive::ValueRef value, KEY_VALUE_INFORMATION_CLASS what,
                         MutableBytes out) {
    const Subject subject{storage, value, storage.value_info(value)};
    switch (what) {
        case KeyValueBasicInformation:
            return write_basic(subject, out);
        case KeyValueFullInformation:
            return write_full(subject, 4, out);
        case KeyValueFullInformationAlign64:
            return write_full(subject, 8, out);
        case KeyValuePartialInformation:
            return write_partial(subject, out);
        case KeyValuePartialInformationAlign64:
            return write_partial_align64(subject, out);
        case KeyValueLayerInformation:
            return write_layer(subject, out);
        default:
            return fail(STATUS_INVALID_PARAMETER);
    }
}

template <typename Key>
QueryOutcome answer_by_name(const Key& key, Utf16View name, KEY_VALUE_INFORMATION_CLASS what, MutableBytes out) {
    if (what < 0 || what >= MaxKeyValueInfoClass) return fail(STATUS_INVALID_PARAMETER);
    if (name.size() > hive::max_value_name) return fail(STATUS_OBJECT_NAME_NOT_FOUND);
    const auto value = key.storage().find_value(key.cell(), name);
    if (!value) return fail(key.storage().absence(STATUS_OBJECT_NAME_NOT_FOUND));
    return write_value(key.storage(), *value, what, out);
}

template <typename Key>
QueryOutcome answer_by_index(const Key& key, ULONG index, KEY_VALUE_INFORMATION_CLASS what, MutableBytes out) {
    if (what < 0 || what >= MaxKeyValueInfoClass) return fail(STATUS_INVALID_PARAMETER);
    const auto value = key.storage().value_at(key.cell(), index);
    if (!value) return fail(key.storage().absence(STATUS_NO_MORE_ENTRIES));
    return write_value(key.storage(), *value, what, out);
}

}  // namespace

QueryOutcome query_value(const KeyBody& body, Utf16View name, KEY_VALUE_INFORMATION_CLASS what, MutableBytes out) {
    if (body.bound() != nullptr) [[unlikely]] {
        TransactedKey key(body.block(), *body.bound()->transaction);
        RG_TRY(key.alive());
        return answer_by_name(key, name, what, out);
    }
    const ReadKey key(body.block());
    RG_TRY(key.alive());
    return answer_by_name(key, name, what, out);
}

QueryOutcome enumerate_value(const KeyBody& body, ULONG index, KEY_VALUE_INFORMATION_CLASS what, MutableBytes out) {
    if (body.bound() != nullptr) [[unlikely]] {
        TransactedKey key(body.block(), *body.bound()->transaction);
        RG_TRY(key.alive());
        return answer_by_index(key, index, what, out);
    }
    const ReadKey key(body.block());
    RG_TRY(key.alive());
    return answer_by_index(key, index, what, out);
}

}  // namespace regent::cm
