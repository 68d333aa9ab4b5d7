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

inline Utf16 wide(const std::string& text) { return rtl::from_utf8(text); }
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

// Walks as a caller does that trusts nothing but the interface; returns the number of keys met, at most `limit`.
inline std::size_t walk(const Hive& hive, std::size_t limit) {
    std::vector<CellIndex> stack = {hive.root()};
    std::size_t keys = 0;
    std::vector<std::byte> data;
    while (!stack.empty() && keys < limit) {
        const CellIndex key = stack.back();
        stack.pop_back();
        ++keys;
        const KeyInfo info = hive.key_info(key);
        static_cast<void>(hive.security(key).size());
        for (std::uint32_t i = 0; i < info.value_count; ++i) {
            const auto value = hive.value_at(key, i);
            if (!value) continue;
            data.resize(hive.value_info(*value).data_size);
            EXPECT_EQ(hive.read_value(*value, 0, data), data.size());
            static_cast<void>(hive.find_value(key, hive.value_info(*value).name.to_utf16()));
        }
        for (std::uint32_t i = 0; i < info.subkey_count; ++i) {
            const auto child = hive.subkey_at(key, i);
            if (!child) break;
            stack.push_back(*child);
        }
    }
    return keys;
}

// Every kind of change, wherever it gets.
inline void mutate(Hive& hive) {
    std::vector<CellIndex> keys = {hive.root()};
    for (std::uint32_t i = 0; i < 3; ++i) {
        const auto child = hive.subkey_at(hive.root(), i);
        // A link has one value of one kind; that is kept a floor above.
        if (child && (hive.flags(*child) & key_sym_link) == 0) keys.push_back(*child);
    }
    if ((hive.flags(hive.root()) & key_sym_link) != 0) return;
    for (const CellIndex key : keys) {
        static_cast<void>(hive.set_value(key, u"value", 1, bytes_of("new text that is longer"), 5));
        static_cast<void>(hive.set_value(key, u"another", 1, bytes_of(std::string(30000, 'n')), 5));
        static_cast<void>(hive.delete_value(key, u"", 6));
        static_cast<void>(hive.delete_value(key, u"value", 6));
        static_cast<void>(hive.set_security(key, default_descriptor(), 7));
        static_cast<void>(make_key(hive, key, u"made"));
    }
    for (const CellIndex key : keys) {
        static_cast<void>(hive.rename_key(key, u"a much longer name than before", 8));
        static_cast<void>(hive.delete_key(key, 8));
    }
}

}  // namespace regent::hive
