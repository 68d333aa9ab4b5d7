// reg: reg.exe's commands over the registry of a store or a daemon.
#include <cstdio>
#include <utility>

#include "command.h"
#include "regent/gate.h"

namespace regent::reg {
namespace {

using Verb = int (*)(const std::vector<std::string>&);

Verb verb_function(const std::string& name) {
    static constexpr std::pair<const char*, Verb> verbs[] = {
        {"query", query},     {"add", add},           {"delete", remove},     {"copy", copy},
        {"compare", compare}, {"save", save},         {"restore", restore},   {"load", load},
        {"unload", unload},   {"export", export_key}, {"import", import_file}};
    for (const auto& [text, function] : verbs) {
        if (name == text) return function;
    }
    return nullptr;
}

std::string lower(std::string text) {
    for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return text;
}

bool asks_for_help(const std::string& word) {
    const std::string text = lower(word);
    return text == "/?" || text == "-?" || text == "/h" || text == "-h" || text == "--help";
}

// --store and --socket, taken out of the words wherever they stand. False: one lacks its argument.
bool take_gate_options(std::vector<std::string>& words, GateChoice& choice) {
    for (std::size_t at = 0; at < words.size();) {
        std::string* target = words[at] == "--store"    ? &choice.store
                              : words[at] == "--socket" ? &choice.socket
                                                        : nullptr;
        if (target == nullptr) {
            ++at;
            continue;
        }
        if (at + 1 == words.size()) return false;
        *target = words[at + 1];
        words.erase(words.begin() + static_cast<std::ptrdiff_t>(at),
                    words.begin() + static_cast<std::ptrdiff_t>(at) + 2);
    }
    return choice.store.empty() || choice.socket.empty();
}

int run(std::vector<std::string> words) {
    GateChoice choice;
    if (!take_gate_options(words, choice)) return fail(std::string("Specify one of --store DIR and --socket PATH."));
    if (words.empty()) return fail(std::string("Invalid syntax.\nType \"REG /?\" for usage."));
    if (words.size() == 1 && asks_for_help(words[0])) {
        std::fputs(usage(""), stdout);
        return exit_ok;
    }
    const std::string name = lower(words[0]);
    words.erase(words.begin());
    const Verb verb = verb_function(name);
    if (verb == nullptr) {
        return name == "flags" ? fail("REG " + name + " is not supported.")
                               : fail("Invalid argument/option - '" + name + "'.\nType \"REG /?\" for usage.");
    }
    if (words.size() == 1 && asks_for_help(words[0])) {
        std::fputs(usage(name), stdout);
        return exit_ok;
    }
    if (auto chosen = select_gate(choice); !chosen) return fail(chosen.error().message);
    const int code = verb(words);
    close_gate();
    return code;
}

}  // namespace
}  // namespace regent::reg

int main(int argc, char** argv) { return regent::reg::run({argv + 1, argv + argc}); }
