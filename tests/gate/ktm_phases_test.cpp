// The phases of a transaction of the KTM as its resource managers are told them: in which order, to whom, and what
// they may answer. TR-11, TR-13. Sources: msdn ZwCommitTransaction, "Transaction Notifications", NOTIFICATION_MASK.
#include <functional>
#include <map>

#include "ktm_store.h"

namespace regent::test {
namespace {

using Told = std::vector<std::string>;

constexpr ULONG two_phases = TRANSACTION_NOTIFY_PREPREPARE | TRANSACTION_NOTIFY_PREPARE | TRANSACTION_NOTIFY_COMMIT |
                             TRANSACTION_NOTIFY_ROLLBACK;
constexpr ULONG one_phase = two_phases | TRANSACTION_NOTIFY_SINGLE_PHASE_COMMIT;

const char* name_of(ULONG notification) {
    static const std::map<ULONG, const char*> names = {{TRANSACTION_NOTIFY_PREPREPARE, "preprepare"},
                                                       {TRANSACTION_NOTIFY_PREPARE, "prepare"},
                                                       {TRANSACTION_NOTIFY_COMMIT, "commit"},
                                                       {TRANSACTION_NOTIFY_ROLLBACK, "rollback"},
                                                       {TRANSACTION_NOTIFY_SINGLE_PHASE_COMMIT, "single"}};
    const auto known = names.find(notification);
    return known == names.end() ? "?" : known->second;
}

// One enlistment: says "name.notification" in the log, does what its script says and answers.
struct Part {
    std::string name;
    Told* told;
    std::map<ULONG, NTSTATUS> answers = {};  // SUCCESS where it says nothing
    std::function<void(ULONG)> script = {};
    HANDLE handle = nullptr;
};

LONGLONG last_clock = 0;

NTSTATUS NTAPI notified(PKENLISTMENT, PVOID, PVOID key, ULONG notification, PLARGE_INTEGER clock, ULONG, PVOID) {
    auto& part = *static_cast<Part*>(key);
    part.told->push_back(part.name + "." + name_of(notification));
    EXPECT_GT(clock->QuadPart, last_clock);
    last_clock = clock->QuadPart;
    if (part.script) part.script(notification);
    const auto answer = part.answers.find(notification);
    return answer == part.answers.end() ? STATUS_SUCCESS : answer->second;
}

class KtmPhases : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(ktm_store());
        manager_.open(notified);
        ASSERT_EQ(NtCreateTransaction(&transaction_, TRANSACTION_ALL_ACCESS, nullptr, nullptr, nullptr, 0, 0, 0,
                                      nullptr, nullptr),
                  STATUS_SUCCESS);
    }
    void TearDown() override {
        for (const HANDLE handle : enlistments_) NtClose(handle);
        if (transaction_ != nullptr) NtClose(transaction_);
        manager_.close();
    }
    NTSTATUS enlist(Part& part, ULONG mask) {
        const NTSTATUS status = NtCreateEnlistment(&part.handle, ENLISTMENT_ALL_ACCESS, manager_.resource, transaction_,
                                                   nullptr, 0, mask, &part);
        if (status == STATUS_SUCCESS) enlistments_.push_back(part.handle);
        return status;
    }
    NTSTATUS commit() { return NtCommitTransaction(transaction_, FALSE); }

    Told told_;
    ResourceManager manager_;
    HANDLE transaction_ = nullptr;
    std::vector<HANDLE> enlistments_;
};

