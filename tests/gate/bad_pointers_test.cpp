// Bad pointers of an embedded program and of a daemon's client: every service, every typed pointer argument, addresses
// that are not there. Each is ACCESS_VIOLATION, never the end of the program.
#include <sys/mman.h>

#include <array>
#include <cstring>
#include <memory>
#include <tuple>

#include "fixture.h"
#include "nt/service.h"
#include "regent/gate.h"

namespace regent::test {
namespace {

// A page that is there between one that is not and one that can only be read.
class Pages {
public:
    Pages() {
        base_ =
            static_cast<char*>(::mmap(nullptr, 3 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        ::mprotect(base_, size, PROT_NONE);
        ::mprotect(base_ + 2 * size, size, PROT_READ);
    }
    ~Pages() { ::munmap(base_, 3 * size); }
    Pages(const Pages&) = delete;
    Pages& operator=(const Pages&) = delete;

    void* absent() const { return base_ + 64; }
    void* read_only() const { return base_ + 2 * size + 64; }
    // Its last `bytes` bytes can be written, the next one only read.
    char* before_read_only(std::size_t bytes) const { return base_ + 2 * size - bytes; }
    // Its first bytes cannot be read, what follows can.
    char* across_absent(std::size_t bytes) const { return base_ + size - bytes; }

private:
    static constexpr std::size_t size = 4096;
    char* base_;
};

class BadPointers : public testing::TestWithParam<bool> {
protected:
    void SetUp() override {
        GateChoice choice;
        (GetParam() ? choice.socket : choice.store) = folder_.path() + (GetParam() ? "/socket" : "/store");
        if (GetParam()) {
            daemon_ = std::make_unique<Child>(std::vector<std::string>{
                RG_BIN "/regentd", "--store", folder_.path() + "/store", "--socket", choice.socket});
            ASSERT_NE(daemon_->read_line().find("ready"), std::string::npos);
        }
        ASSERT_TRUE(select_gate(choice));
        ASSERT_EQ(create_key(u"\\Registry\\Machine\\Software\\BadPointers", &key_), STATUS_SUCCESS);
    }
    void TearDown() override {
        NtClose(key_);
        close_gate();
        if (!daemon_) return;
        daemon_->signal(SIGTERM);
        EXPECT_EQ(daemon_->wait(), 0);
    }

    TemporaryFolder folder_;
    std::unique_ptr<Child> daemon_;
    HANDLE key_ = nullptr;
    Pages pages_;
};

// What a typed pointer argument may be called with; PVOID and HANDLE are one type and so tried by name below.
template <typename T>
constexpr bool is_typed =
    std::is_pointer_v<T> && !std::is_void_v<std::remove_pointer_t<T>> && !std::is_function_v<std::remove_pointer_t<T>>;

template <typename T>
T harmless() {
    if constexpr (std::is_pointer_v<T>) {
        return nullptr;
    } else {
        return static_cast<T>(1);  // one entry, one byte, a flag
    }
}

template <typename... A, std::size_t... I>
void try_each(const char* name, NTSTATUS (*entry)(A...), void* bad, std::index_sequence<I...>, int& tried) {
    using Arguments = std::tuple<A...>;
    [[maybe_unused]] const auto one = [&]<std::size_t N>(std::integral_constant<std::size_t, N>) {
        if constexpr (is_typed<std::tuple_element_t<N, Arguments>>) {
            Arguments arguments{harmless<A>()...};
            std::get<N>(arguments) = static_cast<std::tuple_element_t<N, Arguments>>(bad);
            const NTSTATUS status = std::apply(entry, arguments);
            EXPECT_EQ(status, STATUS_ACCESS_VIOLATION) << name << " argument " << N;
            ++tried;
        }
    };
    (one(std::integral_constant<std::size_t, I>{}), ...);
}

template <typename... A>
void try_service(const char* name, NTSTATUS (*entry)(A...), void* bad, int& tried) {
    try_each(name, entry, bad, std::index_sequence_for<A...>{}, tried);
}

TEST_P(BadPointers, NoServiceFollowsOne) {
    const std::array<void*, 6> bad{pages_.absent(),
                                   reinterpret_cast<void*>(8),
                                   reinterpret_cast<void*>(~0ULL - 7),
                                   reinterpret_cast<void*>(1ULL << 63),
                                   reinterpret_cast<void*>(0x0000'8000'0000'0000),
                                   pages_.across_absent(4)};
    int tried = 0;
    for (void* const address : bad) {
        nt::for_each_entry([&](const char* name, auto entry) { try_service(name, entry, address, tried); });
    }
    EXPECT_GT(tried, 6 * 60);
}

TEST_P(BadPointers, NullIsNoHandleAndNoName) {  // rows 1, 11, 12, 13, 47
    Named path(u"\\Registry\\Machine\\Software");
    HANDLE key = nullptr;
    EXPECT_EQ(NtOpenKey(nullptr, 0, nullptr), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(NtOpenKey(&key, 0, nullptr), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(NtOpenKey(nullptr, KEY_READ, &path.attributes), STATUS_ACCESS_VIOLATION);
    for (const ACCESS_MASK access : {ACCESS_MASK{0}, ACCESS_MASK{GENERIC_ALL}}) {
        EXPECT_EQ(NtCreateKey(nullptr, access, nullptr, 0, nullptr, 0, nullptr), STATUS_ACCESS_VIOLATION);
        EXPECT_EQ(NtCreateKey(&key, access, nullptr, 0, nullptr, 0, nullptr), STATUS_ACCESS_VIOLATION);
    }
    EXPECT_EQ(NtCreateKey(nullptr, 0, &path.attributes, 0, nullptr, 0, nullptr), STATUS_ACCESS_VIOLATION);
    ULONG count = 0;
    EXPECT_EQ(NtQueryOpenSubKeys(nullptr, nullptr), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(NtQueryOpenSubKeys(&path.attributes, nullptr), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(NtQueryOpenSubKeys(&path.attributes, reinterpret_cast<PULONG>(1)), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(NtQueryOpenSubKeys(nullptr, &count), STATUS_ACCESS_VIOLATION);
}

TEST_P(BadPointers, OutputsMustBeWritable) {
    Named value(u"v");
    ULONG data = 1, needed = 0;
    ASSERT_EQ(NtSetValueKey(key_, &value.string, 0, REG_DWORD, &data, sizeof data), STATUS_SUCCESS);
    const auto query = [&](void* buffer, ULONG length, ULONG* result) {
        return NtQueryValueKey(key_, &value.string, KeyValuePartialInformation, buffer, length, result);
    };
    EXPECT_EQ(query(pages_.read_only(), 64, &needed), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(query(pages_.before_read_only(16), 17, &needed), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(query(pages_.before_read_only(16), 16, &needed), STATUS_SUCCESS);
    EXPECT_EQ(query(pages_.before_read_only(16), ~0u, &needed), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(query(pages_.before_read_only(16), 16, static_cast<ULONG*>(pages_.read_only())), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(query(pages_.read_only(), 0, &needed), STATUS_BUFFER_TOO_SMALL);  // no length, not looked at
    Named path(u"\\Registry\\Machine\\Software");
    EXPECT_EQ(NtOpenKey(static_cast<PHANDLE>(pages_.read_only()), KEY_READ, &path.attributes), STATUS_ACCESS_VIOLATION);
}

TEST_P(BadPointers, NamesAndDataMustBeReadable) {
    ULONG data = 1;
    Named value(u"v");
    UNICODE_STRING name = value.string;
    name.Buffer = static_cast<PWSTR>(pages_.absent());
    EXPECT_EQ(NtSetValueKey(key_, &name, 0, REG_DWORD, &data, 4), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(NtSetValueKey(key_, &value.string, 0, REG_DWORD, pages_.absent(), 4), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(NtSetValueKey(key_, &value.string, 0, REG_BINARY, pages_.before_read_only(1), 5), STATUS_SUCCESS);
    EXPECT_EQ(NtSetValueKey(key_, &value.string, 0, REG_BINARY, pages_.across_absent(1), 4), STATUS_ACCESS_VIOLATION);
    name.Length = 0;
    EXPECT_EQ(NtSetValueKey(key_, &name, 0, REG_DWORD, &data, 4), STATUS_SUCCESS);
    EXPECT_EQ(NtDeleteValueKey(key_, static_cast<PUNICODE_STRING>(pages_.absent())), STATUS_ACCESS_VIOLATION);
    OBJECT_ATTRIBUTES attributes = Named(u"x").attributes;
    HANDLE key = nullptr;
    attributes.ObjectName = static_cast<PUNICODE_STRING>(pages_.absent());
    EXPECT_EQ(NtOpenKey(&key, KEY_READ, &attributes), STATUS_ACCESS_VIOLATION);
}

TEST_P(BadPointers, ADescriptorIsFollowedByWhoMakesAnObjectOnly) {
    Named path(u"\\Registry\\Machine\\Software\\BadPointers");
    path.attributes.SecurityDescriptor = pages_.absent();
    HANDLE key = nullptr;
    EXPECT_EQ(NtCreateKey(&key, KEY_READ, &path.attributes, 0, nullptr, 0, nullptr), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(NtOpenKey(&key, KEY_READ, &path.attributes), STATUS_SUCCESS);  // AC-4: opens ignore it
    NtClose(key);
    struct {
        UCHAR revision, sbz;
        USHORT control;
        void *owner, *group, *sacl, *dacl;
    } absolute{SECURITY_DESCRIPTOR_REVISION, 0, SE_DACL_PRESENT, nullptr, nullptr, nullptr, pages_.absent()};
    path.attributes.SecurityDescriptor = &absolute;
    EXPECT_EQ(NtCreateKey(&key, KEY_READ, &path.attributes, 0, nullptr, 0, nullptr), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(NtSetSecurityObject(key_, DACL_SECURITY_INFORMATION, &absolute), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(NtSetSecurityObject(key_, DACL_SECURITY_INFORMATION, pages_.absent()), STATUS_ACCESS_VIOLATION);
}

TEST_P(BadPointers, TypesAndSidsAreFollowed) {
    GUID guid{};
    OBJECT_TYPE_LIST types[] = {{0, 0, &guid}, {1, 0, static_cast<GUID*>(pages_.absent())}};
    GENERIC_MAPPING mapping{};
    PRIVILEGE_SET used{};
    ULONG length = sizeof(used);
    ACCESS_MASK granted[2] = {};
    NTSTATUS status[2] = {};
    const auto check = [&](PSID self, OBJECT_TYPE_LIST* list, ULONG count) {
        return NtAccessCheckByTypeResultList(nullptr, self, nullptr, 1, list, count, &mapping, &used, &length, granted,
                                             status);
    };
    EXPECT_EQ(check(nullptr, types, 1), STATUS_INVALID_HANDLE);
    EXPECT_EQ(check(nullptr, types, 2), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(check(pages_.absent(), types, 1), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(check(pages_.across_absent(4), types, 1), STATUS_ACCESS_VIOLATION);
    auto* const last = reinterpret_cast<OBJECT_TYPE_LIST*>(pages_.across_absent(0));
    EXPECT_EQ(check(nullptr, last - 1, 2), STATUS_ACCESS_VIOLATION);
}

TEST_P(BadPointers, UnalignedOnesAreServed) {  // row 22
#ifdef RG_SANITIZED
    GTEST_SKIP() << "a sanitizer counts them as errors of ours";
#endif
    alignas(8) char memory[64] = {};
    Named path(u"\\Registry\\Machine\\Software");
    EXPECT_EQ(NtOpenKey(reinterpret_cast<PHANDLE>(memory + 1), KEY_READ, &path.attributes), STATUS_SUCCESS);
    HANDLE key = nullptr;
    std::memcpy(&key, memory + 1, sizeof key);
    EXPECT_EQ(NtClose(key), STATUS_SUCCESS);
    char name[128];
    std::memcpy(name + 1, path.string.Buffer, path.string.Length);
    path.string.Buffer = reinterpret_cast<PWSTR>(name + 1);
    EXPECT_EQ(NtOpenKey(&key, KEY_READ, &path.attributes), STATUS_SUCCESS);
    EXPECT_EQ(NtClose(key), STATUS_SUCCESS);
}

INSTANTIATE_TEST_SUITE_P(Gates, BadPointers, testing::Values(false, true),
                         [](const auto& gate) { return gate.param ? "daemon" : "embedded"; });

}  // namespace
}  // namespace regent::test
