// The .reg reader takes any bytes; what it understood, written and read again, is the same.
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "nt/ntregapi.h"
#include "win32/reg_text.h"

namespace {

using namespace regent;
namespace reg_text = win32::reg_text;

struct Item {
    bool key;
    Utf16 name;
    std::uint32_t type;
    std::vector<std::byte> data;
    bool operator==(const Item&) const = default;
};

// Lines go up; a value stands below a key.
class Collector : public reg_text::Sink {
public:
    std::vector<Item> items;

    void open_key(std::size_t line, Utf16View path) override {
        seen(line);
        items.push_back({true, Utf16(path), 0, {}});
        open_ = true;
    }
    void delete_key(std::size_t line, Utf16View) override {
        seen(line);
        open_ = false;
    }
    void set_value(std::size_t line, Utf16View name, std::uint32_t type, rtl::Bytes data) override {
        seen(line);
        if (!open_) std::abort();
        items.push_back({false, Utf16(name), type, {data.begin(), data.end()}});
    }
    void delete_value(std::size_t line, Utf16View) override {
        seen(line);
        if (!open_) std::abort();
    }
    void bad_line(std::size_t line, const char* reason) override {
        if (line == 0 || reason == nullptr) std::abort();
    }

private:
    void seen(std::size_t line) {
        if (line < last_) std::abort();
        last_ = line;
    }
    std::size_t last_ = 1;
    bool open_ = false;
};

// What a .reg file can say of it again: no line ends or NULs in names and strings, strings that end in one NUL.
bool can_return(const Item& item) {
    if (item.name.find_first_of(std::u16string_view(u"\r\n\0", 3)) != Utf16::npos) return false;
    if (item.key || item.type != REG_SZ) return true;
    if (item.data.empty() || item.data.size() % 2 != 0) return false;  // "" is written, and is one NUL
    for (std::size_t at = 0; at + 2 < item.data.size(); at += 2) {
        const auto low = static_cast<unsigned>(item.data[at]);
        if (item.data[at + 1] == std::byte{0} && (low == 0 || low == '\n' || low == '\r')) return false;
    }
    return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    Collector first;
    reg_text::read({reinterpret_cast<const char*>(data), size}, first);
    std::erase_if(first.items, [](const Item& item) { return !item.key && !can_return(item); });
    for (const Item& item : first.items) {
        if (!can_return(item)) return 0;
    }
    reg_text::Writer writer;
    for (const Item& item : first.items) {
        if (item.key) {
            writer.key(item.name);
        } else {
            writer.value(item.name, item.type, item.data);
        }
    }
    writer.finish();
    Collector second;
    if (!reg_text::read(writer.take(), second)) std::abort();
    if (first.items != second.items) std::abort();
    return 0;
}
