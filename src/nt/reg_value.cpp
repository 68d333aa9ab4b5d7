// NtQueryValueKey, NtEnumerateValueKey, NtSetValueKey, NtDeleteValueKey.
#include "cm/callback.h"
#include "nt/reg_audit.h"
#include "nt/reg_key.h"
#include "nt/service.h"

namespace regent::nt {
namespace {

constexpr ULONG max_value_entries = 0x10000;  // of one query (QM-1)

// ERRORS: those of a name.
Result<void> capture_names(const KEY_VALUE_ENTRY* entries, ULONG count, std::vector<Utf16>& names) {
    names.reserve(count);
    for (ULONG i = 0; i < count; ++i) {
        CapturedValueName name;
        RG_TRY(name.capture(entries[i].ValueName));
        names.emplace_back(name.view());
    }
    return {};
}

}  // namespace
}  // namespace regent::nt

namespace regent::nt::service {

// ERRORS, in this order: ACCESS_VIOLATION, INVALID_PARAMETER (class), the handle's, the callbacks', cm::query_value's.
NTSTATUS NtQueryValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName,
                         KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass, PVOID KeyValueInformation, ULONG Length,
                         PULONG ResultLength) {
    if (ResultLength == nullptr) return STATUS_ACCESS_VIOLATION;
    const auto out = output_buffer(KeyValueInformation, Length);
    if (!out) return out.error().code();
    if (KeyValueInformationClass < 0 || KeyValueInformationClass >= MaxKeyValueInfoClass) {
        return STATUS_INVALID_PARAMETER;
    }
    CapturedValueName name;
    const auto captured = name.capture(ValueName);
    if (!captured) return captured.error().code();
    const auto key = reference_key(KeyHandle, KEY_QUERY_VALUE);
    if (!key) return key.error().code();
    const auto query = [&] {
        return finish_query(cm::query_value(**key, name.view(), KeyValueInformationClass, *out), ResultLength);
    };
    if (!cm::filter::any_registered()) return query();
    REG_QUERY_VALUE_KEY_INFORMATION info{};
    info.Object = key->get();
    info.ValueName = name.string();
    info.KeyValueInformationClass = KeyValueInformationClass;
    info.KeyValueInformation = KeyValueInformation;
    info.Length = Length;
    info.ResultLength = ResultLength;
    cm::filter::Operation operation(RegNtPreQueryValueKey, key->get(), &info);
    return operation.run(query);
}

// ERRORS: as NtQueryValueKey without the name, then NO_MORE_ENTRIES.
NTSTATUS NtEnumerateValueKey(HANDLE KeyHandle, ULONG Index, KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass,
                             PVOID KeyValueInformation, ULONG Length, PULONG ResultLength) {
    if (ResultLength == nullptr) return STATUS_ACCESS_VIOLATION;
    const auto out = output_buffer(KeyValueInformation, Length);
    if (!out) return out.error().code();
    if (KeyValueInformationClass < 0 || KeyValueInformationClass >= MaxKeyValueInfoClass) {
        return STATUS_INVALID_PARAMETER;
    }
    const auto key = reference_key(KeyHandle, KEY_QUERY_VALUE);
    if (!key) return key.error().code();
    const auto enumerate = [&] {
        return finish_query(cm::enumerate_value(**key, Index, KeyValueInformationClass, *out), ResultLength);
    };
    if (!cm::filter::any_registered()) return enumerate();
    REG_ENUMERATE_VALUE_KEY_INFORMATION info{};
    info.Object = key->get();
    info.Index = Index;
    info.KeyValueInformationClass = KeyValueInformationClass;
    info.KeyValueInformation = KeyValueInformation;
    info.Length = Length;
    info.ResultLength = ResultLength;
    cm::filter::Operation operation(RegNtPreEnumerateValueKey, key->get(), &info);
    return operation.run(enumerate);
}

