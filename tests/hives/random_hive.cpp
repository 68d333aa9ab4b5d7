#include "random_hive.h"

#include <algorithm>

#include "hive/hive_impl.h"

namespace regent::hive {

namespace {

Bytes bytes_of(const std::string& text) { return rtl::as_bytes(text.data(), text.size()); }

// An access-allowing descriptor of group and owner S-1-5-32-(544 + n), with n as part of its mask.
std::string descriptor(unsigned n) {
    const auto word = [](unsigned value) {
        return std::string{static_cast<char>(value & 0xFF), static_cast<char>(value >> 8 & 0xFF), '\0', '\0'};
    };
    using namespace std::string_literals;
    const std::string sid = "\x01\x02\0\0\0\0\0\x05\x20\0\0\0"s + word(544 + n);
    return "\x01\0\x04\x80\x14\0\0\0\x24\0\0\0\0\0\0\0\x34\0\0\0"s + sid + sid + "\x02\0\x20\0\x01\0\0\0"s +
           "\0\x02\x18\0"s + word(0x19 + (n << 8)) + sid;
}

const std::vector<std::string>& descriptors() {
    static const std::vector<std::string> all = [] {
        const Bytes usual = default_descriptor();
        std::vector<std::string> made = {{reinterpret_cast<const char*>(usual.data()), usual.size()}};
        for (unsigned n = 0; n < 12; ++n) made.push_back(descriptor(n));
        return made;
    }();
    return all;
}

std::string utf16_data(const Utf16& text) {
    return {reinterpret_cast<const char*>(text.data()), text.size() * sizeof(char16_t)};
}

std::string path_of(const ModelKey& key) {
    return key.parent == nullptr ? "" : path_of(*key.parent) + "\\" + rtl::to_utf8(key.name);
}

std::string compare_values(const Hive& hive, CellIndex cell, const ModelKey& key) {
    for (std::uint32_t i = 0; i < key.values.size(); ++i) {
        const ModelValue& expected = key.values[i];
        const auto value = hive.value_at(cell, i);
        const ValueInfo info = value ? hive.value_info(*value) : ValueInfo{};
        if (!value || info.name.to_utf16() != expected.name || info.type != expected.type) {
            return "value " + std::to_string(i) + " name or type";
        }
        std::string data(info.data_size, '\0');
        const MutableBytes room(reinterpret_cast<std::byte*>(data.data()), data.size());
        if (hive.read_value(*value, 0, room) != data.size() || data != expected.data) {
            return "value " + std::to_string(i) + " data";
        }
        const auto found = hive.find_value(cell, expected.name);
        if (!found || found->cell != value->cell) return "value " + std::to_string(i) + " not found by name";
    }
    return "";
}

std::string compare_key(const Hive& hive, CellIndex cell, const ModelKey& key) {
    const KeyInfo info = hive.key_info(cell);
    const auto stable = std::count_if(key.children.begin(), key.children.end(),
                                      [](const auto& child) { return !child.second->is_volatile; });
    const std::string class_name = utf16_data(key.class_name);
    if (key.parent != nullptr && info.name.to_utf16() != key.name) return "name";
    if (!std::ranges::equal(info.class_name, bytes_of(class_name))) return "class";
    if (!std::ranges::equal(hive.security(cell), bytes_of(key.security))) return "security";
    if (((info.flags & key_sym_link) != 0) != key.is_link) return "link flag";
    if (info.value_count != key.values.size()) return "number of values";
    if (info.subkey_count != static_cast<std::uint32_t>(stable)) return "number of subkeys";
    return compare_values(hive, cell, key);
}

}  // namespace

std::string RandomHive::compare_with(const Hive& hive) const {
    std::vector<std::pair<CellIndex, const ModelKey*>> stack = {{hive.root(), &root_}};
    while (!stack.empty()) {
        const auto [cell, key] = stack.back();
        stack.pop_back();
        if (const std::string what = compare_key(hive, cell, *key); !what.empty()) return path_of(*key) + ": " + what;
        std::uint32_t index = 0;
        for (const auto& [folded, child] : key->children) {
            if (child->is_volatile) continue;
            const auto at = hive.subkey_at(cell, index++);
            if (!at || hive.find_subkey(cell, folded) != at) return path_of(*child) + ": order";
            stack.emplace_back(*at, child.get());
        }
    }
    return "";
}

std::string RandomHive::build(rtl::Env& env, const std::string& path) {
    choose_shape();
    HiveOptions options;
    options.path = path;
    options.format = format_;
    options.time = time();
    auto made = Hive::create(env, options);
    if (!made) return "create";
    hive_ = std::move(made).value();
    root_.security = descriptors().front();
    root_.cell = hive_->root();
    keys_ = {&root_};
    if (steps_ >= 1000) {
        grow_wide();
    } else if (steps_ >= 500) {
        grow_deep();
    }
    for (std::size_t i = 0; i < steps_ && error_.empty(); ++i) step();
    check(hive_->reconcile().has_value(), "reconcile");
    FindingList findings;
    check(hive_->check(findings) == 0, "check");
    hive_.reset();
    return error_;
}

// Most hives are small; some have a long list of subkeys, a deep path, or much data.
void RandomHive::choose_shape() {
    format_ = random_.one_in(3) ? Format::v1_3 : Format::v1_5;
    steps_ = 5 + random_.below(80);
    const std::uint64_t kind = plain_ ? 50 : random_.below(100);
    if (kind < 3) steps_ = 1000 + random_.below(1500);
    if (kind >= 3 && kind < 6) steps_ = 500;
    big_ = kind >= 90 && !plain_;
}

void RandomHive::grow_wide() {
    ModelKey* parent = add_key(root_, u"Wide", false);
    for (std::size_t i = 0; i < steps_ && parent != nullptr; ++i) {
        if (add_key(*parent, free_name(*parent, 12), false) == nullptr) return;
    }
    steps_ = 200;
}

void RandomHive::grow_deep() {
    ModelKey* key = &root_;
    for (std::size_t depth = 20 + random_.below(180); depth > 0 && key != nullptr; --depth) {
        key = add_key(*key, free_name(*key, 8), false);
    }
    steps_ = 60;
}

void RandomHive::step() {
    static constexpr Step steps[] = {&RandomHive::create_key,   &RandomHive::create_key, &RandomHive::create_key,
                                     &RandomHive::create_key,   &RandomHive::set_value,  &RandomHive::set_value,
                                     &RandomHive::set_value,    &RandomHive::set_value,  &RandomHive::set_value,
                                     &RandomHive::delete_value, &RandomHive::delete_key, &RandomHive::rename_key,
                                     &RandomHive::set_security, &RandomHive::create_link};
    (this->*steps[random_.below(std::size(steps))])();
    if (random_.one_in(25)) write_out();
}

bool RandomHive::check(bool good, const char* operation) {
    if (!good && error_.empty()) error_ = operation;
    return good;
}

ModelKey& RandomHive::any_key() { return *keys_[random_.below(keys_.size())]; }
const std::string& RandomHive::any_descriptor() { return descriptors()[random_.below(descriptors().size())]; }

ModelKey* RandomHive::add_key(ModelKey& parent, Utf16View name, bool is_volatile, std::uint16_t flags) {
    auto key = std::make_unique<ModelKey>();
    key->name = name;
    key->parent = &parent;
    key->is_volatile = is_volatile || parent.is_volatile;
    key->is_link = (flags & key_sym_link) != 0;
    key->security = random_.one_in(3) ? any_descriptor() : parent.security;
    if (random_.one_in(8)) key->class_name = text(random_.one_in(10) ? 600 : 12);
    const auto made =
        hive_->create_subkey(parent.cell, name, key->class_name, bytes_of(key->security),
                             key->is_volatile ? StorageType::volatile_ : StorageType::stable, time(), flags);
    if (!check(made.has_value(), "create_subkey")) return nullptr;
    key->cell = *made;
    ModelKey* result = key.get();
    keys_.push_back(result);
    parent.children[rtl::upcased(name)] = std::move(key);
    return result;
}

void RandomHive::create_key() {
    ModelKey& parent = any_key();
    if (!parent.is_link) add_key(parent, free_name(parent, random_.one_in(30) ? 255 : 16), random_.one_in(8));
}

void RandomHive::create_link() {
    ModelKey& parent = any_key();
    if (parent.is_link || !random_.one_in(3)) return;
    ModelKey* link = add_key(parent, free_name(parent, 16), false, key_sym_link);
    if (link == nullptr) return;
    link->values.push_back({u"SymbolicLinkValue", 6, utf16_data(u"\\Registry\\Machine\\Target")});
    check(hive_->set_value(link->cell, u"SymbolicLinkValue", 6, bytes_of(link->values[0].data), time()).has_value(),
          "set_value of a link");
}

void RandomHive::set_value() {
    ModelKey& key = any_key();
    if (key.is_link) return;
    ModelValue value;
    value.type = any_type();
    value.data = data_for(value.type);
    if (!random_.one_in(6)) value.name = text(random_.one_in(40) ? 900 : 20);
    const bool replace = !key.values.empty() && random_.one_in(4);
    if (replace) value.name = key.values[random_.below(key.values.size())].name;
    const auto old = std::find_if(key.values.begin(), key.values.end(),
                                  [&](const ModelValue& one) { return rtl::equal_folded(one.name, value.name); });
    check(hive_->set_value(key.cell, value.name, value.type, bytes_of(value.data), time()).has_value(), "set_value");
    if (old == key.values.end()) {
        key.values.push_back(std::move(value));
    } else {
        old->type = value.type;  // the name keeps its first spelling
        old->data = std::move(value.data);
    }
}

void RandomHive::delete_value() {
    ModelKey& key = any_key();
    if (key.is_link || key.values.empty()) return;
    const auto at = key.values.begin() + static_cast<std::ptrdiff_t>(random_.below(key.values.size()));
    check(hive_->delete_value(key.cell, at->name, time()).has_value(), "delete_value");
    key.values.erase(at);
}

void RandomHive::delete_key() {
    ModelKey& key = any_key();
    if (&key == &root_ || !key.children.empty()) return;
    check(hive_->delete_key(key.cell, time()).has_value(), "delete_key");
    std::erase(keys_, &key);
    key.parent->children.erase(rtl::upcased(key.name));
}

void RandomHive::rename_key() {
    ModelKey& key = any_key();
    if (&key == &root_) return;
    ModelKey& parent = *key.parent;
    const Utf16 name = free_name(parent, 30);
    const auto moved = hive_->rename_key(key.cell, name, time());
    if (!check(moved.has_value(), "rename_key")) return;
    auto node = parent.children.extract(rtl::upcased(key.name));
    key.name = name;
    key.cell = *moved;
    node.key() = rtl::upcased(name);
    parent.children.insert(std::move(node));
}

void RandomHive::set_security() {
    ModelKey& key = any_key();
    key.security = any_descriptor();
    check(hive_->set_security(key.cell, bytes_of(key.security), time()).has_value(), "set_security");
}

void RandomHive::write_out() {
    check(hive_->flush().has_value(), "flush");
    if (random_.one_in(2)) check(hive_->reconcile().has_value(), "reconcile");
}

Utf16 RandomHive::text(std::size_t limit) {
    Utf16 result;
    const std::uint64_t alphabet = plain_ ? 0 : random_.below(10);
    for (std::size_t size = 1 + random_.below(limit); result.size() < size;) {
        char16_t unit = static_cast<char16_t>(u'!' + random_.below(94));
        if (alphabet == 7) unit = static_cast<char16_t>(0xC0 + random_.below(64));
        if (alphabet == 8) unit = static_cast<char16_t>(0x400 + random_.below(160));
        if (alphabet == 9) unit = static_cast<char16_t>(0x4E00 + random_.below(0x5000));
        if (strange_ && random_.one_in(20)) unit = static_cast<char16_t>(random_.below(0x20));
        if (strange_ && random_.one_in(20)) unit = static_cast<char16_t>(0xD800 + random_.below(0x800));
        result += unit == u'\\' ? u'_' : unit;
    }
    return result;
}

Utf16 RandomHive::free_name(const ModelKey& parent, std::size_t limit) {
    Utf16 name = text(limit);
    if (name.front() == u'\0') name.front() = u'_';  // HB-10
    while (parent.children.contains(rtl::upcased(name))) {
        name = text(limit) + rtl::from_utf8(std::to_string(random_.below(100000)));
        if (name.front() == u'\0') name.front() = u'_';
        name.resize(std::min<std::size_t>(name.size(), max_key_name));
    }
    return name;
}

// Types beyond REG_QWORD (11) are legal; plain hives stop before it.
std::uint32_t RandomHive::any_type() {
    if (plain_) return static_cast<std::uint32_t>(random_.below(11));
    return static_cast<std::uint32_t>(random_.one_in(20) ? random_.below(0x100000) : random_.below(12));
}

std::size_t RandomHive::data_size() {
    static constexpr std::size_t edges[] = {0, 1, 2, 3, 4, 5, 8, 11, 12, 13};
    if (big_ && random_.one_in(4)) {
        static constexpr std::size_t big[] = {4000, 16343, 16344, 16345, 32688, 32689, 50000};
        return big[random_.below(std::size(big))] + random_.below(2) * random_.below(60000);
    }
    return random_.one_in(3) ? edges[random_.below(std::size(edges))] : random_.below(300);
}

std::string RandomHive::data_for(std::uint32_t type) {
    if (type == 4 || type == 5) return std::to_string(1000 + random_.below(9000));
    if (type == 11) return std::to_string(10000000 + random_.below(90000000));
    if (type == 1 || type == 2 || type == 6) {
        return random_.one_in(10) ? "" : utf16_data(text(std::max<std::size_t>(1, data_size() / 2)) + u'\0');
    }
    if (type == 7) {
        Utf16 list;
        for (std::uint64_t i = random_.below(5); i > 0; --i) list += text(20) + u'\0';
        return utf16_data(list + u'\0');
    }
    std::string data(data_size(), '\0');
    for (char& byte : data) byte = static_cast<char>(random_.below(256));
    return data;
}

}  // namespace regent::hive
