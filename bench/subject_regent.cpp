// Regent through its Nt services, as a program calls them: in process, or behind regentd when REGENT_SOCKET is set.
#include <cstring>

#include "nt/ntobapi.h"
#include "nt/ntregapi.h"
#include "nt/ntseapi.h"
#include "nt/ntservices.h"
#include "nt/ntstatus.h"
#include "regent/tree.h"
#include "subject.h"

namespace regent::bench {
namespace {

const std::u16string root_path = u"\\Registry\\Machine\\Software\\Bench";

UNICODE_STRING unicode(std::u16string_view text) {
    UNICODE_STRING string{};
    string.Length = static_cast<USHORT>(text.size() * 2);
    string.MaximumLength = string.Length;
    string.Buffer = const_cast<char16_t*>(text.data());
    return string;
}

class Regent final : public Subject {
public:
    explicit Regent(std::string subject_name) : subject_name_(std::move(subject_name)) {}
    ~Regent() override {
        if (held_ != nullptr) NtClose(held_);
    }
    std::string name() const override { return subject_name_; }
    bool concurrent() const override { return true; }
    bool build(const Tree& tree) override {
        tree_ = &tree;
        for (int v = 0; v < values_per_key; ++v) value_[v] = unicode(tree.value_name[v]);
        path_.resize(tree.size + 1);
        for (std::uint32_t i = 0; i <= tree.size; ++i) path_[i] = i == 0 ? root_path : root_path + u"\\" + tree.path[i];
        for (std::uint32_t i = 0; i <= tree.size; ++i) {
            const HANDLE key = create(path_[i]);
            if (key == nullptr) return false;
            for (int v = 0; i != 0 && v < values_per_key; ++v) {
                if (!NT_SUCCESS(NtSetValueKey(key, &value_[v], 0, REG_BINARY, const_cast<std::uint8_t*>(tree.data),
                                              value_bytes))) {
                    return false;
                }
            }
            NtClose(key);
        }
        held_ = open(path_[1]);
        return held_ != nullptr;
    }
    bool open_close(std::uint32_t key) override {
        const HANDLE handle = open(path_[key]);
        return handle != nullptr && NT_SUCCESS(NtClose(handle));
    }
    bool query_open(std::uint32_t) override { return query(held_); }
    bool open_query_close(std::uint32_t key) override {
        const HANDLE handle = open(path_[key]);
        if (handle == nullptr) return false;
        const bool good = query(handle);
        return NT_SUCCESS(NtClose(handle)) && good;
    }
    bool set_value(std::uint32_t key, std::uint32_t n) override {
        std::uint8_t data[value_bytes];
        std::memcpy(data, tree_->data, value_bytes);
        data[0] = static_cast<std::uint8_t>(n);
        const HANDLE handle = open(path_[key], KEY_SET_VALUE);
        if (handle == nullptr) return false;
        const NTSTATUS status = NtSetValueKey(handle, &value_[1], 0, REG_BINARY, data, value_bytes);
        NtClose(handle);
        return NT_SUCCESS(status);
    }
    std::uint64_t walk() override {
        const HANDLE root = open(path_[0]);
        const std::uint64_t bytes = walk_key(root);
        NtClose(root);
        return bytes;
    }
    std::uint64_t walk_in_bulk() override {
        const HANDLE root = open(path_[0]);
        std::uint64_t bytes = 0;
        NTSTATUS status = STATUS_MORE_ENTRIES;
        for (after_.clear(); status == STATUS_MORE_ENTRIES;) {
            UNICODE_STRING after = unicode(after_);
            ULONG told = 0;
            status = RgReadTree(root, bytes == 0 ? nullptr : &after, 0, answer_.data(),
                                static_cast<ULONG>(answer_.size()), &told);
            if (NT_SUCCESS(status)) bytes += read_answer(told);
        }
        NtClose(root);
        return status == STATUS_SUCCESS ? bytes : 0;
    }

private:
    // The bytes of all values; after_ becomes the path of the last key.
    std::uint64_t read_answer(ULONG told) {
        std::uint64_t bytes = 0;
        const RG_TREE_KEY* of_depth[16] = {};
        unsigned last = 0;
        for (std::uint8_t* at = answer_.data(); at != answer_.data() + told;) {
            const auto* key = reinterpret_cast<const RG_TREE_KEY*>(at);
            of_depth[last = key->Depth] = key;
            const auto* value = RG_TREE_FIRST_VALUE(key);
            for (ULONG i = 0; i < key->Values; ++i, value = RG_TREE_NEXT_VALUE(value)) bytes += value->DataLength;
            at += key->Size;
        }
        std::u16string path;
        for (unsigned depth = 1; depth <= last; ++depth) {
            if (depth > 1) path += u'\\';
            const auto* key = of_depth[depth];
            // What this answer does not have is where the one before it ended.
            path += key != nullptr
                        ? std::u16string_view(reinterpret_cast<const char16_t*>(key->Name), key->NameLength / 2)
                        : component(after_, depth);
        }
        after_ = std::move(path);
        return bytes;
    }
    static std::u16string_view component(std::u16string_view path, unsigned number) {
        for (; number > 1; --number) path.remove_prefix(path.find(u'\\') + 1);
        return path.substr(0, path.find(u'\\'));
    }
    static HANDLE create(const std::u16string& path) {
        UNICODE_STRING name = unicode(path);
        OBJECT_ATTRIBUTES attributes{};
        InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
        HANDLE key = nullptr;
        return NT_SUCCESS(NtCreateKey(&key, KEY_ALL_ACCESS, &attributes, 0, nullptr, 0, nullptr)) ? key : nullptr;
    }
    static HANDLE open(const std::u16string& path, ACCESS_MASK access = KEY_READ) {
        UNICODE_STRING name = unicode(path);
        return open_relative(nullptr, name, access);
    }
    static HANDLE open_relative(HANDLE root, UNICODE_STRING& name, ACCESS_MASK access) {
        OBJECT_ATTRIBUTES attributes{};
        InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, root, nullptr);
        HANDLE key = nullptr;
        return NT_SUCCESS(NtOpenKey(&key, access, &attributes)) ? key : nullptr;
    }
    bool query(HANDLE key) {
        alignas(8) std::uint8_t out[128];
        ULONG size = 0;
        return NT_SUCCESS(NtQueryValueKey(key, &value_[1], KeyValuePartialInformation, out, sizeof out, &size)) &&
               size == offsetof(KEY_VALUE_PARTIAL_INFORMATION, Data) + value_bytes;
    }
    std::uint64_t walk_key(HANDLE key) {
        alignas(8) std::uint8_t buffer[1024];
        std::uint64_t bytes = 0;
        ULONG size = 0;
        for (ULONG i = 0;
             NT_SUCCESS(NtEnumerateValueKey(key, i, KeyValueFullInformation, buffer, sizeof buffer, &size)); ++i) {
            bytes += reinterpret_cast<KEY_VALUE_FULL_INFORMATION*>(buffer)->DataLength;
        }
        for (ULONG i = 0; NT_SUCCESS(NtEnumerateKey(key, i, KeyBasicInformation, buffer, sizeof buffer, &size)); ++i) {
            const auto* info = reinterpret_cast<KEY_BASIC_INFORMATION*>(buffer);
            UNICODE_STRING name = unicode({reinterpret_cast<const char16_t*>(info->Name), info->NameLength / 2});
            const HANDLE child = open_relative(key, name, KEY_READ);
            if (child == nullptr) continue;
            bytes += walk_key(child);
            NtClose(child);
        }
        return bytes;
    }

    std::string subject_name_;
    const Tree* tree_ = nullptr;
    std::vector<std::u16string> path_;
    UNICODE_STRING value_[values_per_key] = {};
    HANDLE held_ = nullptr;
    std::u16string after_;
    std::vector<std::uint8_t> answer_ = std::vector<std::uint8_t>(256 * 1024);
};

}  // namespace

std::unique_ptr<Subject> make_regent(std::string subject_name, std::string& why) {
    UNICODE_STRING name = unicode(u"\\Registry\\Machine\\Software");
    OBJECT_ATTRIBUTES attributes{};
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
    HANDLE key = nullptr;
    const NTSTATUS status = NtOpenKey(&key, KEY_ALL_ACCESS, &attributes);
    if (!NT_SUCCESS(status)) {
        why = "\\Registry\\Machine\\Software does not open";
        return nullptr;
    }
    NtClose(key);
    return std::make_unique<Regent>(std::move(subject_name));
}

}  // namespace regent::bench
