// Hives whose content is verified when it is touched (ADR 0009).
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <sstream>
#include <thread>

#include "hive/hive_scan.h"
#include "hive/hive_test_support.h"
#include "hive/subkey_list.h"

namespace regent::hive {
namespace {

constexpr int small_tree = 300;

void fill(Hive& hive, int keys) {
    for (int i = 0; i < keys; ++i) {
        const CellIndex parent =
            i % 10 == 0 ? hive.root() : *hive.find_subkey(hive.root(), wide("key" + std::to_string(i / 10 * 10)));
        const CellIndex key = make_key(hive, parent, wide("key" + std::to_string(i))).value();
        const std::string text(static_cast<std::size_t>(i) * 7 % 90, 'x');
        ASSERT_TRUE(hive.set_value(key, u"value", 3, bytes_of(text), 1));
        if (i % 50 != 0) continue;
        ASSERT_TRUE(hive.set_value(key, u"big", 3, bytes_of(std::string(20000, 'b')), 1));
    }
}

std::string image_of(const Hive& hive) {
    rtl::SimEnv env;
    EXPECT_TRUE(hive.save_subtree(hive.root(), *env.open("out", rtl::OpenMode::create).value(), Format::v1_5));
    return env.contents()["out"];
}

std::string small_image() {
    auto hive = std::move(memory_hive()).value();
    fill(*hive, small_tree);
    return image_of(*hive);
}

Result<std::unique_ptr<Hive>> open_on_touch(const std::string& image) {
    OpenOptions options;
    options.validation = Validation::on_touch;
    return Hive::open_image(bytes_of(image), options);
}

// The file offset of a cell's data.
std::size_t place_of(CellIndex cell) { return bins_start + cell + 4; }

TEST(HiveTouch, ReadsWhatFullValidationReads) {
    const std::string image = small_image();
    const auto full = std::move(Hive::open_image(bytes_of(image), {})).value();
    const auto lazy = std::move(open_on_touch(image)).value();
    EXPECT_TRUE(full->trusted());
    EXPECT_FALSE(lazy->trusted());
    EXPECT_EQ(describe(*lazy), describe(*full));
    EXPECT_EQ(lazy->count().keys, full->count().keys);
    EXPECT_FALSE(lazy->suspect());
    EXPECT_FALSE(lazy->trusted());
    EXPECT_TRUE(image_of(*lazy) == image_of(*full));
    for (const Finding& met : lazy->suspicions())
        ADD_FAILURE() << met.file_offset << ": " << met.expected << ", not " << met.actual;
    EXPECT_TRUE(lazy->trusted()) << "a whole walk has verified everything";
    expect_sound(*lazy);
}

// All of a key at once is what asking for each by its number gives.
void expect_scan_agrees(const Hive& hive) {
    HiveScan scan(hive);
    std::size_t keys = 0;
    std::vector<CellIndex> stack = {hive.root()};
    for (; !stack.empty(); ++keys) {
        const CellIndex key = stack.back();
        stack.pop_back();
        const auto& values = scan.values(key);
        ASSERT_EQ(values.size(), hive.key_info(key).value_count);
        for (std::uint32_t i = 0; i < values.size(); ++i) {
            const ValueRef ref = hive.value_at(key, i).value();
            const ValueInfo info = hive.value_info(ref);
            ASSERT_EQ(values[i].ref.cell, ref.cell);
            ASSERT_EQ(values[i].name.to_utf16(), info.name.to_utf16());
            ASSERT_EQ(values[i].type, info.type);
            ASSERT_EQ(values[i].data_size, info.data_size);
            const auto data = hive.value_bytes(ref);
            ASSERT_EQ(values[i].data.has_value(), data.has_value());
            if (data) {
                ASSERT_EQ(values[i].data->data(), data->data());
            }
        }
        const auto& subkeys = scan.subkeys(key);
        ASSERT_EQ(subkeys.size(), hive.key_info(key).subkey_count);
        for (std::uint32_t i = 0; i < subkeys.size(); ++i) ASSERT_EQ(subkeys[i], *hive.subkey_at(key, i));
        stack.insert(stack.end(), subkeys.begin(), subkeys.end());
    }
    EXPECT_EQ(keys, hive.count().keys);
}

TEST(HiveTouch, AScanGivesWhatNumbersGive) {
    auto made = std::move(memory_hive()).value();
    fill(*made, small_tree);
    const auto lazy = std::move(open_on_touch(image_of(*made))).value();
    expect_scan_agrees(*lazy);
    EXPECT_FALSE(lazy->suspect());
    for (const char16_t* name : {u"a volatile one", u"z volatile one", u"kez"}) {
        ASSERT_TRUE(make_key(*made, made->root(), name, StorageType::volatile_));
    }
    expect_scan_agrees(*made);
}

// Volatile subkeys beside a list of many leaves: one pass over both, not a search for each number.
TEST(HiveTouch, AScanMergesItsTwoListsInOnePass) {
    constexpr std::uint32_t count = 3000;
    auto made = std::move(memory_hive()).value();
    const CellIndex key = make_key(*made, made->root(), u"many").value();
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto type = i % 3 == 0 ? StorageType::volatile_ : StorageType::stable;
        ASSERT_TRUE(make_key(*made, key, wide(std::to_string(100000 + i)), type));
    }
    HiveScan scan(*made);
    const auto& subkeys = scan.subkeys(key);
    ASSERT_EQ(subkeys.size(), count);
    for (std::uint32_t i = 0; i < count; ++i)
        ASSERT_EQ(made->key_name(subkeys[i]).to_utf16(), wide(std::to_string(100000 + i)));
    EXPECT_GT(scan.compared(), 0U);
    EXPECT_LE(scan.compared(), count);
}

TEST(HiveTouch, ChangesAreAsGoodAsInAValidatedHive) {
    rtl::SimEnv env;
    HiveOptions options;
    options.path = "h";
    options.time = 100;
    {
        auto hive = std::move(Hive::create(env, options)).value();
        fill(*hive, small_tree);
        ASSERT_TRUE(hive->reconcile());
    }
    OpenOptions open;
    open.validation = Validation::if_unproven;
    std::mt19937 random(7);
    std::string expected;
    for (int round = 0; round < 20; ++round) {
        auto hive = std::move(Hive::open(env, "h", open)).value();
        ASSERT_FALSE(hive->trusted()) << round;
        if (round == 0) expected = describe(*hive);
        ASSERT_EQ(describe(*hive), expected) << round;
        for (int i = 0; i < 30; ++i) {
            const Utf16 name = wide("key" + std::to_string(random() % 60 * 10));
            const auto key = hive->find_subkey(hive->root(), name);
            const std::string text(random() % 3000, 't');
            if (!key) {
                ASSERT_TRUE(make_key(*hive, hive->root(), name));
            } else if (random() % 4 == 0 && hive->delete_key(*key, 3)) {
                continue;
            } else {
                ASSERT_TRUE(hive->set_value(*key, wide("v" + std::to_string(random() % 5)), 1, bytes_of(text), 4));
            }
        }
        ASSERT_TRUE(make_key(*hive, hive->root(), wide("volatile" + std::to_string(round)), StorageType::volatile_));
        ASSERT_TRUE(hive->reconcile());
        expected.clear();
        // What is volatile is gone after the reload.
        ASSERT_TRUE(hive->delete_key(*hive->find_subkey(hive->root(), wide("volatile" + std::to_string(round)))));
        expected = describe(*hive);
    }
    const auto full = std::move(Hive::open(env, "h", {})).value();
    EXPECT_EQ(describe(*full), expected);
    EXPECT_FALSE(full->healed());
    expect_sound(*full);
}

TEST(HiveTouch, ASecurityCellThatAValueClaimedAndFreedIsMetAsDamage) {
    auto made = std::move(memory_hive()).value();
    ASSERT_TRUE(make_key(*made, made->root(), u"key"));
    ASSERT_TRUE(made->set_value(made->root(), u"value", 3, bytes_of("more than four"), 1));
    std::string image = image_of(*made);
    const auto full = std::move(Hive::open_image(bytes_of(image), {})).value();
    const Le32 security = full->key_info(full->root()).security;
    const CellIndex value = full->value_at(full->root(), 0)->cell;
    std::memcpy(image.data() + place_of(value) + offsetof(KeyValue, data), &security, sizeof(security));
    const auto hive = std::move(open_on_touch(image)).value();
    const CellIndex key = *hive->find_subkey(hive->root(), u"key");
    ASSERT_TRUE(hive->set_security(key, default_descriptor(), 1));  // reads the circle while it holds
    ASSERT_TRUE(hive->delete_value(hive->root(), u"value", 1));
    std::vector<std::byte> longer(default_descriptor().begin(), default_descriptor().end());
    longer.resize(longer.size() + 200);
    const auto set = hive->set_security(key, longer, 1);
    ASSERT_FALSE(set);
    EXPECT_EQ(set.error().code(), STATUS_REGISTRY_CORRUPT);
    EXPECT_TRUE(hive->suspect());
}

TEST(HiveTouch, OnlyWhatWeVerifiedAndClosedCleanlyIsProven) {
    rtl::SimEnv env;
    HiveOptions options;
    options.path = "h";
    auto made = std::move(Hive::create(env, options)).value();
    ASSERT_TRUE(make_key(*made, made->root(), u"a"));
    ASSERT_TRUE(made->reconcile());
    OpenOptions open;
    open.validation = Validation::if_unproven;
    auto trusted_after = [&](const std::function<void(std::string&)>& change) {
        rtl::DiskImage disk = env.contents();
        change(disk["h"]);
        rtl::SimEnv copy(disk);
        return std::move(Hive::open(copy, "h", open)).value()->trusted();
    };
    EXPECT_FALSE(trusted_after([](std::string&) {}));
    auto reseal = [](std::string& file, const std::function<void(BaseBlock&)>& change) {
        auto& base = *rtl::record_at<BaseBlock>(MutableBytes(reinterpret_cast<std::byte*>(file.data()), file.size()));
        change(base);
        base.checksum = checksum(base);
    };
    EXPECT_TRUE(trusted_after([&](std::string& file) {
        reseal(file, [](BaseBlock& base) {  // as another program writes
            base.primary_sequence = base.primary_sequence + 1;
            base.secondary_sequence = base.secondary_sequence + 1;
        });
    }));
    EXPECT_TRUE(trusted_after([&](std::string& file) {
        reseal(file, [](BaseBlock& base) { base.primary_sequence = base.primary_sequence + 1; });  // dirty
    }));
    EXPECT_TRUE(trusted_after([](std::string& file) { file[100] = static_cast<char>(file[100] ^ 1); }));
    ASSERT_TRUE(make_key(*made, made->root(), u"b"));
    ASSERT_TRUE(made->flush());
    EXPECT_TRUE(trusted_after([](std::string&) {})) << "a crash before the reconcile";
}

TEST(HiveTouch, AnUnprovenHiveBecomesProvenOnlyByValidation) {
    const std::string image = small_image();
    for (const Validation validation : {Validation::full, Validation::on_touch}) {
        rtl::SimEnv env({{"h", image}});
        OpenOptions open;
        open.validation = validation;
        {
            auto hive = std::move(Hive::open(env, "h", open)).value();
            ASSERT_TRUE(make_key(*hive, hive->root(), u"new"));
            ASSERT_TRUE(hive->reconcile());
        }
        open.validation = Validation::if_unproven;
        EXPECT_EQ(std::move(Hive::open(env, "h", open)).value()->trusted(), validation == Validation::on_touch);
    }
}

TEST(HiveTouch, DamageIsMetAsAbsenceAndStopsChanges) {
    std::string image = small_image();
    const auto good = std::move(Hive::open_image(bytes_of(image), {})).value();
    CellIndex victim = *good->find_subkey(good->root(), u"key150");
    victim = *good->find_subkey(victim, u"key155");
    ASSERT_NE(victim / page_size, good->root() / page_size);
    std::memset(image.data() + bins_start + victim / page_size * page_size, 0xEE, 32);  // its bin's header
    rtl::SimEnv env({{"h", image}});
    OpenOptions open;
    open.validation = Validation::on_touch;
    {
        auto opened = Hive::open(env, "h", open);
        ASSERT_TRUE(opened) << std::hex << opened.error().code() << " " << victim;
        auto hive = std::move(opened).value();
        EXPECT_FALSE(hive->suspect());
        EXPECT_FALSE(hive->find_subkey(*hive->find_subkey(hive->root(), u"key150"), u"key155"));
        EXPECT_TRUE(hive->suspect());
        ASSERT_FALSE(hive->suspicions().empty());
        EXPECT_EQ(hive->absence(STATUS_OBJECT_NAME_NOT_FOUND), STATUS_REGISTRY_CORRUPT);
        EXPECT_EQ(make_key(*hive, hive->root(), u"new").error().code(), STATUS_REGISTRY_CORRUPT);
        EXPECT_EQ(hive->save_subtree(hive->root(), *env.open("s", rtl::OpenMode::create).value(), Format::v1_5)
                      .error()
                      .code(),
                  STATUS_REGISTRY_CORRUPT);
        ASSERT_TRUE(hive->reconcile());
    }
    EXPECT_TRUE(env.contents()["h"] == image);
    open.validation = Validation::if_unproven;
    const auto healed = std::move(Hive::open(env, "h", open)).value();
    EXPECT_TRUE(healed->healed());
    expect_sound(*healed);
}

TEST(HiveTouch, ASuspectHiveLosesItsProof) {
    rtl::SimEnv env;
    HiveOptions options;
    options.path = "h";
    CellIndex victim = nil_cell;
    {
        auto made = std::move(Hive::create(env, options)).value();
        fill(*made, small_tree);
        ASSERT_TRUE(made->reconcile());
        victim = *made->find_subkey(made->root(), u"key150");
    }
    rtl::DiskImage disk = env.contents();
    disk["h"][place_of(victim)] = 'x';  // no nk any more
    rtl::SimEnv rotten(disk);
    OpenOptions open;
    open.validation = Validation::if_unproven;
    {
        auto hive = std::move(Hive::open(rotten, "h", open)).value();
        ASSERT_FALSE(hive->trusted());
        EXPECT_FALSE(hive->find_subkey(hive->root(), u"key150"));
        ASSERT_TRUE(hive->suspect());
        ASSERT_TRUE(hive->reconcile());
    }
    const auto again = std::move(Hive::open(rotten, "h", open)).value();
    EXPECT_TRUE(again->trusted());
    EXPECT_TRUE(again->healed());
}

// Hives that lead a trusting reader astray: each must end, and nothing may be handed out twice.
TEST(HiveTouch, CyclesAndDoubleEntriesEnd) {
    const std::string image = small_image();
    const auto good = std::move(Hive::open_image(bytes_of(image), {})).value();
    const CellIndex root = good->root();
    const CellIndex parent = *good->find_subkey(root, u"key150");
    const CellIndex child = *good->find_subkey(parent, u"key151");
    const auto node_in = [](std::string& file, CellIndex cell) -> KeyNode& {
        return *rtl::record_at<KeyNode>(MutableBytes(reinterpret_cast<std::byte*>(file.data()), file.size()),
                                        place_of(cell));
    };
    const auto list_in = [&](std::string& file, CellIndex key) {
        return MutableBytes(reinterpret_cast<std::byte*>(file.data()), file.size())
            .subspan(place_of(node_in(file, key).subkey_list[0]));
    };
    const std::vector<std::function<void(std::string&)>> damages = {
        [&](std::string& file) {  // the child's children are its parent's siblings
            node_in(file, child).subkey_count[0] = node_in(file, root).subkey_count[0];
            node_in(file, child).subkey_list[0] = node_in(file, root).subkey_list[0];
        },
        [&](std::string& file) {  // the child has itself for a child
            node_in(file, child).subkey_count[0] = node_in(file, parent).subkey_count[0];
            node_in(file, child).subkey_list[0] = node_in(file, parent).subkey_list[0];
            node_in(file, child).parent = child;
        },
        [&](std::string& file) {  // one child many times
            const MutableBytes list = list_in(file, parent);
            for (std::size_t i = 0; i < 9; ++i) *rtl::record_at<Le32>(list, 4 + i * 8) = child;
        },
        [&](std::string& file) { node_in(file, parent).subkey_count[0] = 0xFFFFFFFF; },
        [&](std::string& file) { node_in(file, child).parent = root; },
        [&](std::string& file) { node_in(file, parent).value_count = 0xFFFFFFFF; },
        [&](std::string& file) { *rtl::record_at<Le32>(list_in(file, parent), 4) = root; },
        [&](std::string& file) { node_in(file, child).subkey_list[0] = node_in(file, parent).subkey_list[0] + 8; },
    };
    for (std::size_t i = 0; i < damages.size(); ++i) {
        std::string file = image;
        damages[i](file);
        const auto hive = std::move(open_on_touch(file)).value();
        EXPECT_LE(walk(*hive, 10000), small_tree + 1U) << "damage " << i;
        EXPECT_LE(hive->count().keys, small_tree + 1U) << "damage " << i;
        mutate(**open_on_touch(file));
    }
}

TEST(HiveTouch, ReadersTouchTogether) {
    const std::string image = small_image();
    for (int round = 0; round < 5; ++round) {
        const auto hive = std::move(open_on_touch(image)).value();
        std::vector<std::thread> readers;
        std::array<std::size_t, 4> met = {};
        for (std::size_t i = 0; i < met.size(); ++i) {
            readers.emplace_back([&, i] { met[i] = walk(*hive, 10000); });
        }
        for (std::thread& reader : readers) reader.join();
        for (const std::size_t keys : met) EXPECT_EQ(keys, small_tree + 1U);
        EXPECT_FALSE(hive->suspect());
    }
}

// A page that cannot be read must not take the process along, nor be taken for damage to repair.
TEST(HiveTouch, APageThatIsGoneIsAFailureOfItsHiveAlone) {
    const std::string path = ::testing::TempDir() + "regent_hive_touch_" + std::to_string(::getpid());
    const std::string image = small_image();
    const auto file = std::move(rtl::real_env().open(path, rtl::OpenMode::truncate)).value();
    ASSERT_TRUE(file->write_at(0, bytes_of(image)));
    OpenOptions options;
    options.validation = Validation::on_touch;
    auto hive = std::move(Hive::open(rtl::real_env(), path, options)).value();
    ASSERT_TRUE(make_key(*hive, hive->root(), u"new"));
    ASSERT_TRUE(file->truncate(2 * page_size));  // against the rules: the hive holds a lock
    EXPECT_LT(walk(*hive, 10000), small_tree + 1U);
    EXPECT_TRUE(hive->suspect());
    EXPECT_EQ(make_key(*hive, hive->root(), u"another").error().code(), STATUS_REGISTRY_CORRUPT);
    EXPECT_EQ(hive->flush().error().code(), STATUS_REGISTRY_IO_FAILED);
    hive.reset();
    ASSERT_TRUE(rtl::real_env().remove(path));
}

TEST(HiveTouch, StaleVolatileFieldsOfAFileMeanNothing) {
    std::string image = small_image();
    const auto good = std::move(Hive::open_image(bytes_of(image), {})).value();
    const CellIndex key = *good->find_subkey(good->root(), u"key150");
    auto& node =
        *rtl::record_at<KeyNode>(MutableBytes(reinterpret_cast<std::byte*>(image.data()), image.size()), place_of(key));
    node.subkey_count[1] = 3;
    node.subkey_list[1] = volatile_bit | 0x20;
    node.flags = static_cast<std::uint16_t>(node.flags | key_volatile);
    for (const Validation validation : {Validation::full, Validation::on_touch}) {
        OpenOptions options;
        options.validation = validation;
        const auto hive = std::move(Hive::open_image(bytes_of(image), options)).value();
        EXPECT_EQ(hive->key_info(key).subkey_count, 9U);
        EXPECT_EQ(hive->flags(key) & key_volatile, 0);
        ASSERT_TRUE(make_key(*hive, key, u"v", StorageType::volatile_));
        expect_sound(*hive);
    }
}

// What /proc/self/smaps says of the mapping at an address: "rr" is read without reading ahead.
bool reads_scattered(const std::byte* address) {
    const auto wanted = reinterpret_cast<std::uintptr_t>(address);
    std::ifstream maps("/proc/self/smaps");
    bool inside = false;
    for (std::string line; std::getline(maps, line);) {
        std::uintptr_t begin = 0, end = 0;
        char dash = 0;
        std::istringstream fields(line);
        if (fields >> std::hex >> begin >> dash >> end && dash == '-') inside = begin <= wanted && wanted < end;
        if (inside && line.starts_with("VmFlags:")) return line.find(" rr ") != std::string::npos;
    }
    ADD_FAILURE() << "no such mapping";
    return false;
}

// A cold hive's first answer must not wait for megabytes around each page that it needs.
TEST(HiveTouch, TheFirstPagesAreReadAlone) {
    std::string folder = testing::TempDir() + "touchXXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    HiveOptions create;
    create.path = folder + "/HIVE";
    {
        const auto hive = std::move(Hive::create(rtl::real_env(), create)).value();
        const std::string data(3000, 'd');  // a page each
        for (int i = 0; i < 200; ++i) {
            ASSERT_TRUE(hive->set_value(hive->root(), wide(std::to_string(i)), 3, bytes_of(data), 5));
        }
        ASSERT_TRUE(hive->reconcile());
    }
    OpenOptions options;
    options.validation = Validation::on_touch;
    const auto read = [](const Hive& hive, int first, int end) {
        for (int i = first; i < end; ++i) EXPECT_TRUE(hive.find_value(hive.root(), wide(std::to_string(i)))) << i;
        for (int i = first; i < end; ++i) {
            EXPECT_TRUE(hive.value_bytes(*hive.value_at(hive.root(), static_cast<std::uint32_t>(i)))) << i;
        }
    };
    {
        const auto hive = std::move(Hive::open(rtl::real_env(), create.path, options)).value();
        read(*hive, 0, 3);
        EXPECT_TRUE(reads_scattered(hive->stable_bytes().data()));
        read(*hive, 0, 200);
        EXPECT_FALSE(reads_scattered(hive->stable_bytes().data()));
    }
    {
        // What is written back may be the file's memory again, and lies in few mappings.
        const auto hive = std::move(Hive::open(rtl::real_env(), create.path, options)).value();
        ASSERT_TRUE(hive->set_last_write_time(hive->root(), 7));
        ASSERT_TRUE(hive->reconcile());
        EXPECT_FALSE(reads_scattered(hive->stable_bytes().data()));
    }
    const auto full = std::move(Hive::open(rtl::real_env(), create.path, {})).value();
    EXPECT_FALSE(reads_scattered(full->stable_bytes().data()));
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace regent::hive
