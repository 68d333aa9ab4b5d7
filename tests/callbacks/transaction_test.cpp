// What a filter sees of transactions (R51, TR-21): which transaction an operation belongs to, before and after it, for
// transactions of both kinds; and that the commit itself is no operation.
#include <map>
#include <set>

#include "filter_test.h"
#include "wdk/ntifs.h"

namespace regent::test {
namespace {

enum class Kind { kernel, registry };

class TransactionCallbacks : public FilterTest, public testing::WithParamInterface<Kind> {
protected:
    void SetUp() override {
        FilterTest::SetUp();
        const NTSTATUS status = GetParam() == Kind::kernel
                                    ? NtCreateTransaction(&transaction_, TRANSACTION_ALL_ACCESS, nullptr, nullptr,
                                                          nullptr, 0, 0, 0, nullptr, nullptr)
                                    : NtCreateRegistryTransaction(&transaction_, TRANSACTION_ALL_ACCESS, nullptr, 0);
        ASSERT_EQ(status, STATUS_SUCCESS);
        ASSERT_EQ(ObReferenceObjectByHandle(transaction_, 0, nullptr, KernelMode, &object_, nullptr), STATUS_SUCCESS);
    }
    void TearDown() override {
        ObDereferenceObject(object_);
        NtClose(transaction_);
        FilterTest::TearDown();
    }
    NTSTATUS commit() {
        return GetParam() == Kind::kernel ? NtCommitTransaction(transaction_, TRUE)
                                          : NtCommitRegistryTransaction(transaction_, 0);
    }
    NTSTATUS open_in(Utf16View name, HANDLE* handle, HANDLE root = nullptr) {
        Name attributes(name, root);
        return NtOpenKeyTransacted(handle, KEY_ALL_ACCESS, attributes, transaction_);
    }

    // What CmGetBoundTransaction says of each call's key, by the notification's class.
    struct Bound {
        void* of_key = nullptr;   // Object; of an opening the root
        void* of_call = nullptr;  // the opening's Transaction
    };
    std::map<REG_NOTIFY_CLASS, std::vector<Bound>> seen_;
    NTSTATUS look(Filter& filter, const Call& call) {
        Bound bound;
        if (call.notify_class == RegNtPreCreateKeyEx || call.notify_class == RegNtPreOpenKeyEx) {
            const auto* info = call.as<REG_CREATE_KEY_INFORMATION>();
            bound.of_call = info->Transaction;
            bound.of_key = CmGetBoundTransaction(&filter.cookie, info->RootObject);
        } else if (call.notify_class == RegNtPostKeyHandleClose) {
            return STATUS_SUCCESS;  // there is no key any more
        } else {
            // Every other structure begins with the key.
            bound.of_key = CmGetBoundTransaction(&filter.cookie, *call.as<PVOID>());
        }
        seen_[call.notify_class].push_back(bound);
        return STATUS_SUCCESS;
    }
    // Every kind of operation that a transacted key takes. The key is gone afterwards.
    void use(HANDLE used) {
        UNICODE_STRING name = rtl::unicode_string(u"v");
        alignas(8) std::byte buffer[1024];
        ULONG needed = 0;
        EXPECT_EQ(set(used, u"v", 1), STATUS_SUCCESS);
        EXPECT_EQ(NtQueryValueKey(used, &name, KeyValuePartialInformation, buffer, sizeof buffer, &needed),
                  STATUS_SUCCESS);
        EXPECT_EQ(NtEnumerateValueKey(used, 0, KeyValueBasicInformation, buffer, sizeof buffer, &needed),
                  STATUS_SUCCESS);
        EXPECT_EQ(NtQueryKey(used, KeyFullInformation, buffer, sizeof buffer, &needed), STATUS_SUCCESS);
        EXPECT_EQ(NtEnumerateKey(used, 0, KeyBasicInformation, buffer, sizeof buffer, &needed), STATUS_NO_MORE_ENTRIES);
        KEY_WRITE_TIME_INFORMATION time{};
        time.LastWriteTime.QuadPart = 130'000'000'000'000'000;
        EXPECT_EQ(NtSetInformationKey(used, KeyWriteTimeInformation, &time, sizeof time), STATUS_SUCCESS);
        EXPECT_EQ(NtQuerySecurityObject(used, DACL_SECURITY_INFORMATION, buffer, sizeof buffer, &needed),
                  STATUS_SUCCESS);
        EXPECT_EQ(NtSetSecurityObject(used, DACL_SECURITY_INFORMATION, buffer), STATUS_SUCCESS);
        EXPECT_EQ(NtDeleteValueKey(used, &name), STATUS_SUCCESS);
        EXPECT_EQ(NtDeleteKey(used), STATUS_SUCCESS);
        EXPECT_EQ(NtClose(used), STATUS_SUCCESS);
    }
    static inline const std::set<REG_NOTIFY_CLASS> used_ = {
        RegNtPreSetValueKey,       RegNtPostSetValueKey,       RegNtPreQueryValueKey,     RegNtPostQueryValueKey,
        RegNtPreEnumerateValueKey, RegNtPostEnumerateValueKey, RegNtPreQueryKey,          RegNtPostQueryKey,
        RegNtPreEnumerateKey,      RegNtPostEnumerateKey,      RegNtPreSetInformationKey, RegNtPostSetInformationKey,
        RegNtPreQueryKeySecurity,  RegNtPostQueryKeySecurity,  RegNtPreSetKeySecurity,    RegNtPostSetKeySecurity,
        RegNtPreDeleteValueKey,    RegNtPostDeleteValueKey,    RegNtPreDeleteKey,         RegNtPostDeleteKey,
        RegNtPreKeyHandleClose};
    void expect_all(void* expected) {
        for (const REG_NOTIFY_CLASS each : used_) {
            const auto calls = seen_.find(each);
            ASSERT_NE(calls, seen_.end()) << "no call of class " << each;
            for (const Bound& bound : calls->second) EXPECT_EQ(bound.of_key, expected) << "class " << each;
        }
    }

