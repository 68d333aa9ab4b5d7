// REG DELETE and REG COPY.
#include "command.h"

namespace regent::reg {
namespace {

LSTATUS delete_all_values(HKEY key) {
    std::vector<Utf16> names;
    LSTATUS error = for_each_value(key, [&](const Value& value) { names.push_back(value.name); });
    for (std::size_t index = 0; error == ERROR_SUCCESS && index < names.size(); ++index) {
        error = RegDeleteValueW(key, names[index].c_str());
    }
    return error;
}

int delete_key(const KeyName& name, bool force) {
    if (name.subkey.empty()) return fail(ERROR_ACCESS_DENIED);  // a root key stays
    Key key;
    LSTATUS error = key.open(name.root, name.subkey, KEY_QUERY_VALUE);
    if (error != ERROR_SUCCESS) return fail(error);
    if (!force) {
        const Answer answer = ask("Permanently delete the registry key " + rtl::to_utf8(name.full()) + " (Yes/No)? ");
        if (answer != Answer::yes) return canceled(answer);
    }
    error = RegDeleteTreeW(name.root, name.subkey.c_str());
    return error == ERROR_SUCCESS ? success() : fail(error);
}

int delete_values(const KeyName& name, const Arguments& arguments) {
    Key key;
    LSTATUS error = key.open(name.root, name.subkey, KEY_QUERY_VALUE | KEY_SET_VALUE);
    if (error != ERROR_SUCCESS) return fail(error);
    const bool all = arguments.has("va");
    const std::string value = arguments.value("v").value_or("");
    if (!arguments.has("f")) {
        const std::string shown = value.empty() ? "(Default)" : value;
        const Answer answer = ask(all ? "Delete all values under the key " + rtl::to_utf8(name.full()) + " (Yes/No)? "
                                      : "Delete the registry value " + shown + " (Yes/No)? ");
        if (answer != Answer::yes) return canceled(answer);
    }
    error = all ? delete_all_values(key.handle()) : RegDeleteValueW(key.handle(), rtl::from_utf8(value).c_str());
    return error == ERROR_SUCCESS ? success() : fail(error);
}

class Copier {
public:
    Copier(bool recursive, bool force) : recursive_(recursive), overwrite_all_(force) {}

    // REQUIRES: the two keys differ.
    int run(const KeyName& from, const KeyName& to) {
        target_path_ = to.full();
        Key source;
        Key target;
        LSTATUS error = source.open(from.root, from.subkey, KEY_READ);
        if (error == ERROR_SUCCESS) error = target.create(to.root, to.subkey, KEY_QUERY_VALUE | KEY_WRITE);
        if (error == ERROR_SUCCESS) error = copy(source.handle(), target.handle(), from.full(), to.full());
        if (canceled_) return canceled(*canceled_);
        return error == ERROR_SUCCESS ? success() : fail(error);
    }

private:
    LSTATUS copy(HKEY source, HKEY target, const Utf16& from, const Utf16& to) {
        std::vector<Value> values;
        LSTATUS error = for_each_value(source, [&](const Value& value) { values.push_back(value); });
        for (std::size_t index = 0; error == ERROR_SUCCESS && index < values.size(); ++index) {
            if (!may_write(target, to, values[index])) {
                if (canceled_) return ERROR_SUCCESS;
                continue;
            }
            error = write_value(target, values[index]);
        }
        if (!recursive_ || error != ERROR_SUCCESS) return error;
        std::vector<Utf16> names;
        error = subkeys_of(source, &names);
        for (std::size_t index = 0; error == ERROR_SUCCESS && !canceled_ && index < names.size(); ++index) {
            const Utf16 child = from + u"\\" + names[index];
            if (rtl::equal_folded(child, target_path_)) continue;  // a copy below its own source ends there
            error = copy_subkey(source, target, names[index], child, to + u"\\" + names[index]);
        }
        return error;
    }

    LSTATUS copy_subkey(HKEY source, HKEY target, const Utf16& name, const Utf16& from, const Utf16& to) {
        Key child;
        Key made;
        LSTATUS error = child.open(source, name, KEY_READ);
        if (error == ERROR_SUCCESS) error = made.create(target, name, KEY_QUERY_VALUE | KEY_WRITE);
        return error == ERROR_SUCCESS ? copy(child.handle(), made.handle(), from, to) : error;
    }

    // False after a No for this value; canceled_ is set when nobody answers any more.
    bool may_write(HKEY target, const Utf16& path, const Value& value) {
        if (overwrite_all_) return true;
        Value existing;
        if (read_value(target, value.name, &existing) != ERROR_SUCCESS) return true;
        const std::string shown = value.name.empty() ? "(Default)" : rtl::to_utf8(value.name);
        const Answer answer =
            ask("Value " + rtl::to_utf8(path) + "\\" + shown + " exists, overwrite (Yes/No/All)? ", true);
        if (answer == Answer::none) canceled_ = answer;
        if (answer == Answer::all) overwrite_all_ = true;
        return answer == Answer::yes || answer == Answer::all;
    }

    bool recursive_;
    bool overwrite_all_;
    Utf16 target_path_;
    std::optional<Answer> canceled_;
};

}  // namespace

int remove(const std::vector<std::string>& words) {
    auto arguments = Arguments::parse(
        words, {.positional = 1, .flags = {"ve", "va", "f"}, .with_value = {"v"}, .optional_value = {}});
    if (!arguments) return syntax_error("delete");
    auto name = parse_key(arguments->positional(0), "delete", RootSeparator::allowed);
    if (!name) return exit_failed;
    const bool values = arguments->has("v") || arguments->has("ve") || arguments->has("va");
    return values ? delete_values(*name, *arguments) : delete_key(*name, arguments->has("f"));
}

int copy(const std::vector<std::string>& words) {
    auto arguments =
        Arguments::parse(words, {.positional = 2, .flags = {"s", "f"}, .with_value = {}, .optional_value = {}});
    if (!arguments) return syntax_error("copy");
    auto from = parse_key(arguments->positional(0), "copy", RootSeparator::refused);
    if (!from) return exit_failed;
    auto to = parse_key(arguments->positional(1), "copy", RootSeparator::refused);
    if (!to) return exit_failed;
    if (rtl::equal_folded(from->full(), to->full())) {
        return fail(std::string("The registry entry cannot be copied onto itself."));
    }
    return Copier(arguments->has("s"), arguments->has("f")).run(*from, *to);
}

}  // namespace regent::reg
