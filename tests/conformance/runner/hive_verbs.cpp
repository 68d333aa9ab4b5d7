// Verbs on hives and files: file, save, savemerged, restore, replace, load, unload, and what administrators ask.
#include <cstring>

#include "session.h"

namespace regent::regtest {
namespace {

ULONG flags_of(const Session& session, const Line& line) {
    return static_cast<ULONG>(session.number(line, "flags", 0));
}

// file H NAME [disposition=create|open] [access=]
Outcome file(Session& session, const Line& line) {
    std::string error;
    auto name = session.object_name(line, 1, &error);
    if (!name) return misuse(error);
    const bool open = line.has("disposition") && line.options.at("disposition").text == "open";
    IO_STATUS_BLOCK block{};
    HANDLE handle = nullptr;
    Outcome outcome;
    outcome.status = NtCreateFile(
        &handle, static_cast<ACCESS_MASK>(session.number(line, "access", FILE_GENERIC_READ | FILE_GENERIC_WRITE)),
        &name->attributes, &block, nullptr, 0x80, 0, open ? FILE_OPEN : FILE_OVERWRITE_IF,
        FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE, nullptr, 0);
    if (NT_SUCCESS(outcome.status)) session.keep(line.words.at(0).text, handle);
    return outcome;
}

// write H DATA: at the file's start
Outcome write(Session& session, const Line& line) {
    auto data = to_data(line.words.at(1));
    if (!data) return misuse("data is malformed");
    IO_STATUS_BLOCK block{};
    LARGE_INTEGER start;
    start.QuadPart = 0;
    return {NtWriteFile(session.handle(line.words[0].text), nullptr, nullptr, nullptr, &block, data->data(),
                        static_cast<ULONG>(data->size()), &start, nullptr),
            {},
            {}};
}

// save H FILE [format=]
Outcome save(Session& session, const Line& line) {
    HANDLE key = session.handle(line.words.at(0).text);
    HANDLE target = session.handle(line.words.at(1).text);
    if (line.has("format"))
        return {NtSaveKeyEx(key, target, static_cast<ULONG>(session.number(line, "format", 0))), {}, {}};
    return {NtSaveKey(key, target), {}, {}};
}

// savemerged HIGH LOW FILE
Outcome save_merged(Session& session, const Line& line) {
    return {NtSaveMergedKeys(session.handle(line.words.at(0).text), session.handle(line.words.at(1).text),
                             session.handle(line.words.at(2).text)),
            {},
            {}};
}

// restore H FILE [flags=]
Outcome restore(Session& session, const Line& line) {
    return {NtRestoreKey(session.handle(line.words.at(0).text), session.handle(line.words.at(1).text),
                         flags_of(session, line)),
            {},
            {}};
}

// replace H NEWFILEPATH OLDFILEPATH
Outcome replace(Session& session, const Line& line) {
    std::string error;
    auto fresh = session.object_name(line, 1, &error);
    auto old = session.object_name(line, 2, &error);
    if (!fresh || !old) return misuse(error);
    return {NtReplaceKey(&fresh->attributes, session.handle(line.words[0].text), &old->attributes), {}, {}};
}

// load KEYPATH FILEPATH [flags=]
Outcome load(Session& session, const Line& line) {
    std::string error;
    auto key = session.object_name(line, 0, &error);
    auto source = session.object_name(line, 1, &error);
    if (!key || !source) return misuse(error);
    if (line.has("flags")) {
        return {NtLoadKey2(&key->attributes, &source->attributes, flags_of(session, line)), {}, {}};
    }
    return {NtLoadKey(&key->attributes, &source->attributes), {}, {}};
}

// loadex KEYPATH FILEPATH [as=H] [flags=] [access=] [event=E] [trust=K] [version=3 [token=T] [entry=TYPE]]
Outcome load_ex(Session& session, const Line& line) {
    std::string error;
    auto key = session.object_name(line, 0, &error);
    auto source = session.object_name(line, 1, &error);
    if (!key || !source) return misuse(error);
    const auto access = static_cast<ACCESS_MASK>(session.number(line, "access", 0));
    HANDLE event = line.has("event") ? session.handle(line.options.at("event").text) : nullptr;
    HANDLE trust = line.has("trust") ? session.handle(line.options.at("trust").text) : nullptr;
    HANDLE root = nullptr;
    PHANDLE wanted = line.has("as") ? &root : nullptr;
    Outcome outcome;
    if (session.number(line, "version", 0) == 3) {
        KEY_LOAD_ENTRY entries[4] = {};
        ULONG count = 0;
        if (event != nullptr) entries[count++] = {KeyLoadEvent, {event}};
        if (trust != nullptr) entries[count++] = {KeyLoadTrustClassKey, {trust}};
        if (line.has("token")) entries[count++] = {KeyLoadToken, {session.handle(line.options.at("token").text)}};
        if (line.has("entry"))
            entries[count++].EntryType = static_cast<KEY_LOAD_ENTRY_TYPE>(session.number(line, "entry", 0));
        outcome.status = NtLoadKey3(&key->attributes, &source->attributes, flags_of(session, line), entries, count,
                                    access, wanted, nullptr);
    } else {
        outcome.status = NtLoadKeyEx(&key->attributes, &source->attributes, flags_of(session, line), trust, event,
                                     access, wanted, nullptr);
    }
    if (NT_SUCCESS(outcome.status) && root != nullptr) session.keep(line.options.at("as").text, root);
    outcome.facts["handle"] = root == nullptr ? "none" : "given";
    return outcome;
}

// unload KEYPATH [flags=] [event=E]: with an event NtUnloadKeyEx, with flags NtUnloadKey2
Outcome unload(Session& session, const Line& line) {
    std::string error;
    auto key = session.object_name(line, 0, &error);
    if (!key) return misuse(error);
    if (line.has("event")) {
        return {NtUnloadKeyEx(&key->attributes, session.handle(line.options.at("event").text)), {}, {}};
    }
    if (line.has("flags")) return {NtUnloadKey2(&key->attributes, flags_of(session, line)), {}, {}};
    return {NtUnloadKey(&key->attributes), {}, {}};
}

// opensubkeys KEYPATH -> count=N; opensubkeysex KEYPATH [len=N|fit] -> count=N pid=mine|other names=\..,\..
Outcome open_subkeys(Session& session, const Line& line) {
    std::string error;
    auto key = session.object_name(line, 0, &error);
    if (!key) return misuse(error);
    Outcome outcome;
    if (line.verb == "opensubkeys") {
        ULONG count = 0;
        outcome.status = NtQueryOpenSubKeys(&key->attributes, &count);
        outcome.facts["count"] = std::to_string(count);
        return outcome;
    }
    Canary canary(static_cast<std::size_t>(session.number(line, "len", 65536)));
    ULONG needed = 0;
    outcome.status =
        NtQueryOpenSubKeysEx(&key->attributes, static_cast<ULONG>(canary.bytes().size()), canary.data(), &needed);
    outcome.facts["untouched"] = canary.untouched() ? "yes" : "no";
    if (!canary.intact()) outcome.fault = "bytes past the buffer's length were written";
    if (outcome.status != STATUS_SUCCESS) return outcome;
    const auto* info = static_cast<KEY_OPEN_SUBKEYS_INFORMATION*>(canary.data());
    outcome.facts["count"] = std::to_string(info->Count);
    std::string names;
    for (ULONG i = 0; i < info->Count; ++i) {
        names += (i == 0 ? "" : ",") + to_text(rtl::view(info->KeyArray[i].KeyName));
        if (info->KeyArray[i].PID == nullptr) outcome.fault = "a handle of no process";
    }
    outcome.facts["path"] = names;
    return outcome;
}

// freeze SECONDS, thaw, initregistry N
Outcome freeze(Session&, const Line& line) {
    return {NtFreezeRegistry(static_cast<ULONG>(to_number(line.words.at(0).text).value_or(0))), {}, {}};
}
Outcome thaw(Session&, const Line&) { return {NtThawRegistry(), {}, {}}; }
Outcome initialize(Session&, const Line& line) {
    return {NtInitializeRegistry(static_cast<USHORT>(to_number(line.words.at(0).text).value_or(0))), {}, {}};
}

// compact [H...], compress H, lockkey H, lockactivation
Outcome compact(Session& session, const Line& line) {
    std::vector<HANDLE> keys;
    for (const Word& word : line.words) keys.push_back(session.handle(word.text));
    if (line.has("null")) return {NtCompactKeys(1, nullptr), {}, {}};
    return {NtCompactKeys(static_cast<ULONG>(keys.size()), keys.data()), {}, {}};
}
Outcome compress(Session& session, const Line& line) {
    return {NtCompressKey(session.handle(line.words.at(0).text)), {}, {}};
}
Outcome lock_key(Session& session, const Line& line) {
    return {NtLockRegistryKey(session.handle(line.words.at(0).text)), {}, {}};
}
Outcome lock_activation(Session&, const Line&) {
    ULONG version = 77, safe_mode = 78;
    const NTSTATUS status = NtLockProductActivationKeys(&version, &safe_mode);
    return {status, {{"version", std::to_string(version)}, {"safemode", std::to_string(safe_mode)}}, {}};
}

}  // namespace

void add_hive_verbs(std::map<std::string, Verb>& verbs) {
    verbs["file"] = file;
    verbs["write"] = write;
    verbs["save"] = save;
    verbs["savemerged"] = save_merged;
    verbs["restore"] = restore;
    verbs["replace"] = replace;
    verbs["load"] = load;
    verbs["loadex"] = load_ex;
    verbs["unload"] = unload;
    verbs["opensubkeys"] = open_subkeys;
    verbs["opensubkeysex"] = open_subkeys;
    verbs["freeze"] = freeze;
    verbs["thaw"] = thaw;
    verbs["initregistry"] = initialize;
    verbs["compact"] = compact;
    verbs["compress"] = compress;
    verbs["lockkey"] = lock_key;
    verbs["lockactivation"] = lock_activation;
}

}  // namespace regent::regtest
