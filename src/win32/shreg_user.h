// What a HUSKEY is.
#pragma once

#include "win32/shreg.h"

namespace regent::shreg {

// Either key may be missing (null).
struct UserKey {
    OpenKey user;
    OpenKey machine;
    std::basic_string<WCHAR> path;
};

inline UserKey* of(HUSKEY key) { return static_cast<UserKey*>(key); }

}  // namespace regent::shreg
