// Verbs on values: set, value, enumvalue, listvalues, deletevalue.
#include <cstring>

#include "session.h"

namespace regent::regtest {
namespace {

struct ValueName {
    Utf16 units;
    UNICODE_STRING string{};
    PUNICODE_STRING pointer = nullptr;
};

// "text", long:N (N units of 'n'), null (no UNICODE_STRING), nobuffer:N (a length without a buffer)
std::unique_ptr<ValueName> value_name(const Word& word) {
    auto made = std::make_unique<ValueName>();
    if (!word.quoted && word.text == "null") return made;
    made->pointer = &made->string;
    if (!word.quoted && word.text.starts_with("nobuffer:")) {
        made->string.Length = static_cast<USHORT>(to_number(word.text.substr(9)).value_or(2));
        made->string.MaximumLength = made->string.Length;
        return made;
    }
    if (!word.quoted && word.text.starts_with("long:")) {
        made->units.assign(to_number(word.text.substr(5)).value_or(0), u'n');
    } else {
        made->units = to_units(word.text).value_or(Utf16());
    }
    made->string = rtl::unicode_string(made->units);
    return made;
}

// set H "name" TYPE DATA | set H "name" TYPE nodata:N (N bytes at a null pointer)
Outcome set(Session& session, const Line& line) {
    if (line.words.size() != 4) return misuse("set H \"name\" TYPE DATA");
    auto type = to_number(line.words[2].text);
    if (!type) return misuse("no such type");
    auto name = value_name(line.words[1]);
    HANDLE key = session.handle(line.words[0].text);
    const Word& word = line.words[3];
    if (!word.quoted && word.text.starts_with("nodata:")) {
        const auto size = static_cast<ULONG>(to_number(word.text.substr(7)).value_or(0));
        return {NtSetValueKey(key, name->pointer, 0, static_cast<ULONG>(*type), nullptr, size), {}, {}};
    }
    auto data = to_data(Word{word.quoted ? session.expand(word.text) : word.text, word.quoted});
    if (!data) return misuse("data is malformed");
    const auto size = static_cast<ULONG>(data->size());
    return {NtSetValueKey(key, name->pointer, 0, static_cast<ULONG>(*type), data->data(), size), {}, {}};
}

std::size_t header_size(KEY_VALUE_INFORMATION_CLASS info) {
    switch (info) {
        case KeyValueFullInformation:
        case KeyValueFullInformationAlign64:
            return 20;
        case KeyValuePartialInformationAlign64:
            return 8;
        default:
            return 12;
    }
}

void field(Outcome& outcome, const char* name, Bytes bytes, std::size_t offset) {
    if (auto value = rtl::load<ULONG>(bytes, offset)) outcome.facts[name] = std::to_string(*value);
}

void describe_value(Outcome& outcome, KEY_VALUE_INFORMATION_CLASS info, Bytes bytes) {
    auto number = [&](std::size_t offset) { return rtl::load<ULONG>(bytes, offset).value_or(0); };
    auto text = [&](std::size_t offset, std::size_t length) {
        if (auto part = rtl::slice(bytes, offset, length)) {
            Utf16 units(length / 2, u'\0');
            if (!units.empty()) std::memcpy(units.data(), part->data(), units.size() * 2);
            outcome.facts["name"] = to_text(units);
        }
    };
    auto data = [&](std::size_t offset, std::size_t length) {
        if (auto part = rtl::slice(bytes, offset, length)) outcome.facts["data"] = to_hex(*part);
    };
    const bool short_head = info == KeyValuePartialInformationAlign64;
    if (!short_head) field(outcome, "titleindex", bytes, 0);
    field(outcome, "type", bytes, short_head ? 0 : 4);
    switch (info) {
        case KeyValueBasicInformation:
            field(outcome, "namelength", bytes, 8);
            text(12, number(8));
            break;
        case KeyValueFullInformation:
        case KeyValueFullInformationAlign64:
            field(outcome, "dataoffset", bytes, 8);
            field(outcome, "datalength", bytes, 12);
            field(outcome, "namelength", bytes, 16);
            text(20, number(16));
            data(number(8), number(12));
            break;
        default:
            field(outcome, "datalength", bytes, short_head ? 4 : 8);
            data(short_head ? 8 : 12, number(short_head ? 4 : 8));
            break;
    }
}

NTSTATUS call_value(Session& session, const Line& line, KEY_VALUE_INFORMATION_CLASS info, void* buffer, ULONG length,
                    ULONG* needed) {
    HANDLE key = session.handle(line.words.at(0).text);
    if (line.verb == "value") {
        auto name = value_name(line.words.at(1));
        return NtQueryValueKey(key, name->pointer, info, buffer, length, needed);
    }
    const auto index = static_cast<ULONG>(to_number(line.words.at(1).text).value_or(0));
    return NtEnumerateValueKey(key, index, info, buffer, length, needed);
}

Outcome sweep(Session& session, const Line& line, KEY_VALUE_INFORMATION_CLASS info) {
    ULONG full = 0;
    Canary all(65536);
    Outcome outcome{call_value(session, line, info, all.data(), 65536, &full), {}, {}};
    for (ULONG length = 0; NT_SUCCESS(outcome.status) && length <= full + 8 && outcome.fault.empty(); ++length) {
        Canary canary(length);
        ULONG needed = 0;
        const NTSTATUS status = call_value(session, line, info, canary.data(), length, &needed);
        const NTSTATUS right = length < header_size(info) ? STATUS_BUFFER_TOO_SMALL
                               : length < full            ? STATUS_BUFFER_OVERFLOW
                                                          : STATUS_SUCCESS;
        const std::size_t compared =
            right == STATUS_BUFFER_TOO_SMALL ? 0 : std::min<std::size_t>(length, header_size(info));
        const bool same = std::memcmp(canary.bytes().data(), all.bytes().data(), compared) == 0;
        const bool quiet = right != STATUS_BUFFER_TOO_SMALL || canary.untouched();
        if (status != right || needed != full || !same || !quiet || !canary.intact()) {
            outcome.fault = "at length " + std::to_string(length) + ": " + rtl::status_name(status) +
                            " needed=" + std::to_string(needed) + (same ? "" : ", wrong header") +
                            (quiet ? "" : ", buffer touched");
        }
    }
    outcome.facts["needed"] = std::to_string(full);
    return outcome;
}

// value H "name" info=CLASS [len=N|all] and enumvalue H INDEX info=CLASS [len=N|all]
Outcome value(Session& session, const Line& line) {
    const auto info =
        static_cast<KEY_VALUE_INFORMATION_CLASS>(session.number(line, "info", KeyValuePartialInformation));
    if (line.has("len") && line.options.at("len").text == "all") return sweep(session, line, info);
    const auto length = static_cast<ULONG>(session.number(line, "len", 4096));
    Canary canary(length);
    ULONG needed = 0;
    const NTSTATUS status =
        call_value(session, line, info, line.has("null") ? nullptr : canary.data(), length, &needed);
    Outcome outcome = describe_buffer(status, canary, needed, header_size(info));
    if (status == STATUS_SUCCESS || status == STATUS_BUFFER_OVERFLOW) describe_value(outcome, info, canary.bytes());
    return outcome;
}

// listvalues H -> values=a,b,c in the order of enumeration
Outcome list_values(Session& session, const Line& line) {
    return list_names("values", [&](ULONG index) {
        Canary canary(4096);
        ULONG needed = 0;
        Outcome one;
        one.status = NtEnumerateValueKey(session.handle(line.words.at(0).text), index, KeyValueBasicInformation,
                                         canary.data(), 4096, &needed);
        if (NT_SUCCESS(one.status)) describe_value(one, KeyValueBasicInformation, canary.bytes());
        return one;
    });
}

Outcome delete_value(Session& session, const Line& line) {
    auto name = value_name(line.words.at(1));
    return {NtDeleteValueKey(session.handle(line.words[0].text), name->pointer), {}, {}};
}

// roundtrip H SIZE: set SIZE patterned bytes, read them back, compare. One call each way, any size.
Outcome round_trip(Session& session, const Line& line) {
    auto data = to_data(Word{"pattern:" + line.words.at(1).text, false});
    if (!data) return misuse("roundtrip H SIZE");
    HANDLE key = session.handle(line.words[0].text);
    Utf16 name = u"roundtrip";
    UNICODE_STRING string = rtl::unicode_string(name);
    const auto size = static_cast<ULONG>(data->size());
    Outcome outcome{NtSetValueKey(key, &string, 0, REG_BINARY, data->data(), size), {}, {}};
    if (!NT_SUCCESS(outcome.status)) return outcome;
    std::vector<std::byte> back(12 + data->size());
    ULONG needed = 0;
    outcome.status = NtQueryValueKey(key, &string, KeyValuePartialInformation, back.data(),
                                     static_cast<ULONG>(back.size()), &needed);
    if (!NT_SUCCESS(outcome.status)) return outcome;
    if (needed != back.size() || (!data->empty() && std::memcmp(back.data() + 12, data->data(), data->size()) != 0)) {
        outcome.fault = "the bytes read are not the bytes written";
    }
    return outcome;
}

}  // namespace

void add_value_verbs(std::map<std::string, Verb>& verbs) {
    verbs["set"] = set;
    verbs["value"] = value;
    verbs["enumvalue"] = value;
    verbs["listvalues"] = list_values;
    verbs["deletevalue"] = delete_value;
    verbs["roundtrip"] = round_trip;
}

}  // namespace regent::regtest