    HANDLE transaction_ = nullptr;
    PVOID object_ = nullptr;
};

TEST_P(TransactionCallbacks, EveryOperationByATransactedKeyTellsItsTransactionBeforeAndAfter) {
    NtClose(create(u"sub", key));
    HANDLE inside = nullptr;
    ASSERT_EQ(open_in(u"sub", &inside, key), STATUS_SUCCESS);
    Filter* self = nullptr;
    Filter filter(log, "x", u"1", [&](const Call& call) { return look(*self, call); });
    self = &filter;
    use(inside);
    EXPECT_EQ(filter.remove(), STATUS_SUCCESS);
    expect_all(object_);
    EXPECT_EQ(commit(), STATUS_SUCCESS);
}

TEST_P(TransactionCallbacks, AnotherKeyObjectOfTheSameKeyIsNotInIt) {
    HANDLE outside = create(u"sub", key);
    HANDLE inside = nullptr;
    ASSERT_EQ(open_in(u"sub", &inside, key), STATUS_SUCCESS);
    Filter* self = nullptr;
    Filter filter(log, "x", u"1", [&](const Call& call) { return look(*self, call); });
    self = &filter;
    use(outside);
    EXPECT_EQ(filter.remove(), STATUS_SUCCESS);
    expect_all(nullptr);
    NtClose(inside);
}

// The call that names the transaction tells it; one below a transacted key does not, and the root's has to be asked.
TEST_P(TransactionCallbacks, AnOpeningTellsItsTransactionByTheCallOrByItsRoot) {
    HANDLE named = nullptr;
    HANDLE below = nullptr;
    HANDLE plain = nullptr;
    Filter* self = nullptr;
    Filter filter(log, "x", u"1", [&](const Call& call) { return look(*self, call); });
    self = &filter;
    Name sub(u"sub", key);
    ASSERT_EQ(NtCreateKeyTransacted(&named, KEY_ALL_ACCESS, sub, 0, nullptr, 0, transaction_, nullptr), STATUS_SUCCESS);
    Name deeper(u"deeper", named);
    ASSERT_EQ(NtCreateKey(&below, KEY_ALL_ACCESS, deeper, 0, nullptr, 0, nullptr), STATUS_SUCCESS);
    Name other(u"other", key);
    ASSERT_EQ(NtCreateKey(&plain, KEY_ALL_ACCESS, other, 0, nullptr, 0, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(filter.remove(), STATUS_SUCCESS);
    const auto& before = seen_[RegNtPreCreateKeyEx];
    const auto& after = seen_[RegNtPostCreateKeyEx];
    ASSERT_EQ(before.size(), 3U);
    ASSERT_EQ(after.size(), 3U);
    EXPECT_EQ(before[0].of_call, object_);
    EXPECT_EQ(before[0].of_key, nullptr);
    EXPECT_EQ(after[0].of_key, object_);
    EXPECT_EQ(before[1].of_call, nullptr);
    EXPECT_EQ(before[1].of_key, object_);
    EXPECT_EQ(after[1].of_key, object_);
    EXPECT_EQ(before[2].of_call, nullptr);
    EXPECT_EQ(before[2].of_key, nullptr);
    EXPECT_EQ(after[2].of_key, nullptr);
    EXPECT_EQ(NtDeleteKey(plain), STATUS_SUCCESS);
    for (const HANDLE handle : {below, named, plain}) NtClose(handle);
}

// Operations were announced when they were called; what was announced stays bound to the transaction that is over.
TEST_P(TransactionCallbacks, ACommitCallsNobody) {
    HANDLE inside = nullptr;
    Name sub(u"sub", key);
    ASSERT_EQ(NtCreateKeyTransacted(&inside, KEY_ALL_ACCESS, sub, 0, nullptr, 0, transaction_, nullptr),
              STATUS_SUCCESS);
    Filter* self = nullptr;
    Filter filter(log, "x", u"1", [&](const Call& call) { return look(*self, call); });
    self = &filter;
    EXPECT_EQ(commit(), STATUS_SUCCESS);
    EXPECT_EQ(log, Log{});
    EXPECT_EQ(set(inside, u"v", 1), STATUS_TRANSACTION_NOT_ACTIVE);
    ASSERT_EQ(seen_[RegNtPreSetValueKey].size(), 1U);
    EXPECT_EQ(seen_[RegNtPreSetValueKey][0].of_key, object_);
    EXPECT_EQ(filter.remove(), STATUS_SUCCESS);
    NtClose(inside);
    HANDLE made = nullptr;
    ASSERT_EQ(NtOpenKey(&made, DELETE, sub), STATUS_SUCCESS);
    EXPECT_EQ(NtDeleteKey(made), STATUS_SUCCESS);
    NtClose(made);
}

INSTANTIATE_TEST_SUITE_P(Both, TransactionCallbacks, testing::Values(Kind::kernel, Kind::registry),
                         [](const auto& each) { return each.param == Kind::kernel ? "Kernel" : "Registry"; });

}  // namespace
}  // namespace regent::test
