#include "regent/client/key.h"

#include <array>
#include <cstring>

#include "client/open.h"
#include "client/place.h"
#include "regent/client/range.h"

namespace regent::client {
namespace {

constexpr std::int64_t unix_epoch = 116'444'736'000'000'000;  // 1970 in 100 ns units since 1601

Result<void> erase_below(const unique_key& key) {
    for (;;) {
        // Always the first one: what is erased moves the others up.
        const auto subkey = subkey_at(key.get(), 0);
        if (!subkey) return {};
        if (!*subkey) return std::unexpected((*subkey).error());
        auto child = open_at({.root = key.get()}, (*subkey)->name, Access::all);
        if (!child) return std::unexpected(child.error());
        if (auto done = erase_below(*child); !done) return done;
        if (auto done = child->erase(); !done) return done;
    }
}

// Calls `query(buffer, length, &needed)` with room enough, however often the answer grows meanwhile.
template <typename Query>
NTSTATUS query_whole(std::vector<std::byte>& answer, Query query) {
    answer.resize(512);
    for (;;) {
        ULONG needed = 0;
        const NTSTATUS status = query(answer.data(), static_cast<ULONG>(answer.size()), &needed);
        if (status != STATUS_BUFFER_OVERFLOW && status != STATUS_BUFFER_TOO_SMALL) return status;
        answer.resize(needed);
    }
}

template <typename T>
const T& front_as(const std::vector<std::byte>& answer) {
    return *reinterpret_cast<const T*>(answer.data());
}

}  // namespace

NtTime from_nt_time(LARGE_INTEGER time) { return NtTime(NtDuration(time.QuadPart - unix_epoch)); }

void unique_key::reset(HANDLE handle) {
    const HANDLE old = std::exchange(handle_, handle);
    if (old != nullptr) NtClose(old);
}

Result<unique_key> unique_key::open(const Name& path, Access access) const {
    if (handle_ == nullptr) return failed(STATUS_INVALID_HANDLE, "open", path.units());  // not from the root
    return open_at({.root = handle_}, path.units(), access);
}

Result<unique_key> unique_key::create(const Name& path, Access access, Lifetime lifetime) const {
    if (handle_ == nullptr) return failed(STATUS_INVALID_HANDLE, "create", path.units());
    return create_at({.root = handle_}, path.units(), access, lifetime);
}

Result<void> unique_key::erase() {
    const NTSTATUS status = NtDeleteKey(handle_);
    if (!NT_SUCCESS(status)) return failed(status, "erase", u"key");
    return {};
}

Result<void> unique_key::erase_tree(const Name& path) {
    auto key = open(path, Access::all);
    if (!key) return std::unexpected(key.error());
    if (auto done = erase_below(*key); !done) return done;
    return key->erase();
}

Result<void> unique_key::rename(const Name& name) {
    UNICODE_STRING string = rtl::unicode_string(name.units().substr(0, max_name_units));
    const NTSTATUS status = NtRenameKey(handle_, &string);
    if (!NT_SUCCESS(status)) return failed(status, "rename to", name.units());
    return {};
}

Result<void> unique_key::flush() const {
    const NTSTATUS status = NtFlushKey(handle_);
    if (!NT_SUCCESS(status)) return failed(status, "flush", u"key");
    return {};
}

Result<KeyInfo> unique_key::info() const {
    std::vector<std::byte> answer;
    const NTSTATUS status = query_whole(answer, [this](void* buffer, ULONG length, ULONG* needed) {
        return NtQueryKey(handle_, KeyFullInformation, buffer, length, needed);
    });
    if (!NT_SUCCESS(status)) return failed(status, "query", u"key");
    const auto& full = front_as<KEY_FULL_INFORMATION>(answer);
    KeyInfo info;
    info.subkeys = full.SubKeys;
    info.values = full.Values;
    info.last_write = from_nt_time(full.LastWriteTime);
    info.class_name.assign(reinterpret_cast<const char16_t*>(full.Class), full.ClassLength / sizeof(char16_t));
    return info;
}

Result<std::string> unique_key::path() const {
    std::vector<std::byte> answer;
    const NTSTATUS status = query_whole(answer, [this](void* buffer, ULONG length, ULONG* needed) {
        return NtQueryKey(handle_, KeyNameInformation, buffer, length, needed);
    });
    if (!NT_SUCCESS(status)) return failed(status, "query", u"key");
    const auto& name = front_as<KEY_NAME_INFORMATION>(answer);
    return to_utf8({reinterpret_cast<const char16_t*>(name.Name), name.NameLength / sizeof(char16_t)});
}

Result<Value> unique_key::value(const Name& name) const {
    if (name.units().size() > max_name_units) return failed(STATUS_OBJECT_NAME_NOT_FOUND, "query", u"value");
    UNICODE_STRING string = rtl::unicode_string(name.units());
    std::vector<std::byte> answer;
    const NTSTATUS status = query_whole(answer, [&](void* buffer, ULONG length, ULONG* needed) {
        return NtQueryValueKey(handle_, &string, KeyValuePartialInformation, buffer, length, needed);
    });
    if (!NT_SUCCESS(status)) return failed(status, "query", name.units());
    const auto& partial = front_as<KEY_VALUE_PARTIAL_INFORMATION>(answer);
    const auto data = std::span(answer).subspan(offsetof(KEY_VALUE_PARTIAL_INFORMATION, Data), partial.DataLength);
    return Value{.name = {}, .type = partial.Type, .data = Bytes(data.begin(), data.end())};
}

Result<void> unique_key::store(const Name& name, const Value& value) {
    if (name.units().size() > max_name_units) return failed(STATUS_INVALID_PARAMETER, "set", u"value");
    UNICODE_STRING string = rtl::unicode_string(name.units());
    const NTSTATUS status = NtSetValueKey(handle_, &string, 0, value.type, const_cast<std::byte*>(value.data.data()),
                                          static_cast<ULONG>(value.data.size()));
    if (!NT_SUCCESS(status)) return failed(status, "set", name.units());
    return {};
}

Result<void> unique_key::erase_value(const Name& name) {
    if (name.units().size() > max_name_units) return failed(STATUS_OBJECT_NAME_NOT_FOUND, "erase", u"value");
    UNICODE_STRING string = rtl::unicode_string(name.units());
    const NTSTATUS status = NtDeleteValueKey(handle_, &string);
    if (!NT_SUCCESS(status)) return failed(status, "erase", name.units());
    return {};
}

Error unique_key::mismatch(const Name& name) {
    return Error(STATUS_OBJECT_TYPE_MISMATCH, "read " + to_utf8(name.units()));
}

bool unique_key::is_absent(const Error& error) { return error.status() == STATUS_OBJECT_NAME_NOT_FOUND; }

Result<unique_key> open_key(const Name& path, Access access) { return open_at({}, path.units(), access); }

Result<unique_key> create_key(const Name& path, Access access, Lifetime lifetime) {
    return create_at({}, path.units(), access, lifetime);
}

}  // namespace regent::client
