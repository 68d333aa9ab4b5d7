// The two ways in which RgReadTree reads: from the hive's cells, and, while a callback watches, by the services. They
// tell the same, byte for byte, of any tree; and callbacks see and refuse what is read.
#include <algorithm>
#include <atomic>
#include <fstream>
#include <iterator>
#include <random>
#include <thread>

#include "cm/callback.h"
#include "tree_fixture.h"

namespace regent::test {
namespace {

// A callback that lets everything pass, or refuses to open a key of one name.
class Watching {
public:
    explicit Watching(Utf16View refused = {}) : refused_(refused) {
        const auto registered = cm::filter::register_callback(&entry, u"320000", this);
        EXPECT_TRUE(registered);
        cookie_ = registered.value_or(LARGE_INTEGER{});
    }
    ~Watching() { EXPECT_EQ(CmUnRegisterCallback(cookie_), STATUS_SUCCESS); }
    Watching(const Watching&) = delete;
    Watching& operator=(const Watching&) = delete;
    std::atomic<int> opened{0};
    std::atomic<int> enumerated{0};

private:
    static NTSTATUS entry(PVOID context, PVOID what, PVOID information) {
        auto& self = *static_cast<Watching*>(context);
        const auto notified = static_cast<REG_NOTIFY_CLASS>(reinterpret_cast<std::uintptr_t>(what));
        if (notified == RegNtPreEnumerateValueKey) ++self.enumerated;
        if (notified != RegNtPreOpenKeyEx) return STATUS_SUCCESS;
        ++self.opened;
        const auto& info = *static_cast<REG_OPEN_KEY_INFORMATION_V1*>(information);
        const bool refuse = !self.refused_.empty() && rtl::view(info.CompleteName) == self.refused_;
        return refuse ? STATUS_PRIVILEGE_NOT_HELD : STATUS_SUCCESS;
    }
    const Utf16 refused_;
    LARGE_INTEGER cookie_{};
};

class TreeEngines : public TreeTest {
protected:
    // What both tell, if they tell the same.
    std::string both(HANDLE root, ULONG length) {
        const std::string direct = walk_tree(root, length);
        const Watching watching;
        EXPECT_TRUE(walk_tree(root, length) == direct) << "at length " << length;
        return direct;
    }
    // A random change below the top.
    void change(std::mt19937& random) {
        const auto any = [&](unsigned below) { return static_cast<unsigned>(random() % below); };
        Utf16 path;
        for (unsigned depth = 1 + any(4); depth != 0; --depth) {
            if (!path.empty()) path += u'\\';
            path += u"aBcDeF\u0416\u00E4"[any(8)];
            if (any(3) == 0) path += Utf16(any(20), u'x');
            Named name(path, root_);
            HANDLE key = nullptr;
            const ULONG options = any(4) == 0 ? REG_OPTION_VOLATILE : 0;
            const auto denied = se::parse_sddl("D:P(D;;KQ;;;WD)(A;;KA;;;WD)");
            if (any(25) == 0 && denied) {
                name.attributes.SecurityDescriptor = const_cast<std::byte*>(denied->bytes().data());
            }
            if (!NT_SUCCESS(NtCreateKey(&key, KEY_SET_VALUE | DELETE, &name.attributes, 0, nullptr, options, nullptr)))
                return;
            for (unsigned values = any(4); values != 0; --values) {
                const std::string data(any(20) == 0 ? 16000 + any(2000) : any(60), static_cast<char>('a' + any(26)));
                Named value(Utf16(any(12), static_cast<char16_t>(u"vw\u0436"[any(3)])));
                NtSetValueKey(key, &value.string, 0, any(12), const_cast<char*>(data.data()),
                              static_cast<ULONG>(data.size()));
            }
            if (any(6) == 0) NtDeleteKey(key);
            NtClose(key);
        }
    }
};

TEST_P(TreeEngines, TellTheSameOfEverything) {
    make_everything();
    for (const ULONG length : {0U, 100U, 1000U, 1U << 16}) both(root_, length);
    HANDLE registry = nullptr;
    ASSERT_EQ(open_key(u"\\Registry", &registry), STATUS_SUCCESS);
    EXPECT_FALSE(both(registry, 1 << 14).empty());
    NtClose(registry);
}

TEST_P(TreeEngines, TellTheSameOfRandomTrees) {
    for (unsigned seed = 1; seed <= 12; ++seed) {
        std::mt19937 random(seed);
        for (int i = 0; i < 60; ++i) change(random);
        const std::string all = both(root_, 1 << 20);
        EXPECT_EQ(both(root_, static_cast<ULONG>(64 + random() % 4000)), all) << seed;
        EXPECT_EQ(parse_tree(all), expected()) << seed;
    }
}

// More subkeys than a leaf of the list holds and than one hold of the lock tells; volatile ones between them.
TEST_P(TreeEngines, TellTheSameOfManySubkeys) {
    for (int i = 0; i < 1500; ++i) {
        make(rtl::from_utf8("k" + std::to_string(i * 7919 % 10007)), i % 5 == 0 ? REG_OPTION_VOLATILE : 0);
    }
    make(u"k7919\\below");
    const std::string all = both(root_, 1 << 20);
    EXPECT_EQ(parse_tree(all).size(), 1502U);
    EXPECT_EQ(both(root_, 5000), all);
}

// As deep as After can name, and one level more, which says that it is the last one told.
TEST_P(TreeEngines, TellTheSameOfAVeryDeepTree) {
    const Utf16 name(255, u'd');
    HANDLE at = root_;
    for (int i = 0; i < 130; ++i) {
        Named child(name, at);
        HANDLE key = nullptr;
        ASSERT_EQ(NtCreateKey(&key, KEY_ALL_ACCESS, &child.attributes, 0, nullptr, 0, nullptr), STATUS_SUCCESS);
        if (at != root_) NtClose(at);
        at = key;
    }
    NtClose(at);
    for (const ULONG length : {1U << 20, 700U}) {
        const auto keys = parse_tree(both(root_, length));
        ASSERT_EQ(keys.size(), 129U);
        for (const TreeKey& key : keys) EXPECT_EQ(key.flags, key.depth == 128 ? RG_TREE_CUT : 0U) << key.depth;
    }
}

TEST_P(TreeEngines, CallbacksSeeAndRefuse) {
    make(u"a");
    make(u"b");
    make(u"b\\c");
    set(u"b", u"v", REG_SZ, "");
    Watching watching(u"b");
    char buffer[1024];
    ULONG told = 0;
    ASSERT_EQ(read_tree(root_, nullptr, buffer, sizeof buffer, &told), STATUS_SUCCESS);
    const auto keys = parse_tree(std::string(buffer, told));
    ASSERT_EQ(keys.size(), 3U);
    EXPECT_EQ(keys[2].name, u"b");
    EXPECT_EQ(keys[2].status, STATUS_PRIVILEGE_NOT_HELD);
    EXPECT_EQ(watching.opened, 2);
    EXPECT_EQ(watching.enumerated, 2);  // each list's end
}

// Nothing is closed to the executive.
TEST_P(TreeEngines, TheExecutiveReadsAll) {
    make_everything();
    const auto read_all = [&] {
        std::string answer(1 << 17, '\0');
        ULONG told = 0;
        EXPECT_EQ(ZwRgReadTree(root_, nullptr, 0, answer.data(), static_cast<ULONG>(answer.size()), &told),
                  STATUS_SUCCESS);
        answer.resize(told);
        return answer;
    };
    const std::string direct = read_all();
    const auto keys = parse_tree(direct);
    EXPECT_EQ(keys.size(), 12U);
    for (const TreeKey& key : keys) EXPECT_EQ(key.status, STATUS_SUCCESS);
    EXPECT_TRUE(std::any_of(keys.begin(), keys.end(), [](const TreeKey& key) { return key.name == u"below"; }));
    const Watching watching;
    EXPECT_TRUE(read_all() == direct);
}

// Damage that is met on the way, in a hive that is verified where it is touched: what comes before it is told, the walk
// ends with the status that single calls have from there on.
TEST_P(TreeEngines, EndsAtDamage) {
    for (const Utf16View name : {u"a", u"b", u"c"}) {
        make(name);
        set(name, name == u"b" ? u"the victim" : u"v", REG_SZ, std::string(40, 'x'));
    }
    NtClose(root_);
    close_gate();
    const std::string file = folder_.path() + "/store/SOFTWARE";
    std::fstream hive(file, std::ios::in | std::ios::out | std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(hive)), {});
    const std::size_t name = bytes.find("the victim");
    ASSERT_NE(name, std::string::npos);
    hive.clear();
    hive.seekp(static_cast<std::streamoff>(name) - 16);  // the size of the data
    hive.write("\xFF\xFF\xFF\0", 4);
    hive.close();
    GateChoice choice;
    choice.store = folder_.path() + "/store";
    ASSERT_TRUE(select_gate(choice));
    ASSERT_EQ(open_key(top, &root_), STATUS_SUCCESS);
    NTSTATUS status = STATUS_SUCCESS;
    const auto keys = parse_tree(walk_tree(root_, 4096, &status));
    EXPECT_EQ(status, STATUS_REGISTRY_CORRUPT);
    ASSERT_EQ(keys.size(), 2U);
    EXPECT_EQ(keys[1].name, u"a");
    EXPECT_EQ(keys[1].values.size(), 1U);
    char buffer[4096];
    ULONG told = 0;
    EXPECT_EQ(read_tree(root_, nullptr, buffer, sizeof buffer, &told), STATUS_REGISTRY_CORRUPT);
}

// While others write, each key is told as it was at one moment, and what stays is told exactly once.
void read_beside_writers(HANDLE root, int rounds, const std::function<void(int)>& write) {
    std::atomic<bool> stop{false};
    std::vector<std::thread> writers;
    for (int i = 0; i < 2; ++i) {
        writers.emplace_back([&, i] {
            while (!stop) write(i);
        });
    }
    for (int round = 0; round < rounds; ++round) {
        int stayed = 0;
        std::set<Utf16> seen;
        for (const TreeKey& key : parse_tree(walk_tree(root, static_cast<ULONG>(300 + round * 1600 / rounds)))) {
            if (key.depth == 0) continue;
            EXPECT_TRUE(seen.insert(key.name).second) << rtl::to_utf8(key.name);
            stayed += key.name.front() == u's' ? 1 : 0;
            if (key.values.size() < 2 || (key.flags & RG_TREE_UNSETTLED) != 0) continue;
            const int first = key.values[0].data.at(0);
            const int second = key.values[1].data.at(0);
            EXPECT_TRUE(first == second || first == (second + 1) % 100) << first << " " << second;  // set in this order
        }
        EXPECT_EQ(stayed, 60);
    }
    stop = true;
    for (std::thread& writer : writers) writer.join();
}

class TreeWriters : public TreeEngines {
protected:
    void run(int rounds) {
        for (int i = 0; i < 60; ++i) make(rtl::from_utf8("s" + std::to_string(i)));
        make(u"pair");
        const auto write = [&](int who) {
            if (who == 0) {
                HANDLE key = nullptr;
                if (!NT_SUCCESS(open(u"pair", &key))) return;
                for (int i = 1; i <= 100; ++i) {
                    set_byte(key, u"1", static_cast<char>(i % 100));
                    set_byte(key, u"2", static_cast<char>(i % 100));
                }
                NtClose(key);
                return;
            }
            for (const Utf16View name : {u"a", u"r", u"t", u"S5x", u"z"}) {
                Named named(name, root_);
                HANDLE key = nullptr;
                if (!NT_SUCCESS(NtCreateKey(&key, DELETE, &named.attributes, 0, nullptr, REG_OPTION_VOLATILE, nullptr)))
                    return;
                NtDeleteKey(key);
                NtClose(key);
            }
        };
        read_beside_writers(root_, rounds, write);
    }

private:
    static void set_byte(HANDLE key, Utf16View value, char data) {
        Named name(value);
        NtSetValueKey(key, &name.string, 0, REG_BINARY, &data, 1);
    }
};

TEST_P(TreeWriters, FromTheCells) { run(40); }
TEST_P(TreeWriters, ByTheServices) {
    const Watching watching;
    run(8);  // what changes all the time is read up to 32 times
}

INSTANTIATE_TEST_SUITE_P(Gate, TreeEngines, testing::Values(false));
INSTANTIATE_TEST_SUITE_P(Gate, TreeWriters, testing::Values(false));

}  // namespace
}  // namespace regent::test
