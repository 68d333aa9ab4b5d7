// The DDK's Tm* routines.
#include "ob/handle.h"
#include "tm/enlist.h"

using namespace regent;
using namespace regent::tm;

namespace {

Enlistment& body(PKENLISTMENT enlistment) { return *reinterpret_cast<Enlistment*>(enlistment); }
Transaction& body(PKTRANSACTION transaction) { return *reinterpret_cast<Transaction*>(transaction); }

NTSTATUS complete(PKENLISTMENT enlistment, ULONG notification) {
    return body(enlistment).transaction().complete(body(enlistment), notification);
}

}  // namespace

extern "C" {

NTSTATUS TmEnableCallbacks(PKRESOURCEMANAGER ResourceManager, PTM_RM_NOTIFICATION CallbackRoutine, PVOID RMKey) {
    auto* manager = reinterpret_cast<regent::tm::ResourceManager*>(ResourceManager);
    return rtl::to_ntstatus(manager->enable_callbacks(CallbackRoutine, RMKey));
}

NTSTATUS TmCreateEnlistment(PHANDLE EnlistmentHandle, KPROCESSOR_MODE PreviousMode, ACCESS_MASK DesiredAccess,
                            POBJECT_ATTRIBUTES ObjectAttributes, PRKRESOURCEMANAGER ResourceManager,
                            PKTRANSACTION Transaction, ULONG CreateOptions, NOTIFICATION_MASK NotificationMask,
                            PVOID EnlistmentKey) {
    const ob::CallerScope mode(PreviousMode);
    ob::ObjectAttributes attributes;
    if (ObjectAttributes != nullptr) {
        attributes.root = ObjectAttributes->RootDirectory;
        attributes.attributes = ObjectAttributes->Attributes;
        if (ObjectAttributes->ObjectName != nullptr) attributes.name = rtl::view(ObjectAttributes->ObjectName);
    }
    Enlistment::Start start;
    start.manager = ob::ObjectRef<regent::tm::ResourceManager>::retain(
        reinterpret_cast<regent::tm::ResourceManager*>(ResourceManager));
    start.transaction =
        ob::ObjectRef<regent::tm::Transaction>::retain(reinterpret_cast<regent::tm::Transaction*>(Transaction));
    start.mask = NotificationMask;
    start.key = EnlistmentKey;
    const auto made = create_enlistment(std::move(start), CreateOptions, DesiredAccess, attributes);
    if (!made) return made.error().code();
    *EnlistmentHandle = *made;
    return STATUS_SUCCESS;
}

NTSTATUS TmPrePrepareComplete(PKENLISTMENT Enlistment, PLARGE_INTEGER) {
    return complete(Enlistment, TRANSACTION_NOTIFY_PREPREPARE);
}
NTSTATUS TmPrepareComplete(PKENLISTMENT Enlistment, PLARGE_INTEGER) {
    return complete(Enlistment, TRANSACTION_NOTIFY_PREPARE);
}
NTSTATUS TmCommitComplete(PKENLISTMENT Enlistment, PLARGE_INTEGER) {
    return complete(Enlistment, TRANSACTION_NOTIFY_COMMIT);
}
NTSTATUS TmRollbackComplete(PKENLISTMENT Enlistment, PLARGE_INTEGER) {
    return complete(Enlistment, TRANSACTION_NOTIFY_ROLLBACK);
}
NTSTATUS TmReadOnlyEnlistment(PKENLISTMENT Enlistment, PLARGE_INTEGER) {
    return body(Enlistment).transaction().make_read_only(body(Enlistment));
}
NTSTATUS TmRollbackEnlistment(PKENLISTMENT Enlistment, PLARGE_INTEGER) {
    return body(Enlistment).transaction().rollback_enlistment(body(Enlistment));
}
NTSTATUS TmSinglePhaseReject(PKENLISTMENT Enlistment, PLARGE_INTEGER) {
    return body(Enlistment).transaction().reject_single_phase(body(Enlistment));
}

NTSTATUS TmReferenceEnlistmentKey(PKENLISTMENT Enlistment, PVOID* Key) {
    body(Enlistment).key_references.fetch_add(1, std::memory_order_acq_rel);
    *Key = body(Enlistment).start().key;
    return STATUS_SUCCESS;
}
NTSTATUS TmDereferenceEnlistmentKey(PKENLISTMENT Enlistment, PBOOLEAN LastReference) {
    const std::int32_t before = body(Enlistment).key_references.fetch_sub(1, std::memory_order_acq_rel);
    if (LastReference != nullptr) *LastReference = before == 1 ? TRUE : FALSE;
    return STATUS_SUCCESS;
}

NTSTATUS TmCommitTransaction(PKTRANSACTION Transaction, BOOLEAN Wait) { return body(Transaction).commit(Wait != 0); }
NTSTATUS TmRollbackTransaction(PKTRANSACTION Transaction, BOOLEAN Wait) {
    return body(Transaction).rollback(Wait != 0);
}
VOID TmGetTransactionId(PKTRANSACTION Transaction, PUOW TransactionId) { *TransactionId = body(Transaction).id(); }
BOOLEAN TmIsTransactionActive(PKTRANSACTION Transaction) { return body(Transaction).active() ? TRUE : FALSE; }

}  // extern "C"
