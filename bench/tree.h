// The workload's tree: N keys numbered 1..N under a root 0, parent(i) = (i-1)/F with F = ceil(N^(1/5)), so depth 5;
// 12-character mixed-case names, 3 values of 40 bytes a key. Every subject of a suite is given the same tree.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace regent::bench {

inline constexpr int values_per_key = 3;
inline constexpr std::size_t value_bytes = 40;

struct Tree {
    explicit Tree(std::uint32_t keys);

    std::uint32_t size;                    // keys 1..size; 0 is the root
    std::vector<std::uint32_t> parent;     // [0] is unused
    std::vector<std::u16string> name;      // 12 characters
    std::vector<std::u16string> path;      // relative to the root, components joined by backslashes
    std::vector<std::string> folded_path;  // lower-case UTF-8: what a key-value store would be keyed by
    std::u16string value_name[values_per_key];
    std::string folded_value_name[values_per_key];
    std::uint8_t data[value_bytes];

    // Which keys an access pattern touches: all of them ("u") or a thousand hot ones ("h").
    std::vector<std::uint32_t> pattern(char variant, std::size_t length) const;
};

inline Tree::Tree(std::uint32_t keys)
    : size(keys), parent(keys + 1), name(keys + 1), path(keys + 1), folded_path(keys + 1) {
    std::uint32_t fan = 1;
    while (static_cast<std::uint64_t>(fan) * fan * fan * fan * fan < keys) ++fan;
    std::mt19937 random(20061122);
    const std::u16string_view letters = u"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    for (std::uint32_t i = 1; i <= keys; ++i) {
        parent[i] = (i - 1) / fan;
        // The number keeps siblings apart whatever the letters are.
        std::u16string digits;
        for (std::uint32_t n = i; digits.size() < 7; n /= 10) digits.push_back(static_cast<char16_t>(u'0' + n % 10));
        for (int c = 0; c < 5; ++c) name[i].push_back(letters[random() % letters.size()]);
        name[i] += digits;
        path[i] = parent[i] == 0 ? name[i] : path[parent[i]] + u"\\" + name[i];
        for (char16_t c : path[i]) folded_path[i].push_back(static_cast<char>(c >= u'A' && c <= u'Z' ? c + 32 : c));
    }
    for (int v = 0; v < values_per_key; ++v) {
        value_name[v] = u"ValueNumber" + std::u16string(1, static_cast<char16_t>(u'0' + v));
        folded_value_name[v] = "valuenumber" + std::to_string(v);
    }
    for (std::size_t b = 0; b < value_bytes; ++b) data[b] = static_cast<std::uint8_t>(b * 7 + 1);
}

inline std::vector<std::uint32_t> Tree::pattern(char variant, std::size_t length) const {
    std::mt19937 random(7);
    std::vector<std::uint32_t> hot(1000);
    for (auto& key : hot) key = 1 + static_cast<std::uint32_t>(random() % size);
    std::vector<std::uint32_t> keys(length);
    for (auto& key : keys)
        key = variant == 'h' ? hot[random() % hot.size()] : 1 + static_cast<std::uint32_t>(random() % size);
    return keys;
}

}  // namespace regent::bench
