// Queries and changes of keys and values.
#include "cm/key_lock.h"
#include "cm/registry_fixture.h"
#include "se/sddl.h"

namespace regent::cm {
namespace {

class KeyTest : public RegistryTest {
protected:
    static QueryOutcome query(const KeyRef& key, KEY_INFORMATION_CLASS what, MutableBytes out) {
        return query_key(*key, what, out);
    }
};

TEST_F(KeyTest, full_information_with_and_without_class) {
    const KeyRef bare = made(u"\\Registry\\Machine\\Test\\bare");
    alignas(8) std::array<std::byte, 128> buffer;
    buffer.fill(std::byte{0xBD});
    EXPECT_EQ(query(bare, KeyFullInformation, {}).status(), STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQ(query(bare, KeyFullInformation, {}).needed(), 44u);
    EXPECT_EQ(query(bare, KeyFullInformation, std::span(buffer).first(44)).status(), STATUS_SUCCESS);
    EXPECT_EQ(*rtl::load<std::uint32_t>(buffer, offsetof(KEY_FULL_INFORMATION, ClassOffset)), 0xFFFFFFFFu);
    EXPECT_EQ(buffer[44], std::byte{0xBD});

    KeyRef classy;
    Ask ask{u"\\Registry\\Machine\\Test\\classy"};
    ask.class_name = u"MyClass";
    ASSERT_EQ(create(ask, &classy), STATUS_SUCCESS);
    EXPECT_EQ(query(classy, KeyFullInformation, {}).needed(), 58u);
    EXPECT_EQ(query(classy, KeyFullInformation, std::span(buffer).first(57)).status(), STATUS_BUFFER_OVERFLOW);
    EXPECT_EQ(query(classy, KeyFullInformation, std::span(buffer).first(58)).status(), STATUS_SUCCESS);
    EXPECT_EQ(*rtl::load<std::uint32_t>(buffer, offsetof(KEY_FULL_INFORMATION, ClassOffset)), 44u);
}

TEST_F(KeyTest, cached_information_counts_what_is_there) {
    const KeyRef key = made(u"\\Registry\\Machine\\Test\\test_subkey");
    KEY_CACHED_INFORMATION info{};
    const MutableBytes out = std::as_writable_bytes(std::span(&info, 1));
    EXPECT_EQ(query(key, KeyCachedInformation, out).needed(), 40u);
    EXPECT_EQ(info.NameLength, 22u);
    EXPECT_EQ(info.SubKeys + info.Values + info.MaxNameLength, 0u);
    made(u"\\Registry\\Machine\\Test\\test_subkey\\test_subkey2");
    ASSERT_TRUE(set(key, u"val", 7));
    EXPECT_EQ(query(key, KeyCachedInformation, out).status(), STATUS_SUCCESS);
    EXPECT_EQ(info.SubKeys, 1u);
    EXPECT_EQ(info.MaxNameLength, 24u);
    EXPECT_EQ(info.Values, 1u);
    EXPECT_EQ(info.MaxValueNameLength, 6u);
    EXPECT_EQ(info.MaxValueDataLength, 4u);
}

TEST_F(KeyTest, values_in_every_class) {
    const KeyRef key = made(u"\\Registry\\Machine\\Test\\k");
    ASSERT_TRUE(set(key, u"deletetest", 0x01020304));
    const struct {
        KEY_VALUE_INFORMATION_CLASS what;
        std::uint32_t header, needed;
    } rows[] = {{KeyValueBasicInformation, 12, 32},
                {KeyValueFullInformation, 20, 44},
                {KeyValuePartialInformation, 12, 16},
                {KeyValuePartialInformationAlign64, 8, 12}};
    for (const auto& row : rows) {
        for (std::uint32_t length = 0; length <= row.needed + 4; ++length) {
            std::array<std::byte, 64> buffer;
            const auto outcome = query_value(*key, u"DELETETEST", row.what, std::span(buffer).first(length));
            EXPECT_EQ(outcome.needed(), row.needed);
            EXPECT_EQ(outcome.status(), length < row.header   ? STATUS_BUFFER_TOO_SMALL
                                        : length < row.needed ? STATUS_BUFFER_OVERFLOW
                                                              : STATUS_SUCCESS);
        }
    }
    EXPECT_EQ(query_value(*key, u"missing", KeyValueBasicInformation, {}).status(), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(enumerate_value(*key, 1, KeyValueBasicInformation, {}).status(), STATUS_NO_MORE_ENTRIES);
    const Utf16 long_name(0x7FFD, u'n');
    EXPECT_EQ(set(key, long_name, 1).error().code(), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(delete_value(*key, long_name).error().code(), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_TRUE(delete_value(*key, u"deletetest"));
    EXPECT_EQ(delete_value(*key, u"deletetest").error().code(), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_F(KeyTest, odd_types_and_empty_data) {
    const KeyRef key = made(u"\\Registry\\Machine\\Test\\k");
    ASSERT_TRUE(set_value(*key, u"", 0xFF00FF00, {}));
    KEY_VALUE_PARTIAL_INFORMATION info{};
    const auto outcome =
        query_value(*key, u"", KeyValuePartialInformation, std::as_writable_bytes(std::span(&info, 1)));
    EXPECT_EQ(outcome.status(), STATUS_SUCCESS);
    EXPECT_EQ(info.Type, 0xFF00FF00u);
    EXPECT_EQ(info.DataLength, 0u);
}

TEST_F(KeyTest, large_values_come_back_whole) {
    const KeyRef key = made(u"\\Registry\\Machine\\Test\\k");
    for (const std::size_t size : {16344u, 16345u, 100'000u, 1'500'000u}) {
        std::vector<std::byte> data(size);
        for (std::size_t i = 0; i < size; ++i) data[i] = static_cast<std::byte>(i * 7);
        ASSERT_TRUE(set_value(*key, u"big", REG_BINARY, data)) << size;
        std::vector<std::byte> out(size + 12);
        const auto outcome = query_value(*key, u"big", KeyValuePartialInformation, out);
        EXPECT_EQ(outcome.status(), STATUS_SUCCESS);
        EXPECT_TRUE(std::equal(data.begin(), data.end(), out.begin() + 12)) << size;
    }
}

TEST_F(KeyTest, deleting) {
    const KeyRef parent = made(u"\\Registry\\Machine\\Test\\p");
    const KeyRef child = made(u"\\Registry\\Machine\\Test\\p\\c");
    EXPECT_EQ(delete_key(*parent).error().code(), STATUS_CANNOT_DELETE);
    EXPECT_TRUE(delete_key(*child));
    EXPECT_TRUE(delete_key(*child));
    EXPECT_EQ(set(child, u"v", 1).error().code(), STATUS_KEY_DELETED);
    EXPECT_EQ(query_key(*child, KeyNameInformation, {}).status(), STATUS_KEY_DELETED);
    EXPECT_EQ(ob::query_name(child.get()).error().code(), STATUS_KEY_DELETED);
    const KeyRef anew = made(u"\\Registry\\Machine\\Test\\p\\c");
    EXPECT_NE(&anew->block(), &child->block());
    EXPECT_EQ(set(child, u"v", 1).error().code(), STATUS_KEY_DELETED);
    KeyRef root;
    ASSERT_EQ(open({u"\\Registry\\Machine\\Test"}, &root), STATUS_SUCCESS);
    EXPECT_EQ(delete_key(*root).error().code(), STATUS_CANNOT_DELETE);
}

TEST_F(KeyTest, renaming_shows_everywhere_at_once) {
    const KeyRef parent = made(u"\\Registry\\Machine\\Test\\p");
    const KeyRef b = made(u"\\Registry\\Machine\\Test\\p\\b");
    const KeyRef deep = made(u"\\Registry\\Machine\\Test\\p\\b\\deep");
    made(u"\\Registry\\Machine\\Test\\p\\c");
    const se::Token& token = *se::Token::system();
    const auto rename = [&](const KeyRef& key, Utf16View name) {
        return rtl::to_ntstatus(rename_key(*key, name, token, ob::user_mode));
    };
    const auto id = b->block().id();
    EXPECT_EQ(rename(b, u""), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(rename(b, u"x\\y"), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(rename(b, u"b"), STATUS_CANNOT_DELETE);
    EXPECT_EQ(rename(b, u"C"), STATUS_CANNOT_DELETE);
    EXPECT_EQ(rename(b, u"a name much longer than before"), STATUS_SUCCESS);
    EXPECT_EQ(path_of(deep), "\\REGISTRY\\MACHINE\\Test\\p\\a name much longer than before\\deep");
    EXPECT_EQ(subkeys(parent), "a name much longer than before,c");
    EXPECT_EQ(b->block().id(), id);
    EXPECT_EQ(open({u"\\Registry\\Machine\\Test\\p\\b"}), STATUS_OBJECT_NAME_NOT_FOUND);
    KeyRef again;
    EXPECT_EQ(open({u"\\Registry\\Machine\\Test\\p\\A NAME MUCH LONGER THAN BEFORE\\deep"}, &again), STATUS_SUCCESS);
    EXPECT_EQ(&again->block(), &deep->block());
    EXPECT_EQ(rename(b, u"z"), STATUS_SUCCESS);
    EXPECT_EQ(rename(b, u"b"), STATUS_SUCCESS);
    EXPECT_EQ(path_of(deep), "\\REGISTRY\\MACHINE\\Test\\p\\b\\deep");
    EXPECT_TRUE(set(deep, u"v", 1));
}

TEST_F(KeyTest, a_write_that_changes_nothing_keeps_the_time) {
    const KeyRef key = made(u"\\Registry\\Machine\\Test\\k");
    ASSERT_TRUE(set(key, u"v", 1));
    const auto time = [&] {
        KEY_BASIC_INFORMATION info{};
        query(key, KeyBasicInformation, std::as_writable_bytes(std::span(&info, 1)));
        return info.LastWriteTime.QuadPart;
    };
    KEY_WRITE_TIME_INFORMATION early{};
    early.LastWriteTime.QuadPart = 12345;
    ASSERT_TRUE(set_key_information(*key, KeyWriteTimeInformation, std::as_bytes(std::span(&early, 1))));
    EXPECT_EQ(time(), 12345);
    EXPECT_TRUE(set(key, u"v", 1));
    EXPECT_EQ(time(), 12345);
    EXPECT_TRUE(set(key, u"v", 2));
    EXPECT_GT(time(), 12345);
}

TEST_F(KeyTest, settable_information) {
    const KeyRef key = made(u"\\Registry\\Machine\\Test\\k", REG_OPTION_VOLATILE);
    const auto word = [&](KEY_SET_INFORMATION_CLASS what, std::uint32_t value) {
        return rtl::to_ntstatus(set_key_information(*key, what, rtl::as_bytes(&value, sizeof(value))));
    };
    EXPECT_EQ(word(KeyControlFlagsInformation, 0xE), STATUS_SUCCESS);
    EXPECT_EQ(word(KeySetHandleTagsInformation, 0x31234), STATUS_SUCCESS);
    EXPECT_EQ(word(KeyWriteTimeInformation, 1), STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQ(word(MaxKeySetInfoClass, 1), STATUS_INVALID_PARAMETER);
    KEY_FLAGS_INFORMATION flags{};
    query(key, KeyFlagsInformation, std::as_writable_bytes(std::span(&flags, 1)));
    EXPECT_EQ(flags.KeyFlags, 1u);
    EXPECT_EQ(flags.ControlFlags, 0xEu);
    std::uint32_t tags = 0;
    query(key, KeyHandleTagsInformation, std::as_writable_bytes(std::span(&tags, 1)));
    EXPECT_EQ(tags, 0x1234u);
}

TEST_F(KeyTest, access_is_checked_against_the_descriptor) {
    const KeyRef key = made(u"\\Registry\\Machine\\Test\\k");
    const auto descriptor = se::parse_sddl("O:BAG:BAD:P(A;;KR;;;WD)");
    ASSERT_TRUE(descriptor);
    ASSERT_TRUE(set_key_security(*key, DACL_SECURITY_INFORMATION, *descriptor, *se::Token::system()));
    const auto user = se::Token::for_unix_user(1000, 1000, {});
    EXPECT_TRUE(check_key_access(*key, *user, KEY_READ, ob::user_mode));
    EXPECT_EQ(check_key_access(*key, *user, KEY_SET_VALUE, ob::user_mode).error().code(), STATUS_ACCESS_DENIED);
    EXPECT_TRUE(check_key_access(*key, *user, KEY_ALL_ACCESS, ob::kernel_mode));
    const auto back = query_key_security(*key);
    ASSERT_TRUE(back);
    EXPECT_EQ(*se::to_sddl(*back, DACL_SECURITY_INFORMATION), "D:P(A;;KR;;;WD)");
}

TEST_F(KeyTest, blocks_outlive_the_last_close_for_a_while_but_not_their_hive) {
    const std::size_t before = key_table().size();
    made(u"\\Registry\\Machine\\Test\\k");
    EXPECT_GT(key_table().size(), before);
    registry_.reset();
    EXPECT_EQ(key_table().size(), 0u);
}

}  // namespace
}  // namespace regent::cm
