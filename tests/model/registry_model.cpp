#include "registry_model.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace regent::test {

namespace {

constexpr std::size_t longest_key_name = 255;
constexpr std::size_t longest_value_name = 16383;
constexpr int most_links = 64;
constexpr Utf16View link_value = u"SymbolicLinkValue";

bool same_name(Utf16View a, Utf16View b) { return Model::fold(a) == Model::fold(b); }

ModelValue* find_value(ModelKey& key, Utf16View name) {
    for (ModelValue& value : key.values) {
        if (same_name(value.name, name)) return &value;
    }
    return nullptr;
}

Utf16View without_nuls(Utf16View name) {
    while (!name.empty() && name.back() == u'\0') name.remove_suffix(1);
    return name;
}

ACCESS_MASK mapped(ACCESS_MASK mask) {
    ACCESS_MASK result = mask & 0x0FFFFFFF;
    if ((mask & GENERIC_READ) != 0) result |= KEY_READ;
    if ((mask & GENERIC_WRITE) != 0) result |= KEY_WRITE;
    if ((mask & GENERIC_EXECUTE) != 0) result |= KEY_EXECUTE;
    if ((mask & GENERIC_ALL) != 0) result |= KEY_ALL_ACCESS;
    return result;
}

void raise(std::size_t& largest, std::size_t size) { largest = std::max(largest, size); }

// The first component, taken off `path`; separators before and behind it do not count.
Utf16 take(Utf16& path) {
    std::size_t start = path.find_first_not_of(u'\\');
    if (start == Utf16::npos) start = path.size();
    const std::size_t end = std::min(path.find(u'\\', start), path.size());
    const Utf16 component = path.substr(start, end - start);
    const std::size_t next = path.find_first_not_of(u'\\', end);
    path = next == Utf16::npos ? Utf16() : path.substr(next);
    return component;
}

}  // namespace

bool ModelKey::accept_time(std::int64_t now) {
    const bool possible = !time || (touched ? now >= *time : now == *time);
    time = now;
    touched = false;
    return possible;
}

// The letters that the runner uses, not the table of Unicode.
Utf16 Model::fold(Utf16View name) {
    Utf16 folded(name);
    for (char16_t& unit : folded) {
        if (unit >= u'a' && unit <= u'z') unit = static_cast<char16_t>(unit - 32);
        if (unit == u'\u00F6') unit = u'\u00D6';
        if (unit == u'\u0436') unit = u'\u0416';
    }
    return folded;
}

Model::Model(Utf16 base, ModelCaller caller)
    : base_(std::move(base)), caller_(caller), root_(std::make_shared<ModelKey>()) {
    root_->dacl.entries = {{true, true, KEY_ALL_ACCESS}};
}

NTSTATUS Model::reference(int slot, ACCESS_MASK needed, ModelHandle& handle) const {
    const auto& found = slots_[slot];
    if (!found) return STATUS_INVALID_HANDLE;
    if ((needed & ~found->granted) != 0) return STATUS_ACCESS_DENIED;
    handle = *found;
    return STATUS_SUCCESS;
}

NTSTATUS Model::check(const ModelKey& key, ACCESS_MASK desired, ACCESS_MASK& granted) const {
    const bool maximum = (desired & MAXIMUM_ALLOWED) != 0;
    const ACCESS_MASK asked = mapped(desired) & ~ACCESS_MASK{MAXIMUM_ALLOWED};
    if (asked == 0 && !maximum) return STATUS_ACCESS_DENIED;
    ACCESS_MASK wanted = maximum ? asked | KEY_ALL_ACCESS : asked;
    granted = 0;
    if ((wanted & ACCESS_SYSTEM_SECURITY) != 0) {
        if (!caller_.manages_audit) return STATUS_PRIVILEGE_NOT_HELD;
        granted |= ACCESS_SYSTEM_SECURITY;
    }
    if (caller_.takes_ownership) granted |= wanted & WRITE_OWNER;
    wanted &= ~ACCESS_MASK{ACCESS_SYSTEM_SECURITY};
    if (key.dacl.null) {
        granted |= wanted;
    } else {
        granted |= wanted & (READ_CONTROL | WRITE_DAC);  // the owner's
        ACCESS_MASK open = wanted & ~granted;
        for (const ModelAce& ace : key.dacl.entries) {
            if (ace.allow) granted |= open & ace.mask;
            open &= ~ace.mask;
        }
    }
    return (asked & ~granted) != 0 || granted == 0 ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
}

