// deleted: what is deleted and still readable.
#include "hive/deleted.h"

#include <algorithm>
#include <cstdio>

#include "dump.h"
#include "file_time.h"
#include "hive/format.h"
#include "tool.h"

namespace regent::hivetool {

namespace {

using Append = void (*)(std::string&, hive::NameView);

std::uint64_t file_offset(hive::CellIndex cell) { return std::uint64_t{hive::bins_start} + cell; }

std::string joined(const std::vector<Utf16>& names, bool rooted, const char* separator, Append append) {
    std::string text = rooted ? "" : "?";
    for (const Utf16& name : names) append(text += separator, view_of(name));
    return text.empty() ? separator : text;
}

std::vector<Utf16> path_of(const hive::Hive& hive, hive::CellIndex key) {
    std::vector<Utf16> path;
    for (; key != hive.root(); key = hive.parent(key)) path.insert(path.begin(), hive.key_name(key).to_utf16());
    return path;
}

std::string hex_offset(hive::CellIndex cell) {
    char text[24];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(file_offset(cell)));
    return text;
}

// What the file has behind its last bin.
Result<std::vector<std::byte>> behind_the_bins(const std::string& path, const hive::Hive& opened) {
    const auto file = RG_TRY(rtl::real_env().open(path, rtl::OpenMode::read));
    const std::uint64_t size = RG_TRY(file->size());
    const std::uint64_t end = hive::bins_start + opened.stable_size();
    if (size <= end) return std::vector<std::byte>();
    std::vector<std::byte> bytes(std::min<std::uint64_t>(size - end, hive::max_storage - opened.stable_size()));
    const std::size_t got = RG_TRY(file->read_at(end, bytes));
    bytes.resize(got);
    return bytes;
}

class Printer {
public:
    Printer(const hive::Hive& hive, Output& out) : hive_(hive), out_(out) {}
    virtual ~Printer() = default;
    virtual void key(const hive::DeletedKey& key) = 0;
    virtual void orphan(const hive::OrphanValue& value) = 0;
    virtual void end(const hive::DeletedRecords&) {}

protected:
    const hive::Hive& hive_;
    Output& out_;
};

class TextPrinter : public Printer {
public:
    using Printer::Printer;
    void key(const hive::DeletedKey& key) override {
        out_.put("key " + hex_offset(key.cell) + ' ' + to_string(key.place) + "  " +
                 joined(key.path, key.rooted, "\\", append_escaped) + "  " + times_.text(key.time) + '\n');
        for (const hive::DeletedValue& value : key.values) put_value("  ", value);
    }
    void orphan(const hive::OrphanValue& orphan) override {
        const bool known = orphan.key != hive::nil_cell;
        out_.put(
            "value of " +
            (known ? joined(path_of(hive_, orphan.key), true, "\\", append_escaped) : std::string("an unknown key")) +
            '\n');
        put_value("  ", orphan.value);
    }
    void end(const hive::DeletedRecords& found) override {
        std::size_t values = found.values.size();
        for (const hive::DeletedKey& key : found.keys) values += key.values.size();
        out_.put(std::to_string(found.keys.size()) + " keys, " + std::to_string(values) + " values\n");
    }

private:
    void put_value(const char* indent, const hive::DeletedValue& value) {
        std::string name;
        append_escaped(name, view_of(value.name));
        out_.put(indent + ("value " + hex_offset(value.cell)) + ' ' + to_string(value.place) + "  " +
                 (name.empty() ? "(default)" : name) + "  type " + std::to_string(value.type) + ", " +
                 std::to_string(value.size) + " bytes ");
        if (value.state == hive::DataState::overwritten) {
            out_.put("overwritten");
        } else {
            out_.hex(value.data);
        }
        out_.put('\n');
        out_.mark();
    }

    FileTimeText times_{' '};
};

// JSON Lines: {"kind":"key",...,"values":[...]} and {"kind":"value","path":...}.
class JsonPrinter : public Printer {
public:
    using Printer::Printer;
    void key(const hive::DeletedKey& key) override {
        out_.put("{\"kind\":\"key\",\"path\":\"" + joined(key.path, key.rooted, "\\\\", append_json) +
                 "\",\"rooted\":" + (key.rooted ? "true" : "false"));
        put_place(key.cell, key.place);
        out_.put(",\"time\":" + std::to_string(key.time) + ",\"values\":[");
        for (std::size_t i = 0; i < key.values.size(); ++i) {
            if (i != 0) out_.put(',');
            out_.put('{');
            put_value(key.values[i]);
        }
        out_.put("]}\n");
        out_.mark();
    }
    void orphan(const hive::OrphanValue& orphan) override {
        const bool known = orphan.key != hive::nil_cell;
        out_.put("{\"kind\":\"value\",\"path\":" +
                 (known ? '"' + joined(path_of(hive_, orphan.key), true, "\\\\", append_json) + '"' : "null") + ',');
        put_value(orphan.value);
        out_.put('\n');
        out_.mark();
    }

private:
    void put_place(hive::CellIndex cell, hive::Place place) {
        out_.put(",\"offset\":" + std::to_string(file_offset(cell)) + ",\"place\":\"" + to_string(place) + '"');
    }
    void put_value(const hive::DeletedValue& value) {
        std::string name;
        append_json(name, view_of(value.name));
        out_.put("\"name\":\"" + name + "\",\"type\":" + std::to_string(value.type) +
                 ",\"size\":" + std::to_string(value.size));
        put_place(value.cell, value.place);
        out_.put(",\"data\":");
        if (value.state == hive::DataState::overwritten) {
            out_.put("null}");
        } else {
            out_.put('"');
            out_.hex(value.data);
            out_.put("\"}");
        }
    }
};

}  // namespace

int deleted(const Arguments& arguments) {
    hive::FindingList findings;
    const auto opened = open_read_only(arguments.file, findings);
    if (!opened) {
        print_findings(findings, stderr);
        return explain(arguments.file, opened.error());
    }
    const auto tail = behind_the_bins(arguments.file, **opened);
    if (!tail) return explain(arguments.file, tail.error());
    const hive::DeletedRecords found = hive::find_deleted(**opened, rtl::as_bytes(tail->data(), tail->size()));
    Output out;
    const auto print = [&](Printer&& printer) {
        for (const hive::DeletedKey& key : found.keys) printer.key(key);
        for (const hive::OrphanValue& value : found.values) printer.orphan(value);
        printer.end(found);
    };
    if (arguments.json) {
        print(JsonPrinter(**opened, out));
    } else {
        print(TextPrinter(**opened, out));
    }
    return finish(findings, out.finish());
}

}  // namespace regent::hivetool
