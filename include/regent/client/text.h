// Text between programs, which have UTF-8, and the registry, which has UTF-16 units that need not be well-formed.
#pragma once

#include <string>
#include <string_view>

namespace regent::client {

// Unpaired surrogates survive a round trip: each is encoded as three bytes (WTF-8). Malformed bytes become U+FFFD.
std::string to_utf8(std::u16string_view units);
std::u16string to_utf16(std::string_view utf8);

// A parameter that takes a name in either form; UTF-16 is not copied, so that the argument must outlive it.
class Name {
public:
    Name(std::u16string_view units) : units_(units) {}
    Name(const char16_t* units) : units_(units) {}
    Name(const std::u16string& units) : units_(units) {}
    Name(std::string_view utf8) : converted_(to_utf16(utf8)), units_(converted_) {}
    Name(const char* utf8) : Name(std::string_view(utf8)) {}
    Name(const std::string& utf8) : Name(std::string_view(utf8)) {}
    Name(const Name&) = delete;
    Name& operator=(const Name&) = delete;

    std::u16string_view units() const { return units_; }

private:
    std::u16string converted_;
    std::u16string_view units_;
};

}  // namespace regent::client
