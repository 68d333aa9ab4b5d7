// A key's path in the form in which paths are compared: upcased, ASCII units one byte each and every other unit three,
// components joined by single backslashes. Two paths name the same key when, and only when, the bytes are the same.
#pragma once

#include <cstdint>
#include <string_view>

#include "rtl/utf16.h"

namespace regent::cm {

// Longer paths are never looked up whole; they are walked.
inline constexpr std::size_t max_folded_path = 512;

// A path under construction, on the stack. Externally synchronised.
class FoldedPath {
public:
    FoldedPath() {}  // leaves the buffer alone: a whole line of it would be cleared for nothing
    std::string_view view() const { return {bytes_, size_}; }
    // False when it does not fit; then the path is of no use any more.
    bool append(std::string_view folded);
    bool append_separator() { return append("\\"); }
    bool append_folding(Utf16View text);

private:
    std::size_t room() const { return max_folded_path - size_; }
    bool append_unit(char16_t unit);

    std::size_t size_ = 0;
    char bytes_[max_folded_path];
};

std::uint64_t hash_path(std::string_view folded);

}  // namespace regent::cm
