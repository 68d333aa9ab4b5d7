#include "hive/tree_writer.h"

#include <algorithm>
#include <cstring>

#include "hive/security_index.h"
#include "hive/subkey_list.h"
#include "hive/value_data.h"

namespace regent::hive {

// --- BinStream

Result<void> BinStream::patch(CellIndex cell, std::size_t offset, Bytes bytes) {
    const std::size_t at = cell + 4 + offset;
    if (cell < start_) return out_.write_at(bins_start + at, bytes);
    std::memcpy(buffer_.data() + (at - start_), bytes.data(), bytes.size());
    return {};
}

Result<void> BinStream::make_room(std::uint32_t cell_size) {
    leave_hole();
    return take_hole(cell_size) ? Result<void>() : begin_bin(cell_size);
}

// The newest that is large enough: what belongs together stays near.
bool BinStream::take_hole(std::uint32_t cell_size) {
    for (std::size_t i = holes_.size(); i-- > 0;) {
        if (holes_[i].end - holes_[i].begin < cell_size) continue;
        room_ = holes_[i];
        holes_.erase(holes_.begin() + static_cast<std::ptrdiff_t>(i));
        return true;
    }
    return false;
}

Result<void> BinStream::begin_bin(std::uint32_t cell_size) {
    const std::uint32_t size =
        (cell_size + static_cast<std::uint32_t>(sizeof(BinHeader)) + page_size - 1) / page_size * page_size;
    if (size > max_storage - end_) return fail(STATUS_REGISTRY_QUOTA_LIMIT);
    if (end_ - start_ + size > window) RG_TRY(write_out());
    if (end_ - start_ + size > buffer_.size()) buffer_.resize(std::max<std::size_t>(window, end_ - start_ + size));
    BinHeader header = {};
    header.signature = bin_signature;
    header.offset = end_;
    header.size = size;
    std::memcpy(buffer_.data() + (end_ - start_), &header, sizeof(header));
    room_ = {end_ + static_cast<std::uint32_t>(sizeof(header)), end_ + size};
    end_ += size;
    return {};
}

// The smallest of too many holes is given up.
void BinStream::leave_hole() {
    if (room_.begin == room_.end) return;
    holes_.push_back(room_);
    room_ = {0, 0};
    if (holes_.size() <= max_holes) return;
    const auto smallest = std::min_element(holes_.begin(), holes_.end(),
                                           [](Hole a, Hole b) { return a.end - a.begin < b.end - b.begin; });
    free_hole(*smallest);
    holes_.erase(smallest);
}

void BinStream::free_hole(Hole hole) {
    const std::uint32_t size = hole.end - hole.begin;
    std::byte* const cell = buffer_.data() + (hole.begin - start_);
    std::memset(cell, 0, size);
    std::memcpy(cell, &size, 4);
}

Result<void> BinStream::write_out() {
    leave_hole();
    for (const Hole hole : holes_) free_hole(hole);
    holes_.clear();
    if (end_ == start_) return {};
    if (end_ > reserved_ && start_ != 0) out_.reserve(bins_start + (reserved_ = end_ + reserve_step));
    RG_TRY(out_.write_at(std::uint64_t{bins_start} + start_, Bytes(buffer_).first(end_ - start_)));
    start_ = end_;
    return {};
}

Result<std::uint32_t> BinStream::finish() {
    RG_TRY(write_out());
    return end_;
}

// --- TreeWriter

TreeWriter::TreeWriter(const Cells& source, std::uint32_t minor, rtl::File& out, MovedKeys* moved)
    : source_(source), minor_(minor), out_(out), moved_(moved) {
    seen_.resize(source.stable().size() / 8 + 1);
}

Result<void> TreeWriter::begin(CellIndex top) {
    written_.root = RG_TRY(put_key(top, nil_cell));
    stack_.push_back({top, written_.root});
    return {};
}

Result<bool> TreeWriter::step(std::size_t keys) {
    for (std::size_t done = 0; done < keys;) {
        if (placed_.size() < children_.size()) {
            RG_TRY(put_child());
            ++done;
            continue;
        }
        RG_TRY(end_family());
        const bool more = RG_TRY(next_family());
        if (more) continue;
        RG_TRY(finish_security());
        written_.bins_size = RG_TRY(out_.finish());
        return true;
    }
    return false;
}

namespace {

// A field of the record at the start of a cell is patched by its bytes.
Bytes field(const Le32& value) { return rtl::as_bytes(&value, sizeof(value)); }

}  // namespace

// The node (so the root is the first cell of all, as in hives of Windows), a descriptor that is new, the class, each
// value behind its data, the value list.
Result<CellIndex> TreeWriter::put_key(CellIndex from, CellIndex parent) {
    const Bytes data = source_.data(from);
    const auto* old = rtl::record_at<KeyNode>(data);
    if (old == nullptr || old->signature != nk_signature) return fail(STATUS_REGISTRY_CORRUPT);
    const std::size_t size = sizeof(KeyNode) + old->name_size;
    if (size > data.size()) return fail(STATUS_REGISTRY_CORRUPT);
    if (storage_of(from) == StorageType::stable) {
        if (seen_.test(from / 8)) return fail(STATUS_REGISTRY_CORRUPT);
        seen_.set(from / 8);
    }
    const BinStream::Cell cell = RG_TRY(out_.place(size));
    std::memcpy(cell.data.data(), data.data(), size);
    auto& node = *rtl::record_at<KeyNode>(cell.data);
    std::uint16_t flags = static_cast<std::uint16_t>(old->flags & ~(key_volatile | key_hive_entry));
    if (parent == nil_cell) flags |= key_hive_entry | key_no_delete;
    node.flags = flags;
    node.parent = parent;
    node.subkey_count[1] = 0;
    for (Le32& list : node.subkey_list) list = nil_cell;
    node.value_list = nil_cell;
    node.class_cell = nil_cell;
    node.work_var = 0;
    if (moved_ != nullptr) moved_->push_back({from, cell.index});
    const Le32 security = RG_TRY(put_security(old->security));
    RG_TRY(out_.patch(cell.index, offsetof(KeyNode, security), field(security)));
    RG_TRY(put_class(*old, cell.index));
    RG_TRY(put_values(*old, cell.index));
    return cell.index;
}

Result<void> TreeWriter::put_class(const KeyNode& old, CellIndex to) {
    if (old.class_size == 0) return {};
    const auto name = rtl::slice(source_.data(old.class_cell), 0, old.class_size);
    if (!name) return fail(STATUS_REGISTRY_CORRUPT);
    const BinStream::Cell cell = RG_TRY(out_.place(name->size()));
    std::memcpy(cell.data.data(), name->data(), name->size());
    return out_.patch(to, offsetof(KeyNode, class_cell), field(cell.index));
}

Result<void> TreeWriter::put_values(const KeyNode& old, CellIndex to) {
    const std::uint32_t count = old.value_count;
    if (count == 0) return {};
    if (value_count(source_, old) != count) return fail(STATUS_REGISTRY_CORRUPT);
    values_.clear();
    for (std::uint32_t i = 0; i < count; ++i) {
        const CellIndex value = RG_TRY(put_value(value_cell(source_, old, i)));
        values_.push_back(value);
    }
    const CellIndex list = RG_TRY(put_cells(values_));
    return out_.patch(to, offsetof(KeyNode, value_list), field(list));
}

Result<CellIndex> TreeWriter::put_value(CellIndex from) {
    const Bytes data = source_.data(from);
    const auto* old = rtl::record_at<KeyValue>(data);
    if (old == nullptr || old->signature != vk_signature) return fail(STATUS_REGISTRY_CORRUPT);
    const std::size_t size = sizeof(KeyValue) + old->name_size;
    if (size > data.size()) return fail(STATUS_REGISTRY_CORRUPT);
    const std::uint32_t data_size = old->data_size & ~value_inline_bit;
    Le32 place = 0;
    if (data_size <= sizeof(place)) {
        const MutableBytes room(reinterpret_cast<std::byte*>(&place), data_size);
        if (read_data(source_, *old, 0, room) != data_size) return fail(STATUS_REGISTRY_CORRUPT);
    } else {
        place = RG_TRY(put_data(*old, data_size));
    }
    const BinStream::Cell cell = RG_TRY(out_.place(size));
    std::memcpy(cell.data.data(), data.data(), size);
    auto& value = *rtl::record_at<KeyValue>(cell.data);
    value.data_size = data_size <= sizeof(place) ? data_size | value_inline_bit : data_size;
    value.data = place;
    return cell.index;
}

Result<CellIndex> TreeWriter::put_data(const KeyValue& old, std::uint32_t size) {
    const bool splits = minor_ >= 4;
    if (size > (splits ? max_value_data : max_cell_data)) return fail(STATUS_INVALID_PARAMETER);
    if (splits && size > big_data_segment) return put_big_data(old, size);
    const BinStream::Cell cell = RG_TRY(out_.place(size));
    if (const auto data = data_in_place(source_, old)) {
        if (data->size() != size) return fail(STATUS_REGISTRY_CORRUPT);
        std::memcpy(cell.data.data(), data->data(), size);
        return cell.index;
    }
    if (read_data(source_, old, 0, cell.data) != size) return fail(STATUS_REGISTRY_CORRUPT);
    return cell.index;
}

Result<CellIndex> TreeWriter::put_big_data(const KeyValue& old, std::uint32_t size) {
    std::vector<CellIndex> segments;
    for (std::uint32_t done = 0; done < size; done += big_data_segment) {
        const std::uint32_t part = std::min(big_data_segment, size - done);
        // The last segment too has the full size, as in every hive of Windows: other readers rely on it.
        const BinStream::Cell cell = RG_TRY(out_.place(big_data_segment));
        if (read_data(source_, old, done, cell.data.first(part)) != part) return fail(STATUS_REGISTRY_CORRUPT);
        std::memset(cell.data.data() + part, 0, big_data_segment - part);
        segments.push_back(cell.index);
    }
    const CellIndex list = RG_TRY(put_cells(segments));
    const BinStream::Cell cell = RG_TRY(out_.place(sizeof(BigData)));
    auto& big = *rtl::record_at<BigData>(cell.data);
    big.signature = db_signature;
    big.count = static_cast<std::uint16_t>(segments.size());
    big.list = list;
    return cell.index;
}

// One cell for each distinct descriptor, placed behind the first key that has it; its links and count come last.
Result<CellIndex> TreeWriter::put_security(CellIndex from) {
    if (from != last_security_) {
        auto known = descriptor_of_cell_.find(from);
        if (known == descriptor_of_cell_.end()) {
            const Bytes content = descriptor_of(source_, from);
            if (content.empty()) return fail(STATUS_REGISTRY_CORRUPT);
            const std::string_view text(reinterpret_cast<const char*>(content.data()), content.size());
            const auto [same, is_new] = descriptor_of_content_.try_emplace(text, descriptors_.size());
            if (is_new) {
                const BinStream::Cell cell = RG_TRY(out_.place(sizeof(KeySecurity) + content.size()));
                auto& record = *rtl::record_at<KeySecurity>(cell.data);
                record = {};
                record.signature = sk_signature;
                record.descriptor_size = static_cast<std::uint32_t>(content.size());
                std::memcpy(cell.data.data() + sizeof(KeySecurity), content.data(), content.size());
                descriptors_.push_back({cell.index, 0});
            }
            known = descriptor_of_cell_.emplace(from, same->second).first;
        }
        last_security_ = from;
        last_descriptor_ = known->second;
    }
    Descriptor& descriptor = descriptors_[last_descriptor_];
    ++descriptor.references;
    return descriptor.to;
}

Result<void> TreeWriter::finish_security() {
    struct Links {
        Le32 flink;
        Le32 blink;
        Le32 reference_count;
    };
    static_assert(offsetof(KeySecurity, blink) == offsetof(KeySecurity, flink) + 4 &&
                  offsetof(KeySecurity, reference_count) == offsetof(KeySecurity, flink) + 8);
    const std::size_t count = descriptors_.size();
    for (std::size_t i = 0; i < count; ++i) {
        const Links links = {descriptors_[(i + 1) % count].to, descriptors_[(i + count - 1) % count].to,
                             descriptors_[i].references};
        RG_TRY(out_.patch(descriptors_[i].to, offsetof(KeySecurity, flink), rtl::as_bytes(&links, sizeof(links))));
    }
    return {};
}

// The children of a key beside each other, then their list. The walk goes on with those of the first of them.
Result<bool> TreeWriter::next_family() {
    children_.clear();
    placed_.clear();
    if (stack_.empty()) return false;
    parent_ = stack_.back();
    stack_.pop_back();
    families_below_ = stack_.size();
    const auto& old = *source_.record<KeyNode>(parent_.from);
    if (old.subkey_count[0] != 0) RG_TRY(collect_children(old.subkey_list[0]));
    if (children_.size() != old.subkey_count[0]) return fail(STATUS_REGISTRY_CORRUPT);
    return true;
}

Result<void> TreeWriter::put_child() {
    const CellIndex child = children_[placed_.size()];
    const CellIndex to = RG_TRY(put_key(child, parent_.to));
    placed_.push_back(to);
    if (source_.record<KeyNode>(child)->subkey_count[0] != 0) stack_.push_back({child, to});
    return {};
}

Result<void> TreeWriter::end_family() {
    if (children_.empty()) return {};
    std::reverse(stack_.begin() + static_cast<std::ptrdiff_t>(families_below_), stack_.end());
    const CellIndex list = RG_TRY(put_list());
    return out_.patch(parent_.to, offsetof(KeyNode, subkey_list), field(list));
}

Result<void> TreeWriter::collect_children(CellIndex list) {
    const ListView view = list_view(source_, list);
    for (std::size_t i = 0; i < view.count; ++i) {
        if (view.is_leaf()) {
            children_.push_back(view.cell(i));
            continue;
        }
        const ListView leaf = list_view(source_, view.cell(i));
        if (!leaf.is_leaf()) return fail(STATUS_REGISTRY_CORRUPT);
        for (std::size_t k = 0; k < leaf.count; ++k) children_.push_back(leaf.cell(k));
    }
    return {};
}

// Exact lists. One leaf up to the size at which Windows splits, else leaves that fill a bin of one page each.
Result<CellIndex> TreeWriter::put_list() {
    constexpr std::size_t page_leaf = (page_size - sizeof(BinHeader) - 4 - sizeof(ListHeader)) / sizeof(HashElement);
    if (placed_.size() <= max_leaf) return put_leaf(0, placed_.size());
    std::vector<CellIndex> leaves;
    for (std::size_t i = 0; i < placed_.size(); i += page_leaf) {
        const CellIndex leaf = RG_TRY(put_leaf(i, std::min(page_leaf, placed_.size() - i)));
        leaves.push_back(leaf);
    }
    if (leaves.size() > 0xFFFF) return fail(STATUS_INSUFFICIENT_RESOURCES);
    const BinStream::Cell cell = RG_TRY(out_.place(sizeof(ListHeader) + leaves.size() * 4));
    auto& header = *rtl::record_at<ListHeader>(cell.data);
    header.signature = ri_signature;
    header.count = static_cast<std::uint16_t>(leaves.size());
    std::memcpy(cell.data.data() + sizeof(ListHeader), leaves.data(), leaves.size() * 4);
    return cell.index;
}

Result<CellIndex> TreeWriter::put_leaf(std::size_t first, std::size_t count) {
    const BinStream::Cell cell = RG_TRY(out_.place(sizeof(ListHeader) + count * sizeof(HashElement)));
    const bool hashed = minor_ >= 5;
    auto& header = *rtl::record_at<ListHeader>(cell.data);
    header.signature = hashed ? lh_signature : lf_signature;
    header.count = static_cast<std::uint16_t>(count);
    for (std::size_t i = 0; i < count; ++i) {
        const NameView name = name_of_key(source_, children_[first + i]);
        auto& element = *rtl::record_at<HashElement>(cell.data, sizeof(ListHeader) + i * sizeof(HashElement));
        element.cell = placed_[first + i];
        element.hash = hashed ? name.hash() : lf_hint(name);
    }
    return cell.index;
}

// A bare list of cell indexes: of values, of segments.
Result<CellIndex> TreeWriter::put_cells(std::span<const CellIndex> cells) {
    const BinStream::Cell cell = RG_TRY(out_.place(cells.size() * 4));
    std::memcpy(cell.data.data(), cells.data(), cells.size() * 4);
    return cell.index;
}

}  // namespace regent::hive
