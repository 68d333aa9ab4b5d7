// The kernel transaction manager: transactions, and the resource managers that take part in them by enlisting.
//
// A commit goes through phases; in each one every enlistment that asked for it is told once, and all have to be done
// before the next begins:
//   PREPREPARE, PREPARE, (the executive's own participants commit), COMMIT; or ROLLBACK at any time before the last two
// A single enlistment that asked for SINGLE_PHASE_COMMIT, with no participant beside it, is told only that. Whoever
// makes progress possible (the committer, or a driver that completes later) runs the next phase, with no lock held over
// a callback. While enlistments pre-prepare, others may come and are told the same. Transactions and managers are
// volatile: nothing of them is in a file, so there is nothing to recover.
#pragma once

#include <functional>
#include <vector>

#include "ob/object.h"
#include "rtl/lock.h"
#include "tm/deadline.h"
#include "wdk/wdm/tm.h"

namespace regent::tm {

// A part of the executive that takes part in a transaction. Called with no lock held.
class Participant : public rtl::RefCounted {
public:
    virtual Result<void> commit() = 0;  // a failure rolls the transaction back
    virtual void rollback() = 0;
};

ob::ObjectType& transaction_type();
ob::ObjectType& manager_type();
ob::ObjectType& resource_manager_type();
ob::ObjectType& enlistment_type();
// Lets drivers see them.
void publish_types();

class Enlistment;
class ResourceManager;

// Body of a "TmTm" object. Internally synchronised.
class TransactionManager {
public:
    // ERRORS: OBJECT_NAME_COLLISION (a manager of that id is there).
    Result<void> add(const GUID& id);
    void remove(const GUID& id);

private:
    Mutex<LockRank::leaf> lock_;
    std::vector<GUID> ids_ RG_GUARDED_BY(lock_);
};

// Body of a "TmRm" object. Internally synchronised.
class ResourceManager {
public:
    ResourceManager(ob::ObjectRef<TransactionManager> manager, const GUID& id)
        : manager_(std::move(manager)), id_(id) {}
    ~ResourceManager() { manager_->remove(id_); }

    // ERRORS: UNSUCCESSFUL (no routine), INVALID_PARAMETER (has one).
    Result<void> enable_callbacks(PTM_RM_NOTIFICATION routine, PVOID key);
    // What the routine answers; when there is none, or the last handle was closed, INVALID_DEVICE_STATE.
    NTSTATUS notify(Enlistment& enlistment, ULONG notification);
    bool connected() const { return connected_.load(std::memory_order_acquire); }
    // Nobody answers for it any more: what waits for its completions goes on without them. REQUIRES: no lock of tm
    // held.
    void disconnect();

private:
    const ob::ObjectRef<TransactionManager> manager_;
    const GUID id_;
    std::atomic<bool> connected_{true};
    std::atomic<PTM_RM_NOTIFICATION> routine_{nullptr};
    std::atomic<PVOID> key_{nullptr};
};

// Body of a "TmTx" object. Internally synchronised by a lock of rank tm, which is not held over callbacks.
class Transaction {
public:
    // What may be changed while it is active. (Isolation is reserved and always 0.)
    struct Properties {
        LARGE_INTEGER timeout{};  // 0: none; negative: from when it is set; else a system time
        Utf16 description;
    };
    // ERRORS: INSUFFICIENT_RESOURCES.
    static Result<ob::ObjectRef<Transaction>> create(const GUID& id, Properties properties);
    // The active or ending transaction of that id; null when there is none.
    static ob::ObjectRef<Transaction> find(const GUID& id);

    explicit Transaction(const GUID& id) : id_(id) {}
    ~Transaction();

    const GUID& id() const { return id_; }
    Properties properties() const;
    // Its time begins anew. ERRORS: TRANSACTION_NOT_ACTIVE.
    Result<void> set_properties(Properties properties);
    TRANSACTION_OUTCOME outcome() const;
    bool active() const;

