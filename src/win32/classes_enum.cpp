// Enumeration over both sides of HKEY_CLASSES_ROOT. A user has few classes of his own and the machine many, so a call
// walks the user's names and finds each of them on the machine's side by bisection.
#include <algorithm>
#include <optional>

#include "nt/ntservices.h"
#include "win32/classes.h"

namespace regent::win32 {
namespace {

constexpr std::size_t no_place = ~std::size_t{0};

NTSTATUS name_at(HANDLE key, ULONG index, Utf16* name) {
    AnswerBuffer buffer;
    const NTSTATUS status = query_all(buffer, [&](BYTE* data, ULONG length, ULONG* needed) {
        return NtEnumerateKey(key, index, KeyBasicInformation, data, length, needed);
    });
    if (!NT_SUCCESS(status)) return status;
    const auto* info = buffer.as<KEY_BASIC_INFORMATION>();
    name->assign(reinterpret_cast<const char16_t*>(info->Name), info->NameLength / sizeof(char16_t));
    return status;
}

NTSTATUS value_name_at(HANDLE key, ULONG index, Utf16* name) {
    AnswerBuffer buffer;
    const NTSTATUS status = query_all(buffer, [&](BYTE* data, ULONG length, ULONG* needed) {
        return NtEnumerateValueKey(key, index, KeyValueBasicInformation, data, length, needed);
    });
    if (!NT_SUCCESS(status)) return status;
    const auto* info = buffer.as<KEY_VALUE_BASIC_INFORMATION>();
    name->assign(reinterpret_cast<const char16_t*>(info->Name), info->NameLength / sizeof(char16_t));
    return status;
}

NTSTATUS full_information(HANDLE key, KEY_FULL_INFORMATION* information) {
    AnswerBuffer buffer;
    const NTSTATUS status = query_all(buffer, [&](BYTE* data, ULONG length, ULONG* needed) {
        return NtQueryKey(key, KeyFullInformation, data, length, needed);
    });
    if (NT_SUCCESS(status)) *information = *buffer.as<KEY_FULL_INFORMATION>();
    return status;
}

bool has_subkey(HANDLE key, Utf16View name) {
    ScopedKey child;
    // Denied is there too.
    const NTSTATUS status = open_key(key, name, READ_CONTROL, child.receive(), OBJ_OPENLINK);
    return NT_SUCCESS(status) || status == STATUS_ACCESS_DENIED;
}

bool has_value(HANDLE key, Utf16View name) {
    UNICODE_STRING string = rtl::unicode_string(name);
    ULONG needed = 0;
    const NTSTATUS status = NtQueryValueKey(key, &string, KeyValueBasicInformation, nullptr, 0, &needed);
    return status != STATUS_OBJECT_NAME_NOT_FOUND;
}

// Where `name` stands among the machine's subkeys. They are sorted but for volatile ones, which stand behind: those are
// looked for one by one.
std::size_t place_of_subkey(HANDLE machine, Utf16View name, ULONG count) {
    ULONG low = 0;
    ULONG high = count;
    Utf16 seen;
    while (low < high) {
        const ULONG middle = low + (high - low) / 2;
        if (!NT_SUCCESS(name_at(machine, middle, &seen))) return no_place;
        const int order = rtl::compare_folded(seen, name);
        if (order == 0) return middle;
        (order < 0 ? low : high) = order < 0 ? middle + 1 : middle;
    }
    if (!has_subkey(machine, name)) return no_place;
    for (ULONG index = 0; NT_SUCCESS(name_at(machine, index, &seen)); ++index) {
        if (rtl::equal_folded(seen, name)) return index;
    }
    return no_place;
}

// The user's subkeys that the machine has too, by their place there, in order.
NTSTATUS places_of_doubles(const KeyReference& key, std::vector<std::size_t>* places, ULONG* user_count) {
    KEY_FULL_INFORMATION machine{};
    NTSTATUS status = full_information(key.fallback(), &machine);
    Utf16 name;
    for (ULONG index = 0; NT_SUCCESS(status); ++index) {
        status = name_at(key.handle(), index, &name);
        if (!NT_SUCCESS(status)) break;
        *user_count = index + 1;
        const std::size_t place = place_of_subkey(key.fallback(), name, machine.SubKeys);
        if (place != no_place) places->push_back(place);
    }
    std::ranges::sort(*places);
    return status == STATUS_NO_MORE_ENTRIES ? STATUS_SUCCESS : status;
}

}  // namespace

NTSTATUS find_subkey(const KeyReference& key, ULONG index, MergedPlace* place) {
    *place = {key.handle(), index};
    if (key.fallback() == nullptr) return STATUS_SUCCESS;
    std::vector<std::size_t> doubles;
    ULONG user_count = 0;
    if (const NTSTATUS status = places_of_doubles(key, &doubles, &user_count); !NT_SUCCESS(status)) return status;
    if (index < user_count) return STATUS_SUCCESS;
    std::size_t at = index - user_count;
    for (const std::size_t skipped : doubles) {
        if (skipped <= at) ++at;
    }
    *place = {key.fallback(), static_cast<ULONG>(at)};
    return STATUS_SUCCESS;
}

NTSTATUS find_value(const KeyReference& key, ULONG index, MergedPlace* place) {
    *place = {key.handle(), index};
    if (key.fallback() == nullptr) return STATUS_SUCCESS;
    KEY_FULL_INFORMATION user{};
    NTSTATUS status = full_information(key.handle(), &user);
    if (!NT_SUCCESS(status) || index < user.Values) return status;
    ULONG left = index - user.Values;
    Utf16 name;
    for (ULONG at = 0;; ++at) {
        status = value_name_at(key.fallback(), at, &name);
        if (!NT_SUCCESS(status)) return status;
        if (has_value(key.handle(), name)) continue;
        if (left-- == 0) {
            *place = {key.fallback(), at};
            return status;
        }
    }
}

NTSTATUS merge_information(const KeyReference& key, KEY_FULL_INFORMATION* information) {
    if (key.fallback() == nullptr) return STATUS_SUCCESS;
    KEY_FULL_INFORMATION machine{};
    NTSTATUS status = full_information(key.fallback(), &machine);
    std::vector<std::size_t> doubles;
    ULONG user_count = 0;
    if (NT_SUCCESS(status)) status = places_of_doubles(key, &doubles, &user_count);
    if (!NT_SUCCESS(status)) return status;
    information->SubKeys += machine.SubKeys - static_cast<ULONG>(doubles.size());
    Utf16 name;
    for (ULONG at = 0; NT_SUCCESS(value_name_at(key.fallback(), at, &name)); ++at) {
        if (!has_value(key.handle(), name)) ++information->Values;
    }
    auto raise = [](ULONG& to, ULONG value) { to = std::max(to, value); };
    raise(information->MaxNameLength, machine.MaxNameLength);
    raise(information->MaxClassLength, machine.MaxClassLength);
    raise(information->MaxValueNameLength, machine.MaxValueNameLength);
    raise(information->MaxValueDataLength, machine.MaxValueDataLength);
    return STATUS_SUCCESS;
}

}  // namespace regent::win32
