// Writes hives of known shapes through create, flush and reconcile, for other readers: make_hive SHAPE FILE;
// without arguments it lists the shapes. make_hive --crash FILE leaves a last flush in the log only.
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "hive/hive.h"
#include "hive/hive_impl.h"

namespace {

using namespace regent;
using hive::CellIndex;
using hive::Hive;

constexpr std::int64_t key_time = 132000000000000000;  // 2019-04-17 18:40:00 UTC

Bytes text_bytes(const std::string& text) { return rtl::as_bytes(text.data(), text.size()); }
Bytes utf16_bytes(Utf16View text) { return rtl::as_bytes(text.data(), text.size() * sizeof(char16_t)); }
std::string pattern(std::size_t size) {
    std::string data(size, '\0');
    for (std::size_t i = 0; i < size; ++i) data[i] = static_cast<char>((i * 7 + i / 251) & 0xFF);
    return data;
}

// Adds keys and values and remembers whether all went well, so that a shape reads as a list.
class Builder {
public:
    explicit Builder(Hive& hive) : hive_(hive) {}
    bool good() const { return good_; }
    CellIndex root() const { return hive_.root(); }
    CellIndex key(CellIndex parent, Utf16View name, Utf16View class_name = u"",
                  Bytes descriptor = hive::default_descriptor()) {
        if (!good_) return hive_.root();
        const auto made =
            hive_.create_subkey(parent, name, class_name, descriptor, hive::StorageType::stable, key_time);
        good_ = made.has_value();
        return good_ ? *made : hive_.root();
    }
    void value(CellIndex key, Utf16View name, std::uint32_t type, Bytes data) {
        good_ = good_ && hive_.set_value(key, name, type, data, key_time).has_value();
    }
    void value(CellIndex key, Utf16View name, std::uint32_t type, const std::string& data) {
        value(key, name, type, text_bytes(data));
    }
    void erase(CellIndex key) { good_ = good_ && hive_.delete_key(key, key_time).has_value(); }

