// A small registry in plain containers: what the services must answer, written down a second time from the statements
// of docs/conformance.md and knowing nothing of hives, blocks, locks or caches. One caller, who owns every key.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nt/ntregapi.h"
#include "nt/ntseapi.h"
#include "nt/ntstatus.h"
#include "rtl/utf16.h"

namespace regent::test {

using Data = std::vector<std::byte>;

// One entry of a DACL; all entries are for everybody.
struct ModelAce {
    bool allow = true;
    bool for_children = false;
    ACCESS_MASK mask = 0;
};
struct ModelDacl {
    bool null = false;
    bool known = true;  // else what the token's default is, which grants its user everything
    std::vector<ModelAce> entries;
};

struct ModelValue {
    Utf16 name;
    ULONG type = 0;
    Data data;
};

struct ModelKey {
    Utf16 name;
    Utf16 class_name;
    ModelKey* parent = nullptr;
    std::map<Utf16, std::shared_ptr<ModelKey>> children;  // by folded name
    std::vector<ModelValue> values;                       // in the order of their creation
    bool in_memory = false;
    bool link = false;
    bool deleted = false;
    ULONG user_flags = 0;
    ULONG control_flags = 0;
    bool virtual_source = false;
    // The largest there ever were, in bytes: they do not shrink.
    std::size_t max_name = 0, max_class = 0, max_value_name = 0, max_value_data = 0;
    ModelDacl dacl;
    std::optional<std::int64_t> time;  // as last seen or set
    bool touched = true;               // since then

    // The service says that `now` is the last write time. False: it cannot be.
    bool accept_time(std::int64_t now);
};

// A waiting notification; the runner keeps one for each event it has.
struct ModelWatch {
    bool armed = false;
    std::optional<NTSTATUS> told;
};
// What an open key's handles share.
struct ModelBody {
    std::shared_ptr<ModelKey> key;
    ULONG tags = 0;
    bool watching = false, tree = false, changed = false;
    ULONG filter = 0;
    std::vector<ModelWatch*> requests;
};
struct ModelHandle {
    std::shared_ptr<ModelBody> body;
    ACCESS_MASK granted = 0;
};

// An information class in full, before the caller's length cuts it.
struct Image {
    Data bytes;
    std::vector<bool> written;
    std::size_t header = 0;  // shorter buffers get BUFFER_TOO_SMALL
    std::optional<std::size_t> time_at;
    std::shared_ptr<ModelKey> timed;

    explicit Image(std::size_t header_size) : header(header_size) { grow(header_size); }
    void grow(std::size_t size);
    void put(std::size_t at, const void* data, std::size_t size);
    void word(std::size_t at, std::size_t value);
    void text(std::size_t at, Utf16View text) { put(at, text.data(), text.size() * sizeof(char16_t)); }
    void time(std::size_t at, std::shared_ptr<ModelKey> key);
};
struct Answer {
    NTSTATUS status = STATUS_SUCCESS;
    std::optional<Image> image;  // with SUCCESS
};

// A key of a subtree as RgReadTree tells it.
struct ModelTreeKey {
    NTSTATUS status = STATUS_SUCCESS;
    unsigned depth = 0;
    ModelKey* key = nullptr;
};

// What the caller's privileges give beside descriptors; found out by asking.
struct ModelCaller {
    bool takes_ownership = false;
    bool manages_audit = false;
};

class Model {
public:
    static constexpr int slot_count = 6;
    static constexpr int absolute = -1;

    // `base`: the path of the key that the sequence works below.
    Model(Utf16 base, ModelCaller caller);

    struct Opening {
        int from = absolute;
        Utf16 path;  // for `absolute` below the base
        bool odd_length = false;
        ACCESS_MASK desired = 0;
        ULONG attributes = 0;
        ULONG options = 0;
        bool create = false;
        Utf16 class_name;
        ULONG disposition = 0;  // out
    };
    NTSTATUS open(int slot, Opening& opening);
    NTSTATUS close(int slot);
    NTSTATUS duplicate(int from, int to);
    const std::optional<ModelHandle>& slot(int index) const { return slots_[static_cast<std::size_t>(index)]; }

    Answer query_key(int slot, unsigned information_class);
    Answer enumerate_key(int slot, ULONG index, unsigned information_class);
    Answer query_value(int slot, Utf16View name, unsigned information_class);
    Answer enumerate_value(int slot, ULONG index, unsigned information_class);
    // The values of these names in this order; null: the status says why not.
    NTSTATUS query_values(int slot, const std::vector<Utf16>& names, std::vector<const ModelValue*>& values);
    Answer object_name(int slot);
    NTSTATUS read_tree(int slot, std::vector<ModelTreeKey>& keys);

    NTSTATUS set_value(int slot, Utf16View name, ULONG type, const Data& data);
    NTSTATUS delete_value(int slot, Utf16View name);
    NTSTATUS delete_key(int slot);
    NTSTATUS rename_key(int slot, Utf16View name);
    NTSTATUS flush_key(int slot);
    NTSTATUS set_information(int slot, unsigned information_class, const Data& information);
    NTSTATUS set_dacl(int slot, const ModelDacl& dacl);
    NTSTATUS query_dacl(int slot, ModelDacl& dacl);
    NTSTATUS notify(int slot, ULONG filter, bool tree, ModelWatch& watch);

    ModelKey& root() { return *root_; }
    static Utf16 fold(Utf16View name);

private:
    using KeyPointer = std::shared_ptr<ModelKey>;
    struct Found {
        NTSTATUS status = STATUS_SUCCESS;
        KeyPointer key;
        bool created = false;
        ACCESS_MASK granted = 0;
    };
    Found walk(KeyPointer at, Utf16 path, Opening& opening, bool from_handle);
    Found finish(const KeyPointer& at, const Opening& opening) const;
    Found create(const KeyPointer& parent, Utf16View name, const Opening& opening);
    // The path below the base that a link leads to, with what is left.
    NTSTATUS follow(const ModelKey& link, Utf16View rest, Utf16& path) const;
    NTSTATUS reference(int slot, ACCESS_MASK needed, ModelHandle& handle) const;
    NTSTATUS check(const ModelKey& key, ACCESS_MASK desired, ACCESS_MASK& granted) const;
    NTSTATUS check_delete_of_tree(const ModelKey& key) const;
    void report(ModelKey& key, ULONG change);
    void end(ModelBody& body);
    std::vector<std::shared_ptr<ModelBody>> bodies() const;
    Utf16 path_of(const ModelKey& key) const;
    void add_tree(ModelKey& key, unsigned depth, std::vector<ModelTreeKey>& keys) const;
    Answer enumerated(const KeyPointer& key, unsigned information_class) const;

    const Utf16 base_;
    const ModelCaller caller_;
    KeyPointer root_;
    std::optional<ModelHandle> slots_[slot_count];
};

}  // namespace regent::test
