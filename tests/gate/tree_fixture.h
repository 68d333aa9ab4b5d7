// What the tests of RgReadTree share: a tree that has everything, its records, and the same told by single calls.
#pragma once

#include <memory>
#include <set>

#include "fixture.h"
#include "regent/gate.h"
#include "regent/tree.h"
#include "se/sddl.h"

namespace regent::test {

struct TreeValue {
    Utf16 name;
    ULONG type = 0;
    std::string data;
    bool operator==(const TreeValue&) const = default;
};
struct TreeKey {
    NTSTATUS status = STATUS_SUCCESS;
    unsigned depth = 0;
    Utf16 name;
    LONGLONG last_write_time = 0;
    ULONG flags = 0;
    Utf16 class_name;
    std::vector<TreeValue> values;
    bool operator==(const TreeKey&) const = default;
};
inline void PrintTo(const TreeKey& key, std::ostream* out) {
    *out << std::string(key.depth, ' ') << rtl::to_utf8(key.name) << " status " << std::hex << key.status << " flags "
         << key.flags << std::dec << " time " << key.last_write_time << " class " << rtl::to_utf8(key.class_name);
    for (const TreeValue& value : key.values) {
        *out << " [" << rtl::to_utf8(value.name) << " " << value.type << " " << value.data.size() << "]";
    }
}

inline NTSTATUS read_tree(HANDLE key, const Utf16* after, void* buffer, ULONG length, ULONG* told) {
    UNICODE_STRING string{};
    if (after != nullptr) string = rtl::unicode_string(*after);
    return RgReadTree(key, after != nullptr ? &string : nullptr, 0, buffer, length, told);
}

inline Utf16 units(const void* from, std::size_t bytes) {
    Utf16 text(bytes / 2, u'\0');
    std::memcpy(text.data(), from, bytes);
    return text;
}

// Every record of an answer; what would be read must be inside of it, and what aligns it must be zero.
inline std::vector<TreeKey> parse_tree(const std::string& answer) {
    std::vector<TreeKey> keys;
    for (std::size_t at = 0; at < answer.size();) {
        const auto* key = reinterpret_cast<const RG_TREE_KEY*>(answer.data() + at);
        if (key->Size % 8 != 0 || key->Size < RG_TREE_KEY_HEADER || key->Size > answer.size() - at) {
            ADD_FAILURE() << "size " << key->Size << " at " << at;
            return keys;
        }
        const char* const end = answer.data() + at + key->Size;
        TreeKey& made = keys.emplace_back();
        made = {key->Status,
                key->Depth,
                units(key->Name, key->NameLength),
                key->LastWriteTime.QuadPart,
                key->Flags,
                units(reinterpret_cast<const char*>(key->Name) + key->NameLength, key->ClassLength),
                {}};
        EXPECT_EQ(key->Reserved, 0);
        const auto* value = RG_TREE_FIRST_VALUE(key);
        for (ULONG i = 0; i < key->Values; ++i, value = RG_TREE_NEXT_VALUE(value)) {
            const auto* data = reinterpret_cast<const char*>(RG_TREE_DATA(value));
            if (data + value->DataLength > end) {
                ADD_FAILURE() << "a value that is longer than its key";
                return keys;
            }
            made.values.push_back({units(value->Name, value->NameLength), value->Type, {data, value->DataLength}});
            for (const char* pad = data + value->DataLength; pad < reinterpret_cast<const char*>(value) + value->Size;)
                EXPECT_EQ(*pad++, 0);
        }
        EXPECT_EQ(reinterpret_cast<const char*>(value), end);
        at += key->Size;
    }
    return keys;
}

// All answers of a walk, one after the other.
inline std::string walk_tree(HANDLE root, ULONG length, NTSTATUS* status = nullptr) {
    std::string all;
    std::vector<char> buffer(length);
    std::vector<Utf16> path;
    Utf16 after;
    for (bool first = true;; first = false) {
        ULONG told = 0;
        ULONG room = length;
        NTSTATUS answered = read_tree(root, first ? nullptr : &after, buffer.data(), room, &told);
        if (answered == STATUS_BUFFER_TOO_SMALL) {
            EXPECT_GT(told, room);
            room = told;
            buffer.resize(std::max<std::size_t>(buffer.size(), room));
            answered = read_tree(root, first ? nullptr : &after, buffer.data(), room, &told);
        }
        if (status != nullptr) *status = answered;
        if (!NT_SUCCESS(answered)) {
            if (status == nullptr) {
                EXPECT_EQ(answered, STATUS_NO_MORE_ENTRIES);
            }
            return all;
        }
        const std::string answer(buffer.data(), told);
        for (const TreeKey& key : parse_tree(answer)) {
            path.resize(key.depth == 0 ? 0 : key.depth - 1);
            if (key.depth != 0) path.push_back(key.name);
        }
        after.clear();
        for (const Utf16& name : path) after += (after.empty() ? u"" : u"\\") + name;
        all += answer;
    }
}

// The same by the calls that NT has.
class SingleCalls {
public:
    std::vector<TreeKey> keys;

