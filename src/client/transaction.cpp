#include "regent/client/transaction.h"

#include "client/open.h"

namespace regent::client {

Result<Transaction> Transaction::begin(const Name& description) {
    if (description.units().size() > max_name_units) return failed(STATUS_INVALID_PARAMETER, "begin", u"transaction");
    UNICODE_STRING text = rtl::unicode_string(description.units());
    HANDLE handle = nullptr;
    const NTSTATUS status = NtCreateTransaction(&handle, TRANSACTION_ALL_ACCESS, nullptr, nullptr, nullptr, 0, 0, 0,
                                                nullptr, text.Length != 0 ? &text : nullptr);
    if (!NT_SUCCESS(status)) return failed(status, "begin", u"transaction");
    return Transaction(unique_key(handle));
}

Result<unique_key> Transaction::open(const Name& path, Access access) const {
    return open_at({.root = nullptr, .transaction = handle_.get()}, path.units(), access);
}

Result<unique_key> Transaction::create(const Name& path, Access access, Lifetime lifetime) const {
    return create_at({.root = nullptr, .transaction = handle_.get()}, path.units(), access, lifetime);
}

Result<void> Transaction::commit() {
    const NTSTATUS status = NtCommitTransaction(handle_.get(), TRUE);
    if (!NT_SUCCESS(status)) return failed(status, "commit", u"transaction");
    return {};
}

Result<void> Transaction::rollback() {
    const NTSTATUS status = NtRollbackTransaction(handle_.get(), TRUE);
    if (!NT_SUCCESS(status)) return failed(status, "roll back", u"transaction");
    return {};
}

}  // namespace regent::client
