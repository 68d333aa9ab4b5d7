// diff: what differs between two hives; exit code 1 when something does.
#include "hive/diff.h"

#include <cstdio>

#include "dump.h"
#include "tool.h"

namespace regent::hivetool {

namespace {

using hive::Aspect;
using hive::Change;

constexpr std::size_t shown_bytes = 32;

struct Content {
    std::uint64_t keys = 0;
    std::uint64_t values = 0;
};

Content count_below(const hive::Hive& hive, hive::CellIndex top) {
    struct Counter {
        const hive::Hive& hive;
        Content content;
        void enter(hive::CellIndex key, std::size_t) {
            ++content.keys;
            content.values += hive.key_info(key).value_count;
        }
        void leave() {}
    } counter{hive, {}};
    walk(hive, top, counter);
    return counter.content;
}

class Printer : public hive::DiffSink {
public:
    Printer(const hive::Hive& before, const hive::Hive& after, bool json)
        : before_(before), after_(after), json_(json) {}

    void report(const hive::Difference& difference) override {
        ++count_;
        if (json_) {
            put_json(difference);
        } else {
            put_text(difference);
        }
        out_.put('\n');
        out_.mark();
    }
    std::uint64_t count() const { return count_; }
    bool finish() { return out_.finish(); }

private:
    static std::string joined(const std::vector<Utf16>& path, const char* separator,
                              void (*append)(std::string&, hive::NameView)) {
        std::string text;
        for (const Utf16& name : path) append(text += separator, view_of(name));
        return text.empty() ? separator : text;
    }

    void put_text(const hive::Difference& difference) {
        static constexpr char marks[] = {'-', '+', '~'};
        out_.put(marks[static_cast<std::size_t>(difference.change)]);
        out_.put(' ');
        out_.put(to_string(difference.aspect));
        out_.put(' ');
        out_.put(joined(*difference.path, "\\", append_escaped));
        if (difference.aspect == Aspect::key) return put_content(difference);
        if (difference.aspect != Aspect::value) return;
        const hive::Hive& named = difference.before ? before_ : after_;
        const hive::ValueInfo info = named.value_info(difference.before ? *difference.before : *difference.after);
        std::string name;
        append_escaped(name, info.name);
        out_.put(" : " + (name.empty() ? "(default)" : name));
        put_side(before_, difference.before);
        if (difference.before && difference.after) out_.put(" ->");
        put_side(after_, difference.after);
    }

    void put_content(const hive::Difference& difference) {
        const bool removed = difference.change == Change::removed;
        const Content content =
            removed ? count_below(before_, difference.key_before) : count_below(after_, difference.key_after);
        out_.put(" (" + std::to_string(content.keys) + " keys, " + std::to_string(content.values) + " values)");
    }

    void put_side(const hive::Hive& hive, std::optional<hive::ValueRef> value) {
        if (!value) return;
        const Bytes data = data_of(hive, *value, data_);
        out_.put("  type " + std::to_string(hive.value_info(*value).type) + ", " + std::to_string(data.size()) +
                 " bytes ");
        out_.hex(data.first(std::min(data.size(), shown_bytes)));
        if (data.size() > shown_bytes) out_.put("...");
    }

    void put_json(const hive::Difference& difference) {
        out_.put("{\"change\":\"");
        out_.put(to_string(difference.change));
        out_.put("\",\"aspect\":\"");
        out_.put(to_string(difference.aspect));
        out_.put("\",\"path\":\"" + joined(*difference.path, "\\\\", append_json) + '"');
        put_json_side(before_, "before", difference, difference.before, difference.key_before);
        put_json_side(after_, "after", difference, difference.after, difference.key_after);
        out_.put('}');
    }

    void put_json_side(const hive::Hive& hive, const char* side, const hive::Difference& difference,
                       std::optional<hive::ValueRef> value, hive::CellIndex key) {
        const bool has_value = difference.aspect != Aspect::value || value.has_value();
        if (key == hive::nil_cell || !has_value) return;
        const hive::KeyInfo info = hive.key_info(key);
        out_.put(std::string(",\"") + side + "\":");
        switch (difference.aspect) {
            case Aspect::key: {
                const Content content = count_below(hive, key);
                out_.put("{\"keys\":" + std::to_string(content.keys) + ",\"values\":" + std::to_string(content.values) +
                         '}');
                break;
            }
            case Aspect::value:
                put_json_value(hive, *value);
                break;
            case Aspect::name:
                put_json_text(info.name);
                break;
            case Aspect::class_name:
                put_json_hex(info.class_name);
                break;
            case Aspect::flags:
                out_.put("{\"flags\":" + std::to_string(info.flags) + ",\"user\":" + std::to_string(info.user_flags) +
                         ",\"virtualization\":" + std::to_string(info.virtualization_flags) + '}');
                break;
            case Aspect::security:
                put_json_hex(hive.security(key));
                break;
            case Aspect::time:
                out_.number(std::int64_t{info.last_write_time});
        }
    }

    void put_json_value(const hive::Hive& hive, hive::ValueRef value) {
        const hive::ValueInfo info = hive.value_info(value);
        out_.put("{\"name\":");
        put_json_text(info.name);
        out_.put(",\"type\":" + std::to_string(info.type) + ",\"data\":");
        put_json_hex(data_of(hive, value, data_));
        out_.put('}');
    }
    void put_json_text(hive::NameView name) {
        std::string text = "\"";
        append_json(text, name);
        out_.put(text + '"');
    }
    void put_json_hex(Bytes data) {
        out_.put('"');
        out_.hex(data);
        out_.put('"');
    }

    const hive::Hive& before_;
    const hive::Hive& after_;
    bool json_;
    std::uint64_t count_ = 0;
    Output out_;
    std::vector<std::byte> data_;
};

}  // namespace

int diff(const Arguments& arguments) {
    hive::FindingList findings;
    const auto before = open_read_only(arguments.file, findings);
    if (!before) return explain(arguments.file, before.error()), exit_error;
    const auto after = open_read_only(arguments.other, findings);
    if (!after) return explain(arguments.other, after.error()), exit_error;
    Printer printer(**before, **after, arguments.json);
    hive::compare(**before, **after, {arguments.times}, printer);
    const int code = finish(findings, printer.finish());
    return code == exit_fine && printer.count() != 0 ? exit_findings : code;
}

}  // namespace regent::hivetool
