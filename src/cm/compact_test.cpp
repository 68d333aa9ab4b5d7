// Compaction below open keys, beside readers, writers and flushers.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "cm/registry_fixture.h"

namespace regent::cm {
namespace {

class CompactTest : public RegistryTest {
protected:
    void SetUp() override {
        RegistryTest::SetUp();
        std::string name = (std::filesystem::temp_directory_path() / "cm_compact_XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
        hive::HiveOptions options;
        options.path = folder_ + "/HIVE";
        auto storage = hive::Hive::create(rtl::real_env(), options);
        ASSERT_TRUE(storage);
        ASSERT_TRUE(registry().mount(u"\\Registry\\Machine\\File", std::move(*storage), {}));
    }
    void TearDown() override {
        RegistryTest::TearDown();
        std::filesystem::remove_all(folder_);
    }
    static Utf16 path(int number) { return rtl::from_utf8("\\Registry\\Machine\\File\\k" + std::to_string(number)); }

    std::string folder_;
};

TEST_F(CompactTest, open_keys_follow_their_cells) {
    std::vector<KeyRef> keys;
    for (int i = 0; i < 50; ++i) keys.push_back(made(path(i)));
    const KeyRef passing = made(path(49) + u"\\passing", REG_OPTION_VOLATILE);
    ASSERT_TRUE(set(passing, u"v", 7));
    for (int i = 0; i < 50; ++i)
        ASSERT_TRUE(set(keys[static_cast<std::size_t>(i)], u"v", static_cast<std::uint32_t>(i)));
    for (int i = 0; i < 40; ++i) ASSERT_TRUE(delete_key(*keys[static_cast<std::size_t>(i)]));
    ASSERT_TRUE(compact_hive(*keys[45]));
    for (int i = 0; i < 40; ++i) EXPECT_EQ(get(keys[static_cast<std::size_t>(i)], u"v"), std::nullopt);
    for (int i = 40; i < 50; ++i) {
        EXPECT_EQ(get(keys[static_cast<std::size_t>(i)], u"v"), static_cast<std::uint32_t>(i));
        EXPECT_TRUE(set(keys[static_cast<std::size_t>(i)], u"after", 1));
    }
    EXPECT_EQ(get(passing, u"v"), 7U);
    EXPECT_EQ(subkeys(keys[49]), "passing");
    EXPECT_EQ(open({path(44)}), STATUS_SUCCESS);
    EXPECT_TRUE(registry().flush_all());
    EXPECT_TRUE(compact_hive(*keys[45]));
    EXPECT_EQ(rtl::to_ntstatus(compact_hive(*keys[0])), STATUS_KEY_DELETED);
}

TEST_F(CompactTest, readers_writers_and_flushers_go_on) {
    constexpr int writers = 2;
    constexpr std::uint32_t compactions = 12;
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (int number = 0; number < writers; ++number) {
        threads.emplace_back([&, number] {
            const KeyRef key = made(path(number));
            for (std::uint32_t i = 0; !stop; ++i) {
                EXPECT_TRUE(set(key, u"v", i));
                EXPECT_EQ(get(key, u"v"), i);
                const KeyRef below = made(path(number) + u"\\below");
                EXPECT_TRUE(set(below, u"b", i));
                if (i % 8 == 0) {
                    EXPECT_TRUE(delete_key(*below));
                }
                if (i % 16 == 0) {
                    EXPECT_TRUE(flush_key(*key));
                }
            }
        });
    }
    const KeyRef steady = made(path(100));
    ASSERT_TRUE(set(steady, u"v", 1));
    threads.emplace_back([&] {
        while (!stop) EXPECT_EQ(get(steady, u"v"), 1U);
    });
    for (std::uint32_t i = 0; i < compactions; ++i) {
        EXPECT_TRUE(compact_hive(*steady));
        EXPECT_TRUE(registry().reconcile_all());
    }
    stop = true;
    for (std::thread& thread : threads) thread.join();
    const KeyRef last = made(path(0));
    const auto value = get(last, u"v");
    EXPECT_TRUE(registry().reconcile_all());
    hive::OpenOptions options;
    options.durability = hive::Durability::read_only;
    const auto file = hive::Hive::open(rtl::real_env(), folder_ + "/HIVE", options);
    ASSERT_TRUE(file);
    hive::FindingList findings;
    EXPECT_EQ((*file)->check(findings), 0U);
    const auto key = (*file)->find_subkey((*file)->root(), u"k0");
    ASSERT_TRUE(key);
    const auto stored = (*file)->value_bytes(*(*file)->find_value(*key, u"v"));
    EXPECT_EQ(rtl::load<std::uint32_t>(*stored, 0), value);
}

}  // namespace
}  // namespace regent::cm
