// Transactions as scopes: what is changed through a transaction's keys is seen by nobody else until commit(), and gone
// when the scope ends without one. It may reach over several hives; a crash leaves all of it or nothing.
//
//     auto transaction = reg::Transaction::begin();
//     auto key = transaction->create("HKLM\\Software\\Demo");
//     key->set("State", "half done");
//     if (everything_went_well) transaction->commit();
#pragma once

#include "regent/client/key.h"

namespace regent::client {

class Transaction {
public:
    // Durable when commit() returns. `description`: for who looks at the transaction, at most 64 units.
    static Result<Transaction> begin(const Name& description = u"");

    // Keys of the transaction; what is opened and made below them belongs to it too. They are dead once it is over.
    Result<unique_key> open(const Name& path, Access access = Access::read) const;
    Result<unique_key> create(const Name& path, Access access = Access::all,
                              Lifetime lifetime = Lifetime::stable) const;
    // ERRORS: TRANSACTION_NOT_ACTIVE when it is over, or was rolled back because a change outside of it stood in its
    // way.
    Result<void> commit();
    Result<void> rollback();

    HANDLE get() const { return handle_.get(); }

private:
    explicit Transaction(unique_key handle) : handle_(std::move(handle)) {}

    unique_key handle_;  // owns any handle; the last one of a transaction that is not over rolls it back
};

}  // namespace regent::client
