// The object type "RegistryTransaction": a transaction of the registry alone, which nothing else takes part in.
#include "cm/transaction_type.h"

#include "ob/namespace.h"

namespace regent::cm {

namespace {

constexpr GENERIC_MAPPING transaction_mapping = {TRANSACTION_GENERIC_READ, TRANSACTION_GENERIC_WRITE,
                                                 TRANSACTION_GENERIC_EXECUTE, TRANSACTION_ALL_ACCESS};

// Nobody is left who could commit it (TX-6).
void close_handle(ob::Process&, void* body, ACCESS_MASK, std::int64_t, std::int64_t system_handle_count) {
    if (system_handle_count == 1) static_cast<void>(static_cast<RegistryTransaction*>(body)->transaction->rollback());
}

void destroy(void* body) {
    static_cast<void>(static_cast<RegistryTransaction*>(body)->transaction->rollback());
    ob::destroy_body<RegistryTransaction>(body);
}

ob::ObjectType& register_type() {
    if (ob::ObjectType* known = ob::find_type(u"RegistryTransaction")) return *known;
    ob::TypeProcedures procedures;
    procedures.close = &close_handle;
    procedures.destroy = &destroy;
    return ob::register_type(u"RegistryTransaction", transaction_mapping, TRANSACTION_ALL_ACCESS, procedures);
}

}  // namespace

ob::ObjectType& registry_transaction_type() {
    static ob::ObjectType& type = register_type();
    return type;
}

}  // namespace regent::cm
