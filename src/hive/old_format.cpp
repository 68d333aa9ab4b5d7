#include "hive/old_format.h"

#include <algorithm>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "hive/format.h"

namespace regent::hive {

namespace {

constexpr std::uint32_t old_cell_header = 8;
constexpr std::uint16_t kept_flags = key_no_delete | key_sym_link;

// The data of an allocated cell; empty when there is none.
Bytes old_cell(Bytes bins, CellIndex index) {
    const auto stored = rtl::load<std::int32_t>(bins, index);
    if (index == nil_cell || !stored || *stored >= 0 || *stored == INT32_MIN) return {};
    const std::uint32_t size = static_cast<std::uint32_t>(-*stored);
    if (size < old_cell_header) return {};
    return rtl::slice(bins, std::uint64_t{index} + old_cell_header, size - old_cell_header).value_or(Bytes{});
}

std::optional<Utf16> text(Bytes record, std::size_t at, std::size_t size) {
    const auto bytes = rtl::slice(record, at, size);
    if (!bytes || size % 2 != 0) return std::nullopt;
    return NameView(*bytes, false).to_utf16();
}

class OldTree {
public:
    OldTree(Bytes bins, Hive& to, FindingSink& sink) : bins_(bins), to_(to), sink_(sink) {}

    Result<void> copy(CellIndex root) {
        if (key_at(root) == nullptr) {
            tell(FindingKind::key, root, "the root key", "none", "");
            return fail(STATUS_REGISTRY_CORRUPT);
        }
        seen_.insert(root);
        RG_TRY(copy_key(root, to_.root(), security_of(*key_at(root))));
        stack_.push_back({root, to_.root(), 1});
        while (!stack_.empty()) {
            const Pending next = stack_.back();
            stack_.pop_back();
            RG_TRY(copy_subkeys(next));
        }
        return {};
    }

private:
    struct Pending {
        CellIndex from;
        CellIndex to;
        std::uint32_t depth;
    };

    void tell(FindingKind kind, CellIndex cell, const char* expected, std::string actual, const char* done) {
        sink_.report({kind, std::uint64_t{bins_start} + cell, expected, std::move(actual), done});
    }

    Bytes cell(CellIndex index) const { return old_cell(bins_, index); }
    const KeyNode* key_at(CellIndex index) const {
        const auto* node = rtl::record_at<KeyNode>(cell(index));
        return node != nullptr && node->signature == nk_signature ? node : nullptr;
    }
    Bytes security_of(const KeyNode& node) const {
        const Bytes data = cell(node.security);
        const auto* record = rtl::record_at<KeySecurity>(data);
        if (record == nullptr || record->signature != sk_signature) return {};
        const auto descriptor = rtl::slice(data, sizeof(KeySecurity), record->descriptor_size);
        return descriptor && valid_descriptor(*descriptor) ? *descriptor : Bytes{};
    }

    // Values, descriptor, flags and time of a key that is there already.
    Result<void> copy_key(CellIndex from, CellIndex to, Bytes descriptor) {
        const KeyNode& node = *key_at(from);
        const auto time = static_cast<std::int64_t>(std::uint64_t{node.last_write_time});
        if (!descriptor.empty()) RG_TRY(to_.set_security(to, descriptor, 0));
        RG_TRY(copy_values(from, node, to));
        RG_TRY(drop_broken_link(from, to));
        return to_.set_last_write_time(to, time);
    }

    Result<void> drop_broken_link(CellIndex from, CellIndex to) {
        const std::uint16_t flags = to_.flags(to);
        const bool link = (flags & key_sym_link) != 0;
        const auto target = to_.find_value(to, u"SymbolicLinkValue");
        constexpr std::uint32_t reg_link = 6;
        const bool good = target && to_.value_info(*target).type == reg_link && to_.key_info(to).value_count == 1;
        if (!link || good) return {};
        tell(FindingKind::value, from, "the one value of a link", "others", "a key, and no link");
        return to_.set_flags(to, static_cast<std::uint16_t>(flags & ~key_sym_link));
    }

    Result<void> copy_values(CellIndex key, const KeyNode& node, CellIndex to) {
        if (node.value_count == 0) return {};
        const Bytes list = cell(node.value_list);
        if (list.size() / 4 < node.value_count) {
            tell(FindingKind::value_list, key, "a list of values", "none that is long enough", "values left out");
            return {};
        }
        for (std::uint32_t i = 0; i < node.value_count; ++i) {
            const CellIndex index = *rtl::load<std::uint32_t>(list, std::uint64_t{i} * 4);
            const bool copied = RG_TRY(copy_value(index, to));
            if (!copied) tell(FindingKind::value, key, "a value", "cell " + std::to_string(index), "value left out");
        }
        return {};
    }

