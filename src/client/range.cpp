#include "regent/client/range.h"

#include "client/place.h"

namespace regent::client {
namespace {

// Entries that fit here, nearly all, cost one call.
constexpr std::size_t usual_size = 1024;

template <typename Enumerate>
NTSTATUS enumerate_whole(std::vector<std::byte>& answer, Enumerate enumerate) {
    answer.resize(usual_size);
    for (;;) {
        ULONG needed = 0;
        const NTSTATUS status = enumerate(answer.data(), static_cast<ULONG>(answer.size()), &needed);
        if (status != STATUS_BUFFER_OVERFLOW && status != STATUS_BUFFER_TOO_SMALL) return status;
        answer.resize(needed);
    }
}

std::u16string units(const WCHAR* text, ULONG bytes) {
    return {reinterpret_cast<const char16_t*>(text), bytes / sizeof(char16_t)};
}

}  // namespace

std::optional<Result<Subkey>> subkey_at(HANDLE key, std::uint32_t index) {
    std::vector<std::byte> answer;
    const NTSTATUS status = enumerate_whole(answer, [&](void* buffer, ULONG length, ULONG* needed) {
        return NtEnumerateKey(key, index, KeyBasicInformation, buffer, length, needed);
    });
    if (status == STATUS_NO_MORE_ENTRIES) return std::nullopt;
    if (!NT_SUCCESS(status)) return failed(status, "enumerate", u"subkeys");
    const auto& basic = *reinterpret_cast<const KEY_BASIC_INFORMATION*>(answer.data());
    return Subkey{.name = units(basic.Name, basic.NameLength), .last_write = from_nt_time(basic.LastWriteTime)};
}

std::optional<Result<Value>> value_at(HANDLE key, std::uint32_t index) {
    std::vector<std::byte> answer;
    const NTSTATUS status = enumerate_whole(answer, [&](void* buffer, ULONG length, ULONG* needed) {
        return NtEnumerateValueKey(key, index, KeyValueFullInformation, buffer, length, needed);
    });
    if (status == STATUS_NO_MORE_ENTRIES) return std::nullopt;
    if (!NT_SUCCESS(status)) return failed(status, "enumerate", u"values");
    const auto& full = *reinterpret_cast<const KEY_VALUE_FULL_INFORMATION*>(answer.data());
    const auto data = std::span(answer).subspan(full.DataOffset, full.DataLength);
    return Value{.name = units(full.Name, full.NameLength), .type = full.Type, .data = Bytes(data.begin(), data.end())};
}

}  // namespace regent::client
