#include <cstring>
#include <optional>
#include <vector>

#include "nt/ntregapi.h"
#include "win32/reg_text.h"

namespace regent::win32::reg_text {
namespace {

using rtl::Bytes;

constexpr Utf16View roots[] = {u"HKEY_CLASSES_ROOT", u"HKEY_CURRENT_USER", u"HKEY_LOCAL_MACHINE", u"HKEY_USERS",
                               u"HKEY_CURRENT_CONFIG"};

bool is_blank(char16_t unit) { return unit == u' ' || unit == u'\t'; }

Utf16View skip_blanks(Utf16View text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    return text;
}

bool is_comment_or_end(Utf16View text) {
    text = skip_blanks(text);
    return text.empty() || text.front() == u';';
}

std::optional<unsigned> hex_digit(char16_t unit) {
    if (unit >= u'0' && unit <= u'9') return unit - u'0';
    if (unit >= u'a' && unit <= u'f') return unit - u'a' + 10;
    if (unit >= u'A' && unit <= u'F') return unit - u'A' + 10;
    return std::nullopt;
}

// 1 to 8 digits off the front of `text`; nothing for none or more.
std::optional<std::uint32_t> take_hex(Utf16View& text) {
    std::uint32_t number = 0;
    std::size_t count = 0;
    while (count < text.size() && hex_digit(text[count])) {
        if (count == 8) return std::nullopt;
        number = number << 4 | *hex_digit(text[count++]);
    }
    if (count == 0) return std::nullopt;
    text.remove_prefix(count);
    return number;
}

bool take(Utf16View& text, Utf16View word) {
    if (!text.starts_with(word)) return false;
    text.remove_prefix(word.size());
    return true;
}

// The text up to the closing quote, without escapes; `text` is left behind it. REQUIRES: the opening quote is gone.
std::optional<Utf16> take_quoted(Utf16View& text) {
    Utf16 result;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == u'"') {
            text.remove_prefix(at + 1);
            return result;
        }
        if (text[at] == u'\\') {
            ++at;
            if (at == text.size() || (text[at] != u'\\' && text[at] != u'"')) return std::nullopt;
        }
        result += text[at];
    }
    return std::nullopt;
}

// Strings end in a NUL; files made by hand often leave it out.
void terminate(std::vector<std::byte>& data) {
    if (data.empty()) return;
    if (data.size() % 2 != 0) data.push_back(std::byte{0});
    const std::size_t size = data.size();
    if (data[size - 1] != std::byte{0} || data[size - 2] != std::byte{0}) data.insert(data.end(), 2, std::byte{0});
}

std::vector<std::byte> bytes_of(Utf16View text) {
    std::vector<std::byte> bytes(text.size() * sizeof(char16_t));
    if (!bytes.empty()) std::memcpy(bytes.data(), text.data(), bytes.size());
    return bytes;
}

// One pass over the lines. A hex value may take several of them.
class Reader {
public:
    Reader(Utf16View text, Sink& sink) : rest_(text), sink_(sink) {}

    bool run() {
        auto header = next_line();
        auto format = header ? format_of(*header) : std::nullopt;
        if (!format) {
            sink_.bad_line(1, "not a .reg file: the first line is no header of one");
            return false;
        }
        format_ = *format;
        while (auto line = next_line()) {
            if (format_ == Format::windows_31) {
                read_31_line(*line);
            } else {
                read_line(skip_blanks(*line));
            }
        }
        return true;
    }

private:
    static std::optional<Format> format_of(Utf16View line) {
        line = skip_blanks(line);
        while (!line.empty() && is_blank(line.back())) line.remove_suffix(1);
        if (line == u"Windows Registry Editor Version 5.00") return Format::version_5;
        if (line == u"REGEDIT4") return Format::version_4;
        if (line.starts_with(u"REGEDIT")) return Format::windows_31;  // REGEDIT5 and the like are read this way too
        return std::nullopt;
    }

    std::optional<Utf16View> next_line() {
        if (rest_.empty()) return std::nullopt;
        const std::size_t end = rest_.find(u'\n');
        Utf16View line = rest_.substr(0, end);
        rest_.remove_prefix(end == Utf16View::npos ? rest_.size() : end + 1);
        if (line.ends_with(u'\r')) line.remove_suffix(1);
        ++line_;
        return line;
    }

    void read_line(Utf16View line) {
        if (line.empty() || line.front() == u';' || line.front() == u'#') return;
        if (line.front() == u'[') return read_key(line.substr(1));
        if (line.front() == u'@' || line.front() == u'"') return read_value(line);
        sink_.bad_line(line_, "neither a key, a value nor a comment");
    }

