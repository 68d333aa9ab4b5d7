#include <algorithm>
#include <cctype>

#include "command.h"

namespace regent::reg {
namespace {

std::string lower(std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
    return std::ranges::find(names, name) != names.end();
}

std::string switch_name(const std::string& word) {
    if (word.size() < 2 || (word[0] != '/' && word[0] != '-')) return {};
    return lower(word.substr(1));
}

bool is_switch(const std::string& word, const Arguments::Grammar& grammar) {
    const std::string name = switch_name(word);
    return contains(grammar.flags, name) || contains(grammar.with_value, name) ||
           contains(grammar.optional_value, name) || name.starts_with("reg:");
}

// Two switches of which only one may be given.
constexpr const char* exclusive[][2] = {{"v", "ve"}, {"ve", "va"}, {"v", "va"}, {"reg:32", "reg:64"}};

}  // namespace

std::optional<Arguments> Arguments::parse(const std::vector<std::string>& words, const Grammar& grammar) {
    Arguments result;
    if (words.size() < grammar.positional) return std::nullopt;
    const auto switches = words.begin() + static_cast<std::ptrdiff_t>(grammar.positional);
    result.positional_.assign(words.begin(), switches);
    for (auto word = switches; word != words.end(); ++word) {
        const std::string name = switch_name(*word);
        if (name.empty() || result.has(name)) return std::nullopt;
        const bool takes = contains(grammar.with_value, name);
        const bool may_take = contains(grammar.optional_value, name);
        const bool view = grammar.views && (name == "reg:32" || name == "reg:64");
        if (!takes && !may_take && !view && !contains(grammar.flags, name)) return std::nullopt;
        std::optional<std::string> value;
        const auto next = word + 1;
        if (takes || (may_take && next != words.end() && !is_switch(*next, grammar))) {
            if (next == words.end()) return std::nullopt;
            value = *next;
            ++word;
        }
        result.switches_.push_back({name, value});
    }
    for (const auto& pair : exclusive) {
        if (result.has(pair[0]) && result.has(pair[1])) return std::nullopt;
    }
    return result;
}

const Arguments::Switch* Arguments::find(const std::string& name) const {
    const auto found = std::ranges::find(switches_, name, &Switch::name);
    return found == switches_.end() ? nullptr : &*found;
}

bool Arguments::has(const std::string& name) const { return find(name) != nullptr; }

std::optional<std::string> Arguments::value(const std::string& name) const {
    const Switch* found = find(name);
    return found == nullptr ? std::nullopt : found->value;
}

}  // namespace regent::reg
