// W9: a compacting save of the whole hive, with and without its syncs; hivex's commit of the same tree. W12: bytes a
// key on disk, beside the least that the format allows.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "hive/format.h"
#include "hive_suite.h"
#include "rtl/env.h"

#ifdef RG_HAVE_HIVEX
#include <hivex.h>
#endif

namespace regent::bench {
namespace {

// A file whose syncs do nothing: what the save costs without the disk.
class Unsynced final : public rtl::File {
public:
    explicit Unsynced(rtl::File& file) : file_(file) {}
    Result<std::uint64_t> size() override { return file_.size(); }
    Result<std::size_t> read_at(std::uint64_t offset, MutableBytes out) override { return file_.read_at(offset, out); }
    Result<void> write_at(std::uint64_t offset, Bytes data) override { return file_.write_at(offset, data); }
    Result<void> truncate(std::uint64_t size) override { return file_.truncate(size); }
    void reserve(std::uint64_t end) override { file_.reserve(end); }
    Result<void> sync() override { return {}; }
    Result<void> lock() override { return file_.lock(); }

private:
    rtl::File& file_;
};

double save_ours(const hive::Hive& hive, const std::string& path, bool sync) {
    ::unlink(path.c_str());  // giving back an old file's blocks is not the save's
    const auto began = now_ns();
    const auto file = rtl::real_env().open(path, rtl::OpenMode::create);
    if (!file) return -1;
    Unsynced unsynced(**file);
    rtl::File& out = sync ? **file : unsynced;
    if (!hive.save_subtree(hive.root(), out, hive::Format::v1_5)) return -1;
    return static_cast<double>(now_ns() - began);
}

double file_size(const std::string& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 ? static_cast<double>(status.st_size) : -1;
}

std::uint64_t cell_size(std::uint64_t data) { return (data + 4 + 7) / 8 * 8; }

// What the tree needs at least: every cell at its smallest, and the bins' headers. Bytes.
double least_size(const Tree& tree, std::size_t descriptor) {
    std::vector<std::uint32_t> children(tree.size + 1);
    for (std::uint32_t i = 1; i <= tree.size; ++i) ++children[tree.parent[i]];
    std::uint64_t cells = cell_size(sizeof(hive::KeySecurity) + descriptor) + cell_size(sizeof(hive::KeyNode) + 4);
    for (std::uint32_t i = 0; i <= tree.size; ++i) {
        if (children[i] != 0) cells += cell_size(sizeof(hive::ListHeader) + children[i] * sizeof(hive::HashElement));
        if (i == 0) continue;
        cells += cell_size(sizeof(hive::KeyNode) + tree.name[i].size()) + cell_size(4 * values_per_key);
        for (const auto& name : tree.value_name) {
            cells += cell_size(sizeof(hive::KeyValue) + name.size()) + cell_size(value_bytes);
        }
    }
    const std::uint64_t room = hive::page_size - sizeof(hive::BinHeader);
    return static_cast<double>(hive::bins_start + (cells + room - 1) / room * hive::page_size);
}

// As many bytes as our file has, and nothing to do for them.
double save_floor(std::size_t bytes, const std::string& path, bool sync) {
    static const std::vector<std::byte> chunk(1 << 20, std::byte{1});
    ::unlink(path.c_str());
    const auto began = now_ns();
    const auto file = rtl::real_env().open(path, rtl::OpenMode::create);
    if (!file) return -1;
    for (std::size_t done = 0; done < bytes; done += chunk.size()) {
        if (!(*file)->write_at(done, Bytes(chunk).first(std::min(chunk.size(), bytes - done)))) return -1;
    }
    if (sync && !(*file)->sync()) return -1;
    return static_cast<double>(now_ns() - began);
}

#ifdef RG_HAVE_HIVEX
// The same tree, built by hivex itself.
hive_h* build_by_hivex(const HiveSuite& suite) {
    hive_h* hive = hivex_open(suite.minimal_hive().c_str(), HIVEX_OPEN_WRITE);
    if (hive == nullptr) return nullptr;
    const Tree& tree = suite.tree;
    std::vector<hive_node_h> node(tree.size + 1);
    node[0] = hivex_root(hive);
    std::string names[values_per_key];
    hive_set_value values[values_per_key];
    for (int v = 0; v < values_per_key; ++v) {
        names[v].assign(tree.value_name[v].begin(), tree.value_name[v].end());
        values[v] = {names[v].data(), hive_t_REG_BINARY, value_bytes,
                     reinterpret_cast<char*>(const_cast<std::uint8_t*>(tree.data))};
    }
    for (std::uint32_t i = 1; i <= tree.size; ++i) {
        const std::string name(tree.name[i].begin(), tree.name[i].end());
        node[i] = hivex_node_add_child(hive, node[tree.parent[i]], name.c_str());
        if (node[i] != 0 && hivex_node_set_values(hive, node[i], values_per_key, values, 0) == 0) continue;
        hivex_close(hive);
        return nullptr;
    }
    return hive;
}

double commit_by_hivex(hive_h* hive, const std::string& path, bool sync) {
    ::unlink(path.c_str());
    const auto began = now_ns();
    if (hivex_commit(hive, path.c_str(), 0) != 0) return -1;
    if (sync) {
        const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
        const bool synced = file >= 0 && ::fdatasync(file) == 0;
        ::close(file);
        if (!synced) return -1;
    }
    return static_cast<double>(now_ns() - began);
}
#endif

}  // namespace

void measure_save(HiveSuite& suite) {
    std::vector<hive::CellIndex> keys;
    const auto ours = build_hive(suite.tree, "", keys);
    if (ours == nullptr) std::exit(1);
    const double n = suite.tree.size;
    double hivex_size = 0;
#ifdef RG_HAVE_HIVEX
    hive_h* const hivex = build_by_hivex(suite);
    const std::string hivex_path = suite.directory + "/hivex.hiv";
    if (hivex == nullptr) suite.report.skipped("hivex", "it could not build the tree");
#else
    suite.report.skipped("hivex", "libhivex-dev was not there when the bench was built (./run setup)");
#endif
    for (const bool sync : {false, true}) {
        std::vector<Report::Contender> contenders = {
            {"regent", [&] { return save_ours(*ours, suite.saved_hive(), sync); }},
            {"floor", [&] {
                 const auto bytes = static_cast<std::size_t>(file_size(suite.saved_hive()));
                 return save_floor(bytes, suite.directory + "/floor.hiv", sync);
             }}};
#ifdef RG_HAVE_HIVEX
        if (hivex != nullptr) contenders.push_back({"hivex", [&] { return commit_by_hivex(hivex, hivex_path, sync); }});
#endif
        suite.report.measure_paired("W9", sync ? "sync" : "nosync", suite.tree.size, "ns", suite.runs, contenders);
    }
#ifdef RG_HAVE_HIVEX
    if (hivex != nullptr) {
        hivex_size = file_size(hivex_path);
        hivex_close(hivex);
    }
#endif
    const auto bytes_a_key = [&](const char* subject, double size) {
        const double each = size / n;
        suite.report.add({"W12", "disk", suite.tree.size, subject, "B/key", each, each, each, 1, 0});
    };
    bytes_a_key("regent", file_size(suite.saved_hive()));
    bytes_a_key("floor", least_size(suite.tree, ours->security(ours->root()).size()));
    if (hivex_size > 0) bytes_a_key("hivex", hivex_size);
}

}  // namespace regent::bench
