// dump --text: the lines of reglookup 1.0.1 in the C locale. Names and strings that are not ASCII stand as the bytes
// that the hive has, %XX each; where reglookup stops at a broken cell, this goes on (the hive was repaired in memory).
#include <array>
#include <cstring>

#include "dump.h"
#include "file_time.h"
#include "nt/ntregapi.h"

namespace regent::hivetool {

namespace {

constexpr const char* type_names[] = {"NONE", "SZ",       "EXPAND_SZ", "BINARY",    "DWORD",         "DWORD_BE",
                                      "LINK", "MULTI_SZ", "RSRC_LIST", "RSRC_DESC", "RSRC_REQ_LIST", "QWORD"};
constexpr char upper_hex[] = "0123456789ABCDEF";

class ReglookupFormat : public DumpFormat {
public:
    ReglookupFormat(const hive::Hive& hive, Output& out) : hive_(hive), out_(out) {}

    void begin() override { out_.put("PATH,TYPE,VALUE,MTIME\n"); }

    void key(hive::CellIndex key, std::size_t depth) override {
        const hive::KeyInfo info = hive_.key_info(key);
        std::string& path = path_.at(depth);
        if (depth != 0) {
            path += '/';
            append_name(path, info.name);
        }
        path_.entered();
        const std::string_view shown = depth == 0 ? "/" : std::string_view(path_.text());
        out_.put(shown);
        out_.put(",KEY,,");
        out_.put(times_.text(info.last_write_time));
        out_.put('\n');
        each_value(hive_, key, info.value_count, [&](hive::ValueRef value, const hive::ValueInfo& value_info) {
            out_.put(shown);
            out_.put('/');
            put_value(value, value_info);
        });
        out_.mark();
    }

private:
    // `separator` of the place where the text stands is quoted too: / in paths, | in lists and in what is shown raw.
    static void quote(std::string& to, unsigned char byte, char separator = '%') {
        if (byte < 0x20 || byte > 0x7E || byte == ',' || byte == '"' || byte == '%' ||
            byte == static_cast<unsigned char>(separator)) {
            to += '%';
            to += upper_hex[byte >> 4];
            to += upper_hex[byte & 15];
        } else {
            to += static_cast<char>(byte);
        }
    }
    static void quote(std::string& to, Bytes bytes, char separator = '%') {
        for (std::byte byte : bytes) quote(to, std::to_integer<unsigned char>(byte), separator);
    }
    static bool is_ascii(hive::NameView text) {
        for (std::size_t i = 0; i < text.size(); ++i) {
            if (text[i] >= 0x80) return false;
        }
        return true;
    }
    static void append_name(std::string& to, hive::NameView name) {
        if (name.compressed() || !is_ascii(name)) return quote(to, name.stored(), '/');
        for (std::size_t i = 0; i < name.size(); ++i) quote(to, static_cast<unsigned char>(name[i]), '/');
    }

    void put_value(hive::ValueRef value, const hive::ValueInfo& info) {
        text_.clear();
        append_name(text_, info.name);
        text_ += ',';
        if (info.type < std::size(type_names)) {
            text_ += type_names[info.type];
        } else {
            text_ += "0x";
            append_hex(info.type, 8);
        }
        text_ += ',';
        append_data(info.type, data_of(hive_, value, data_));
        text_ += ",\n";
        out_.put(text_);
    }

    void append_hex(std::uint64_t value, unsigned digits) {
        while (digits-- > 0) text_ += upper_hex[value >> (4 * digits) & 15];
    }

    void append_integer(Bytes data, bool big_endian) {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < data.size(); ++i) {
            const std::size_t at = big_endian ? i : data.size() - 1 - i;
            value = value << 8 | std::to_integer<std::uint64_t>(data[at]);
        }
        text_ += "0x";
        append_hex(value, static_cast<unsigned>(data.size()) * 2);
    }

    // Up to the first NUL; of a list, up to the NULs that end it, with | between the strings.
    void append_string(hive::NameView string, bool list) {
        std::size_t size = string.size();
        while (list && size > 0 && string[size - 1] == 0) --size;
        for (std::size_t i = 0; i < size; ++i) {
            const auto unit = static_cast<unsigned char>(string[i]);
            if (unit == 0 && !list) return;
            if (unit == 0) {
                text_ += '|';
            } else {
                quote(text_, unit, list ? '|' : '%');
            }
        }
    }

    void append_data(std::uint32_t type, Bytes data) {
        const hive::NameView string(data, false);
        switch (type) {
            case REG_DWORD:
            case REG_DWORD_BIG_ENDIAN:
                if (data.size() >= 4) return append_integer(data.first(4), type == REG_DWORD_BIG_ENDIAN);
                break;
            case REG_QWORD:
                if (data.size() >= 8) return append_integer(data.first(8), false);
                break;
            case REG_SZ:
            case REG_EXPAND_SZ:
            case REG_LINK:
            case REG_MULTI_SZ:
                if (data.size() % 2 == 0 && !data.empty() && is_ascii(string)) {
                    return append_string(string, type == REG_MULTI_SZ);
                }
                break;
            case REG_NONE:
            case REG_BINARY:
            case REG_RESOURCE_LIST:
            case REG_FULL_RESOURCE_DESCRIPTOR:
            case REG_RESOURCE_REQUIREMENTS_LIST:
                if (!data.empty()) return quote(text_, data);
                break;
            default:
                break;
        }
        if (data.empty()) {
            text_ += "(null)";
        } else {
            quote(text_, data, '|');
        }
    }

    const hive::Hive& hive_;
    Output& out_;
    DumpPath path_;
    FileTimeText times_{' '};
    std::string text_;
    std::vector<std::byte> data_;
};

}  // namespace

std::unique_ptr<DumpFormat> reglookup_format(const hive::Hive& hive, Output& out) {
    return std::make_unique<ReglookupFormat>(hive, out);
}

}  // namespace regent::hivetool
