#include "se/claims.h"

#include <algorithm>
#include <cstring>

namespace regent::se {
namespace {

using rtl::Le16;
using rtl::Le32;

struct ClaimHeader {
    Le32 name;  // offsets are from the start of this header
    Le16 type;
    Le16 reserved_0x06;
    Le32 flags;
    Le32 count;
};
static_assert(sizeof(ClaimHeader) == 16);

// NUL-terminated UTF-16 at `offset`.
std::optional<Bytes> text_at(Bytes bytes, std::uint32_t offset) {
    for (std::uint64_t end = offset;; end += 2) {
        const auto unit = rtl::load<std::uint16_t>(bytes, end);
        if (!unit) return std::nullopt;
        if (*unit == 0) return bytes.subspan(offset, end - offset);
    }
}

std::optional<ClaimValue> value_at(Bytes bytes, ClaimType type, std::uint32_t offset) {
    ClaimValue value{type};
    switch (type) {
        case ClaimType::int64:
        case ClaimType::uint64:
        case ClaimType::boolean: {
            const auto number = rtl::load<std::uint64_t>(bytes, offset);
            if (!number) return std::nullopt;
            value.number = *number;
            return value;
        }
        case ClaimType::string: {
            const auto text = text_at(bytes, offset);
            if (!text) return std::nullopt;
            value.bytes = *text;
            return value;
        }
        case ClaimType::sid:
        case ClaimType::octets: {
            const auto size = rtl::load<std::uint32_t>(bytes, offset);
            if (!size) return std::nullopt;
            const auto content = rtl::slice(bytes, std::uint64_t{offset} + 4, *size);
            if (!content || (type == ClaimType::sid && !Sid::from_bytes(*content))) return std::nullopt;
            value.bytes = *content;
            return value;
        }
    }
    return std::nullopt;
}

char16_t unit_at(Bytes text, std::size_t index) {
    return static_cast<char16_t>(rtl::load<std::uint16_t>(text, index * 2).value_or(0));
}

void align(std::vector<std::byte>& out) { out.resize((out.size() + 3) & ~std::size_t{3}); }

}  // namespace

std::optional<Claim> read_claim(Bytes bytes) {
    const auto* header = rtl::record_at<ClaimHeader>(bytes);
    if (header == nullptr || header->count > bytes.size() / 4) return std::nullopt;
    const auto name = text_at(bytes, header->name);
    if (!name || name->empty()) return std::nullopt;
    Claim claim{*name, static_cast<ClaimType>(std::uint16_t{header->type}), header->flags, {}};
    for (std::uint32_t i = 0; i < header->count; ++i) {
        const auto offset = rtl::load<std::uint32_t>(bytes, sizeof(ClaimHeader) + std::uint64_t{4} * i);
        if (!offset) return std::nullopt;
        const auto value = value_at(bytes, claim.type, *offset);
        if (!value) return std::nullopt;
        claim.values.push_back(*value);
    }
    return claim;
}

std::vector<std::byte> write_claim(const Claim& claim) {
    std::vector<std::byte> out(sizeof(ClaimHeader) + 4 * claim.values.size());
    auto put_offset = [&](std::size_t at) {
        const Le32 offset = static_cast<std::uint32_t>(out.size());
        std::memcpy(out.data() + at, &offset, sizeof(offset));
    };
    auto put = [&](Bytes bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); };
    const std::byte terminator[2] = {};
    for (std::size_t i = 0; i < claim.values.size(); ++i) {
        const ClaimValue& value = claim.values[i];
        put_offset(sizeof(ClaimHeader) + 4 * i);
        if (value.type == ClaimType::string) {
            put(value.bytes);
            put(terminator);
        } else if (value.type == ClaimType::sid || value.type == ClaimType::octets) {
            const Le32 size = static_cast<std::uint32_t>(value.bytes.size());
            put(rtl::as_bytes(&size, sizeof(size)));
            put(value.bytes);
        } else {
            const rtl::Le64 number = value.number;
            put(rtl::as_bytes(&number, sizeof(number)));
        }
        align(out);
    }
    put_offset(0);
    put(claim.name);
    put(terminator);
    align(out);
    auto* header = rtl::record_at<ClaimHeader>(MutableBytes(out));
    header->type = static_cast<std::uint16_t>(claim.type);
    header->flags = claim.flags;
    header->count = static_cast<std::uint32_t>(claim.values.size());
    return out;
}

int compare_text(Bytes a, Bytes b, bool case_sensitive) {
    const std::size_t shared = std::min(a.size(), b.size()) / 2;
    for (std::size_t i = 0; i < shared; ++i) {
        char16_t x = unit_at(a, i);
        char16_t y = unit_at(b, i);
        if (!case_sensitive) {
            x = rtl::upcase(x);
            y = rtl::upcase(y);
        }
        if (x != y) return x < y ? -1 : 1;
    }
    return a.size() == b.size() ? 0 : a.size() < b.size() ? -1 : 1;
}

bool same_text(Bytes a, Bytes b, bool case_sensitive) {
    return a.size() == b.size() && compare_text(a, b, case_sensitive) == 0;
}

std::optional<Claim> find_resource_attribute(DescriptorView object, Bytes name) {
    const auto sacl = object.sacl();
    if (!sacl) return std::nullopt;
    for (AceView ace : *sacl) {
        if (ace.type() != SYSTEM_RESOURCE_ATTRIBUTE_ACE_TYPE || (ace.flags() & INHERIT_ONLY_ACE) != 0) continue;
        auto claim = read_claim(ace.raw().subspan(8 + ace.sid_bytes().size()));
        if (claim && same_text(claim->name, name)) return claim;
    }
    return std::nullopt;
}

}  // namespace regent::se
