// What Windows' loader takes although it writes no such thing, and what it refuses (HB-10); a key whose descriptor is
// not in the hive's list (SD-4).
#include <algorithm>
#include <cstring>
#include <functional>
#include <vector>

#include "hive/format.h"
#include "hive/hive_test_support.h"

namespace regent::hive {
namespace {

constexpr Utf16View nul_behind(u"a\0", 2);

// A key with three values and two subkeys.
class Loader : public testing::Test {
protected:
    void SetUp() override {
        auto made = std::move(memory_hive()).value();
        const CellIndex key = make_key(*made, made->root(), u"key").value();
        ASSERT_TRUE(made->set_value(key, u"one", 3, bytes_of("1"), 1));
        ASSERT_TRUE(made->set_value(key, u"two", 3, bytes_of("2"), 1));
        ASSERT_TRUE(made->set_value(key, nul_behind, 3, bytes_of("3"), 1));
        ASSERT_TRUE(make_key(*made, key, u"first"));
        const CellIndex second = make_key(*made, key, u"second").value();
        ASSERT_TRUE(made->set_value(second, u"v", 3, bytes_of(std::string(100, 'v')), 1));
        keep(*made);
    }
    void keep(Hive& made) {
        rtl::SimEnv env;
        ASSERT_TRUE(made.save_subtree(made.root(), *env.open("h", rtl::OpenMode::create).value(), Format::v1_5));
        image_ = env.contents()["h"];
        const auto good = std::move(Hive::open_image(bytes_of(image_), {})).value();
        key_ = *good->find_subkey(good->root(), u"key");
        first_ = *good->find_subkey(key_, u"first");
        second_ = *good->find_subkey(key_, u"second");
    }
    // The second subkey has a descriptor of its own, as long as that of the others: one right of its first entry
    // differs.
    void give_second_its_own() {
        const auto hive = load();
        const Bytes common = hive->security(second_);
        own_.assign(common.begin(), common.end());
        const std::uint32_t dacl = *rtl::load<std::uint32_t>(own_, 16);
        own_[dacl + 12] ^= std::byte{1};
        ASSERT_TRUE(hive->set_security(second_, own_, 1));
        keep(*hive);
        ASSERT_NE(at<KeyNode>(first_).security, at<KeyNode>(second_).security);
    }
    template <typename T>
    T& at(CellIndex cell) {
        return *reinterpret_cast<T*>(image_.data() + bins_start + cell + 4);
    }
    // The cell of the key's value with this number.
    CellIndex value_cell(std::uint32_t number) {
        Le32 element{};
        std::memcpy(&element, &at<std::byte>(at<KeyNode>(key_).value_list) + 4 * number, sizeof(element));
        return element;
    }
    char* name_of(CellIndex key) { return &at<char>(key) + sizeof(KeyNode); }
    std::unique_ptr<Hive> load() {
        OpenOptions options;
        options.findings = &findings_;
        auto opened = Hive::open_image(bytes_of(image_), options);
        return opened ? std::move(opened).value() : nullptr;
    }

