// Which events are shown. Rules on one column are alternatives, rules on different columns must all hold, and an
// exclude rule that holds wins over everything.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "columns.h"

namespace regent::regmon {

enum class Column { key, operation, result, process };

class Filter {
public:
    // `text` may list several patterns separated by commas (not for keys); a leading ! (or !=) makes it an exclude
    // rule. Patterns: * and ? stand for any text and any one character; no case. A key pattern also covers the keys
    // below it; HKLM\..., HKEY_LOCAL_MACHINE\... and \REGISTRY\MACHINE\... are the same. A process pattern is a name or
    // a pid. False: an operation or result that does not exist.
    bool add(Column column, const std::string& text, bool exclude = false);
    void set_minimum_duration(std::uint64_t nanoseconds) { minimum_duration_ns_ = nanoseconds; }

    bool shows(const Event& event) const;

private:
    struct Rule {
        Column column;
        bool exclude;
        std::string pattern;
    };
    static bool holds(const Rule& rule, const Event& event);

    std::vector<Rule> rules_;
    std::uint64_t minimum_duration_ns_ = 0;
};

// `text` against a pattern of * and ?, without case.
bool matches(std::string_view pattern, std::string_view text);

// "500", "500us", "1ms", "2s" in nanoseconds; a bare number is microseconds.
std::optional<std::uint64_t> parse_duration(const std::string& text);

}  // namespace regent::regmon
