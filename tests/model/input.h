// Bytes turned into the names, sizes and masks that sequences work with: few, so that they meet, and those at limits.
#pragma once

#include <cstring>
#include <span>

#include "registry_model.h"

namespace regent::test {

class Input {
public:
    explicit Input(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

    bool any() const { return at_ < bytes_.size(); }
    unsigned byte() { return any() ? bytes_[at_++] : 0; }
    unsigned below(std::size_t limit) { return byte() % static_cast<unsigned>(limit); }

    Utf16 component() {
        static const Utf16 odd_ones[] = {u"\u00F6",        u"\u00D6",
                                         u"\xD801\xDC00",  u"\xD801\xDC28",
                                         u"\xD800",        Utf16(u"N\0a", 3),
                                         Utf16(u"\0N", 2), Utf16(255, u'x'),
                                         Utf16(256, u'x'), u"..",
                                         u"N1\\",          u"\u0416",
                                         u"\u0436",        Utf16(255, u'\u0416'),
                                         u"N0\\\\N1",      u""};
        const unsigned which = below(64);
        if (which >= 48) return odd_ones[which - 48];
        return {which % 4 == 3 ? u'n' : u'N', static_cast<char16_t>(u'0' + which % 5)};
    }
    Utf16 path() {
        const unsigned shape = byte();
        if (shape == 0xFF) return u'\\' + component();
        if (shape >= 0xF0) return {};
        Utf16 path = component();
        for (unsigned more = shape % 4 == 3 ? 2 : shape % 4 / 2; more != 0; --more) path += u'\\' + component();
        return path;
    }
    Utf16 value_name() {
        static const Utf16 odd_ones[] = {u"",
                                         Utf16(u"V0\0\0", 4),
                                         Utf16(u"\0", 1),
                                         Utf16(u"v\0w", 3),
                                         Utf16(16383, u'v'),
                                         Utf16(16384, u'v'),
                                         u"SymbolicLinkValue",
                                         u"symboliclinkvalue",
                                         u"\u00F6",
                                         u"\xD801\xDC00",
                                         u"V\\0",
                                         u"\u0416"};
        const unsigned which = below(32);
        if (which >= 20) return odd_ones[which - 20];
        return {which % 4 == 3 ? u'v' : u'V', static_cast<char16_t>(u'0' + which % 5)};
    }
    Data data() {
        static constexpr std::size_t sizes[] = {0, 1, 4, 5, 8, 12, 40, 300, 16344, 16345, 40000};
        const unsigned which = byte();
        // Large ones seldom: they say the least for their time.
        const std::size_t size = which < 240 ? sizes[which % 8] : sizes[which % std::size(sizes)];
        return Data(size, static_cast<std::byte>(which >> 4));
    }
    // Where links lead: below the base, nowhere, to an ending NUL, to a relative name.
    Data target(const Utf16& base) {
        const unsigned which = byte();
        Utf16 below_base = path();
        // The base itself stays out of reach.
        if (below_base.find_first_not_of(u'\\') == Utf16::npos) below_base = u"N0";
        Utf16 text = which == 0xFF ? component() : base + u'\\' + below_base;
        if (which == 0xFE) text += u'\0';
        Data bytes(text.size() * sizeof(char16_t));
        if (!bytes.empty()) std::memcpy(bytes.data(), text.data(), bytes.size());
        return bytes;
    }
    ULONG type() {
        static constexpr ULONG types[] = {REG_NONE, REG_SZ, REG_BINARY, REG_DWORD, REG_LINK, REG_QWORD, 0xFF00FF00, 0};
        return types[below(std::size(types))];
    }
    ACCESS_MASK access() {
        static constexpr ACCESS_MASK masks[] = {KEY_READ,
                                                KEY_WRITE,
                                                KEY_READ | KEY_WRITE,
                                                MAXIMUM_ALLOWED,
                                                GENERIC_READ,
                                                GENERIC_ALL,
                                                DELETE,
                                                KEY_NOTIFY,
                                                KEY_QUERY_VALUE,
                                                KEY_SET_VALUE,
                                                KEY_ENUMERATE_SUB_KEYS,
                                                READ_CONTROL,
                                                WRITE_DAC,
                                                WRITE_OWNER | MAXIMUM_ALLOWED,
                                                ACCESS_SYSTEM_SECURITY,
                                                ACCESS_SYSTEM_SECURITY | MAXIMUM_ALLOWED,
                                                SYNCHRONIZE,
                                                SYNCHRONIZE | KEY_READ,
                                                0,
                                                KEY_WRITE | DELETE};
        const unsigned which = below(64);
        return which < std::size(masks) ? masks[which] : KEY_ALL_ACCESS;
    }
    ModelDacl dacl() {
        switch (below(8)) {
            case 0:
                return {true, true, {}};
            case 1:
                return {};
            case 2:
                return {false, true, {{true, true, KEY_READ}}};
            case 3:
                return {false, true, {{false, true, KEY_SET_VALUE | KEY_CREATE_SUB_KEY}, {true, true, KEY_ALL_ACCESS}}};
            case 4:
                return {false, true, {{true, false, KEY_ALL_ACCESS}}};
            case 5:
                return {false, true, {{false, true, DELETE}, {true, true, KEY_ALL_ACCESS}}};
            case 6:
                return {false, true, {{true, true, KEY_READ}, {true, false, KEY_WRITE | DELETE}}};
            default:
                return {false, true, {{true, true, KEY_ALL_ACCESS}}};
        }
    }

private:
    std::span<const std::uint8_t> bytes_;
    std::size_t at_ = 0;
};

}  // namespace regent::test
