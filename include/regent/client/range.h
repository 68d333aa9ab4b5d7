// Subkeys and values of a key as ranges. They are read as the loop goes, by index: what others add or remove meanwhile
// may or may not be seen, and may make an entry come twice or not at all, as with NT's enumeration.
//
//     for (const auto& subkey : key.subkeys()) {
//         if (!subkey) return subkey.error().status();  // an error is the last element
//         use(subkey->name);
//     }
#pragma once

#include <cstddef>
#include <iterator>

#include "regent/client/key.h"

namespace regent::client {

struct Subkey {
    std::u16string name;
    NtTime last_write;
};

// The entry of that index; nothing past the last one.
std::optional<Result<Subkey>> subkey_at(HANDLE key, std::uint32_t index);
std::optional<Result<Value>> value_at(HANDLE key, std::uint32_t index);

// A single-pass iterator over what `Read` gives for 0, 1, 2 ...
template <typename Entry, std::optional<Result<Entry>> (*Read)(HANDLE, std::uint32_t)>
class EntryIterator {
public:
    using value_type = Result<Entry>;
    using difference_type = std::ptrdiff_t;

    explicit EntryIterator(HANDLE key) : key_(key), entry_(Read(key, 0)) {}
    const Result<Entry>& operator*() const { return *entry_; }
    const Result<Entry>* operator->() const { return &*entry_; }
    EntryIterator& operator++() {
        entry_ = *entry_ ? Read(key_, ++index_) : std::nullopt;
        return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const EntryIterator& at, std::default_sentinel_t) { return !at.entry_.has_value(); }

private:
    HANDLE key_;
    std::uint32_t index_ = 0;
    std::optional<Result<Entry>> entry_;
};

// REQUIRES: the key outlives the range.
class SubkeyRange {
public:
    explicit SubkeyRange(HANDLE key) : key_(key) {}
    auto begin() const { return EntryIterator<Subkey, &subkey_at>(key_); }
    std::default_sentinel_t end() const { return {}; }

private:
    HANDLE key_;
};

class ValueRange {
public:
    explicit ValueRange(HANDLE key) : key_(key) {}
    auto begin() const { return EntryIterator<Value, &value_at>(key_); }
    std::default_sentinel_t end() const { return {}; }

private:
    HANDLE key_;
};

inline SubkeyRange unique_key::subkeys() const { return SubkeyRange(handle_); }
inline ValueRange unique_key::values() const { return ValueRange(handle_); }

}  // namespace regent::client
