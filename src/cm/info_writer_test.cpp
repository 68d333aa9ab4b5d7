#include "cm/info_writer.h"

#include <gtest/gtest.h>

#include <array>

namespace regent::cm {
namespace {

// Header of 8 bytes, a name of three units behind it: 14 bytes in all.
QueryOutcome write(MutableBytes out, bool compressed) {
    static constexpr std::array<std::byte, 3> narrow{std::byte{'a'}, std::byte{'b'}, std::byte{0xE9}};
    static constexpr char16_t wide[] = {u'a', u'b', u'\u00E9'};
    InfoWriter writer(out, 8);
    writer.field(0, std::uint32_t{0x11223344});
    writer.field(4, std::uint32_t{6});
    writer.name(8,
                compressed ? hive::NameView(narrow, true) : hive::NameView(rtl::as_bytes(wide, sizeof(wide)), false));
    return writer.finish();
}

TEST(InfoWriter, names_of_every_length_widen) {
    std::array<std::byte, 40> narrow;
    for (std::size_t i = 0; i < narrow.size(); ++i) narrow[i] = static_cast<std::byte>(0xC0 + i);
    for (std::size_t units = 0; units <= narrow.size(); ++units) {
        for (std::size_t length = 0; length <= units * 2; ++length) {
            std::array<std::byte, 2 * narrow.size() + 1> buffer;
            buffer.fill(std::byte{0xBD});
            InfoWriter writer(MutableBytes(buffer).first(length), 0);
            writer.name(0, hive::NameView(Bytes(narrow).first(units), true));
            EXPECT_EQ(writer.finish().needed(), units * 2);
            for (std::size_t i = 0; i < buffer.size(); ++i) {
                const std::byte expected = i >= length ? std::byte{0xBD} : i % 2 == 0 ? narrow[i / 2] : std::byte{0};
                ASSERT_EQ(buffer[i], expected) << units << " " << length << " " << i;
            }
        }
    }
}

// QB-1, QB-2: for every length the status, a constant size, the bytes that belong there, and nothing past the length.
TEST(InfoWriter, every_length_of_the_buffer) {
    std::array<std::byte, 32> whole;
    ASSERT_EQ(write(whole, false).status(), STATUS_SUCCESS);
    for (const bool compressed : {false, true}) {
        for (std::size_t length = 0; length <= 22; ++length) {
            std::array<std::byte, 32> buffer;
            buffer.fill(std::byte{0xBD});
            const QueryOutcome outcome = write(std::span(buffer).first(length), compressed);
            EXPECT_EQ(outcome.needed(), 14u);
            const NTSTATUS expected = length < 8    ? STATUS_BUFFER_TOO_SMALL
                                      : length < 14 ? STATUS_BUFFER_OVERFLOW
                                                    : STATUS_SUCCESS;
            EXPECT_EQ(outcome.status(), expected) << length;
            const std::size_t written = length < 8 ? 0 : std::min<std::size_t>(length, 14);
            EXPECT_EQ(std::memcmp(buffer.data(), whole.data(), written), 0) << length;
            for (std::size_t i = written; i < buffer.size(); ++i) EXPECT_EQ(buffer[i], std::byte{0xBD}) << length;
        }
    }
}

TEST(InfoWriter, padding_raises_the_size_but_not_the_header) {
    std::array<std::byte, 40> buffer{};
    InfoWriter writer(MutableBytes(buffer).first(36), 36);
    writer.pad_to(40);
    EXPECT_EQ(writer.finish().status(), STATUS_BUFFER_OVERFLOW);
    EXPECT_EQ(writer.finish().needed(), 40u);
}

}  // namespace
}  // namespace regent::cm
