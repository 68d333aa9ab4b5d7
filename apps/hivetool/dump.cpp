// JSON Lines and .reg; the choice among the formats.
#include "dump.h"

#include "tool.h"
#include "win32/reg_text.h"

namespace regent::hivetool {

namespace {

// One object a key: path, time (FILETIME), flags, class (hex of UTF-16LE, when there is one), security and data in hex.
class JsonFormat : public DumpFormat {
public:
    JsonFormat(const hive::Hive& hive, Output& out) : hive_(hive), out_(out) {}

    void key(hive::CellIndex key, std::size_t depth) override {
        const hive::KeyInfo info = hive_.key_info(key);
        std::string& path = path_.at(depth);
        if (depth != 0) {
            path += "\\\\";
            append_json(path, info.name);
        }
        path_.entered();
        out_.put("{\"path\":\"");
        out_.put(depth == 0 ? "\\\\" : path_.text());
        out_.put("\",\"time\":");
        out_.number(std::int64_t{info.last_write_time});
        out_.put(",\"flags\":");
        out_.number(std::uint64_t{info.flags});
        if (!info.class_name.empty()) {
            out_.put(",\"class\":\"");
            out_.hex(info.class_name);
            out_.put('"');
        }
        out_.put(",\"security\":\"");
        out_.hex(hive_.security(key));
        out_.put("\",\"values\":[");
        bool first = true;
        each_value(hive_, key, info.value_count, [&](hive::ValueRef value, const hive::ValueInfo& value_info) {
            if (!first) out_.put(',');
            first = false;
            put_value(value, value_info);
        });
        out_.put("]}\n");
        out_.mark();
    }

private:
    void put_value(hive::ValueRef value, const hive::ValueInfo& info) {
        text_.clear();
        append_json(text_, info.name);
        out_.put("{\"name\":\"");
        out_.put(text_);
        out_.put("\",\"type\":");
        out_.number(std::uint64_t{info.type});
        out_.put(",\"data\":\"");
        out_.hex(data_of(hive_, value, data_));
        out_.put("\"}");
    }

    const hive::Hive& hive_;
    Output& out_;
    DumpPath path_;
    std::string text_;
    std::vector<std::byte> data_;
};

// What `reg export` of the loaded hive would write, with `prefix` as the root's path.
class RegFormat : public DumpFormat {
public:
    RegFormat(const hive::Hive& hive, Output& out, const std::string& prefix)
        : hive_(hive), out_(out), path_(rtl::from_utf8(prefix)) {}

    void key(hive::CellIndex key, std::size_t depth) override {
        const hive::KeyInfo info = hive_.key_info(key);
        if (depth != 0) (path_ += u'\\') += info.name.to_utf16();
        writer_.key(path_);
        ends_.push_back(path_.size());
        each_value(hive_, key, info.value_count, [&](hive::ValueRef value, const hive::ValueInfo& value_info) {
            writer_.value(value_info.name.to_utf16(), value_info.type, data_of(hive_, value, data_));
        });
        if (++keys_ % 256 == 0) drain();
    }
    void leave() override {
        ends_.pop_back();
        if (!ends_.empty()) path_.resize(ends_.back());
    }
    void end() override {
        writer_.finish();
        drain();
    }

private:
    void drain() {
        out_.put(writer_.take());
        out_.mark();
    }

    const hive::Hive& hive_;
    Output& out_;
    win32::reg_text::Writer writer_;
    Utf16 path_;
    std::vector<std::size_t> ends_;
    std::vector<std::byte> data_;
    std::uint64_t keys_ = 0;
};

// HKEY_LOCAL_MACHINE and the file's name: where a hive of that name is usually mounted.
std::string default_prefix(const std::string& file) {
    return "HKEY_LOCAL_MACHINE\\" + file.substr(file.rfind('/') + 1);
}

std::unique_ptr<DumpFormat> choose(const Arguments& arguments, const hive::Hive& hive, Output& out) {
    if (arguments.json) return json_format(hive, out);
    if (arguments.xml) return xml_format(hive, out);
    if (arguments.reg) {
        return reg_format(hive, out, arguments.prefix.empty() ? default_prefix(arguments.file) : arguments.prefix);
    }
    return reglookup_format(hive, out);
}

}  // namespace

std::unique_ptr<DumpFormat> json_format(const hive::Hive& hive, Output& out) {
    return std::make_unique<JsonFormat>(hive, out);
}
std::unique_ptr<DumpFormat> reg_format(const hive::Hive& hive, Output& out, const std::string& prefix) {
    return std::make_unique<RegFormat>(hive, out, prefix);
}

int dump(const Arguments& arguments) {
    hive::FindingList findings;
    const auto opened = open_read_only(arguments.file, findings);
    if (!opened) {
        print_findings(findings, stderr);
        return explain(arguments.file, opened.error());
    }
    struct Visitor {
        DumpFormat& format;
        Progress& progress;
        void enter(hive::CellIndex key, std::size_t depth) {
            format.key(key, depth);
            progress.step();
        }
        void leave() { format.leave(); }
    };
    Output out;
    const auto format = choose(arguments, **opened, out);
    Progress progress("dump", arguments.progress);
    format->begin();
    Visitor visitor{*format, progress};
    walk(**opened, (*opened)->root(), visitor);
    format->end();
    return finish(findings, out.finish());
}

}  // namespace regent::hivetool
