// Every single bit of small hives turned: loading, walking and changing them ends, without a crash, and what full
// validation lets through is sound. `Sample` takes some of the bits, `All` (label long) every one.
#include <cstring>

#include "hive/check.h"
#include "hive/hive_test_support.h"
#include "hive/tree_proof.h"

namespace regent::hive {
namespace {

std::string saved(Hive& hive, Format format) {
    rtl::SimEnv env;
    EXPECT_TRUE(hive.save_subtree(hive.root(), *env.open("out", rtl::OpenMode::create).value(), format));
    return env.contents()["out"];
}

void set_text(Hive& hive, CellIndex key, const std::string& name, const std::string& data) {
    ASSERT_TRUE(hive.set_value(key, wide(name), 3, bytes_of(data), 1000));
}

std::string few_keys(Format format) {
    auto hive = std::move(memory_hive(format)).value();
    for (int i = 0; i < 4; ++i) {
        const CellIndex key = make_key(*hive, hive->root(), wide("key" + std::to_string(i))).value();
        set_text(*hive, key, "value", "some data");
        set_text(*hive, key, "", "abc");
    }
    return saved(*hive, format);
}

std::string big_data() {
    auto hive = std::move(memory_hive()).value();
    set_text(*hive, hive->root(), "big", std::string(16345, 'b'));
    return saved(*hive, Format::v1_5);
}

std::string every_field() {
    auto hive = std::move(memory_hive()).value();
    std::vector<std::byte> other(default_descriptor().begin(), default_descriptor().end());
    for (int i = 0; i < 3; ++i) {
        other.back() = static_cast<std::byte>(i);
        const auto key = hive->create_subkey(hive->root(), u"\u4E2D" + wide(std::to_string(i)), u"class", other,
                                             StorageType::stable, 1, i == 2 ? key_sym_link : std::uint16_t{0});
        if (i != 2) continue;
        EXPECT_TRUE(hive->set_value(*key, u"SymbolicLinkValue", 6, bytes_of("target"), 1));
    }
    return saved(*hive, Format::v1_5);
}

// An index over two leaves, as it is left when most of a long list was deleted.
std::string index_of_leaves() {
    rtl::SimEnv env;
    HiveOptions options;
    options.path = "h";
    auto hive = std::move(Hive::create(env, options)).value();
    constexpr int many = 1100;
    for (int i = 0; i < many; ++i) EXPECT_TRUE(make_key(*hive, hive->root(), wide(std::to_string(10000 + i))));
    for (int i = 0; i < many; ++i) {
        if (i % 100 == 0) continue;
        EXPECT_TRUE(hive->delete_key(*hive->find_subkey(hive->root(), wide(std::to_string(10000 + i)))));
    }
    EXPECT_TRUE(hive->reconcile());
    return env.contents()["h"];
}

// The bytes that mean something: the base block, and all but the inside of free cells.
std::vector<std::size_t> meaningful(const std::string& image) {
    std::vector<std::size_t> bytes;
    for (std::size_t i = 0; i < sizeof(BaseBlock); ++i) bytes.push_back(i);
    const Bytes all = bytes_of(image);
    std::size_t bin_end = bins_start;
    for (std::size_t at = bins_start; at < image.size();) {
        if (at == bin_end) {
            for (std::size_t i = 0; i < sizeof(BinHeader); ++i) bytes.push_back(at + i);
            bin_end += rtl::record_at<BinHeader>(all, at)->size;
            at += sizeof(BinHeader);
        }
        const auto size = *rtl::load<std::int32_t>(all, at);
        const std::size_t length = static_cast<std::size_t>(size < 0 ? -size : size);
        for (std::size_t i = 0; i < (size < 0 ? length : 4); ++i) bytes.push_back(at + i);
        at += length;
    }
    return bytes;
}

// Opened in full, or on touch; walked, changed, walked again.
bool survive(const std::string& image, Validation validation) {
    constexpr std::size_t more_than_any = 5000;  // keys
    OpenOptions options;
    options.validation = validation;
    const auto opened = Hive::open_image(bytes_of(image), options);
    if (!opened) return false;
    Hive& hive = **opened;
    if (validation == Validation::full) {
        expect_sound(hive);
        describe(hive);
    }
    EXPECT_LT(walk(hive, more_than_any), more_than_any);
    static_cast<void>(hive.count());
    mutate(hive);
    EXPECT_LT(walk(hive, more_than_any), more_than_any);
    if (validation == Validation::full) expect_sound(hive);
    return true;
}

// What a check finds, and the bins after it.
struct Checked {
    std::string findings;
    std::string bins;
};

Checked checked(const std::string& image, bool repair, bool (TreeCheck::*how)()) {
    const auto& base = *rtl::record_at<BaseBlock>(bytes_of(image));
    Cells cells;
    cells.minor = base.minor;
    EXPECT_TRUE(cells.stable().grow_raw(image.size() - bins_start));
    std::memcpy(cells.stable().mutable_bytes().data(), image.data() + bins_start, image.size() - bins_start);
    FindingList found;
    bool changed = false;
    cells.stable().load_bins(found, &changed);
    TreeCheck check(cells, base.root_cell, found, repair);
    Checked result;
    result.findings = (check.*how)() ? "" : "no root\n";
    for (const Finding& each : found.findings()) {
        result.findings += to_string(each.kind) + (' ' + std::to_string(each.file_offset)) + ' ' + each.expected + ' ' +
                           each.actual + ' ' + each.repair + '\n';
    }
    const Bytes bins = cells.stable().bytes();
    result.bins.assign(reinterpret_cast<const char*>(bins.data()), bins.size());
    return result;
}

// A proof that there is nothing to find stands for the walk that would find nothing.
void expect_same_findings(const std::string& image) {
    for (const bool repair : {false, true}) {
        const Checked by_walk = checked(image, repair, &TreeCheck::walk);
        const Checked shortly = checked(image, repair, &TreeCheck::run);
        EXPECT_EQ(shortly.findings, by_walk.findings);
        EXPECT_EQ(shortly.bins, by_walk.bins);
    }
}

bool proven(const std::string& image) {
    const auto& base = *rtl::record_at<BaseBlock>(bytes_of(image));
    Cells cells;
    EXPECT_TRUE(cells.stable().grow_raw(image.size() - bins_start));
    std::memcpy(cells.stable().mutable_bytes().data(), image.data() + bins_start, image.size() - bins_start);
    FindingList found;
    bool changed = false;
    cells.stable().load_bins(found, &changed);
    return TreeProof(cells, base.root_cell).run();
}

void flip(std::size_t every) {
    const std::string images[] = {few_keys(Format::v1_5), few_keys(Format::v1_3), big_data(), every_field(),
                                  index_of_leaves()};
    std::size_t loaded = 0;
    std::size_t refused = 0;
    for (const std::string& good : images) {
        std::string image = good;
        const std::vector<std::size_t> bytes = meaningful(good);
        EXPECT_TRUE(proven(good));
        for (std::size_t bit = 0; bit < bytes.size() * 8; bit += every) {
            const std::size_t at = bytes[bit / 8];
            image[at] = static_cast<char>(image[at] ^ (1 << bit % 8));
            for (const Validation validation : {Validation::full, Validation::on_touch}) {
                ++(survive(image, validation) ? loaded : refused);
            }
            expect_same_findings(image);
            ASSERT_FALSE(::testing::Test::HasFailure())
                << "hive " << &good - images << ", bit " << bit % 8 << " of byte " << at;
            image[at] = good[at];
        }
    }
    std::printf("%zu loads (repaired, harmless or met on touch), %zu refused\n", loaded, refused);
}

TEST(HiveFlips, Sample) { flip(151); }
TEST(HiveFlips, All) { flip(1); }

}  // namespace
}  // namespace regent::hive
