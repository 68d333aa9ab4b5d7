// Regent's C++ client: keys, typed values, ranges, watchers, transactions. Link libregent.so.
//
//     namespace reg = regent::client;
//     auto key = reg::create_key("HKCU\\Software\\Demo");
//     if (!key) return complain(key.error().message());
//     key->set("Size", 5);
//     auto size = key->get<std::uint32_t>("Size");
#pragma once

#include "regent/client/error.h"
#include "regent/client/key.h"
#include "regent/client/range.h"
#include "regent/client/text.h"
#include "regent/client/transaction.h"
#include "regent/client/tree.h"
#include "regent/client/value.h"
#include "regent/client/watch.h"