    // HKEY_CLASSES_ROOT\key = text, at column 0.
    void read_31_line(Utf16View line) {
        constexpr Utf16View root = u"HKEY_CLASSES_ROOT\\";
        if (!line.starts_with(root)) {
            if (!line.empty()) sink_.bad_line(line_, "not a line of a Windows 3.1 .reg file");
            return;
        }
        const std::size_t key_end = line.find_first_of(u" =", root.size());
        Utf16View text = key_end == Utf16View::npos ? Utf16View{} : line.substr(key_end);
        if (text.starts_with(u' ')) text.remove_prefix(1);
        if (text.starts_with(u'=')) {
            text.remove_prefix(1);
            if (text.starts_with(u' ')) text.remove_prefix(1);
        }
        open(line.substr(0, key_end));
        Utf16 data(text);
        data += u'\0';
        if (key_open_) sink_.set_value(line_, {}, REG_SZ, bytes_of(data));
    }

    void read_key(Utf16View line) {
        key_open_ = false;  // whatever is wrong with this line: the values below it are not those of the key above
        skipping_ = true;
        const std::size_t end = line.rfind(u']');
        if (end == Utf16View::npos) return sink_.bad_line(line_, "key line without ]");
        line = line.substr(0, end);
        const bool deletes = take(line, u"-");
        if (line.empty() || is_blank(line.front())) return sink_.bad_line(line_, "blank where a key name begins");
        if (deletes) return remove(line);
        open(line);
    }

    // The root's own length, or nothing when `path` begins with no root.
    static std::optional<std::size_t> root_length(Utf16View path) {
        const std::size_t end = path.find(u'\\');
        for (Utf16View root : roots) {
            if (rtl::equal_folded(path.substr(0, end), root)) return root.size();
        }
        return std::nullopt;
    }

    void open(Utf16View path) {
        while (path.ends_with(u'\\')) path.remove_suffix(1);
        key_open_ = root_length(path).has_value();
        skipping_ = !key_open_;
        if (!key_open_) return sink_.bad_line(line_, "unknown root key; the values below it are skipped");
        sink_.open_key(line_, path);
    }

    void remove(Utf16View path) {
        while (path.ends_with(u'\\')) path.remove_suffix(1);
        const auto root = root_length(path);
        if (!root) return sink_.bad_line(line_, "unknown root key");
        if (*root == path.size()) return sink_.bad_line(line_, "a root key cannot be deleted");
        sink_.delete_key(line_, path);
    }

    void read_value(Utf16View line) {
        const std::size_t first_line = line_;
        std::optional<Utf16> name = Utf16();
        if (line.front() == u'"') {
            line.remove_prefix(1);
            name = take_quoted(line);
        } else {
            line.remove_prefix(1);
        }
        line = skip_blanks(line);
        if (!name) return sink_.bad_line(first_line, "value name with a bad escape or without its closing quote");
        if (!take(line, u"=")) return sink_.bad_line(first_line, "value without =");
        line = skip_blanks(line);
        std::vector<std::byte> data;
        std::uint32_t type = REG_NONE;
        const bool deletes = line.starts_with(u'-') && is_comment_or_end(line.substr(1));
        const char* problem = deletes ? nullptr : read_data(line, type, data);
        // The data is read first even when it has no key: its continuation lines are to be skipped with it.
        if (problem != nullptr) return sink_.bad_line(first_line, problem);
        if (!key_open_) {
            if (!skipping_) sink_.bad_line(first_line, "value outside a key");
            return;
        }
        if (deletes) return sink_.delete_value(first_line, *name);
        sink_.set_value(first_line, *name, type, data);
    }

    // Null, or what is wrong.
    const char* read_data(Utf16View line, std::uint32_t& type, std::vector<std::byte>& data) {
        if (take(line, u"\"")) return read_string(line, type, data);
        if (take(line, u"dword:")) return read_dword(line, type, data);
        type = REG_BINARY;
        if (take(line, u"hex:")) return read_hex(line, type, data);
        if (!take(line, u"hex(")) return "unknown kind of data";
        const auto number = take_hex(line);
        if (!number || !take(line, u"):")) return "bad type number in hex(...)";
        type = *number;
        return read_hex(line, type, data);
    }

    static const char* read_string(Utf16View line, std::uint32_t& type, std::vector<std::byte>& data) {
        auto text = take_quoted(line);
        if (!text) return "string with a bad escape or without its closing quote";
        if (!is_comment_or_end(line)) return "text behind the closing quote";
        *text += u'\0';
        type = REG_SZ;
        data = bytes_of(*text);
        return nullptr;
    }

