// Counts in lists of subkeys are of 16 bits: a leaf and an index with the most elements that they can say, in hives
// made for it, and one more. Keys are made by the hive itself, the lists are laid out here. And lists of values, which
// end with the largest cell.
#include <cstring>

#include "hive/hive_scan.h"
#include "hive/hive_test_support.h"

namespace regent::hive {
namespace {

constexpr std::size_t most_elements = 0xFFFF;
constexpr const char* path = "HIVE";

// A closed hive with the keys \p\000000, \p\000001, ... whose list the test lays out.
class Crafted {
public:
    explicit Crafted(std::size_t children, Format format = Format::v1_5) {
        const auto hive = std::move(memory_hive(format)).value();
        key_ = make_key(*hive, hive->root(), u"p").value();
        const CellIndex security = hive->security_cell(key_);
        for (std::size_t i = 0; i < children; ++i) {
            const auto child = hive->create_subkey_sharing(key_, name(i), {}, security, StorageType::stable, 5).value();
            children_.push_back(child);
        }
        rtl::SimEnv env;
        EXPECT_TRUE(hive->write_image(*env.open(path, rtl::OpenMode::create_new).value()));
        image_ = env.contents().at(path);
    }

    static Utf16 name(std::size_t number, const char* behind = "") {
        const std::string digits = std::to_string(number);
        return wide(std::string(6 - digits.size(), '0') + digits + behind);
    }

    // A new cell, in a bin of its own kind at the end, for one list.
    CellIndex add_cell(const std::string& content) {
        const std::size_t cell = (content.size() + 4 + 7) / 8 * 8;
        if (cell > room_.size()) begin_bin(cell);
        const auto index = static_cast<CellIndex>(room_.data() - image_.data() - bins_start);
        put(room_.data(), -static_cast<std::int32_t>(cell));
        std::memcpy(room_.data() + 4, content.data(), content.size());
        room_ = room_.subspan(cell);
        if (!room_.empty()) put(room_.data(), static_cast<std::int32_t>(room_.size()));
        return index;
    }
    CellIndex add_leaf(std::uint16_t signature, std::size_t first, std::size_t count) {
        std::string content = head(signature, count);
        for (std::size_t i = first; i < first + count; ++i) {
            append(content, children_[i]);
            if (signature == lh_signature) append(content, rtl::name_hash(name(i)));
            if (signature == lf_signature) append(content, hint(i));
        }
        return add_cell(content);
    }
    CellIndex add_index(const std::vector<CellIndex>& parts) {
        std::string content = head(ri_signature, parts.size());
        for (const CellIndex part : parts) append(content, part);
        return add_cell(content);
    }
    // The hive with this list, in `env`.
    void write(rtl::SimEnv& env, CellIndex list) {
        put(image_.data() + bins_start + key_ + 4 + offsetof(KeyNode, subkey_list), list);
        BaseBlock base;
        std::memcpy(&base, image_.data(), sizeof(base));
        base.bins_size = static_cast<std::uint32_t>(image_.size() - bins_start);
        base.checksum = checksum(base);
        std::memcpy(image_.data(), &base, sizeof(base));
        const auto file = env.open(path, rtl::OpenMode::truncate).value();
        ASSERT_TRUE(file->write_at(0, bytes_of(image_)));
        ASSERT_TRUE(file->sync());
    }
    CellIndex key() const { return key_; }

private:
    template <typename Number>
    static void put(char* at, Number number) {
        std::memcpy(at, &number, sizeof(number));
    }
    static void append(std::string& to, std::uint32_t number) {
        to.append(reinterpret_cast<const char*>(&number), sizeof(number));
    }
    static std::string head(std::uint16_t signature, std::size_t count) {
        std::string content(4, '\0');
        put(content.data(), signature);
        put(content.data() + 2, static_cast<std::uint16_t>(count));
        return content;
    }
    static std::uint32_t hint(std::size_t number) {
        const std::string text = rtl::to_utf8(name(number));
        std::uint32_t four = 0;
        std::memcpy(&four, text.data(), sizeof(four));
        return four;
    }
    void begin_bin(std::size_t cell) {
        constexpr std::size_t least = 64 * page_size;
        const std::size_t size = std::max(least, (cell + sizeof(BinHeader) + page_size - 1) / page_size * page_size);
        BinHeader header = {};
        header.signature = bin_signature;
        header.offset = static_cast<std::uint32_t>(image_.size() - bins_start);
        header.size = static_cast<std::uint32_t>(size);
        image_.append(reinterpret_cast<const char*>(&header), sizeof(header));
        image_.append(size - sizeof(header), '\0');
        room_ = std::span(image_).last(size - sizeof(header));
    }

