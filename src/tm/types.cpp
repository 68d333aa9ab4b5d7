// The object types of the transaction manager.
#include "ob/namespace.h"
#include "tm/transaction.h"

namespace regent::tm {

namespace {

constexpr GENERIC_MAPPING transaction_mapping = {TRANSACTION_GENERIC_READ, TRANSACTION_GENERIC_WRITE,
                                                 TRANSACTION_GENERIC_EXECUTE, TRANSACTION_ALL_ACCESS};
constexpr GENERIC_MAPPING manager_mapping = {TRANSACTIONMANAGER_GENERIC_READ, TRANSACTIONMANAGER_GENERIC_WRITE,
                                             TRANSACTIONMANAGER_GENERIC_EXECUTE, TRANSACTIONMANAGER_ALL_ACCESS};
constexpr GENERIC_MAPPING resource_mapping = {RESOURCEMANAGER_GENERIC_READ, RESOURCEMANAGER_GENERIC_WRITE,
                                              RESOURCEMANAGER_GENERIC_EXECUTE, RESOURCEMANAGER_ALL_ACCESS};
constexpr GENERIC_MAPPING enlistment_mapping = {ENLISTMENT_GENERIC_READ, ENLISTMENT_GENERIC_WRITE,
                                                ENLISTMENT_GENERIC_EXECUTE, ENLISTMENT_ALL_ACCESS};

// Nobody is left who could commit it (TX-6).
void close_transaction(ob::Process&, void* body, ACCESS_MASK, std::int64_t, std::int64_t system_handle_count) {
    auto* transaction = static_cast<Transaction*>(body);
    if (system_handle_count == 1 && transaction->active()) static_cast<void>(transaction->rollback(false));
}

// Its driver may be gone a moment later: it is told nothing any more.
void close_resource_manager(ob::Process&, void* body, ACCESS_MASK, std::int64_t, std::int64_t system_handle_count) {
    if (system_handle_count == 1) static_cast<ResourceManager*>(body)->disconnect();
}

ob::ObjectType& type_of(Utf16View name, const GENERIC_MAPPING& mapping, ACCESS_MASK all,
                        const ob::TypeProcedures& procedures) {
    ob::ObjectType* known = ob::find_type(name);
    return known != nullptr ? *known : ob::register_type(name, mapping, all, procedures);
}

template <typename Body>
ob::TypeProcedures procedures_of() {
    ob::TypeProcedures procedures;
    procedures.destroy = &ob::destroy_body<Body>;
    return procedures;
}

POBJECT_TYPE transaction_object_type = nullptr;
POBJECT_TYPE manager_object_type = nullptr;
POBJECT_TYPE resource_manager_object_type = nullptr;
POBJECT_TYPE enlistment_object_type = nullptr;

}  // namespace

ob::ObjectType& transaction_type() {
    static ob::ObjectType& type = [] -> ob::ObjectType& {
        ob::TypeProcedures procedures = procedures_of<Transaction>();
        procedures.close = &close_transaction;
        return type_of(u"TmTx", transaction_mapping, TRANSACTION_ALL_ACCESS, procedures);
    }();
    return type;
}

ob::ObjectType& manager_type() {
    static ob::ObjectType& type =
        type_of(u"TmTm", manager_mapping, TRANSACTIONMANAGER_ALL_ACCESS, procedures_of<TransactionManager>());
    return type;
}

ob::ObjectType& resource_manager_type() {
    static ob::ObjectType& type = [] -> ob::ObjectType& {
        ob::TypeProcedures procedures = procedures_of<ResourceManager>();
        procedures.close = &close_resource_manager;
        return type_of(u"TmRm", resource_mapping, RESOURCEMANAGER_ALL_ACCESS, procedures);
    }();
    return type;
}

ob::ObjectType& enlistment_type() {
    static ob::ObjectType& type =
        type_of(u"TmEn", enlistment_mapping, ENLISTMENT_ALL_ACCESS, procedures_of<Enlistment>());
    return type;
}

void publish_types() {
    transaction_object_type = reinterpret_cast<POBJECT_TYPE>(&transaction_type());
    manager_object_type = reinterpret_cast<POBJECT_TYPE>(&manager_type());
    resource_manager_object_type = reinterpret_cast<POBJECT_TYPE>(&resource_manager_type());
    enlistment_object_type = reinterpret_cast<POBJECT_TYPE>(&enlistment_type());
}

}  // namespace regent::tm

extern "C" {
POBJECT_TYPE* TmTransactionObjectType = &regent::tm::transaction_object_type;
POBJECT_TYPE* TmTransactionManagerObjectType = &regent::tm::manager_object_type;
POBJECT_TYPE* TmResourceManagerObjectType = &regent::tm::resource_manager_object_type;
POBJECT_TYPE* TmEnlistmentObjectType = &regent::tm::enlistment_object_type;
}