    static const char* read_dword(Utf16View line, std::uint32_t& type, std::vector<std::byte>& data) {
        line = skip_blanks(line);
        const auto number = take_hex(line);
        if (!number || !is_comment_or_end(line)) return "dword: takes 1 to 8 hex digits";
        type = REG_DWORD;
        data.resize(sizeof(*number));
        std::memcpy(data.data(), &*number, sizeof(*number));
        return nullptr;
    }

    const char* read_hex(Utf16View line, std::uint32_t type, std::vector<std::byte>& data) {
        bool after_separator = true;  // a comma, or the colon: only there a backslash continues the value
        bool line_start = false;      // of a continuation line: digits must come first
        for (;;) {
            line = line_start ? line : skip_blanks(line);
            if (is_comment_or_end(line)) break;
            if (line.front() == u'\\') {
                if (!after_separator || line_start) return "\\ that does not follow a comma";
                if (!is_comment_or_end(line.substr(1))) return "text behind the \\ that continues a value";
                auto next = next_hex_line();
                if (!next) break;  // the file ends here: what there is counts
                line = *next;
                line_start = true;
                continue;
            }
            if (const char* problem = take_byte(line, after_separator, data)) return problem;
            line_start = false;
        }
        finish_hex(type, data);
        return nullptr;
    }

    // One byte and the comma behind it, if any.
    static const char* take_byte(Utf16View& line, bool& after_separator, std::vector<std::byte>& data) {
        if (!after_separator) return "hex bytes not separated by a comma";
        const auto number = take_hex(line);
        if (!number || *number > 0xFF) return "not a hex byte";
        data.push_back(static_cast<std::byte>(*number));
        after_separator = take(line, u",");
        return nullptr;
    }

    // The next line with bytes: blank lines and ; lines between them do not count.
    std::optional<Utf16View> next_hex_line() {
        while (auto line = next_line()) {
            *line = skip_blanks(*line);
            if (!line->empty() && line->front() != u';') return line;
        }
        return std::nullopt;
    }

    void finish_hex(std::uint32_t type, std::vector<std::byte>& data) const {
        if (format_ == Format::version_4 && (type == REG_EXPAND_SZ || type == REG_MULTI_SZ)) {
            const Utf16 text = decode({reinterpret_cast<const char*>(data.data()), data.size()});
            data = bytes_of(text);
        }
        if (type == REG_SZ || type == REG_EXPAND_SZ || type == REG_MULTI_SZ) terminate(data);
    }

    Utf16View rest_;
    Sink& sink_;
    std::size_t line_ = 0;
    Format format_ = Format::version_5;
    bool key_open_ = false;
    bool skipping_ = false;  // below a key line that was reported already
};

// The upper half of Windows-1252 where it differs from Latin-1.
constexpr char16_t windows_1252[] = {0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
                                     0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x008D, 0x017D, 0x008F,
                                     0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                     0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};

Utf16 decode_8bit(std::string_view bytes) {
    Utf16 text = rtl::from_utf8(bytes);
    if (rtl::to_utf8(text) == bytes) return text;  // it was UTF-8: nothing was replaced
    text.clear();
    for (char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        text += byte >= 0x80 && byte < 0xA0 ? windows_1252[byte - 0x80] : static_cast<char16_t>(byte);
    }
    return text;
}

Utf16 decode_16bit(std::string_view bytes, bool big_endian) {
    Utf16 text(bytes.size() / 2, u'\0');
    if (!text.empty()) std::memcpy(text.data(), bytes.data(), text.size() * 2);
    if (big_endian) {
        for (char16_t& unit : text) unit = static_cast<char16_t>(unit << 8 | unit >> 8);
    }
    return text;
}

}  // namespace

Utf16 decode(std::string_view bytes) { return decode_8bit(bytes); }

bool read(std::string_view bytes, Sink& sink) {
    Utf16 text;
    if (bytes.starts_with("\xFF\xFE")) {
        text = decode_16bit(bytes.substr(2), false);
    } else if (bytes.starts_with("\xFE\xFF")) {
        text = decode_16bit(bytes.substr(2), true);
    } else if (bytes.starts_with("\xEF\xBB\xBF")) {
        text = decode_8bit(bytes.substr(3));
    } else {
        text = decode_8bit(bytes);
    }
    return Reader(text, sink).run();
}

}  // namespace regent::win32::reg_text
