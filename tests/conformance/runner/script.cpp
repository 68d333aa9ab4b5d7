#include "script.h"

#include <array>
#include <charconv>
#include <fstream>

#include "nt/ntexapi.h"
#include "nt/ntioapi.h"
#include "nt/ntobapi.h"
#include "nt/ntregapi.h"
#include "nt/ntseapi.h"

namespace regent::regtest {
namespace {

struct Constant {
    const char* name;
    std::uint64_t value;
};
#define RG_NAMED(name) \
    Constant { #name, static_cast<std::uint64_t>(static_cast<std::uint32_t>(name)) }
constexpr Constant constants[] = {RG_NAMED(KEY_QUERY_VALUE),
                                  RG_NAMED(KEY_SET_VALUE),
                                  RG_NAMED(KEY_CREATE_SUB_KEY),
                                  RG_NAMED(KEY_ENUMERATE_SUB_KEYS),
                                  RG_NAMED(KEY_NOTIFY),
                                  RG_NAMED(KEY_CREATE_LINK),
                                  RG_NAMED(KEY_WOW64_64KEY),
                                  RG_NAMED(KEY_WOW64_32KEY),
                                  RG_NAMED(KEY_READ),
                                  RG_NAMED(KEY_WRITE),
                                  RG_NAMED(KEY_ALL_ACCESS),
                                  RG_NAMED(DELETE),
                                  RG_NAMED(READ_CONTROL),
                                  RG_NAMED(WRITE_DAC),
                                  RG_NAMED(WRITE_OWNER),
                                  RG_NAMED(SYNCHRONIZE),
                                  RG_NAMED(MAXIMUM_ALLOWED),
                                  RG_NAMED(GENERIC_ALL),
                                  RG_NAMED(GENERIC_READ),
                                  RG_NAMED(GENERIC_WRITE),
                                  RG_NAMED(ACCESS_SYSTEM_SECURITY),
                                  RG_NAMED(REG_NONE),
                                  RG_NAMED(REG_SZ),
                                  RG_NAMED(REG_EXPAND_SZ),
                                  RG_NAMED(REG_BINARY),
                                  RG_NAMED(REG_DWORD),
                                  RG_NAMED(REG_LINK),
                                  RG_NAMED(REG_MULTI_SZ),
                                  RG_NAMED(REG_QWORD),
                                  RG_NAMED(DUPLICATE_SAME_ACCESS),
                                  RG_NAMED(DUPLICATE_CLOSE_SOURCE),
                                  {"VOLATILE", REG_OPTION_VOLATILE},
                                  {"CREATE_LINK", REG_OPTION_CREATE_LINK},
                                  {"BACKUP_RESTORE", REG_OPTION_BACKUP_RESTORE},
                                  {"OPEN_LINK", REG_OPTION_OPEN_LINK},
                                  {"OPENLINK", OBJ_OPENLINK},
                                  {"CASE_INSENSITIVE", OBJ_CASE_INSENSITIVE},
                                  {"KERNEL_HANDLE", OBJ_KERNEL_HANDLE},
                                  {"NAME", REG_NOTIFY_CHANGE_NAME},
                                  {"ATTRIBUTES", REG_NOTIFY_CHANGE_ATTRIBUTES},
                                  {"LAST_SET", REG_NOTIFY_CHANGE_LAST_SET},
                                  {"SECURITY", REG_NOTIFY_CHANGE_SECURITY},
                                  {"STANDARD_FORMAT", REG_STANDARD_FORMAT},
                                  {"LATEST_FORMAT", REG_LATEST_FORMAT},
                                  {"NO_COMPRESSION", REG_NO_COMPRESSION},
                                  {"FORCE_UNLOAD", REG_FORCE_UNLOAD},
                                  {"WHOLE_HIVE_VOLATILE", REG_WHOLE_HIVE_VOLATILE},
                                  {"REFRESH_HIVE", REG_REFRESH_HIVE},
                                  {"NO_LAZY_FLUSH", REG_NO_LAZY_FLUSH},
                                  {"FORCE_RESTORE", REG_FORCE_RESTORE},
                                  {"APP_HIVE", REG_APP_HIVE},
                                  {"PROCESS_PRIVATE", REG_PROCESS_PRIVATE},
                                  {"LOAD_HIVE_OPEN_HANDLE", REG_LOAD_HIVE_OPEN_HANDLE},
                                  {"OPEN_READ_ONLY", REG_OPEN_READ_ONLY},
                                  RG_NAMED(FILE_READ_DATA),
                                  RG_NAMED(FILE_WRITE_DATA),
                                  {"OWNER", OWNER_SECURITY_INFORMATION},
                                  {"GROUP", GROUP_SECURITY_INFORMATION},
                                  {"DACL", DACL_SECURITY_INFORMATION},
                                  {"LABEL", LABEL_SECURITY_INFORMATION},
                                  {"SACL", SACL_SECURITY_INFORMATION},
                                  {"basic", KeyBasicInformation},
                                  {"node", KeyNodeInformation},
                                  {"full", KeyFullInformation},
                                  {"name", KeyNameInformation},
                                  {"cached", KeyCachedInformation},
                                  {"flags", KeyFlagsInformation},
                                  {"handletags", KeyHandleTagsInformation},
                                  {"virtualization", KeyVirtualizationInformation},
                                  {"trust", KeyTrustInformation},
                                  {"layer", KeyLayerInformation},
                                  {"vlayer", KeyValueLayerInformation},
                                  {"setvirtualization", KeySetVirtualizationInformation},
                                  {"setdebug", KeySetDebugInformation},
                                  {"setlayer", KeySetLayerInformation},
                                  {"vbasic", KeyValueBasicInformation},
                                  {"vfull", KeyValueFullInformation},
                                  {"vpartial", KeyValuePartialInformation},
                                  {"vfull64", KeyValueFullInformationAlign64},
                                  {"vpartial64", KeyValuePartialInformationAlign64},
                                  {"writetime", KeyWriteTimeInformation},
                                  {"wow64flags", KeyWow64FlagsInformation},
                                  {"controlflags", KeyControlFlagsInformation},
                                  {"sethandletags", KeySetHandleTagsInformation}};
#undef RG_NAMED

// Splits at blanks outside quotes.
std::optional<std::vector<Word>> split(const std::string& text) {
    std::vector<Word> words;
    std::size_t i = 0;
    while (i < text.size()) {
        if (text[i] == ' ' || text[i] == '\t') {
            ++i;
            continue;
        }
        Word word;
        bool inside = false;
        for (; i < text.size() && (inside || (text[i] != ' ' && text[i] != '\t')); ++i) {
            if (text[i] == '"') {
                inside = !inside;
                word.quoted = true;
            } else {
                word.text.push_back(text[i]);
            }
        }
        if (inside) return std::nullopt;
        words.push_back(std::move(word));
    }
    return words;
}

// name=value; a quoted word whose name part was itself quoted is plain text.
bool is_pair(const Word& word, std::string* name, Word* value) {
    const std::size_t equals = word.text.find('=');
    if (equals == std::string::npos || equals == 0) return false;
    for (std::size_t i = 0; i < equals; ++i) {
        if (word.text[i] < 'a' || word.text[i] > 'z') return false;
    }
    *name = word.text.substr(0, equals);
    *value = Word{word.text.substr(equals + 1), word.quoted};
    return true;
}

bool parse_answer(const std::string& text, Line* line) {
    auto words = split(text);
    if (!words || words->empty()) return false;
    std::string statuses = words->front().text;
    for (std::size_t start = 0; start <= statuses.size();) {
        const std::size_t end = std::min(statuses.find('|', start), statuses.size());
        std::string name = statuses.substr(start, end - start);
        line->statuses.push_back(name.starts_with("STATUS_") ? name : "STATUS_" + name);
        start = end + 1;
    }
    for (std::size_t i = 1; i < words->size(); ++i) {
        std::string name;
        Word value;
        if (!is_pair((*words)[i], &name, &value)) return false;
        line->expected[name] = value;
    }
    return true;
}

bool parse_line(std::string text, Line* line) {
    line->text = text;
    if (const std::size_t arrow = text.find(" -> "); arrow != std::string::npos) {
        if (!parse_answer(text.substr(arrow + 4), line)) return false;
        text.resize(arrow);
    } else {
        line->statuses.push_back("STATUS_SUCCESS");
    }
    auto words = split(text);
    if (!words || words->empty()) return false;
    line->verb = words->front().text;
    for (std::size_t i = 1; i < words->size(); ++i) {
        std::string name;
        Word value;
        if (is_pair((*words)[i], &name, &value)) {
            line->options[name] = value;
        } else {
            line->words.push_back((*words)[i]);
        }
    }
    return true;
}

std::optional<std::uint64_t> one_number(std::string_view text) {
    for (const Constant& constant : constants) {
        if (text == constant.name) return constant.value;
    }
    const bool hex = text.starts_with("0x");
    if (hex) text.remove_prefix(2);
    std::uint64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, hex ? 16 : 10);
    if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return value;
}

}  // namespace

const Word& Line::option(const std::string& name, const Word& otherwise) const {
    auto found = options.find(name);
    return found != options.end() ? found->second : otherwise;
}

Script read_script(const std::string& path) {
    Script script;
    script.path = path;
    std::ifstream file(path);
    if (!file) script.errors.push_back(path + ": cannot be read");
    auto complain = [&](int number, const std::string& text) {
        script.errors.push_back(path + ":" + std::to_string(number) + ": " + text);
    };
    std::string text;
    for (int number = 1; std::getline(file, text); ++number) {
        while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.pop_back();
        const std::size_t start = text.find_first_not_of(' ');
        if (start == std::string::npos) continue;
        text.erase(0, start);
        if (text.starts_with("# name: ")) {
            script.cases.push_back(Case{text.substr(8), "", number, {}});
        } else if (text.starts_with("# source: ") && !script.cases.empty()) {
            script.cases.back().source = text.substr(10);
        } else if (text[0] != '#') {
            Line line;
            line.number = number;
            if (script.cases.empty() || script.cases.back().source.empty()) {
                complain(number, "a call outside a case that has # name: and # source:");
            } else if (!parse_line(text, &line)) {
                complain(number, "not understood: " + text);
            } else {
                script.cases.back().lines.push_back(std::move(line));
            }
        }
    }
    return script;
}

std::optional<Utf16> to_units(const std::string& text) {
    Utf16 units;
    std::string plain;
    auto flush = [&] {
        units += rtl::from_utf8(plain);
        plain.clear();
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '{') {
            plain.push_back(text[i]);
            continue;
        }
        const std::size_t end = text.find('}', i);
        unsigned unit = 0;
        if (end == std::string::npos) return std::nullopt;
        auto [stop, error] = std::from_chars(text.data() + i + 1, text.data() + end, unit, 16);
        if (error != std::errc{} || stop != text.data() + end || unit > 0xFFFF) return std::nullopt;
        flush();
        units.push_back(static_cast<char16_t>(unit));
        i = end;
    }
    flush();
    return units;
}

