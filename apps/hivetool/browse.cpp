// ls and get: one key, one value.
#include <cstdio>

#include "dump.h"
#include "file_time.h"
#include "rtl/value_type.h"
#include "tool.h"

namespace regent::hivetool {

namespace {

std::string type_name(std::uint32_t type) {
    const char* name = rtl::value_type_name(type);
    return name != nullptr ? name : "type " + std::to_string(type);
}

// The key at a path of escaped names; says on standard error how far the path led.
std::optional<hive::CellIndex> find_key(const hive::Hive& hive, const std::string& path) {
    hive::CellIndex key = hive.root();
    for (std::size_t at = 0; at < path.size();) {
        const std::size_t end = std::min(path.find('\\', at), path.size());
        const std::string part = path.substr(at, end - at);
        if (!part.empty()) {
            const auto child = hive.find_subkey(key, parse_escaped(part));
            if (!child) {
                std::fprintf(stderr, "hivetool: no key '%s' below '%s'; hivetool ls lists what is there\n",
                             part.c_str(), at == 0 ? "\\" : path.substr(0, at).c_str());
                return std::nullopt;
            }
            key = *child;
        }
        at = end + 1;
    }
    return key;
}

std::string escaped(hive::NameView name) {
    std::string text;
    append_escaped(text, name);
    return text;
}

// Strings and numbers as such, everything else in hex.
void put_data(Output& out, std::uint32_t type, Bytes data) {
    const hive::NameView text(data.first(data.size() & ~std::size_t{1}), false);
    if ((type == 1 || type == 2 || type == 6) && data.size() % 2 == 0) {
        std::size_t size = text.size();
        if (size != 0 && text[size - 1] == 0) --size;
        return out.put(escaped({data.first(size * 2), false}));
    }
    if (type == 7 && data.size() % 2 == 0) {
        for (std::size_t at = 0, end = 0; at < text.size() && text[at] != 0; at = end + 1) {
            for (end = at; end < text.size() && text[end] != 0;) ++end;
            if (at != 0) out.put(" | ");
            out.put(escaped({data.subspan(at * 2, (end - at) * 2), false}));
        }
        return;
    }
    if (const auto number = rtl::load<std::uint32_t>(data, 0); type == 4 && number && data.size() == 4) {
        return out.number(std::uint64_t{*number});
    }
    if (const auto number = rtl::load<std::uint64_t>(data, 0); type == 11 && number && data.size() == 8) {
        return out.number(*number);
    }
    out.hex(data);
}

void put_value(Output& out, const hive::Hive& hive, hive::ValueRef value) {
    const hive::ValueInfo info = hive.value_info(value);
    std::vector<std::byte> storage;
    out.put("  ");
    out.put(info.name.empty() ? "(default)" : escaped(info.name));
    out.put("  ");
    out.put(type_name(info.type));
    out.put("  ");
    put_data(out, info.type, data_of(hive, value, storage));
    out.put('\n');
    out.mark();
}

}  // namespace

int list_keys(const Arguments& arguments) {
    hive::FindingList findings;
    const auto opened = open_read_only(arguments.file, findings);
    if (!opened) return explain(arguments.file, opened.error());
    const hive::Hive& hive = **opened;
    const auto key = find_key(hive, arguments.key);
    if (!key) return exit_error;
    Output out;
    const hive::KeyInfo info = hive.key_info(*key);
    FileTimeText times(' ');
    out.put("written " + times.text(info.last_write_time) + ", " + std::to_string(info.subkey_count) + " subkeys, " +
            std::to_string(info.value_count) + " values");
    if (!info.class_name.empty()) out.put(", class " + escaped({info.class_name, false}));
    out.put('\n');
    for (std::uint32_t i = 0; i < info.subkey_count; ++i) {
        if (const auto child = hive.subkey_at(*key, i)) out.put(escaped(hive.key_name(*child)) + "\\\n");
        out.mark();
    }
    each_value(hive, *key, info.value_count,
               [&](hive::ValueRef value, const hive::ValueInfo&) { put_value(out, hive, value); });
    return finish(findings, out.finish());
}

// The data alone: as text, or with --raw the bytes.
int get(const Arguments& arguments) {
    hive::FindingList findings;
    const auto opened = open_read_only(arguments.file, findings);
    if (!opened) return explain(arguments.file, opened.error());
    const hive::Hive& hive = **opened;
    const auto key = find_key(hive, arguments.key);
    if (!key) return exit_error;
    const auto value = hive.find_value(*key, parse_escaped(arguments.value));
    if (!value) {
        std::fprintf(stderr, "hivetool: no value '%s' in '%s'; hivetool ls lists what is there\n",
                     arguments.value.c_str(), arguments.key.c_str());
        return exit_error;
    }
    const hive::ValueInfo info = hive.value_info(*value);
    std::vector<std::byte> storage;
    const Bytes data = data_of(hive, *value, storage);
    Output out;
    if (arguments.raw) {
        out.put({reinterpret_cast<const char*>(data.data()), data.size()});
    } else {
        out.put(type_name(info.type) + "  ");
        put_data(out, info.type, data);
        out.put('\n');
    }
    return finish(findings, out.finish());
}

}  // namespace regent::hivetool
