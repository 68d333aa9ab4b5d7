// Other regf libraries walking a whole hive through their C interfaces, each value's data copied out.
#include <cstdlib>

#include "hive_suite.h"

#ifdef RG_HAVE_HIVEX
#include <hivex.h>
#endif
#ifdef RG_HAVE_LIBREGF
#include <libregf.h>
#endif

namespace regent::bench {

#ifdef RG_HAVE_HIVEX
namespace {

std::uint64_t walk_node(hive_h* hive, hive_node_h node) {
    std::uint64_t bytes = 0;
    std::free(hivex_node_name(hive, node));
    if (hive_value_h* values = hivex_node_values(hive, node)) {
        for (hive_value_h* value = values; *value != 0; ++value) {
            hive_type type{};
            std::size_t size = 0;
            std::free(hivex_value_key(hive, *value));
            char* data = hivex_value_value(hive, *value, &type, &size);
            if (data != nullptr) bytes += size;
            std::free(data);
        }
        std::free(values);
    }
    if (hive_node_h* children = hivex_node_children(hive, node)) {
        for (hive_node_h* child = children; *child != 0; ++child) bytes += walk_node(hive, *child);
        std::free(children);
    }
    return bytes;
}

}  // namespace

std::uint64_t walk_by_hivex(const std::string& path) {
    hive_h* hive = hivex_open(path.c_str(), 0);
    if (hive == nullptr) return 0;
    const std::uint64_t bytes = walk_node(hive, hivex_root(hive));
    hivex_close(hive);
    return bytes;
}
#else
std::uint64_t walk_by_hivex(const std::string&) { return peer_missing; }
#endif

#ifdef RG_HAVE_LIBREGF
namespace {

std::uint64_t walk_key(libregf_key_t* key, std::vector<std::uint8_t>& data) {
    std::uint64_t bytes = 0;
    int count = 0;
    std::size_t name_size = 0;
    std::uint8_t name[1024];
    if (libregf_key_get_utf8_name_size(key, &name_size, nullptr) == 1 && name_size <= sizeof name) {
        libregf_key_get_utf8_name(key, name, name_size, nullptr);
    }
    libregf_key_get_number_of_values(key, &count, nullptr);
    for (int i = 0; i < count; ++i) {
        libregf_value_t* value = nullptr;
        std::size_t size = 0;
        if (libregf_key_get_value(key, i, &value, nullptr) != 1) continue;
        if (libregf_value_get_utf8_name_size(value, &name_size, nullptr) == 1 && name_size <= sizeof name) {
            libregf_value_get_utf8_name(value, name, name_size, nullptr);
        }
        if (libregf_value_get_value_data_size(value, &size, nullptr) == 1 && size != 0) {
            if (size > data.size()) data.resize(size);
            if (libregf_value_get_value_data(value, data.data(), size, nullptr) == 1) bytes += size;
        }
        libregf_value_free(&value, nullptr);
    }
    libregf_key_get_number_of_sub_keys(key, &count, nullptr);
    for (int i = 0; i < count; ++i) {
        libregf_key_t* child = nullptr;
        if (libregf_key_get_sub_key(key, i, &child, nullptr) != 1) continue;
        bytes += walk_key(child, data);
        libregf_key_free(&child, nullptr);
    }
    return bytes;
}

}  // namespace

std::uint64_t walk_by_libregf(const std::string& path) {
    libregf_file_t* file = nullptr;
    libregf_key_t* root = nullptr;
    std::vector<std::uint8_t> data(65536);
    std::uint64_t bytes = 0;
    if (libregf_file_initialize(&file, nullptr) == 1 &&
        libregf_file_open(file, path.c_str(), LIBREGF_OPEN_READ, nullptr) == 1 &&
        libregf_file_get_root_key(file, &root, nullptr) == 1) {
        bytes = walk_key(root, data);
    }
    libregf_key_free(&root, nullptr);
    libregf_file_free(&file, nullptr);
    return bytes;
}
#else
std::uint64_t walk_by_libregf(const std::string&) { return peer_missing; }
#endif

}  // namespace regent::bench
