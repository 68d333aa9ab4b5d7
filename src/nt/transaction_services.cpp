// Registry transactions: NtCreateRegistryTransaction and its kin, and how keys are bound to transactions of both kinds.
#include "cm/transaction_type.h"
#include "nt/capture.h"
#include "nt/service.h"
#include "nt/transaction.h"
#include "ob/handle.h"
#include "tm/transaction.h"

namespace regent::nt {
namespace {

KPROCESSOR_MODE mode() { return ob::current().previous_mode; }

// The registry's part in a transaction of the KTM.
class RegistryParticipant final : public tm::Participant {
public:
    explicit RegistryParticipant(tm::Transaction& whole) {
        // The registry may have to give way to somebody outside: then the whole transaction is rolled back, unless it
        // went away itself.
        transaction->on_give_way([id = whole.id()] {
            if (const auto found = tm::Transaction::find(id)) static_cast<void>(found->rollback(false));
        });
    }
    Result<void> commit() override { return transaction->commit(); }
    void rollback() override { static_cast<void>(transaction->rollback()); }

    const Ref<cm::Transaction> transaction = rtl::make_ref<cm::Transaction>(cm::TransactionKind::durable);
};

Result<Ref<cm::TransactionBinding>> bind_kernel(ob::ObjectRef<void> object) {
    auto& whole = *static_cast<tm::Transaction*>(object.get());
    auto joined =
        whole.ensure_participant([&] { return Ref<tm::Participant>(rtl::make_ref<RegistryParticipant>(whole)); });
    if (!joined) return std::unexpected(joined.error());
    const auto& part = static_cast<RegistryParticipant&>(**joined);
    return rtl::make_ref<cm::TransactionBinding>(part.transaction, std::move(object));
}

Result<ob::ObjectRef<cm::RegistryTransaction>> reference_transaction(HANDLE handle, ACCESS_MASK desired) {
    return ob::reference_as<cm::RegistryTransaction>(handle, desired, cm::registry_transaction_type(), mode());
}

}  // namespace

Result<Ref<cm::TransactionBinding>> bind_transaction(HANDLE handle) {
    auto found = ob::reference_by_handle(handle, TRANSACTION_ENLIST, nullptr, mode());
    if (!found) return std::unexpected(found.error());
    const ob::ObjectType& type = ob::type_of(found->object.get());
    if (&type == &tm::transaction_type()) return bind_kernel(std::move(found->object));
    if (&type != &cm::registry_transaction_type()) return fail(STATUS_OBJECT_TYPE_MISMATCH);
    Ref<cm::Transaction> transaction = static_cast<cm::RegistryTransaction*>(found->object.get())->transaction;
    if (!transaction->active()) return fail(STATUS_TRANSACTION_NOT_ACTIVE);
    return rtl::make_ref<cm::TransactionBinding>(std::move(transaction), std::move(found->object));
}

namespace service {

// ERRORS, in this order: ACCESS_VIOLATION, INVALID_PARAMETER (options), the attributes', those of naming the object.
NTSTATUS NtCreateRegistryTransaction(PHANDLE TransactionHandle, ACCESS_MASK DesiredAccess,
                                     POBJECT_ATTRIBUTES ObjectAttributes, ULONG CreateOptions) {
    if (TransactionHandle == nullptr) return STATUS_ACCESS_VIOLATION;
    if (CreateOptions != 0) return STATUS_INVALID_PARAMETER;
    CapturedAttributes captured;
    if (ObjectAttributes != nullptr) {
        const auto ok = captured.capture(ObjectAttributes, CapturedAttributes::Security::capture);
        if (!ok) return ok.error().code();
    }
    auto object = ob::create_body<cm::RegistryTransaction>(
        cm::registry_transaction_type(), rtl::make_ref<cm::Transaction>(cm::TransactionKind::registry));
    if (!object) return object.error().code();
    ob::AccessState access = ob::AccessState::for_current(DesiredAccess, captured.get().attributes);
    const auto inserted = ob::insert_object(std::move(*object), captured.get(), access);
    if (!inserted) return inserted.error().code();
    *TransactionHandle = inserted->handle;
    return inserted->existed ? STATUS_OBJECT_NAME_EXISTS : STATUS_SUCCESS;
}

NTSTATUS NtOpenRegistryTransaction(PHANDLE TransactionHandle, ACCESS_MASK DesiredAccess,
                                   POBJECT_ATTRIBUTES ObjectAttributes) {
    if (TransactionHandle == nullptr) return STATUS_ACCESS_VIOLATION;
    CapturedAttributes captured;
    const auto ok = captured.capture(ObjectAttributes, CapturedAttributes::Security::ignore);
    if (!ok) return ok.error().code();
    ob::AccessState access = ob::AccessState::for_current(DesiredAccess, captured.get().attributes);
    const auto opened = ob::open_by_name(captured.get(), cm::registry_transaction_type(), access);
    if (!opened) return opened.error().code();
    *TransactionHandle = *opened;
    return STATUS_SUCCESS;
}

// ERRORS, in this order: INVALID_PARAMETER (flags), the handle's, cm::Transaction::commit's.
NTSTATUS NtCommitRegistryTransaction(HANDLE TransactionHandle, ULONG Flags) {
    if (Flags != 0) return STATUS_INVALID_PARAMETER;
    const auto transaction = reference_transaction(TransactionHandle, TRANSACTION_COMMIT);
    if (!transaction) return transaction.error().code();
    return rtl::to_ntstatus((*transaction)->transaction->commit());
}

NTSTATUS NtRollbackRegistryTransaction(HANDLE TransactionHandle, ULONG Flags) {
    if (Flags != 0) return STATUS_INVALID_PARAMETER;
    const auto transaction = reference_transaction(TransactionHandle, TRANSACTION_ROLLBACK);
    if (!transaction) return transaction.error().code();
    return rtl::to_ntstatus((*transaction)->transaction->rollback());
}

}  // namespace service
}  // namespace regent::nt
