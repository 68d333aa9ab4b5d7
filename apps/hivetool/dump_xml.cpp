// dump --xml: the document of hivexml 1.3.23, with its byte runs (where each record lies in the file).
#include "dump.h"
#include "file_time.h"
#include "hive/format.h"
#include "nt/ntregapi.h"

namespace regent::hivetool {

namespace {

constexpr const char* type_names[] = {"none",
                                      "string",
                                      "expand",
                                      "binary",
                                      "int32",
                                      "int32",
                                      "link",
                                      "string-list",
                                      "resource-list",
                                      "resource-description",
                                      "resource-requirements",
                                      "int64"};

class XmlFormat : public DumpFormat {
public:
    XmlFormat(const hive::Hive& hive, Output& out) : hive_(hive), out_(out) {}

    void begin() override {
        out_.put("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<hive>");
        put_time(hive_.last_written());
    }

    void key(hive::CellIndex key, std::size_t depth) override {
        const hive::KeyInfo info = hive_.key_info(key);
        out_.put("<node name=\"");
        put_text(info.name);
        out_.put(depth == 0 ? "\" root=\"1\">" : "\">");
        put_time(info.last_write_time);
        out_.put("<byte_runs>");
        put_run(key, sizeof(hive::KeyNode) + 4 + info.name.stored().size());
        out_.put("</byte_runs>");
        each_value(hive_, key, info.value_count,
                   [&](hive::ValueRef value, const hive::ValueInfo& value_info) { put_value(value, value_info); });
        out_.mark();
    }
    void leave() override { out_.put("</node>"); }
    void end() override { out_.put("</hive>\n"); }

private:
    void put_time(std::int64_t time) {
        if (time < unix_epoch) return;
        out_.put("<mtime>");
        out_.put(times_.text(time));
        out_.put("Z</mtime>");
    }

    void put_run(hive::CellIndex cell, std::size_t size) {
        out_.put("<byte_run file_offset=\"");
        out_.number(std::uint64_t{hive::bins_start} + cell);
        out_.put("\" len=\"");
        out_.number(std::uint64_t{size});
        out_.put("\"/>");
    }

    // NUL, other control characters and unpaired surrogates have no place in XML: hivexml ends a name at NUL, writes
    // documents that no parser takes, or gives up.
    static bool is_xml(char32_t point) {
        return point >= 0x20 && (point < 0xD800 || point > 0xDFFF) && point != 0xFFFE && point != 0xFFFF;
    }

    // Line ends and tabs are escaped in attributes only.
    void put_text(hive::NameView text, bool attribute = true) {
        text_.clear();
        each_code_point(text, [&](char32_t point) {
            switch (point) {
                case U'"':
                    text_ += "&quot;";
                    break;
                case U'&':
                    text_ += "&amp;";
                    break;
                case U'<':
                    text_ += "&lt;";
                    break;
                case U'>':
                    text_ += "&gt;";
                    break;
                case U'\t':
                    text_ += attribute ? "&#9;" : "\t";
                    break;
                case U'\n':
                    text_ += attribute ? "&#10;" : "\n";
                    break;
                case U'\r':
                    text_ += "&#13;";
                    break;
                default:
                    append_utf8(text_, is_xml(point) ? point : U'\uFFFD');
            }
        });
        out_.put(text_);
    }

    static hive::NameView until_nul(hive::NameView text) {
        std::size_t size = 0;
        while (size < text.size() && text[size] != 0) ++size;
        return {text.stored().first(size * 2), false};
    }

    void put_value(hive::ValueRef value, const hive::ValueInfo& info) {
        const Bytes data = data_of(hive_, value, data_);
        const bool known = info.type < std::size(type_names);
        out_.put("<value type=\"");
        out_.put(known ? type_names[info.type] : "unknown");
        out_.put('"');
        const hive::NameView string(data, false);
        switch (info.type) {
            case REG_SZ:
            case REG_EXPAND_SZ:
            case REG_LINK:
                put_name(info);
                out_.put(" value=\"");
                put_text(until_nul(string));
                out_.put("\">");
                break;
            case REG_DWORD:
            case REG_DWORD_BIG_ENDIAN:
            case REG_QWORD:
                put_name(info);
                out_.put(" value=\"");
                put_integer(info.type, data);
                out_.put("\">");
                break;
            case REG_MULTI_SZ:
                put_name(info);
                out_.put('>');
                put_strings(string);
                break;
            default:
                out_.put(" encoding=\"base64\"");
                put_name(info);
                if (data.empty() && info.type != REG_BINARY) return out_.put("/>");
                out_.put(" value=\"");
                out_.base64(data);
                out_.put("\">");
        }
        put_value_runs(value, info);
        out_.put("</value>");
    }

    void put_name(const hive::ValueInfo& info) {
        if (info.name.empty()) {
            out_.put(" default=\"1\"");
        } else {
            out_.put(" key=\"");
            put_text(info.name);
            out_.put('"');
        }
    }

    // hivexml shows -1 for a number with less than its type's size.
    void put_integer(std::uint32_t type, Bytes data) {
        const std::size_t size = type == REG_QWORD ? 8 : 4;
        if (data.size() < size) return out_.put("-1");
        if (type == REG_QWORD) return out_.number(*rtl::load<std::int64_t>(data, 0));
        const std::uint32_t value = *rtl::load<std::uint32_t>(data, 0);
        out_.number(
            std::int64_t{static_cast<std::int32_t>(type == REG_DWORD_BIG_ENDIAN ? __builtin_bswap32(value) : value)});
    }

    void put_strings(hive::NameView list) {
        for (std::size_t at = 0; at < list.size();) {
            const hive::NameView string = until_nul({list.stored().subspan(at * 2), false});
            out_.put("<string>");
            put_text(string, false);
            out_.put("</string>");
            at += string.size() + 1;
        }
    }

    void put_value_runs(hive::ValueRef value, const hive::ValueInfo& info) {
        out_.put("<byte_runs>");
        put_run(value.cell, sizeof(hive::KeyValue) + 4 + info.name.stored().size());
        const auto* record = rtl::record_at<hive::KeyValue>(hive_.stable_bytes(), std::uint64_t{value.cell} + 4);
        if (record != nullptr && (record->data_size & hive::value_inline_bit) == 0 && info.data_size != 0) {
            put_run(record->data, std::size_t{info.data_size} + 4);
        }
        out_.put("</byte_runs>");
    }

    const hive::Hive& hive_;
    Output& out_;
    FileTimeText times_{'T'};
    std::string text_;
    std::vector<std::byte> data_;
};

}  // namespace

std::unique_ptr<DumpFormat> xml_format(const hive::Hive& hive, Output& out) {
    return std::make_unique<XmlFormat>(hive, out);
}

}  // namespace regent::hivetool
