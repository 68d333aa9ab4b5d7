// Four threads create, set, enumerate, rename and delete in one hive, with watchers and short-lived handles; made for
// the thread sanitizer, and checked for what must hold in the end.
#include <thread>

#include "cm/key_lock.h"
#include "cm/registry_fixture.h"

namespace regent::cm {
namespace {

class Counted final : public NotifyRequest {
public:
    void complete(NTSTATUS) noexcept override { told.fetch_add(1); }
    static inline std::atomic<int> told{0};
};

class RegistryStressTest : public RegistryTest {
protected:
    static constexpr int rounds = 300;
    static constexpr std::uint32_t keys = 8;

    static Utf16 name_of(std::uint32_t number) {
        Utf16 name = u"\\Registry\\Machine\\Test\\key";
        name += static_cast<char16_t>(u'0' + number);
        return name;
    }
    // Every status that a race may give; anything else is an error.
    static void expect_race(NTSTATUS status) {
        EXPECT_TRUE(status == STATUS_SUCCESS || status == STATUS_KEY_DELETED || status == STATUS_CANNOT_DELETE ||
                    status == STATUS_OBJECT_NAME_NOT_FOUND)
            << rtl::status_name(status);
    }
    static void work(std::uint32_t seed) {
        std::uint32_t random = seed * 2654435761u + 1;
        const auto next = [&](std::uint32_t limit) {
            random = random * 1664525u + 1013904223u;
            return (random >> 8) % limit;
        };
        for (int i = 0; i < rounds; ++i) {
            KeyRef key;
            const NTSTATUS created = create({name_of(next(keys))}, &key);
            expect_race(created);
            if (!key) continue;
            expect_race(rtl::to_ntstatus(set(key, u"v", next(1000))));
            switch (next(6)) {
                case 0:
                    expect_race(rtl::to_ntstatus(delete_key(*key)));
                    break;
                case 1:
                    expect_race(rtl::to_ntstatus(
                        rename_key(*key, name_of(next(keys)).substr(23), *se::Token::system(), ob::kernel_mode)));
                    break;
                case 2: {
                    const auto armed = notify_change(*key, REG_NOTIFY_CHANGE_LAST_SET, true, rtl::make_ref<Counted>());
                    expect_race(rtl::to_ntstatus(armed));
                    break;
                }
                case 3: {
                    KeyRef root;
                    if (open({u"\\Registry\\Machine\\Test"}, &root) == STATUS_SUCCESS) subkeys(root);
                    break;
                }
                default: {
                    char16_t path[128];
                    EXPECT_LT(copy_key_path(*key, path), std::size(path));
                    get(key, u"V");
                }
            }
        }
    }
};

TEST_F(RegistryStressTest, four_threads_in_one_hive) {
    std::vector<std::thread> threads;
    for (std::uint32_t t = 0; t < 4; ++t) threads.emplace_back(&work, t);
    for (auto& thread : threads) thread.join();
    KeyRef root;
    ASSERT_EQ(open({u"\\Registry\\Machine\\Test"}, &root), STATUS_SUCCESS);
    hive::FindingList findings;
    {
        const ReadKey read(root->block());
        EXPECT_EQ(read.storage().check(findings), 0u);
    }
    // Whatever is left can be opened by its enumerated name.
    for (const char16_t digit : Utf16View(u"01234567")) {
        Utf16 name = u"\\Registry\\Machine\\Test\\key";
        name += digit;
        expect_race(open({name}));
    }
    root = nullptr;
    registry_.reset();
    EXPECT_EQ(key_table().size(), 0u);
}

}  // namespace
}  // namespace regent::cm
