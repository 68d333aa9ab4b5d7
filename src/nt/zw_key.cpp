#include "nt/zw_key.h"

#include <algorithm>

namespace regent::nt {
namespace {

constexpr ULONG key_attributes = OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE;
constexpr Utf16View link_value = u"SymbolicLinkValue";

struct Name {
    UNICODE_STRING string;
    OBJECT_ATTRIBUTES attributes;
    Name(Utf16View path, HANDLE root, ULONG flags) : string(rtl::unicode_string(path)), attributes{} {
        InitializeObjectAttributes(&attributes, &string, flags, root, nullptr);
    }
    Name(const Name&) = delete;
    Name& operator=(const Name&) = delete;
};

Utf16 text_of(Bytes data) {
    Utf16 text(data.size() / sizeof(char16_t), u'\0');
    std::memcpy(text.data(), data.data(), text.size() * sizeof(char16_t));
    while (!text.empty() && text.back() == u'\0') text.pop_back();
    return text;
}

}  // namespace

Result<ZwKey> ZwKey::open(Utf16View path, ACCESS_MASK access, HANDLE root) {
    Name name(path, root, key_attributes);
    HANDLE handle = nullptr;
    const NTSTATUS status = ZwOpenKey(&handle, access, &name.attributes);
    if (!NT_SUCCESS(status)) return fail(status);
    return ZwKey(handle);
}

Result<ZwKey> ZwKey::create(Utf16View path, ULONG options, HANDLE root, bool* existed) {
    Name name(path, root, key_attributes);
    HANDLE handle = nullptr;
    ULONG disposition = 0;
    const NTSTATUS status = ZwCreateKey(&handle, KEY_ALL_ACCESS, &name.attributes, 0, nullptr, options, &disposition);
    if (!NT_SUCCESS(status)) return fail(status);
    if (existed != nullptr) *existed = disposition == REG_OPENED_EXISTING_KEY;
    return ZwKey(handle);
}

Result<ZwKey> ZwKey::create_path(const ZwKey& root, Utf16View path, ULONG options) {
    std::optional<ZwKey> key;
    while (true) {
        const std::size_t end = std::min(path.find(u'\\'), path.size());
        auto next = RG_TRY(create(path.substr(0, end), options, key ? key->handle() : root.handle()));
        if (end == path.size()) return next;
        key = std::move(next);
        path.remove_prefix(end + 1);
    }
}

Result<void> ZwKey::create_link(Utf16View path, Utf16View target) {
    Name name(path, nullptr, key_attributes | OBJ_OPENLINK);
    HANDLE handle = nullptr;
    NTSTATUS status = ZwCreateKey(&handle, KEY_ALL_ACCESS | KEY_CREATE_LINK, &name.attributes, 0, nullptr,
                                  REG_OPTION_VOLATILE | REG_OPTION_CREATE_LINK, nullptr);
    if (status == STATUS_OBJECT_NAME_COLLISION) status = ZwOpenKey(&handle, KEY_ALL_ACCESS, &name.attributes);
    if (!NT_SUCCESS(status)) return fail(status);
    return ZwKey(handle).set_string(link_value, target, REG_LINK);
}

Result<void> ZwKey::set(Utf16View name, ULONG type, Bytes data) const {
    UNICODE_STRING string = rtl::unicode_string(name);
    const NTSTATUS status =
        ZwSetValueKey(handle_, &string, 0, type, const_cast<std::byte*>(data.data()), static_cast<ULONG>(data.size()));
    if (!NT_SUCCESS(status)) return fail(status);
    return {};
}

Result<void> ZwKey::set_string(Utf16View name, Utf16View text, ULONG type) const {
    const Utf16 copy(text);
    // A link's target has no NUL (semantics SL-1).
    const std::size_t units = copy.size() + (type == REG_LINK ? 0 : 1);
    return set(name, type, rtl::as_bytes(copy.c_str(), units * sizeof(char16_t)));
}

Result<void> ZwKey::set_dword(Utf16View name, ULONG value) const {
    return set(name, REG_DWORD, rtl::as_bytes(&value, sizeof(value)));
}

std::optional<ZwKey::Value> ZwKey::value(Utf16View name) const {
    UNICODE_STRING string = rtl::unicode_string(name);
    std::vector<std::byte> buffer(256);
    constexpr std::size_t header = offsetof(KEY_VALUE_PARTIAL_INFORMATION, Data);
    while (true) {
        ULONG needed = 0;
        const NTSTATUS status = ZwQueryValueKey(handle_, &string, KeyValuePartialInformation, buffer.data(),
                                                static_cast<ULONG>(buffer.size()), &needed);
        if (status == STATUS_BUFFER_OVERFLOW || status == STATUS_BUFFER_TOO_SMALL) {
            buffer.resize(needed);
            continue;
        }
        if (!NT_SUCCESS(status) || needed < header) return std::nullopt;
        KEY_VALUE_PARTIAL_INFORMATION info;
        std::memcpy(&info, buffer.data(), header);
        const auto data = rtl::slice(buffer, header, info.DataLength);
        if (!data) return std::nullopt;
        return Value{info.Type, {data->begin(), data->end()}};
    }
}

std::optional<Utf16> ZwKey::string(Utf16View name) const {
    const auto found = value(name);
    if (!found || (found->type != REG_SZ && found->type != REG_EXPAND_SZ && found->type != REG_LINK))
        return std::nullopt;
    return text_of(found->data);
}

std::optional<ULONG> ZwKey::dword(Utf16View name) const {
    const auto found = value(name);
    if (!found || found->type != REG_DWORD) return std::nullopt;
    return rtl::load<ULONG>(found->data, 0);
}

std::vector<Utf16> ZwKey::subkeys() const {
    std::vector<Utf16> names;
    alignas(KEY_BASIC_INFORMATION) std::byte buffer[sizeof(KEY_BASIC_INFORMATION) + REG_MAX_KEY_NAME_LENGTH];
    for (ULONG index = 0;; ++index) {
        ULONG needed = 0;
        if (!NT_SUCCESS(ZwEnumerateKey(handle_, index, KeyBasicInformation, buffer, sizeof(buffer), &needed))) break;
        const auto* info = reinterpret_cast<const KEY_BASIC_INFORMATION*>(buffer);
        names.push_back(text_of({buffer + offsetof(KEY_BASIC_INFORMATION, Name), info->NameLength}));
    }
    return names;
}

}  // namespace regent::nt
