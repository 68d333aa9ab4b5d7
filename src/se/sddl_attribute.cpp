// Resource attributes in text: "Name",TS,0,"one","two".
#include <charconv>
#include <list>

#include "rtl/utf16.h"
#include "se/claims.h"
#include "se/sddl_tables.h"

namespace regent::se::sddl {
namespace {

constexpr std::size_t max_values = 4096;

Bytes bytes_of(const Utf16& text) { return rtl::as_bytes(text.data(), text.size() * sizeof(char16_t)); }

// What the values of a claim view, while it is made.
class Builder {
public:
    explicit Builder(std::string_view text) : rest_(text) {}

    std::optional<std::vector<std::byte>> run() {
        const auto name = quoted();
        if (!name || name->empty() || !take(',')) return std::nullopt;
        const std::string_view type = field();
        std::optional<std::uint32_t> code;
        for (const Word& word : claim_words) {
            if (word.text == type) code = word.value;
        }
        if (!code || !take(',')) return std::nullopt;
        const auto flags = number(field());
        if (!flags || *flags > UINT32_MAX) return std::nullopt;
        Claim claim{*name, static_cast<ClaimType>(*code), static_cast<std::uint32_t>(*flags), {}};
        while (take(',')) {
            const auto one = value(claim.type);
            if (!one || claim.values.size() == max_values) return std::nullopt;
            claim.values.push_back(*one);
        }
        if (!rest_.empty() || claim.values.empty()) return std::nullopt;
        return write_claim(claim);
    }

private:
    bool take(char c) {
        if (!rest_.starts_with(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }
    std::string_view field() {
        const std::size_t end = std::min(rest_.find(','), rest_.size());
        const std::string_view text = rest_.substr(0, end);
        rest_.remove_prefix(end);
        return text;
    }
    std::optional<Bytes> quoted() {
        const std::size_t end = rest_.starts_with('"') ? rest_.find('"', 1) : std::string_view::npos;
        if (end == std::string_view::npos) return std::nullopt;
        texts_.push_back(rtl::from_utf8(rest_.substr(1, end - 1)));
        rest_.remove_prefix(end + 1);
        // A NUL would end it when it is read.
        if (texts_.back().find(u'\0') != Utf16::npos) return std::nullopt;
        return bytes_of(texts_.back());
    }
    static std::optional<std::uint64_t> number(std::string_view text) {
        const bool negative = text.starts_with('-');
        if (negative) text.remove_prefix(1);
        const int base = text.starts_with("0x") || text.starts_with("0X") ? 16 : 10;
        if (base == 16) text.remove_prefix(2);
        std::uint64_t value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
        if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
        if (negative && value > std::uint64_t{1} << 63) return std::nullopt;
        return negative ? ~value + 1 : value;
    }

    std::optional<ClaimValue> value(ClaimType type) {
        if (type == ClaimType::string) {
            const auto text = quoted();
            return text ? std::optional(ClaimValue{type, 0, *text}) : std::nullopt;
        }
        const std::string_view text = field();
        if (type == ClaimType::sid) {
            const auto sid = parse_account(text);
            if (!sid) return std::nullopt;
            sids_.push_back(*sid);
            return ClaimValue{type, 0, sids_.back().bytes()};
        }
        if (type == ClaimType::octets) return octets(text);
        const auto parsed = number(text);
        const bool fits = parsed && (type != ClaimType::boolean || *parsed <= 1) &&
                          (type != ClaimType::uint64 || !text.starts_with('-')) &&
                          (type != ClaimType::int64 || text.starts_with('-') || *parsed >> 63 == 0);
        return fits ? std::optional(ClaimValue{type, *parsed}) : std::nullopt;
    }
    std::optional<ClaimValue> octets(std::string_view text) {
        if (text.size() % 2 != 0) return std::nullopt;
        auto& bytes = octets_.emplace_back();
        for (std::size_t at = 0; at < text.size(); at += 2) {
            unsigned byte = 0;
            const char* first = text.data() + at;
            if (std::from_chars(first, first + 2, byte, 16).ptr != first + 2) return std::nullopt;
            bytes.push_back(static_cast<std::byte>(byte));
        }
        return ClaimValue{ClaimType::octets, 0, bytes};
    }

    std::string_view rest_;
    std::list<Utf16> texts_;
    std::list<Sid> sids_;
    std::list<std::vector<std::byte>> octets_;
};

// What stands between quotes; nothing when it cannot.
std::optional<std::string> quoted(Bytes bytes) {
    Utf16 units(bytes.size() / 2, u'\0');
    if (!units.empty()) std::memcpy(units.data(), bytes.data(), units.size() * 2);
    std::string text = rtl::to_utf8(units);
    if (text.find('"') != std::string::npos || rtl::from_utf8(text) != units) return std::nullopt;
    return '"' + text + '"';
}

std::optional<std::string> value_text(const ClaimValue& value) {
    switch (value.type) {
        case ClaimType::string:
            return quoted(value.bytes);
        case ClaimType::sid: {
            const auto sid = Sid::from_bytes(value.bytes);
            if (!sid || sid->size() != value.bytes.size()) return std::nullopt;
            return account_text(*sid);
        }
        case ClaimType::octets: {
            std::string text;
            for (std::byte byte : value.bytes) {
                text += "0123456789abcdef"[std::to_integer<unsigned>(byte) >> 4];
                text += "0123456789abcdef"[std::to_integer<unsigned>(byte) & 15];
            }
            return text;
        }
        case ClaimType::int64:
            return std::to_string(static_cast<std::int64_t>(value.number));
        case ClaimType::boolean:
            if (value.number > 1) return std::nullopt;
            return std::to_string(value.number);
        default:
            return std::to_string(value.number);
    }
}

}  // namespace

Result<std::vector<std::byte>> parse_attribute(std::string_view text) {
    auto claim = Builder(text).run();
    if (!claim) return fail(STATUS_INVALID_ACL);
    return std::move(*claim);
}

Result<std::string> attribute_to_text(Bytes bytes) {
    const auto claim = read_claim(bytes);
    const auto name = claim ? quoted(claim->name) : std::nullopt;
    std::string_view type;
    for (const Word& word : claim_words) {
        if (claim && word.value == static_cast<std::uint32_t>(claim->type)) type = word.text;
    }
    if (!name || type.empty() || claim->values.empty()) return fail(STATUS_INVALID_ACL);
    char flags[12];
    const auto end = std::to_chars(flags, flags + sizeof(flags), claim->flags, 16).ptr;
    std::string text = *name + ',' + std::string(type) + ",0x" + std::string(flags, end);
    for (const ClaimValue& value : claim->values) {
        const auto one = value_text(value);
        if (!one) return fail(STATUS_INVALID_ACL);
        text += ',' + *one;
    }
    return text;
}

}  // namespace regent::se::sddl
