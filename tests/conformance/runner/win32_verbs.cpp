// The verbs in Win32's words: the same line through Reg*. A line that Reg* cannot say is left to the Nt call and does
// not count.
#include <algorithm>
#include <cstring>

#include "se/sddl.h"
#include "session.h"
#include "win32/ktmw32.h"
#include "win32/winreg.h"

namespace regent::regtest {
namespace {

// Nothing: the line has no Win32 form.
using Answer = std::optional<Outcome>;

Outcome told(LSTATUS error) {
    Outcome outcome;
    outcome.win32 = true;
    outcome.error = static_cast<std::uint32_t>(error);
    return outcome;
}

bool expects(const Line& line, const char* status) {
    return std::find(line.statuses.begin(), line.statuses.end(), std::string("STATUS_") + status) !=
           line.statuses.end();
}

bool has_any(const Line& line, std::initializer_list<const char*> options) {
    return std::any_of(options.begin(), options.end(), [&](const char* option) { return line.has(option); });
}

std::optional<HKEY> key_of(const Session& session, const std::string& name) {
    if (name == "process") return std::nullopt;
    return static_cast<HKEY>(session.handle(name));
}

// A key's place as Win32 says it: an HKEY and a name below it.
struct Place {
    HKEY root;
    Utf16 name;
};
std::optional<Place> place_of(const Session& session, const Line& line, std::size_t index) {
    const auto units = to_units(session.expand(line.words.at(index).text));
    if (!units || units->find(u'\0') != Utf16::npos || units->empty()) return std::nullopt;
    if (line.has("root")) {
        const auto root = key_of(session, line.options.at("root").text);
        if (!root || units->front() == u'\\') return std::nullopt;
        return Place{*root, *units};
    }
    for (const auto& [prefix, root] : {std::pair(Utf16View(u"\\Registry\\Machine\\"), HKEY_LOCAL_MACHINE),
                                       std::pair(Utf16View(u"\\Registry\\User\\"), HKEY_USERS)}) {
        if (units->size() <= prefix.size()) continue;
        if (!rtl::equal_folded(Utf16View(*units).substr(0, prefix.size()), prefix)) continue;
        if ((*units)[prefix.size()] == u'\\') return std::nullopt;
        return Place{root, units->substr(prefix.size())};
    }
    return std::nullopt;
}

// "\??\UNIX\tmp\x" is "/tmp/x".
std::optional<Utf16> file_of(const Session& session, const Line& line, std::size_t index) {
    constexpr Utf16View device = u"\\??\\UNIX";
    auto units = to_units(session.expand(line.words.at(index).text));
    if (!units || !units->starts_with(device)) return std::nullopt;
    Utf16 path = units->substr(device.size());
    std::replace(path.begin(), path.end(), u'\\', u'/');
    return path;
}

std::optional<Utf16> value_name(const Session& session, const Line& line) {
    const Word& word = line.words.at(1);
    if (!word.quoted && (word.text == "null" || word.text.starts_with("nobuffer:"))) return std::nullopt;
    if (!word.quoted && word.text.starts_with("long:")) return Utf16(to_number(word.text.substr(5)).value_or(0), u'n');
    auto units = to_units(session.expand(word.text));
    if (!units || units->find(u'\0') != Utf16::npos) return std::nullopt;
    return units;
}

Answer create_or_open(Session& session, const Line& line) {
    if (has_any(line, {"attributes", "oalength"})) return std::nullopt;
    const auto access = static_cast<REGSAM>(session.number(line, "access", KEY_ALL_ACCESS));
    if ((access & KEY_WOW64_RES) != 0) return std::nullopt;  // Win32 has two views, Nt one
    const auto place = place_of(session, line, 1);
    const auto options = static_cast<DWORD>(session.number(line, "options", 0));
    if (!place || (options & ~DWORD{REG_OPTION_VOLATILE | REG_OPTION_CREATE_LINK}) != 0) return std::nullopt;
    HKEY key = nullptr;
    Outcome outcome;
    if (line.verb == "create") {
        // RegCreateKeyEx makes what is missing on the way; NtCreateKey says that it is missing.
        if (expects(line, "OBJECT_NAME_NOT_FOUND") || expects(line, "OBJECT_PATH_NOT_FOUND")) return std::nullopt;
        SECURITY_ATTRIBUTES attributes{};
        attributes.nLength = sizeof(attributes);
        std::vector<std::byte> descriptor;
        if (line.has("sd")) {
            const auto parsed = se::parse_sddl(session.expand(line.options.at("sd").text));
            if (!parsed) return std::nullopt;
            descriptor.assign(parsed->bytes().begin(), parsed->bytes().end());
            attributes.lpSecurityDescriptor = descriptor.data();
        }
        Utf16 class_name;
        if (line.has("class")) class_name = to_units(line.options.at("class").text).value_or(Utf16());
        DWORD disposition = 0;
        WCHAR* shown_class = line.has("class") ? class_name.data() : nullptr;
        SECURITY_ATTRIBUTES* security = line.has("sd") ? &attributes : nullptr;
        if (line.has("tx")) {
            outcome = told(RegCreateKeyTransactedW(place->root, place->name.c_str(), 0, shown_class, options, access,
                                                   security, &key, &disposition,
                                                   session.handle(line.options.at("tx").text), nullptr));
        } else {
            outcome = told(RegCreateKeyExW(place->root, place->name.c_str(), 0, shown_class, options, access, security,
                                           &key, &disposition));
        }
        outcome.facts["disposition"] = disposition == REG_CREATED_NEW_KEY ? "new" : "opened";
    } else {
        if (line.has("options")) return std::nullopt;
        outcome = line.has("tx") ? told(RegOpenKeyTransactedW(place->root, place->name.c_str(), 0, access, &key,
                                                              session.handle(line.options.at("tx").text), nullptr))
                                 : told(RegOpenKeyExW(place->root, place->name.c_str(), 0, access, &key));
    }
    if (outcome.error != ERROR_SUCCESS) return outcome;
    session.keep(line.words[0].text, key);
    if (line.has("tx")) session.mark_transacted(line.words[0].text);
    return outcome;
}

// commit T kind=ktm | rollback T kind=ktm
Answer end_transaction(Session& session, const Line& line) {
    if (!line.has("kind")) return std::nullopt;  // registry transactions have no Win32 form
    const HANDLE transaction = session.handle(line.words.at(0).text);
    const bool done = (line.verb == "commit" ? CommitTransaction(transaction) : RollbackTransaction(transaction)) != 0;
    return told(done ? ERROR_SUCCESS : static_cast<LSTATUS>(GetLastError()));
}

Answer close(Session& session, const Line& line) {
    const auto key = key_of(session, line.words.at(0).text);
    if (!key) return std::nullopt;
    const Outcome outcome = told(RegCloseKey(*key));
    session.forget(line.words[0].text);
    return outcome;
}

// RegDeleteKey opens the key anew: what the handle may do, and whether the key is there still, is not its question. Nor
// is it ever part of a transaction.
Answer delete_key(Session& session, const Line& line) {
    const auto key = key_of(session, line.words.at(0).text);
    if (!key || expects(line, "ACCESS_DENIED") || session.is_transacted(line.words[0].text)) return std::nullopt;
    const Outcome outcome = told(RegDeleteKeyW(*key, u""));
    if (outcome.error == ERROR_KEY_DELETED) return std::nullopt;
    return outcome;
}

Answer flush(Session& session, const Line& line) {
    const auto key = key_of(session, line.words.at(0).text);
    if (!key) return std::nullopt;
    return told(RegFlushKey(*key));
}

Answer rename(Session& session, const Line& line) {
    const auto key = key_of(session, line.words.at(0).text);
    const auto name = value_name(session, line);
    if (!key || !name) return std::nullopt;
    return told(RegRenameKey(*key, nullptr, name->c_str()));
}

Answer set(Session& session, const Line& line) {
    const auto key = key_of(session, line.words.at(0).text);
    const auto type = to_number(line.words.at(2).text);
    const auto name = value_name(session, line);
    if (!key || !type || !name) return std::nullopt;
    const Word& word = line.words.at(3);
    if (!word.quoted && word.text.starts_with("nodata:")) {
        // Win32 looks at the data before the size.
        if (!expects(line, "ACCESS_VIOLATION") && !expects(line, "SUCCESS")) return std::nullopt;
        const auto size = static_cast<DWORD>(to_number(word.text.substr(7)).value_or(0));
        return told(RegSetValueExW(*key, name->c_str(), 0, static_cast<DWORD>(*type), nullptr, size));
    }
    auto data = to_data(Word{word.quoted ? session.expand(word.text) : word.text, word.quoted});
    if (!data) return std::nullopt;
    const auto size = static_cast<DWORD>(data->size());
    data->insert(data->end(), 2, std::byte{0xFF});  // no NUL behind the data that Win32 would add to it
    return told(RegSetValueExW(*key, name->c_str(), 0, static_cast<DWORD>(*type),
                               reinterpret_cast<const BYTE*>(data->data()), size));
}

Answer delete_value(Session& session, const Line& line) {
    const auto key = key_of(session, line.words.at(0).text);
    const auto name = value_name(session, line);
    if (!key || !name) return std::nullopt;
    return told(RegDeleteValueW(*key, name->c_str()));
}

void describe(Outcome& outcome, DWORD type, const std::vector<std::byte>& data, DWORD size) {
    outcome.facts["type"] = std::to_string(type);
    outcome.facts["datalength"] = std::to_string(size);
    outcome.facts["data"] = to_hex(Bytes(data).first(size));
}

Answer value(Session& session, const Line& line) {
    const auto key = key_of(session, line.words.at(0).text);
    const auto name = value_name(session, line);
    if (!key || !name || has_any(line, {"len", "null"})) return std::nullopt;
    if (session.number(line, "info", KeyValuePartialInformation) >= KeyValueLayerInformation) return std::nullopt;
    std::vector<std::byte> data(65536);
    for (;;) {
        DWORD type = 0;
        auto size = static_cast<DWORD>(data.size() - 2);
        Outcome outcome =
            told(RegQueryValueExW(*key, name->c_str(), nullptr, &type, reinterpret_cast<BYTE*>(data.data()), &size));
        if (outcome.error == ERROR_MORE_DATA) {
            data.resize(size + 2);
            continue;
        }
        if (outcome.error == ERROR_SUCCESS) describe(outcome, type, data, size);
        return outcome;
    }
}

Answer enum_value(Session& session, const Line& line) {
    const auto key = key_of(session, line.words.at(0).text);
    if (!key || has_any(line, {"len", "null"})) return std::nullopt;
    if (session.number(line, "info", KeyValuePartialInformation) >= KeyValueLayerInformation) return std::nullopt;
    std::vector<std::byte> data(65536);
    std::vector<char16_t> name(16384);
    DWORD type = 0;
    auto size = static_cast<DWORD>(data.size());
    auto length = static_cast<DWORD>(name.size());
    const auto index = static_cast<DWORD>(to_number(line.words.at(1).text).value_or(0));
    Outcome outcome = told(
        RegEnumValueW(*key, index, name.data(), &length, nullptr, &type, reinterpret_cast<BYTE*>(data.data()), &size));
    if (outcome.error != ERROR_SUCCESS) return outcome;
    describe(outcome, type, data, size);
    outcome.facts["name"] = to_text(Utf16View(name.data(), length));
    return outcome;
}

Answer list_values(Session& session, const Line& line) {
    const auto key = key_of(session, line.words.at(0).text);
    if (!key) return std::nullopt;
    std::string names;
    for (DWORD index = 0;; ++index) {
        std::vector<char16_t> name(16384);
        auto length = static_cast<DWORD>(name.size());
        const LSTATUS error = RegEnumValueW(*key, index, name.data(), &length, nullptr, nullptr, nullptr, nullptr);
        if (error != ERROR_SUCCESS) {
            Outcome outcome = told(error == ERROR_NO_MORE_ITEMS ? ERROR_SUCCESS : error);
            outcome.facts["values"] = names;
            return outcome;
        }
        names += (index == 0 ? "" : ",") + to_text(Utf16View(name.data(), length));
    }
}

Answer enum_key(Session& session, const Line& line) {
    const auto key = key_of(session, line.words.at(0).text);
    if (!key || has_any(line, {"len", "null"}) || session.number(line, "info", 0) != KeyBasicInformation) {
        return std::nullopt;
    }
    char16_t name[256];
    DWORD length = 256;
    const auto index = static_cast<DWORD>(to_number(line.words.at(1).text).value_or(0));
    Outcome outcome = told(RegEnumKeyExW(*key, index, name, &length, nullptr, nullptr, nullptr, nullptr));
    if (outcome.error == ERROR_SUCCESS) outcome.facts["name"] = to_text(Utf16View(name, length));
    return outcome;
}

Answer list(Session& session, const Line& line) {
    const auto key = key_of(session, line.words.at(0).text);
    if (!key) return std::nullopt;
    std::string names;
    for (DWORD index = 0;; ++index) {
        char16_t name[256];
        DWORD length = 256;
        const LSTATUS error = RegEnumKeyExW(*key, index, name, &length, nullptr, nullptr, nullptr, nullptr);
        if (error != ERROR_SUCCESS) {
            Outcome outcome = told(error == ERROR_NO_MORE_ITEMS ? ERROR_SUCCESS : error);
            outcome.facts["keys"] = names;
            return outcome;
        }
        names += (index == 0 ? "" : ",") + to_text(Utf16View(name, length));
    }
}

Answer query(Session& session, const Line& line) {
    const auto key = key_of(session, line.words.at(0).text);
    if (!key || has_any(line, {"len", "null"}) || session.number(line, "info", 0) != KeyFullInformation) {
        return std::nullopt;
    }
    std::vector<char16_t> class_name(32768);
    auto length = static_cast<DWORD>(class_name.size());
    DWORD numbers[6] = {};
    Outcome outcome = told(RegQueryInfoKeyW(*key, class_name.data(), &length, nullptr, &numbers[0], &numbers[1],
                                            &numbers[2], &numbers[3], &numbers[4], &numbers[5], nullptr, nullptr));
    if (outcome.error != ERROR_SUCCESS) return outcome;
    static constexpr const char* names[] = {"subkeys", "maxname", "maxclass", "values", "maxvaluename", "maxdata"};
    for (std::size_t i = 0; i < std::size(names); ++i) {
        const bool units = i == 1 || i == 2 || i == 4;  // Win32 counts characters where NT counts bytes
        outcome.facts[names[i]] = std::to_string(units ? numbers[i] * 2 : numbers[i]);
    }
    if (length != 0) outcome.facts["class"] = to_text(Utf16View(class_name.data(), length));
    return outcome;
}

Answer security(Session& session, const Line& line) {
    const auto key = key_of(session, line.words.at(0).text);
    if (!key || line.has("len")) return std::nullopt;
    const auto info = static_cast<SECURITY_INFORMATION>(session.number(line, "info", DACL_SECURITY_INFORMATION));
    std::vector<std::byte> buffer(65536);
    auto size = static_cast<DWORD>(buffer.size());
    Outcome outcome = told(RegGetKeySecurity(*key, info, buffer.data(), &size));
    if (outcome.error != ERROR_SUCCESS) return outcome;
    const auto view = se::DescriptorView::validate(buffer);
    const auto text = view ? se::to_sddl(*view, info) : Result<std::string>(std::string("?"));
    outcome.facts["sddl"] = text ? *text : "?";
    return outcome;
}

Answer set_security(Session& session, const Line& line) {
    const auto key = key_of(session, line.words.at(0).text);
    const auto parsed = se::parse_sddl(session.expand(line.words.at(1).text));
    if (!key || !parsed) return std::nullopt;
    std::vector<std::byte> descriptor(parsed->bytes().begin(), parsed->bytes().end());
    const auto info = static_cast<SECURITY_INFORMATION>(session.number(line, "info", DACL_SECURITY_INFORMATION));
    return told(RegSetKeySecurity(*key, info, descriptor.data()));
}

// A notification that is armed is a success, where NT says PENDING.
Answer notify(Session& session, const Line& line) {
    const auto key = key_of(session, line.words.at(0).text);
    if (!key || line.has("buffer") || !line.has("event")) return std::nullopt;
    const auto filter = static_cast<DWORD>(to_number(line.words.at(1).text).value_or(0));
    const bool tree = line.has("tree") && line.options.at("tree").text == "yes";
    return told(RegNotifyChangeKeyValue(*key, tree, filter, session.handle(line.options.at("event").text),
                                        line.has("sync") ? FALSE : TRUE));
}

Answer values(Session& session, const Line& line) {
    const auto key = key_of(session, line.words.at(0).text);
    if (!key || has_any(line, {"count", "null", "nolength", "noneeded"})) return std::nullopt;
    std::vector<Utf16> names;
    for (std::size_t i = 1; i < line.words.size(); ++i) {
        auto units = to_units(line.words[i].text);
        if (!units || line.words[i].text == "null" || units->find(u'\0') != Utf16::npos) return std::nullopt;
        names.push_back(*units);
    }
    std::vector<VALENTW> entries(names.size());
    for (std::size_t i = 0; i < names.size(); ++i) entries[i].ve_valuename = names[i].data();
    std::vector<std::byte> buffer(static_cast<std::size_t>(session.number(line, "len", 4096)));
    auto size = static_cast<DWORD>(buffer.size());
    Outcome outcome = told(RegQueryMultipleValuesW(*key, entries.data(), static_cast<DWORD>(entries.size()),
                                                   reinterpret_cast<LPWSTR>(buffer.data()), &size));
    if (outcome.error != ERROR_SUCCESS) return outcome;
    outcome.facts["used"] = outcome.facts["needed"] = std::to_string(size);
    outcome.facts["data"] = to_hex(Bytes(buffer).first(size));
    std::string types;
    std::string lengths;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        types += (i == 0 ? "" : ",") + std::to_string(entries[i].ve_type);
        lengths += (i == 0 ? "" : ",") + std::to_string(entries[i].ve_valuelen);
    }
    outcome.facts["types"] = types;
    outcome.facts["lengths"] = lengths;
    return outcome;
}

Answer load(Session& session, const Line& line) {
    const auto place = place_of(session, line, 0);
    const auto file = file_of(session, line, 1);
    if (!place || !file || line.has("flags")) return std::nullopt;
    return told(RegLoadKeyW(place->root, place->name.c_str(), file->c_str()));
}

Answer unload(Session& session, const Line& line) {
    const auto place = place_of(session, line, 0);
    if (!place || has_any(line, {"flags", "event"})) return std::nullopt;
    return told(RegUnLoadKeyW(place->root, place->name.c_str()));
}

// RegLoadAppKey invents the hive's name.
Answer load_ex(Session& session, const Line& line) {
    const auto file = file_of(session, line, 1);
    const auto flags = session.number(line, "flags", 0);
    if (!file || (flags & ~std::uint64_t{REG_PROCESS_PRIVATE}) != REG_APP_HIVE || !line.has("as") ||
        has_any(line, {"event", "trust", "version", "entry"}) || expects(line, "OBJECT_NAME_COLLISION") ||
        expects(line, "INVALID_PARAMETER")) {
        return std::nullopt;
    }
    HKEY key = nullptr;
    const auto access = static_cast<REGSAM>(session.number(line, "access", 0));
    const DWORD options = (flags & REG_PROCESS_PRIVATE) != 0 ? REG_PROCESS_APPKEY : 0;
    Outcome outcome = told(RegLoadAppKeyW(file->c_str(), &key, access, options, 0));
    if (outcome.error == ERROR_SUCCESS) session.keep(line.options.at("as").text, key);
    return outcome;
}

Answer replace(Session& session, const Line& line) {
    const auto key = key_of(session, line.words.at(0).text);
    const auto fresh = file_of(session, line, 1);
    const auto old = file_of(session, line, 2);
    // RegReplaceKey looks for the hive's root itself.
    if (!key || !fresh || !old || expects(line, "INVALID_PARAMETER")) return std::nullopt;
    return told(RegReplaceKeyW(*key, nullptr, fresh->c_str(), old->c_str()));
}

using Win32Verb = Answer (*)(Session&, const Line&);

}  // namespace

std::optional<Outcome> run_win32(Session& session, const Line& line) {
    static const std::map<std::string, Win32Verb> verbs = {
        {"create", create_or_open},
        {"open", create_or_open},
        {"commit", end_transaction},
        {"rollback", end_transaction},
        {"close", close},
        {"delete", delete_key},
        {"flush", flush},
        {"rename", rename},
        {"set", set},
        {"value", value},
        {"deletevalue", delete_value},
        {"enumvalue", enum_value},
        {"enum", enum_key},
        {"list", list},
        {"listvalues", list_values},
        {"query", query},
        {"security", security},
        {"setsecurity", set_security},
        {"notify", notify},
        {"values", values},
        {"load", load},
        {"unload", unload},
        {"loadex", load_ex},
        {"replace", replace},
    };
    const auto verb = verbs.find(line.verb);
    return verb == verbs.end() ? std::nullopt : verb->second(session, line);
}

}  // namespace regent::regtest
