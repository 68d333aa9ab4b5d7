// One below each limit of the format, at it, and one past it: there NT's status, and the hive as it was.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <map>

#include "hive/hive_test_support.h"

namespace regent::hive {
namespace {

std::vector<std::byte> image_of(const Hive& hive) {
    const Bytes bytes = hive.stable_bytes();
    return {bytes.begin(), bytes.end()};
}

template <typename T>
NTSTATUS status_of(const Result<T>& result) {
    return result ? STATUS_SUCCESS : result.error().code();
}

// What fails leaves every byte of every cell in use as it was; only free space may lie elsewhere.
template <typename Run>
void expect_refused(Hive& hive, NTSTATUS status, Run run) {
    const std::string content = describe(hive);
    const std::uint64_t size = hive.stable_size();
    EXPECT_EQ(status_of(run()), status);
    EXPECT_EQ(describe(hive), content);
    EXPECT_EQ(hive.stable_size(), size);
    expect_sound(hive);
}

TEST(HiveLimits, KeyNames) {
    const auto hive = std::move(memory_hive()).value();
    for (const char16_t unit : {u'k', u'\u0416'}) {
        EXPECT_TRUE(make_key(*hive, hive->root(), Utf16(max_key_name - 1, unit)));
        EXPECT_TRUE(make_key(*hive, hive->root(), Utf16(max_key_name, unit)));
        const std::vector<std::byte> before = image_of(*hive);
        expect_refused(*hive, STATUS_OBJECT_NAME_INVALID,
                       [&] { return make_key(*hive, hive->root(), Utf16(max_key_name + 1, unit)); });
        EXPECT_EQ(image_of(*hive), before);
    }
    const CellIndex key = make_key(*hive, hive->root(), u"short").value();
    expect_refused(*hive, STATUS_OBJECT_NAME_INVALID,
                   [&] { return hive->rename_key(key, Utf16(max_key_name + 1, u'r'), 5); });
}

TEST(HiveLimits, ValueNames) {
    const auto hive = std::move(memory_hive()).value();
    for (const char16_t unit : {u'v', u'\u0416'}) {
        EXPECT_TRUE(hive->set_value(hive->root(), Utf16(max_value_name - 1, unit), 3, {}, 5));
        EXPECT_TRUE(hive->set_value(hive->root(), Utf16(max_value_name, unit), 3, {}, 5));
        EXPECT_TRUE(hive->find_value(hive->root(), Utf16(max_value_name, unit)));
        const std::vector<std::byte> before = image_of(*hive);
        expect_refused(*hive, STATUS_OBJECT_NAME_INVALID,
                       [&] { return hive->set_value(hive->root(), Utf16(max_value_name + 1, unit), 3, {}, 5); });
        EXPECT_EQ(image_of(*hive), before);
    }
}

TEST(HiveLimits, Classes) {
    const auto hive = std::move(memory_hive()).value();
    const auto make = [&](std::size_t units) {
        return hive->create_subkey(hive->root(), wide("c" + std::to_string(units)), Utf16(units, u'c'),
                                   default_descriptor(), StorageType::stable, 5);
    };
    EXPECT_TRUE(make(32766));
    EXPECT_TRUE(make(32767));
    expect_refused(*hive, STATUS_INVALID_PARAMETER, [&] { return make(32768); });
}

TEST(HiveLimits, Depth) {
    const auto hive = std::move(memory_hive()).value();
    CellIndex key = hive->root();
    for (std::uint32_t depth = 2; depth <= max_key_depth; ++depth) {
        const auto made = make_key(*hive, key, u"d");
        ASSERT_TRUE(made) << depth;
        key = *made;
    }
    expect_refused(*hive, STATUS_INVALID_PARAMETER, [&] { return make_key(*hive, key, u"d"); });
}

// In format 1.3 data is one cell.
TEST(HiveLimits, DataBefore14) {
    const auto hive = std::move(memory_hive(Format::v1_3)).value();
    const std::vector<std::byte> data(max_cell_data + 1, std::byte{'d'});
    for (const std::size_t size : {max_cell_data - 1, max_cell_data}) {
        EXPECT_TRUE(hive->set_value(hive->root(), u"v", 3, Bytes(data).first(size), 5));
    }
    expect_refused(*hive, STATUS_INVALID_PARAMETER, [&] { return hive->set_value(hive->root(), u"v", 3, data, 5); });
    expect_refused(*hive, STATUS_INVALID_PARAMETER, [&] { return hive->set_value(hive->root(), u"w", 3, data, 5); });
}

// 65535 segments; the data itself is never touched by what refuses it.
TEST(HiveLimits, DataFrom14) {
    const auto hive = std::move(memory_hive()).value();
    const std::size_t size = max_value_data + 1;
    void* const room = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ASSERT_NE(room, MAP_FAILED);
    const Bytes data = rtl::as_bytes(static_cast<const std::byte*>(room), size);
    expect_refused(*hive, STATUS_INVALID_PARAMETER, [&] { return hive->set_value(hive->root(), u"v", 3, data, 5); });
    ::munmap(room, size);
}

// The same at the limit and one below, which takes 1 GiB of memory.
TEST(HiveLimits, DataFrom14Long) {
    const auto hive = std::move(memory_hive()).value();
    const std::vector<std::byte> data(max_value_data, std::byte{'d'});
    for (const std::uint64_t size : {max_value_data - 1, max_value_data}) {
        ASSERT_TRUE(hive->set_value(hive->root(), u"v", 3, Bytes(data).first(size), 5));
        const ValueRef value = *hive->find_value(hive->root(), u"v");
        EXPECT_EQ(hive->value_info(value).data_size, size);
        std::byte last{};
        EXPECT_EQ(hive->read_value(value, size - 1, {&last, 1}), 1U);
        EXPECT_EQ(last, std::byte{'d'});
        ASSERT_TRUE(hive->delete_value(hive->root(), u"v", 5));
        hive->trim();
    }
}

// A hive whose second bin, with one cell that nothing refers to, reaches nearly to the end of what a cell index can
// say. The file has a hole there, so that it takes no room.
class NearlyFull {
public:
    explicit NearlyFull(std::uint32_t room) {
        std::string name = (std::filesystem::temp_directory_path() / "hive_limits_XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
        path_ = folder_ + "/HIVE";
        HiveOptions create;
        create.path = path_;
        create.time = 100;
        std::uint32_t first_bins = 0;
        {
            const auto hive = std::move(Hive::create(rtl::real_env(), create)).value();
            first_bins = static_cast<std::uint32_t>(hive->stable_size());
        }
        const auto file = std::move(rtl::real_env().open(path_, rtl::OpenMode::read_write)).value();
        BaseBlock base;
        EXPECT_TRUE(file->read_at(0, {reinterpret_cast<std::byte*>(&base), sizeof(base)}));
        const std::uint32_t size = max_storage - room - first_bins;
        BinHeader bin = {};
        bin.signature = bin_signature;
        bin.offset = first_bins;
        bin.size = size;
        const std::int32_t cell = -static_cast<std::int32_t>(size - sizeof(bin));
        const std::uint64_t at = std::uint64_t{bins_start} + first_bins;
        EXPECT_TRUE(file->truncate(at + size));
        EXPECT_TRUE(file->write_at(at, rtl::as_bytes(&bin, sizeof(bin))));
        EXPECT_TRUE(file->write_at(at + sizeof(bin), rtl::as_bytes(&cell, sizeof(cell))));
        base.bins_size = first_bins + size;
        base.checksum = checksum(base);
        EXPECT_TRUE(file->write_at(0, rtl::as_bytes(&base, sizeof(base))));
    }
    ~NearlyFull() { std::filesystem::remove_all(folder_); }
    Result<std::unique_ptr<Hive>> open() const { return Hive::open(rtl::real_env(), path_, {}); }

private:
    std::string folder_, path_;
};

TEST(HiveLimits, TwoGigabytesOfBins) {
    const NearlyFull file(2 * page_size);
    {
        auto opened = file.open();
        ASSERT_TRUE(opened) << rtl::status_name(opened.error().code());
        Hive& hive = **opened;
        const std::string data(3900, 'd');  // what the first bin has left cannot hold: a bin each
        EXPECT_EQ(hive.stable_size(), max_storage - 2 * page_size);
        EXPECT_TRUE(hive.set_value(hive.root(), u"one below", 3, bytes_of(data), 5));
        EXPECT_EQ(hive.stable_size(), max_storage - page_size);
        EXPECT_TRUE(hive.set_value(hive.root(), u"at", 3, bytes_of(data), 5));
        EXPECT_EQ(hive.stable_size(), max_storage);
        const std::string content = describe(hive);
        EXPECT_EQ(status_of(hive.set_value(hive.root(), u"one past", 3, bytes_of(data), 5)),
                  STATUS_REGISTRY_QUOTA_LIMIT);
        EXPECT_EQ(status_of(hive.set_value(hive.root(), u"at", 3, bytes_of(std::string(20000, 'b')), 5)),
                  STATUS_REGISTRY_QUOTA_LIMIT);
        EXPECT_EQ(hive.stable_size(), max_storage);
        EXPECT_EQ(describe(hive), content);
        EXPECT_TRUE(hive.set_value(hive.root(), u"small", 3, bytes_of("fits"), 5));
        ASSERT_TRUE(hive.reconcile());
    }
    auto again = file.open();
    ASSERT_TRUE(again);
    EXPECT_TRUE((*again)->find_value((*again)->root(), u"at"));
    EXPECT_FALSE((*again)->find_value((*again)->root(), u"one past"));
    EXPECT_EQ((*again)->stable_size(), max_storage);
}

// --- Many values in one key: adding and reading them by name costs the same for each, however many there are.

double seconds_of_this_thread() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double add_and_read(std::uint32_t count) {
    const auto hive = std::move(memory_hive()).value();
    const double began = seconds_of_this_thread();
    for (std::uint32_t i = 0; i < count; ++i) {
        EXPECT_TRUE(hive->set_value(hive->root(), wide("value " + std::to_string(i)), 4, rtl::as_bytes(&i, 4), 5));
    }
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto found = hive->find_value(hive->root(), wide("VALUE " + std::to_string(i)));
        EXPECT_TRUE(found && found->index == i);
    }
    return seconds_of_this_thread() - began;
}

TEST(HiveLimits, ManyValuesInOneKeyAreNotQuadratic) {
    const double few = add_and_read(10000);
    const double many = add_and_read(100000);
    std::printf("10,000 values: %.3f s, 100,000: %.3f s of processor time\n", few, many);
    EXPECT_LT(many, few * 40);  // ten times as many; quadratic would be a hundred times
}

TEST(HiveLimits, TheIndexOfValuesFollowsEveryChange) {
    const auto hive = std::move(memory_hive()).value();
    const CellIndex key = make_key(*hive, hive->root(), u"k").value();
    std::map<int, int> model;
    std::vector<int> order;
    const auto name = [](int i) { return wide((i % 2 == 0 ? "Even " : "odd ") + std::to_string(i)); };
    std::uint64_t state = 7;
    for (int step = 0; step < 6000; ++step) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        const int which = static_cast<int>(state >> 33) % 1500;
        if (step < 1200 || step % 3 != 0) {
            ASSERT_TRUE(hive->set_value(key, name(which), 4, rtl::as_bytes(&step, 4), 5));
            if (model.count(which) == 0) order.push_back(which);
            model[which] = step;
        } else {
            EXPECT_EQ(hive->delete_value(key, name(which), 5).has_value(), model.erase(which) != 0);
            std::erase(order, which);
        }
        const auto found = hive->find_value(key, name(which));
        ASSERT_EQ(found.has_value(), model.count(which) != 0);
        if (found) {
            ASSERT_EQ(order[found->index], which);
        }
    }
    EXPECT_EQ(hive->key_info(key).value_count, model.size());
    for (const auto& [which, value] : model) {
        const auto found = hive->find_value(key, name(which));
        ASSERT_TRUE(found);
        EXPECT_EQ(rtl::load<std::int32_t>(*hive->value_bytes(*found), 0), value);
    }
    // Another key in the same cell, with as many values, is another key.
    const CellIndex renamed = hive->rename_key(key, Utf16(200, u'r'), 5).value();
    for (const auto& each : model) EXPECT_TRUE(hive->find_value(renamed, name(each.first)));
    expect_sound(*hive);
}

}  // namespace
}  // namespace regent::hive
