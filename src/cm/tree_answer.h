// The answer of RgReadTree while it is written: one RG_TREE_KEY after the other, each whole or not at all.
#pragma once

#include <cstring>

#include "hive/name.h"
#include "nt/ntstatus.h"
#include "regent/tree.h"

namespace regent::cm {

// Between begin() and end() stands the record of one key. Invariant: what does not fit is counted and not written, so
// that end() knows how much room the key would take. Externally synchronised.
class TreeAnswer {
public:
    explicit TreeAnswer(MutableBytes out) : out_(out) {}

    struct Key {
        std::int64_t last_write_time = 0;
        std::uint32_t flags = 0;
        std::uint32_t depth = 0;
        hive::NameView name;
        Bytes class_name = {};
    };
    void begin(const Key& key) {
        size_ = RG_TREE_ALIGN(RG_TREE_KEY_HEADER + key.name.byte_size() + key.class_name.size());
        values_ = 0;
        if (!fits()) return;
        RG_TREE_KEY header{};
        header.Status = STATUS_SUCCESS;
        header.LastWriteTime.QuadPart = key.last_write_time;
        header.Flags = key.flags;
        header.Depth = static_cast<USHORT>(key.depth);
        header.NameLength = static_cast<USHORT>(key.name.byte_size());
        header.ClassLength = static_cast<USHORT>(key.class_name.size());
        std::byte* at = out_.data() + used_;
        clear_last_granule(at, size_);
        std::memcpy(at, &header, RG_TREE_KEY_HEADER);
        put_name(at + RG_TREE_KEY_HEADER, key.name);
        if (!key.class_name.empty()) {
            std::memcpy(at + RG_TREE_KEY_HEADER + key.name.byte_size(), key.class_name.data(), key.class_name.size());
        }
    }
    // Where the value's data go, all of them; nothing when they have no room.
    MutableBytes value(std::uint32_t type, const hive::NameView& name, std::uint32_t data_size) {
        const std::size_t data_at = RG_TREE_ALIGN(RG_TREE_VALUE_HEADER + name.byte_size());
        const std::uint64_t size = (data_at + data_size + 7) & ~std::uint64_t{7};
        size_ += size;
        ++values_;
        if (!fits()) return {};
        std::byte* at = out_.data() + used_ + (size_ - size);
        const ULONG header[4] = {static_cast<ULONG>(size), type, static_cast<ULONG>(name.byte_size()), data_size};
        static_assert(sizeof(header) == RG_TREE_VALUE_HEADER);
        clear_last_granule(at, data_at);
        clear_last_granule(at, size);
        std::memcpy(at, header, sizeof(header));
        put_name(at + RG_TREE_VALUE_HEADER, name);
        return {at + data_at, data_size};
    }
    // False: the key had no room, and is not told.
    bool end() {
        if (!fits()) {
            needed_ = size_;
            return false;
        }
        std::byte* at = out_.data() + used_;
        const auto size = static_cast<ULONG>(size_);
        std::memcpy(at + offsetof(RG_TREE_KEY, Size), &size, sizeof(size));
        std::memcpy(at + offsetof(RG_TREE_KEY, Values), &values_, sizeof(values_));
        used_ += size_;
        return true;
    }
    // A key of which there is nothing to tell but that. False as end().
    bool refused(NTSTATUS status, std::uint32_t depth, const hive::NameView& name) {
        begin({.depth = depth, .name = name});
        if (fits()) std::memcpy(out_.data() + used_ + offsetof(RG_TREE_KEY, Status), &status, sizeof(status));
        return end();
    }

    std::size_t used() const { return used_; }
    std::size_t room() const { return out_.size() - used_; }
    std::uint64_t needed() const { return needed_; }  // after end() was false

private:
    bool fits() const { return size_ <= out_.size() - used_; }
    // What alignment leaves is 0 and not what was there.
    static void clear_last_granule(std::byte* at, std::size_t size) { std::memset(at + size - 8, 0, 8); }
    // The caller's buffer may begin anywhere.
    static void put_name(std::byte* at, const hive::NameView& name) {
        if (name.size() >= 4) {
            name.copy_to(reinterpret_cast<char16_t*>(at), name.size());
            return;
        }
        for (std::size_t i = 0; i < name.size(); ++i) {
            const char16_t unit = name[i];
            std::memcpy(at + i * sizeof(unit), &unit, sizeof(unit));
        }
    }

    MutableBytes out_;
    std::size_t used_ = 0;
    std::uint64_t size_ = 0;  // of the record so far
    ULONG values_ = 0;
    std::uint64_t needed_ = 0;
};

static_assert(offsetof(RG_TREE_KEY, Name) == RG_TREE_KEY_HEADER);
static_assert(offsetof(RG_TREE_VALUE, Name) == RG_TREE_VALUE_HEADER);

}  // namespace regent::cm