    std::string image_;
    CellIndex key_ = nil_cell, first_ = nil_cell, second_ = nil_cell;
    std::vector<std::byte> own_;
    FindingList findings_;
};

TEST_F(Loader, ValuesOfOneNameAreTakenAndTheFirstIsFound) {
    std::memcpy(&at<char>(value_cell(1)) + sizeof(KeyValue), "one", 3);
    const auto hive = load();
    ASSERT_NE(hive, nullptr);
    EXPECT_EQ(findings_.count(), 0U);
    EXPECT_EQ(hive->key_info(key_).value_count, 3U);
    std::byte data{};
    EXPECT_EQ(hive->read_value(*hive->find_value(key_, u"ONE"), 0, MutableBytes(&data, 1)), 1U);
    EXPECT_EQ(data, std::byte{'1'});
}

TEST_F(Loader, AnAsciiNameMayBeStoredWide) {
    auto& value = at<KeyValue>(value_cell(2));
    ASSERT_EQ(value.name_size, 2);
    value.flags = 0;  // what was "a" and a NUL is one unit now
    const auto hive = load();
    ASSERT_NE(hive, nullptr);
    EXPECT_EQ(findings_.count(), 0U);
    EXPECT_TRUE(hive->find_value(key_, u"A"));
    EXPECT_FALSE(hive->find_value(key_, nul_behind));
}

TEST_F(Loader, ACellMayBeInUseByNobody) {
    const std::size_t bins = image_.size() - bins_start;
    std::size_t claimed = 0;
    for (std::size_t cell = sizeof(BinHeader); cell < bins;) {
        auto size = static_cast<std::int32_t>(*reinterpret_cast<Le32*>(image_.data() + bins_start + cell));
        const auto length = static_cast<std::uint32_t>(size < 0 ? -size : size);
        ASSERT_NE(length, 0U);
        if (size > 0) {
            *reinterpret_cast<Le32*>(image_.data() + bins_start + cell) = 0U - length;
            ++claimed;
        }
        cell += length;
        if (cell % page_size == 0) cell += sizeof(BinHeader);
    }
    ASSERT_GT(claimed, 0U);
    const auto hive = load();
    ASSERT_NE(hive, nullptr);
    EXPECT_EQ(findings_.count(), 0U);
    EXPECT_EQ(hive->key_info(key_).subkey_count, 2U);
}

TEST_F(Loader, AKeyNameHasNoSeparator) {
    name_of(first_)[1] = '\\';
    const auto hive = load();
    ASSERT_NE(hive, nullptr);
    EXPECT_NE(findings_.count(), 0U);
    EXPECT_EQ(hive->key_info(key_).subkey_count, 1U);
}

// "The system rejects keys that start with the nul character": the key is left out, its hive loads. (Project Zero's
// report 13 renames a key to a NUL in order to lose it at the next start.)
TEST_F(Loader, AKeyNameDoesNotBeginWithANul) {
    name_of(first_)[0] = '\0';
    const auto hive = load();
    ASSERT_NE(hive, nullptr);
    EXPECT_NE(findings_.count(), 0U);
    EXPECT_EQ(hive->key_info(key_).subkey_count, 1U);
    EXPECT_TRUE(hive->find_subkey(key_, u"second"));
    expect_sound(*hive);
}

TEST_F(Loader, ANulIsAnywhereElseInAKeyName) {
    name_of(second_)[5] = '\0';  // the last: "secon" keeps its place behind "first"
    const auto hive = load();
    ASSERT_NE(hive, nullptr);
    EXPECT_EQ(hive->key_info(key_).subkey_count, 2U);
    EXPECT_TRUE(hive->find_subkey(key_, Utf16View(u"secon\0", 6)));
}

TEST_F(Loader, NoKeyIsMadeThatTheLoaderWouldLeaveOut) {
    const auto hive = load();
    const Utf16View name(u"\0a", 2);
    EXPECT_EQ(make_key(*hive, key_, name).error().code(), STATUS_OBJECT_NAME_INVALID);
    EXPECT_EQ(hive->rename_key(first_, name, 1).error().code(), STATUS_OBJECT_NAME_INVALID);
    EXPECT_TRUE(make_key(*hive, key_, Utf16View(u"a\0", 2)));
}

TEST_F(Loader, OneDescriptorMayBeStoredTwice) {
    give_second_its_own();
    const CellIndex one = at<KeyNode>(first_).security, other = at<KeyNode>(second_).security;
    ASSERT_EQ(at<KeySecurity>(one).descriptor_size, at<KeySecurity>(other).descriptor_size);
    std::memcpy(&at<std::byte>(other) + sizeof(KeySecurity), &at<std::byte>(one) + sizeof(KeySecurity),
                at<KeySecurity>(one).descriptor_size);
    const auto hive = load();
    ASSERT_NE(hive, nullptr);
    EXPECT_EQ(findings_.count(), 0U);
    EXPECT_EQ(hive->security_cell(second_), other);
    EXPECT_TRUE(std::ranges::equal(hive->security(first_), hive->security(second_)));
    EXPECT_TRUE(make_key(*hive, key_, u"third"));
    EXPECT_TRUE(hive->delete_key(second_, 1));
    expect_sound(*hive);
}

// Windows drops it since November 2024.
TEST_F(Loader, ADescriptorThatNobodyUsesStays) {
    give_second_its_own();
    const CellIndex common = at<KeyNode>(first_).security, unused = at<KeyNode>(second_).security;
    at<KeyNode>(second_).security = common;
    at<KeySecurity>(common).reference_count = at<KeySecurity>(common).reference_count + 1;
    at<KeySecurity>(unused).reference_count = 0;
    const auto hive = load();
    ASSERT_NE(hive, nullptr);
    EXPECT_EQ(findings_.count(), 0U);
    expect_sound(*hive);
    ASSERT_TRUE(hive->set_security(second_, own_, 1));
    EXPECT_EQ(hive->security_cell(second_), unused) << "it is there for who wants the same";
    ASSERT_TRUE(hive->delete_key(second_, 1));
    expect_sound(*hive);
}

TEST_F(Loader, AKeyWithoutADescriptorOfTheHiveTakesItsParents) {
    at<KeyNode>(second_).security = value_cell(0);  // a cell, but no security cell
    const auto hive = load();
    ASSERT_NE(hive, nullptr);
    EXPECT_EQ(findings_.count(), 1U);
    EXPECT_EQ(hive->key_info(second_).security, hive->key_info(key_).security);
    EXPECT_EQ(hive->security(second_).size(), hive->security(key_).size());
    expect_sound(*hive);
}

}  // namespace
}  // namespace regent::hive
