// hivetool dump: every key and value of a hive, parents before children, in one of four formats.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "hive/hive.h"
#include "output.h"

namespace regent::hivetool {

// Gets each key before its subkeys, and leave() after them.
class DumpFormat {
public:
    virtual ~DumpFormat() = default;
    virtual void begin() {}
    virtual void key(hive::CellIndex key, std::size_t depth) = 0;
    virtual void leave() {}
    virtual void end() {}
};

std::unique_ptr<DumpFormat> json_format(const hive::Hive& hive, Output& out);
std::unique_ptr<DumpFormat> reg_format(const hive::Hive& hive, Output& out, const std::string& prefix);
std::unique_ptr<DumpFormat> xml_format(const hive::Hive& hive, Output& out);        // as hivexml prints
std::unique_ptr<DumpFormat> reglookup_format(const hive::Hive& hive, Output& out);  // as reglookup prints

// The path of the key being dumped: depth -> length of the text up to it.
class DumpPath {
public:
    // The path without what was deeper than `depth`; the caller appends the key's part and calls entered().
    std::string& at(std::size_t depth) {
        text_.resize(depth == 0 ? 0 : ends_[depth - 1]);
        ends_.resize(depth);
        return text_;
    }
    void entered() { ends_.push_back(text_.size()); }
    const std::string& text() const { return text_; }

private:
    std::string text_;
    std::vector<std::size_t> ends_;
};

// All data of a value: in place, or gathered in `storage`.
inline Bytes data_of(const hive::Hive& hive, hive::ValueRef value, std::vector<std::byte>& storage) {
    if (const auto bytes = hive.value_bytes(value)) return *bytes;
    storage.resize(hive.value_info(value).data_size);
    storage.resize(hive.read_value(value, 0, storage));
    return storage;
}

template <typename Use>
void each_value(const hive::Hive& hive, hive::CellIndex key, std::uint32_t count, Use use) {
    for (std::uint32_t i = 0; i < count; ++i) {
        if (const auto value = hive.value_at(key, i)) use(*value, hive.value_info(*value));
    }
}

}  // namespace regent::hivetool