    void tell(HANDLE key, unsigned depth, const Utf16* name) {
        const std::size_t at = keys.size();
        keys.emplace_back();
        alignas(8) char buffer[4096];
        ULONG needed = 0;
        EXPECT_EQ(NtQueryKey(key, KeyNodeInformation, buffer, sizeof buffer, &needed), STATUS_SUCCESS);
        const auto& node = *reinterpret_cast<const KEY_NODE_INFORMATION*>(buffer);
        keys[at].depth = depth;
        keys[at].name = name != nullptr ? *name : units(node.Name, node.NameLength);
        keys[at].last_write_time = node.LastWriteTime.QuadPart;
        if (node.ClassLength != 0) keys[at].class_name = units(buffer + node.ClassOffset, node.ClassLength);
        KEY_FLAGS_INFORMATION flags{};
        EXPECT_EQ(NtQueryKey(key, KeyFlagsInformation, &flags, sizeof flags, &needed), STATUS_SUCCESS);
        keys[at].flags = flags.KeyFlags;
        values(key, keys[at]);
        if ((flags.KeyFlags & RG_TREE_LINK) == 0) children(key, depth);
    }

private:
    static void values(HANDLE key, TreeKey& made) {
        std::vector<char> buffer(4096);
        for (ULONG i = 0;; ++i) {
            ULONG needed = 0;
            NTSTATUS status = NtEnumerateValueKey(key, i, KeyValueFullInformation, buffer.data(),
                                                  static_cast<ULONG>(buffer.size()), &needed);
            if (status == STATUS_BUFFER_OVERFLOW) {
                buffer.resize(needed);
                status = NtEnumerateValueKey(key, i, KeyValueFullInformation, buffer.data(), needed, &needed);
            }
            if (!NT_SUCCESS(status)) return;
            const auto& full = *reinterpret_cast<const KEY_VALUE_FULL_INFORMATION*>(buffer.data());
            made.values.push_back({units(full.Name, full.NameLength), full.Type,
                                   std::string(buffer.data() + full.DataOffset, full.DataLength)});
        }
    }
    void children(HANDLE key, unsigned depth) {
        alignas(8) char buffer[1024];
        ULONG needed = 0;
        for (ULONG i = 0; NT_SUCCESS(NtEnumerateKey(key, i, KeyBasicInformation, buffer, sizeof buffer, &needed));
             ++i) {
            const auto& basic = *reinterpret_cast<const KEY_BASIC_INFORMATION*>(buffer);
            const Utf16 name = units(basic.Name, basic.NameLength);
            Named child(name, key, OBJ_CASE_INSENSITIVE | OBJ_OPENLINK);
            HANDLE handle = nullptr;
            const NTSTATUS status = NtOpenKey(&handle, KEY_QUERY_VALUE | KEY_ENUMERATE_SUB_KEYS, &child.attributes);
            if (!NT_SUCCESS(status)) {
                keys.push_back({status, depth + 1, name, 0, 0, {}, {}});
                continue;
            }
            tell(handle, depth + 1, &name);
            NtClose(handle);
        }
    }
};

// One store, in this process or behind a daemon, with \Registry\Machine\Software\Tree in it.
class TreeTest : public testing::TestWithParam<bool> {
protected:
    static constexpr Utf16View top = u"\\Registry\\Machine\\Software\\Tree";

