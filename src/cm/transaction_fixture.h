// What tests of transactions on this floor share.
#pragma once

#include "cm/key_lock.h"
#include "cm/registry_fixture.h"

namespace regent::cm {

struct Begun {
    Ref<Transaction> transaction;
    Ref<TransactionBinding> bound;
};

inline Begun begin(TransactionKind kind = TransactionKind::registry) {
    Begun begun;
    begun.transaction = rtl::make_ref<Transaction>(kind);
    begun.bound = rtl::make_ref<TransactionBinding>(begun.transaction, nullptr);
    return begun;
}

inline NTSTATUS open_in(const Begun& in, Utf16View name, bool create, KeyRef* key) {
    const ob::CallerScope kernel(ob::kernel_mode);
    OpenRequest request;
    request.name = name;
    request.desired = KEY_ALL_ACCESS;
    request.create = create;
    request.transaction = in.bound;
    auto opened = open_key(request);
    if (!opened) return opened.error().code();
    *key = std::move(opened->body);
    return STATUS_SUCCESS;
}

}  // namespace regent::cm
