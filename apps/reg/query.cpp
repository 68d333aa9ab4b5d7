// REG QUERY. Layout: a blank line, then for each key its full name, its values (four spaces between the columns) and a
// blank line. A search (/f, /t, or /v with /s) prints only what matches, and counts.
#include <cinttypes>
#include <cstdio>

#include "command.h"

namespace regent::reg {
namespace {

struct Options {
    bool search = false;
    bool recursive = false;
    std::optional<Utf16> value_name;  // /v NAME, or "" for /ve
    bool in_keys = true;              // where /f looks
    bool in_names = true;
    bool in_data = true;
    Utf16 pattern;
    bool any = true;  // the pattern is *
    bool case_sensitive = false;
    bool exact = false;
    std::optional<DWORD> type;
    bool numeric_type = false;
    std::string separator = "\\0";
};

class Query {
public:
    explicit Query(Options options) : options_(std::move(options)) {}

    int run(const KeyName& name) {
        Key key;
        LSTATUS error = key.open(name.root, name.subkey, KEY_READ);
        if (error != ERROR_SUCCESS) return fail(error);
        std::putchar('\n');
        if (options_.search) {
            error = walk(key.handle(), name.full(), true);
            if (error != ERROR_SUCCESS) return fail(error);
            if (after_key_lines_) std::putchar('\n');
            std::printf("End of search: %" PRIu64 " match(es) found.\n", matches_);
            return matches_ > 0 ? exit_ok : exit_failed;
        }
        if (options_.value_name) return print_one(key.handle(), name.full());
        error = options_.recursive ? walk(key.handle(), name.full(), true) : list(key.handle(), name.full());
        return error == ERROR_SUCCESS ? exit_ok : fail(error);
    }

private:
    void print_value(const Value& value) {
        std::string type = type_name(value.type);
        if (options_.numeric_type) type += " (" + std::to_string(value.type) + ")";
        const std::string name = value.name.empty() ? "(Default)" : rtl::to_utf8(value.name);
        std::printf("    %s    %s    %s\n", name.c_str(), type.c_str(), data_text(value, options_.separator).c_str());
    }

    int print_one(HKEY key, const Utf16& path) {
        Value value;
        const LSTATUS error = read_value(key, *options_.value_name, &value);
        const bool unset = error == ERROR_FILE_NOT_FOUND && options_.value_name->empty();
        if (error != ERROR_SUCCESS && !unset) return fail(error);
        std::printf("%s\n", rtl::to_utf8(path).c_str());
        if (unset) {
            std::puts("    (Default)    REG_SZ    (value not set)");
        } else {
            print_value(value);
        }
        std::putchar('\n');
        return exit_ok;
    }

    // The key's values under its name (which an empty key does not get), then its subkeys.
    LSTATUS list(HKEY key, const Utf16& path) {
        bool any = false;
        LSTATUS error = for_each_value(key, [&](const Value& value) {
            if (!any) std::printf("%s\n", rtl::to_utf8(path).c_str());
            any = true;
            print_value(value);
        });
        if (any) std::putchar('\n');
        std::vector<Utf16> names;
        if (error == ERROR_SUCCESS) error = subkeys_of(key, &names);
        for (const Utf16& name : names) std::printf("%s\\%s\n", rtl::to_utf8(path).c_str(), rtl::to_utf8(name).c_str());
        return error;
    }

    bool matches(const std::string& text) const {
        if (options_.any) return true;
        const Utf16 wide = rtl::from_utf8(text);
        const Utf16 where = options_.case_sensitive ? wide : rtl::upcased(wide);
        const Utf16 what = options_.case_sensitive ? options_.pattern : rtl::upcased(options_.pattern);
        return options_.exact ? where == what : where.find(what) != Utf16::npos;
    }

