// RgReadTree: what it must tell, and whether it does.
#include <cstring>

#include "regent/tree.h"
#include "rtl/status.h"
#include "service_call.h"

namespace regent::test {

void Model::add_tree(ModelKey& key, unsigned depth, std::vector<ModelTreeKey>& keys) const {
    keys.push_back({STATUS_SUCCESS, depth, &key});
    if (key.link) return;
    for (const auto& [folded, child] : key.children) {
        ACCESS_MASK granted = 0;
        const NTSTATUS status = check(*child, KEY_QUERY_VALUE | KEY_ENUMERATE_SUB_KEYS, granted);
        if (status == STATUS_SUCCESS) {
            add_tree(*child, depth + 1, keys);
        } else {
            keys.push_back({status, depth + 1, child.get()});
        }
    }
}

NTSTATUS Model::read_tree(int slot, std::vector<ModelTreeKey>& keys) {
    ModelHandle handle;
    const NTSTATUS status = reference(slot, KEY_QUERY_VALUE | KEY_ENUMERATE_SUB_KEYS, handle);
    if (status != STATUS_SUCCESS) return status;
    if (handle.body->key->deleted) return STATUS_KEY_DELETED;
    add_tree(*handle.body->key, 0, keys);
    return STATUS_SUCCESS;
}

namespace {

bool is_text(const void* at, std::size_t bytes, Utf16View text) {
    return bytes == text.size() * sizeof(char16_t) && std::memcmp(at, text.data(), bytes) == 0;
}

bool is_told(const RG_TREE_KEY& told, const ModelTreeKey& model) {
    ModelKey& key = *model.key;
    if (told.Status != model.status || told.Depth != model.depth || !is_text(told.Name, told.NameLength, key.name))
        return false;
    if (model.status != STATUS_SUCCESS)
        return told.Flags == 0 && told.Values == 0 && told.ClassLength == 0 && told.LastWriteTime.QuadPart == 0;
    const ULONG flags = (key.in_memory ? RG_TREE_VOLATILE : 0U) | (key.link ? RG_TREE_LINK : 0U);
    const auto* class_name = reinterpret_cast<const std::byte*>(told.Name) + told.NameLength;
    if (told.Flags != flags || told.Values != key.values.size() || !key.accept_time(told.LastWriteTime.QuadPart) ||
        !is_text(class_name, told.ClassLength, key.class_name)) {
        return false;
    }
    auto* value = RG_TREE_FIRST_VALUE(const_cast<PRG_TREE_KEY>(&told));
    for (const ModelValue& each : key.values) {
        if (value->Type != each.type || value->DataLength != each.data.size() ||
            !is_text(value->Name, value->NameLength, each.name) ||
            (!each.data.empty() && std::memcmp(RG_TREE_DATA(value), each.data.data(), each.data.size()) != 0)) {
            return false;
        }
        value = RG_TREE_NEXT_VALUE(value);
    }
    return true;
}

}  // namespace

std::string check_tree(HANDLE key, NTSTATUS expected, const std::vector<ModelTreeKey>& keys, unsigned choice) {
    std::vector<std::uint64_t> buffer(choice * 8 + 1);
    std::vector<Utf16> path;
    Utf16 after;
    std::size_t at = 0;
    for (;;) {
        UNICODE_STRING string = rtl::unicode_string(after);
        ULONG told = 0;
        const NTSTATUS status = RgReadTree(key, at == 0 ? nullptr : &string, 0, buffer.data(),
                                           static_cast<ULONG>(buffer.size() * 8), &told);
        if (status == STATUS_BUFFER_TOO_SMALL && expected == STATUS_SUCCESS && told > buffer.size() * 8) {
            buffer.resize(told / 8);
            continue;
        }
        const NTSTATUS right = expected != STATUS_SUCCESS ? expected
                               : at == keys.size()        ? STATUS_NO_MORE_ENTRIES
                                                          : STATUS_SUCCESS;
        if (status != right && !(right == STATUS_SUCCESS && status == STATUS_MORE_ENTRIES))
            return "the tree: " + std::string(rtl::status_name(status)) + ", model: " + rtl::status_name(right);
        if (right != STATUS_SUCCESS) return {};
        for (std::size_t offset = 0; offset < told; ++at) {
            const auto& record = *reinterpret_cast<const RG_TREE_KEY*>(buffer.data() + offset / 8);
            if (at == keys.size()) return "more keys in the tree than in the model";
            if (!is_told(record, keys[at])) return "another key in the tree: " + printable(keys[at].key->name);
            path.resize(record.Depth == 0 ? 0 : record.Depth - 1U);
            if (record.Depth != 0) path.push_back(keys[at].key->name);
            offset += record.Size;
        }
        after.clear();
        for (const Utf16& name : path) after += (after.empty() ? u"" : u"\\") + name;
    }
}

}  // namespace regent::test
