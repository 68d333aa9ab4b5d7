// RgReadTree against the calls that NT has: the same keys, whatever the buffer, whatever comes and goes.
#include <algorithm>

#include "tree_fixture.h"

namespace regent::test {
namespace {

TEST_P(TreeTest, TellsWhatSingleCallsTell) {
    make_everything();
    const auto keys = parse_tree(walk_tree(root_, 1 << 20));
    EXPECT_EQ(keys, expected());
    EXPECT_EQ(keys.size(), 11U);
    for (const ULONG length : {0U, 8U, 64U, 200U, 4096U}) EXPECT_EQ(parse_tree(walk_tree(root_, length)), keys);
}

TEST_P(TreeTest, TheDeniedKeyHasItsNameAlone) {
    make_everything();
    for (const TreeKey& key : parse_tree(walk_tree(root_, 1 << 20))) {
        EXPECT_EQ(key.status, key.name == u"denied" ? STATUS_ACCESS_DENIED : STATUS_SUCCESS);
        EXPECT_EQ(key.last_write_time == 0, key.name == u"denied");
        EXPECT_NE(key.name, u"below");
    }
}

// At every length: as many whole keys as fit, nothing past the length, and what the next one needs when none does.
TEST_P(TreeTest, EveryLength) {
    make(u"a", 0, nullptr, u"c");
    make(u"a\\1");
    make(u"b", REG_OPTION_VOLATILE);
    set(u"a", u"v", REG_BINARY, "123456789");
    set(u"a\\1", u"", REG_BINARY, "");
    const std::string all = walk_tree(root_, 1 << 16);
    std::set<std::size_t> ends{0};
    for (std::size_t at = 0; at < all.size(); ends.insert(at))
        at += reinterpret_cast<const RG_TREE_KEY*>(all.data() + at)->Size;
    const std::size_t first = *std::next(ends.begin());
    for (ULONG length = 0; length <= all.size() + 16; ++length) {
        std::string buffer(all.size() + 32, 'x');
        ULONG told = 77;
        const NTSTATUS status = read_tree(root_, nullptr, buffer.data(), length, &told);
        EXPECT_EQ(buffer.find_first_not_of('x', length), std::string::npos) << length;
        if (length < first) {
            EXPECT_EQ(status, STATUS_BUFFER_TOO_SMALL);
            EXPECT_EQ(told, first);
            continue;
        }
        EXPECT_EQ(status, length < all.size() ? STATUS_MORE_ENTRIES : STATUS_SUCCESS);
        EXPECT_EQ(told, *std::prev(ends.upper_bound(length))) << length;
        EXPECT_EQ(buffer.substr(0, told), all.substr(0, told));
    }
}

// What follows a name follows it also when the key is gone, is another, was never there, or is written in capitals.
TEST_P(TreeTest, GoesOnBehindAnyName) {
    for (const Utf16View name : {u"a", u"a\\1", u"a\\2", u"c", u"c\\x", u"e"}) make(name);
    const auto next = [&](Utf16 after) {
        char buffer[4096];
        ULONG told = 0;
        const NTSTATUS status = read_tree(root_, &after, buffer, sizeof buffer, &told);
        if (!NT_SUCCESS(status)) return rtl::from_utf8(status == STATUS_NO_MORE_ENTRIES ? "end" : "failed");
        return parse_tree(std::string(buffer, told)).front().name;
    };
    EXPECT_EQ(next(u""), u"a");
    EXPECT_EQ(next(u"a"), u"1");
    EXPECT_EQ(next(u"A\\1"), u"2");
    EXPECT_EQ(next(u"a\\1\\never\\there"), u"2");
    EXPECT_EQ(next(u"a\\2"), u"c");
    EXPECT_EQ(next(u"a\\9"), u"c");
    EXPECT_EQ(next(u"b"), u"c");
    EXPECT_EQ(next(u"b\\1"), u"c");
    EXPECT_EQ(next(u"d"), u"e");
    EXPECT_EQ(next(u"e"), u"end");
    remove(u"a\\1");
    EXPECT_EQ(next(u"a\\1"), u"2");
    remove(u"a\\2");
    remove(u"a");
    EXPECT_EQ(next(u"a\\1"), u"c");
    HANDLE key = nullptr;
    ASSERT_EQ(open(u"c", &key), STATUS_SUCCESS);
    Named name(u"f");
    ASSERT_EQ(NtRenameKey(key, &name.string), STATUS_SUCCESS);
    NtClose(key);
    EXPECT_EQ(next(u"c"), u"e");
    EXPECT_EQ(next(u"c\\x"), u"e");
    EXPECT_EQ(next(u"e"), u"f");
    EXPECT_EQ(next(u"f\\x"), u"end");
}

TEST_P(TreeTest, ArgumentsAndRights) {
    char buffer[512];
    ULONG told = 77;
    EXPECT_EQ(RgReadTree(root_, nullptr, 0, buffer, sizeof buffer, nullptr), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(RgReadTree(root_, nullptr, 0, nullptr, 512, &told), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(RgReadTree(root_, nullptr, 1, buffer, sizeof buffer, &told), STATUS_INVALID_PARAMETER);
    for (const Utf16& bad : {Utf16(u"\\"), Utf16(u"\\a"), Utf16(u"a\\"), Utf16(u"a\\\\b"), Utf16(256, u'n')})
        EXPECT_EQ(read_tree(root_, &bad, buffer, sizeof buffer, &told), STATUS_OBJECT_NAME_INVALID);
    Utf16 deep;
    for (int i = 0; i < 513; ++i) deep += i == 0 ? u"d" : u"\\d";
    EXPECT_EQ(read_tree(root_, &deep, buffer, sizeof buffer, &told), STATUS_OBJECT_NAME_INVALID);
    deep.resize(deep.size() - 2);
    EXPECT_EQ(read_tree(root_, &deep, buffer, sizeof buffer, &told), STATUS_NO_MORE_ENTRIES);
    EXPECT_EQ(RgReadTree(reinterpret_cast<HANDLE>(0x7FFC), nullptr, 0, buffer, 512, &told), STATUS_INVALID_HANDLE);
    for (const ACCESS_MASK access : {ACCESS_MASK{KEY_QUERY_VALUE}, ACCESS_MASK{KEY_ENUMERATE_SUB_KEYS}}) {
        HANDLE key = nullptr;
        ASSERT_EQ(open_key(top, &key, access), STATUS_SUCCESS);
        EXPECT_EQ(read_tree(key, nullptr, buffer, sizeof buffer, &told), STATUS_ACCESS_DENIED);
        NtClose(key);
    }
    EXPECT_EQ(told, 77U);
    ASSERT_EQ(NtDeleteKey(root_), STATUS_SUCCESS);
    EXPECT_EQ(read_tree(root_, nullptr, buffer, sizeof buffer, &told), STATUS_KEY_DELETED);
    const Utf16 start;
    EXPECT_EQ(read_tree(root_, &start, buffer, sizeof buffer, &told), STATUS_KEY_DELETED);
}

TEST_P(TreeTest, AHandleToALinkIsTheLink) {
    make_everything();
    HANDLE link = nullptr;
    ASSERT_EQ(open(u"link", &link, KEY_READ), STATUS_SUCCESS);
    const auto keys = parse_tree(walk_tree(link, 4096));
    ASSERT_EQ(keys.size(), 1U);
    EXPECT_EQ(keys[0].flags, ULONG{RG_TREE_LINK});
    ASSERT_EQ(keys[0].values.size(), 1U);
    EXPECT_EQ(keys[0].values[0].type, ULONG{REG_LINK});
    NtClose(link);
}

// Mounted hives are below \Registry like any other key.
TEST_P(TreeTest, GoesThroughMountPoints) {
    make_everything();
    HANDLE registry = nullptr;
    ASSERT_EQ(open_key(u"\\Registry", &registry), STATUS_SUCCESS);
    SingleCalls calls;
    calls.tell(registry, 0, nullptr);
    const auto keys = parse_tree(walk_tree(registry, 1 << 16));
    EXPECT_EQ(keys, calls.keys);
    EXPECT_TRUE(std::ranges::any_of(keys, [](const TreeKey& key) { return key.name == u"segments" || key.depth > 4; }));
    NtClose(registry);
}

TEST_P(TreeTest, ATransactionSeesItsOwnAlone) {
    make(u"a");
    make(u"c");
    HANDLE transaction = nullptr;
    ASSERT_EQ(NtCreateRegistryTransaction(&transaction, TRANSACTION_ALL_ACCESS, nullptr, 0), STATUS_SUCCESS);
    const auto create = [&](Utf16View path, HANDLE* key) {
        Named name(path);
        return NtCreateKeyTransacted(key, KEY_ALL_ACCESS, &name.attributes, 0, nullptr, 0, transaction, nullptr);
    };
    HANDLE inside = nullptr;
    HANDLE made = nullptr;
    ASSERT_EQ(create(top, &inside), STATUS_SUCCESS);
    ASSERT_EQ(create(Utf16(top) + u"\\b", &made), STATUS_SUCCESS);
    EXPECT_EQ(set_dword(made, u"v", 1), STATUS_SUCCESS);
    NtClose(made);
    ASSERT_EQ(create(Utf16(top) + u"\\c", &made), STATUS_SUCCESS);
    EXPECT_EQ(NtDeleteKey(made), STATUS_SUCCESS);
    NtClose(made);
    for (const ULONG length : {100U, 4096U}) {
        const auto seen = parse_tree(walk_tree(inside, length));
        ASSERT_EQ(seen.size(), 3U);
        EXPECT_EQ(seen[2].name, u"b");
        EXPECT_EQ(seen[2].values.size(), 1U);
        const auto outside = parse_tree(walk_tree(root_, length));
        ASSERT_EQ(outside.size(), 3U);
        EXPECT_EQ(outside[2].name, u"c");
    }
    EXPECT_EQ(NtRollbackRegistryTransaction(transaction, 0), STATUS_SUCCESS);
    char buffer[64];
    ULONG told = 0;
    EXPECT_EQ(read_tree(inside, nullptr, buffer, sizeof buffer, &told), STATUS_TRANSACTION_NOT_ACTIVE);
    NtClose(inside);
    NtClose(transaction);
}

INSTANTIATE_TEST_SUITE_P(Gate, TreeTest, testing::Bool(),
                         [](const auto& each) { return each.param ? "daemon" : "embedded"; });

}  // namespace
}  // namespace regent::test
