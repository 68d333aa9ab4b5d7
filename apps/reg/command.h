// What the verbs of reg share: arguments, key names, messages, prompts, and a key with its values.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "rtl/utf16.h"
#include "win32/winreg.h"

namespace regent::reg {

inline constexpr int exit_ok = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_different = 2;  // compare only

// A command line after the verb. Positional arguments come first, as many as the verb takes; switches follow.
class Arguments {
public:
    // `with_value`: switches that take the next word, `flags`: those that do not (lower case, without the slash).
    struct Grammar {
        std::size_t positional;
        std::vector<std::string> flags;
        std::vector<std::string> with_value;
        std::vector<std::string> optional_value;  // takes the next word unless that is a switch of this verb
        bool views = true;                        // /reg:32 and /reg:64
    };
    // Nothing: the line does not fit the grammar.
    static std::optional<Arguments> parse(const std::vector<std::string>& words, const Grammar& grammar);

    const std::string& positional(std::size_t index) const { return positional_[index]; }
    bool has(const std::string& name) const;
    std::optional<std::string> value(const std::string& name) const;

private:
    struct Switch {
        std::string name;
        std::optional<std::string> value;
    };
    const Switch* find(const std::string& name) const;

    std::vector<std::string> positional_;
    std::vector<Switch> switches_;
};

// ROOT[\subkey], of this machine.
struct KeyName {
    HKEY root = nullptr;
    Utf16 root_name;  // long form
    Utf16 subkey;
    Utf16 full() const { return subkey.empty() ? root_name : root_name + u"\\" + subkey; }
};
enum class RootSeparator { allowed, refused };  // whether "HKLM\" may stand for "HKLM"
// Nothing, after a message: not a key name.
std::optional<KeyName> parse_key(const std::string& text, const char* verb, RootSeparator separator);

class Key {
public:
    Key() = default;
    ~Key();
    Key(Key&& other) noexcept : handle_(other.handle_) { other.handle_ = nullptr; }
    Key& operator=(Key&&) = delete;

    LSTATUS open(HKEY root, const Utf16& subkey, REGSAM access);
    LSTATUS create(HKEY root, const Utf16& subkey, REGSAM access, LPDWORD disposition = nullptr);
    HKEY handle() const { return handle_; }

private:
    HKEY handle_ = nullptr;
};

struct Value {
    Utf16 name;
    DWORD type = REG_NONE;
    std::vector<BYTE> data;
};

// In enumeration order. ERROR_SUCCESS at the end, else what stopped it.
LSTATUS for_each_value(HKEY key, const std::function<void(const Value&)>& use);
LSTATUS subkeys_of(HKEY key, std::vector<Utf16>* names);
// ERROR_FILE_NOT_FOUND when there is none.
LSTATUS read_value(HKEY key, const Utf16& name, Value* value);
// Stores exactly these bytes: a string without its NUL stays so.
LSTATUS write_value(HKEY key, const Value& value);

// "REG_SZ"; the number in hex for a type without a name.
std::string type_name(DWORD type);
std::optional<DWORD> type_number(const std::string& name);
// The data column: text, numbers as 0x.., bytes as hex digits; `separator` between the strings of a REG_MULTI_SZ.
std::string data_text(const Value& value, const std::string& separator);

// stderr: "ERROR: text". Both give exit_failed.
int fail(const std::string& text);
int fail(LSTATUS error);
int syntax_error(const char* verb);
int success();

enum class Answer { yes, no, all, none };  // none: the input ended
Answer ask(const std::string& question, bool offer_all = false);
// What a verb returns when it was not confirmed. Exit code 0 after a No, as on Windows; 1 when nobody answered.
int canceled(Answer answer);

const char* usage(const std::string& verb);  // null for an unknown verb

// The verbs: the words after the verb, the exit code.
int query(const std::vector<std::string>& words);
int add(const std::vector<std::string>& words);
int remove(const std::vector<std::string>& words);
int copy(const std::vector<std::string>& words);
int compare(const std::vector<std::string>& words);
int save(const std::vector<std::string>& words);
int restore(const std::vector<std::string>& words);
int load(const std::vector<std::string>& words);
int unload(const std::vector<std::string>& words);
int export_key(const std::vector<std::string>& words);
int import_file(const std::vector<std::string>& words);

}  // namespace regent::reg