    bool wanted(const Value& value) const {
        if (!options_.search) return true;
        if (options_.type && value.type != *options_.type) return false;
        if (options_.value_name && !rtl::equal_folded(value.name, *options_.value_name)) return false;
        const bool named = options_.in_names && !options_.value_name && matches(rtl::to_utf8(value.name));
        return named || (options_.in_data && matches(data_text(value, options_.separator)));
    }

    // Depth first. Without a search every subkey is printed, the queried key only when it has values.
    LSTATUS walk(HKEY key, const Utf16& path, bool top) {
        bool header = false;
        const auto print_header = [&] {
            if (!header) {
                if (after_key_lines_) std::putchar('\n');
                after_key_lines_ = false;
                std::printf("%s\n", rtl::to_utf8(path).c_str());
            }
            header = true;
        };
        if (!top && !options_.search) print_header();
        LSTATUS error = for_each_value(key, [&](const Value& value) {
            if (!wanted(value)) return;
            print_header();
            print_value(value);
            ++matches_;
        });
        if (header) std::putchar('\n');
        std::vector<Utf16> names;
        if (error == ERROR_SUCCESS) error = subkeys_of(key, &names);
        for (const Utf16& name : names) walk_subkey(key, name, path + u"\\" + name);
        return error;
    }

    // A subkey that may not be read, or is gone by now, does not end the listing.
    void walk_subkey(HKEY parent, const Utf16& name, const Utf16& path) {
        if (options_.search && options_.in_keys && !options_.value_name && !options_.type &&
            matches(rtl::to_utf8(name))) {
            std::printf("%s\n", rtl::to_utf8(path).c_str());
            after_key_lines_ = true;
            ++matches_;
        }
        if (!options_.recursive) return;
        Key key;
        if (key.open(parent, name, KEY_READ) != ERROR_SUCCESS) return;
        walk(key.handle(), path, false);
    }

    Options options_;
    std::uint64_t matches_ = 0;
    bool after_key_lines_ = false;  // the last line printed is a bare key name
};

std::optional<Options> options_of(const Arguments& arguments) {
    Options options;
    const auto pattern = arguments.value("f");
    const auto type = arguments.value("t");
    const bool bare_v = arguments.has("v") && !arguments.value("v");
    const bool needs_f = bare_v || arguments.has("k") || arguments.has("d") || arguments.has("c") || arguments.has("e");
    if (needs_f && !pattern) return std::nullopt;
    options.recursive = arguments.has("s");
    if (arguments.has("ve")) options.value_name = Utf16();
    if (auto name = arguments.value("v")) options.value_name = rtl::from_utf8(*name);
    options.search = pattern || type || (options.value_name && options.recursive);
    if (pattern) {
        options.pattern = rtl::from_utf8(*pattern);
        options.any = *pattern == "*";
    }
    if (arguments.has("k") || arguments.has("d") || bare_v) {
        options.in_keys = arguments.has("k");
        options.in_names = bare_v;
        options.in_data = arguments.has("d");
    }
    options.case_sensitive = arguments.has("c");
    options.exact = arguments.has("e");
    if (type) {
        options.type = type_number(*type);
        if (!options.type) return std::nullopt;
    }
    options.numeric_type = arguments.has("z");
    if (auto separator = arguments.value("se")) {
        if (rtl::from_utf8(*separator).size() != 1) return std::nullopt;
        options.separator = *separator;
    }
    return options;
}

}  // namespace

int query(const std::vector<std::string>& words) {
    auto arguments = Arguments::parse(words, {.positional = 1,
                                              .flags = {"ve", "s", "k", "d", "c", "e", "z"},
                                              .with_value = {"f", "t", "se"},
                                              .optional_value = {"v"}});
    auto options = arguments ? options_of(*arguments) : std::nullopt;
    if (!options) return syntax_error("query");
    auto name = parse_key(arguments->positional(0), "query", RootSeparator::allowed);
    if (!name) return exit_failed;
    return Query(std::move(*options)).run(*name);
}

}  // namespace regent::reg