    // The participant of that kind, made by `make` when there is none yet. ERRORS: TRANSACTION_NOT_ACTIVE.
    Result<Ref<Participant>> ensure_participant(const std::function<Ref<Participant>()>& make);
    // ERRORS: TRANSACTION_NOT_ACTIVE, TRANSACTION_SUPERIOR_EXISTS.
    Result<void> enlist(ob::ObjectRef<Enlistment> enlistment);

    // SUCCESS; PENDING (only without `wait`); TRANSACTION_ALREADY_COMMITTED, TRANSACTION_ALREADY_ABORTED (also: it was
    // rolled back instead), TRANSACTION_REQUEST_NOT_VALID (already under way), TRANSACTION_SUPERIOR_EXISTS, what a
    // participant's commit failed with.
    NTSTATUS commit(bool wait);
    NTSTATUS rollback(bool wait);

    // --- what enlistments answer. ERRORS: TRANSACTION_NOT_REQUESTED (not told that), TRANSACTION_REQUEST_NOT_VALID.
    NTSTATUS complete(Enlistment& enlistment, ULONG notification);
    NTSTATUS make_read_only(Enlistment& enlistment);
    NTSTATUS reject_single_phase(Enlistment& enlistment);
    NTSTATUS rollback_enlistment(Enlistment& enlistment);
    // The manager is gone: what it was told and has not answered rolls back, or, once the outcome is known, is done
    // (inferred).
    void forget(const ResourceManager& manager);
    static std::vector<ob::ObjectRef<Transaction>> all();

private:
    enum class Phase : std::uint8_t {
        active,
        preprepare,
        prepare,
        single_phase,
        participants,
        commit,
        rollback_participants,
        rollback,
        committed,
        aborted
    };
    struct Step {
        enum class Kind : std::uint8_t { none, notify, commit_participants, roll_back_participants } kind = Kind::none;
        ob::ObjectRef<Enlistment> enlistment;
        ULONG notification = 0;
    };

    static ULONG notification_of(Phase phase);
    bool over_locked() const RG_REQUIRES(lock_) { return phase_ == Phase::committed || phase_ == Phase::aborted; }
    NTSTATUS refusal_locked() const RG_REQUIRES(lock_);
    void enter_locked(Phase phase) RG_REQUIRES(lock_);
    bool one_phase_is_enough_locked() const RG_REQUIRES(lock_);
    Step next_step_locked() RG_REQUIRES(lock_);
    void perform(Step step);
    void give_up_locked(Enlistment& enlistment) RG_REQUIRES(lock_);
    void notify(Enlistment& enlistment, ULONG notification);
    void run();
    NTSTATUS finish(bool wait, Phase wanted);

    const GUID id_;
    mutable Mutex<LockRank::tm> lock_;
    ConditionVariable changed_;
    Properties properties_ RG_GUARDED_BY(lock_);
    Ref<Deadline> deadline_ RG_GUARDED_BY(lock_);
    Phase phase_ RG_GUARDED_BY(lock_) = Phase::active;
    bool running_ RG_GUARDED_BY(lock_) = false;
    NTSTATUS failure_ RG_GUARDED_BY(lock_) = STATUS_TRANSACTION_ALREADY_ABORTED;
    std::vector<ob::ObjectRef<Enlistment>> enlistments_ RG_GUARDED_BY(lock_);
    Ref<Participant> participant_ RG_GUARDED_BY(lock_);
};

// Body of a "TmEn" object: a resource manager's part in a transaction. What changes is guarded by the transaction.
class Enlistment {
public:
    struct Start {
        ob::ObjectRef<ResourceManager> manager;
        ob::ObjectRef<Transaction> transaction;
        ULONG mask = 0;
        bool superior = false;
        PVOID key = nullptr;
    };
    explicit Enlistment(Start start) : start_(std::move(start)) {}
    const Start& start() const { return start_; }
    Transaction& transaction() const { return *start_.transaction; }

    std::atomic<std::int32_t> key_references{0};

private:
    friend class Transaction;
    enum class State : std::uint8_t { idle, told, done };
    const Start start_;
    State state_ = State::idle;
    bool read_only_ = false;
};

// Each later than all before.
LARGE_INTEGER virtual_clock();

}  // namespace regent::tm
