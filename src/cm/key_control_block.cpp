#include "cm/key_control_block.h"

#include <algorithm>
#include <new>

#include "cm/key_table.h"

namespace regent::cm {

namespace {

std::atomic<std::uint64_t> next_id{1};

constexpr std::size_t max_parts = hive::max_key_depth + 8;

}  // namespace

KeyControlBlock::KeyControlBlock(KeyTable& table, Home home, Ref<MountedHive> hive, Ref<KeyControlBlock> parent,
                                 const Naming& naming, std::uint64_t hash, hive::CellIndex cell,
                                 std::uint16_t node_flags)
    : naming_(&first_naming_),
      hash_(hash),
      hive_(std::move(hive)),
      parent_(std::move(parent)),
      cell_(cell),
      is_link_((node_flags & hive::key_sym_link) != 0),
      is_volatile_(hive_->options().volatile_hive || hive::storage_of(cell) == hive::StorageType::volatile_),
      home_(home),
      depth_(parent_ ? parent_->depth_ + 1 : 0),
      table_(table),
      id_(next_id.fetch_add(1, std::memory_order_relaxed)),
      first_naming_(naming) {}

KeyControlBlock::~KeyControlBlock() = default;

void KeyControlBlock::unref() const {
    std::uint64_t count = counter().load(std::memory_order_relaxed);
    while (count > 1) {
        if (counter().compare_exchange_weak(count, count - 1, std::memory_order_release, std::memory_order_relaxed)) {
            return;
        }
    }
    if (table_.release(*this)) table_.destroy(*this);
}

Result<void> KeyControlBlock::check_alive() const {
    if (hive_->unloaded()) return fail(STATUS_HIVE_UNLOADED);
    if (deleted()) return fail(STATUS_KEY_DELETED);
    return {};
}

std::size_t KeyControlBlock::copy_path(std::span<char16_t> out) const {
    // Names first, lengths after: a rename between the two must not tear the answer.
    Utf16View parts[max_parts];
    std::size_t count = 0;
    std::size_t length = 0;
    for (const KeyControlBlock* block = this; block != nullptr && count < max_parts; block = block->parent()) {
        parts[count] = block->name();
        length += parts[count].size() + 1;
        ++count;
    }
    if (length > out.size()) return length;
    char16_t* end = out.data() + length;
    for (std::size_t i = 0; i < count; ++i) {
        end -= parts[i].size();
        std::copy(parts[i].begin(), parts[i].end(), end);
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
    moved_locked(cell);
    table_.rename_subtree(*this, name);
}

void KeyControlBlock::set_naming(std::string_view path, Utf16View name) {
    const auto is_it = [&](const Naming& naming) { return naming.name == name && naming.path == path; };
    if (is_it(first_naming_)) {
        naming_.store(&first_naming_, std::memory_order_release);
        return;
    }
    const auto known =
        std::find_if(later_namings_.begin(), later_namings_.end(), [&](const auto& naming) { return is_it(*naming); });
    if (known != later_namings_.end()) {
        naming_.store(known->get(), std::memory_order_release);
        return;
    }
    later_namings_.push_back(std::make_unique<const OwnedNaming>(path, name));
    naming_.store(later_namings_.back().get(), std::memory_order_release);
}

}  // namespace regent::cm
