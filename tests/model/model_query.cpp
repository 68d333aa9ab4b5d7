// The information classes, by their documented layouts (QB-3).
#include <algorithm>
#include <cstring>

#include "registry_model.h"

namespace regent::test {

namespace {

constexpr std::size_t no_class = 0xFFFFFFFF;

std::size_t bytes_of(Utf16View text) { return text.size() * sizeof(char16_t); }

std::size_t aligned(std::size_t offset, std::size_t to) { return (offset + to - 1) / to * to; }

Answer refuse(NTSTATUS status) { return {status, std::nullopt}; }
Answer give(Image image) { return {STATUS_SUCCESS, std::move(image)}; }

Image basic(const std::shared_ptr<ModelKey>& key) {
    Image image(16);
    image.time(0, key);
    image.word(8, 0);
    image.word(12, bytes_of(key->name));
    image.text(16, key->name);
    return image;
}

Image node(const std::shared_ptr<ModelKey>& key) {
    const std::size_t class_at = aligned(24 + bytes_of(key->name), 4);
    Image image(24);
    image.time(0, key);
    image.word(8, 0);
    image.word(12, key->class_name.empty() ? no_class : class_at);
    image.word(16, bytes_of(key->class_name));
    image.word(20, bytes_of(key->name));
    image.text(24, key->name);
    image.text(class_at, key->class_name);
    return image;
}

Image full(const std::shared_ptr<ModelKey>& key) {
    Image image(44);
    image.time(0, key);
    const std::size_t words[] = {0,
                                 key->class_name.empty() ? no_class : 44,
                                 bytes_of(key->class_name),
                                 key->children.size(),
                                 key->max_name,
                                 key->max_class,
                                 key->values.size(),
                                 key->max_value_name,
                                 key->max_value_data};
    for (std::size_t i = 0; i < std::size(words); ++i) image.word(8 + i * 4, words[i]);
    image.text(44, key->class_name);
    return image;
}

Image cached(const std::shared_ptr<ModelKey>& key) {
    Image image(36);
    image.time(0, key);
    const std::size_t words[] = {0,
                                 key->children.size(),
                                 key->max_name,
                                 key->values.size(),
                                 key->max_value_name,
                                 key->max_value_data,
                                 bytes_of(key->name)};
    for (std::size_t i = 0; i < std::size(words); ++i) image.word(8 + i * 4, words[i]);
    image.grow(40);
    return image;
}

Image flags(const ModelKey& key) {
    Image image(12);
    image.word(0, key.user_flags);
    image.word(4, (key.in_memory ? 1U : 0U) | (key.link ? 2U : 0U));
    image.word(8, key.control_flags);
    return image;
}

Image word(std::size_t value) {
    Image image(4);
    image.word(0, value);
    return image;
}

Image value_basic(const ModelValue& value) {
    Image image(12);
    image.word(0, 0);
    image.word(4, value.type);
    image.word(8, bytes_of(value.name));
    image.text(12, value.name);
    return image;
}

Image value_full(const ModelValue& value, std::size_t alignment) {
    const std::size_t data_at = aligned(20 + bytes_of(value.name), alignment);
    Image image(20);
    image.word(0, 0);
    image.word(4, value.type);
    image.word(8, data_at);
    image.word(12, value.data.size());
    image.word(16, bytes_of(value.name));
    image.text(20, value.name);
    image.put(data_at, value.data.data(), value.data.size());
    return image;
}

Image value_partial(const ModelValue& value, bool title) {
    const std::size_t at = title ? 4 : 0;
    Image image(at + 8);
    image.word(0, 0);
    image.word(at, value.type);
    image.word(at + 4, value.data.size());
    image.put(at + 8, value.data.data(), value.data.size());
    return image;
}

Answer value_answer(const ModelValue& value, unsigned information_class) {
    switch (information_class) {
        case KeyValueBasicInformation:
            return give(value_basic(value));
        case KeyValueFullInformation:
            return give(value_full(value, 4));
        case KeyValuePartialInformation:
            return give(value_partial(value, true));
        case KeyValueFullInformationAlign64:
            return give(value_full(value, 8));
        case KeyValuePartialInformationAlign64:
            return give(value_partial(value, false));
        case KeyValueLayerInformation:
            return give(word(0));
        default:
            return refuse(STATUS_INVALID_PARAMETER);
    }
}

}  // namespace

void Image::grow(std::size_t size) {
    if (size <= bytes.size()) return;
    bytes.resize(size);
    written.resize(size);
}
void Image::put(std::size_t at, const void* data, std::size_t size) {
    if (size == 0) return;
    grow(at + size);
    std::memcpy(bytes.data() + at, data, size);
    std::fill_n(written.begin() + static_cast<std::ptrdiff_t>(at), size, true);
}
void Image::word(std::size_t at, std::size_t value) {
    const auto number = static_cast<std::uint32_t>(value);
    put(at, &number, sizeof(number));
}
void Image::time(std::size_t at, std::shared_ptr<ModelKey> key) {
    const std::int64_t unknown = 0;
    put(at, &unknown, sizeof(unknown));
    time_at = at;
    timed = std::move(key);
}

Utf16 Model::path_of(const ModelKey& key) const {
    if (key.parent == nullptr) return base_;
    return path_of(*key.parent) + u'\\' + key.name;
}

Answer Model::query_key(int slot, unsigned information_class) {
    if (information_class >= MaxKeyInfoClass) return refuse(STATUS_INVALID_PARAMETER);
    const bool free = information_class == KeyNameInformation || information_class == KeyHandleTagsInformation;
    ModelHandle handle;
    const NTSTATUS status = reference(slot, free ? 0 : KEY_QUERY_VALUE, handle);
    if (status != STATUS_SUCCESS) return refuse(status);
    const auto& key = handle.body->key;
    if (key->deleted) return refuse(STATUS_KEY_DELETED);
    switch (information_class) {
        case KeyBasicInformation:
        case KeyNodeInformation:
        case KeyFullInformation:
            return enumerated(key, information_class);
        case KeyNameInformation: {
            const Utf16 path = path_of(*key);
            Image image(4);
            image.word(0, bytes_of(path));
            image.text(4, path);
            return give(std::move(image));
        }
        case KeyCachedInformation:
            return give(cached(key));
        case KeyFlagsInformation:
            return give(flags(*key));
        case KeyHandleTagsInformation:
            return give(word(handle.body->tags));
        case KeyVirtualizationInformation:  // a candidate, below HKLM\Software, and perhaps a source
            return give(word(key->virtual_source ? 17 : 1));
        case KeyTrustInformation:  // of a hive that the store itself loaded
            return give(word(1));
        default:
            return give(word(0));
    }
}

Answer Model::enumerated(const KeyPointer& key, unsigned information_class) const {
    if (information_class == KeyBasicInformation) return give(basic(key));
    return give(information_class == KeyNodeInformation ? node(key) : full(key));
}

Answer Model::enumerate_key(int slot, ULONG index, unsigned information_class) {
    if (information_class > KeyFullInformation) return refuse(STATUS_INVALID_PARAMETER);
    ModelHandle handle;
    const NTSTATUS status = reference(slot, KEY_ENUMERATE_SUB_KEYS, handle);
    if (status != STATUS_SUCCESS) return refuse(status);
    const ModelKey& key = *handle.body->key;
    if (key.deleted) return refuse(STATUS_KEY_DELETED);
    if (index >= key.children.size()) return refuse(STATUS_NO_MORE_ENTRIES);
    return enumerated(std::next(key.children.begin(), index)->second, information_class);
}

Answer Model::query_value(int slot, Utf16View name, unsigned information_class) {
    if (information_class >= MaxKeyValueInfoClass) return refuse(STATUS_INVALID_PARAMETER);
    std::vector<const ModelValue*> values;
    const NTSTATUS status = query_values(slot, {Utf16(name)}, values);
    return status != STATUS_SUCCESS ? refuse(status) : value_answer(*values[0], information_class);
}

Answer Model::enumerate_value(int slot, ULONG index, unsigned information_class) {
    if (information_class >= MaxKeyValueInfoClass) return refuse(STATUS_INVALID_PARAMETER);
    ModelHandle handle;
    const NTSTATUS status = reference(slot, KEY_QUERY_VALUE, handle);
    if (status != STATUS_SUCCESS) return refuse(status);
    const ModelKey& key = *handle.body->key;
    if (key.deleted) return refuse(STATUS_KEY_DELETED);
    if (index >= key.values.size()) return refuse(STATUS_NO_MORE_ENTRIES);
    return value_answer(key.values[index], information_class);
}

NTSTATUS Model::query_values(int slot, const std::vector<Utf16>& names, std::vector<const ModelValue*>& values) {
    ModelHandle handle;
    const NTSTATUS status = reference(slot, KEY_QUERY_VALUE, handle);
    if (status != STATUS_SUCCESS) return status;
    const ModelKey& key = *handle.body->key;
    if (key.deleted) return STATUS_KEY_DELETED;
    for (Utf16 name : names) {
        while (!name.empty() && name.back() == u'\0') name.pop_back();
        const auto found = std::find_if(key.values.begin(), key.values.end(),
                                        [&](const ModelValue& value) { return fold(value.name) == fold(name); });
        if (found == key.values.end()) return STATUS_OBJECT_NAME_NOT_FOUND;
        values.push_back(&*found);
    }
    return STATUS_SUCCESS;
}

// The text alone; where it stands is the caller's buffer.
Answer Model::object_name(int slot) {
    ModelHandle handle;
    const NTSTATUS status = reference(slot, 0, handle);
    if (status != STATUS_SUCCESS) return refuse(status);
    if (handle.body->key->deleted) return refuse(STATUS_KEY_DELETED);
    Image image(0);
    image.text(0, path_of(*handle.body->key));
    return give(std::move(image));
}

}  // namespace regent::test
