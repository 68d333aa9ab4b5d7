#include "dump.h"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "rtl/utf16.h"

namespace regent::hivetool {

namespace {

std::string hex(Bytes data) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    text.reserve(data.size() * 2);
    for (std::byte byte : data) {
        text.push_back(digits[std::to_integer<unsigned>(byte) >> 4]);
        text.push_back(digits[std::to_integer<unsigned>(byte) & 15]);
    }
    return text;
}

std::vector<std::byte> data_of(const hive::Hive& hive, hive::ValueRef value) {
    std::vector<std::byte> data(hive.value_info(value).data_size);
    data.resize(hive.read_value(value, 0, data));
    return data;
}

// JSON's own escapes, so that a name with a line end or a quote stays on its line.
std::string quoted(const std::string& text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void print_text(const hive::Hive& hive, hive::CellIndex key, const std::string& path) {
    const hive::KeyInfo info = hive.key_info(key);
    std::printf("[%s] time=%lld flags=%x", quoted(path).c_str(), static_cast<long long>(info.last_write_time),
                static_cast<unsigned>(info.flags));
    if (!info.class_name.empty()) std::printf(" class=%s", hex(info.class_name).c_str());
    std::printf("\n");
    for (std::uint32_t i = 0; i < info.value_count; ++i) {
        const auto value = hive.value_at(key, i);
        if (!value) break;
        const hive::ValueInfo value_info = hive.value_info(*value);
        std::printf("%s type=%u size=%u data=%s\n", quoted(rtl::to_utf8(value_info.name.to_utf16())).c_str(),
                    value_info.type, value_info.data_size, hex(data_of(hive, *value)).c_str());
    }
}

void print_json(const hive::Hive& hive, hive::CellIndex key, const std::string& path) {
    const hive::KeyInfo info = hive.key_info(key);
    nlohmann::ordered_json line;
    line["path"] = path;
    line["time"] = info.last_write_time;
    line["flags"] = info.flags;
    if (!info.class_name.empty()) line["class"] = hex(info.class_name);
    line["security"] = hex(hive.security(key));
    line["values"] = nlohmann::ordered_json::array();
    for (std::uint32_t i = 0; i < info.value_count; ++i) {
        const auto value = hive.value_at(key, i);
        if (!value) break;
        const hive::ValueInfo value_info = hive.value_info(*value);
        line["values"].push_back({{"name", rtl::to_utf8(value_info.name.to_utf16())},
                                  {"type", value_info.type},
                                  {"data", hex(data_of(hive, *value))}});
    }
    std::puts(line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

}  // namespace

bool dump(const hive::Hive& hive, DumpFormat format) {
    struct Pending {
        hive::CellIndex key;
        std::string path;
    };
    std::vector<Pending> stack = {{hive.root(), "\\"}};
    while (!stack.empty()) {
        const Pending next = std::move(stack.back());
        stack.pop_back();
        if (format == DumpFormat::text) {
            print_text(hive, next.key, next.path);
        } else {
            print_json(hive, next.key, next.path);
        }
        const std::string prefix = next.path == "\\" ? next.path : next.path + "\\";
        for (std::uint32_t i = hive.key_info(next.key).subkey_count; i-- > 0;) {
            const auto child = hive.subkey_at(next.key, i);
            if (child) stack.push_back({*child, prefix + rtl::to_utf8(hive.key_name(*child).to_utf16())});
        }
    }
    return std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
}

}  // namespace regent::hivetool
