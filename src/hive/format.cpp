#include "hive/format.h"

#include <bit>

#include "hive/finding.h"

namespace regent::hive {

std::uint32_t checksum(const BaseBlock& base) {
    const Bytes raw = rtl::as_bytes(&base, sizeof(base));
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < offsetof(BaseBlock, checksum); i += 4) sum ^= *rtl::load<std::uint32_t>(raw, i);
    if (sum == 0) return 1;
    return sum == 0xFFFFFFFF ? 0xFFFFFFFE : sum;
}

namespace {

struct Marvin {
    // The specification's seed 82EF4D887A4E55C5 is a 64-bit number, not a byte string (docs/hive-format.md §10).
    std::uint32_t lo = 0x7A4E55C5;
    std::uint32_t hi = 0x82EF4D88;

    void feed(std::uint32_t word) {
        lo += word;
        hi ^= lo;
        lo = std::rotl(lo, 20) + hi;
        hi = std::rotl(hi, 9) ^ lo;
        lo = std::rotl(lo, 27) + hi;
        hi = std::rotl(hi, 19);
    }
};

bool valid_acl(Bytes descriptor, std::uint32_t offset) {
    if (offset == 0) return true;
    const auto revision = rtl::load<std::uint8_t>(descriptor, offset);
    const auto size = rtl::load<std::uint16_t>(descriptor, offset + 2);
    const auto count = rtl::load<std::uint16_t>(descriptor, offset + 4);
    if (!revision || !size || !count || *revision < 2 || *revision > 4 || *size < 8) return false;
    const auto acl = rtl::slice(descriptor, offset, *size);
    if (!acl) return false;
    std::uint64_t at = 8;
    for (std::uint32_t i = 0; i < *count; ++i) {
        const auto ace_size = rtl::load<std::uint16_t>(*acl, at + 2);
        if (!ace_size || *ace_size < 4 || at + *ace_size > acl->size()) return false;
        at += *ace_size;
    }
    return true;
}

bool valid_sid(Bytes descriptor, std::uint32_t offset) {
    if (offset == 0) return true;
    const auto revision = rtl::load<std::uint8_t>(descriptor, offset);
    const auto count = rtl::load<std::uint8_t>(descriptor, std::uint64_t{offset} + 1);
    if (!revision || !count || *revision != 1 || *count > 15) return false;
    return rtl::slice(descriptor, offset, 8 + 4 * std::uint64_t{*count}).has_value();
}

}  // namespace

std::uint64_t marvin32(Bytes data) {
    Marvin state;
    std::size_t i = 0;
    for (; i + 4 <= data.size(); i += 4) state.feed(*rtl::load<std::uint32_t>(data, i));
    std::uint32_t tail = 0x80;
    for (std::size_t left = data.size(); left > i; --left) {
        tail = tail << 8 | std::to_integer<std::uint32_t>(data[left - 1]);
    }
    state.feed(tail);
    state.feed(0);
    return std::uint64_t{state.hi} << 32 | state.lo;
}

bool valid_descriptor(Bytes descriptor) {
    constexpr std::uint16_t dacl_present = 0x0004;
    constexpr std::uint16_t sacl_present = 0x0010;
    constexpr std::uint16_t self_relative = 0x8000;
    if (descriptor.size() < 20 || std::to_integer<int>(descriptor[0]) != 1) return false;
    const std::uint16_t control = *rtl::load<std::uint16_t>(descriptor, 2);
    if ((control & self_relative) == 0) return false;
    if (!valid_sid(descriptor, *rtl::load<std::uint32_t>(descriptor, 4))) return false;
    if (!valid_sid(descriptor, *rtl::load<std::uint32_t>(descriptor, 8))) return false;
    if ((control & sacl_present) != 0 && !valid_acl(descriptor, *rtl::load<std::uint32_t>(descriptor, 12)))
        return false;
    return (control & dacl_present) == 0 || valid_acl(descriptor, *rtl::load<std::uint32_t>(descriptor, 16));
}

const char* to_string(FindingKind kind) {
    switch (kind) {
        case FindingKind::base_block:
            return "base_block";
        case FindingKind::log:
            return "log";
        case FindingKind::bin:
            return "bin";
        case FindingKind::cell:
            return "cell";
        case FindingKind::key:
            return "key";
        case FindingKind::subkey_list:
            return "subkey_list";
        case FindingKind::subkey_order:
            return "subkey_order";
        case FindingKind::value_list:
            return "value_list";
        case FindingKind::value:
            return "value";
        case FindingKind::big_data:
            return "big_data";
        case FindingKind::security:
            return "security";
        case FindingKind::class_name:
            return "class_name";
        case FindingKind::symbolic_link:
            return "symbolic_link";
    }
    return "unknown";
}

}  // namespace regent::hive
