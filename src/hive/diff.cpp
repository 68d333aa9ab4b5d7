#include "hive/diff.h"

#include <algorithm>

namespace regent::hive {

namespace {

// Flags with a meaning: not how the name is stored, not that a key is volatile or a root.
constexpr std::uint16_t storage_flags = key_volatile | key_comp_name;
constexpr std::uint16_t root_flags = key_hive_entry | key_no_delete;

struct Value {
    ValueRef ref;
    ValueInfo info;
};

std::vector<Value> values_by_name(const Hive& hive, CellIndex key) {
    std::vector<Value> values;
    for (std::uint32_t i = 0; i < hive.key_info(key).value_count; ++i) {
        if (const auto ref = hive.value_at(key, i)) values.push_back({*ref, hive.value_info(*ref)});
    }
    std::stable_sort(values.begin(), values.end(),
                     [](const Value& a, const Value& b) { return compare_folded(a.info.name, b.info.name) < 0; });
    return values;
}

std::vector<CellIndex> subkeys_of(const Hive& hive, CellIndex key) {
    std::vector<CellIndex> keys;
    for (std::uint32_t i = 0; i < hive.key_info(key).subkey_count; ++i) {
        if (const auto child = hive.subkey_at(key, i)) keys.push_back(*child);
    }
    return keys;
}

// Names that the registry takes for one may differ in case.
bool same_units(NameView a, NameView b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (a[i] != b[i]) return false;
    }
    return true;
}

bool same_data(const Hive& a, const Value& left, const Hive& b, const Value& right) {
    if (left.info.data_size != right.info.data_size) return false;
    std::byte chunk_a[65536];
    std::byte chunk_b[65536];
    for (std::uint64_t at = 0; at < left.info.data_size;) {
        const std::size_t got = a.read_value(left.ref, at, chunk_a);
        if (got == 0 || got != b.read_value(right.ref, at, chunk_b)) return false;
        if (!std::equal(chunk_a, chunk_a + got, chunk_b)) return false;
        at += got;
    }
    return true;
}

class Comparison {
public:
    Comparison(const Hive& before, const Hive& after, const DiffOptions& options, DiffSink& sink)
        : a_(before), b_(after), options_(options), sink_(sink) {}

    // Pre-order over both trees at once. A pair's `depth` says how much of the path is its parents'.
    void run() {
        compare_keys(a_.root(), b_.root(), 0);
        while (!stack_.empty()) {
            const Pair pair = stack_.back();
            stack_.pop_back();
            path_.resize(pair.depth - 1);
            path_.push_back(pair.a != nil_cell ? a_.key_name(pair.a).to_utf16() : b_.key_name(pair.b).to_utf16());
            if (pair.a == nil_cell) {
                report(Change::added, Aspect::key, pair.a, pair.b);
            } else if (pair.b == nil_cell) {
                report(Change::removed, Aspect::key, pair.a, pair.b);
            } else {
                compare_keys(pair.a, pair.b, pair.depth);
            }
        }
    }

private:
    struct Pair {
        CellIndex a, b;  // nil: only in the other
        std::size_t depth;
    };

    void report(Change change, Aspect aspect, CellIndex a, CellIndex b) {
        sink_.report({change, aspect, &path_, {}, {}, a, b});
    }

    void compare_keys(CellIndex a, CellIndex b, std::size_t depth) {
        const KeyInfo left = a_.key_info(a);
        const KeyInfo right = b_.key_info(b);
        const std::uint16_t ignored = storage_flags | (depth == 0 ? root_flags : 0);
        const bool same_flags = ((left.flags ^ right.flags) & ~ignored) == 0 && left.user_flags == right.user_flags &&
                                left.virtualization_flags == right.virtualization_flags;
        if (depth != 0 && !same_units(left.name, right.name)) report(Change::changed, Aspect::name, a, b);
        if (!same_flags) report(Change::changed, Aspect::flags, a, b);
        if (!std::ranges::equal(left.class_name, right.class_name)) report(Change::changed, Aspect::class_name, a, b);
        if (!std::ranges::equal(a_.security(a), b_.security(b))) report(Change::changed, Aspect::security, a, b);
        if (options_.times && left.last_write_time != right.last_write_time) {
            report(Change::changed, Aspect::time, a, b);
        }
        compare_values(a, b);
        push_subkeys(a, b, depth + 1);
    }

    void compare_values(CellIndex a, CellIndex b) {
        const std::vector<Value> left = values_by_name(a_, a);
        const std::vector<Value> right = values_by_name(b_, b);
        for (std::size_t i = 0, j = 0; i < left.size() || j < right.size();) {
            int order = i == left.size() ? 1 : -1;
            if (i < left.size() && j < right.size()) order = compare_folded(left[i].info.name, right[j].info.name);
            Difference difference = {Change::changed, Aspect::value, &path_, {}, {}, a, b};
            if (order <= 0) difference.before = left[i++].ref;
            if (order >= 0) difference.after = right[j++].ref;
            if (order < 0) difference.change = Change::removed;
            if (order > 0) difference.change = Change::added;
            if (order == 0 && same_value(left[i - 1], right[j - 1])) continue;
            sink_.report(difference);
        }
    }

    bool same_value(const Value& left, const Value& right) const {
        return same_units(left.info.name, right.info.name) && left.info.type == right.info.type &&
               left.info.tombstone == right.info.tombstone && same_data(a_, left, b_, right);
    }

    // The subkeys of both, in order, so that the first is on top.
    void push_subkeys(CellIndex a, CellIndex b, std::size_t depth) {
        const std::vector<CellIndex> left = subkeys_of(a_, a);
        const std::vector<CellIndex> right = subkeys_of(b_, b);
        const std::size_t bottom = stack_.size();
        for (std::size_t i = 0, j = 0; i < left.size() || j < right.size();) {
            int order = i == left.size() ? 1 : -1;
            if (i < left.size() && j < right.size()) {
                order = compare_folded(a_.key_name(left[i]), b_.key_name(right[j]));
            }
            const CellIndex in_a = order <= 0 ? left[i++] : nil_cell;
            const CellIndex in_b = order >= 0 ? right[j++] : nil_cell;
            stack_.push_back({in_a, in_b, depth});
        }
        std::reverse(stack_.begin() + static_cast<std::ptrdiff_t>(bottom), stack_.end());
    }

    const Hive& a_;
    const Hive& b_;
    const DiffOptions& options_;
    DiffSink& sink_;
    std::vector<Utf16> path_;
    std::vector<Pair> stack_;
};

}  // namespace

const char* to_string(Change change) {
    static constexpr const char* names[] = {"removed", "added", "changed"};
    return names[static_cast<std::size_t>(change)];
}

const char* to_string(Aspect aspect) {
    static constexpr const char* names[] = {"key", "value", "name", "class", "flags", "security", "time"};
    return names[static_cast<std::size_t>(aspect)];
}

void compare(const Hive& before, const Hive& after, const DiffOptions& options, DiffSink& sink) {
    Comparison(before, after, options, sink).run();
}

}  // namespace regent::hive
