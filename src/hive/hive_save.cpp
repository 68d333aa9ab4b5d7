// A compact copy of a subtree: a new hive is built in memory, key by key, and written.
#include <algorithm>
#include <cstring>
#include <vector>

#include "hive/hive_impl.h"
#include "hive/subkey_list.h"
#include "hive/value_data.h"

namespace regent::hive {

namespace {

class Copier {
public:
    Copier(const Hive& source, const HiveImpl& from, HiveImpl& to) : source_(source), from_(from), to_(to) {}

    Result<void> run(CellIndex top) {
        const CellIndex root = RG_TRY(copy_key(top, nil_cell));
        to_.root = root;
        stack_.push_back({top, root});
        while (!stack_.empty()) {
            const Pair next = stack_.back();
            stack_.pop_back();
            RG_TRY(copy_children(next));
        }
        return {};
    }

private:
    struct Pair {
        CellIndex from;
        CellIndex to;
    };

    Result<CellIndex> copy_key(CellIndex key, CellIndex parent) {
        const KeyNode& old = from_.node(key);
        Edit edit(to_.cells);
        const CellIndex security = RG_TRY(to_.security.acquire(edit, StorageType::stable, source_.security(key)));
        const Utf16 name = source_.key_name(key).to_utf16();
        const CellIndex cell = RG_TRY(new_key_node(edit, StorageType::stable, {parent, security, name, {}, 0, 0}));
        auto& node = edit.fresh_record<KeyNode>(cell);
        node.last_write_time = old.last_write_time;
        std::uint16_t flags = static_cast<std::uint16_t>(old.flags & ~(key_volatile | key_hive_entry | key_comp_name));
        flags = static_cast<std::uint16_t>(flags | (node.flags & key_comp_name));
        if (parent == nil_cell) flags |= key_hive_entry | key_no_delete;
        node.flags = flags;
        node.layer = old.layer;
        node.virtual_flags = old.virtual_flags;
        RG_TRY(copy_class(edit, key, cell));
        RG_TRY(copy_values(edit, old, cell));
        to_.commit(edit);
        return cell;
    }

    Result<void> copy_class(Edit& edit, CellIndex key, CellIndex cell) {
        const Bytes class_name = source_.key_info(key).class_name;
        if (class_name.empty()) return {};
        auto& node = edit.fresh_record<KeyNode>(cell);
        node.class_cell = RG_TRY(edit.allocate(StorageType::stable, class_name.size()));
        node.class_size = static_cast<std::uint16_t>(class_name.size());
        std::memcpy(edit.fresh(node.class_cell).data(), class_name.data(), class_name.size());
        return {};
    }

    Result<void> copy_values(Edit& edit, const KeyNode& old, CellIndex cell) {
        const std::uint32_t count = value_count(from_.cells, old);
        auto& node = edit.fresh_record<KeyNode>(cell);
        if (count == 0) return {};
        const CellIndex list = RG_TRY(edit.allocate(StorageType::stable, std::size_t{count} * 4));
        for (std::uint32_t i = 0; i < count; ++i) {
            const CellIndex value = RG_TRY(copy_value(edit, value_cell(from_.cells, old, i), node));
            *rtl::record_at<Le32>(edit.fresh(list), std::uint64_t{i} * 4) = value;
        }
        node.value_count = count;
        node.value_list = list;
        return {};
    }

    Result<CellIndex> copy_value(Edit& edit, CellIndex value, KeyNode& node) {
        const auto* old = from_.cells.record<KeyValue>(value);
        if (old == nullptr) return fail(STATUS_REGISTRY_CORRUPT);
        const std::uint32_t size = old->data_size & ~value_inline_bit;
        data_.resize(size);
        if (read_data(from_.cells, *old, 0, data_) != size) return fail(STATUS_REGISTRY_CORRUPT);
        const DataPlace place = RG_TRY(store_data(edit, StorageType::stable, data_));
        const NameView name = name_of_value(from_.cells, value);
        const CellIndex cell = RG_TRY(edit.allocate(StorageType::stable, sizeof(KeyValue) + name.stored().size()));
        auto& copy = edit.fresh_record<KeyValue>(cell);
        copy = *old;
        copy.data_size = place.size;
        copy.data = place.data;
        std::copy(name.stored().begin(), name.stored().end(), edit.fresh(cell).begin() + sizeof(KeyValue));
        node.max_value_name =
            std::max<std::uint32_t>(node.max_value_name, static_cast<std::uint32_t>(name.byte_size()));
        node.max_value_data = std::max<std::uint32_t>(node.max_value_data, size);
        return cell;
    }

