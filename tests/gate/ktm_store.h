// The one store of this program's tests of transactions.
#pragma once

#include <utility>

#include "fixture.h"
#include "regent/gate.h"
#include "wdk/wdm.h"

namespace regent::test {

inline bool ktm_store() {
    static const TemporaryFolder folder;
    static const bool chosen = select_gate({.store = folder.path() + "/store", .socket = {}}).has_value();
    return chosen;
}

// A resource manager of a manager of its own, both volatile, and told of phases by a routine.
struct ResourceManager {
    void open(PTM_RM_NOTIFICATION notified) {
        ASSERT_EQ(NtCreateTransactionManager(&manager, TRANSACTIONMANAGER_ALL_ACCESS, nullptr, nullptr,
                                             TRANSACTION_MANAGER_VOLATILE, 0),
                  STATUS_SUCCESS);
        ASSERT_EQ(NtCreateResourceManager(&resource, RESOURCEMANAGER_ALL_ACCESS, manager, nullptr, nullptr,
                                          RESOURCE_MANAGER_VOLATILE, nullptr),
                  STATUS_SUCCESS);
        PVOID body = nullptr;
        ASSERT_EQ(ObReferenceObjectByHandle(resource, 0, *TmResourceManagerObjectType, KernelMode, &body, nullptr),
                  STATUS_SUCCESS);
        EXPECT_EQ(TmEnableCallbacks(static_cast<PKRESOURCEMANAGER>(body), notified, nullptr), STATUS_SUCCESS);
        ObDereferenceObject(body);
    }
    void close() {
        for (HANDLE* handle : {&resource, &manager}) {
            if (*handle != nullptr) NtClose(std::exchange(*handle, nullptr));
        }
    }
    HANDLE manager = nullptr;
    HANDLE resource = nullptr;
};

}  // namespace regent::test