NTSTATUS Model::follow(const ModelKey& link, Utf16View rest, Utf16& path) const {
    const ModelValue* value = find_value(const_cast<ModelKey&>(link), link_value);
    if (value == nullptr || value->type != REG_LINK) return STATUS_OBJECT_NAME_NOT_FOUND;
    Utf16 target(value->data.size() / sizeof(char16_t), u'\0');
    if (!target.empty()) std::memcpy(target.data(), value->data.data(), target.size() * sizeof(char16_t));
    if (target.empty()) return STATUS_OBJECT_NAME_NOT_FOUND;
    if (target.front() != u'\\') return STATUS_OBJECT_NAME_INVALID;
    if (!rest.empty()) target += u'\\' + Utf16(rest);
    // The runner's links lead below the base only.
    if (target.size() <= base_.size() || !same_name(Utf16View(target).substr(0, base_.size()), base_))
        return STATUS_OBJECT_NAME_NOT_FOUND;
    path = target.substr(base_.size());
    return STATUS_SUCCESS;
}

Model::Found Model::finish(const KeyPointer& at, const Opening& opening) const {
    if (at->deleted) return {STATUS_KEY_DELETED, {}};
    if (opening.create && (opening.options & REG_OPTION_CREATE_LINK) != 0) return {STATUS_OBJECT_NAME_COLLISION, {}};
    Found found{STATUS_SUCCESS, at};
    found.status = check(*at, opening.desired, found.granted);
    return found;
}

Model::Found Model::create(const KeyPointer& parent, Utf16View name, const Opening& opening) {
    const bool link = (opening.options & REG_OPTION_CREATE_LINK) != 0;
    const bool in_memory = (opening.options & REG_OPTION_VOLATILE) != 0;
    ACCESS_MASK granted = 0;
    const NTSTATUS allowed = check(*parent, KEY_CREATE_SUB_KEY | (link ? KEY_CREATE_LINK : 0), granted);
    if (allowed != STATUS_SUCCESS) return {allowed, {}};
    if (parent->in_memory && !in_memory) return {STATUS_CHILD_MUST_BE_VOLATILE, {}};
    if (opening.desired == 0) return {STATUS_ACCESS_DENIED, {}};
    granted = mapped(opening.desired);
    if ((granted & MAXIMUM_ALLOWED) != 0) granted |= KEY_ALL_ACCESS;
    if ((granted & ACCESS_SYSTEM_SECURITY) != 0 && !caller_.manages_audit) return {STATUS_PRIVILEGE_NOT_HELD, {}};
    granted &= KEY_ALL_ACCESS | ACCESS_SYSTEM_SECURITY;
    auto key = std::make_shared<ModelKey>();
    key->name = name;
    key->class_name = opening.class_name;
    key->parent = parent.get();
    key->in_memory = in_memory;
    key->link = link;
    for (const ModelAce& ace : parent->dacl.entries) {
        if (ace.for_children) key->dacl.entries.push_back(ace);
    }
    if (key->dacl.entries.empty()) key->dacl = {false, false, {{true, false, KEY_ALL_ACCESS}}};
    parent->children.emplace(fold(name), key);
    parent->touched = true;
    raise(parent->max_name, name.size() * 2);
    raise(parent->max_class, opening.class_name.size() * 2);
    report(*parent, REG_NOTIFY_CHANGE_NAME);
    return {STATUS_SUCCESS, std::move(key), true, granted};
}

