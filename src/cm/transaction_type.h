// The object type "RegistryTransaction" (NtCreateRegistryTransaction).
#pragma once

#include "cm/transaction.h"
#include "nt/nttmapi.h"
#include "ob/object.h"

namespace regent::cm {

ob::ObjectType& registry_transaction_type();

// The body of such an object. Immutable.
struct RegistryTransaction {
    explicit RegistryTransaction(Ref<Transaction> whose) : transaction(std::move(whose)) {}
    const Ref<Transaction> transaction;
};

}  // namespace regent::cm
