// The one store of this program's tests of transactions.
#pragma once

#include "fixture.h"
#include "regent/gate.h"

namespace regent::test {

inline bool ktm_store() {
    static const TemporaryFolder folder;
    static const bool chosen = select_gate({.store = folder.path() + "/store", .socket = {}}).has_value();
    return chosen;
}

}  // namespace regent::test
