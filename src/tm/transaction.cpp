#include "tm/transaction.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "ex/call_driver.h"

namespace regent::tm {

namespace {

// Transactions that are not over, by id. An entry is no reference: it goes before the body does.
struct Directory {
    Mutex<LockRank::leaf> lock;
    std::vector<Transaction*> all RG_GUARDED_BY(lock);
};
Directory& directory() {
    static Directory& instance = *new Directory;
    return instance;
}

bool same_id(const GUID& a, const GUID& b) { return std::memcmp(&a, &b, sizeof(a)) == 0; }

}  // namespace

LARGE_INTEGER virtual_clock() {
    static std::atomic<LONGLONG> clock{1};
    LARGE_INTEGER now;
    now.QuadPart = clock.fetch_add(1, std::memory_order_relaxed);
    return now;
}

// ---- managers

Result<void> TransactionManager::add(const GUID& id) {
    ExclusiveGuard guard(lock_);
    if (std::any_of(ids_.begin(), ids_.end(), [&](const GUID& each) { return same_id(each, id); }))
        return fail(STATUS_OBJECT_NAME_COLLISION);
    ids_.push_back(id);
    return {};
}

void TransactionManager::remove(const GUID& id) {
    ExclusiveGuard guard(lock_);
    std::erase_if(ids_, [&](const GUID& each) { return same_id(each, id); });
}

Result<void> ResourceManager::enable_callbacks(PTM_RM_NOTIFICATION routine, PVOID key) {
    if (routine == nullptr) return fail(STATUS_UNSUCCESSFUL);
    PTM_RM_NOTIFICATION none = nullptr;
    key_.store(key, std::memory_order_relaxed);
    if (!routine_.compare_exchange_strong(none, routine, std::memory_order_acq_rel))
        return fail(STATUS_INVALID_PARAMETER);
    return {};
}

void ResourceManager::disconnect() {
    connected_.store(false, std::memory_order_release);
    for (const auto& each : Transaction::all()) each->forget(*this);
}

NTSTATUS ResourceManager::notify(Enlistment& enlistment, ULONG notification) {
    PTM_RM_NOTIFICATION routine = routine_.load(std::memory_order_acquire);
    if (routine == nullptr || !connected()) return STATUS_INVALID_DEVICE_STATE;
    LARGE_INTEGER clock = virtual_clock();
    return ex::call_driver("resource manager's notification", routine, reinterpret_cast<PKENLISTMENT>(&enlistment),
                           key_.load(std::memory_order_relaxed), enlistment.start().key, notification, &clock, ULONG{0},
                           static_cast<PVOID>(nullptr));
}

// ---- transactions

Result<ob::ObjectRef<Transaction>> Transaction::create(const GUID& id, Properties properties) {
    auto made = ob::create_body<Transaction>(transaction_type(), id);
    if (!made) return made;
    {
        Directory& all = directory();
        ExclusiveGuard guard(all.lock);
        all.all.push_back(made->get());
    }
    RG_TRY((*made)->set_properties(std::move(properties)));
    return made;
}

Transaction::~Transaction() {
    if (deadline_) deadline_->cancel();
    Directory& all = directory();
    ExclusiveGuard guard(all.lock);
    std::erase(all.all, this);
}

Transaction::Properties Transaction::properties() const {
    ExclusiveGuard guard(lock_);
    return properties_;
}

Result<void> Transaction::set_properties(Properties properties) {
    Ref<Deadline> deadline;
    ExclusiveGuard guard(lock_);
    if (phase_ != Phase::active) return fail(STATUS_TRANSACTION_NOT_ACTIVE);
    if (deadline_) deadline_->cancel();
    if (properties.timeout.QuadPart != 0) deadline = Deadline::start(id_, properties.timeout);
    deadline_ = std::move(deadline);
    properties_ = std::move(properties);
    return {};
}

ob::ObjectRef<Transaction> Transaction::find(const GUID& id) {
    Directory& all = directory();
    ExclusiveGuard guard(all.lock);
    for (Transaction* each : all.all) {
        if (same_id(each->id_, id) && ob::try_reference(each)) return ob::ObjectRef<Transaction>::adopt(each);
    }
    return nullptr;
}

std::vector<ob::ObjectRef<Transaction>> Transaction::all() {
    std::vector<ob::ObjectRef<Transaction>> found;
    Directory& entries = directory();
    ExclusiveGuard guard(entries.lock);
    for (Transaction* each : entries.all) {
        if (ob::try_reference(each)) found.push_back(ob::ObjectRef<Transaction>::adopt(each));
    }
    return found;
}

TRANSACTION_OUTCOME Transaction::outcome() const {
    ExclusiveGuard guard(lock_);
    if (phase_ == Phase::committed) return TransactionOutcomeCommitted;
    return phase_ == Phase::aborted ? TransactionOutcomeAborted : TransactionOutcomeUndetermined;
}

bool Transaction::active() const {
    ExclusiveGuard guard(lock_);
    return phase_ == Phase::active;
}

Result<Ref<Participant>> Transaction::ensure_participant(const std::function<Ref<Participant>()>& make) {
    ExclusiveGuard guard(lock_);
    // Resource managers may still work on what they prepare (the point of no return comes after).
    if (phase_ > Phase::prepare) return fail(STATUS_TRANSACTION_NOT_ACTIVE);
    if (!participant_) participant_ = make();
    return participant_;
}

Result<void> Transaction::enlist(ob::ObjectRef<Enlistment> enlistment) {
    ExclusiveGuard guard(lock_);
    if (phase_ != Phase::active && phase_ != Phase::preprepare) return fail(STATUS_TRANSACTION_NOT_ACTIVE);
    const auto superior = [](const auto& each) { return each->start().superior; };
    if (enlistment->start().superior && std::any_of(enlistments_.begin(), enlistments_.end(), superior))
        return fail(STATUS_TRANSACTION_SUPERIOR_EXISTS);
    enlistments_.push_back(std::move(enlistment));
    return {};
}

// ---- the phases

ULONG Transaction::notification_of(Phase phase) {
    switch (phase) {
        case Phase::preprepare:
            return TRANSACTION_NOTIFY_PREPREPARE;
        case Phase::prepare:
            return TRANSACTION_NOTIFY_PREPARE;
        case Phase::single_phase:
            return TRANSACTION_NOTIFY_SINGLE_PHASE_COMMIT;
        case Phase::commit:
            return TRANSACTION_NOTIFY_COMMIT;
        case Phase::rollback:
            return TRANSACTION_NOTIFY_ROLLBACK;
        default:
            return 0;
    }
}

NTSTATUS Transaction::refusal_locked() const {
    switch (phase_) {
        case Phase::committed:
            return STATUS_TRANSACTION_ALREADY_COMMITTED;
        case Phase::rollback_participants:
        case Phase::rollback:
        case Phase::aborted:
            return STATUS_TRANSACTION_ALREADY_ABORTED;
        default:
            return STATUS_TRANSACTION_REQUEST_NOT_VALID;
    }
}

void Transaction::enter_locked(Phase phase) {
    phase_ = phase;
    for (const auto& each : enlistments_) each->state_ = Enlistment::State::idle;
    if (over_locked()) changed_.notify_all();
}

bool Transaction::one_phase_is_enough_locked() const {
    if (participant_) return false;
    const Enlistment* only = nullptr;
    for (const auto& each : enlistments_) {
        if (each->read_only_) continue;
        if (only != nullptr || each->start().superior) return false;
        only = each.get();
    }
    return only != nullptr && (only->start().mask & TRANSACTION_NOTIFY_SINGLE_PHASE_COMMIT) != 0;
}

Transaction::Step Transaction::next_step_locked() {
    using Kind = Step::Kind;
    for (;;) {
        if (phase_ == Phase::active || over_locked()) return {};
        if (phase_ == Phase::participants) return {Kind::commit_participants, nullptr, 0};
        if (phase_ == Phase::rollback_participants) return {Kind::roll_back_participants, nullptr, 0};
        const ULONG notification = notification_of(phase_);
        bool all_done = true;
        for (const auto& each : enlistments_) {
            if (each->state_ == Enlistment::State::idle && (each->start().mask & notification) != 0 &&
                !each->read_only_) {
                each->state_ = Enlistment::State::told;
                return {Kind::notify, each, notification};
            }
            if (each->state_ == Enlistment::State::told) all_done = false;
        }
        if (!all_done) return {};
        switch (phase_) {
            case Phase::preprepare:
                enter_locked(Phase::prepare);
                break;
            case Phase::prepare:
                enter_locked(Phase::participants);
                break;
            case Phase::rollback:
                enter_locked(Phase::aborted);
                break;
            default:
                enter_locked(Phase::committed);
                break;
        }
    }
}

void Transaction::give_up_locked(Enlistment& enlistment) {
    if (phase_ == Phase::commit || phase_ == Phase::rollback)
        enlistment.state_ = Enlistment::State::done;
    else
        enter_locked(Phase::rollback_participants);
}

// What a resource manager answers at once counts as its completion, unless it is that it will complete later.
void Transaction::notify(Enlistment& enlistment, ULONG notification) {
    const NTSTATUS status = enlistment.start().manager->notify(enlistment, notification);
    ExclusiveGuard guard(lock_);
    if (notification_of(phase_) != notification || enlistment.state_ != Enlistment::State::told) return;
    // Gone before it could complete: forget() may have looked before it was told.
    const bool lost = status == STATUS_PENDING && !enlistment.start().manager->connected();
    if (lost || !NT_SUCCESS(status)) return give_up_locked(enlistment);
    if (status != STATUS_PENDING) enlistment.state_ = Enlistment::State::done;
}

void Transaction::perform(Step step) {
    if (step.kind == Step::Kind::notify) return notify(*step.enlistment, step.notification);
    Ref<Participant> participant;
    {
        ExclusiveGuard guard(lock_);
        participant = participant_;
    }
    if (step.kind == Step::Kind::roll_back_participants) {
        if (participant) participant->rollback();
        ExclusiveGuard guard(lock_);
        return enter_locked(Phase::rollback);
    }
    const Result<void> committed = participant ? participant->commit() : Result<void>{};
    ExclusiveGuard guard(lock_);
    if (!committed) failure_ = committed.error().code();
    enter_locked(committed ? Phase::commit : Phase::rollback_participants);
}

// One thread at a time; who comes while it runs leaves what he changed to it.
void Transaction::run() {
    {
        ExclusiveGuard guard(lock_);
        if (running_) return;
        running_ = true;
    }
    for (;;) {
        Step step;
        {
            ExclusiveGuard guard(lock_);
            step = next_step_locked();
            if (step.kind == Step::Kind::none) running_ = false;
        }
        if (step.kind == Step::Kind::none) break;
        perform(std::move(step));
    }
    // Enlistments refer to the transaction: they go when it is over.
    std::vector<ob::ObjectRef<Enlistment>> doomed;
    Ref<Participant> participant;
    ExclusiveGuard guard(lock_);
    if (!over_locked()) return;
    doomed.swap(enlistments_);
    participant = std::move(participant_);
    if (deadline_) std::exchange(deadline_, nullptr)->cancel();
}

NTSTATUS Transaction::finish(bool wait, Phase wanted) {
    run();
    ExclusiveGuard guard(lock_);
    if (!over_locked() && !wait) return STATUS_PENDING;
    changed_.wait(lock_, [this]() RG_NO_ANALYSIS { return over_locked(); });
    if (phase_ == wanted) return STATUS_SUCCESS;
    return phase_ == Phase::committed ? STATUS_TRANSACTION_ALREADY_COMMITTED : failure_;
}

NTSTATUS Transaction::commit(bool wait) {
    {
        ExclusiveGuard guard(lock_);
        if (phase_ != Phase::active) return refusal_locked();
        const auto superior = [](const auto& each) { return each->start().superior; };
        if (std::any_of(enlistments_.begin(), enlistments_.end(), superior)) return STATUS_TRANSACTION_SUPERIOR_EXISTS;
        enter_locked(one_phase_is_enough_locked() ? Phase::single_phase : Phase::preprepare);
    }
    return finish(wait, Phase::committed);
}

NTSTATUS Transaction::rollback(bool wait) {
    {
        ExclusiveGuard guard(lock_);
        if (phase_ > Phase::single_phase) return refusal_locked();
        enter_locked(Phase::rollback_participants);
    }
    return finish(wait, Phase::aborted);
}

// ---- answers

NTSTATUS Transaction::complete(Enlistment& enlistment, ULONG notification) {
    {
        ExclusiveGuard guard(lock_);
        ULONG asked = notification_of(phase_);
        // A single phase ends by the completion of a commit.
        if (phase_ == Phase::single_phase) asked = TRANSACTION_NOTIFY_COMMIT;
        if (asked != notification || enlistment.state_ != Enlistment::State::told)
            return STATUS_TRANSACTION_NOT_REQUESTED;
        enlistment.state_ = Enlistment::State::done;
    }
    run();
    return STATUS_SUCCESS;
}

NTSTATUS Transaction::make_read_only(Enlistment& enlistment) {
    {
        ExclusiveGuard guard(lock_);
        if (phase_ > Phase::prepare) return STATUS_TRANSACTION_REQUEST_NOT_VALID;
        enlistment.read_only_ = true;
        enlistment.state_ = Enlistment::State::done;
    }
    run();
    return STATUS_SUCCESS;
}

NTSTATUS Transaction::reject_single_phase(Enlistment& enlistment) {
    {
        ExclusiveGuard guard(lock_);
        if (phase_ != Phase::single_phase || enlistment.state_ != Enlistment::State::told)
            return STATUS_TRANSACTION_NOT_REQUESTED;
        enter_locked(Phase::preprepare);
    }
    run();
    return STATUS_SUCCESS;
}

void Transaction::forget(const ResourceManager& manager) {
    {
        ExclusiveGuard guard(lock_);
        for (const auto& each : enlistments_) {
            if (each->state_ == Enlistment::State::told && each->start().manager.get() == &manager)
                give_up_locked(*each);
        }
    }
    run();
}

NTSTATUS Transaction::rollback_enlistment(Enlistment& enlistment) {
    {
        ExclusiveGuard guard(lock_);
        const bool prepared = phase_ == Phase::prepare && enlistment.state_ == Enlistment::State::done;
        if (phase_ > Phase::single_phase || prepared) return STATUS_TRANSACTION_REQUEST_NOT_VALID;
        enter_locked(Phase::rollback_participants);
    }
    run();
    return STATUS_SUCCESS;
}

}  // namespace regent::tm
