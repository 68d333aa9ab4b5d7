// The C++ client against an embedded store and against a daemon: the same tests, the same answers.
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>

#include "fixture.h"
#include "regent/gate.h"
#include "regent/registry.h"

namespace regent::client {
namespace {

constexpr const char* work = "HKLM\\Software\\ClientTest";
constexpr std::chrono::seconds long_enough{30};

class ClientTest : public testing::TestWithParam<bool> {
protected:
    void SetUp() override {
        GateChoice choice;
        if (GetParam()) {
            choice.socket = folder_.path() + "/socket";
            daemon_ = std::make_unique<test::Child>(std::vector<std::string>{
                RG_BIN "/regentd", "--store", folder_.path() + "/store", "--socket", choice.socket});
            ASSERT_NE(daemon_->read_line().find("ready"), std::string::npos);
        } else {
            choice.store = folder_.path() + "/store";
        }
        const auto selected = select_gate(choice);
        ASSERT_TRUE(selected) << selected.error().message;
        auto made = create_key(work);
        ASSERT_TRUE(made) << made.error().message();
        key_ = *std::move(made);
    }
    void TearDown() override {
        key_.reset();
        close_gate();
        if (!daemon_) return;
        daemon_->signal(SIGTERM);
        EXPECT_EQ(daemon_->wait(), 0);
    }

