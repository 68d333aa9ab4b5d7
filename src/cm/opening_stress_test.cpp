// Opens that take no lock against what makes them wrong: delete, rename, unload, another descriptor. The writer
// publishes a step number, odd while it works; an opener that saw the same even number before and after knows what it
// must have been answered.
#include <thread>

#include "cm/key_lock.h"
#include "cm/registry_fixture.h"
#include "se/sddl.h"

namespace regent::cm {
namespace {

class OpeningStressTest : public RegistryTest {
protected:
    static constexpr int openers = 2;

    // Runs `write(step)` for each step in one thread, and in others `read(step)` as often as fits; `read` returns what
    // is to be checked once it is known that no step was under way meanwhile.
    template <typename Write, typename Read>
    static void run(int steps, Write write, Read read) {
        std::atomic<std::uint64_t> state{0};
        std::atomic<bool> stop{false};
        std::atomic<unsigned> checked{0};
        std::vector<std::thread> threads;
        for (int t = 0; t < openers; ++t) {
            threads.emplace_back([&] {
                while (!stop.load()) {
                    const std::uint64_t before = state.load();
                    const auto verdict = read();
                    if (before % 2 != 0 || state.load() != before) continue;
                    ASSERT_TRUE(verdict(static_cast<int>(before / 2))) << "after step " << before / 2;
                    ++checked;
                }
            });
        }
        for (int step = 1; step <= steps; ++step) {
            ++state;
            write(step);
            ++state;
            const unsigned before = checked.load();
            while (checked.load() == before && !HasFatalFailure()) std::this_thread::yield();
        }
        stop.store(true);
        for (auto& thread : threads) thread.join();
    }
};

TEST_F(OpeningStressTest, a_renamed_subtree_moves_at_once) {
    made(u"\\Registry\\Machine\\Test\\one");
    const KeyRef x = made(u"\\Registry\\Machine\\Test\\one\\x");
    const KeyRef y = made(u"\\Registry\\Machine\\Test\\one\\x\\y");
    KeyRef top;
    ASSERT_EQ(open({u"\\Registry\\Machine\\Test\\one"}, &top), STATUS_SUCCESS);
    run(
        30,
        [&](int step) {
            const Utf16View name = step % 2 == 0 ? u"one" : u"two";
            ASSERT_TRUE(rename_key(*top, name, *se::Token::system(), ob::kernel_mode));
        },
        [&] {
            const NTSTATUS one = open({u"\\registry\\machine\\test\\ONE\\X\\Y"});
            const NTSTATUS two = open({u"\\registry\\machine\\test\\two\\x\\y"});
            const NTSTATUS three = open({u"\\registry\\machine\\test\\one\\x"});
            return [=](int step) {
                const bool named_one = step % 2 == 0;
                return (one == STATUS_SUCCESS) == named_one && (two == STATUS_SUCCESS) != named_one && three == one;
            };
        });
}

TEST_F(OpeningStressTest, a_deleted_key_is_gone_and_a_new_one_is_another) {
    made(u"\\Registry\\Machine\\Test\\Below");
    run(
        40,
        [&](int step) {
            if (step % 2 == 0) {
                KeyRef key;
                ASSERT_EQ(open({u"\\Registry\\Machine\\Test\\Below\\k"}, &key), STATUS_SUCCESS);
                ASSERT_TRUE(delete_key(*key));
            } else {
                const KeyRef key = made(u"\\Registry\\Machine\\Test\\Below\\k");
                ASSERT_TRUE(set(key, u"step", static_cast<std::uint32_t>(step)));
            }
        },
        [&] {
            KeyRef key;
            const NTSTATUS status = open({u"\\Registry\\Machine\\Test\\below\\K"}, &key);
            const auto value = key ? get(key, u"step") : std::nullopt;
            return [=](int step) {
                if (step % 2 == 0) return status == STATUS_OBJECT_NAME_NOT_FOUND;
                return status == STATUS_SUCCESS && value == static_cast<std::uint32_t>(step);
            };
        });
}

TEST_F(OpeningStressTest, a_right_that_was_taken_is_not_given_any_more) {
    const KeyRef key = made(u"\\Registry\\Machine\\Test\\guarded");
    const auto user = se::Token::for_unix_user(4711, 4711, {});
    const auto client = ob::Process::create({4711, u"client", user}).value();
    const auto open_list = se::parse_sddl("D:(A;;KR;;;WD)").value();
    const auto closed_list = se::parse_sddl("D:(A;;KA;;;SY)").value();
    run(
        30,
        [&](int step) {
            const auto& list = step % 2 == 0 ? closed_list : open_list;
            ASSERT_TRUE(set_key_security(*key, DACL_SECURITY_INFORMATION, list.view(), *se::Token::system()));
        },
        [&] {
            const ob::CallerScope scope(*client, nullptr, ob::user_mode);
            OpenRequest request;
            request.name = u"\\Registry\\Machine\\Test\\guarded";
            request.desired = KEY_READ;
            const auto opened = open_key(request);
            const NTSTATUS status = opened ? STATUS_SUCCESS : opened.error().code();
            return [=](int step) {
                if (step == 0) return true;
                return status == (step % 2 == 0 ? STATUS_ACCESS_DENIED : STATUS_SUCCESS);
            };
        });
}

// Below one handle that two threads use, so that the hints of one mislead the other.
TEST_F(OpeningStressTest, a_walk_meets_what_is_there) {
    const KeyRef top = made(u"\\Registry\\Machine\\Test\\Walked");
    for (const Utf16View name : {u"i", u"j"}) made(u"\\Registry\\Machine\\Test\\Walked\\" + Utf16(name));
    const HANDLE root = ob::insert_handle(top, KEY_ALL_ACCESS, 0).value();
    ASSERT_EQ(subkeys(top), "i,j");
    const auto below = [&](Utf16View name, KeyRef* key) {
        Ask ask{name};
        ask.root = root;
        return open(ask, key);
    };
    run(
        60,
        [&](int step) {
            KeyRef key;
            if (step % 3 == 1) {
                ASSERT_TRUE(
                    set(made(u"\\Registry\\Machine\\Test\\Walked\\k"), u"step", static_cast<std::uint32_t>(step)));
            } else if (step % 3 == 2) {
                ASSERT_EQ(below(u"k", &key), STATUS_SUCCESS);
                ASSERT_TRUE(rename_key(*key, u"l", *se::Token::system(), ob::kernel_mode));
            } else {
                ASSERT_EQ(below(u"l", &key), STATUS_SUCCESS);
                ASSERT_TRUE(delete_key(*key));
            }
        },
        [&] {
            NTSTATUS status[4];
            std::optional<std::uint32_t> value;
            std::size_t i = 0;
            for (const Utf16View name : {u"i", u"j", u"k", u"l"}) {
                KeyRef key;
                status[i++] = below(name, &key);
                if (key && !value) value = get(key, u"step");
            }
            return [=](int step) {
                const auto last = static_cast<std::uint32_t>(step - step % 3 + 1);
                const bool named_k = step % 3 == 1;
                const bool named_l = step % 3 == 2;
                return status[0] == STATUS_SUCCESS && status[1] == STATUS_SUCCESS &&
                       status[2] == (named_k ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND) &&
                       status[3] == (named_l ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND) &&
                       value == (named_k || named_l ? std::optional(last) : std::nullopt);
            };
        });
    ASSERT_TRUE(ob::close_handle(root, ob::kernel_mode));
}

// Without force a hive goes only while none of its keys is open: who has one open can go on reading it.
TEST_F(OpeningStressTest, an_open_key_holds_its_hive) {
    const auto mount_it = [&] {
        ASSERT_TRUE(mount(u"\\Registry\\Machine\\Guest"));
        ASSERT_TRUE(set(made(u"\\Registry\\Machine\\Guest\\k"), u"v", 7));
    };
    mount_it();
    std::atomic<bool> stop{false};
    std::atomic<unsigned> opened{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < openers; ++t) {
        threads.emplace_back([&] {
            while (!stop.load()) {
                KeyRef key;
                if (open({u"\\Registry\\Machine\\Guest\\k"}, &key) != STATUS_SUCCESS) continue;
                const auto value = get(key, u"v");
                if (!value) {
                    // Made, but its value is not set yet; the key itself must be there.
                    ASSERT_TRUE(key->block().check_alive());
                }
                ++opened;
            }
        });
    }
    ob::ObjectAttributes target;
    target.name = u"\\Registry\\Machine\\Guest";
    for (int unloads = 0; unloads < 40;) {
        const auto gone = registry().unmount_at(target, false);
        if (!gone) {
            ASSERT_EQ(gone.error().code(), STATUS_CANNOT_DELETE);
            continue;
        }
        ++unloads;
        const unsigned before = opened.load();
        ASSERT_EQ(open({u"\\Registry\\Machine\\Guest\\k"}), STATUS_OBJECT_NAME_NOT_FOUND);
        mount_it();
        while (opened.load() == before && !HasFatalFailure()) std::this_thread::yield();
    }
    stop.store(true);
    for (auto& thread : threads) thread.join();
}

// A link's new target counts from the moment that setting it returned.
TEST_F(OpeningStressTest, a_link_leads_to_its_last_target) {
    made(u"\\Registry\\Machine\\Test\\A1");
    const KeyRef first = made(u"\\Registry\\Machine\\Test\\A1\\sub");
    const KeyRef second = made(u"\\Registry\\Machine\\Test\\A2");
    const KeyRef sub = made(u"\\Registry\\Machine\\Test\\A2\\sub");
    ASSERT_TRUE(set(first, u"n", 1));
    ASSERT_TRUE(set(sub, u"n", 2));
    const KeyRef link = made(u"\\Registry\\Machine\\Test\\Link", REG_OPTION_CREATE_LINK);
    ASSERT_EQ(set_link(link, u"\\Registry\\Machine\\Test\\A1"), STATUS_SUCCESS);
    run(
        30,
        [&](int step) {
            ASSERT_EQ(
                set_link(link, step % 2 == 0 ? u"\\Registry\\Machine\\Test\\A1" : u"\\REGISTRY\\MACHINE\\TEST\\A2"),
                STATUS_SUCCESS);
        },
        [&] {
            KeyRef key;
            const NTSTATUS status = open({u"\\Registry\\Machine\\Test\\LINK\\SUB"}, &key);
            const auto value = key ? get(key, u"n") : std::nullopt;
            return [=](int step) { return status == STATUS_SUCCESS && value == (step % 2 == 0 ? 1u : 2u); };
        });
}

}  // namespace
}  // namespace regent::cm