Model::Found Model::walk(KeyPointer at, Utf16 path, Opening& opening, bool from_handle) {
    int links = 0;
    for (bool first = from_handle;; first = false) {
        if (at->deleted) return {STATUS_KEY_DELETED, {}};
        const Utf16 whole = path;
        const Utf16 component = take(path);
        const bool new_link = opening.create && (opening.options & REG_OPTION_CREATE_LINK) != 0;
        const bool stays = component.empty() && (first || new_link || (opening.attributes & OBJ_OPENLINK) != 0);
        if (at->link && !stays) {
            if (++links > most_links) return {STATUS_INVALID_PARAMETER, {}};
            const NTSTATUS status = follow(*at, whole, path);
            if (status != STATUS_SUCCESS) return {status, {}};
            at = root_;
            continue;
        }
        if (component.empty()) return finish(at, opening);
        if (component.size() > longest_key_name) return {STATUS_INVALID_PARAMETER, {}};
        const auto child = at->children.find(fold(component));
        if (child != at->children.end()) {
            at = child->second;
            continue;
        }
        if (!opening.create || !path.empty()) return {STATUS_OBJECT_NAME_NOT_FOUND, {}};
        if (component.front() == u'\0') return {STATUS_INVALID_PARAMETER, {}};
        return create(at, component, opening);
    }
}

NTSTATUS Model::open(int slot, Opening& opening) {
    if (opening.odd_length) return STATUS_OBJECT_NAME_INVALID;
    const ULONG legal = opening.create ? REG_LEGAL_OPTION : REG_OPEN_LEGAL_OPTION;
    if ((opening.options & ~legal) != 0) return opening.create ? STATUS_INVALID_PARAMETER : STATUS_INVALID_PARAMETER_4;
    KeyPointer at = root_;
    if (opening.from != absolute) {
        ModelHandle handle;
        const NTSTATUS status = reference(opening.from, 0, handle);
        if (status != STATUS_SUCCESS) return status;
        if (!opening.path.empty() && opening.path.front() == u'\\') return STATUS_OBJECT_PATH_SYNTAX_BAD;
        at = handle.body->key;
    }
    const Found found = walk(at, opening.path, opening, opening.from != absolute);
    if (found.status != STATUS_SUCCESS) return found.status;
    opening.disposition = found.created ? REG_CREATED_NEW_KEY : REG_OPENED_EXISTING_KEY;
    auto body = std::make_shared<ModelBody>();
    body->key = found.key;
    slots_[slot] = ModelHandle{std::move(body), found.granted};
    return STATUS_SUCCESS;
}

NTSTATUS Model::close(int slot) {
    if (!slots_[slot]) return STATUS_INVALID_HANDLE;
    const std::shared_ptr<ModelBody> body = std::move(slots_[slot]->body);
    slots_[slot].reset();
    const auto open = bodies();
    if (std::find(open.begin(), open.end(), body) == open.end()) end(*body);
    return STATUS_SUCCESS;
}

NTSTATUS Model::duplicate(int from, int to) {
    ModelHandle handle;
    const NTSTATUS status = reference(from, 0, handle);
    if (status == STATUS_SUCCESS) slots_[to] = handle;
    return status;
}

NTSTATUS Model::set_value(int slot, Utf16View name, ULONG type, const Data& data) {
    ModelHandle handle;
    const NTSTATUS status = reference(slot, KEY_SET_VALUE, handle);
    if (status != STATUS_SUCCESS) return status;
    ModelKey& key = *handle.body->key;
    if (key.deleted) return STATUS_KEY_DELETED;
    name = without_nuls(name);
    if (name.size() > longest_value_name) return STATUS_INVALID_PARAMETER;
    if (key.link && (type != REG_LINK || !same_name(name, link_value))) return STATUS_ACCESS_DENIED;
    ModelValue* value = find_value(key, name);
    if (value != nullptr && value->type == type && value->data == data) return STATUS_SUCCESS;
    if (value == nullptr) value = &key.values.emplace_back(ModelValue{Utf16(name), 0, {}});
    value->type = type;
    value->data = data;
    key.touched = true;
    raise(key.max_value_name, name.size() * 2);
    raise(key.max_value_data, data.size());
    report(key, REG_NOTIFY_CHANGE_LAST_SET);
    return STATUS_SUCCESS;
}

