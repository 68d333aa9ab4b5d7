// How a resource manager enlists: NtCreateEnlistment and TmCreateEnlistment.
#pragma once

#include "ob/lookup.h"
#include "tm/transaction.h"

namespace regent::tm {

// ERRORS, in this order: INVALID_PARAMETER (mask, options), TRANSACTION_NOT_ACTIVE, TRANSACTION_SUPERIOR_EXISTS, those
// of naming the object.
Result<HANDLE> create_enlistment(Enlistment::Start start, ULONG options, ACCESS_MASK desired,
                                 const ob::ObjectAttributes& attributes);

}  // namespace regent::tm