// ERRORS, in this order: ACCESS_VIOLATION (name), INVALID_PARAMETER and INSUFFICIENT_RESOURCES (sizes that no value can
// have), ACCESS_VIOLATION (data), the handle's, the callbacks', cm::set_value's.
NTSTATUS NtSetValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName, ULONG TitleIndex, ULONG Type, PVOID Data,
                       ULONG DataSize) {
    CapturedValueName name;
    const auto captured = name.capture(ValueName);
    if (!captured) return captured.error().code();
    // Before the copy, which would have to hold it (row 62).
    if (DataSize > 0x7FFFF000) return STATUS_INVALID_PARAMETER;
    if (DataSize > hive::max_value_data) return STATUS_INSUFFICIENT_RESOURCES;
    CapturedInput data;
    const auto copied = data.capture(Data, DataSize);
    if (!copied) return copied.error().code();
    const auto key = reference_key(KeyHandle, KEY_SET_VALUE);
    if (!key) return key.error().code();
    const auto set = [&] {
        ValueAudit audit(KeyHandle, **key, name.view());
        const ValueAudit::Written written{Type, data.view()};
        return audit.done(rtl::to_ntstatus(cm::set_value(**key, name.view(), Type, data.view())), &written);
    };
    if (!cm::filter::any_registered()) return set();
    REG_SET_VALUE_KEY_INFORMATION info{};
    info.Object = key->get();
    info.ValueName = name.string();
    info.TitleIndex = TitleIndex;
    info.Type = Type;
    info.Data = data.pointer();
    info.DataSize = DataSize;
    cm::filter::Operation operation(RegNtPreSetValueKey, key->get(), &info);
    return operation.run(set);
}

// ERRORS, in this order: ACCESS_VIOLATION, INSUFFICIENT_RESOURCES (too many entries), the names', the handle's, the
// callbacks', cm::query_values'. The lengths are told with SUCCESS and BUFFER_OVERFLOW only.
NTSTATUS NtQueryMultipleValueKey(HANDLE KeyHandle, PKEY_VALUE_ENTRY ValueEntries, ULONG EntryCount, PVOID ValueBuffer,
                                 PULONG BufferLength, PULONG RequiredBufferLength) {
    if (BufferLength == nullptr || (ValueEntries == nullptr && EntryCount != 0)) return STATUS_ACCESS_VIOLATION;
    const auto out = output_buffer(ValueBuffer, *BufferLength);
    if (!out) return out.error().code();
    if (EntryCount > max_value_entries) return STATUS_INSUFFICIENT_RESOURCES;
    std::vector<Utf16> names;
    const auto captured = capture_names(ValueEntries, EntryCount, names);
    if (!captured) return captured.error().code();
    const auto key = reference_key(KeyHandle, KEY_QUERY_VALUE);
    if (!key) return key.error().code();
    const auto query = [&]() -> NTSTATUS {
        std::vector<cm::ValueEntry> entries(EntryCount);
        for (ULONG i = 0; i < EntryCount; ++i) entries[i].name = names[i];
        const auto outcome = cm::query_values(**key, entries, *out);
        if (!outcome) return outcome.error().code();
        for (ULONG i = 0; i < EntryCount && entries[i].answered; ++i) {
            ValueEntries[i].Type = entries[i].type;
            ValueEntries[i].DataOffset = entries[i].offset;
            ValueEntries[i].DataLength = entries[i].length;
        }
        *BufferLength = outcome->used;
        write_optional(RequiredBufferLength, ULONG{outcome->needed});
        return outcome->status;
    };
    if (!cm::filter::any_registered()) return query();
    REG_QUERY_MULTIPLE_VALUE_KEY_INFORMATION info{};
    info.Object = key->get();
    info.ValueEntries = ValueEntries;
    info.EntryCount = EntryCount;
    info.ValueBuffer = ValueBuffer;
    info.BufferLength = BufferLength;
    info.RequiredBufferLength = RequiredBufferLength;
    cm::filter::Operation operation(RegNtPreQueryMultipleValueKey, key->get(), &info);
    return operation.run(query);
}

// ERRORS, in this order: ACCESS_VIOLATION, the handle's, the callbacks', cm::delete_value's.
NTSTATUS NtDeleteValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName) {
    CapturedValueName name;
    const auto captured = name.capture(ValueName);
    if (!captured) return captured.error().code();
    const auto key = reference_key(KeyHandle, KEY_SET_VALUE);
    if (!key) return key.error().code();
    const auto remove = [&] {
        ValueAudit audit(KeyHandle, **key, name.view());
        return audit.done(rtl::to_ntstatus(cm::delete_value(**key, name.view())), nullptr);
    };
    if (!cm::filter::any_registered()) return remove();
    REG_DELETE_VALUE_KEY_INFORMATION info{};
    info.Object = key->get();
    info.ValueName = name.string();
    cm::filter::Operation operation(RegNtPreDeleteValueKey, key->get(), &info);
    return operation.run(remove);
}

}  // namespace regent::nt::service
