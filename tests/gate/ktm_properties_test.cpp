// What is known of a transaction of the KTM and what may be set: description, isolation and the time it has.
// Sources: msdn ZwSetInformationTransaction, TRANSACTION_PROPERTIES_INFORMATION, ZwCreateTransaction.
#include <chrono>
#include <cstring>
#include <future>

#include "ktm_store.h"

namespace regent::test {
namespace {

constexpr std::size_t header = offsetof(TRANSACTION_PROPERTIES_INFORMATION, Description);

struct Properties {
    TRANSACTION_PROPERTIES_INFORMATION info{};
    char16_t rest[MAX_TRANSACTION_DESCRIPTION_LENGTH + 8]{};

    char16_t* text() { return reinterpret_cast<char16_t*>(reinterpret_cast<char*>(this) + header); }
    explicit Properties(Utf16View description = {}, LONGLONG timeout = 0) {
        info.Timeout.QuadPart = timeout;
        info.DescriptionLength = static_cast<ULONG>(description.size() * sizeof(char16_t));
        if (!description.empty()) std::memcpy(text(), description.data(), info.DescriptionLength);
    }
    Utf16 description() { return Utf16(text(), info.DescriptionLength / sizeof(char16_t)); }
};

NTSTATUS set(HANDLE transaction, Properties& properties, ULONG size = sizeof(Properties)) {
    return NtSetInformationTransaction(transaction, TransactionPropertiesInformation, &properties, size);
}
NTSTATUS query(HANDLE transaction, Properties& properties, ULONG size = sizeof(Properties), ULONG* needed = nullptr) {
    return NtQueryInformationTransaction(transaction, TransactionPropertiesInformation, &properties, size, needed);
}

class KtmProperties : public testing::Test {
protected:
    void SetUp() override { ASSERT_TRUE(ktm_store()); }
    void TearDown() override { NtClose(transaction_); }
    NTSTATUS create(LONGLONG timeout = 0, Utf16View description = {}, ACCESS_MASK access = TRANSACTION_ALL_ACCESS) {
        Named text(description);
        LARGE_INTEGER time;
        time.QuadPart = timeout;
        return NtCreateTransaction(&transaction_, access, nullptr, nullptr, nullptr, 0, 0, 0, &time, &text.string);
    }
    HANDLE transaction_ = nullptr;
};

TEST_F(KtmProperties, what_is_set_is_what_is_told) {
    ASSERT_EQ(create(-36'000'000'000, u"first"), STATUS_SUCCESS);
    Properties now;
    ULONG needed = 0;
    EXPECT_EQ(query(transaction_, now, sizeof(now), &needed), STATUS_SUCCESS);
    EXPECT_EQ(now.description(), u"first");
    EXPECT_EQ(needed, header + 10);
    EXPECT_EQ(now.info.Timeout.QuadPart, -36'000'000'000);
    Properties wanted(u"another", -72'000'000'000);
    wanted.info.Outcome = TransactionOutcomeCommitted;  // is not the caller's
    EXPECT_EQ(set(transaction_, wanted), STATUS_SUCCESS);
    EXPECT_EQ(query(transaction_, now), STATUS_SUCCESS);
    EXPECT_EQ(now.description(), u"another");
    EXPECT_EQ(now.info.Timeout.QuadPart, -72'000'000'000);
    EXPECT_EQ(now.info.Outcome, ULONG{TransactionOutcomeUndetermined});
    EXPECT_EQ(now.info.IsolationLevel, 0U);
    Properties nothing;
    EXPECT_EQ(set(transaction_, nothing, header), STATUS_SUCCESS);
    EXPECT_EQ(query(transaction_, now, header, &needed), STATUS_SUCCESS);
    EXPECT_EQ(needed, header);
}

TEST_F(KtmProperties, a_buffer_too_short_for_the_description_gets_what_fits) {
    ASSERT_EQ(create(0, u"description"), STATUS_SUCCESS);
    Properties now;
    EXPECT_EQ(query(transaction_, now, header - 1), STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQ(query(transaction_, now, header + 4), STATUS_BUFFER_OVERFLOW);
    EXPECT_EQ(now.info.DescriptionLength, 22U);
    EXPECT_EQ(now.description().substr(0, 3), Utf16(u"de\0", 3));
}

TEST_F(KtmProperties, what_cannot_be_is_not_set) {
    ASSERT_EQ(create(0, u"kept"), STATUS_SUCCESS);
    Properties wanted(u"new");
    EXPECT_EQ(NtSetInformationTransaction(transaction_, TransactionBasicInformation, &wanted, sizeof(wanted)),
              STATUS_INVALID_INFO_CLASS);
    EXPECT_EQ(set(transaction_, wanted, header - 1), STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQ(set(transaction_, wanted, header + 5), STATUS_INFO_LENGTH_MISMATCH);
    wanted.info.DescriptionLength = 5;
    EXPECT_EQ(set(transaction_, wanted), STATUS_INVALID_PARAMETER);
    Properties longest(Utf16(MAX_TRANSACTION_DESCRIPTION_LENGTH + 1, u'x'));
    EXPECT_EQ(set(transaction_, longest), STATUS_INVALID_PARAMETER);
    Properties isolated(u"new");
    isolated.info.IsolationLevel = 1;
    EXPECT_EQ(set(transaction_, isolated), STATUS_INVALID_PARAMETER);
    isolated.info.IsolationLevel = 0;
    isolated.info.IsolationFlags = 1;
    EXPECT_EQ(set(transaction_, isolated), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(query(transaction_, wanted), STATUS_SUCCESS);
    EXPECT_EQ(wanted.description(), u"kept");
    longest.info.DescriptionLength -= 2;
    EXPECT_EQ(set(transaction_, longest), STATUS_SUCCESS);
    EXPECT_EQ(NtRollbackTransaction(transaction_, TRUE), STATUS_SUCCESS);
    EXPECT_EQ(set(transaction_, longest), STATUS_TRANSACTION_NOT_ACTIVE);
}

TEST_F(KtmProperties, setting_needs_its_right) {
    ASSERT_EQ(create(0, {}, TRANSACTION_QUERY_INFORMATION), STATUS_SUCCESS);
    Properties wanted(u"new");
    EXPECT_EQ(set(transaction_, wanted), STATUS_ACCESS_DENIED);
    EXPECT_EQ(query(transaction_, wanted), STATUS_SUCCESS);
}

// ---- time

struct Manager {
    std::promise<ULONG> told;
};

NTSTATUS NTAPI tell(PKENLISTMENT, PVOID, PVOID key, ULONG notification, PLARGE_INTEGER, ULONG, PVOID) {
    static_cast<Manager*>(key)->told.set_value(notification);
    return STATUS_SUCCESS;
}

class KtmTimeout : public KtmProperties {
protected:
    void TearDown() override {
        NtClose(enlistment_);
        manager_.close();
        KtmProperties::TearDown();
    }
    void enlist() {
        manager_.open(tell);
        ASSERT_EQ(NtCreateEnlistment(&enlistment_, ENLISTMENT_ALL_ACCESS, manager_.resource, transaction_, nullptr, 0,
                                     TRANSACTION_NOTIFY_ROLLBACK, &driver_),
                  STATUS_SUCCESS);
    }
    // True: the resource manager was told to roll back, by itself.
    bool rolls_back() {
        auto told = driver_.told.get_future();
        return told.wait_for(std::chrono::seconds(20)) == std::future_status::ready &&
               told.get() == TRANSACTION_NOTIFY_ROLLBACK;
    }
    Manager driver_;
    ResourceManager manager_;
    HANDLE enlistment_ = nullptr;
};

constexpr LONGLONG hour = 36'000'000'000;
constexpr LONGLONG second = 10'000'000;
constexpr LONGLONG instant = 200'000;  // 20 ms

TEST_F(KtmTimeout, a_transaction_whose_time_is_up_is_rolled_back) {
    ASSERT_EQ(create(-hour), STATUS_SUCCESS);
    Named name(u"\\Registry\\Machine\\Software\\KtmTimeout");
    HANDLE key = nullptr;
    ASSERT_EQ(NtCreateKeyTransacted(&key, KEY_ALL_ACCESS, &name.attributes, 0, nullptr, 0, transaction_, nullptr),
              STATUS_SUCCESS);
    enlist();
    Properties soon({}, -instant);
    EXPECT_EQ(set(transaction_, soon), STATUS_SUCCESS);
    EXPECT_TRUE(rolls_back());
    EXPECT_EQ(NtCommitTransaction(transaction_, TRUE), STATUS_TRANSACTION_ALREADY_ABORTED);
    EXPECT_EQ(set_dword(key, u"v", 1), STATUS_TRANSACTION_NOT_ACTIVE);
    NtClose(key);
    EXPECT_EQ(open_key(name.text, &key), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_F(KtmTimeout, a_system_time_is_a_limit_too) {
    ASSERT_EQ(create(), STATUS_SUCCESS);
    enlist();
    Properties past({}, 1);
    EXPECT_EQ(set(transaction_, past), STATUS_SUCCESS);
    EXPECT_TRUE(rolls_back());
}

// One that is made later and has as long tells when the first one's time is up.
TEST_F(KtmTimeout, what_was_committed_in_time_stays) {
    ASSERT_EQ(create(-second), STATUS_SUCCESS);
    ASSERT_EQ(NtCommitTransaction(transaction_, TRUE), STATUS_SUCCESS);
    const HANDLE committed = std::exchange(transaction_, nullptr);
    ASSERT_EQ(create(-second), STATUS_SUCCESS);
    enlist();
    EXPECT_TRUE(rolls_back());
    EXPECT_EQ(NtCommitTransaction(committed, TRUE), STATUS_TRANSACTION_ALREADY_COMMITTED);
    NtClose(committed);
}

TEST_F(KtmTimeout, a_later_time_takes_the_place_of_an_earlier_one) {
    ASSERT_EQ(create(-second), STATUS_SUCCESS);
    Properties later(u"d", -hour);
    ASSERT_EQ(set(transaction_, later), STATUS_SUCCESS);
    const HANDLE other = std::exchange(transaction_, nullptr);
    ASSERT_EQ(create(-second), STATUS_SUCCESS);
    enlist();
    EXPECT_TRUE(rolls_back());
    EXPECT_EQ(NtCommitTransaction(other, TRUE), STATUS_SUCCESS);
    NtClose(other);
}

}  // namespace
}  // namespace regent::test
