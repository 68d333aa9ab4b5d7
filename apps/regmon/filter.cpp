#include "filter.h"

#include <cctype>
#include <cstdio>
#include <utility>

#include "nt/ntstatus.h"
#include "rtl/status.h"

namespace regent::regmon {
namespace {

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

bool starts_with_folded(std::string_view text, std::string_view prefix) {
    if (text.size() < prefix.size()) return false;
    for (std::size_t at = 0; at < prefix.size(); ++at) {
        if (lower(text[at]) != lower(prefix[at])) return false;
    }
    return true;
}

// Every spelling of a key's place as the short one.
std::string short_key(std::string_view key) {
    static constexpr std::pair<std::string_view, std::string_view> roots[] = {
        {"\\registry\\machine", "HKLM"}, {"HKEY_LOCAL_MACHINE", "HKLM"}, {"\\registry\\user", "HKU"},
        {"HKEY_USERS", "HKU"},           {"HKEY_CURRENT_USER", "HKCU"},  {"HKEY_CLASSES_ROOT", "HKCR"},
        {"HKEY_CURRENT_CONFIG", "HKCC"}};
    for (const auto& [prefix, short_name] : roots) {
        if (!starts_with_folded(key, prefix)) continue;
        if (key.size() > prefix.size() && key[prefix.size()] != '\\' && key[prefix.size()] != '*') continue;
        return std::string(short_name) + std::string(key.substr(prefix.size()));
    }
    return std::string(key);
}

bool key_matches(const std::string& pattern, const std::string& path) {
    return matches(pattern, path) || matches(pattern + "\\*", path);
}

std::string without_spaces(std::string_view text) {
    std::string result;
    for (char c : text) {
        if (c != ' ' && c != '_') result += lower(c);
    }
    return result;
}

// "ACCESS DENIED", "access_denied", "STATUS_ACCESS_DENIED" and 0xC0000022 name the same result.
bool result_matches(const std::string& pattern, NTSTATUS status) {
    const std::string wanted = without_spaces(pattern);
    if (matches(wanted, without_spaces(result_name(status)))) return true;
    if (matches(wanted, without_spaces(rtl::status_name(status)))) return true;
    char number[16];
    std::snprintf(number, sizeof number, "0x%x", static_cast<unsigned>(status));
    return matches(wanted, number);
}

bool operation_matches(const std::string& pattern, unsigned operation) {
    const std::string name = operation_name(operation);
    return matches(pattern, name) || matches("Reg" + pattern, name);
}

bool known_operation(const std::string& pattern) {
    for (unsigned operation = 0; operation < 64; ++operation) {
        if (std::string_view(operation_name(operation)) != "<Unknown>" && operation_matches(pattern, operation))
            return true;
    }
    return false;
}

}  // namespace

bool matches(std::string_view pattern, std::string_view text) {
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star = std::string_view::npos;
    std::size_t resume = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.size() && (pattern[p] == '?' || lower(pattern[p]) == lower(text[t]))) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

bool Filter::add(Column column, const std::string& text, bool exclude) {
    std::string_view rest = text;
    if (rest.starts_with('!')) {
        exclude = !exclude;
        rest.remove_prefix(rest.starts_with("!=") ? 2 : 1);
    }
    while (!rest.empty()) {
        const std::size_t end = column == Column::key ? std::string_view::npos : rest.find(',');
        std::string pattern(rest.substr(0, end));
        rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
        if (column == Column::key) pattern = short_key(pattern);
        while (column == Column::key && pattern.ends_with('\\')) pattern.pop_back();
        if (column == Column::operation && !known_operation(pattern)) return false;
        rules_.push_back({column, exclude, pattern});
    }
    return true;
}

bool Filter::holds(const Rule& rule, const Event& event) {
    switch (rule.column) {
        case Column::operation:
            return operation_matches(rule.pattern, event.operation);
        case Column::result:
            return result_matches(rule.pattern, event.status);
        case Column::process:
            return matches(rule.pattern, event.process) || rule.pattern == std::to_string(event.process_id);
        case Column::key: {
            if (key_matches(rule.pattern, display_path(event))) return true;
            // HKCU and HKCR are also places under HKU and HKLM.
            return key_matches(rule.pattern, short_key(rtl::to_utf8(event.path)));
        }
    }
    return false;
}

bool Filter::shows(const Event& event) const {
    if (event.duration_ns < minimum_duration_ns_) return false;
    bool ruled[4] = {};
    bool held[4] = {};
    for (const Rule& rule : rules_) {
        const auto column = static_cast<std::size_t>(rule.column);
        if (rule.exclude) {
            if (holds(rule, event)) return false;
        } else {
            ruled[column] = true;
            held[column] = held[column] || holds(rule, event);
        }
    }
    for (std::size_t column = 0; column < 4; ++column) {
        if (ruled[column] && !held[column]) return false;
    }
    return true;
}

std::optional<std::uint64_t> parse_duration(const std::string& text) {
    std::size_t digits = 0;
    std::uint64_t number = 0;
    while (digits < text.size() && digits < 12 && text[digits] >= '0' && text[digits] <= '9') {
        number = number * 10 + static_cast<std::uint64_t>(text[digits++] - '0');
    }
    const std::string unit = text.substr(digits);
    if (digits == 0) return std::nullopt;
    if (unit == "ns") return number;
    if (unit.empty() || unit == "us") return number * 1'000;
    if (unit == "ms") return number * 1'000'000;
    if (unit == "s") return number * 1'000'000'000;
    return std::nullopt;
}

}  // namespace regent::regmon