    CellIndex key_ = nil_cell;
    std::vector<CellIndex> children_;
    std::string image_;
    std::span<char> room_;
};

std::unique_ptr<Hive> open_hive(rtl::Env& env) {
    OpenOptions options;
    options.self_heal = false;  // what is crafted is sound
    return std::move(Hive::open(env, path, options)).value();
}

std::vector<Utf16> names_of(const Hive& hive, CellIndex key) {
    HiveScan scan(hive);
    std::vector<Utf16> names;
    for (const CellIndex child : scan.subkeys(key)) names.push_back(hive.key_name(child).to_utf16());
    return names;
}

template <typename T>
NTSTATUS status_of(const Result<T>& result) {
    return result ? STATUS_SUCCESS : result.error().code();
}

// Nothing in use has changed, and nothing is to be written.
template <typename Run>
void expect_refused(Hive& hive, CellIndex key, NTSTATUS status, Run run) {
    const std::vector<Utf16> names = names_of(hive, key);
    const std::uint64_t size = hive.stable_size();
    const std::uint64_t changes = hive.changes();
    EXPECT_EQ(status_of(run()), status);
    EXPECT_EQ(names_of(hive, key), names);
    EXPECT_EQ(hive.key_info(key).subkey_count, names.size());
    EXPECT_EQ(hive.stable_size(), size);
    EXPECT_EQ(hive.changes(), changes);
    expect_sound(hive);
}

// A loaded leaf may be as long as its count can say, longer than any that is written; one more key splits it.
TEST(ListLimits, AKeyIsAddedToALeafOf65535) {
    const std::pair<std::uint16_t, Format> kinds[] = {
        {lh_signature, Format::v1_5}, {lf_signature, Format::v1_3}, {li_signature, Format::v1_3}};
    for (const auto& [signature, format] : kinds) {
        Crafted crafted(most_elements, format);
        rtl::SimEnv env;
        crafted.write(env, crafted.add_leaf(signature, 0, most_elements));
        const auto hive = open_hive(env);
        ASSERT_EQ(hive->key_info(crafted.key()).subkey_count, most_elements);
        ASSERT_TRUE(hive->find_subkey(crafted.key(), Crafted::name(most_elements - 1)));
        std::vector<Utf16> expected = names_of(*hive, crafted.key());
        for (const std::size_t before : {std::size_t{0}, most_elements / 2, most_elements - 1}) {
            const Utf16 name = Crafted::name(before, "x");
            ASSERT_TRUE(make_key(*hive, crafted.key(), name));
            expected.insert(std::upper_bound(expected.begin(), expected.end(), name), name);
        }
        EXPECT_EQ(names_of(*hive, crafted.key()), expected);
        EXPECT_EQ(hive->key_info(crafted.key()).subkey_count, most_elements + 3);
        expect_sound(*hive);
    }
}

// An index of 65534 leaves, the first of them full: one that is split makes 65535, the next is refused.
class FullIndex : public testing::Test {
protected:
    FullIndex() : crafted_(max_leaf + most_elements - 2) {
        std::vector<CellIndex> leaves = {crafted_.add_leaf(lh_signature, 0, max_leaf)};
        for (std::size_t i = 0; i < most_elements - 2; ++i) {
            leaves.push_back(crafted_.add_leaf(lh_signature, max_leaf + i, 1));
        }
        crafted_.write(env_, crafted_.add_index(leaves));
        hive_ = open_hive(env_);
    }
    CellIndex key() const { return crafted_.key(); }
    Hive& hive() { return *hive_; }
    Result<CellIndex> add(std::size_t after, const std::string& behind) {
        return make_key(*hive_, key(), Crafted::name(after, behind.c_str()));
    }
    // The last leaf place but one is taken, and the leaf at the beginning is full again.
    void fill() {
        ASSERT_TRUE(add(0, "!"));
        for (std::size_t i = 0; i < max_leaf - max_leaf / 2 - 1; ++i) ASSERT_TRUE(add(0, "#" + std::to_string(i)));
    }
    void reopen() {
        ASSERT_TRUE(hive_->reconcile());
        hive_.reset();
        hive_ = open_hive(env_);
    }

private:
    Crafted crafted_;
    rtl::SimEnv env_;
    std::unique_ptr<Hive> hive_;
};

TEST_F(FullIndex, TheKeyThatNeedsOneMoreLeafIsRefused) {
    fill();
    expect_sound(hive());
    const auto full = [&] { return add(0, "$one past"); };
    expect_refused(hive(), key(), STATUS_INSUFFICIENT_RESOURCES, full);
    expect_refused(hive(), key(), STATUS_INSUFFICIENT_RESOURCES,
                   [&] { return hive().rename_key(*hive().find_subkey(key(), Crafted::name(900)), u"000000$r", 5); });
    // Leaves that have room take more; and volatile keys have a list of their own.
    EXPECT_TRUE(add(max_leaf + 7, "x"));
    const auto passing = make_key(hive(), key(), u"000000$volatile", StorageType::volatile_);
    ASSERT_TRUE(passing);
    ASSERT_TRUE(hive().delete_key(*passing));
    const std::vector<Utf16> names = names_of(hive(), key());
    reopen();
    EXPECT_EQ(names_of(hive(), key()), names);
    expect_refused(hive(), key(), STATUS_INSUFFICIENT_RESOURCES, full);
}

TEST_F(FullIndex, ALeafThatBecomesEmptyMakesRoomForOne) {
    fill();
    ASSERT_TRUE(hive().delete_key(*hive().find_subkey(key(), Crafted::name(max_leaf + 9)), 6));
    EXPECT_TRUE(add(0, "$fits"));
    expect_sound(hive());
    const std::vector<Utf16> names = names_of(hive(), key());
    reopen();
    EXPECT_EQ(names_of(hive(), key()), names);
}

// A save lays lists out anew, so that room is made without a change.
TEST_F(FullIndex, ACompactHiveTakesKeysAgain) {
    fill();
    ASSERT_TRUE(hive().compact());
    const CellIndex moved = hive().find_subkey(hive().root(), u"p").value();
    EXPECT_TRUE(make_key(hive(), moved, u"000000$one past"));
    expect_sound(hive());
}

TEST(ListLimits, AnIndexOverAnIndexIsNoList) {
    Crafted crafted(10);
    rtl::SimEnv env;
    const CellIndex low = crafted.add_index({crafted.add_leaf(lh_signature, 0, 10)});
    crafted.write(env, crafted.add_index({low}));
    OpenOptions options;
    options.self_heal = false;
    EXPECT_EQ(status_of(Hive::open(env, path, options)), STATUS_REGISTRY_CORRUPT);
    options.validation = Validation::on_touch;
    const auto hive = std::move(Hive::open(env, path, options)).value();
    EXPECT_FALSE(hive->find_subkey(crafted.key(), Crafted::name(3)));
    EXPECT_TRUE(hive->suspect());
    EXPECT_EQ(status_of(make_key(*hive, crafted.key(), u"k")), STATUS_REGISTRY_CORRUPT);
}

// A list of values is one cell, of at most max_cell_data.
TEST(ListLimits, ValuesUpToTheLargestCell) {
    constexpr std::uint32_t most_values = max_cell_data / 4;
    const auto hive = std::move(memory_hive()).value();
    const CellIndex key = hive->root();
    const auto set = [&](std::uint32_t i) {
        return hive->set_value(key, std::nullopt, wide(std::to_string(i)), 4, rtl::as_bytes(&i, 4), 5);
    };
    for (std::uint32_t i = 0; i < most_values; ++i) ASSERT_TRUE(set(i)) << i;
    expect_refused(*hive, key, STATUS_INSUFFICIENT_RESOURCES, [&] { return set(most_values); });
    EXPECT_EQ(hive->key_info(key).value_count, most_values);
    EXPECT_FALSE(hive->find_value(key, wide(std::to_string(most_values))));
    const std::uint32_t other = 7;
    EXPECT_TRUE(hive->set_value(key, u"0", 4, rtl::as_bytes(&other, 4), 5));  // a value that is there
    ASSERT_TRUE(hive->delete_value(key, u"0", 5));
    EXPECT_TRUE(set(most_values));
}

}  // namespace
}  // namespace regent::hive
