// The floor: the least the machine allows on the same data. One flat hash of the folded path, a value compare, a
// 40-byte copy; no names kept, no handles, no security. What a figure of ours is judged against.
#include <cstring>

#include "subject.h"

namespace regent::bench {
namespace {

struct Record {
    std::u16string folded;
    struct Value {
        std::u16string name;
        std::uint8_t data[value_bytes];
    } value[values_per_key];
};

char16_t fold(char16_t c) { return c >= u'a' && c <= u'z' ? static_cast<char16_t>(c - 32) : c; }

std::uint64_t hash_folded(std::u16string_view path) {
    std::uint64_t hash = 1469598103934665603u;
    for (char16_t c : path) hash = (hash ^ fold(c)) * 1099511628211u;
    return hash;
}

bool same_folded(std::u16string_view folded, std::u16string_view other) {
    if (folded.size() != other.size()) return false;
    for (std::size_t i = 0; i < folded.size(); ++i) {
        if (folded[i] != fold(other[i])) return false;
    }
    return true;
}

class Floor final : public Subject {
public:
    std::string name() const override { return "floor"; }
    bool concurrent() const override { return true; }
    bool build(const Tree& tree) override {
        tree_ = &tree;
        std::size_t slots = 1;
        while (slots < tree.size * std::size_t{2}) slots *= 2;
        table_.assign(slots, 0);
        records_.assign(tree.size + 1, Record{});
        for (std::uint32_t i = 1; i <= tree.size; ++i) {
            for (char16_t c : tree.path[i]) records_[i].folded.push_back(fold(c));
            for (int v = 0; v < values_per_key; ++v) {
                records_[i].value[v].name = tree.value_name[v];
                std::memcpy(records_[i].value[v].data, tree.data, value_bytes);
            }
            std::size_t slot = hash_folded(tree.path[i]) & (slots - 1);
            while (table_[slot] != 0) slot = (slot + 1) & (slots - 1);
            table_[slot] = i;
        }
        held_ = &records_[1];
        return true;
    }
    bool open_close(std::uint32_t key) override { return find(tree_->path[key]) != nullptr; }
    bool query_open(std::uint32_t) override { return copy(*held_); }
    bool open_query_close(std::uint32_t key) override {
        const Record* record = find(tree_->path[key]);
        return record != nullptr && copy(*record);
    }
    bool set_value(std::uint32_t key, std::uint32_t n) override {
        auto* record = const_cast<Record*>(find(tree_->path[key]));
        if (record == nullptr) return false;
        std::memcpy(record->value[1].data, tree_->data, value_bytes);
        record->value[1].data[0] = static_cast<std::uint8_t>(n);
        return true;
    }
    std::uint64_t walk() override {
        std::uint64_t bytes = 0;
        for (std::uint32_t i = 1; i <= tree_->size; ++i) {
            for (const auto& value : records_[i].value) {
                std::memcpy(out_, value.data, value_bytes);
                bytes += value_bytes + (out_[0] & 1u);
            }
        }
        return bytes;
    }

private:
    const Record* find(std::u16string_view path) const {
        const std::size_t mask = table_.size() - 1;
        for (std::size_t slot = hash_folded(path) & mask; table_[slot] != 0; slot = (slot + 1) & mask) {
            const Record& record = records_[table_[slot]];
            if (same_folded(record.folded, path)) return &record;
        }
        return nullptr;
    }
    bool copy(const Record& record) const {
        for (const auto& value : record.value) {
            if (value.name != tree_->value_name[1]) continue;
            std::uint8_t out[value_bytes];
            std::memcpy(out, value.data, value_bytes);
            asm volatile("" : : "r"(out) : "memory");  // the answer is wanted
            return out[1] == tree_->data[1];
        }
        return false;
    }

    const Tree* tree_ = nullptr;
    std::vector<std::uint32_t> table_;
    std::vector<Record> records_;
    const Record* held_ = nullptr;
    std::uint8_t out_[value_bytes] = {};
};

}  // namespace

std::unique_ptr<Subject> make_floor() { return std::make_unique<Floor>(); }

}  // namespace regent::bench