NTSTATUS Model::delete_value(int slot, Utf16View name) {
    ModelHandle handle;
    const NTSTATUS status = reference(slot, KEY_SET_VALUE, handle);
    if (status != STATUS_SUCCESS) return status;
    ModelKey& key = *handle.body->key;
    if (key.deleted) return STATUS_KEY_DELETED;
    const ModelValue* value = find_value(key, without_nuls(name));
    if (value == nullptr) return STATUS_OBJECT_NAME_NOT_FOUND;
    key.values.erase(key.values.begin() + (value - key.values.data()));
    key.touched = true;
    report(key, REG_NOTIFY_CHANGE_LAST_SET);
    return STATUS_SUCCESS;
}

NTSTATUS Model::delete_key(int slot) {
    ModelHandle handle;
    const NTSTATUS status = reference(slot, DELETE, handle);
    if (status != STATUS_SUCCESS) return status;
    const KeyPointer key = handle.body->key;
    if (key->deleted) return STATUS_SUCCESS;
    if (!key->children.empty()) return STATUS_CANNOT_DELETE;
    key->deleted = true;
    key->parent->children.erase(fold(key->name));
    key->parent->touched = true;
    report(*key->parent, REG_NOTIFY_CHANGE_NAME);
    for (const auto& body : bodies()) {
        if (body->key == key) end(*body);
    }
    return STATUS_SUCCESS;
}

NTSTATUS Model::check_delete_of_tree(const ModelKey& key) const {
    ACCESS_MASK granted = 0;
    if (const NTSTATUS status = check(key, DELETE, granted); status != STATUS_SUCCESS) return status;
    for (const auto& [name, child] : key.children) {
        if (const NTSTATUS status = check_delete_of_tree(*child); status != STATUS_SUCCESS) return status;
    }
    return STATUS_SUCCESS;
}

NTSTATUS Model::rename_key(int slot, Utf16View name) {
    ModelHandle handle;
    if (const NTSTATUS status = reference(slot, 0, handle); status != STATUS_SUCCESS) return status;
    if (name.empty()) return STATUS_INVALID_PARAMETER;
    if (const NTSTATUS status = reference(slot, KEY_WRITE, handle); status != STATUS_SUCCESS) return status;
    const KeyPointer key = handle.body->key;
    if (key->deleted) return STATUS_KEY_DELETED;
    if (name.size() > longest_key_name || name.front() == u'\0' || name.find(u'\\') != Utf16View::npos)
        return STATUS_INVALID_PARAMETER;
    ModelKey& parent = *key->parent;
    if (parent.children.contains(fold(name))) return STATUS_CANNOT_DELETE;
    ACCESS_MASK granted = 0;
    if (const NTSTATUS status = check(parent, KEY_CREATE_SUB_KEY, granted); status != STATUS_SUCCESS) return status;
    if (const NTSTATUS status = check_delete_of_tree(*key); status != STATUS_SUCCESS) return status;
    parent.children.erase(fold(key->name));
    key->name = name;
    parent.children.emplace(fold(name), key);
    key->touched = true;
    parent.touched = true;
    raise(parent.max_name, name.size() * 2);
    report(parent, REG_NOTIFY_CHANGE_NAME);
    return STATUS_SUCCESS;
}

NTSTATUS Model::flush_key(int slot) {
    ModelHandle handle;
    const NTSTATUS status = reference(slot, 0, handle);
    if (status != STATUS_SUCCESS) return status;
    return handle.body->key->deleted ? STATUS_KEY_DELETED : STATUS_SUCCESS;
}

