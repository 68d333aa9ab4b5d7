// The cells of a hive over both storages, and the undoable change of them. Externally synchronised, like the hive.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "hive/format.h"
#include "hive/hive.h"
#include "hive/short_list.h"
#include "hive/storage.h"

namespace regent::hive {

// One of the two subkey lists of a key.
struct SubkeyList {
    std::uint32_t count = 0;
    CellIndex list = nil_cell;
};

class Cells {
public:
    std::uint32_t minor = 5;  // format version 1.minor: decides lh / lf and big data

    Storage& storage(StorageType type) { return type == StorageType::stable ? stable_ : volatile_; }
    const Storage& storage(StorageType type) const { return type == StorageType::stable ? stable_ : volatile_; }
    Storage& stable() { return stable_; }
    const Storage& stable() const { return stable_; }

    // Data of the cell; empty for nil and for anything that is no allocated cell.
    [[gnu::always_inline]] Bytes data(CellIndex cell) const { return storage(storage_of(cell)).cell(cell); }
    bool is_allocated(CellIndex cell) const { return cell != nil_cell && storage(storage_of(cell)).is_allocated(cell); }
    // The record at the start of the cell; null when it does not fit.
    template <typename Record>
    [[gnu::always_inline]] const Record* record(CellIndex cell) const {
        return rtl::record_at<Record>(data(cell));
    }
    // The volatile list of a stable key lives here and not in its node: a file may say anything in those fields, and
    // nothing in a page that the file does not have is lost when the page is.
    SubkeyList subkeys(CellIndex key, const KeyNode& node, StorageType type) const {
        if (type == StorageType::stable || storage_of(key) == StorageType::volatile_) {
            const int slot = static_cast<int>(type);
            if (node.subkey_count[slot] == 0) return {};
            return {node.subkey_count[slot], node.subkey_list[slot]};
        }
        if (volatile_lists_.empty()) return {};
        const auto found = volatile_lists_.find(key);
        return found == volatile_lists_.end() ? SubkeyList{} : found->second;
    }
    // Asks the processor for a cell that will be read soon.
    [[gnu::always_inline]] void prefetch(CellIndex cell) const { storage(storage_of(cell)).prefetch(cell); }
    // Called where a reference leads to something else than it says: news only while nothing was verified.
    void met_damage(FindingKind kind, CellIndex cell, const char* expected) const {
        if (!stable_.trusted()) stable_.suspect(kind, cell, expected, "something else");
    }
    bool big_data(std::uint32_t size) const { return minor >= 4 && size > big_data_segment; }

    const std::unordered_map<CellIndex, SubkeyList>& volatile_lists() const { return volatile_lists_; }
    // Other cells for the stable ones, and the lists by the new cells of their keys. What was there goes the other way.
    void replace_stable(Storage& storage, std::unordered_map<CellIndex, SubkeyList>& lists) {
        stable_.swap(storage);
        volatile_lists_.swap(lists);
    }

private:
    friend class Edit;

    std::unordered_map<CellIndex, SubkeyList> volatile_lists_;
    Storage stable_{StorageType::stable};
    Storage volatile_{StorageType::volatile_};
};

// One undoable change of a hive. Cells are allocated at once and freed only by commit(), and every byte of an existing
// cell is saved before it is written; so an Edit that is destroyed without commit() leaves the hive as it was
// (only free space and dirty marks may differ). Invariant I-7.
class Edit {
public:
    explicit Edit(Cells& cells) : cells_(cells) {}
    ~Edit() {
        if (!committed_) undo();
    }
    Edit(const Edit&) = delete;
    Edit& operator=(const Edit&) = delete;

    Cells& cells() { return cells_; }
    // A zeroed cell; its bytes may be written through fresh() without saving.
    Result<CellIndex> allocate(StorageType type, std::size_t data_size);
    MutableBytes fresh(CellIndex cell) { return cells_.storage(storage_of(cell)).mutable_cell(cell); }
    template <typename Record>
    Record& fresh_record(CellIndex cell) {
        return *rtl::record_at<Record>(fresh(cell));
    }
    void release_later(CellIndex cell);  // nil and invalid cells are ignored
    // The cell has room for `data_size` bytes afterwards, where it is; what is new is zero. False: no room behind it.
    bool grow(CellIndex cell, std::size_t data_size);
    void shrink_later(CellIndex cell, std::size_t data_size);  // at commit
    // Saves and marks dirty [offset, offset+size) of the cell. REQUIRES: inside the cell.
    MutableBytes change(CellIndex cell, std::size_t offset, std::size_t size);
    // REQUIRES: the cell holds a Record.
    template <typename Record>
    Record& change_record(CellIndex cell) {
        return *rtl::record_at<Record>(change(cell, 0, sizeof(Record)));
    }
    void set_subkeys(CellIndex key, StorageType type, SubkeyList list);  // REQUIRES: the cell holds a KeyNode
    void commit();                                                       // never fails

    // For the security index, which is brought up to date at commit.
    std::vector<CellIndex> created_security;
    std::vector<CellIndex> dropped_security;

private:
    struct Saved {
        CellIndex cell;
        std::uint32_t offset;
        std::uint32_t size;
        const std::byte* bytes;
    };
    struct Resized {
        CellIndex cell;
        std::uint32_t size;  // bytes of data: before it grew, or after it will shrink
    };
    struct SavedList {
        CellIndex key;
        SubkeyList list;
    };
    void undo();
    std::byte* take_room(std::size_t size) {
        if (size > sizeof(room_) - used_) [[unlikely]]
            return more_room_.emplace_back(std::make_unique_for_overwrite<std::byte[]>(size)).get();
        return room_ + std::exchange(used_, used_ + size);
    }

    Cells& cells_;
    bool committed_ = false;
    // A change saves a few records and allocates or frees a few cells: it needs the heap only beyond that.
    std::size_t used_ = 0;  // of room_
    ShortList<Saved, 12> saved_;
    ShortList<SavedList, 2> saved_lists_;
    ShortList<CellIndex, 8> allocated_;
    ShortList<CellIndex, 8> doomed_;
    ShortList<Resized, 2> grown_;
    ShortList<Resized, 2> shrinking_;
    std::vector<std::unique_ptr<std::byte[]>> more_room_;
    std::byte room_[1024];
};

}  // namespace regent::hive
