// Keys as data, apart from any hive, and changes of whole keys: what a transaction's commit writes, what takes it back,
// and what the commit journal keeps.
#pragma once

#include <optional>
#include <vector>

#include "hive/hive.h"

namespace regent::cm {

struct ValueImage {
    Utf16 name;
    std::uint32_t type = 0;
    std::vector<std::byte> data;
};

// A key without its name and its subkeys.
struct KeyImage {
    Utf16 class_name;
    std::vector<std::byte> security;
    bool in_memory = false;   // a volatile key
    std::uint16_t flags = 0;  // those that a key is created with
    std::uint8_t user_flags = 0;
    std::uint8_t virtualization_flags = 0;
    std::int64_t time = 0;
    std::vector<ValueImage> values;  // in the order of creation
};
KeyImage image_of(const hive::Hive& storage, hive::CellIndex key);
// A new key like the image, without subkeys. ERRORS: Hive::create_subkey's, Hive::set_value's.
Result<hive::CellIndex> create_from(const KeyImage& image, hive::Hive& storage, hive::CellIndex parent, Utf16View name);

// One key of a hive becomes what is said here, or goes with all that is below it. Doing it twice is doing it once.
struct KeyChange {
    bool removed = false;
    bool in_memory = false;   // of a volatile key: no file has it
    std::vector<Utf16> path;  // below the hive's root; empty: the root
    KeyImage image;
    bool content = false;                     // of a key that is there: values, flags and descriptor too
    std::int64_t time = 0;                    // of a key that is there, afterwards; 0: not touched
    bool may_go_back = false;                 // that time was set; it is not kept in records, which have the outcome
    std::optional<std::int64_t> parent_time;  // of its parent afterwards
};
std::optional<hive::CellIndex> find_key(const hive::Hive& storage, std::span<const Utf16> path);
// ERRORS: OBJECT_NAME_NOT_FOUND (no parent), the hive's. A change that fails may have been made in part.
Result<void> apply_change(hive::Hive& storage, const KeyChange& change);
// What brings back what `change` is about to change.
KeyChange inverse_of(const hive::Hive& storage, const KeyChange& change);

// A change as bytes. Nothing when they are not one.
void write_change(std::vector<std::byte>& out, const KeyChange& change);
std::optional<KeyChange> read_change(Bytes& in);  // takes what it read off `in`

}  // namespace regent::cm
