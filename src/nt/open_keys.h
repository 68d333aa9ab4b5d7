// Who has which keys open: a look through the handle tables.
#pragma once

#include <vector>

#include "cm/key_body.h"

namespace regent::nt {

struct OpenKey {
    std::uint32_t pid;
    cm::KeyRef key;
};
// Every handle to a key that lies at `top` or below it in the same hive, at some moment of the call.
std::vector<OpenKey> open_keys(const cm::KeyControlBlock& top);
// How many there are besides `own`, a handle of the caller's.
std::size_t count_open_keys(const cm::KeyControlBlock& top, HANDLE own);

}  // namespace regent::nt
