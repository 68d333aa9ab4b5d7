// Changes of keys as bytes: the content of the commit journal. Little-endian, every length checked on the way back.
#include "cm/key_image.h"

namespace regent::cm {

namespace {

class Writer {
public:
    explicit Writer(std::vector<std::byte>& out) : out_(out) {}
    template <typename T>
    void number(T value) {
        const Bytes bytes = rtl::as_bytes(&value, sizeof(value));
        out_.insert(out_.end(), bytes.begin(), bytes.end());
    }
    void bytes(Bytes data) {
        number(static_cast<std::uint32_t>(data.size()));
        out_.insert(out_.end(), data.begin(), data.end());
    }
    void text(Utf16View text) { bytes(std::as_bytes(std::span(text))); }

private:
    std::vector<std::byte>& out_;
};

class Reader {
public:
    explicit Reader(Bytes& in) : in_(in) {}
    bool good() const { return good_; }
    template <typename T>
    T number() {
        const auto value = rtl::load<T>(in_, 0);
        if (!value) good_ = false;
        if (!good_) return T{};
        in_ = in_.subspan(sizeof(T));
        return *value;
    }
    Bytes bytes() {
        const auto size = number<std::uint32_t>();
        if (size > in_.size()) good_ = false;
        if (!good_) return {};
        const Bytes taken = in_.first(size);
        in_ = in_.subspan(size);
        return taken;
    }
    std::vector<std::byte> data() {
        const Bytes taken = bytes();
        return {taken.begin(), taken.end()};
    }
    Utf16 text() {
        const Bytes taken = bytes();
        Utf16 text(taken.size() / sizeof(char16_t), u'\0');
        if (!text.empty()) std::memcpy(text.data(), taken.data(), text.size() * sizeof(char16_t));
        return text;
    }
    // How many entries follow; each takes at least one byte, so more than what is left is no count.
    std::uint32_t count() {
        const auto count = number<std::uint32_t>();
        if (count > in_.size()) good_ = false;
        return good_ ? count : 0;
    }

private:
    Bytes& in_;
    bool good_ = true;
};

void write_image(Writer& writer, const KeyImage& image) {
    writer.text(image.class_name);
    writer.bytes(image.security);
    writer.number(static_cast<std::uint8_t>(image.in_memory));
    writer.number(image.flags);
    writer.number(image.user_flags);
    writer.number(image.virtualization_flags);
    writer.number(image.time);
    writer.number(static_cast<std::uint32_t>(image.values.size()));
    for (const ValueImage& value : image.values) {
        writer.text(value.name);
        writer.number(value.type);
        writer.bytes(value.data);
    }
}

KeyImage read_image(Reader& reader) {
    KeyImage image;
    image.class_name = reader.text();
    image.security = reader.data();
    image.in_memory = reader.number<std::uint8_t>() != 0;
    image.flags = reader.number<std::uint16_t>();
    image.user_flags = reader.number<std::uint8_t>();
    image.virtualization_flags = reader.number<std::uint8_t>();
    image.time = reader.number<std::int64_t>();
    for (std::uint32_t left = reader.count(); left > 0 && reader.good(); --left) {
        ValueImage value;
        value.name = reader.text();
        value.type = reader.number<std::uint32_t>();
        value.data = reader.data();
        image.values.push_back(std::move(value));
    }
    return image;
}

}  // namespace

void write_change(std::vector<std::byte>& out, const KeyChange& change) {
    Writer writer(out);
    writer.number(static_cast<std::uint8_t>(change.removed));
    writer.number(static_cast<std::uint8_t>(change.content));
    writer.number(change.time);
    writer.number(static_cast<std::uint32_t>(change.path.size()));
    for (const Utf16& name : change.path) writer.text(name);
    write_image(writer, change.image);
}

std::optional<KeyChange> read_change(Bytes& in) {
    Reader reader(in);
    KeyChange change;
    change.removed = reader.number<std::uint8_t>() != 0;
    change.content = reader.number<std::uint8_t>() != 0;
    change.time = reader.number<std::int64_t>();
    for (std::uint32_t left = reader.count(); left > 0 && reader.good(); --left) change.path.push_back(reader.text());
    change.image = read_image(reader);
    if (!reader.good()) return std::nullopt;
    return change;
}

}  // namespace regent::cm
