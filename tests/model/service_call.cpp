#include "service_call.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstring>

#include "nt/ntseapi.h"
#include "nt/ntservices.h"

namespace regent::test {

namespace {

constexpr std::uint8_t everyone[] = {1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0};
constexpr std::size_t ace_size = 8 + sizeof(everyone);
constexpr std::uint8_t container_inherit = 2;

}  // namespace

SecurityBytes::SecurityBytes(const ModelDacl& dacl) {
    const std::size_t list_size = 8 + dacl.entries.size() * ace_size;
    bytes_.resize(20 + (dacl.null ? 0 : list_size));
    const std::uint16_t control = SE_SELF_RELATIVE | SE_DACL_PRESENT;
    bytes_[0] = std::byte{1};
    std::memcpy(&bytes_[2], &control, sizeof(control));
    if (dacl.null) return;
    const std::uint32_t at = 20;
    std::memcpy(&bytes_[16], &at, sizeof(at));
    const std::uint16_t sizes[] = {static_cast<std::uint16_t>(list_size),
                                   static_cast<std::uint16_t>(dacl.entries.size())};
    bytes_[20] = std::byte{2};
    std::memcpy(&bytes_[22], sizes, sizeof(sizes));
    std::byte* entry = bytes_.data() + 28;
    for (const ModelAce& ace : dacl.entries) {
        const std::uint16_t size = ace_size;
        entry[0] = ace.allow ? std::byte{0} : std::byte{1};
        entry[1] = std::byte{ace.for_children ? container_inherit : std::uint8_t{0}};
        std::memcpy(entry + 2, &size, sizeof(size));
        std::memcpy(entry + 4, &ace.mask, sizeof(ace.mask));
        std::memcpy(entry + 8, everyone, sizeof(everyone));
        entry += ace_size;
    }
}

bool is_dacl(const std::byte* descriptor, std::size_t size, const ModelDacl& dacl) {
    std::uint16_t control = 0;
    std::uint32_t at = 0;
    std::memcpy(&control, descriptor + 2, sizeof(control));
    std::memcpy(&at, descriptor + 16, sizeof(at));
    if ((control & SE_DACL_PRESENT) == 0 || at == 0 || dacl.null) return (at == 0) == dacl.null;
    if (size < at + 8 + dacl.entries.size() * ace_size) return false;
    std::uint16_t count = 0;
    std::memcpy(&count, descriptor + at + 4, sizeof(count));
    if (count != dacl.entries.size()) return false;
    const std::byte* entry = descriptor + at + 8;
    for (const ModelAce& ace : dacl.entries) {
        ACCESS_MASK mask = 0;
        std::memcpy(&mask, entry + 4, sizeof(mask));
        const bool allow = entry[0] == std::byte{0};
        const bool for_children = (std::to_integer<unsigned>(entry[1]) & container_inherit) != 0;
        if (allow != ace.allow || for_children != ace.for_children || mask != ace.mask) return false;
        if (std::memcmp(entry + 8, everyone, sizeof(everyone)) != 0) return false;
        entry += ace_size;
    }
    return true;
}

std::string hex(unsigned long long number) {
    char text[24];
    std::snprintf(text, sizeof(text), "0x%llx", number);
    return text;
}

std::string printable(Utf16View text) {
    std::string out = "\"";
    for (const char16_t unit : text.substr(0, 24)) {
        if (unit >= 0x20 && unit < 0x7F) {
            out += static_cast<char>(unit);
        } else {
            out += '{' + hex(unit).substr(2) + '}';
        }
    }
    return out + (text.size() > 24 ? "...\"(" + std::to_string(text.size()) + ")" : "\"");
}

std::string check_several(HANDLE key, const std::vector<Utf16>& names, NTSTATUS expected,
                          const std::vector<const ModelValue*>& values, unsigned choice, bool remote) {
    std::size_t total = 0;
    for (const ModelValue* value : values) total = (total + 3) / 4 * 4 + value->data.size();
    const std::size_t lengths[] = {total, total + 5, total / 2, total == 0 ? 0 : total - 1};
    const std::size_t length = lengths[choice % std::size(lengths)];
    Data buffer(length + 16, std::byte{0xBD});
    std::vector<Utf16> texts = names;
    std::vector<UNICODE_STRING> strings(names.size());
    std::vector<KEY_VALUE_ENTRY> entries(names.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
        strings[i] = rtl::unicode_string(texts[i]);
        entries[i] = {&strings[i], 0x7777, 0x7777, 0x7777};
    }
    auto used = static_cast<ULONG>(length);
    ULONG needed = 0;
    const NTSTATUS status = NtQueryMultipleValueKey(key, entries.data(), static_cast<ULONG>(entries.size()),
                                                    length == 0 ? nullptr : buffer.data(), &used, &needed);
    if (expected == STATUS_SUCCESS && total > length) expected = STATUS_BUFFER_OVERFLOW;
    if (status != expected)
        return "service: " + hex(static_cast<ULONG>(status)) + ", model: " + hex(static_cast<ULONG>(expected));
    if (expected != STATUS_SUCCESS && expected != STATUS_BUFFER_OVERFLOW) return {};
    std::size_t at = 0;
    std::size_t end = 0;
    bool fits = true;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const ModelValue& value = *values[i];
        at = (at + 3) / 4 * 4;
        fits = fits && at + value.data.size() <= length;
        if (!fits) {
            if (entries[i].Type != 0x7777) return "an entry that does not fit was answered";
            continue;
        }
        if (entries[i].Type != value.type || entries[i].DataOffset != at || entries[i].DataLength != value.data.size())
            return "entry " + std::to_string(i) + " differs";
        if (!value.data.empty() && std::memcmp(buffer.data() + at, value.data.data(), value.data.size()) != 0)
            return "the data of entry " + std::to_string(i) + " differs";
        at += value.data.size();
        end = at;
    }
    if (needed != total || used != end) return "other lengths: " + std::to_string(used) + " " + std::to_string(needed);
    const auto untouched = buffer.begin() + static_cast<std::ptrdiff_t>(remote ? length : end);
    if (std::any_of(untouched, buffer.end(), [](std::byte b) { return b != std::byte{0xBD}; }))
        return "bytes behind the answer were written";
    return {};
}

