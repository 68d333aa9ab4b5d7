#include "command.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <utility>

#include "win32/message.h"

namespace regent::reg {
namespace {

struct Root {
    Utf16View short_name;
    Utf16View long_name;
    HKEY key;
};

const Root* find_root(Utf16View name) {
    static const Root roots[] = {{u"HKLM", u"HKEY_LOCAL_MACHINE", HKEY_LOCAL_MACHINE},
                                 {u"HKCU", u"HKEY_CURRENT_USER", HKEY_CURRENT_USER},
                                 {u"HKCR", u"HKEY_CLASSES_ROOT", HKEY_CLASSES_ROOT},
                                 {u"HKU", u"HKEY_USERS", HKEY_USERS},
                                 {u"HKCC", u"HKEY_CURRENT_CONFIG", HKEY_CURRENT_CONFIG}};
    for (const Root& root : roots) {
        if (rtl::equal_folded(name, root.short_name) || rtl::equal_folded(name, root.long_name)) return &root;
    }
    return nullptr;
}

std::string upper(std::string text) {
    for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return text;
}

constexpr std::pair<DWORD, const char*> type_names[] = {
    {REG_NONE, "REG_NONE"},
    {REG_SZ, "REG_SZ"},
    {REG_EXPAND_SZ, "REG_EXPAND_SZ"},
    {REG_BINARY, "REG_BINARY"},
    {REG_DWORD, "REG_DWORD"},
    {REG_DWORD, "REG_DWORD_LITTLE_ENDIAN"},
    {REG_DWORD_BIG_ENDIAN, "REG_DWORD_BIG_ENDIAN"},
    {REG_LINK, "REG_LINK"},
    {REG_MULTI_SZ, "REG_MULTI_SZ"},
    {REG_RESOURCE_LIST, "REG_RESOURCE_LIST"},
    {REG_FULL_RESOURCE_DESCRIPTOR, "REG_FULL_RESOURCE_DESCRIPTOR"},
    {REG_RESOURCE_REQUIREMENTS_LIST, "REG_RESOURCE_REQUIREMENTS_LIST"},
    {REG_QWORD, "REG_QWORD"}};

}  // namespace

std::optional<KeyName> parse_key(const std::string& text, const char* verb, RootSeparator separator) {
    const auto invalid = [&]() -> std::optional<KeyName> {
        fail("Invalid key name.\nType \"REG " + upper(verb) + " /?\" for usage.");
        return std::nullopt;
    };
    const Utf16 wide = rtl::from_utf8(text);
    Utf16View rest = wide;
    if (rest.starts_with(u"\\\\")) {  // \\Machine\ROOT...
        rest.remove_prefix(2);
        const std::size_t end = rest.find(u'\\');
        if (rest.substr(0, end) != u"." || end == Utf16View::npos) {
            fail(ERROR_BAD_NETPATH);
            return std::nullopt;
        }
        rest.remove_prefix(end + 1);
    }
    const std::size_t end = rest.find(u'\\');
    const Root* root = find_root(rest.substr(0, end));
    if (root == nullptr) return invalid();
    KeyName name{root->key, Utf16(root->long_name), {}};
    if (end == Utf16View::npos) return name;
    rest.remove_prefix(end + 1);
    if (rest.empty() && separator == RootSeparator::refused) return invalid();
    if (rest.starts_with(u'\\') || rest.ends_with(u"\\\\")) return invalid();
    if (rest.ends_with(u'\\')) rest.remove_suffix(1);
    name.subkey = rest;
    return name;
}

Key::~Key() {
    if (handle_ != nullptr) RegCloseKey(handle_);
}

LSTATUS Key::open(HKEY root, const Utf16& subkey, REGSAM access) {
    return RegOpenKeyExW(root, subkey.c_str(), 0, access, &handle_);
}

LSTATUS Key::create(HKEY root, const Utf16& subkey, REGSAM access, LPDWORD disposition) {
    return RegCreateKeyExW(root, subkey.c_str(), 0, nullptr, REG_OPTION_NON_VOLATILE, access, nullptr, &handle_,
                           disposition);
}

LSTATUS for_each_value(HKEY key, const std::function<void(const Value&)>& use) {
    std::vector<WCHAR> name(16384);  // the longest value name and its NUL
    Value value;
    value.data.resize(4096);
    for (DWORD index = 0;;) {
        auto count = static_cast<DWORD>(name.size());
        auto size = static_cast<DWORD>(value.data.size());
        const LSTATUS error =
            RegEnumValueW(key, index, name.data(), &count, nullptr, &value.type, value.data.data(), &size);
        if (error == ERROR_NO_MORE_ITEMS) return ERROR_SUCCESS;
        if (error == ERROR_MORE_DATA && size > value.data.size()) {
            value.data.resize(size);
            continue;
        }
        if (error != ERROR_SUCCESS) return error;
        value.name.assign(name.data(), count);
        std::vector<BYTE> room = std::move(value.data);
        value.data.assign(room.begin(), room.begin() + size);
        use(value);
        value.data = std::move(room);
        ++index;
    }
}

LSTATUS subkeys_of(HKEY key, std::vector<Utf16>* names) {
    WCHAR name[REG_MAX_KEY_NAME_LENGTH];
    for (DWORD index = 0;; ++index) {
        auto count = static_cast<DWORD>(std::size(name));
        const LSTATUS error = RegEnumKeyExW(key, index, name, &count, nullptr, nullptr, nullptr, nullptr);
        if (error == ERROR_NO_MORE_ITEMS) return ERROR_SUCCESS;
        if (error != ERROR_SUCCESS) return error;
        names->emplace_back(name, count);
    }
}

LSTATUS read_value(HKEY key, const Utf16& name, Value* value) {
    value->name = name;
    value->data.resize(1024);
    for (;;) {
        auto size = static_cast<DWORD>(value->data.size());
        const LSTATUS error = RegQueryValueExW(key, name.c_str(), nullptr, &value->type, value->data.data(), &size);
        if (error != ERROR_SUCCESS && error != ERROR_MORE_DATA) return error;
        value->data.resize(size);
        if (error == ERROR_SUCCESS) return error;
    }
}

LSTATUS write_value(HKEY key, const Value& value) {
    // RegSetValueExW takes in a NUL that stands just behind a string's data: nothing of the kind stands here.
    std::vector<BYTE> data = value.data;
    data.insert(data.end(), 2, 0xFF);
    return RegSetValueExW(key, value.name.c_str(), 0, value.type, data.data(), static_cast<DWORD>(value.data.size()));
}

std::string type_name(DWORD type) {
    const auto* found = std::ranges::find(type_names, type, &std::pair<DWORD, const char*>::first);
    if (found != std::end(type_names)) return found->second;
    char text[16];
    std::snprintf(text, sizeof text, "0x%x", type);
    return text;
}

std::optional<DWORD> type_number(const std::string& name) {
    const std::string wanted = upper(name);
    for (const auto& [number, text] : type_names) {
        if (wanted == text) return number;
    }
    return std::nullopt;
}

int fail(const std::string& text) {
    std::fflush(stdout);
    std::fprintf(stderr, "ERROR: %s\n", text.c_str());
    return exit_failed;
}

int fail(LSTATUS error) {
    if (error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND) {
        return fail(std::string("The system was unable to find the specified registry key or value."));
    }
    return fail(win32::error_text(static_cast<DWORD>(error)));
}

int syntax_error(const char* verb) { return fail("Invalid syntax.\nType \"REG " + upper(verb) + " /?\" for usage."); }

int success() {
    std::puts("The operation completed successfully.");
    return exit_ok;
}

Answer ask(const std::string& question, bool offer_all) {
    for (;;) {
        std::fputs(question.c_str(), stdout);
        std::fflush(stdout);
        std::string line;
        int c = 0;
        while ((c = std::getchar()) != EOF && c != '\n') line += static_cast<char>(c);
        line = upper(line);
        if (line == "Y" || line == "YES") return Answer::yes;
        if (line == "N" || line == "NO") return Answer::no;
        if (offer_all && (line == "A" || line == "ALL")) return Answer::all;
        if (c == EOF) return Answer::none;
    }
}

int canceled(Answer answer) {
    std::puts("The operation was canceled by the user.");
    return answer == Answer::none ? exit_failed : exit_ok;
}

}  // namespace regent::reg
