#include "hive/live_cells.h"

#include <algorithm>
#include <unordered_set>
#include <vector>

#include "hive/format.h"

namespace regent::hive {

namespace {

class LiveWalk {
public:
    LiveWalk(const Hive& hive, const std::function<void(const LiveCell&)>& use)
        : hive_(hive), bins_(hive.stable_bytes()), use_(use) {}

    void run() {
        stack_.push_back(hive_.root());
        while (!stack_.empty()) {
            const CellIndex key = stack_.back();
            stack_.pop_back();
            visit_key(key);
        }
    }

private:
    template <typename Record>
    const Record* record(CellIndex cell) const {
        return rtl::record_at<Record>(cell_data(bins_, cell));
    }

    void visit_key(CellIndex key) {
        const auto* node = record<KeyNode>(key);
        if (node == nullptr) return;
        use_({key, CellKind::key, static_cast<std::uint32_t>(sizeof(KeyNode) + node->name_size), key});
        if (node->class_size != 0) use_({node->class_cell, CellKind::class_name, node->class_size, key});
        visit_security(node->security);
        if (node->value_count != 0) visit_values(key, *node);
        if (node->subkey_count[0] != 0) visit_list(key, node->subkey_list[0]);
        for (std::uint32_t i = node->subkey_count[0]; i-- > 0;) {
            const auto child = hive_.subkey_at(key, i);
            if (child && storage_of(*child) == StorageType::stable) stack_.push_back(*child);
        }
    }

    // All cells of the circle, those too that no key uses.
    void visit_security(CellIndex cell) {
        for (const auto* sk = record<KeySecurity>(cell); sk != nullptr; sk = record<KeySecurity>(cell)) {
            if (!security_.insert(cell).second) return;
            use_({cell, CellKind::security, static_cast<std::uint32_t>(sizeof(KeySecurity)) + sk->descriptor_size,
                  nil_cell});
            cell = sk->flink;
        }
    }

    void visit_list(CellIndex key, CellIndex list) {
        const auto* header = record<ListHeader>(list);
        if (header == nullptr) return;
        const bool hashed = header->signature == lf_signature || header->signature == lh_signature;
        const std::uint32_t used = static_cast<std::uint32_t>(sizeof(ListHeader)) + header->count * (hashed ? 8U : 4U);
        if (header->signature != ri_signature) return use_({list, CellKind::subkey_leaf, used, key});
        use_({list, CellKind::subkey_index, used, key});
        const Bytes data = cell_data(bins_, list);
        for (std::size_t i = 0; i < header->count; ++i) {
            const auto leaf = rtl::load<std::uint32_t>(data, sizeof(ListHeader) + i * 4);
            const auto* leaf_header = leaf ? record<ListHeader>(*leaf) : nullptr;
            if (leaf_header != nullptr && leaf_header->signature != ri_signature) visit_list(key, *leaf);
        }
    }

    void visit_values(CellIndex key, const KeyNode& node) {
        use_({node.value_list, CellKind::value_list, node.value_count * 4, key});
        for (std::uint32_t i = 0; i < node.value_count; ++i) {
            const auto ref = hive_.value_at(key, i);
            const auto* value = ref ? record<KeyValue>(ref->cell) : nullptr;
            if (value == nullptr) continue;
            use_({ref->cell, CellKind::value, static_cast<std::uint32_t>(sizeof(KeyValue)) + value->name_size, key});
            visit_data(key, *value);
        }
    }

    void visit_data(CellIndex key, const KeyValue& value) {
        const std::uint32_t size = value.data_size;
        if ((size & value_inline_bit) != 0 || size == 0) return;
        const auto* big = record<BigData>(value.data);
        if (hive_.minor_version() < 4 || size <= big_data_segment || big == nullptr) {
            return use_({value.data, CellKind::value_data, size, key});
        }
        use_({value.data, CellKind::big_data, static_cast<std::uint32_t>(sizeof(BigData)), key});
        use_({big->list, CellKind::big_list, big->count * 4U, key});
        const Bytes list = cell_data(bins_, big->list);
        std::uint32_t left = size;
        for (std::size_t i = 0; i < big->count && left != 0; ++i) {
            const auto segment = rtl::load<std::uint32_t>(list, i * 4);
            if (!segment) return;
            const std::uint32_t part = std::min(left, big_data_segment);
            use_({*segment, CellKind::big_segment, part, key});
            left -= part;
        }
    }

    const Hive& hive_;
    Bytes bins_;
    const std::function<void(const LiveCell&)>& use_;
    std::vector<CellIndex> stack_;
    std::unordered_set<CellIndex> security_;
};

}  // namespace

const char* to_string(CellKind kind) {
    static constexpr const char* names[cell_kinds] = {
        "keys",       "class names",      "subkey leaves",  "subkey indexes",    "value lists", "values",
        "value data", "big-data records", "big-data lists", "big-data segments", "security"};
    return names[static_cast<std::size_t>(kind)];
}

Bytes cell_data(Bytes bins, CellIndex cell) {
    const auto stored = rtl::load<std::int32_t>(bins, cell);
    if (!stored || *stored >= 0 || *stored == INT32_MIN) return {};
    const auto size = static_cast<std::uint32_t>(-*stored);
    if (size < 8) return {};
    return rtl::slice(bins, std::uint64_t{cell} + 4, size - 4).value_or(Bytes{});
}

void for_each_live_cell(const Hive& hive, const std::function<void(const LiveCell&)>& use) {
    LiveWalk(hive, use).run();
}

}  // namespace regent::hive