std::string compare_key(HANDLE key, const ModelKey& model) {
    KEY_CACHED_INFORMATION about{};
    ULONG needed = 0;
    if (NtQueryKey(key, KeyCachedInformation, &about, sizeof(about), &needed) != STATUS_SUCCESS)
        return "a key that cannot be queried at the end: " + printable(model.name);
    if (about.SubKeys != model.children.size() || about.Values != model.values.size())
        return "another number of keys or values at the end: " + printable(model.name);
    Data buffer(16 + 40000);
    for (const ModelValue& value : model.values) {
        ServiceName name(value.name);
        const NTSTATUS status = NtQueryValueKey(key, &name.string, KeyValuePartialInformation, buffer.data(),
                                                static_cast<ULONG>(buffer.size()), &needed);
        if (status != STATUS_SUCCESS || needed != 12 + value.data.size() ||
            std::memcmp(buffer.data() + 4, &value.type, 4) != 0 ||
            !std::equal(value.data.begin(), value.data.end(), buffer.begin() + 12))
            return "another value at the end: " + printable(value.name);
    }
    return {};
}

void close_real(HANDLE& handle) {
    if (handle != nullptr) NtClose(handle);
    handle = nullptr;
}

NTSTATUS open_to_clean(HANDLE parent, const Utf16& name, HANDLE* key) {
    ServiceName child(name, parent, OBJ_CASE_INSENSITIVE | OBJ_OPENLINK);
    HANDLE owned = nullptr;
    if (const NTSTATUS status = NtOpenKey(&owned, WRITE_DAC, &child.attributes); !NT_SUCCESS(status)) return status;
    SecurityBytes everybody(ModelDacl{true, true, {}});
    const NTSTATUS status = NtSetSecurityObject(owned, DACL_SECURITY_INFORMATION, everybody.pointer());
    NtClose(owned);
    if (!NT_SUCCESS(status)) return status;
    return NtOpenKey(key, KEY_READ | DELETE, &child.attributes);
}

void remove_tree(HANDLE key) {
    struct {
        KEY_BASIC_INFORMATION info;
        char16_t rest[256];
    } entry;
    ULONG needed = 0;
    while (NtEnumerateKey(key, 0, KeyBasicInformation, &entry, sizeof(entry), &needed) == STATUS_SUCCESS) {
        const auto* text = reinterpret_cast<const char16_t*>(reinterpret_cast<const std::byte*>(&entry) +
                                                             offsetof(KEY_BASIC_INFORMATION, Name));
        HANDLE child = nullptr;
        const Utf16 name(text, entry.info.NameLength / sizeof(char16_t));
        if (open_to_clean(key, name, &child) != STATUS_SUCCESS) return;
        remove_tree(child);
        NtClose(child);
    }
    NtDeleteKey(key);
}

NTSTATUS completed_status(IO_STATUS_BLOCK& block) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    for (;;) {
        const NTSTATUS status = std::atomic_ref<NTSTATUS>(block.Status).load(std::memory_order_acquire);
        const bool completed = status == STATUS_NOTIFY_ENUM_DIR || status == STATUS_NOTIFY_CLEANUP;
        if (completed || std::chrono::steady_clock::now() > until) return status;
        sched_yield();
    }
}

}  // namespace regent::test
