// A key and everything below it as a range, many keys a call (RgReadTree, regent/tree.h): each key is told whole,
// before what is below it, and one that stays during the walk exactly once, whatever others add, remove or rename
// meanwhile.
//
//     for (const auto& key : tree(root)) {
//         if (!key) return key.error().status();    // an error is the last element
//         for (const TreeValue& value : key->values()) use(key->path(), value.name, value.data);
//     }
#pragma once

#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "regent/client/key.h"
#include "regent/tree.h"

namespace regent::client {

// Views, like all that a TreeKey gives: they last until the iterator goes on.
struct TreeValue {
    std::u16string_view name;
    ULONG type = REG_NONE;
    std::span<const std::byte> data;
    Value copy() const { return {.name = std::u16string(name), .type = type, .data = Bytes(data.begin(), data.end())}; }
};

class TreeValueIterator {
public:
    using value_type = TreeValue;
    using difference_type = std::ptrdiff_t;
    explicit TreeValueIterator(const RG_TREE_KEY& key)
        : at_(RG_TREE_FIRST_VALUE(const_cast<PRG_TREE_KEY>(&key))), left_(key.Values) {}
    TreeValue operator*() const {
        return {{reinterpret_cast<const char16_t*>(at_->Name), at_->NameLength / sizeof(char16_t)},
                at_->Type,
                {reinterpret_cast<const std::byte*>(RG_TREE_DATA(at_)), at_->DataLength}};
    }
    TreeValueIterator& operator++() {
        at_ = RG_TREE_NEXT_VALUE(at_);
        --left_;
        return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const TreeValueIterator& at, std::default_sentinel_t) { return at.left_ == 0; }

private:
    PRG_TREE_VALUE at_;
    ULONG left_;
};

class TreeValueRange {
public:
    explicit TreeValueRange(const RG_TREE_KEY& key) : key_(key) {}
    TreeValueIterator begin() const { return TreeValueIterator(key_); }
    std::default_sentinel_t end() const { return {}; }
    std::size_t size() const { return key_.Values; }

private:
    const RG_TREE_KEY& key_;
};

class TreeKey {
public:
    TreeKey(const RG_TREE_KEY& key, std::u16string_view path) : key_(&key), path_(path) {}
    // Below the key where the walk began; empty for that one.
    std::u16string_view path() const { return path_; }
    std::u16string_view name() const { return text(0, key_->NameLength); }
    unsigned depth() const { return key_->Depth; }
    // Not STATUS_SUCCESS: it could not be read, and there is only this, its name and its depth.
    NTSTATUS status() const { return key_->Status; }
    NtTime last_write() const { return from_nt_time(key_->LastWriteTime); }
    std::u16string_view class_name() const { return text(key_->NameLength, key_->ClassLength); }
    bool is_link() const { return (key_->Flags & RG_TREE_LINK) != 0; }
    bool is_volatile() const { return (key_->Flags & RG_TREE_VOLATILE) != 0; }
    ULONG flags() const { return key_->Flags; }
    TreeValueRange values() const { return TreeValueRange(*key_); }

private:
    std::u16string_view text(std::size_t at, std::size_t bytes) const {
        return {reinterpret_cast<const char16_t*>(key_->Name) + at / sizeof(char16_t), bytes / sizeof(char16_t)};
    }
    const RG_TREE_KEY* key_;
    std::u16string_view path_;
};

// One walk. Externally synchronised; begin() once.
class TreeWalk {
public:
    explicit TreeWalk(HANDLE key);
    // The next key; nothing behind the last one, or behind an error.
    void next();
    const std::optional<Result<TreeKey>>& entry() const { return entry_; }

private:
    bool fill();

    HANDLE key_;
    std::vector<std::uint64_t> answer_;  // aligned for what is in it
    std::size_t at_ = 0;                 // bytes
    std::size_t told_ = 0;
    bool begun_ = false;
    bool more_ = true;
    std::u16string path_;             // of the key at hand
    std::vector<std::size_t> units_;  // of its first components, by their number
    std::optional<Result<TreeKey>> entry_;
};

class TreeIterator {
public:
    using value_type = Result<TreeKey>;
    using difference_type = std::ptrdiff_t;
    explicit TreeIterator(TreeWalk& walk) : walk_(&walk) {}
    const Result<TreeKey>& operator*() const { return *walk_->entry(); }
    const Result<TreeKey>* operator->() const { return &*walk_->entry(); }
    TreeIterator& operator++() {
        walk_->next();
        return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const TreeIterator& at, std::default_sentinel_t) { return !at.walk_->entry().has_value(); }

private:
    TreeWalk* walk_;
};

// REQUIRES: the key outlives the range. Each begin() is a walk of its own, and ends the one before.
class TreeRange {
public:
    explicit TreeRange(HANDLE key) : key_(key) {}
    TreeIterator begin() {
        walk_ = std::make_unique<TreeWalk>(key_);
        walk_->next();
        return TreeIterator(*walk_);
    }
    std::default_sentinel_t end() const { return {}; }

private:
    HANDLE key_;
    std::unique_ptr<TreeWalk> walk_;
};

// The key needs KEY_QUERY_VALUE and KEY_ENUMERATE_SUB_KEYS, which Access::read has.
inline TreeRange tree(const unique_key& key) { return TreeRange(key.get()); }

}  // namespace regent::client
