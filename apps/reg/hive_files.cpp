// REG SAVE, RESTORE, LOAD and UNLOAD: hives as files.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include "command.h"

namespace regent::reg {
namespace {

bool exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

// HKLM\x or HKU\x: the places where a hive may be mounted.
std::optional<KeyName> parse_mount(const std::string& text, const char* verb) {
    auto name = parse_key(text, verb, RootSeparator::refused);
    if (!name) return std::nullopt;
    const bool root = name->root == HKEY_LOCAL_MACHINE || name->root == HKEY_USERS;
    if (!root || name->subkey.empty() || name->subkey.find(u'\\') != Utf16::npos) {
        fail(std::string("Invalid key name: a hive is loaded as HKLM\\Name or HKU\\Name."));
        return std::nullopt;
    }
    return name;
}

}  // namespace

int save(const std::vector<std::string>& words) {
    auto arguments = Arguments::parse(words, {.positional = 2, .flags = {"y"}, .with_value = {}, .optional_value = {}});
    if (!arguments) return syntax_error("save");
    auto name = parse_key(arguments->positional(0), "save", RootSeparator::allowed);
    if (!name) return exit_failed;
    const std::string& path = arguments->positional(1);
    if (!arguments->has("y") && exists(path)) {
        const Answer answer = ask("File " + path + " already exists. Overwrite (Yes/No)?");
        if (answer != Answer::yes) return canceled(answer);
    }
    Key key;
    LSTATUS error = key.open(name->root, name->subkey, KEY_READ);
    if (error != ERROR_SUCCESS) return fail(error);
    // Beside the target and then over it: a save that fails leaves the old file alone.
    const std::string partial = path + ".partial";
    unlink(partial.c_str());
    error = RegSaveKeyExW(key.handle(), rtl::from_utf8(partial).c_str(), nullptr, REG_LATEST_FORMAT);
    if (error != ERROR_SUCCESS) return fail(error);
    if (std::rename(partial.c_str(), path.c_str()) != 0) {
        unlink(partial.c_str());
        return fail("Cannot write " + path + ".");
    }
    return success();
}

int load(const std::vector<std::string>& words) {
    auto arguments = Arguments::parse(words, {.positional = 2, .flags = {}, .with_value = {}, .optional_value = {}});
    if (!arguments) return syntax_error("load");
    auto name = parse_mount(arguments->positional(0), "load");
    if (!name) return exit_failed;
    const LSTATUS error =
        RegLoadKeyW(name->root, name->subkey.c_str(), rtl::from_utf8(arguments->positional(1)).c_str());
    return error == ERROR_SUCCESS ? success() : fail(error);
}

int restore(const std::vector<std::string>& words) {
    auto arguments = Arguments::parse(words, {.positional = 2, .flags = {}, .with_value = {}, .optional_value = {}});
    if (!arguments) return syntax_error("restore");
    auto name = parse_key(arguments->positional(0), "restore", RootSeparator::allowed);
    if (!name) return exit_failed;
    Key key;
    LSTATUS error = key.open(name->root, name->subkey, KEY_ALL_ACCESS);
    if (error != ERROR_SUCCESS) return fail(error);
    // What others have open below the key is no reason to keep it: they are told that their keys are deleted.
    error = RegRestoreKeyW(key.handle(), rtl::from_utf8(arguments->positional(1)).c_str(), REG_FORCE_RESTORE);
    return error == ERROR_SUCCESS ? success() : fail(error);
}

int unload(const std::vector<std::string>& words) {
    auto arguments =
        Arguments::parse(words, {.positional = 1, .flags = {}, .with_value = {}, .optional_value = {}, .views = false});
    if (!arguments) return syntax_error("unload");
    auto name = parse_mount(arguments->positional(0), "unload");
    if (!name) return exit_failed;
    const LSTATUS error = RegUnLoadKeyW(name->root, name->subkey.c_str());
    return error == ERROR_SUCCESS ? success() : fail(error);
}

}  // namespace regent::reg