    Result<bool> copy_value(CellIndex index, CellIndex to) {
        const Bytes record = cell(index);
        const auto* value = rtl::record_at<KeyValue>(record);
        if (value == nullptr || value->signature != vk_signature) return false;
        const auto name = text(record, sizeof(KeyValue), value->name_size);
        const std::uint32_t size = value->data_size & ~value_inline_bit;
        const bool is_inline = (value->data_size & value_inline_bit) != 0;
        if (!name || (is_inline && size > 4)) return false;
        const Bytes room = is_inline ? rtl::as_bytes(&value->data, 4) : cell(value->data);
        const auto data = rtl::slice(size == 0 ? Bytes{} : room, 0, size);
        if (!data) return false;
        const auto set = to_.set_value(to, *name, value->type, *data, 0);
        const bool refused = !set && (set.error().code() == STATUS_OBJECT_NAME_INVALID ||
                                      set.error().code() == STATUS_INVALID_PARAMETER);
        if (!set && !refused) return std::unexpected(set.error());
        return set.has_value();
    }

    Result<void> copy_subkeys(const Pending& parent) {
        const KeyNode& node = *key_at(parent.from);
        if (node.subkey_count[0] == 0) return {};
        const Bytes list = cell(node.subkey_list[0]);
        const auto* header = rtl::record_at<ListHeader>(list);
        if (header == nullptr || header->signature != li_signature ||
            (list.size() - sizeof(ListHeader)) / 4 < header->count) {
            tell(FindingKind::subkey_list, parent.from, "a list li of subkeys", "none", "subkeys left out");
            return {};
        }
        for (std::size_t i = 0; i < header->count; ++i) {
            RG_TRY(copy_subkey(parent, *rtl::load<std::uint32_t>(list, sizeof(ListHeader) + i * 4)));
        }
        return {};
    }

    // A key is copied once, however often it is named: no cycle, no key in two places.
    Result<void> copy_subkey(const Pending& parent, CellIndex from) {
        const KeyNode* node = key_at(from);
        const auto name = node == nullptr ? std::nullopt : text(cell(from), sizeof(KeyNode), node->name_size);
        if (!name || !seen_.insert(from).second) {
            tell(FindingKind::key, parent.from, "a subkey", "cell " + std::to_string(from), "subkey left out");
            return {};
        }
        Bytes descriptor = security_of(*node);
        if (descriptor.empty()) descriptor = to_.security(parent.to);
        const std::vector<std::byte> kept(descriptor.begin(), descriptor.end());
        const Utf16 class_name =
            text(cell(node->class_cell), 0, node->class_size).value_or(Utf16());  // without one when it is damaged
        const auto made = to_.create_subkey(parent.to, *name, class_name, kept, StorageType::stable, 0,
                                            static_cast<std::uint16_t>(node->flags & kept_flags));
        if (!made) {
            const NTSTATUS status = made.error().code();
            if (status == STATUS_INSUFFICIENT_RESOURCES || status == STATUS_REGISTRY_QUOTA_LIMIT) {
                return std::unexpected(made.error());
            }
            tell(FindingKind::key, from, "a name of its own", rtl::to_utf8(*name), "subkey left out");
            return {};
        }
        RG_TRY(copy_key(from, *made, {}));
        stack_.push_back({from, *made, parent.depth + 1});
        return {};
    }

    Bytes bins_;
    Hive& to_;
    FindingSink& sink_;
    std::unordered_set<CellIndex> seen_;
    std::vector<Pending> stack_;
};

}  // namespace

Utf16 old_key_name(Bytes bins, CellIndex root) {
    const Bytes record = old_cell(bins, root);
    const auto* node = rtl::record_at<KeyNode>(record);
    if (node == nullptr || node->signature != nk_signature) return {};
    const Utf16 name = text(record, sizeof(KeyNode), node->name_size).value_or(Utf16());
    const bool legal = name.size() <= max_key_name && !name.starts_with(u'\0') && name.find(u'\\') == Utf16::npos;
    return legal ? name : Utf16();
}

Result<void> copy_old_tree(Bytes bins, CellIndex root, Hive& to, FindingSink& sink) {
    return OldTree(bins, to, sink).copy(root);
}

}  // namespace regent::hive
