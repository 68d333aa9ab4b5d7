// Strings of PE images made here, and what is wrong with images in every way that one byte or a cut can be.
#include "win32/module_strings.h"

#include <gtest/gtest.h>

#include "win32/winerror.h"

namespace regent::win32 {
namespace {

// An image of headers, one section and its resources.
class ImageBuilder {
public:
    explicit ImageBuilder(bool wide) : wide_(wide) {}

    struct Language {
        std::uint16_t id;
        std::vector<Utf16> strings;  // the first of a block
    };
    // The strings of block `block`, from 1, in the order given.
    std::vector<std::byte> build(std::uint32_t type, std::uint32_t block, const std::vector<Language>& languages) {
        resources_.clear();
        directory({{type, next_directory(1)}});
        directory({{block, next_directory(1)}});
        std::vector<std::pair<std::uint32_t, std::uint32_t>> entries;
        const auto leaves = static_cast<std::uint32_t>(resources_.size() + 16 + languages.size() * 8);
        for (std::uint32_t i = 0; i < languages.size(); ++i) entries.emplace_back(languages[i].id, leaves + i * 16);
        directory(entries);
        std::vector<std::byte> data;
        const auto texts = static_cast<std::uint32_t>(leaves + languages.size() * 16);
        for (const Language& language : languages) {
            const auto at = static_cast<std::uint32_t>(data.size());
            append_block(data, language.strings);
            put32(resources_, section_address + directory_offset + texts + at);
            put32(resources_, static_cast<std::uint32_t>(data.size()) - at);
            put32(resources_, 1200);
            put32(resources_, 0);
        }
        resources_.insert(resources_.end(), data.begin(), data.end());
        return image();
    }

    // No resources at all.
    std::vector<std::byte> build_bare() {
        resources_.clear();
        return image();
    }

private:
    static constexpr std::uint32_t section_address = 0x3000;
    static constexpr std::uint32_t directory_offset = 0x20;  // the section begins with something else

    static void put16(std::vector<std::byte>& to, std::uint32_t value) {
        to.push_back(std::byte(value & 0xFF));
        to.push_back(std::byte(value >> 8 & 0xFF));
    }
    static void put32(std::vector<std::byte>& to, std::uint32_t value) {
        put16(to, value & 0xFFFF);
        put16(to, value >> 16);
    }
    static void append_block(std::vector<std::byte>& to, const std::vector<Utf16>& strings) {
        for (std::size_t i = 0; i < 16; ++i) {
            const Utf16 text = i < strings.size() ? strings[i] : Utf16();
            put16(to, static_cast<std::uint32_t>(text.size()));
            for (const char16_t unit : text) put16(to, unit);
        }
    }
    // Where the directory after one of `entries` entries begins, which is written next.
    std::uint32_t next_directory(std::uint32_t entries) const {
        return (1u << 31) | static_cast<std::uint32_t>(resources_.size() + 16 + entries * 8);
    }
    void directory(const std::vector<std::pair<std::uint32_t, std::uint32_t>>& entries) {
        for (int i = 0; i < 3; ++i) put32(resources_, 0);
        put16(resources_, 0);
        put16(resources_, static_cast<std::uint32_t>(entries.size()));
        for (const auto& [name, offset] : entries) {
            put32(resources_, name);
            put32(resources_, offset);
        }
    }

    std::vector<std::byte> image() const {
        std::vector<std::byte> file;
        put16(file, 0x5A4D);
        file.resize(0x3C);
        put32(file, 0x40);
        put32(file, 0x00004550);
        put16(file, wide_ ? 0x8664 : 0x014C);
        put16(file, resources_.empty() ? 0 : 1);
        for (int i = 0; i < 3; ++i) put32(file, 0);
        const std::uint32_t directories = wide_ ? 112 : 96;
        put16(file, directories + 16 * 8);
        put16(file, 0x2022);
        const std::size_t optional_header = file.size();
        put16(file, wide_ ? 0x20B : 0x10B);
        file.resize(optional_header + directories - 4);
        put32(file, 16);
        for (std::uint32_t i = 0; i < 16; ++i) {
            const bool here = i == 2 && !resources_.empty();
            put32(file, here ? section_address + directory_offset : 0);
            put32(file, here ? static_cast<std::uint32_t>(resources_.size()) : 0);
        }
        if (resources_.empty()) return file;
        const auto size = static_cast<std::uint32_t>(directory_offset + resources_.size());
        file.resize(file.size() + 8);
        put32(file, size);
        put32(file, section_address);
        put32(file, size);
        put32(file, 0x400);
        file.resize(0x400 + directory_offset);
        file.insert(file.end(), resources_.begin(), resources_.end());
        return file;
    }

