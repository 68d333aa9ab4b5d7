#include <algorithm>

#include "ob/namespace.h"

namespace regent::ob {

NamespaceLock& namespace_lock() {
    static NamespaceLock lock;
    return lock;
}

// Whoever destroys a directory was the last to know it: every named object references its directory.
Directory::~Directory() { RG_ASSERT(entries_.empty()); }

ObjectRef<void> Directory::find(Utf16View name, bool case_insensitive) const {
    SharedGuard guard(namespace_lock());
    auto [first, last] = entries_.equal_range(rtl::name_hash(name));
    void* folded_match = nullptr;
    for (auto it = first; it != last; ++it) {
        const ObjectHeader& header = header_of(it->second);
        if (header.name == name) return ObjectRef<void>::retain(it->second);
        bool folds = case_insensitive || header.type->case_insensitive;
        if (folds && folded_match == nullptr && rtl::equal_folded(header.name, name)) folded_match = it->second;
    }
    return ObjectRef<void>::retain(folded_match);
}

Result<void> Directory::insert(void* object, Utf16View name) {
    ObjectHeader& header = header_of(object);
    ExclusiveGuard guard(namespace_lock());
    RG_ASSERT(header.directory == nullptr);
    auto [first, last] = entries_.equal_range(rtl::name_hash(name));
    for (auto it = first; it != last; ++it) {
        if (header_of(it->second).name == name) return fail(STATUS_OBJECT_NAME_COLLISION);
    }
    entries_.emplace(rtl::name_hash(name), object);
    header.name = name;
    header.directory = this;
    reference(object);
    reference(this);
    return {};
}

std::vector<Directory::Item> Directory::list() const {
    std::vector<Item> items;
    {
        SharedGuard guard(namespace_lock());
        for (const auto& [hash, object] : entries_) {
            items.push_back({header_of(object).name, ObjectRef<void>::retain(object)});
        }
    }
    std::ranges::sort(items, [](const Item& a, const Item& b) { return rtl::compare_folded(a.name, b.name) < 0; });
    return items;
}

bool remove_name(void* object, bool only_if_unused) {
    ObjectHeader& header = header_of(object);
    // Most objects never had a name; who gives one now still holds a reference and a handle of its own.
    if (header.directory.load(std::memory_order_acquire) == nullptr) return false;
    ObjectRef<void> named;  // both released after the lock
    ObjectRef<Directory> from;
    {
        ExclusiveGuard guard(namespace_lock());
        if (header.directory == nullptr) return false;
        bool in_use = (header.flags.load() & ObjectHeader::flag_permanent) != 0 || header.handle_count.load() != 0;
        if (only_if_unused && in_use) return false;
        from = ObjectRef<Directory>::adopt(header.directory);
        named = ObjectRef<void>::adopt(object);
        auto [first, last] = from->entries_.equal_range(rtl::name_hash(header.name));
        auto entry = std::find_if(first, last, [&](const auto& item) { return item.second == object; });
        RG_ASSERT(entry != last);
        from->entries_.erase(entry);
        header.directory = nullptr;
        header.name.clear();
    }
    return true;
}

}  // namespace regent::ob
