#include "cm/key_control_block.h"

#include <algorithm>

namespace regent::cm {

namespace {

std::atomic<std::uint64_t> next_id{1};

// The hash of a path is its components' hashes continued one after the other.
std::uint32_t child_hash(const KeyControlBlock* parent, Utf16View name) {
    return rtl::name_hash(name, parent == nullptr ? 0 : parent->path_hash());
}

constexpr std::size_t max_parts = hive::max_key_depth + 8;

}  // namespace

KeyControlBlock::KeyControlBlock(KeyTable& table, Ref<MountedHive> hive, Ref<KeyControlBlock> parent, Utf16View name,
                                 hive::CellIndex cell, std::uint16_t node_flags)
    : table_(table),
      hive_(std::move(hive)),
      parent_(std::move(parent)),
      id_(next_id.fetch_add(1, std::memory_order_relaxed)),
      depth_(parent_ ? parent_->depth_ + 1 : 0),
      is_link_((node_flags & hive::key_sym_link) != 0),
      is_volatile_(hive_->options().volatile_hive || hive::storage_of(cell) == hive::StorageType::volatile_),
      cell_(cell),
      name_(nullptr),
      path_hash_(child_hash(parent_.get(), name)) {
    names_.push_back(std::make_unique<const Utf16>(name));
    name_.store(names_.back().get(), std::memory_order_release);
}

KeyControlBlock::~KeyControlBlock() = default;

void KeyControlBlock::unref() const {
    std::size_t count = count_.load(std::memory_order_relaxed);
    while (count > 1) {
        if (count_.compare_exchange_weak(count, count - 1, std::memory_order_release)) return;
    }
    if (table_.release(*this)) delete this;
}

Result<void> KeyControlBlock::check_alive() const {
    if (hive_->unloaded()) return fail(STATUS_HIVE_UNLOADED);
    if (deleted()) return fail(STATUS_KEY_DELETED);
    return {};
}

std::size_t KeyControlBlock::copy_path(std::span<char16_t> out) const {
    // Names first, lengths after: a rename between the two must not tear the answer.
    const Utf16* parts[max_parts];
    std::size_t count = 0;
    std::size_t length = 0;
    for (const KeyControlBlock* block = this; block != nullptr && count < max_parts; block = block->parent()) {
        parts[count] = block->name_.load(std::memory_order_acquire);
        length += parts[count]->size() + 1;
        ++count;
    }
    if (length > out.size()) return length;
    char16_t* end = out.data() + length;
    for (std::size_t i = 0; i < count; ++i) {
        end -= parts[i]->size();
        std::copy(parts[i]->begin(), parts[i]->end(), end);
        *--end = u'\\';
    }
    return length;
}

Utf16 KeyControlBlock::path() const {
    Utf16 text(260, u'\0');
    for (;;) {
        const std::size_t length = copy_path(text);
        const bool fits = length <= text.size();
        text.resize(length);
        if (fits) return text;
    }
}

void KeyControlBlock::mark_deleted_locked() {
    deleted_.store(true, std::memory_order_release);
    table_.remove(*this);
}

void KeyControlBlock::renamed_locked(Utf16View name, hive::CellIndex cell) {
    cell_ = cell;
    const auto known = std::find_if(names_.begin(), names_.end(), [&](const auto& old) { return *old == name; });
    if (known == names_.end()) {
        names_.push_back(std::make_unique<const Utf16>(name));
        name_.store(names_.back().get(), std::memory_order_release);
    } else {
        name_.store(known->get(), std::memory_order_release);
    }
    table_.rehash_subtree(*this);
}

KeyTable::KeyTable() : shards_(std::make_unique<Shard[]>(shard_count)) {
    for (std::size_t i = 0; i < shard_count; ++i) {
        ExclusiveGuard guard(shards_[i].lock);
        shards_[i].buckets.resize(64);
    }
}

KeyTable::~KeyTable() { drop_all_delayed(); }

KeyControlBlock* KeyTable::find_locked(const Shard& shard, const KeyControlBlock& parent, Utf16View name,
                                       std::uint32_t hash) {
    for (KeyControlBlock* block = shard.buckets[hash & (shard.buckets.size() - 1)]; block != nullptr;
         block = block->next_) {
        if (block->path_hash() == hash && block->parent() == &parent && rtl::equal_folded(block->name(), name)) {
            return block;
        }
    }
    return nullptr;
}

Ref<KeyControlBlock> KeyTable::find(const KeyControlBlock& parent, Utf16View name) const {
    const std::uint32_t hash = child_hash(&parent, name);
    const Shard& home = shard(hash);
    SharedGuard guard(home.lock);
    return Ref<KeyControlBlock>::retain(find_locked(home, parent, name, hash));
}

Ref<KeyControlBlock> KeyTable::ensure(KeyControlBlock& parent, Utf16View name, MountedHive& hive, hive::CellIndex cell,
                                      std::uint16_t node_flags) {
    auto fresh = rtl::make_ref<KeyControlBlock>(*this, Ref<MountedHive>::retain(&hive),
                                                Ref<KeyControlBlock>::retain(&parent), name, cell, node_flags);
    const std::uint32_t hash = fresh->path_hash();
    Shard& home = shard(hash);
    ExclusiveGuard guard(home.lock);
    if (KeyControlBlock* known = find_locked(home, parent, name, hash)) {
        auto answer = Ref<KeyControlBlock>::retain(known);
        // `fresh` was never in the table: its end needs no shard lock. See release().
        delete fresh.release();
        return answer;
    }
    insert_locked(home, *fresh);
    return fresh;
}

void KeyTable::insert_locked(Shard& shard, KeyControlBlock& block) {
    if (shard.count >= shard.buckets.size()) {
        std::vector<KeyControlBlock*> wider(shard.buckets.size() * 2);
        for (KeyControlBlock* head : shard.buckets) {
            while (head != nullptr) {
                KeyControlBlock* next = head->next_;
                KeyControlBlock*& bucket = wider[head->path_hash() & (wider.size() - 1)];
                head->next_ = bucket;
                bucket = head;
                head = next;
            }
        }
        shard.buckets.swap(wider);
    }
    KeyControlBlock*& bucket = shard.buckets[block.path_hash() & (shard.buckets.size() - 1)];
    block.next_ = bucket;
    bucket = &block;
    block.in_table_ = true;
    ++shard.count;
}

void KeyTable::remove_locked(Shard& shard, KeyControlBlock& block) {
    if (!block.in_table_) return;
    KeyControlBlock** link = &shard.buckets[block.path_hash() & (shard.buckets.size() - 1)];
    while (*link != &block) link = &(*link)->next_;
    *link = block.next_;
    block.in_table_ = false;
    --shard.count;
}

void KeyTable::remove(KeyControlBlock& block) {
    Shard& home = shard(block.path_hash());
    ExclusiveGuard guard(home.lock);
    remove_locked(home, block);
}

bool KeyTable::release(const KeyControlBlock& block) {
    auto& mutable_block = const_cast<KeyControlBlock&>(block);  // the table owns the links of the blocks in it
    for (;;) {
        const std::uint32_t hash = block.path_hash();
        Shard& home = shard(hash);
        ExclusiveGuard guard(home.lock);
        if (block.path_hash() != hash) continue;  // renamed meanwhile: another shard
        if (block.count_.fetch_sub(1, std::memory_order_acq_rel) != 1) return false;
        remove_locked(home, mutable_block);
        return true;
    }
}

void KeyTable::rehash_subtree(KeyControlBlock& block) {
    std::vector<Ref<KeyControlBlock>> moved;
    for (std::size_t i = 0; i < shard_count; ++i) {
        Shard& each = shards_[i];
        ExclusiveGuard guard(each.lock);
        for (KeyControlBlock*& bucket : each.buckets) {
            for (KeyControlBlock** link = &bucket; *link != nullptr;) {
                KeyControlBlock* candidate = *link;
                const KeyControlBlock* up = candidate;
                while (up != nullptr && up != &block) up = up->parent();
                if (up == nullptr) {
                    link = &candidate->next_;
                    continue;
                }
                moved.push_back(Ref<KeyControlBlock>::retain(candidate));
                *link = candidate->next_;
                candidate->in_table_ = false;
                --each.count;
            }
        }
    }
    // Parents before children, whose hashes continue theirs.
    std::sort(moved.begin(), moved.end(), [](const auto& a, const auto& b) { return a->depth() < b->depth(); });
    for (const auto& each : moved) {
        const std::uint32_t hash = child_hash(each->parent(), each->name());
        {
            // Under the old shard's lock, so that release() sees one or the other.
            ExclusiveGuard guard(shard(each->path_hash()).lock);
            each->path_hash_.store(hash, std::memory_order_relaxed);
        }
        Shard& home = shard(hash);
        ExclusiveGuard guard(home.lock);
        insert_locked(home, *each);
    }
}

void KeyTable::delay_close(Ref<KeyControlBlock> block) {
    if (block->delayed_.load(std::memory_order_relaxed) || block->deleted() || block->hive().unloaded()) return;
    if (block->delayed_.exchange(true, std::memory_order_acq_rel)) return;
    Ref<KeyControlBlock> evicted;  // dropped after the lock
    Shard& home = shard(block->path_hash());
    {
        ExclusiveGuard guard(home.lock);
        if (home.delayed.size() < delayed_per_shard) {
            home.delayed.push_back(std::move(block));
            return;
        }
        evicted = std::exchange(home.delayed[home.next_delayed], std::move(block));
        home.next_delayed = (home.next_delayed + 1) % delayed_per_shard;
        evicted->delayed_.store(false, std::memory_order_release);
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
            (*it)->delayed_.store(false, std::memory_order_release);
            doomed.push_back(std::move(*it));
        }
        each.delayed.erase(first, each.delayed.end());
        each.next_delayed = 0;
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
        SharedGuard guard(shards_[i].lock);
        total += shards_[i].count;
    }
    return total;
}

}  // namespace regent::cm