    Result<void> copy_children(Pair pair) {
        const KeyNode& old = from_.node(pair.from);
        const std::uint32_t count = old.subkey_count[0];
        if (count == 0) return {};
        std::vector<CellIndex> children;
        std::uint32_t max_class = 0;
        std::size_t max_name = 0;
        for (std::uint32_t i = 0; i < count; ++i) {
            const CellIndex child = element_at(from_.cells, old.subkey_list[0], i);
            if (child == nil_cell) return fail(STATUS_REGISTRY_CORRUPT);
            const CellIndex copied = RG_TRY(copy_key(child, pair.to));
            children.push_back(copied);
            max_name = std::max(max_name, source_.key_name(child).byte_size());
            max_class = std::max<std::uint32_t>(max_class, from_.node(child).class_size);
            stack_.push_back({child, children.back()});
        }
        std::reverse(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
        Edit edit(to_.cells);
        const CellIndex list = RG_TRY(make_list(edit, children));
        auto& node = edit.change_record<KeyNode>(pair.to);
        node.subkey_count[0] = count;
        node.subkey_list[0] = list;
        node.max_name = static_cast<std::uint16_t>(max_name);
        node.max_class = max_class;
        to_.commit(edit);
        return {};
    }

    // Exact lists: leaves of at most 511 elements under an index when one leaf does not do.
    Result<CellIndex> make_list(Edit& edit, const std::vector<CellIndex>& children) {
        constexpr std::size_t leaf_size = 511;
        std::vector<CellIndex> leaves;
        const std::size_t part = children.size() <= max_leaf ? children.size() : leaf_size;
        for (std::size_t i = 0; i < children.size(); i += part) {
            const std::size_t count = std::min(part, children.size() - i);
            const CellIndex leaf = RG_TRY(make_leaf(edit, {children.data() + i, count}));
            leaves.push_back(leaf);
        }
        if (leaves.size() == 1) return leaves.front();
        if (leaves.size() > 0xFFFF) return fail(STATUS_INSUFFICIENT_RESOURCES);
        const CellIndex index = RG_TRY(edit.allocate(StorageType::stable, sizeof(ListHeader) + leaves.size() * 4));
        auto& header = edit.fresh_record<ListHeader>(index);
        header.signature = ri_signature;
        header.count = static_cast<std::uint16_t>(leaves.size());
        for (std::size_t i = 0; i < leaves.size(); ++i) {
            *rtl::record_at<Le32>(edit.fresh(index), sizeof(ListHeader) + i * 4) = leaves[i];
        }
        return index;
    }

    Result<CellIndex> make_leaf(Edit& edit, std::span<const CellIndex> children) {
        const CellIndex leaf = RG_TRY(edit.allocate(StorageType::stable, sizeof(ListHeader) + children.size() * 8));
        const bool hashed = to_.cells.minor >= 5;
        auto& header = edit.fresh_record<ListHeader>(leaf);
        header.signature = hashed ? lh_signature : lf_signature;
        header.count = static_cast<std::uint16_t>(children.size());
        for (std::size_t i = 0; i < children.size(); ++i) {
            const NameView name = name_of_key(to_.cells, children[i]);
            auto& element = *rtl::record_at<HashElement>(edit.fresh(leaf), sizeof(ListHeader) + i * 8);
            element.cell = children[i];
            element.hash = hashed ? name.hash() : lf_hint(name);
        }
        return leaf;
    }

    const Hive& source_;
    const HiveImpl& from_;
    HiveImpl& to_;
    std::vector<Pair> stack_;
    std::vector<std::byte> data_;
};

}  // namespace

Result<void> Hive::save_subtree(CellIndex key, rtl::File& out, Format format) const {
    if (!impl_->is_key(key)) return fail(STATUS_INVALID_PARAMETER);
    HiveImpl copy;
    // A layered hive stays one: its tombstones mean something only in format 1.6.
    copy.cells.minor = impl_->cells.minor == 6 && format == Format::v1_5 ? 6 : static_cast<std::uint32_t>(format);
    RG_TRY(Copier(*this, *impl_, copy).run(key));
    BaseBlock base = new_base_block(impl_->path, copy.cells.minor, impl_->node(key).last_write_time);
    base.root_cell = copy.root;
    return write_primary(out, base, copy.cells.stable().bytes());
}

}  // namespace regent::hive
