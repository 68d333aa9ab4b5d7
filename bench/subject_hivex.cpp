// hivex: a regf library that keeps the whole hive in memory. It has no paths and no handles: an open walks children.
#include "subject.h"

#ifdef RG_HAVE_HIVEX
#include <hivex.h>

#include <cstdlib>
#include <cstring>
#include <fstream>

namespace regent::bench {
namespace {

class Hivex final : public Subject {
public:
    ~Hivex() override {
        if (hive_ != nullptr) hivex_close(hive_);
    }
    // `minimal` is an empty hive file of ours: hivex cannot make one.
    bool open(const std::string& minimal) {
        hive_ = hivex_open(minimal.c_str(), HIVEX_OPEN_WRITE);
        return hive_ != nullptr;
    }
    std::string name() const override { return "hivex"; }
    bool build(const Tree& tree) override {
        tree_ = &tree;
        std::vector<hive_node_h> node(tree.size + 1);
        node[0] = hivex_root(hive_);
        for (std::uint32_t i = 1; i <= tree.size; ++i) {
            const std::string name(tree.name[i].begin(), tree.name[i].end());
            node[i] = hivex_node_add_child(hive_, node[tree.parent[i]], name.c_str());
            if (node[i] == 0) return false;
            hive_set_value values[values_per_key];
            for (int v = 0; v < values_per_key; ++v) {
                values[v] = {const_cast<char*>(names_[v]), hive_t_REG_BINARY, value_bytes,
                             reinterpret_cast<char*>(const_cast<std::uint8_t*>(tree.data))};
            }
            if (hivex_node_set_values(hive_, node[i], values_per_key, values, 0) != 0) return false;
        }
        held_ = node[1];
        return true;
    }
    bool open_close(std::uint32_t key) override { return find(key) != 0; }
    bool query_open(std::uint32_t) override { return copy(held_); }
    bool open_query_close(std::uint32_t key) override {
        const hive_node_h node = find(key);
        return node != 0 && copy(node);
    }
    bool set_value(std::uint32_t key, std::uint32_t n) override {
        std::uint8_t data[value_bytes];
        std::memcpy(data, tree_->data, value_bytes);
        data[0] = static_cast<std::uint8_t>(n);
        const hive_set_value value = {const_cast<char*>(names_[1]), hive_t_REG_BINARY, value_bytes,
                                      reinterpret_cast<char*>(data)};
        const hive_node_h node = find(key);
        return node != 0 && hivex_node_set_value(hive_, node, &value, 0) == 0;
    }
    std::uint64_t walk() override { return walk_node(hivex_root(hive_)); }

private:
    hive_node_h find(std::uint32_t key) const {
        hive_node_h node = hivex_root(hive_);
        const std::u16string& path = tree_->path[key];
        std::size_t begin = 0;
        while (node != 0 && begin < path.size()) {
            std::size_t end = path.find(u'\\', begin);
            if (end == std::u16string::npos) end = path.size();
            const std::string part(path.begin() + static_cast<std::ptrdiff_t>(begin),
                                   path.begin() + static_cast<std::ptrdiff_t>(end));
            node = hivex_node_get_child(hive_, node, part.c_str());
            begin = end + 1;
        }
        return node;
    }
    bool copy(hive_node_h node) {
        const hive_value_h value = hivex_node_get_value(hive_, node, names_[1]);
        if (value == 0) return false;
        hive_type type{};
        std::size_t size = 0;
        char* data = hivex_value_value(hive_, value, &type, &size);
        if (data == nullptr || size != value_bytes) return false;
        std::memcpy(out_, data, value_bytes);
        std::free(data);
        return true;
    }
    std::uint64_t walk_node(hive_node_h node) {
        std::uint64_t bytes = 0;
        if (hive_value_h* values = hivex_node_values(hive_, node)) {
            for (hive_value_h* v = values; *v != 0; ++v) {
                hive_type type{};
                std::size_t size = 0;
                char* data = hivex_value_value(hive_, *v, &type, &size);
                bytes += size;
                std::free(data);
            }
            std::free(values);
        }
        if (hive_node_h* children = hivex_node_children(hive_, node)) {
            for (hive_node_h* child = children; *child != 0; ++child) bytes += walk_node(*child);
            std::free(children);
        }
        return bytes;
    }

    static constexpr const char* names_[values_per_key] = {"ValueNumber0", "ValueNumber1", "ValueNumber2"};
    hive_h* hive_ = nullptr;
    const Tree* tree_ = nullptr;
    hive_node_h held_ = 0;
    std::uint8_t out_[value_bytes] = {};
};

}  // namespace

std::unique_ptr<Subject> make_hivex(const std::string& directory, std::string& why) {
    auto subject = std::make_unique<Hivex>();
    if (subject->open(directory + "/minimal.hiv")) return subject;
    why = "no empty hive to start from in " + directory;
    return nullptr;
}

}  // namespace regent::bench
#else
namespace regent::bench {
std::unique_ptr<Subject> make_hivex(const std::string&, std::string& why) {
    why = "libhivex-dev was not there when the bench was built (./run setup)";
    return nullptr;
}
}  // namespace regent::bench
#endif
