// Opening and making keys: below a handle or from the root, in a transaction or outside.
#pragma once

#include "client/place.h"
#include "regent/client/key.h"

namespace regent::client {

struct From {
    HANDLE root = nullptr;         // null: the path names a place by itself
    HANDLE transaction = nullptr;  // null: none
};

Result<unique_key> open_at(From from, Utf16View path, Access access);
// Makes what of the path is missing.
Result<unique_key> create_at(From from, Utf16View path, Access access, Lifetime lifetime);

}  // namespace regent::client