NTSTATUS Model::set_information(int slot, unsigned information_class, const Data& information) {
    if (information_class >= MaxKeySetInfoClass) return STATUS_INVALID_PARAMETER;
    if (information.size() > sizeof(KEY_WRITE_TIME_INFORMATION)) return STATUS_INFO_LENGTH_MISMATCH;
    const bool tags = information_class == KeySetHandleTagsInformation;
    ModelHandle handle;
    const NTSTATUS status = reference(slot, tags ? 0 : KEY_SET_VALUE, handle);
    if (status != STATUS_SUCCESS) return status;
    ModelKey& key = *handle.body->key;
    if (key.deleted) return STATUS_KEY_DELETED;
    const bool time = information_class == KeyWriteTimeInformation;
    if (information.size() != (time ? sizeof(std::int64_t) : sizeof(ULONG))) return STATUS_INFO_LENGTH_MISMATCH;
    std::uint64_t number = 0;
    std::memcpy(&number, information.data(), information.size());
    if (time) {
        key.time = static_cast<std::int64_t>(number);
        key.touched = false;
        report(key, REG_NOTIFY_CHANGE_LAST_SET);
        return STATUS_SUCCESS;
    }
    if (tags) {
        handle.body->tags = static_cast<ULONG>(number & 0xFFFF);
        return STATUS_SUCCESS;
    }
    if (information_class == KeySetVirtualizationInformation) {
        constexpr std::uint64_t source = 4, all = 7;
        if (number > all) return STATUS_INVALID_PARAMETER;
        key.virtual_source = (number & source) != 0;
        report(key, REG_NOTIFY_CHANGE_ATTRIBUTES);
        return STATUS_SUCCESS;
    }
    const bool wow64 = information_class == KeyWow64FlagsInformation;
    if (!wow64 && information_class != KeyControlFlagsInformation) return STATUS_NOT_SUPPORTED;
    if (number > 0xF) return STATUS_INVALID_PARAMETER;
    (wow64 ? key.user_flags : key.control_flags) = static_cast<ULONG>(number);
    report(key, REG_NOTIFY_CHANGE_ATTRIBUTES);
    return STATUS_SUCCESS;
}

NTSTATUS Model::set_dacl(int slot, const ModelDacl& dacl) {
    ModelHandle handle;
    const NTSTATUS status = reference(slot, WRITE_DAC, handle);
    if (status != STATUS_SUCCESS) return status;
    ModelKey& key = *handle.body->key;
    if (key.deleted) return STATUS_KEY_DELETED;
    key.dacl = dacl;
    key.touched = true;
    report(key, REG_NOTIFY_CHANGE_SECURITY);
    return STATUS_SUCCESS;
}

NTSTATUS Model::query_dacl(int slot, ModelDacl& dacl) {
    ModelHandle handle;
    const NTSTATUS status = reference(slot, READ_CONTROL, handle);
    if (status != STATUS_SUCCESS) return status;
    if (handle.body->key->deleted) return STATUS_KEY_DELETED;
    dacl = handle.body->key->dacl;
    return STATUS_SUCCESS;
}

// ---- notification (NT-1 .. NT-12)

std::vector<std::shared_ptr<ModelBody>> Model::bodies() const {
    std::vector<std::shared_ptr<ModelBody>> open;
    for (const auto& slot : slots_) {
        if (slot && std::find(open.begin(), open.end(), slot->body) == open.end()) open.push_back(slot->body);
    }
    return open;
}

NTSTATUS Model::notify(int slot, ULONG filter, bool tree, ModelWatch& watch) {
    if ((filter & ~ULONG{REG_LEGAL_CHANGE_FILTER}) != 0) return STATUS_INVALID_PARAMETER;
    ModelHandle handle;
    const NTSTATUS status = reference(slot, KEY_NOTIFY, handle);
    if (status != STATUS_SUCCESS) return status;
    ModelBody& body = *handle.body;
    if (body.key->deleted) return STATUS_KEY_DELETED;
    if (!body.watching) {
        body.watching = true;
        body.filter = filter;
        body.tree = tree;
    }
    watch.armed = true;
    watch.told.reset();
    if (std::exchange(body.changed, false)) {
        watch.told = STATUS_NOTIFY_ENUM_DIR;
    } else {
        body.requests.push_back(&watch);
    }
    return STATUS_PENDING;
}

void Model::report(ModelKey& key, ULONG change) {
    for (const ModelKey* at = &key; at != nullptr; at = at->parent) {
        for (const auto& body : bodies()) {
            if (body->key.get() != at || !body->watching || (body->filter & change) == 0) continue;
            if (at != &key && !body->tree) continue;
            if (body->requests.empty()) body->changed = true;
            for (ModelWatch* watch : body->requests) watch->told = STATUS_NOTIFY_ENUM_DIR;
            body->requests.clear();
        }
    }
}

void Model::end(ModelBody& body) {
    for (ModelWatch* watch : body.requests) watch->told = STATUS_NOTIFY_CLEANUP;
    body.requests.clear();
}

}  // namespace regent::test
