// What reading a whole subtree needs of keys beyond the verbs of key.h.
#pragma once

#include "cm/key_body.h"

namespace regent::cm {

// What a walk may do with a key and has to be able to do.
inline constexpr ACCESS_MASK tree_read_access = KEY_QUERY_VALUE | KEY_ENUMERATE_SUB_KEYS;
// A subkey of a key with a longer path could have one that no UNICODE_STRING holds.
inline constexpr std::size_t max_tree_path = 0x7FFF - 1 - hive::max_key_name;

// A key as far as it tells whether it changed between two looks at it.
struct KeyMoment {
    std::uint64_t changes = 0;  // of its hive
    std::int64_t last_write_time = 0;
    std::int64_t looked = 0;

    // Nothing of the key changed from `before` to this. (Whoever changes a key gives it the time of that, or a later
    // one.)
    bool follows(const KeyMoment& before) const {
        if (changes == before.changes) return true;
        return last_write_time == before.last_write_time && last_write_time < before.looked;
    }
};
// ERRORS: as every verb of key.h.
Result<KeyMoment> key_moment(const KeyBody& body);

}  // namespace regent::cm
