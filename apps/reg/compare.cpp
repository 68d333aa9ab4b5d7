// REG COMPARE: the differences of two keys, a line each.
#include <cstdio>
#include <map>

#include "command.h"

namespace regent::reg {
namespace {

struct Folded {
    bool operator()(const Utf16& a, const Utf16& b) const { return rtl::compare_folded(a, b) < 0; }
};

class Comparer {
public:
    Comparer(bool same, bool different, bool recursive, std::optional<Utf16> only)
        : show_same_(same), show_different_(different), recursive_(recursive), only_(std::move(only)) {}

    LSTATUS compare(HKEY left, HKEY right, const Utf16& left_path, const Utf16& right_path) {
        std::map<Utf16, Value, Folded> rest;
        LSTATUS error = for_each_value(right, [&](const Value& value) { rest.emplace(value.name, value); });
        if (error != ERROR_SUCCESS) return error;
        error = for_each_value(left, [&](const Value& value) {
            if (skipped(value)) return;
            const auto found = rest.find(value.name);
            const bool same =
                found != rest.end() && found->second.type == value.type && found->second.data == value.data;
            if (same) {
                if (show_same_) print('=', left_path, value);
            } else {
                difference('<', left_path, value);
                if (found != rest.end()) difference('>', right_path, found->second);
            }
            if (found != rest.end()) rest.erase(found);
        });
        for (const auto& [name, value] : rest) {
            if (!skipped(value)) difference('>', right_path, value);
        }
        return error == ERROR_SUCCESS && recursive_ ? compare_subkeys(left, right, left_path, right_path) : error;
    }
    bool identical() const { return identical_; }

private:
    bool skipped(const Value& value) const { return only_ && !rtl::equal_folded(value.name, *only_); }

    LSTATUS compare_subkeys(HKEY left, HKEY right, const Utf16& left_path, const Utf16& right_path) {
        std::vector<Utf16> left_names;
        std::vector<Utf16> right_names;
        LSTATUS error = subkeys_of(left, &left_names);
        if (error == ERROR_SUCCESS) error = subkeys_of(right, &right_names);
        if (error != ERROR_SUCCESS) return error;
        std::map<Utf16, int, Folded> sides;  // 1 left, 2 right
        for (const Utf16& name : left_names) sides[name] |= 1;
        for (const Utf16& name : right_names) sides[name] |= 2;
        for (const auto& [name, side] : sides) {
            if (side != 3) {
                identical_ = false;
                const Utf16& path = side == 1 ? left_path : right_path;
                if (show_different_) {
                    std::printf("%c Key: %s\\%s\n", side == 1 ? '<' : '>', rtl::to_utf8(path).c_str(),
                                rtl::to_utf8(name).c_str());
                }
                continue;
            }
            Key a;
            Key b;
            error = a.open(left, name, KEY_READ);
            if (error == ERROR_SUCCESS) error = b.open(right, name, KEY_READ);
            if (error != ERROR_SUCCESS) return error;
            error = compare(a.handle(), b.handle(), left_path + u"\\" + name, right_path + u"\\" + name);
            if (error != ERROR_SUCCESS) return error;
        }
        return ERROR_SUCCESS;
    }

    void difference(char mark, const Utf16& path, const Value& value) {
        identical_ = false;
        if (show_different_) print(mark, path, value);
    }
    static void print(char mark, const Utf16& path, const Value& value) {
        const std::string name = value.name.empty() ? "(Default)" : rtl::to_utf8(value.name);
        std::printf("%c Value: %s %s %s %s\n", mark, rtl::to_utf8(path).c_str(), name.c_str(),
                    type_name(value.type).c_str(), data_text(value, "\\0").c_str());
    }

    bool show_same_;
    bool show_different_;
    bool recursive_;
    std::optional<Utf16> only_;
    bool identical_ = true;
};

}  // namespace

int compare(const std::vector<std::string>& words) {
    auto arguments = Arguments::parse(
        words,
        {.positional = 2, .flags = {"ve", "oa", "od", "os", "on", "s"}, .with_value = {"v"}, .optional_value = {}});
    if (!arguments) return syntax_error("compare");
    int outputs = 0;
    for (const char* output : {"oa", "od", "os", "on"}) outputs += arguments->has(output) ? 1 : 0;
    const bool one_value = arguments->has("v") || arguments->has("ve");
    if (outputs > 1 || (one_value && arguments->has("s"))) return syntax_error("compare");
    auto left = parse_key(arguments->positional(0), "compare", RootSeparator::allowed);
    if (!left) return exit_failed;
    auto right = parse_key(arguments->positional(1), "compare", RootSeparator::allowed);
    if (!right) return exit_failed;
    Key a;
    Key b;
    LSTATUS error = a.open(left->root, left->subkey, KEY_READ);
    if (error == ERROR_SUCCESS) error = b.open(right->root, right->subkey, KEY_READ);
    if (error != ERROR_SUCCESS) return fail(error);
    std::optional<Utf16> only;
    if (one_value) only = rtl::from_utf8(arguments->value("v").value_or(""));
    Comparer comparer(arguments->has("oa") || arguments->has("os"),
                      outputs == 0 || arguments->has("oa") || arguments->has("od"), arguments->has("s"), only);
    error = comparer.compare(a.handle(), b.handle(), left->full(), right->full());
    if (error != ERROR_SUCCESS) return fail(error);
    std::printf("\nResult Compared: %s\n\n", comparer.identical() ? "Identical" : "Different");
    success();
    return comparer.identical() ? exit_ok : exit_different;
}

}  // namespace regent::reg
