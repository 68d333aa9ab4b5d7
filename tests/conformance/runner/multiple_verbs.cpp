// Verbs on several things at once: values, notifymultiple.
#include <cstring>

#include "session.h"

namespace regent::regtest {
namespace {

// values H "a" "b" ... [len=N] [count=N]
//   -> used=N needed=N offsets=0,4 lengths=4,2 types=4,1 data=hex   (- for an entry that was not answered)
Outcome values(Session& session, const Line& line) {
    constexpr ULONG untold = 0xBDBDBDBD;
    std::vector<Utf16> names;
    for (std::size_t i = 1; i < line.words.size(); ++i) {
        auto units = to_units(line.words[i].text);
        if (!units) return misuse("a {unit} is malformed");
        names.push_back(*units);
    }
    std::vector<UNICODE_STRING> strings(names.size());
    std::vector<KEY_VALUE_ENTRY> entries(std::max<std::size_t>(names.size(), 1));
    for (std::size_t i = 0; i < names.size(); ++i) {
        strings[i] = rtl::unicode_string(names[i]);
        entries[i] = {line.words[i + 1].text == "null" ? nullptr : &strings[i], untold, untold, untold};
    }
    const auto length = static_cast<ULONG>(session.number(line, "len", 4096));
    const auto count = static_cast<ULONG>(session.number(line, "count", names.size()));
    Canary canary(length);
    ULONG used = length;
    ULONG needed = untold;
    Outcome outcome;
    outcome.status = NtQueryMultipleValueKey(
        session.handle(line.words.at(0).text), entries.data(), count, line.has("null") ? nullptr : canary.data(),
        line.has("nolength") ? nullptr : &used, line.has("noneeded") ? nullptr : &needed);
    outcome.facts["used"] = std::to_string(used);
    outcome.facts["needed"] = needed == untold ? "none" : std::to_string(needed);
    outcome.facts["untouched"] = canary.untouched() ? "yes" : "no";
    if (!canary.intact()) outcome.fault = "bytes past the buffer's length were written";
    if (NT_SUCCESS(outcome.status) || outcome.status == STATUS_BUFFER_OVERFLOW) {
        outcome.facts["data"] = to_hex(canary.bytes().first(std::min<std::size_t>(used, length)));
    }
    auto list = [&](ULONG KEY_VALUE_ENTRY::* member) {
        std::string text;
        for (std::size_t i = 0; i < names.size(); ++i) {
            const ULONG value = entries[i].*member;
            text += (i == 0 ? "" : ",") + (value == untold ? std::string("-") : std::to_string(value));
        }
        return text;
    };
    outcome.facts["offsets"] = list(&KEY_VALUE_ENTRY::DataOffset);
    outcome.facts["lengths"] = list(&KEY_VALUE_ENTRY::DataLength);
    outcome.facts["types"] = list(&KEY_VALUE_ENTRY::Type);
    return outcome;
}

// notifymultiple H FILTER [KEYPATH] event=E [tree=yes] [as=R] [count=N] [context=N] [sync=yes]
Outcome notify_multiple(Session& session, const Line& line) {
    std::unique_ptr<ObjectName> second;
    std::string error;
    if (line.words.size() > 2) {
        second = session.object_name(line, 2, &error);
        if (!second) return misuse(error);
    }
    const auto filter = static_cast<ULONG>(to_number(line.words.at(1).text).value_or(0));
    const bool tree = line.has("tree") && line.options.at("tree").text == "yes";
    const bool wait = line.has("sync") && line.options.at("sync").text == "yes";
    const std::string request = line.has("as") ? line.options.at("as").text : "request";
    HANDLE signal = line.has("event") ? session.handle(line.options.at("event").text) : nullptr;
    const auto count = static_cast<ULONG>(session.number(line, "count", second ? 1 : 0));
    auto* context = reinterpret_cast<PVOID>(static_cast<std::uintptr_t>(session.number(line, "context", 0)));
    return {
        NtNotifyChangeMultipleKeys(session.handle(line.words[0].text), count, second ? &second->attributes : nullptr,
                                   signal, nullptr, context, &session.new_status_block(request), filter,
                                   tree ? TRUE : FALSE, nullptr, 0, wait ? FALSE : TRUE),
        {},
        {}};
}

}  // namespace

void add_multiple_verbs(std::map<std::string, Verb>& verbs) {
    verbs["values"] = values;
    verbs["notifymultiple"] = notify_multiple;
}

}  // namespace regent::regtest
