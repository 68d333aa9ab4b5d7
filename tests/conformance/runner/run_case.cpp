#include "run_case.h"

#include <algorithm>
#include <cstdio>
#include <stdexcept>

#include "win32/winreg.h"

namespace regent::regtest {
namespace {

std::string same_notation(const Word& word, const std::string& fact_name) {
    if (fact_name == "data" || fact_name == "tail") {
        auto data = to_data(word);
        return data ? to_hex(*data) : word.text;
    }
    if (!word.quoted) {
        if (auto number = to_number(word.text)) return std::to_string(*number);
    }
    auto units = to_units(word.text);
    return units ? to_text(*units) : word.text;
}

// How a line's expected status is said in Win32. A notification that is armed, or has come, is a success there, as is
// the key that a query found too large for no buffer.
std::uint32_t as_error(const std::string& status) {
    NTSTATUS code = STATUS_SUCCESS;
    if (!rtl::status_from_name(status.c_str(), &code) || code == STATUS_PENDING || code == STATUS_NOTIFY_ENUM_DIR) {
        return ERROR_SUCCESS;
    }
    return RtlNtStatusToDosError(code);
}

bool is_expected(const Line& line, const Outcome& outcome) {
    return std::any_of(line.statuses.begin(), line.statuses.end(), [&](const std::string& status) {
        return outcome.win32 ? as_error(status) == outcome.error : status == rtl::status_name(outcome.status);
    });
}

std::string describe_status(const Line& line, const Outcome& outcome) {
    const auto said = [&](const std::string& status) {
        return outcome.win32 ? status + " (" + std::to_string(as_error(status)) + ")" : status;
    };
    std::string text = outcome.win32 ? std::to_string(outcome.error) : rtl::status_name(outcome.status);
    text += ", expected " + said(line.statuses.front());
    for (std::size_t i = 1; i < line.statuses.size(); ++i) text += "|" + said(line.statuses[i]);
    return text + (outcome.fault.empty() ? "" : "; " + outcome.fault);
}

// Empty when the line's expectations are met.
std::string compare(const Session& session, const Line& line, const Outcome& outcome) {
    if (outcome.misuse) return outcome.fault;
    if (!is_expected(line, outcome)) return describe_status(line, outcome);
    if (!outcome.fault.empty()) return outcome.fault;
    for (const auto& [name, word] : line.expected) {
        auto fact = outcome.facts.find(name);
        const std::string expected = same_notation(Word{session.expand(word.text), word.quoted}, name);
        if (fact == outcome.facts.end() && outcome.win32) continue;  // Reg* has no word for it
        if (fact == outcome.facts.end()) return name + " is not told, expected " + expected;
        // Paths are equal in any case of letters; nothing else is.
        const bool equal = name == "path" || (name == "name" && expected.starts_with("\\"))
                               ? rtl::equal_folded(rtl::from_utf8(fact->second), rtl::from_utf8(expected))
                               : fact->second == expected;
        if (!equal) return name + "=" + fact->second + ", expected " + expected;
    }
    return {};
}

}  // namespace

void run_case(const Script& script, const Case& one, const std::string& mode, const std::string& files, Tally& tally) {
    Session session(files);
    auto complain = [&](int number, const std::string& text) {
        ++tally.failed;
        std::printf("%s:%d: [%s] %s\n", script.path.c_str(), number, mode.c_str(), text.c_str());
    };
    if (const NTSTATUS status = session.begin_case(); !NT_SUCCESS(status)) {
        ++tally.checks;
        return complain(one.number, std::string("the case's key cannot be made: ") + rtl::status_name(status));
    }
    for (const Line& line : one.lines) {
        std::string trouble;
        try {
            if (mode == "win32") {
                const auto answer = run_win32(session, line);
                if (!answer) {
                    session.run(line);  // for what comes after it
                    ++tally.skipped;
                    continue;
                }
                ++tally.checks;
                trouble = compare(session, line, *answer);
            } else {
                ++tally.checks;
                trouble = compare(session, line, session.run(line));
            }
        } catch (const std::out_of_range&) {
            trouble = "words are missing";
        }
        if (!trouble.empty()) complain(line.number, line.text + "\n    gave " + trouble);
    }
}

}  // namespace regent::regtest