    const bool wide_;
    std::vector<std::byte> resources_;
};

LSTATUS lookup(Bytes file, std::uint32_t id, Utf16* text) {
    ResourceSection section;
    if (const LSTATUS error = find_resources(file.first(std::min(file.size(), image_head_size)), &section))
        return error;
    const auto bytes = rtl::slice(file, section.file_offset, section.size);
    return bytes ? find_string(*bytes, section, id, text) : ERROR_BAD_EXE_FORMAT;
}

TEST(ModuleStrings, of_both_kinds_of_images) {
    for (const bool wide : {false, true}) {
        const auto file = ImageBuilder(wide).build(6, 8, {{0x409, {u"first", u"", u"third"}}});
        Utf16 text;
        EXPECT_EQ(lookup(file, 112, &text), ERROR_SUCCESS);
        EXPECT_EQ(text, u"first");
        EXPECT_EQ(lookup(file, 114, &text), ERROR_SUCCESS);
        EXPECT_EQ(text, u"third");
        for (const std::uint32_t none : {0u, 111u, 113u, 127u, 128u, 0xFFFFu, 0xFFFFFFFFu})
            EXPECT_EQ(lookup(file, none, &text), ERROR_RESOURCE_NAME_NOT_FOUND) << none;
    }
}

TEST(ModuleStrings, the_neutral_language_then_english_then_the_first) {
    ImageBuilder builder(true);
    const ImageBuilder::Language german{0x407, {u"eins"}}, english{0x409, {u"one"}}, neutral{0, {u"1"}};
    Utf16 text;
    EXPECT_EQ(lookup(builder.build(6, 1, {german, english, neutral}), 0, &text), ERROR_SUCCESS);
    EXPECT_EQ(text, u"1");
    EXPECT_EQ(lookup(builder.build(6, 1, {german, english}), 0, &text), ERROR_SUCCESS);
    EXPECT_EQ(text, u"one");
    EXPECT_EQ(lookup(builder.build(6, 1, {german, {0x40C, {u"un"}}}), 0, &text), ERROR_SUCCESS);
    EXPECT_EQ(text, u"eins");
    EXPECT_EQ(lookup(builder.build(6, 1, {}), 0, &text), ERROR_RESOURCE_NAME_NOT_FOUND);
}

TEST(ModuleStrings, what_is_missing_and_what_is_no_image) {
    Utf16 text;
    EXPECT_EQ(lookup(ImageBuilder(true).build(5, 1, {{0, {u"a dialog"}}}), 0, &text), ERROR_NOT_FOUND);
    EXPECT_EQ(lookup(ImageBuilder(true).build_bare(), 0, &text), ERROR_NOT_FOUND);
    EXPECT_EQ(lookup({}, 0, &text), ERROR_BAD_EXE_FORMAT);
    const std::vector<std::byte> zeros(4096);
    EXPECT_EQ(lookup(zeros, 0, &text), ERROR_BAD_EXE_FORMAT);
}

// Hostile: every cut, and every byte changed to what is next to it, turned over, all ones and nothing.
TEST(ModuleStrings, damage_is_refused_or_harmless) {
    const auto whole = ImageBuilder(true).build(6, 8, {{0x409, {u"first", u"second"}}, {0x407, {u"erste"}}});
    Utf16 text;
    ASSERT_EQ(lookup(whole, 112, &text), ERROR_SUCCESS);
    std::size_t refused = 0;
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_EQ(lookup(cut, 112, &text), ERROR_BAD_EXE_FORMAT) << size;
    }
    for (std::size_t at = 0; at < whole.size(); ++at) {
        for (const unsigned change : {0x01u, 0x80u, 0xFFu, std::to_integer<unsigned>(whole[at])}) {
            std::vector<std::byte> damaged = whole;
            damaged[at] ^= std::byte(change);
            // In memory of its own, so that a sanitizer or a page's end sees any byte read past it.
            damaged.shrink_to_fit();
            for (const std::uint32_t id : {112u, 113u, 127u}) {
                const LSTATUS error = lookup(damaged, id, &text);
                EXPECT_TRUE(error == ERROR_SUCCESS || error == ERROR_BAD_EXE_FORMAT || error == ERROR_NOT_FOUND ||
                            error == ERROR_RESOURCE_NAME_NOT_FOUND);
                EXPECT_TRUE(error != ERROR_SUCCESS || text.size() * 2 <= damaged.size());
                refused += error == ERROR_BAD_EXE_FORMAT ? 1 : 0;
            }
        }
    }
    EXPECT_GT(refused, 100u);
}

}  // namespace
}  // namespace regent::win32
