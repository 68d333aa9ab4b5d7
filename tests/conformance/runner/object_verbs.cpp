// Verbs on handles, names, security, events and notification.
#include <cstring>

#include "se/sddl.h"
#include "session.h"

namespace regent::regtest {
namespace {

// objectname H [len=N] -> path="\REGISTRY\..."
Outcome object_name(Session& session, const Line& line) {
    const auto length = static_cast<ULONG>(session.number(line, "len", 4096));
    Canary canary(length);
    ULONG needed = 0;
    const NTSTATUS status =
        NtQueryObject(session.handle(line.words.at(0).text), ObjectNameInformation, canary.data(), length, &needed);
    Outcome outcome = describe_buffer(status, canary, needed, 16);
    if (NT_SUCCESS(status)) {
        auto* info = static_cast<OBJECT_NAME_INFORMATION*>(canary.data());
        outcome.facts["path"] = to_text(rtl::view(info->Name));
    }
    return outcome;
}

// access H -> granted=MASK handles=N
Outcome access(Session& session, const Line& line) {
    OBJECT_BASIC_INFORMATION info{};
    ULONG needed = 0;
    Outcome outcome{
        NtQueryObject(session.handle(line.words.at(0).text), ObjectBasicInformation, &info, sizeof info, &needed),
        {},
        {}};
    outcome.facts["granted"] = std::to_string(info.GrantedAccess);
    outcome.facts["handles"] = std::to_string(info.HandleCount);
    return outcome;
}

// typename H -> type="Key"
Outcome type_name(Session& session, const Line& line) {
    alignas(8) std::byte buffer[512];
    ULONG needed = 0;
    Outcome outcome{
        NtQueryObject(session.handle(line.words.at(0).text), ObjectTypeInformation, buffer, sizeof buffer, &needed),
        {},
        {}};
    if (NT_SUCCESS(outcome.status)) {
        outcome.facts["type"] = to_text(rtl::view(*reinterpret_cast<UNICODE_STRING*>(buffer)));
    }
    return outcome;
}

// duplicate H NEW [access=MASK] [options=]
Outcome duplicate(Session& session, const Line& line) {
    HANDLE handle = nullptr;
    const auto options =
        static_cast<ULONG>(session.number(line, "options", line.has("access") ? 0 : DUPLICATE_SAME_ACCESS));
    Outcome outcome;
    outcome.status =
        NtDuplicateObject(NtCurrentProcess(), session.handle(line.words.at(0).text), NtCurrentProcess(), &handle,
                          static_cast<ACCESS_MASK>(session.number(line, "access", 0)), 0, options);
    if (NT_SUCCESS(outcome.status)) {
        if ((options & DUPLICATE_CLOSE_SOURCE) != 0) session.forget(line.words[0].text);
        session.keep(line.words.at(1).text, handle);
    }
    return outcome;
}

// security H info=DACL [len=N] -> sddl="D:..."
Outcome security(Session& session, const Line& line) {
    const auto info = static_cast<SECURITY_INFORMATION>(session.number(line, "info", DACL_SECURITY_INFORMATION));
    const auto length = static_cast<ULONG>(session.number(line, "len", 4096));
    Canary canary(length);
    ULONG needed = 0;
    const NTSTATUS status =
        NtQuerySecurityObject(session.handle(line.words.at(0).text), info, canary.data(), length, &needed);
    Outcome outcome = describe_buffer(status, canary, needed, 0);
    outcome.facts.erase("tail");
    if (!NT_SUCCESS(status)) return outcome;
    auto view = se::DescriptorView::validate(canary.bytes().first(std::min<std::size_t>(needed, length)));
    if (!view) {
        outcome.fault = "the descriptor returned is not valid";
        return outcome;
    }
    auto text = se::to_sddl(*view, info);
    outcome.facts["sddl"] = text ? *text : "?";
    return outcome;
}

// setsecurity H info=DACL "D:..."
Outcome set_security(Session& session, const Line& line) {
    auto copy = session.descriptor(line.words.at(1).text);
    if (copy.empty()) return misuse("the SDDL is malformed");
    const auto info = static_cast<SECURITY_INFORMATION>(session.number(line, "info", DACL_SECURITY_INFORMATION));
    return {NtSetSecurityObject(session.handle(line.words[0].text), info, copy.data()), {}, {}};
}

// event E [type=auto] [state=set]
Outcome event(Session& session, const Line& line) {
    HANDLE handle = nullptr;
    const bool automatic = line.has("type") && line.options.at("type").text == "auto";
    const bool set = line.has("state") && line.options.at("state").text == "set";
    Outcome outcome;
    outcome.status = NtCreateEvent(&handle, EVENT_ALL_ACCESS, nullptr,
                                   automatic ? SynchronizationEvent : NotificationEvent, set ? TRUE : FALSE);
    if (NT_SUCCESS(outcome.status)) session.keep(line.words.at(0).text, handle);
    return outcome;
}

// signaled E [wait=MS] -> SUCCESS or TIMEOUT
Outcome signaled(Session& session, const Line& line) {
    LARGE_INTEGER timeout;
    timeout.QuadPart = -10'000 * static_cast<LONGLONG>(session.number(line, "wait", 0));
    return {NtWaitForSingleObject(session.handle(line.words.at(0).text), FALSE, &timeout), {}, {}};
}

Outcome set_event(Session& session, const Line& line) {
    HANDLE handle = session.handle(line.words.at(0).text);
    LONG previous = -1;
    Outcome outcome;
    outcome.status = line.verb == "setevent" ? NtSetEvent(handle, &previous) : NtResetEvent(handle, &previous);
    outcome.facts["previous"] = std::to_string(previous);
    return outcome;
}

// notify H NAME|LAST_SET event=E [tree=yes] [as=R] [buffer=N] [sync=yes]: asynchronous unless it says otherwise;
// completed R tells how it ended
Outcome notify(Session& session, const Line& line) {
    const auto filter = static_cast<ULONG>(to_number(line.words.at(1).text).value_or(0));
    const bool tree = line.has("tree") && line.options.at("tree").text == "yes";
    const std::string request = line.has("as") ? line.options.at("as").text : "request";
    HANDLE signal = line.has("event") ? session.handle(line.options.at("event").text) : nullptr;
    std::byte buffer[64];
    const auto size = static_cast<ULONG>(session.number(line, "buffer", 0));
    return {NtNotifyChangeKey(session.handle(line.words[0].text), signal, nullptr, nullptr,
                              &session.new_status_block(request), filter, tree ? TRUE : FALSE,
                              size != 0 ? buffer : nullptr, size, line.has("sync") ? FALSE : TRUE),
            {},
            {}};
}

// completed [R] -> the status in the request's IO_STATUS_BLOCK
Outcome completed(Session& session, const Line& line) {
    const std::string request = line.words.empty() ? "request" : line.words[0].text;
    const IO_STATUS_BLOCK* block = session.status_block(request);
    return block != nullptr ? Outcome{block->Status, {}, {}} : misuse("no such request");
}

// sleep MS: lets the clock move, for times that must differ
Outcome sleep(Session& session, const Line& line) {
    HANDLE handle = nullptr;
    NtCreateEvent(&handle, EVENT_ALL_ACCESS, nullptr, NotificationEvent, FALSE);
    LARGE_INTEGER timeout;
    timeout.QuadPart = -10'000 * static_cast<LONGLONG>(to_number(line.words.at(0).text).value_or(1));
    NtWaitForSingleObject(handle, FALSE, &timeout);
    NtClose(handle);
    (void)session;
    return {};
}

}  // namespace

void add_object_verbs(std::map<std::string, Verb>& verbs) {
    verbs["objectname"] = object_name;
    verbs["access"] = access;
    verbs["typename"] = type_name;
    verbs["duplicate"] = duplicate;
    verbs["security"] = security;
    verbs["setsecurity"] = set_security;
    verbs["event"] = event;
    verbs["signaled"] = signaled;
    verbs["setevent"] = set_event;
    verbs["resetevent"] = set_event;
    verbs["notify"] = notify;
    verbs["completed"] = completed;
    verbs["sleep"] = sleep;
}

}  // namespace regent::regtest
