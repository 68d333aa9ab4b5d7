#include "cm/subtree_reader.h"

#include "cm/callback.h"
#include "ob/audit.h"
#include "se/access.h"

namespace regent::cm {

namespace {

// What one hold of the lock tells at most, so that writers get their turn.
constexpr unsigned most_keys = 128;
constexpr std::size_t most_bytes = 128 * 1024;

bool is_link(const hive::HiveScan::Key& key) { return (key.flags & hive::key_sym_link) != 0; }

}  // namespace

bool may_read_subtree(const KeyBody& key) {
    return key.bound() == nullptr && !filter::any_registered() && !ob::audits_anything() &&
           !key.block().hive().options().master;
}

Result<TreeProgress> read_subtree(const KeyBody& key, const TreeStart& start, TreeAnswer& answer) {
    return SubtreeReader(key, start, answer).run();
}

SubtreeReader::SubtreeReader(const KeyBody& body, const TreeStart& start, TreeAnswer& answer)
    : body_(body),
      start_(start),
      answer_(answer),
      access_(ob::AccessState::for_current(tree_read_access)),
      begun_(start.after != nullptr) {
    if (begun_) place_.assign(start.after->begin(), start.after->end());
}

Result<TreeProgress> SubtreeReader::run() {
    for (;;) {
        Step end;
        {
            const ReadKey key(body_.block());
            RG_TRY(key.alive());
            end = hold(key);
        }
        if (end == Step::more) continue;
        const TreeEnd told = end == Step::tree ? TreeEnd::tree : end == Step::room ? TreeEnd::room : TreeEnd::declined;
        return TreeProgress{told, told_, std::move(place_)};
    }
}

SubtreeReader::Step SubtreeReader::hold(const ReadKey& key) {
    storage_ = &key.storage();
    if (!may_read_subtree(body_) || storage_->suspect()) return Step::declined;
    if (!scan_) scan_.emplace(*storage_);
    if (!placed_ || storage_->changes() != changes_) {
        changes_ = storage_->changes();
        live_ = 0;
        chain_.clear();
        if (!begun_) {
            if (const Step first = start(); first != Step::more) return first;
        }
        seek();
        placed_ = true;
    }
    known_.fill({});
    ahead_.key = hive::nil_cell;
    moved_ = false;
    const std::size_t used = answer_.used();
    Step end = Step::more;
    for (unsigned keys = 0; end == Step::more && keys < most_keys && answer_.used() - used < most_bytes; ++keys) {
        end = step();
    }
    if (end == Step::more || end == Step::declined) remember_place();
    return end;
}

// Tells the key itself.
SubtreeReader::Step SubtreeReader::start() {
    const KeyControlBlock& block = body_.block();
    hive::HiveScan::Key key = scan_->key(block.cell());
    const Utf16View name = start_.name.empty() ? block.name() : start_.name;
    key.name = hive::NameView(std::as_bytes(std::span(name)), false);
    const Step told = tell(block.cell(), key, start_.depth, start_.path_units > max_tree_path);
    begun_ = told == Step::more;
    return told;
}

// The levels to what place_ names, as far as there is something and it is not closed, each behind the next one's key.
void SubtreeReader::seek() {
    const hive::CellIndex top = body_.block().cell();
    if (is_link(scan_->key(top)) || start_.path_units > max_tree_path) return;
    known_.fill({});
    enter(top, start_.path_units);
    for (const Utf16& name : place_) {
        Level& level = levels_[live_ - 1];
        level.next = scan_->count_up_to(level.key, name);
        const auto child = storage_->find_subkey(level.key, name);
        if (!child) return;
        const hive::HiveScan::Key key = scan_->key(*child);
        const std::size_t units = level.path_units + (depth_of_level(live_ - 1) != 0 ? 1 : 0) + key.name.size();
        if (access_to(*child, key.security) != STATUS_SUCCESS || is_link(key) || units > max_tree_path) return;
        enter(*child, units);
        chain_.push_back(*child);
    }
}

// One level more. What it had before is of no account.
void SubtreeReader::enter(hive::CellIndex key, std::size_t path_units) {
    if (live_ == levels_.size()) levels_.emplace_back();
    Level& level = levels_[live_++];
    level.key = key;
    level.path_units = path_units;
    level.next = level.at = level.count = 0;
    level.all = false;
    level.asked = key == ahead_.key && ahead_.at != 0;
}

hive::CellIndex SubtreeReader::next_of(Level& level) {
    if (level.at == level.count) {
        if (level.all) return hive::nil_cell;
        level.count = static_cast<std::uint32_t>(scan_->subkeys(level.key, level.next, level.cells));
        level.next += level.count;
        level.at = 0;
        level.all = level.count < level.cells.size();
        if (level.count == 0) return hive::nil_cell;
    }
    return level.cells[level.at];
}

// Asks for keys before they are read, since waiting for memory is most of what a walk does: the next ones at hand, and,
// while the subkeys of one key are told, those of the key behind it.
void SubtreeReader::ask_ahead(const Level& level) {
    if (level.at + 1 < level.count && !level.asked) scan_->ask_for(level.cells[level.at + 1]);
    if (live_ < 2) return;
    const Level& above = levels_[live_ - 2];
    const hive::CellIndex next = above.at < above.count ? above.cells[above.at] : hive::nil_cell;
    if (next != ahead_.key) {
        ahead_.key = next;
        ahead_.at = ahead_.count = 0;
        ahead_.read = next == hive::nil_cell;
        if (!ahead_.read) scan_->ask_for_subkeys(next);
    } else if (!ahead_.read) {
        ahead_.count = static_cast<std::uint32_t>(scan_->subkeys(next, 0, ahead_.cells));
        ahead_.read = true;
    } else {
        for (int i = 0; i < 2 && ahead_.at < ahead_.count; ++i) scan_->ask_for(ahead_.cells[ahead_.at++]);
    }
}

// Tells one key more, or leaves a level.
SubtreeReader::Step SubtreeReader::step() {
    if (live_ == 0) return Step::tree;
    Level& level = levels_[live_ - 1];
    const hive::CellIndex cell = next_of(level);
    if (cell == hive::nil_cell) {
        if (storage_->suspect()) return Step::declined;
        --live_;
        return live_ == 0 ? Step::tree : Step::more;
    }
    const hive::HiveScan::Key key = scan_->key(cell);
    const unsigned depth = depth_of_level(live_);
    const std::size_t units = level.path_units + (depth != 1 ? 1 : 0) + key.name.size();
    const NTSTATUS access = access_to(cell, key.security);
    if (access == STATUS_SUCCESS) {
        if (const Step told = tell(cell, key, depth, units > max_tree_path); told != Step::more) return told;
    } else {
        if (storage_->suspect()) return Step::declined;
        if (!answer_.refused(access, depth, key.name)) return Step::room;
    }
    told_ = moved_ = true;
    chain_.resize(live_ - 1);
    chain_.push_back(cell);
    ++level.at;
    ask_ahead(level);
    if (access != STATUS_SUCCESS || is_link(key) || units > max_tree_path) return Step::more;
    enter(cell, units);
    if (next_of(levels_[live_ - 1]) != hive::nil_cell) return Step::more;
    --live_;
    return storage_->suspect() ? Step::declined : Step::more;
}

SubtreeReader::Step SubtreeReader::tell(hive::CellIndex cell, const hive::HiveScan::Key& key, unsigned depth,
                                        bool cut) {
    const bool in_memory =
        body_.block().hive().options().volatile_hive || hive::storage_of(cell) == hive::StorageType::volatile_;
    const std::uint32_t flags = (in_memory ? std::uint32_t{RG_TREE_VOLATILE} : 0) |
                                (is_link(key) ? std::uint32_t{RG_TREE_LINK} : 0) |
                                (cut ? std::uint32_t{RG_TREE_CUT} : 0);
    answer_.begin({key.last_write_time, flags, depth, key.name, key.class_name});
    for (const hive::HiveScan::Value& value : scan_->values(cell)) {
        const MutableBytes room = answer_.value(value.type, value.name, value.data_size);
        if (room.empty()) continue;
        if (value.data && value.data->size() == room.size()) {
            std::memcpy(room.data(), value.data->data(), room.size());
        } else {
            storage_->read_value(value.ref, 0, room);
        }
    }
    if (storage_->suspect()) return Step::declined;
    if (!answer_.end()) return Step::room;
    told_ = true;
    return Step::more;
}

NTSTATUS SubtreeReader::access_to(hive::CellIndex cell, hive::CellIndex security) {
    if (access_.mode == ob::kernel_mode) return STATUS_SUCCESS;
    Known& known = known_[security / 8 % known_.size()];
    if (known.security == security && security != hive::nil_cell) return known.status;
    bool own = false;
    const NTSTATUS status = check_access(cell, own);
    if (own) known = {security, status};
    return status;
}

// `own`: by its own descriptor, so that all keys with that one have the same answer.
NTSTATUS SubtreeReader::check_access(hive::CellIndex cell, bool& own) {
    std::optional<se::DescriptorView> descriptor;
    if (const auto sound = se::DescriptorView::validate(storage_->security(cell))) {
        descriptor = *sound;
        own = true;
    } else {
        descriptor = security_of_cell(*storage_, storage_->parent(cell));
    }
    if (!descriptor) return STATUS_ACCESS_DENIED;
    const auto granted = se::access_check(*descriptor, *access_.token, access_.desired, key_mapping, access_.mode);
    return granted ? STATUS_SUCCESS : granted.error().code();
}

// What was told last, by names.
void SubtreeReader::remember_place() {
    if (!moved_) return;
    place_.clear();
    for (const hive::CellIndex cell : chain_) place_.push_back(storage_->key_name(cell).to_utf16());
}

}  // namespace regent::cm
