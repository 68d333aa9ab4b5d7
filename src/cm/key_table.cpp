#include "cm/key_table.h"

#include <algorithm>
#include <bit>
#include <new>

namespace regent::cm {

namespace {

constexpr std::size_t first_slots = 64;
constexpr std::uint64_t longest_probe = 64;

// The path of the key `name` below `parent`; false when it is too long to be looked up whole.
bool path_below(const KeyControlBlock* parent, Utf16View name, FoldedPath& path) {
    if (parent != nullptr && parent->folded_path().empty()) return false;
    return (parent == nullptr || path.append(parent->folded_path())) && path.append_separator() &&
           path.append_folding(name);
}

// What the table files such a key under: a function of the parent and the name in any case.
std::uint64_t hash_below(const KeyControlBlock* parent, std::uint64_t parent_hash, Utf16View name,
                         const FoldedPath& path, bool whole) {
    if (whole) return hash_path(path.view());
    return (rtl::name_hash(name) + (parent == nullptr ? 0 : parent_hash) + 1) * 0x9E3779B97F4A7C15;
}

}  // namespace

// A cell without a block. The count stays 0 until there is one; it is never destroyed before the table.
struct KeyTable::FreeCell {
    std::atomic<std::uint64_t> count;
    FreeCell* next;
};

struct KeyTable::Fresh {
    Ref<MountedHive> hive;
    Ref<KeyControlBlock> parent;
    Utf16View name;
    std::string_view path;
    std::uint64_t hash;
    hive::CellIndex cell;
    std::uint16_t node_flags;
    bool is_private = false;
};

KeyTable::KeyTable(std::size_t delayed_budget)
    : delayed_budget_of_shard_(delayed_budget / shard_count), shards_(std::make_unique<Shard[]>(shard_count)) {
    for (std::size_t i = 0; i < shard_count; ++i) {
        ExclusiveGuard guard(shards_[i].lock);
        shards_[i].all_slots.push_back(std::make_unique<const Slots>(first_slots));
        shards_[i].slots.store(shards_[i].all_slots.back().get(), std::memory_order_release);
    }
}

KeyTable::~KeyTable() {
    drop_all_delayed();
    for (std::size_t i = 0; i < shard_count; ++i) {
        ExclusiveGuard guard(shards_[i].lock);
        RG_ASSERT(shards_[i].count == 0);
    }
}

// ---- memory

void* KeyTable::take_cell_locked(Shard& shard, std::size_t size_class) {
    FreeCells& cells = shard.free[size_class];
    FreeCell* taken = cells.used;
    if (taken != nullptr) {
        cells.used = taken->next;
        return &taken->next;  // the block begins where the link was
    }
    const std::size_t size = size_class * cell_unit;
    if (cells.fresh_bytes < size) {
        cells.fresh = memory_.take_chunk();
        cells.fresh_bytes = BlockMemory::chunk_bytes;
    }
    taken = new (cells.fresh) FreeCell{0, nullptr};
    cells.fresh += size;
    cells.fresh_bytes -= size;
    // The next one is written soon, and is in no cache.
    for (std::size_t line = 0; line < size_class && size <= cells.fresh_bytes; ++line) {
        __builtin_prefetch(cells.fresh + line * cell_unit, 1);
    }
    return &taken->next;
}

Ref<KeyControlBlock> KeyTable::make_locked(Shard& home, Fresh fresh) {
    const std::size_t name_bytes = fresh.name.size() * sizeof(char16_t);
    const std::size_t size = offsetof(FreeCell, next) + sizeof(KeyControlBlock) + name_bytes + fresh.path.size();
    const std::size_t size_class = (size + cell_unit - 1) / cell_unit;
    RG_ASSERT(size_class < size_classes);
    auto* memory = static_cast<std::byte*>(take_cell_locked(home, size_class));
    auto* name = reinterpret_cast<char16_t*>(memory + sizeof(KeyControlBlock));
    auto* path = reinterpret_cast<char*>(memory + sizeof(KeyControlBlock) + name_bytes);
    std::copy(fresh.name.begin(), fresh.name.end(), name);
    std::copy(fresh.path.begin(), fresh.path.end(), path);
    const KeyControlBlock::Naming naming{{path, fresh.path.size()}, {name, fresh.name.size()}};
    const KeyControlBlock::Home place{static_cast<std::uint16_t>(&home - shards_.get()),
                                      static_cast<std::uint16_t>(size_class)};
    auto* block = new (memory) KeyControlBlock(*this, place, std::move(fresh.hive), std::move(fresh.parent), naming,
                                               fresh.hash, fresh.cell, fresh.node_flags);
    block->private_ = fresh.is_private;
    block->counter().store(1, std::memory_order_release);
    return Ref<KeyControlBlock>::adopt(block);
}

// The block goes before its memory is anybody's, and with no lock held: it may be its parent's last reference.
void KeyTable::destroy(const KeyControlBlock& block) {
    const KeyControlBlock::Home place = block.home_;
    auto* cell = reinterpret_cast<FreeCell*>(&block.counter());
    block.~KeyControlBlock();
    Shard& home = shards_[place.shard];
    ExclusiveGuard guard(home.lock);
    cell->next = home.free[place.size_class].used;
    home.free[place.size_class].used = cell;
}

// ---- slots

std::uint64_t KeyTable::slot_of(const KeyControlBlock& block, std::uint64_t hash) {
    const auto address = reinterpret_cast<std::uintptr_t>(&block.counter());
    return (address / cell_unit) << hash_bits | (hash & ((std::uint64_t{1} << hash_bits) - 1));
}

KeyControlBlock* KeyTable::block_of(std::uint64_t slot) {
    auto* cell = reinterpret_cast<FreeCell*>((slot >> hash_bits) * cell_unit);
    return reinterpret_cast<KeyControlBlock*>(&cell->next);
}

// As much of it as selects one of mask + 1 slots. Mostly without a look at the block, which is in no cache by then.
std::uint64_t KeyTable::hash_of(std::uint64_t slot, std::size_t mask) {
    return mask >> hash_bits == 0 ? slot : block_of(slot)->hash_.load(std::memory_order_relaxed);
}

KeyControlBlock* KeyTable::find_locked(const Shard& shard, const KeyControlBlock& parent, Utf16View name,
                                       std::uint64_t hash) {
    const Slots& slots = *shard.slots.load(std::memory_order_relaxed);
    for (std::uint64_t at = hash;; ++at) {
        const std::uint64_t slot = slots.entries[at & slots.mask].load(std::memory_order_relaxed);
        if (slot == 0) return nullptr;
        if (((slot ^ hash) << (64 - hash_bits)) != 0) continue;
        KeyControlBlock* block = block_of(slot);
        if (block->parent() == &parent && rtl::equal_folded(block->name(), name)) return block;
    }
}

void KeyTable::grow_locked(Shard& shard) {
    const Slots& old = *shard.slots.load(std::memory_order_relaxed);
    auto wider = std::make_unique<const Slots>((old.mask + 1) * 2);
    for (std::size_t i = 0; i <= old.mask; ++i) {
        const std::uint64_t slot = old.entries[i].load(std::memory_order_relaxed);
        if (slot == 0) continue;
        std::uint64_t at = hash_of(slot, wider->mask);
        while (wider->entries[at & wider->mask].load(std::memory_order_relaxed) != 0) ++at;
        wider->entries[at & wider->mask].store(slot, std::memory_order_relaxed);
    }
    shard.slots.store(wider.get(), std::memory_order_release);
    shard.all_slots.push_back(std::move(wider));
}

void KeyTable::insert_locked(Shard& shard, KeyControlBlock& block) {
    if ((shard.count + 1) * 2 > shard.slots.load(std::memory_order_relaxed)->mask) grow_locked(shard);
    const Slots& slots = *shard.slots.load(std::memory_order_relaxed);
    const std::uint64_t hash = block.hash_.load(std::memory_order_relaxed);
    std::uint64_t at = hash;
    while (slots.entries[at & slots.mask].load(std::memory_order_relaxed) != 0) ++at;
    slots.entries[at & slots.mask].store(slot_of(block, hash), std::memory_order_release);
    block.in_table_ = true;
    ++shard.count;
}

// No tombstones: what a hole would hide moves into it. A probe that overlooks something on the move misses.
void KeyTable::remove_locked(Shard& shard, KeyControlBlock& block) {
    if (!block.in_table_) return;
    const Slots& slots = *shard.slots.load(std::memory_order_relaxed);
    const std::uint64_t slot = slot_of(block, block.hash_.load(std::memory_order_relaxed));
    std::uint64_t hole = slot;
    while (slots.entries[hole & slots.mask].load(std::memory_order_relaxed) != slot) ++hole;
    for (std::uint64_t at = hole + 1;; ++at) {
        const std::uint64_t moved = slots.entries[at & slots.mask].load(std::memory_order_relaxed);
        if (moved == 0) break;
        const std::uint64_t hash = hash_of(moved, slots.mask);
        if (((at - hash) & slots.mask) < ((at - hole) & slots.mask)) continue;  // its own place is behind the hole
        slots.entries[hole & slots.mask].store(moved, std::memory_order_release);
        hole = at;
    }
    slots.entries[hole & slots.mask].store(0, std::memory_order_release);
    block.in_table_ = false;
    --shard.count;
}

// ---- the table

Ref<KeyControlBlock> KeyTable::make_root(Ref<MountedHive> hive, Utf16View name, hive::CellIndex cell) {
    FoldedPath path;
    const bool whole = path_below(nullptr, name, path);
    const std::uint64_t hash = hash_below(nullptr, 0, name, path, whole);
    Shard& home = shard(hash);
    ExclusiveGuard guard(home.lock);
    return make_locked(home, {std::move(hive), nullptr, name, whole ? path.view() : "", hash, cell, 0});
}

Ref<KeyControlBlock> KeyTable::find(const KeyControlBlock& parent, Utf16View name) const {
    FoldedPath path;
    const bool whole = path_below(&parent, name, path);
    const std::uint64_t hash = hash_below(&parent, parent.hash_.load(std::memory_order_relaxed), name, path, whole);
    const Shard& home = shard(hash);
    ExclusiveGuard guard(home.lock);
    return Ref<KeyControlBlock>::retain(find_locked(home, parent, name, hash));
}

Ref<KeyControlBlock> KeyTable::ensure(KeyControlBlock& parent, Utf16View name, MountedHive& hive, hive::CellIndex cell,
                                      std::uint16_t node_flags) {
    FoldedPath path;
    const bool whole = path_below(&parent, name, path);
    const std::uint64_t hash = hash_below(&parent, parent.hash_.load(std::memory_order_relaxed), name, path, whole);
    Shard& home = shard(hash);
    ExclusiveGuard guard(home.lock);
    if (KeyControlBlock* known = find_locked(home, parent, name, hash)) return Ref<KeyControlBlock>::retain(known);
    auto made = make_locked(home, {Ref<MountedHive>::retain(&hive), Ref<KeyControlBlock>::retain(&parent), name,
                                   whole ? path.view() : "", hash, cell, node_flags});
    insert_locked(home, *made);
    return made;
}

Ref<KeyControlBlock> KeyTable::make_private(KeyControlBlock& parent, Utf16View name, std::uint16_t node_flags) {
    FoldedPath path;
    const bool whole = path_below(&parent, name, path);
    const std::uint64_t hash = hash_below(&parent, parent.hash_.load(std::memory_order_relaxed), name, path, whole);
    Shard& home = shard(hash);
    ExclusiveGuard guard(home.lock);
    // No cell: what reads it all the same finds a key without name, subkeys and values.
    const bool in_memory = (node_flags & hive::key_volatile) != 0;
    const hive::CellIndex cell = in_memory ? hive::nil_cell : hive::nil_cell & ~hive::volatile_bit;
    return make_locked(home, {Ref<MountedHive>::retain(&parent.hive()), Ref<KeyControlBlock>::retain(&parent), name,
                              whole ? path.view() : "", hash, cell, node_flags, true});
}

void KeyTable::remove(KeyControlBlock& block) {
    Shard& home = shard(block.hash_.load(std::memory_order_relaxed));
    ExclusiveGuard guard(home.lock);
    remove_locked(home, block);
}

bool KeyTable::release(const KeyControlBlock& block) {
    auto& mutable_block = const_cast<KeyControlBlock&>(block);  // the table owns the places of the blocks in it
    for (;;) {
        const std::uint64_t hash = block.hash_.load(std::memory_order_relaxed);
        Shard& home = shard(hash);
        ExclusiveGuard guard(home.lock);
        if (block.hash_.load(std::memory_order_relaxed) != hash) continue;  // renamed meanwhile: another shard
        if (block.counter().fetch_sub(1, std::memory_order_acq_rel) != 1) return false;
        remove_locked(home, mutable_block);
        return true;
    }
}

Ref<KeyControlBlock> KeyTable::find_path(std::string_view folded) const {
    const std::uint64_t hash = hash_path(folded);
    const Slots& slots = *shard(hash).slots.load(std::memory_order_acquire);
    for (std::uint64_t at = hash; at != hash + longest_probe; ++at) {
        const std::uint64_t slot = slots.entries[at & slots.mask].load(std::memory_order_acquire);
        if (slot == 0) return nullptr;
        if (((slot ^ hash) << (64 - hash_bits)) != 0) continue;
        KeyControlBlock* candidate = block_of(slot);
        prefetch(*candidate);
        if (!try_ref(*candidate)) continue;
        auto block = Ref<KeyControlBlock>::adopt(candidate);
        if (block->folded_path() != folded || block->deleted() || block->hive().unloaded()) continue;
        touch(*block);
        return block;
    }
    return nullptr;
}

void KeyTable::prefetch_slot(std::string_view folded) const {
    const std::uint64_t hash = hash_path(folded);
    const Slots& slots = *shard(hash).slots.load(std::memory_order_acquire);
    __builtin_prefetch(&slots.entries[hash & slots.mask], 1);
}

Ref<KeyControlBlock> KeyTable::find_hinted(KeyControlBlock& hint, const KeyControlBlock& parent, Utf16View name) const {
    if (!try_ref(hint)) return nullptr;
    auto block = Ref<KeyControlBlock>::adopt(&hint);
    if (block->parent() != &parent || &block->hive() != &parent.hive() || block->private_) return nullptr;
    if (!rtl::equal_folded(block->name(), name) || block->deleted() || block->hive().unloaded()) return nullptr;
    touch(*block);
    return block;
}

void KeyTable::expect_after(KeyControlBlock& last, KeyControlBlock& next) const {
    if (!try_ref(last)) return;
    const auto block = Ref<KeyControlBlock>::adopt(&last);
    block->next_opened_.set(&next);
}

std::uint64_t KeyTable::moves() const {
    const std::uint64_t done = renames_done_.load(std::memory_order_seq_cst);
    const std::uint64_t begun = renames_begun_.load(std::memory_order_seq_cst);
    return begun * 2 + (begun == done ? 0 : 1);
}

// Gives the block the path that follows from its parent's, and its place in the table. REQUIRES: the hive's exclusive
// lock, so that nobody looks for it under locks meanwhile.
void KeyTable::move(KeyControlBlock& block, Utf16View name) {
    FoldedPath path;
    const KeyControlBlock* parent = block.parent();
    const bool whole = path_below(parent, name, path);
    const std::uint64_t above = parent == nullptr ? 0 : parent->hash_.load(std::memory_order_relaxed);
    const std::uint64_t hash = hash_below(parent, above, name, path, whole);
    bool was_in_table = false;
    {
        // Under the old shard's lock, so that release() sees one or the other.
        Shard& old = shard(block.hash_.load(std::memory_order_relaxed));
        ExclusiveGuard guard(old.lock);
        was_in_table = block.in_table_;
        remove_locked(old, block);
        block.set_naming(whole ? path.view() : "", name);
        block.hash_.store(hash, std::memory_order_relaxed);
    }
    if (!was_in_table) return;
    Shard& home = shard(hash);
    ExclusiveGuard guard(home.lock);
    insert_locked(home, block);
}

void KeyTable::rename_subtree(KeyControlBlock& top, Utf16View name) {
    std::vector<Ref<KeyControlBlock>> below;
    for (std::size_t i = 0; i < shard_count; ++i) {
        Shard& each = shards_[i];
        ExclusiveGuard guard(each.lock);
        const Slots& slots = *each.slots.load(std::memory_order_relaxed);
        for (std::size_t at = 0; at <= slots.mask; ++at) {
            const std::uint64_t slot = slots.entries[at].load(std::memory_order_relaxed);
            if (slot == 0) continue;
            const KeyControlBlock* up = block_of(slot)->parent();
            while (up != nullptr && up != &top) up = up->parent();
            if (up != nullptr) below.push_back(Ref<KeyControlBlock>::retain(block_of(slot)));
        }
    }
    // Parents before children, whose paths continue theirs.
    std::sort(below.begin(), below.end(), [](const auto& a, const auto& b) { return a->depth() < b->depth(); });
    renames_begun_.fetch_add(1, std::memory_order_seq_cst);
    move(top, name);
    for (const auto& each : below) move(*each, each->name());
    renames_done_.fetch_add(1, std::memory_order_seq_cst);
}

// ---- blocks kept after their last close

void KeyTable::limit_delayed(std::size_t blocks) {
    delayed_limit_of_shard_.store(blocks / shard_count + (blocks % shard_count != 0), std::memory_order_relaxed);
}

void KeyTable::delay_close(KeyControlBlock& block) {
    if (block.delayed_.load(std::memory_order_relaxed) || block.deleted() || block.hive().unloaded()) return;
    if (block.delayed_.exchange(true, std::memory_order_acq_rel)) return;
    constexpr int most = 4;
    Ref<KeyControlBlock> evicted[most];  // dropped after the lock
    const std::size_t limit = delayed_limit_of_shard_.load(std::memory_order_relaxed);
    Shard& home = shard(block.hash_.load(std::memory_order_relaxed));
    ExclusiveGuard guard(home.lock);
    home.delayed.push_back(Ref<KeyControlBlock>::retain(&block));
    home.delayed_bytes += block.home_.size_class * cell_unit;
    // The oldest go, but for those that were opened again.
    for (int i = 0; i < most; ++i) {
        if (home.delayed_bytes <= delayed_budget_of_shard_ && home.delayed.size() <= limit) break;
        Ref<KeyControlBlock> oldest = std::move(home.delayed.front());
        home.delayed.pop_front();
        if (i + 1 < most && oldest->touched_.exchange(false, std::memory_order_relaxed)) {
            home.delayed.push_back(std::move(oldest));
            continue;
        }
        home.delayed_bytes -= oldest->home_.size_class * cell_unit;
        oldest->delayed_.store(false, std::memory_order_release);
        evicted[i] = std::move(oldest);
    }
}

template <typename Condition>
void KeyTable::drop_delayed_if(Condition condition) {
    std::vector<Ref<KeyControlBlock>> doomed;  // dropped after the lock
    for (std::size_t i = 0; i < shard_count; ++i) {
        Shard& each = shards_[i];
        ExclusiveGuard guard(each.lock);
        const auto first = std::stable_partition(each.delayed.begin(), each.delayed.end(),
                                                 [&](const auto& block) { return !condition(*block); });
        for (auto it = first; it != each.delayed.end(); ++it) {
            each.delayed_bytes -= (*it)->home_.size_class * cell_unit;
            (*it)->delayed_.store(false, std::memory_order_release);
            doomed.push_back(std::move(*it));
        }
        each.delayed.erase(first, each.delayed.end());
    }
}

void KeyTable::drop_delayed(const MountedHive& hive) {
    drop_delayed_if([&](const KeyControlBlock& block) { return &block.hive() == &hive; });
}

void KeyTable::drop_all_delayed() {
    drop_delayed_if([](const KeyControlBlock&) { return true; });
}

std::size_t KeyTable::size() const {
    std::size_t total = 0;
    for (std::size_t i = 0; i < shard_count; ++i) {
        ExclusiveGuard guard(shards_[i].lock);
        total += shards_[i].count;
    }
    return total;
}

}  // namespace regent::cm
