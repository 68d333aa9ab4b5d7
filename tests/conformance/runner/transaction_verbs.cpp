// Verbs on transactions: begin commit rollback txinfo. kind=ktm: a TmTx object; else a registry transaction.
#include <cstring>

#include "session.h"

namespace regent::regtest {
namespace {

bool is_kernel(const Line& line) { return line.has("kind") && line.options.at("kind").text == "ktm"; }

// begin T [kind=ktm] [access=] [options=]
Outcome begin(Session& session, const Line& line) {
    HANDLE handle = nullptr;
    const auto access = static_cast<ACCESS_MASK>(session.number(line, "access", TRANSACTION_ALL_ACCESS));
    const auto options = static_cast<ULONG>(session.number(line, "options", 0));
    Outcome outcome;
    if (is_kernel(line)) {
        outcome.status =
            NtCreateTransaction(&handle, access, nullptr, nullptr, nullptr, options, 0, 0, nullptr, nullptr);
    } else {
        outcome.status = NtCreateRegistryTransaction(&handle, access, nullptr, options);
    }
    if (NT_SUCCESS(outcome.status)) session.keep(line.words.at(0).text, handle);
    return outcome;
}

// commit T [kind=ktm]
Outcome commit(Session& session, const Line& line) {
    const HANDLE handle = session.handle(line.words.at(0).text);
    const auto flags = static_cast<ULONG>(session.number(line, "flags", 0));
    return {is_kernel(line) ? NtCommitTransaction(handle, TRUE) : NtCommitRegistryTransaction(handle, flags), {}, {}};
}

// rollback T [kind=ktm]
Outcome rollback(Session& session, const Line& line) {
    const HANDLE handle = session.handle(line.words.at(0).text);
    const auto flags = static_cast<ULONG>(session.number(line, "flags", 0));
    return {
        is_kernel(line) ? NtRollbackTransaction(handle, TRUE) : NtRollbackRegistryTransaction(handle, flags), {}, {}};
}

// txinfo T [len=] -> ... outcome=1|2|3
Outcome information(Session& session, const Line& line) {
    TRANSACTION_BASIC_INFORMATION info{};
    ULONG needed = 0;
    Outcome outcome;
    outcome.status =
        NtQueryInformationTransaction(session.handle(line.words.at(0).text), TransactionBasicInformation, &info,
                                      static_cast<ULONG>(session.number(line, "len", sizeof(info))), &needed);
    outcome.facts["outcome"] = std::to_string(info.Outcome);
    outcome.facts["needed"] = std::to_string(needed);
    return outcome;
}

}  // namespace

void add_transaction_verbs(std::map<std::string, Verb>& verbs) {
    verbs["begin"] = &begin;
    verbs["commit"] = &commit;
    verbs["rollback"] = &rollback;
    verbs["txinfo"] = &information;
}

}  // namespace regent::regtest