std::string to_text(Utf16View units) {
    std::string text;
    for (char16_t unit : units) {
        if (unit >= 0x20 && unit < 0x7F) {
            text.push_back(static_cast<char>(unit));
        } else {
            std::array<char, 8> digits{};
            auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), unsigned{unit}, 16);
            text += "{" + std::string(digits.data(), end) + "}";
        }
    }
    return text;
}

std::optional<std::uint64_t> to_number(const std::string& text) {
    std::uint64_t value = 0;
    for (std::size_t start = 0; start <= text.size();) {
        const std::size_t end = std::min(text.find('|', start), text.size());
        auto part = one_number(std::string_view(text).substr(start, end - start));
        if (!part) return std::nullopt;
        value |= *part;
        start = end + 1;
    }
    return value;
}

std::optional<std::vector<std::byte>> to_data(const Word& word) {
    std::vector<std::byte> data;
    if (word.quoted) {
        auto units = to_units(word.text);
        if (!units) return std::nullopt;
        data.resize(units->size() * 2);
        if (!data.empty()) std::memcpy(data.data(), units->data(), data.size());
        return data;
    }
    if (word.text == "none") return data;
    if (const std::size_t colon = word.text.find(':'); colon != std::string::npos) {
        const std::string kind = word.text.substr(0, colon);
        auto number = to_number(word.text.substr(colon + 1));
        if (!number) return std::nullopt;
        if (kind == "dword" || kind == "qword") {
            data.resize(kind == "dword" ? 4 : 8);
            std::memcpy(data.data(), &*number, data.size());
            return data;
        }
        if (kind != "zeros" && kind != "pattern") return std::nullopt;
        data.resize(*number);
        for (std::size_t i = 0; kind == "pattern" && i < data.size(); ++i)
            data[i] = static_cast<std::byte>(i * 7 + i / 251);
        return data;
    }
    if (word.text.size() % 2 != 0) return std::nullopt;
    for (std::size_t i = 0; i < word.text.size(); i += 2) {
        unsigned value = 0;
        auto [end, error] = std::from_chars(word.text.data() + i, word.text.data() + i + 2, value, 16);
        if (error != std::errc{} || end != word.text.data() + i + 2) return std::nullopt;
        data.push_back(static_cast<std::byte>(value));
    }
    return data;
}

std::string to_hex(Bytes bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (std::byte byte : bytes) {
        text.push_back(digits[std::to_integer<unsigned>(byte) >> 4]);
        text.push_back(digits[std::to_integer<unsigned>(byte) & 15]);
    }
    return text;
}

}  // namespace regent::regtest
