#include "se/sid.h"

#include <charconv>

#include "rtl/assert.h"

namespace regent::se {

Sid::Sid(std::uint64_t authority, std::initializer_list<std::uint32_t> subauthorities) {
    RG_ASSERT(authority >> 48 == 0 && subauthorities.size() <= max_subauthorities);
    for (int i = 0; i < 6; ++i) authority_[i] = static_cast<std::uint8_t>(authority >> (8 * (5 - i)));
    for (std::uint32_t value : subauthorities) subauthorities_[count_++] = value;
}

std::optional<Sid> Sid::from_bytes(Bytes bytes) {
    if (bytes.size() < 8 || std::to_integer<unsigned>(bytes[0]) != 1) return std::nullopt;
    auto count = std::to_integer<std::size_t>(bytes[1]);
    if (count > max_subauthorities || bytes.size() < 8 + 4 * count) return std::nullopt;
    Sid sid(0, {});
    std::memcpy(&sid, bytes.data(), 8 + 4 * count);
    return sid;
}

std::uint64_t Sid::authority() const {
    std::uint64_t value = 0;
    for (std::uint8_t byte : authority_) value = value << 8 | byte;
    return value;
}

namespace {

// One number at the front of `text`, decimal or 0x; shortens `text`.
std::optional<std::uint64_t> take_number(std::string_view& text) {
    int base = 10;
    if (text.starts_with("0x") || text.starts_with("0X")) {
        base = 16;
        text.remove_prefix(2);
    }
    std::uint64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}

}  // namespace

std::optional<Sid> Sid::parse(std::string_view text) {
    if (!text.starts_with("S-1-") && !text.starts_with("s-1-")) return std::nullopt;
    text.remove_prefix(4);
    auto authority = take_number(text);
    if (!authority || *authority >> 48 != 0) return std::nullopt;
    Sid sid(*authority, {});
    while (!text.empty()) {
        if (text[0] != '-' || sid.count_ == max_subauthorities) return std::nullopt;
        text.remove_prefix(1);
        auto value = take_number(text);
        if (!value || *value > UINT32_MAX) return std::nullopt;
        sid.subauthorities_[sid.count_++] = static_cast<std::uint32_t>(*value);
    }
    return sid;
}

std::string Sid::to_string() const {
    std::string text = "S-1-";
    std::uint64_t top = authority();
    char buffer[24];
    // An authority that needs more than 32 bits is written in hex (MS-DTYP 2.4.2.1).
    bool hex = top > UINT32_MAX;
    if (hex) text += "0x";
    auto end = std::to_chars(buffer, buffer + sizeof(buffer), top, hex ? 16 : 10).ptr;
    text.append(buffer, end);
    for (std::size_t i = 0; i < count_; ++i) {
        end = std::to_chars(buffer, buffer + sizeof(buffer), subauthorities_[i]).ptr;
        text += '-';
        text.append(buffer, end);
    }
    return text;
}

Sid from_uid(std::uint32_t uid) { return Sid(22, {1, uid}); }
Sid from_gid(std::uint32_t gid) { return Sid(22, {2, gid}); }

namespace well_known {

#define RG_WELL_KNOWN(name, ...)           \
    const Sid& name() {                    \
        static const Sid sid{__VA_ARGS__}; \
        return sid;                        \
    }
RG_WELL_KNOWN(world, 1, {0})
RG_WELL_KNOWN(local, 2, {0})
RG_WELL_KNOWN(creator_owner, 3, {0})
RG_WELL_KNOWN(creator_group, 3, {1})
RG_WELL_KNOWN(owner_rights, 3, {4})
RG_WELL_KNOWN(interactive, 5, {4})
RG_WELL_KNOWN(anonymous, 5, {7})
RG_WELL_KNOWN(authenticated_users, 5, {11})
RG_WELL_KNOWN(restricted, 5, {12})
RG_WELL_KNOWN(local_system, 5, {18})
RG_WELL_KNOWN(local_service, 5, {19})
RG_WELL_KNOWN(network_service, 5, {20})
RG_WELL_KNOWN(administrators, 5, {32, 544})
RG_WELL_KNOWN(users, 5, {32, 545})
RG_WELL_KNOWN(app_packages, 15, {2, 1})
#undef RG_WELL_KNOWN

}  // namespace well_known

}  // namespace regent::se
