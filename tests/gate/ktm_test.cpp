// Transactions of the KTM and the drivers' side of them, where the one waits for the other (TR-13).
#include <atomic>
#include <chrono>
#include <future>

#include "ktm_store.h"
#include "wdk/wdm.h"

namespace regent::test {
namespace {

// A resource manager that answers PENDING to one notification and SUCCESS to all others.
struct Manager {
    ULONG pending_at = 0;
    std::promise<void> told;
    std::atomic<ULONG> seen{0};
};

NTSTATUS NTAPI answer(PKENLISTMENT, PVOID key, PVOID, ULONG notification, PLARGE_INTEGER, ULONG, PVOID) {
    auto& manager = *static_cast<Manager*>(key);
    manager.seen |= notification;
    if (notification != manager.pending_at) return STATUS_SUCCESS;
    manager.told.set_value();
    return STATUS_PENDING;
}

class KtmTest : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(ktm_store());
        ASSERT_EQ(NtCreateTransactionManager(&manager_, TRANSACTIONMANAGER_ALL_ACCESS, nullptr, nullptr,
                                             TRANSACTION_MANAGER_VOLATILE, 0),
                  STATUS_SUCCESS);
        GUID id{7, 7, 7, {}};
        ASSERT_EQ(NtCreateResourceManager(&resource_, RESOURCEMANAGER_ALL_ACCESS, manager_, &id, nullptr,
                                          RESOURCE_MANAGER_VOLATILE, nullptr),
                  STATUS_SUCCESS);
        ASSERT_EQ(NtCreateTransaction(&transaction_, TRANSACTION_ALL_ACCESS, nullptr, nullptr, nullptr, 0, 0, 0,
                                      nullptr, nullptr),
                  STATUS_SUCCESS);
        ASSERT_EQ(NtCreateEnlistment(&enlistment_, ENLISTMENT_ALL_ACCESS, resource_, transaction_, nullptr, 0,
                                     TRANSACTION_NOTIFY_PREPREPARE | TRANSACTION_NOTIFY_PREPARE |
                                         TRANSACTION_NOTIFY_COMMIT | TRANSACTION_NOTIFY_ROLLBACK,
                                     nullptr),
                  STATUS_SUCCESS);
    }
    void TearDown() override {
        for (const HANDLE handle : {enlistment_, transaction_, manager_}) NtClose(handle);
    }
    // The outcome of a commit that waits for `pending_at` when the resource manager is closed.
    NTSTATUS close_while(Manager& driver) {
        PVOID body = nullptr;
        EXPECT_EQ(ObReferenceObjectByHandle(resource_, 0, *TmResourceManagerObjectType, KernelMode, &body, nullptr),
                  STATUS_SUCCESS);
        EXPECT_EQ(TmEnableCallbacks(static_cast<PKRESOURCEMANAGER>(body), answer, &driver), STATUS_SUCCESS);
        ObDereferenceObject(body);
        auto commit = std::async(std::launch::async, [this] { return NtCommitTransaction(transaction_, TRUE); });
        driver.told.get_future().wait();
        EXPECT_EQ(commit.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
        NtClose(resource_);
        if (commit.wait_for(std::chrono::seconds(20)) != std::future_status::ready) {
            ADD_FAILURE() << "the commit hangs";
            std::quick_exit(1);  // a future that is never ready would keep the test from ending
        }
        return commit.get();
    }
    HANDLE manager_ = nullptr;
    HANDLE resource_ = nullptr;
    HANDLE transaction_ = nullptr;
    HANDLE enlistment_ = nullptr;
};

TEST_F(KtmTest, a_manager_closed_before_it_has_prepared_rolls_back) {
    Manager driver{.pending_at = TRANSACTION_NOTIFY_PREPARE, .told = {}, .seen = 0};
    EXPECT_EQ(close_while(driver), STATUS_TRANSACTION_ALREADY_ABORTED);
    EXPECT_EQ(driver.seen, ULONG{TRANSACTION_NOTIFY_PREPREPARE | TRANSACTION_NOTIFY_PREPARE});
    EXPECT_EQ(NtPrepareComplete(enlistment_, nullptr), STATUS_TRANSACTION_NOT_REQUESTED);
}

TEST_F(KtmTest, a_manager_closed_after_the_decision_changes_nothing) {
    Manager driver{.pending_at = TRANSACTION_NOTIFY_COMMIT, .told = {}, .seen = 0};
    EXPECT_EQ(close_while(driver), STATUS_SUCCESS);
    EXPECT_EQ(NtCommitTransaction(transaction_, TRUE), STATUS_TRANSACTION_ALREADY_COMMITTED);
}

}  // namespace
}  // namespace regent::test
