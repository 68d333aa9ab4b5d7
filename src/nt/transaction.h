// From the handle of a transaction to what cm binds keys to.
#pragma once

#include "cm/key_body.h"

namespace regent::nt {

// Of a registry transaction or a transaction of the KTM: the object's type decides (TR-1).
// ERRORS, in this order: INVALID_HANDLE, OBJECT_TYPE_MISMATCH, ACCESS_DENIED (TRANSACTION_ENLIST),
// TRANSACTION_NOT_ACTIVE.
Result<Ref<cm::TransactionBinding>> bind_transaction(HANDLE handle);

}  // namespace regent::nt
