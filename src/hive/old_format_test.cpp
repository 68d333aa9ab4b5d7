// Hives of formats 1.0 and 1.1, which this file generates as the references describe them: no genuine one is public.
#include "hive/old_format.h"

#include "hive/hive_test_support.h"

namespace regent::hive {
namespace {

// Cells one behind the other in one bin, each with the place of the cell before it.
class OldImage {
public:
    explicit OldImage(std::uint32_t minor) : minor_(minor) {
        BinHeader bin = {};
        bin.signature = bin_signature;
        append(&bin, sizeof(bin));
    }
    CellIndex cell(const std::string& data) {
        const auto at = static_cast<CellIndex>(bins_.size());
        const std::size_t size = (data.size() + 8 + 15) / 16 * 16;
        const std::int32_t stored = -static_cast<std::int32_t>(size);
        append(&stored, 4);
        append(&last_, 4);
        bins_ += data;
        bins_.resize(at + size, '\0');
        last_ = at;
        return at;
    }
    static std::string wide_bytes(Utf16View text) {
        return {reinterpret_cast<const char*>(text.data()), text.size() * sizeof(char16_t)};
    }
    static std::string list(const std::vector<CellIndex>& cells) {
        return {reinterpret_cast<const char*>(cells.data()), cells.size() * 4};
    }
    CellIndex subkeys(const std::vector<CellIndex>& cells) {
        const auto count = static_cast<std::uint16_t>(cells.size());
        return cell(std::string("li") + std::string(reinterpret_cast<const char*>(&count), 2) + list(cells));
    }
    CellIndex value(Utf16View name, std::uint32_t type, const std::string& data, bool in_place) {
        KeyValue value = {};
        value.signature = vk_signature;
        value.name_size = static_cast<std::uint16_t>(name.size() * 2);
        value.data_size = static_cast<std::uint32_t>(data.size()) | (in_place ? value_inline_bit : 0);
        Le32 place = 0;
        if (in_place) {
            std::memcpy(&place, data.data(), data.size());
        } else {
            place = cell(data);
        }
        value.data = place;
        value.type = type;
        value.flags = 7;  // half of a title index
        return cell(raw(value) + wide_bytes(name));
    }
    struct Key {
        Utf16View name;
        std::vector<CellIndex> subkeys = {};
        std::vector<CellIndex> values = {};
        std::string class_name = {};
        CellIndex security = nil_cell;
    };
    CellIndex key(const Key& key) {
        KeyNode node = {};
        node.signature = nk_signature;
        node.last_write_time = 4711;
        node.access_bits = std::byte{9};  // a title index
        node.parent = nil_cell;
        for (Le32& each : node.subkey_list) each = nil_cell;
        node.subkey_count[0] = static_cast<std::uint32_t>(key.subkeys.size());
        if (!key.subkeys.empty()) node.subkey_list[0] = subkeys(key.subkeys);
        node.value_count = static_cast<std::uint32_t>(key.values.size());
        node.value_list = key.values.empty() ? nil_cell : cell(list(key.values));
        node.security = key.security;
        node.class_size = static_cast<std::uint16_t>(key.class_name.size());
        node.class_cell = key.class_name.empty() ? nil_cell : cell(key.class_name);
        node.name_size = static_cast<std::uint16_t>(key.name.size() * 2);
        return cell(raw(node) + wide_bytes(key.name));
    }
    CellIndex descriptor() {
        KeySecurity record = {};
        record.signature = sk_signature;
        const Bytes bytes = default_descriptor();
        record.descriptor_size = static_cast<std::uint32_t>(bytes.size());
        return cell(raw(record) + std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    }
    std::string file(CellIndex root) const {
        std::string bins = bins_;
        bins.resize((bins.size() + page_size - 1) / page_size * page_size, '\0');
        const auto rest = static_cast<std::int32_t>(bins.size() - bins_.size());
        if (rest >= 4) std::memcpy(bins.data() + bins_.size(), &rest, 4);
        rtl::record_at<BinHeader>(MutableBytes(reinterpret_cast<std::byte*>(bins.data()), bins.size()))->size =
            static_cast<std::uint32_t>(bins.size());
        BaseBlock base = new_base_block("OLD", minor_, 4711);
        base.root_cell = root;
        base.bins_size = static_cast<std::uint32_t>(bins.size());
        base.checksum = checksum(base);
        std::string file = raw(base);
        file.resize(bins_start, '\0');
        return file + bins;
    }

private:
    template <typename Record>
    static std::string raw(const Record& record) {
        return {reinterpret_cast<const char*>(&record), sizeof(record)};
    }
    void append(const void* data, std::size_t size) { bins_.append(static_cast<const char*>(data), size); }

    const std::uint32_t minor_;
    std::string bins_;
    CellIndex last_ = nil_cell;
};

std::string sample(std::uint32_t minor, CellIndex extra = nil_cell) {
    OldImage image(minor);
    const CellIndex security = image.descriptor();
    const CellIndex deeper =
        image.key({.name = u"\u0416", .values = {image.value(u"", 4, std::string("\7\0\0\0", 4), true)}});
    const CellIndex text = image.value(u"Text", 1, OldImage::wide_bytes(u"hello"), false);
    const CellIndex large = image.value(u"Large", 3, std::string(20000, 'l'), false);
    std::vector<CellIndex> below = {image.key({.name = u"Alpha",
                                               .subkeys = {deeper},
                                               .values = {text, large},
                                               .class_name = OldImage::wide_bytes(u"Class")}),
                                    image.key({.name = u"beta"})};
    if (extra != nil_cell) below.push_back(extra);
    return image.file(image.key({.name = u"OldRoot", .subkeys = below, .security = security}));
}

class OldFormat : public testing::TestWithParam<std::uint32_t> {};

TEST_P(OldFormat, IsReadAsOneOfFormat13) {
    FindingList findings;
    OpenOptions options;
    options.durability = Durability::read_only;
    options.findings = &findings;
    const auto opened = Hive::open_image(bytes_of(sample(GetParam())), options);
    ASSERT_TRUE(opened) << rtl::status_name(opened.error().code());
    const Hive& hive = **opened;
    EXPECT_EQ(findings.count(), 0U);
    EXPECT_EQ(rtl::to_utf8(hive.key_name(hive.root()).to_utf16()), "OldRoot");
    EXPECT_EQ(hive.key_info(hive.root()).last_write_time, 4711);
    EXPECT_EQ(hive.key_info(hive.root()).subkey_count, 2U);
    const CellIndex alpha = *hive.find_subkey(hive.root(), u"ALPHA");
    EXPECT_EQ(hive.key_info(alpha).class_name.size(), 10U);
    EXPECT_EQ(hive.key_info(alpha).last_write_time, 4711);
    EXPECT_EQ(hive.value_bytes(*hive.find_value(alpha, u"text"))->size(), 10U);
    EXPECT_EQ(hive.value_info(*hive.find_value(alpha, u"Large")).data_size, 20000U);
    EXPECT_EQ(hive.security(alpha).size(), default_descriptor().size());
    const CellIndex deeper = *hive.find_subkey(alpha, u"\u0416");
    EXPECT_EQ(rtl::load<std::uint32_t>(*hive.value_bytes(*hive.find_value(deeper, u"")), 0), 7U);
    EXPECT_TRUE(hive.read_only());
    EXPECT_EQ(hive.minor_version(), 3U);
    expect_sound(hive);
}

TEST_P(OldFormat, IsWrittenInTodaysAndNeverInItsOwn) {
    rtl::SimEnv env(rtl::DiskImage{{"OLD", sample(GetParam())}});
    EXPECT_EQ(Hive::open(env, "OLD", {}).error().code(), STATUS_NOT_SUPPORTED);
    OpenOptions options;
    options.durability = Durability::read_only;
    const auto old = std::move(Hive::open(env, "OLD", options)).value();
    EXPECT_EQ(old->path(), "OLD");
    {
        const auto out = std::move(env.open("NEW", rtl::OpenMode::create)).value();
        ASSERT_TRUE(old->save_subtree(old->root(), *out, Format::v1_5));
    }
    const auto saved = std::move(Hive::open(env, "NEW", {})).value();
    EXPECT_EQ(describe(*saved), describe(*old));
    EXPECT_EQ(env.contents().at("OLD"), sample(GetParam()));
}

TEST_P(OldFormat, DamageIsLeftOutAndTold) {
    const std::string whole = sample(GetParam());
    // Every byte of the bins once: nothing may crash, and what still opens is sound.
    for (std::size_t at = bins_start; at < whole.size() && at < bins_start + 2000; ++at) {
        std::string damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ 0xFF);
        const auto opened = Hive::open_image(bytes_of(damaged), {});
        if (!opened) continue;
        expect_sound(**opened);
        walk(**opened, 100);
    }
    FindingList findings;
    OpenOptions options;
    options.durability = Durability::read_only;
    options.findings = &findings;
    const auto opened = Hive::open_image(bytes_of(sample(GetParam(), 0x100000)), options);
    ASSERT_TRUE(opened);
    EXPECT_EQ(findings.count(), 1U);
    EXPECT_EQ((*opened)->key_info((*opened)->root()).subkey_count, 2U);
    options.self_heal = false;
    EXPECT_EQ(Hive::open_image(bytes_of(sample(GetParam(), 0x100000)), options).error().code(),
              STATUS_REGISTRY_CORRUPT);
}

INSTANTIATE_TEST_SUITE_P(, OldFormat, testing::Values(0U, 1U));

}  // namespace
}  // namespace regent::hive
