// Little-endian fields and checked byte spans: the only place with pointer arithmetic over untrusted bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>

namespace regent::rtl {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

// An unaligned little-endian integer as it stands in a file or on the wire. (The supported machines are little-endian.)
template <typename T>
class Le {
public:
    Le() = default;
    Le(T value) { *this = value; }
    Le& operator=(T value) {
        std::memcpy(raw_, &value, sizeof(T));
        return *this;
    }
    operator T() const {
        T value;
        std::memcpy(&value, raw_, sizeof(T));
        return value;
    }

private:
    std::byte raw_[sizeof(T)] = {};
};
using Le16 = Le<std::uint16_t>;
using Le32 = Le<std::uint32_t>;
using Le64 = Le<std::uint64_t>;
static_assert(sizeof(Le32) == 4 && alignof(Le32) == 1);

// The `size` bytes at `offset`, or nothing when they are not all inside `bytes`.
inline std::optional<Bytes> slice(Bytes bytes, std::uint64_t offset, std::uint64_t size) {
    if (offset > bytes.size() || size > bytes.size() - offset) return std::nullopt;
    return bytes.subspan(offset, size);
}

// A record of alignment 1 (made of Le fields and bytes) at `offset`; null when it does not fit.
template <typename Record>
const Record* record_at(Bytes bytes, std::uint64_t offset = 0) {
    static_assert(alignof(Record) == 1 && std::is_trivially_copyable_v<Record>);
    if (offset > bytes.size() || sizeof(Record) > bytes.size() - offset) return nullptr;
    return reinterpret_cast<const Record*>(bytes.data() + offset);
}
template <typename Record>
Record* record_at(MutableBytes bytes, std::uint64_t offset = 0) {
    static_assert(alignof(Record) == 1 && std::is_trivially_copyable_v<Record>);
    if (offset > bytes.size() || sizeof(Record) > bytes.size() - offset) return nullptr;
    return reinterpret_cast<Record*>(bytes.data() + offset);
}

// One little-endian integer at `offset`, or nothing.
template <typename T>
std::optional<T> load(Bytes bytes, std::uint64_t offset) {
    if (offset > bytes.size() || sizeof(T) > bytes.size() - offset) return std::nullopt;
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof(T));
    return value;
}

inline Bytes as_bytes(const void* data, std::size_t size) { return {static_cast<const std::byte*>(data), size}; }

}  // namespace regent::rtl

namespace regent {
using rtl::Bytes;
using rtl::MutableBytes;
}  // namespace regent