    void erase_value(CellIndex key, Utf16View name) {
        good_ = good_ && hive_.delete_value(key, name, key_time).has_value();
    }

private:
    Hive& hive_;
    bool good_ = true;
};

using namespace std::string_literals;

void fill_types(Builder& to) {
    const CellIndex key = to.key(to.root(), u"Types");
    to.value(key, u"", 1, utf16_bytes(u"the default value\0"s));
    to.value(key, u"None", 0, pattern(12));
    to.value(key, u"String", 1, utf16_bytes(u"text, with \"quotes\" and \\ and %\0"s));
    to.value(key, u"Expand", 2, utf16_bytes(u"%SystemRoot%\\system32\0"s));
    to.value(key, u"Inline", 3, "\x01\x02\x03\x04"s);
    to.value(key, u"Inline3", 3, "\x81\x82\x83"s);
    to.value(key, u"Binary", 3, pattern(300));
    to.value(key, u"Five", 3, "\x10\x20\x30\x40\x50"s);
    to.value(key, u"Empty", 3, ""s);
    to.value(key, u"EmptyString", 1, utf16_bytes(u"\0"s));
    to.value(key, u"Dword", 4, "\x01\x02\x03\x84"s);
    to.value(key, u"DwordBig", 5, "\x01\x02\x03\x04"s);
    to.value(key, u"Link", 6, utf16_bytes(u"\\Registry\\Machine\\Target"));
    to.value(key, u"Multi", 7, utf16_bytes(u"one\0two\0three\0\0"s));
    to.value(key, u"ResourceList", 8, pattern(20));
    to.value(key, u"FullResource", 9, pattern(28));
    to.value(key, u"Requirements", 10, pattern(36));
    const CellIndex only = to.key(to.root(), u"DefaultOnly");
    to.value(only, u"", 3, "\xAA\xBB\xCC\xDD"s);
    to.value(to.root(), u"OnTheRoot", 4, "\x07\x00\x00\x00"s);
}

void fill_qword(Builder& to) {
    const CellIndex key = to.key(to.root(), u"Qword");
    to.value(key, u"Qword", 11, "12345678"s);
    to.value(key, u"Odd type", 0x12345, pattern(12));
}

void fill_nested(Builder& to) {
    CellIndex key = to.root();
    for (int depth = 0; depth < 100; ++depth) {
        key = to.key(key, rtl::from_utf8("Level " + std::to_string(depth)));
        to.value(key, u"Depth", 4, pattern(4));
        to.key(key, u"Aside");
    }
}

void fill_latin(Builder& to) {
    const CellIndex key = to.key(to.root(), u"K\u00E9y \u00FC\u00DF");
    to.value(key, u"B\u00EFnary", 3, pattern(20));
    to.value(key, u"Text", 1, utf16_bytes(u"\u00E9\u4E2D\u6587 \u0416\0"s));
    to.key(key, u"\u00C5ngstr\u00F6m");
}

void fill_unicode(Builder& to) {
    const CellIndex key = to.key(to.root(), u"\u4E2D\u6587");
    to.value(key, u"\u0416\u0417", 1, utf16_bytes(u"\u0430\u0431\u0432 \U0001F600\0"s));
    to.key(key, u"\u0394\u03BF\u03BA\u03B9\u03BC\u03AE");
    to.key(key, u"Mixed \u20AC");
}

void fill_many(Builder& to, int count) {
    const CellIndex key = to.key(to.root(), u"Many");
    for (int i = 0; i < count; ++i) {
        const CellIndex made = to.key(key, rtl::from_utf8("sub" + std::to_string(i)));
        to.value(made, u"Number", 4, pattern(static_cast<std::size_t>(4)));
        if (i % 50 == 0) to.erase(to.key(made, u"Gone"));  // free cells between the others
    }
}

void fill_classes(Builder& to) {
    to.key(to.root(), u"Short", u"Shell");
    to.key(to.key(to.root(), u"Long", rtl::from_utf8(std::string(500, 'c'))), u"Inner", u"GenericClass");
    to.key(to.root(), u"None");
}

// One allowing entry for `relative`, owned by `owner`, both of S-1-5-32.
std::string descriptor(unsigned owner, unsigned relative, unsigned mask, unsigned flags) {
    std::string sd = "\x01\0\x04\x80\x14\0\0\0\x24\0\0\0\0\0\0\0\x34\0\0\0"s;
    const auto sid = [](unsigned last) {
        return "\x01\x02\0\0\0\0\0\x05\x20\0\0\0"s + static_cast<char>(last & 0xFF) + static_cast<char>(last >> 8) +
               "\0\0"s;
    };
    sd += sid(owner) + sid(owner);
    sd += "\x02\0\x20\0\x01\0\0\0"s + "\0"s + static_cast<char>(flags) + "\x18\0"s;
    for (unsigned shift = 0; shift < 32; shift += 8) sd += static_cast<char>((mask >> shift) & 0xFF);
    return sd + sid(relative);
}

void fill_security(Builder& to) {
    for (int i = 0; i < 24; ++i) {  // eight descriptors, each shared by three keys
        const unsigned kind = static_cast<unsigned>(i) % 8;
        const std::string sd = descriptor(544 + kind % 2, 544 + kind, 0x20019U | (1U << (kind % 3)), kind % 4);
        to.key(to.root(), rtl::from_utf8("key" + std::to_string(i)), u"", text_bytes(sd));
    }
}

void fill_big(Builder& to) {
    const CellIndex key = to.key(to.root(), u"Big");
    for (const std::size_t size : {16344UL, 16345UL, 32688UL, 50000UL, 1UL << 20}) {
        to.value(key, rtl::from_utf8("Size " + std::to_string(size)), 3, pattern(size));
    }
}

// What tests look for: two keys and their values, and a value of a key that stays.
void fill_deleted(Builder& to) {
    const CellIndex kept = to.key(to.root(), u"Kept");
    const CellIndex gone = to.key(kept, u"Gone");
    const CellIndex deeper = to.key(gone, u"Deeper");
    to.value(deeper, u"Short", 3, "abc"s);
    to.value(deeper, u"Long", 3, pattern(500));
    to.value(deeper, u"Big", 3, pattern(40000));
    for (int i = 0; i < 19; ++i) to.key(to.root(), rtl::from_utf8("stays" + std::to_string(i)));
    to.value(kept, u"StaysValue", 3, pattern(60));
    to.value(kept, u"GoneValue", 3, pattern(70));
    to.value(kept, u"Last", 3, pattern(16000));  // so that no bin before it is cut off with what was deleted
    to.erase_value(kept, u"GoneValue");
    to.erase(deeper);
    to.erase(gone);
}

// docs/hive-format.md walks through this one byte by byte. Nothing grows, so nothing moves: its layout is the order of
// creation.
void fill_example(Builder& to) {
    const CellIndex key = to.key(to.root(), u"Sample", u"Demo");
    to.value(key, u"Text", 1, utf16_bytes(u"hello\0"s));
    to.value(to.key(key, u"\u0416"), u"", 4, "\x07\x00\x00\x00"s);
}

// Names that text formats must escape. Only for our own tools: other readers stop at NUL or at lone surrogates.
void fill_strange(Builder& to) {
    for (const std::u16string& name :
         {u"line\nend"s, u"tab\t"s, u"nul\0inside"s, u"lone"s + char16_t{0xD800}, u"%u0041"s, u"50% up"s}) {
        to.value(to.key(to.root(), name), u"value\0\x1F\\"s, 1, utf16_bytes(u"data\n\0"s));
    }
}

// Big data in space that other big data left, freed in rising order and so taken in falling order.
void fill_rewritten(Builder& to) {
    const CellIndex key = to.key(to.root(), u"Rewritten");
    for (const char16_t* name : {u"one", u"two", u"three"}) to.value(key, name, 3, pattern(50000));
    for (const char16_t* name : {u"one", u"two", u"three"}) to.erase_value(key, name);
    to.value(key, u"four", 3, pattern(70000));
    to.value(key, u"five", 3, pattern(60000));
}

struct Shape {
    const char* name;
    std::function<void(Builder&)> fill;
    bool ours_only = false;  // not listed
};

const std::vector<Shape>& shapes() {
    static const std::vector<Shape> all = {
        {"types", fill_types},
        {"qword", fill_qword},
        {"nested", fill_nested},
        {"latin", fill_latin},
        {"unicode", fill_unicode},
        {"many", [](Builder& to) { fill_many(to, 600); }},
        {"split", [](Builder& to) { fill_many(to, 2500); }},
        {"classes", fill_classes},
        {"security", fill_security},
        {"big", fill_big},
        {"rewritten", fill_rewritten},
        {"deleted", fill_deleted},
        {"example", fill_example},
        {"strange", fill_strange, true},
    };
    return all;
}

auto create(const char* path) {
    hive::HiveOptions options;
    options.path = path;
    options.replace_existing = true;
    options.time = key_time;
    return Hive::create(rtl::real_env(), options);
}

// A hive whose last flush is in its log only, as a crash leaves it.
int make_crashed(const char* path) {
    auto made = create(path);
    if (!made) return 1;
    Builder builder(**made);
    builder.value(builder.key(builder.root(), u"Logged"), u"Only", 1, utf16_bytes(u"in the log\0"s));
    if (!builder.good()) return 1;
    const auto batch = (*made)->prepare_flush();
    if (!batch || !(*made)->commit_flush(*batch)) return 1;
    std::_Exit(0);  // no destructor writes the primary
}

int make(const Shape& shape, const char* path) {
    auto made = create(path);
    if (!made) return 1;
    Builder builder(**made);
    shape.fill(builder);
    return builder.good() && (*made)->flush() && (*made)->reconcile() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 1) {
        for (const Shape& shape : shapes()) {
            if (!shape.ours_only) std::puts(shape.name);
        }
        return 0;
    }
    if (argc == 3 && argv[1] == "--crash"s) return make_crashed(argv[2]);
    for (const Shape& shape : shapes()) {
        if (argc != 3 || argv[1] != std::string(shape.name)) continue;
        if (make(shape, argv[2]) == 0) return 0;
        std::fprintf(stderr, "make_hive: %s: failed\n", argv[2]);
        return 1;
    }
    std::fprintf(stderr, "usage: make_hive [SHAPE FILE]\n");
    return 2;
}