TEST_F(KtmPhases, each_phase_is_over_for_all_before_the_next_begins) {
    Part a{"a", &told_, {{TRANSACTION_NOTIFY_PREPREPARE, STATUS_PENDING}, {TRANSACTION_NOTIFY_COMMIT, STATUS_PENDING}}};
    Part b{"b", &told_, {{TRANSACTION_NOTIFY_PREPARE, STATUS_PENDING}}};
    ASSERT_EQ(enlist(a, two_phases), STATUS_SUCCESS);
    ASSERT_EQ(enlist(b, two_phases), STATUS_SUCCESS);
    EXPECT_EQ(commit(), STATUS_PENDING);
    EXPECT_EQ(told_, (Told{"a.preprepare", "b.preprepare"}));
    EXPECT_EQ(commit(), STATUS_TRANSACTION_REQUEST_NOT_VALID);
    EXPECT_EQ(NtPrepareComplete(a.handle, nullptr), STATUS_TRANSACTION_NOT_REQUESTED);
    EXPECT_EQ(NtPrePrepareComplete(a.handle, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(told_, (Told{"a.preprepare", "b.preprepare", "a.prepare", "b.prepare"}));
    EXPECT_EQ(NtPrePrepareComplete(a.handle, nullptr), STATUS_TRANSACTION_NOT_REQUESTED);
    EXPECT_EQ(NtCommitComplete(b.handle, nullptr), STATUS_TRANSACTION_NOT_REQUESTED);
    told_.clear();
    EXPECT_EQ(NtPrepareComplete(b.handle, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(told_, (Told{"a.commit", "b.commit"}));
    // It is decided, and not over before the last has said so.
    EXPECT_EQ(NtRollbackTransaction(transaction_, TRUE), STATUS_TRANSACTION_REQUEST_NOT_VALID);
    EXPECT_EQ(NtCommitComplete(a.handle, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(commit(), STATUS_TRANSACTION_ALREADY_COMMITTED);
    EXPECT_EQ(NtRollbackTransaction(transaction_, TRUE), STATUS_TRANSACTION_ALREADY_COMMITTED);
}

TEST_F(KtmPhases, an_enlistment_is_told_what_its_mask_names_and_nothing_else) {
    Part plain{"plain", &told_};
    Part whole{"whole", &told_};
    Part undo{"undo", &told_};
    ASSERT_EQ(enlist(plain, TRANSACTION_NOTIFY_COMMIT | TRANSACTION_NOTIFY_ROLLBACK), STATUS_SUCCESS);
    ASSERT_EQ(enlist(whole, two_phases), STATUS_SUCCESS);
    ASSERT_EQ(enlist(undo, TRANSACTION_NOTIFY_ROLLBACK), STATUS_SUCCESS);
    EXPECT_EQ(commit(), STATUS_SUCCESS);
    EXPECT_EQ(told_, (Told{"whole.preprepare", "whole.prepare", "plain.commit", "whole.commit"}));
}

TEST_F(KtmPhases, a_mask_of_nothing_or_of_unknown_bits_is_refused) {
    Part part{"a", &told_};
    EXPECT_EQ(enlist(part, 0), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(enlist(part, 0x40000000 | two_phases), STATUS_INVALID_PARAMETER);
}

// Work that is done to pre-prepare may need others; later it is too late.
TEST_F(KtmPhases, others_may_enlist_while_one_pre_prepares) {
    Part late{"late", &told_};
    Part later{"later", &told_};
    Part first{"first", &told_};
    first.script = [&](ULONG notification) {
        if (notification == TRANSACTION_NOTIFY_PREPREPARE) {
            EXPECT_EQ(enlist(late, two_phases), STATUS_SUCCESS);
        }
        if (notification == TRANSACTION_NOTIFY_PREPARE) {
            EXPECT_EQ(enlist(later, two_phases), STATUS_TRANSACTION_NOT_ACTIVE);
        }
    };
    ASSERT_EQ(enlist(first, two_phases), STATUS_SUCCESS);
    EXPECT_EQ(commit(), STATUS_SUCCESS);
    EXPECT_EQ(told_, (Told{"first.preprepare", "late.preprepare", "first.prepare", "late.prepare", "first.commit",
                           "late.commit"}));
}

TEST_F(KtmPhases, who_fails_to_prepare_rolls_everybody_back) {
    Part a{"a", &told_};
    Part b{"b", &told_, {{TRANSACTION_NOTIFY_PREPARE, STATUS_DISK_FULL}}};
    ASSERT_EQ(enlist(a, two_phases), STATUS_SUCCESS);
    ASSERT_EQ(enlist(b, two_phases), STATUS_SUCCESS);
    EXPECT_EQ(commit(), STATUS_TRANSACTION_ALREADY_ABORTED);
    EXPECT_EQ(told_, (Told{"a.preprepare", "b.preprepare", "a.prepare", "b.prepare", "a.rollback", "b.rollback"}));
    EXPECT_EQ(NtRollbackTransaction(transaction_, TRUE), STATUS_TRANSACTION_ALREADY_ABORTED);
}

TEST_F(KtmPhases, an_enlistment_rolls_back_until_it_has_prepared) {
    Part a{"a", &told_};
    Part b{"b", &told_, {{TRANSACTION_NOTIFY_PREPARE, STATUS_PENDING}, {TRANSACTION_NOTIFY_ROLLBACK, STATUS_PENDING}}};
    ASSERT_EQ(enlist(a, two_phases), STATUS_SUCCESS);
    ASSERT_EQ(enlist(b, two_phases), STATUS_SUCCESS);
    EXPECT_EQ(commit(), STATUS_PENDING);
    EXPECT_EQ(NtRollbackEnlistment(a.handle, nullptr), STATUS_TRANSACTION_REQUEST_NOT_VALID);
    told_.clear();
    EXPECT_EQ(NtRollbackEnlistment(b.handle, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(told_, (Told{"a.rollback", "b.rollback"}));
    EXPECT_EQ(NtRollbackComplete(a.handle, nullptr), STATUS_TRANSACTION_NOT_REQUESTED);
    EXPECT_EQ(NtRollbackComplete(b.handle, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(commit(), STATUS_TRANSACTION_ALREADY_ABORTED);
}

TEST_F(KtmPhases, who_takes_part_read_only_is_told_nothing_more) {
    Part reader{"reader", &told_};
    Part writer{"writer", &told_};
    reader.script = [&](ULONG notification) {
        if (notification == TRANSACTION_NOTIFY_PREPARE) {
            EXPECT_EQ(NtReadOnlyEnlistment(reader.handle, nullptr), STATUS_SUCCESS);
        }
    };
    ASSERT_EQ(enlist(reader, two_phases), STATUS_SUCCESS);
    ASSERT_EQ(enlist(writer, two_phases), STATUS_SUCCESS);
    EXPECT_EQ(commit(), STATUS_SUCCESS);
    EXPECT_EQ(told_,
              (Told{"reader.preprepare", "writer.preprepare", "reader.prepare", "writer.prepare", "writer.commit"}));
}

TEST_F(KtmPhases, closing_the_last_handle_of_an_active_transaction_rolls_back) {
    Part part{"a", &told_};
    ASSERT_EQ(enlist(part, two_phases), STATUS_SUCCESS);
    EXPECT_EQ(NtClose(std::exchange(transaction_, nullptr)), STATUS_SUCCESS);
    EXPECT_EQ(told_, (Told{"a.rollback"}));
}

// ---- the single phase

TEST_F(KtmPhases, the_only_one_that_can_is_told_a_single_phase) {
    Part part{"a", &told_, {{TRANSACTION_NOTIFY_SINGLE_PHASE_COMMIT, STATUS_PENDING}}};
    ASSERT_EQ(enlist(part, one_phase), STATUS_SUCCESS);
    EXPECT_EQ(commit(), STATUS_PENDING);
    EXPECT_EQ(told_, (Told{"a.single"}));
    EXPECT_EQ(NtPrepareComplete(part.handle, nullptr), STATUS_TRANSACTION_NOT_REQUESTED);
    EXPECT_EQ(NtCommitComplete(part.handle, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(told_, (Told{"a.single"}));
    EXPECT_EQ(commit(), STATUS_TRANSACTION_ALREADY_COMMITTED);
}

TEST_F(KtmPhases, a_single_phase_that_is_rejected_becomes_two) {
    Part part{"a", &told_, {{TRANSACTION_NOTIFY_SINGLE_PHASE_COMMIT, STATUS_PENDING}}};
    ASSERT_EQ(enlist(part, one_phase), STATUS_SUCCESS);
    EXPECT_EQ(NtSinglePhaseReject(part.handle, nullptr), STATUS_TRANSACTION_NOT_REQUESTED);
    EXPECT_EQ(commit(), STATUS_PENDING);
    EXPECT_EQ(NtSinglePhaseReject(part.handle, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(told_, (Told{"a.single", "a.preprepare", "a.prepare", "a.commit"}));
    EXPECT_EQ(commit(), STATUS_TRANSACTION_ALREADY_COMMITTED);
}

TEST_F(KtmPhases, two_that_could_take_a_single_phase_get_two) {
    Part a{"a", &told_};
    Part b{"b", &told_};
    ASSERT_EQ(enlist(a, one_phase), STATUS_SUCCESS);
    ASSERT_EQ(enlist(b, one_phase), STATUS_SUCCESS);
    EXPECT_EQ(commit(), STATUS_SUCCESS);
    EXPECT_EQ(told_, (Told{"a.preprepare", "b.preprepare", "a.prepare", "b.prepare", "a.commit", "b.commit"}));
}

TEST_F(KtmPhases, beside_a_reader_a_single_phase_is_enough) {
    Part reader{"reader", &told_};
    Part writer{"writer", &told_};
    ASSERT_EQ(enlist(reader, one_phase), STATUS_SUCCESS);
    ASSERT_EQ(enlist(writer, one_phase), STATUS_SUCCESS);
    EXPECT_EQ(NtReadOnlyEnlistment(reader.handle, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(commit(), STATUS_SUCCESS);
    EXPECT_EQ(told_, (Told{"writer.single"}));
}

// ---- the registry's part

TEST_F(KtmPhases, keys_are_committed_between_prepare_and_commit_and_take_part_as_one_more) {
    const auto visible = [] {
        HANDLE key = nullptr;
        const NTSTATUS status = open_key(u"\\Registry\\Machine\\Software\\KtmPhases", &key);
        if (status == STATUS_SUCCESS) NtClose(key);
        return status == STATUS_SUCCESS;
    };
    Named name(u"\\Registry\\Machine\\Software\\KtmPhases");
    HANDLE key = nullptr;
    ASSERT_EQ(NtCreateKeyTransacted(&key, KEY_ALL_ACCESS, &name.attributes, 0, nullptr, REG_OPTION_VOLATILE,
                                    transaction_, nullptr),
              STATUS_SUCCESS);
    Part part{"a", &told_};
    part.script = [&](ULONG) { told_.back() += visible() ? " seen" : " unseen"; };
    ASSERT_EQ(enlist(part, one_phase), STATUS_SUCCESS);
    EXPECT_EQ(commit(), STATUS_SUCCESS);
    EXPECT_EQ(told_, (Told{"a.preprepare unseen", "a.prepare unseen", "a.commit seen"}));
    NtClose(key);
    ASSERT_EQ(open_key(name.text, &key, DELETE), STATUS_SUCCESS);
    EXPECT_EQ(NtDeleteKey(key), STATUS_SUCCESS);
    NtClose(key);
}

}  // namespace
}  // namespace regent::test
