// Reads all that a key has at once: each list is looked up and verified once, and what is read next is asked for
// before it is needed, so that walking a hive costs half of asking for each element by its number.
// Externally synchronised, as reading a Hive is; what is returned lives until the next call or write to the hive.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "hive/hive.h"

namespace regent::hive {

struct SubkeyList;

class HiveScan {
public:
    struct Value {
        ValueRef ref;
        std::uint32_t type;
        std::uint32_t data_size;
        bool tombstone;
        NameView name;
        std::optional<Bytes> data;  // nothing for big data: read_value()
    };

    struct Key {
        std::int64_t last_write_time = 0;
        std::uint16_t flags = 0;
        CellIndex security = nil_cell;
        NameView name;
        Bytes class_name;  // UTF-16LE
    };

    explicit HiveScan(const Hive& hive);

    // What Hive::key_info says of the key itself.
    Key key(CellIndex key) const;
    // As subkey_at for first, first + 1, ... until `out` is full or it gives nothing; returns how many.
    std::size_t subkeys(CellIndex key, std::uint32_t first, std::span<CellIndex> out) const;
    // Asks the processor for a key that will be read soon, with what lies behind it: mostly what it has.
    void ask_for(CellIndex key) const;
    void ask_for_subkeys(CellIndex key) const;  // for their list; reads the key
    // How many subkeys come before what follows `name`: those of lower names, and the one of that name.
    std::uint32_t count_up_to(CellIndex key, Utf16View name) const;

    // As subkey_at for 0, 1, ... until it gives nothing.
    const std::vector<CellIndex>& subkeys(CellIndex key);
    // How many names the last call of subkeys() compared: no more than there are subkeys.
    std::size_t compared() const { return compared_; }
    // As value_at for 0, 1, ... of the key's count, without those that it does not give.
    const std::vector<Value>& values(CellIndex key);

private:
    Value& add(ValueRef ref, Bytes cell);
    void merge(const SubkeyList& list);  // into subkeys_

    const HiveImpl& impl_;
    std::vector<CellIndex> subkeys_;
    std::vector<CellIndex> others_;
    std::size_t compared_ = 0;
    std::vector<Value> values_;
};

}  // namespace regent::hive
