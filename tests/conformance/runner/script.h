// The .regtest language: one call a line, the expected answer after the arrow. tests/conformance/README.md describes
// it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "rtl/bytes.h"
#include "rtl/utf16.h"

namespace regent::regtest {

struct Word {
    std::string text;
    bool quoted = false;
};

struct Line {
    int number = 0;
    std::string text;  // as written, for reports
    std::string verb;
    std::vector<Word> words;               // after the verb, without the options
    std::map<std::string, Word> options;   // name=value before the arrow
    std::vector<std::string> statuses;     // any of these; SUCCESS when the line has no arrow
    std::map<std::string, Word> expected;  // name=value after the arrow

    bool has(const std::string& option) const { return options.contains(option); }
    const Word& option(const std::string& name, const Word& otherwise) const;
};

struct Case {
    std::string name;
    std::string source;
    int number = 0;  // line of its name
    std::vector<Line> lines;
};

struct Script {
    std::string path;
    std::vector<Case> cases;
    std::vector<std::string> errors;  // "path:line: text"
};
Script read_script(const std::string& path);

// Text with {hex} units: "a{0}b" has a NUL in the middle. Nothing when a brace does not close.
std::optional<Utf16> to_units(const std::string& text);
// The inverse, for reports and comparisons: units outside printable ASCII become {HEX}.
std::string to_text(Utf16View units);

// 12, 0x1F, KEY_READ, VOLATILE|LINK ...: names are looked up in the table of constants.
std::optional<std::uint64_t> to_number(const std::string& text);
// "text" (UTF-16, no NUL added), 0011ff, dword:5, qword:5, zeros:100, pattern:100, none.
std::optional<std::vector<std::byte>> to_data(const Word& word);
std::string to_hex(Bytes bytes);

}  // namespace regent::regtest
