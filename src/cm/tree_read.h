// What reading a whole subtree needs of keys beyond the verbs of key.h.
#pragma once

#include <span>
#include <vector>

#include "cm/key_body.h"
#include "cm/tree_answer.h"

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

// The key to begin with, and what of it and below it was told before.
struct TreeStart {
    unsigned depth = 0;
    std::size_t path_units = 0;  // of the path that leads to it from the key where the walk began
    Utf16View name;              // empty: its own
    const std::span<const Utf16View>* after = nullptr;  // null: nothing; names below it, each below the one before
};
enum class TreeEnd : std::uint8_t {
    tree,
    room,      // the next key has none
    declined,  // only the services can tell the rest
};
struct TreeProgress {
    TreeEnd end = TreeEnd::tree;
    bool told = false;  // anything; then `place` is where the last one was
    std::vector<Utf16> place;
};

// Whether nobody could tell a walk by the services from read_subtree: no callback, no transaction, no audit.
bool may_read_subtree(const KeyBody& key);
// Tells the key and what is below it, in its hive, as a walk by the services does; straight from the hive's cells, its
// lock held for some keys at a time. The key itself was opened; each one below it is checked as an opening of the
// caller in ob::current() is. ERRORS: as every verb of key.h; some keys may have been told before.
Result<TreeProgress> read_subtree(const KeyBody& key, const TreeStart& start, TreeAnswer& answer);

}  // namespace regent::cm