    void SetUp() override {
        GateChoice choice;
        (GetParam() ? choice.socket : choice.store) = folder_.path() + (GetParam() ? "/socket" : "/store");
        if (GetParam()) {
            daemon_ = std::make_unique<Child>(std::vector<std::string>{
                RG_BIN "/regentd", "--store", folder_.path() + "/store", "--socket", choice.socket});
            ASSERT_NE(daemon_->read_line().find("ready"), std::string::npos);
        }
        ASSERT_TRUE(select_gate(choice));
        ASSERT_EQ(create_key(top, &root_), STATUS_SUCCESS);
    }
    void TearDown() override {
        NtClose(root_);
        close_gate();
        if (!daemon_) return;
        daemon_->signal(SIGTERM);
        EXPECT_EQ(daemon_->wait(), 0);
    }

    void make(Utf16View below, ULONG options = 0, const char* sddl = nullptr, Utf16View class_name = {}) {
        Named name(below, root_);
        const auto descriptor = se::parse_sddl(sddl != nullptr ? sddl : "D:");
        if (sddl != nullptr) name.attributes.SecurityDescriptor = const_cast<std::byte*>(descriptor->bytes().data());
        Named of_class(class_name);
        HANDLE key = nullptr;
        ASSERT_EQ(NtCreateKey(&key, KEY_ALL_ACCESS, &name.attributes, 0, &of_class.string, options, nullptr),
                  STATUS_SUCCESS)
            << rtl::to_utf8(below);
        NtClose(key);
    }
    NTSTATUS open(Utf16View below, HANDLE* key, ACCESS_MASK access = KEY_ALL_ACCESS) {
        Named name(below, root_, OBJ_CASE_INSENSITIVE | OBJ_OPENLINK);
        return NtOpenKey(key, access, &name.attributes);
    }
    void set(Utf16View below, Utf16View value, ULONG type, const std::string& data) {
        HANDLE key = nullptr;
        ASSERT_EQ(open(below, &key, KEY_SET_VALUE), STATUS_SUCCESS);
        Named name(value);
        EXPECT_EQ(
            NtSetValueKey(key, &name.string, 0, type, const_cast<char*>(data.data()), static_cast<ULONG>(data.size())),
            STATUS_SUCCESS);
        NtClose(key);
    }
    void remove(Utf16View below) {
        HANDLE key = nullptr;
        ASSERT_EQ(open(below, &key, DELETE), STATUS_SUCCESS);
        EXPECT_EQ(NtDeleteKey(key), STATUS_SUCCESS);
        NtClose(key);
    }
    // Links, volatile keys between stable ones, a key that nobody may read, values in every form.
    void make_everything() {
        make(u"B", 0, nullptr, u"a class");
        make(u"B\\x", REG_OPTION_VOLATILE);
        make(u"B\\a");
        make(u"B\\M", REG_OPTION_VOLATILE, nullptr, u"k");
        make(u"B\\M\\deep", REG_OPTION_VOLATILE);
        make(u"B\\z");
        make(u"a");
        make(u"\u0416\u0443\u043a");
        make(u"denied", 0, "D:P(D;;KR;;;WD)(A;;KA;;;WD)");
        make(u"denied\\below");
        make(u"link", REG_OPTION_CREATE_LINK);
        set(u"link", u"SymbolicLinkValue", REG_LINK, std::string("\\\0R\0e\0g\0i\0s\0t\0r\0y\0", 18));
        set(u"B", u"", REG_SZ, std::string("d\0\0\0", 4));
        set(u"B", u"none", REG_NONE, "");
        set(u"B", u"four", REG_DWORD, "1234");
        set(u"B", u"five bytes", REG_BINARY, "12345");
        set(u"B\\M", u"\u0436", 77, std::string(40, 'v'));
        set(u"a", u"segments", REG_BINARY, std::string(40000, 's'));
        set(u"a", u"behind", REG_BINARY, std::string(9, 'b'));
    }
    std::vector<TreeKey> expected() {
        SingleCalls calls;
        calls.tell(root_, 0, nullptr);
        return calls.keys;
    }

    TemporaryFolder folder_;
    std::unique_ptr<Child> daemon_;
    HANDLE root_ = nullptr;
};

}  // namespace regent::test
