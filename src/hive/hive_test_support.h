// For the hive's tests: small hives and their content as text, so that two hives can be compared.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "hive/hive.h"
#include "hive/hive_impl.h"
#include "rtl/sim_env.h"

namespace regent::hive {

inline Bytes bytes_of(const std::string& text) { return rtl::as_bytes(text.data(), text.size()); }

inline void describe(const Hive& hive, CellIndex key, const std::string& path, std::string& out) {
    const KeyInfo info = hive.key_info(key);
    const auto hash = [](Bytes data) {
        const std::string_view text(reinterpret_cast<const char*>(data.data()), data.size());
        return std::to_string(data.size()) + ":" + std::to_string(std::hash<std::string_view>{}(text));
    };
    out += path + " t=" + std::to_string(info.last_write_time) + " class=" + hash(info.class_name) +
           " sd=" + hash(hive.security(key)) + "\n";
    for (std::uint32_t i = 0; i < info.value_count; ++i) {
        const ValueRef value = *hive.value_at(key, i);
        const ValueInfo value_info = hive.value_info(value);
        std::string data(value_info.data_size, '\0');
        const MutableBytes room(reinterpret_cast<std::byte*>(data.data()), data.size());
        EXPECT_EQ(hive.read_value(value, 0, room), data.size());
        out += "  " + rtl::to_utf8(value_info.name.to_utf16()) + " " + std::to_string(value_info.type) + " " +
               std::to_string(data.size()) + " " + std::to_string(std::hash<std::string>{}(data)) + "\n";
    }
    for (std::uint32_t i = 0; i < info.subkey_count; ++i) {
        const auto child = hive.subkey_at(key, i);
        ASSERT_TRUE(child);
        const std::string name = rtl::to_utf8(hive.key_name(*child).to_utf16());
        EXPECT_EQ(hive.find_subkey(key, hive.key_name(*child).to_utf16()), child) << path << "\\" << name;
        describe(hive, *child, path + "\\" + name, out);
    }
}

inline std::string describe(const Hive& hive) {
    std::string text;
    describe(hive, hive.root(), "", text);
    return text;
}

inline void expect_sound(const Hive& hive) {
    FindingList findings;
    EXPECT_EQ(hive.check(findings), 0U);
    for (const Finding& finding : findings.findings()) {
        ADD_FAILURE() << to_string(finding.kind) << " at " << finding.file_offset << ": expected " << finding.expected
                      << ", found " << finding.actual;
    }
}

inline Result<std::unique_ptr<Hive>> memory_hive(Format format = Format::v1_5) {
    HiveOptions options;
    options.format = format;
    options.time = 100;
    return Hive::create(rtl::real_env(), options);
}

inline Result<CellIndex> make_key(Hive& hive, CellIndex parent, Utf16View name,
                                  StorageType type = StorageType::stable) {
    return hive.create_subkey(parent, name, {}, default_descriptor(), type, 200);
}

inline Utf16 wide(const std::string& text) { return rtl::from_utf8(text); }

}  // namespace regent::hive
