// Verbs on keys: create, open, close, delete, rename, query, enum, list, setinfo, flush, createmany, createdeep.
#include <cstring>

#include "session.h"

namespace regent::regtest {
namespace {

const HANDLE poison = reinterpret_cast<HANDLE>(std::uintptr_t{0xDEAD0});

// create H NAME [root=H] [access=] [options=] [tx=] [attributes=] [class=""] [sd=""] -> ... disposition=new|opened
// handle=zero
Outcome create(Session& session, const Line& line) {
    std::string error;
    auto name = session.object_name(line, 1, &error);
    if (!name) return misuse(error);
    const auto access = static_cast<ACCESS_MASK>(session.number(line, "access", KEY_ALL_ACCESS));
    const auto options = static_cast<ULONG>(session.number(line, "options", 0));
    HANDLE handle = poison;
    ULONG disposition = 0;
    Outcome outcome;
    Utf16 class_text;
    UNICODE_STRING class_name{};
    if (line.has("class")) {
        class_text = to_units(line.options.at("class").text).value_or(Utf16());
        class_name = rtl::unicode_string(class_text);
    }
    const bool transacted = line.has("tx");
    const HANDLE transaction = transacted ? session.handle(line.options.at("tx").text) : nullptr;
    if (line.verb == "create" && transacted) {
        outcome.status =
            NtCreateKeyTransacted(&handle, access, &name->attributes, 0, line.has("class") ? &class_name : nullptr,
                                  options, transaction, &disposition);
    } else if (transacted && line.has("options")) {
        outcome.status = NtOpenKeyTransactedEx(&handle, access, &name->attributes, options, transaction);
    } else if (transacted) {
        outcome.status = NtOpenKeyTransacted(&handle, access, &name->attributes, transaction);
    } else if (line.verb == "create") {
        outcome.status = NtCreateKey(&handle, access, &name->attributes, 0, line.has("class") ? &class_name : nullptr,
                                     options, &disposition);
    } else if (line.has("options")) {
        outcome.status = NtOpenKeyEx(&handle, access, &name->attributes, options);
    } else {
        outcome.status = NtOpenKey(&handle, access, &name->attributes);
    }
    outcome.facts["handle"] = handle == nullptr ? "zero" : handle == poison ? "untouched" : "set";
    outcome.facts["disposition"] = disposition == REG_CREATED_NEW_KEY       ? "new"
                                   : disposition == REG_OPENED_EXISTING_KEY ? "opened"
                                                                            : std::to_string(disposition);
    if (NT_SUCCESS(outcome.status)) session.keep(line.words[0].text, handle);
    return outcome;
}

Outcome close(Session& session, const Line& line) {
    const NTSTATUS status = NtClose(session.handle(line.words.at(0).text));
    session.forget(line.words[0].text);
    return {status, {}, {}};
}

Outcome delete_key(Session& session, const Line& line) {
    return {NtDeleteKey(session.handle(line.words.at(0).text)), {}, {}};
}

Outcome flush(Session& session, const Line& line) {
    return {NtFlushKey(session.handle(line.words.at(0).text)), {}, {}};
}

// rename H "name" | rename H null
Outcome rename(Session& session, const Line& line) {
    const Word& word = line.words.at(1);
    auto units = to_units(session.expand(word.text));
    if (!units) return misuse("a {unit} is malformed");
    UNICODE_STRING name = rtl::unicode_string(*units);
    const bool null = !word.quoted && word.text == "null";
    return {NtRenameKey(session.handle(line.words[0].text), null ? nullptr : &name), {}, {}};
}

std::size_t header_size(KEY_INFORMATION_CLASS info) {
    switch (info) {
        case KeyBasicInformation:
            return 16;
        case KeyNodeInformation:
            return 24;
        case KeyFullInformation:
            return 44;
        case KeyNameInformation:
            return 4;
        case KeyCachedInformation:
            return 36;
        case KeyFlagsInformation:
            return 12;
        default:
            return 4;
    }
}

// The number or the time at `offset`, when the buffer has it.
void field(Outcome& outcome, const char* name, Bytes bytes, std::size_t offset) {
    if (auto value = rtl::load<ULONG>(bytes, offset)) outcome.facts[name] = std::to_string(*value);
}

void text_field(Outcome& outcome, const char* name, Bytes bytes, std::size_t offset, std::size_t length) {
    if (auto part = rtl::slice(bytes, offset, length)) {
        Utf16 units(length / 2, u'\0');
        if (!units.empty()) std::memcpy(units.data(), part->data(), units.size() * 2);
        outcome.facts[name] = to_text(units);
    }
}

void describe_key(Outcome& outcome, KEY_INFORMATION_CLASS info, Bytes bytes) {
    auto number = [&](std::size_t offset) { return rtl::load<ULONG>(bytes, offset).value_or(0); };
    if (info != KeyNameInformation && info != KeyFlagsInformation && info != KeyHandleTagsInformation) {
        if (auto time = rtl::load<LONGLONG>(bytes, 0)) outcome.facts["time"] = std::to_string(*time);
        field(outcome, "titleindex", bytes, 8);
    }
    switch (info) {
        case KeyBasicInformation:
            field(outcome, "namelength", bytes, 12);
            text_field(outcome, "name", bytes, 16, number(12));
            break;
        case KeyNodeInformation:
            field(outcome, "classoffset", bytes, 12);
            field(outcome, "classlength", bytes, 16);
            field(outcome, "namelength", bytes, 20);
            text_field(outcome, "name", bytes, 24, number(20));
            if (number(16) != 0) text_field(outcome, "class", bytes, number(12), number(16));
            break;
        case KeyFullInformation: {
            static constexpr const char* names[] = {"classoffset", "classlength", "subkeys",      "maxname",
                                                    "maxclass",    "values",      "maxvaluename", "maxdata"};
            for (std::size_t i = 0; i < std::size(names); ++i) field(outcome, names[i], bytes, 12 + 4 * i);
            if (number(16) != 0) text_field(outcome, "class", bytes, number(12), number(16));
            break;
        }
        case KeyNameInformation:
            field(outcome, "namelength", bytes, 0);
            text_field(outcome, "name", bytes, 4, number(0));
            break;
        case KeyCachedInformation: {
            static constexpr const char* names[] = {"subkeys",      "maxname", "values",
                                                    "maxvaluename", "maxdata", "namelength"};
            for (std::size_t i = 0; i < std::size(names); ++i) field(outcome, names[i], bytes, 12 + 4 * i);
            break;
        }
        case KeyFlagsInformation:
            field(outcome, "wowflags", bytes, 0);
            field(outcome, "keyflags", bytes, 4);
            field(outcome, "controlflags", bytes, 8);
            break;
        default:
            field(outcome, "tags", bytes, 0);
            break;
    }
}

NTSTATUS call_query(Session& session, const Line& line, KEY_INFORMATION_CLASS info, void* buffer, ULONG length,
                    ULONG* needed) {
    HANDLE key = session.handle(line.words.at(0).text);
    if (line.verb == "query") return NtQueryKey(key, info, buffer, length, needed);
    const auto index = static_cast<ULONG>(to_number(line.words.at(1).text).value_or(0));
    return NtEnumerateKey(key, index, info, buffer, length, needed);
}

// Every length from 0 to eight past the full size: the rules of short buffers hold at each.
Outcome sweep(Session& session, const Line& line, KEY_INFORMATION_CLASS info) {
    ULONG full = 0;
    Canary all(65536);
    Outcome outcome{call_query(session, line, info, all.data(), 65536, &full), {}, {}};
    for (ULONG length = 0; NT_SUCCESS(outcome.status) && length <= full + 8 && outcome.fault.empty(); ++length) {
        Canary canary(length);
        ULONG needed = 0;
        const NTSTATUS status = call_query(session, line, info, canary.data(), length, &needed);
        const NTSTATUS right = length < header_size(info) ? STATUS_BUFFER_TOO_SMALL
                               : length < full            ? STATUS_BUFFER_OVERFLOW
                                                          : STATUS_SUCCESS;
        const std::size_t compared = right == STATUS_BUFFER_TOO_SMALL ? 0 : std::min(length, full);
        const bool same = std::memcmp(canary.bytes().data(), all.bytes().data(), compared) == 0;
        const bool quiet = right != STATUS_BUFFER_TOO_SMALL || canary.untouched();
        if (status != right || needed != full || !same || !quiet || !canary.intact()) {
            outcome.fault = "at length " + std::to_string(length) + ": " + rtl::status_name(status) +
                            " needed=" + std::to_string(needed) + (same ? "" : ", wrong bytes") +
                            (quiet ? "" : ", buffer touched");
        }
    }
    outcome.facts["needed"] = std::to_string(full);
    return outcome;
}

// query H info=CLASS [len=N|all] [since=TIME] and enum H INDEX info=CLASS [len=N|all]: later=yes when it was written
// after
Outcome query(Session& session, const Line& line) {
    const auto info = static_cast<KEY_INFORMATION_CLASS>(session.number(line, "info", KeyBasicInformation));
    if (line.has("len") && line.options.at("len").text == "all") return sweep(session, line, info);
    const auto length = static_cast<ULONG>(session.number(line, "len", 4096));
    Canary canary(length);
    ULONG needed = 0;
    const NTSTATUS status =
        call_query(session, line, info, line.has("null") ? nullptr : canary.data(), length, &needed);
    Outcome outcome = describe_buffer(status, canary, needed, header_size(info));
    if (status == STATUS_SUCCESS || status == STATUS_BUFFER_OVERFLOW) describe_key(outcome, info, canary.bytes());
    if (line.has("since")) {
        const auto written = rtl::load<std::uint64_t>(canary.bytes(), 0).value_or(0);
        outcome.facts["later"] = written > session.number(line, "since", 0) ? "yes" : "no";
    }
    return outcome;
}

// list H -> keys=a,b,c in the order of enumeration
Outcome list(Session& session, const Line& line) {
    return list_names("keys", [&](ULONG index) {
        Canary canary(1024);
        ULONG needed = 0;
        Outcome one;
        one.status = NtEnumerateKey(session.handle(line.words.at(0).text), index, KeyBasicInformation, canary.data(),
                                    1024, &needed);
        if (NT_SUCCESS(one.status)) describe_key(one, KeyBasicInformation, canary.bytes());
        return one;
    });
}

// setinfo H info=CLASS DATA
Outcome set_info(Session& session, const Line& line) {
    auto data = to_data(line.words.at(1));
    if (!data) return misuse("data is malformed");
    const auto info = static_cast<KEY_SET_INFORMATION_CLASS>(session.number(line, "info", KeyWriteTimeInformation));
    return {
        NtSetInformationKey(session.handle(line.words[0].text), info, data->data(), static_cast<ULONG>(data->size())),
        {},
        {}};
}

// createmany H COUNT: children 0000, 0001, ... below an open key
Outcome create_many(Session& session, const Line& line) {
    const auto count = to_number(line.words.at(1).text).value_or(0);
    for (std::uint64_t i = 0; i < count; ++i) {
        std::string digits = std::to_string(i);
        const Utf16 name = rtl::from_utf8(std::string(5 - std::min<std::size_t>(5, digits.size()), '0') + digits);
        UNICODE_STRING string = rtl::unicode_string(name);
        OBJECT_ATTRIBUTES attributes;
        InitializeObjectAttributes(&attributes, &string, 0, session.handle(line.words[0].text), nullptr);
        HANDLE handle = nullptr;
        const NTSTATUS status = NtCreateKey(&handle, KEY_READ, &attributes, 0, nullptr, 0, nullptr);
        if (!NT_SUCCESS(status)) return {status, {{"made", std::to_string(i)}}, {}};
        NtClose(handle);
    }
    return {STATUS_SUCCESS, {}, {}};
}

// createdeep H COUNT [length=N] [as=LAST]: keys one below the other, with names of N letters -> made=N
Outcome create_deep(Session& session, const Line& line) {
    const auto count = to_number(line.words.at(1).text).value_or(0);
    const Utf16 name(session.number(line, "length", 1), u'd');
    UNICODE_STRING string = rtl::unicode_string(name);
    HANDLE at = session.handle(line.words[0].text);
    Outcome outcome;
    std::uint64_t made = 0;
    for (; made < count; ++made) {
        OBJECT_ATTRIBUTES attributes;
        InitializeObjectAttributes(&attributes, &string, 0, at, nullptr);
        HANDLE below = nullptr;
        outcome.status = NtCreateKey(&below, KEY_ALL_ACCESS, &attributes, 0, nullptr, 0, nullptr);
        if (!NT_SUCCESS(outcome.status)) break;
        if (made != 0) NtClose(at);
        at = below;
    }
    if (made != 0 && line.has("as")) {
        session.keep(line.options.at("as").text, at);
    } else if (made != 0) {
        NtClose(at);
    }
    outcome.facts["made"] = std::to_string(made);
    return outcome;
}

}  // namespace

void add_key_verbs(std::map<std::string, Verb>& verbs) {
    verbs["create"] = create;
    verbs["open"] = create;
    verbs["close"] = close;
    verbs["delete"] = delete_key;
    verbs["flush"] = flush;
    verbs["rename"] = rename;
    verbs["query"] = query;
    verbs["enum"] = query;
    verbs["list"] = list;
    verbs["setinfo"] = set_info;
    verbs["createmany"] = create_many;
    verbs["createdeep"] = create_deep;
}

}  // namespace regent::regtest
