// Where the values of one key with many are, by name. The format has an unsorted list, so finding a name is a walk over
// all value cells; a key that is being filled would pay for that at each value. Changed like the hive; reading needs
// the hive's lock shared.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "hive/cells.h"

namespace regent::hive {

class ValueIndex {
public:
    static constexpr std::uint32_t worth_it = 256;  // values

    bool covers(CellIndex key) const { return key == key_; }
    // REQUIRES: covers(key). Nothing when no value has that name.
    std::optional<ValueRef> find(const Cells& cells, const KeyNode& node, Utf16View name) const;

    // Before a change: takes over this key when it has many values. Gives up without memory.
    void prepare(const Cells& cells, CellIndex key);
    // After a change that succeeded. REQUIRES: covers(key).
    void added(Utf16View name, ValueRef value);
    void removed(Utf16View name, CellIndex value);
    void forget() { key_ = nil_cell; }

private:
    CellIndex key_ = nil_cell;
    std::unordered_multimap<std::uint32_t, ValueRef> by_hash_;  // the place in the list may have moved down since
};

}  // namespace regent::hive