    test::TemporaryFolder folder_;
    std::unique_ptr<test::Child> daemon_;
    unique_key key_;
};

template <typename T>
NTSTATUS status_of(const Result<T>& result) {
    return result ? STATUS_SUCCESS : result.error().status();
}

TEST_P(ClientTest, TypedValuesComeBackAsTheyWere) {
    ASSERT_TRUE(key_.set("Dword", 5u));
    ASSERT_TRUE(key_.set("Qword", std::uint64_t{1} << 40));
    ASSERT_TRUE(key_.set("Text", "Gr\u00fc\u00dfe"));
    ASSERT_TRUE(key_.set(u"Wide", u"wide"));
    ASSERT_TRUE(key_.set("Expand", ExpandString{"%PATH%;x"}));
    ASSERT_TRUE(key_.set("Multi", Strings{"a", "bc"}));
    ASSERT_TRUE(key_.set("Bytes", Bytes{std::byte{1}, std::byte{0}}));
    ASSERT_TRUE(key_.set("", "default"));
    EXPECT_EQ(key_.get<std::uint32_t>("Dword"), 5u);
    EXPECT_EQ(key_.get<std::uint64_t>("Dword"), 5u);
    EXPECT_EQ(key_.get<std::uint64_t>("qword"), std::uint64_t{1} << 40);
    EXPECT_EQ(key_.get<std::string>("Text"), "Gr\u00fc\u00dfe");
    EXPECT_EQ(key_.get<std::u16string>("Wide"), u"wide");
    EXPECT_EQ(key_.get<std::string>("Expand"), "%PATH%;x");
    EXPECT_EQ(key_.get<ExpandString>("Expand"), ExpandString{"%PATH%;x"});
    EXPECT_EQ(key_.get<Strings>("Multi"), (Strings{"a", "bc"}));
    EXPECT_EQ(key_.get<Bytes>("Bytes"), (Bytes{std::byte{1}, std::byte{0}}));
    EXPECT_EQ(key_.get<std::string>(""), "default");
    EXPECT_EQ(key_.value("Text")->type, ULONG{REG_SZ});
}

TEST_P(ClientTest, WhatDoesNotFitIsAnErrorThatSaysSo) {
    ASSERT_TRUE(key_.set("Text", "12"));
    const auto wrong = key_.get<std::uint32_t>("Text");
    EXPECT_EQ(status_of(wrong), STATUS_OBJECT_TYPE_MISMATCH);
    EXPECT_EQ(wrong.error().message(), "read Text: STATUS_OBJECT_TYPE_MISMATCH");
    ASSERT_TRUE(key_.store("Short", Value{.name = {}, .type = REG_DWORD, .data = Bytes(3)}));
    EXPECT_EQ(status_of(key_.get<std::uint32_t>("Short")), STATUS_OBJECT_TYPE_MISMATCH);
    EXPECT_EQ(status_of(key_.get_or<std::uint32_t>("Text", 1)), STATUS_OBJECT_TYPE_MISMATCH);
    EXPECT_EQ(key_.get_or<std::uint32_t>("Absent", 7), 7u);
    EXPECT_EQ(status_of(key_.value("Absent")), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(status_of(open_key("HKLM\\Software\\Absent\\Deeper")), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(status_of(open_key("HKCR\\x")), STATUS_OBJECT_PATH_SYNTAX_BAD);
    EXPECT_EQ(status_of(open_key(std::u16string(40000, u'x').insert(0, u"\\"))), STATUS_OBJECT_NAME_INVALID);
    EXPECT_EQ(status_of(key_.set(std::u16string(40000, u'x'), 1)), STATUS_INVALID_PARAMETER);
    ASSERT_TRUE(key_.store("Unended", Value{.name = {}, .type = REG_SZ, .data = Bytes(1)}));
    EXPECT_EQ(key_.get<std::string>("Unended"), "");
    ASSERT_TRUE(
        key_.store("Big", Value{.name = {}, .type = REG_DWORD_BIG_ENDIAN, .data = Bytes{{}, {}, {}, std::byte{9}}}));
    EXPECT_EQ(key_.get<std::uint32_t>("Big"), 9u);
}

TEST_P(ClientTest, AccessIsWhatWasAskedFor) {
    const auto reader = open_key(work, Access::read);
    ASSERT_TRUE(reader);
    unique_key writer = *key_.open("", Access::write);
    EXPECT_EQ(status_of(writer.set("x", 1)), STATUS_SUCCESS);
    EXPECT_EQ(status_of(writer.get<std::uint32_t>("x")), STATUS_ACCESS_DENIED);
    EXPECT_EQ(reader->get<std::uint32_t>("x"), 1u);
}

TEST_P(ClientTest, KeysAreMadeListedRenamedAndErased) {
    ASSERT_TRUE(key_.create("a\\b\\c"));
    ASSERT_TRUE(create_key("HKEY_LOCAL_MACHINE\\Software\\ClientTest\\a\\d\\e"));
    unique_key a = *key_.open("A", Access::all);
    EXPECT_EQ(a.path(), "\\REGISTRY\\MACHINE\\SOFTWARE\\ClientTest\\a");
    std::vector<std::u16string> names;
    for (const auto& subkey : a.subkeys()) {
        ASSERT_TRUE(subkey);
        EXPECT_GT(subkey->last_write, NtTime(std::chrono::sys_days(std::chrono::year(2020) / 1 / 1)));
        names.push_back(subkey->name);
    }
    EXPECT_EQ(names, (std::vector<std::u16string>{u"b", u"d"}));
    EXPECT_EQ(a.info()->subkeys, 2u);
    EXPECT_EQ(status_of(a.erase()), STATUS_CANNOT_DELETE);
    EXPECT_TRUE(a.rename("z"));
    ASSERT_TRUE(key_.open("z"));
    EXPECT_TRUE(key_.erase_tree("z"));
    EXPECT_EQ(status_of(a.info()), STATUS_KEY_DELETED);
    EXPECT_EQ(key_.subkeys().begin(), std::default_sentinel);
    EXPECT_TRUE(key_.flush());
    // An error is an element, and the last one.
    int errors = 0;
    for (const auto& subkey : a.subkeys()) {
        EXPECT_EQ(status_of(subkey), STATUS_KEY_DELETED);
        ++errors;
    }
    EXPECT_EQ(errors, 1);
}

TEST_P(ClientTest, ATreeIsARange) {
    ASSERT_TRUE(key_.create("b"));
    const Bytes large(300'000, std::byte{7});
    ASSERT_TRUE(key_.create("a")->set("large", large));
    for (int i = 0; i < 1500; ++i) {
        ASSERT_TRUE(key_.create("a\\" + std::to_string(10000 + i), Access::all, Lifetime::until_stop));
    }
    ASSERT_TRUE(key_.open("b", Access::all)->set("Size", 5u));
    std::vector<std::u16string> paths;
    for (const auto& key : tree(key_)) {
        ASSERT_TRUE(key);
        EXPECT_EQ(key->status(), STATUS_SUCCESS);
        EXPECT_EQ(key->is_volatile(), key->depth() == 2);
        paths.emplace_back(key->path());
        for (const TreeValue& value : key->values()) {
            if (key->path() == u"a") {
                EXPECT_TRUE(std::ranges::equal(value.data, large));
            } else {
                EXPECT_EQ(value.copy().as<std::uint32_t>(), 5u);
            }
        }
        EXPECT_EQ(key->values().size(), key->path() == u"a" || key->path() == u"b" ? 1u : 0u);
    }
    ASSERT_EQ(paths.size(), 1503u);
    EXPECT_EQ(paths[0], u"");
    EXPECT_EQ(paths[1], u"a");
    EXPECT_EQ(paths[2], u"a\\10000");
    EXPECT_EQ(paths[1501], u"a\\11499");
    EXPECT_EQ(paths[1502], u"b");
    // An error is an element, and the last one.
    unique_key b = *key_.open("b", Access::all);
    ASSERT_TRUE(b.erase());
    int errors = 0;
    for (const auto& key : tree(b)) {
        EXPECT_EQ(status_of(key), STATUS_KEY_DELETED);
        ++errors;
    }
    EXPECT_EQ(errors, 1);
}

TEST_P(ClientTest, ValuesOfAnySizeAreListed) {
    const Bytes large(200'000, std::byte{7});
    ASSERT_TRUE(key_.set("large", large));
    ASSERT_TRUE(key_.set("small", 1));
    std::size_t bytes = 0, count = 0;
    for (const auto& value : key_.values()) {
        ASSERT_TRUE(value);
        bytes += value->data.size();
        ++count;
    }
    EXPECT_EQ(bytes, large.size() + 4);
    EXPECT_EQ(count, 2u);
    EXPECT_EQ(key_.get<Bytes>("large"), large);
    EXPECT_TRUE(key_.erase_value("large"));
    EXPECT_EQ(status_of(key_.erase_value("large")), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_P(ClientTest, HandlesAreClosedOnce) {
    unique_key first = *key_.create("h");
    const HANDLE handle = first.get();
    unique_key second = std::move(first);
    EXPECT_FALSE(first);
    EXPECT_EQ(second.get(), handle);
    first = std::move(second);
    first.reset();
    EXPECT_EQ(NtClose(handle), STATUS_INVALID_HANDLE);
}

TEST_P(ClientTest, AWatcherTellsEveryChange) {
    auto watcher = Watcher::create(key_);
    ASSERT_TRUE(watcher) << watcher.error().message();
    EXPECT_FALSE(watcher->take());
    for (int i = 0; i < 50; ++i) {
        ASSERT_TRUE(key_.set("n", i));
        ASSERT_TRUE(watcher->wait(long_enough)) << i;
    }
    ASSERT_TRUE(key_.create("below\\it"));
    EXPECT_TRUE(watcher->wait(long_enough));
    EXPECT_FALSE(watcher->ended());
}

TEST_P(ClientTest, ChangesOfAnotherThreadAreNotMissed) {
    auto watcher = Watcher::create(key_, Changes::values, false);
    ASSERT_TRUE(watcher);
    constexpr std::uint32_t rounds = 500;
    std::thread writer([this] {
        for (std::uint32_t i = 1; i <= rounds; ++i) EXPECT_TRUE(key_.set("n", i));
    });
    // Whatever was told, the value read after it is at least that new: the last one must come.
    std::uint32_t seen = 0;
    while (seen != rounds) {
        ASSERT_TRUE(watcher->wait(long_enough)) << seen;
        seen = *key_.get_or<std::uint32_t>("n", 0);
    }
    writer.join();
}

TEST_P(ClientTest, AWatcherEndsWithItsKey) {
    unique_key gone = *key_.create("gone");
    auto watcher = Watcher::create(gone);
    ASSERT_TRUE(watcher);
    ASSERT_TRUE(gone.erase());
    gone.reset();
    while (!watcher->ended()) ASSERT_TRUE(watcher->wait(long_enough));
    EXPECT_TRUE(watcher->wait(long_enough));  // readable for ever
    EXPECT_TRUE(watcher->wait(long_enough));
    EXPECT_EQ(status_of(Watcher::create(gone)), STATUS_INVALID_HANDLE);
}

TEST_P(ClientTest, ManyWatchersComeAndGo) {
    std::atomic<int> told{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([this, t, &told] {
            unique_key own = *key_.create("w" + std::to_string(t));
            for (int i = 0; i < 25; ++i) {
                auto watcher = Watcher::create(own);
                ASSERT_TRUE(watcher) << watcher.error().message();
                ASSERT_TRUE(own.set("i", i));
                if (i % 2 == 0) told += watcher->wait(long_enough) ? 1 : 0;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(told.load(), 4 * 13);
}

TEST_P(ClientTest, ATransactionIsAllOrNothing) {
    {
        auto broken_off = Transaction::begin("broken off");
        ASSERT_TRUE(broken_off) << broken_off.error().message();
        auto key = broken_off->create("HKLM\\Software\\ClientTest\\Made\\Deeper");
        ASSERT_TRUE(key) << key.error().message();
        EXPECT_TRUE(key->set("n", 1));
        EXPECT_EQ(key->get<std::uint32_t>("n"), 1u);
        EXPECT_EQ(status_of(key_.open("Made")), STATUS_OBJECT_NAME_NOT_FOUND);
    }
    EXPECT_EQ(status_of(key_.open("Made")), STATUS_OBJECT_NAME_NOT_FOUND);
    auto transaction = Transaction::begin();
    ASSERT_TRUE(transaction);
    auto made = transaction->create("HKLM\\Software\\ClientTest\\Made\\Deeper");
    auto user = transaction->create("HKCU\\Software\\ClientTest");
    ASSERT_TRUE(made && user);
    EXPECT_TRUE(made->set("n", 2));
    EXPECT_TRUE(user->create("below")->set("n", 3));
    EXPECT_EQ(status_of(open_key("HKCU\\Software\\ClientTest")), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_TRUE(transaction->commit());
    EXPECT_EQ(key_.open("Made\\Deeper")->get<std::uint32_t>("n"), 2u);
    EXPECT_EQ(open_key("HKCU\\Software\\ClientTest\\below")->get<std::uint32_t>("n"), 3u);
    EXPECT_FALSE(transaction->commit());
    EXPECT_EQ(status_of(made->set("n", 4)), STATUS_TRANSACTION_NOT_ACTIVE);
}

INSTANTIATE_TEST_SUITE_P(Gates, ClientTest, testing::Values(false, true),
                         [](const auto& gate) { return gate.param ? "daemon" : "embedded"; });

}  // namespace
}  // namespace regent::client
