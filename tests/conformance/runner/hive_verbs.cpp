// Verbs on hives and files: file, save, load, unload.
#include "session.h"

namespace regent::regtest {
namespace {

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

// save H FILE [format=]
Outcome save(Session& session, const Line& line) {
    HANDLE key = session.handle(line.words.at(0).text);
    HANDLE target = session.handle(line.words.at(1).text);
    if (line.has("format"))
        return {NtSaveKeyEx(key, target, static_cast<ULONG>(session.number(line, "format", 0))), {}, {}};
    return {NtSaveKey(key, target), {}, {}};
}

// load KEYPATH FILEPATH [flags=]
Outcome load(Session& session, const Line& line) {
    std::string error;
    auto key = session.object_name(line, 0, &error);
    auto source = session.object_name(line, 1, &error);
    if (!key || !source) return misuse(error);
    if (line.has("flags")) {
        const auto flags = static_cast<ULONG>(session.number(line, "flags", 0));
        return {NtLoadKey2(&key->attributes, &source->attributes, flags), {}, {}};
    }
    return {NtLoadKey(&key->attributes, &source->attributes), {}, {}};
}

// unload KEYPATH [flags=]
Outcome unload(Session& session, const Line& line) {
    std::string error;
    auto key = session.object_name(line, 0, &error);
    if (!key) return misuse(error);
    if (line.has("flags")) {
        return {NtUnloadKey2(&key->attributes, static_cast<ULONG>(session.number(line, "flags", 0))), {}, {}};
    }
    return {NtUnloadKey(&key->attributes), {}, {}};
}

}  // namespace

void add_hive_verbs(std::map<std::string, Verb>& verbs) {
    verbs["file"] = file;
    verbs["save"] = save;
    verbs["load"] = load;
    verbs["unload"] = unload;
}

}  // namespace regent::regtest
