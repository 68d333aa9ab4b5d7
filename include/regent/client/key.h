// Keys. A unique_key owns one handle; what is done with a key is a member of it, over Nt* and nothing else, so that
// filters see it and a daemon or an embedded store serve it alike. Choose which with select_gate (regent/gate.h).
//
// Names: "HKLM\Software\Demo", "HKEY_CURRENT_USER\Software", or NT's "\Registry\Machine\Software". HKCR is a view that
// Win32 makes and not a place; name "HKLM\Software\Classes".
//
// A unique_key is externally synchronised as a variable; the key behind it may be used by many threads at once.
#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "nt/ntdef.h"
#include "nt/ntregapi.h"
#include "regent/client/error.h"
#include "regent/client/text.h"
#include "regent/client/value.h"

namespace regent::client {

class SubkeyRange;
class ValueRange;

enum class Access : ACCESS_MASK {
    read = KEY_READ,
    write = KEY_WRITE,
    read_write = KEY_READ | KEY_WRITE,
    all = KEY_ALL_ACCESS,
    notify = KEY_NOTIFY,
};
// What may be done with the last handle closed: kept on disk, or gone when the store stops.
enum class Lifetime : ULONG { stable = REG_OPTION_NON_VOLATILE, until_stop = REG_OPTION_VOLATILE };

// 100 ns units since 1601, as a point in time.
using NtDuration = std::chrono::duration<std::int64_t, std::ratio<1, 10'000'000>>;
using NtTime = std::chrono::sys_time<NtDuration>;
NtTime from_nt_time(LARGE_INTEGER time);

struct KeyInfo {
    std::uint32_t subkeys = 0;
    std::uint32_t values = 0;
    NtTime last_write;
    std::u16string class_name;
};

class unique_key {
public:
    unique_key() = default;
    explicit unique_key(HANDLE handle) : handle_(handle) {}
    unique_key(unique_key&& other) noexcept : handle_(other.release()) {}
    unique_key& operator=(unique_key&& other) noexcept {
        reset(other.release());
        return *this;
    }
    ~unique_key() { reset(); }

    HANDLE get() const { return handle_; }
    HANDLE release() { return std::exchange(handle_, nullptr); }
    void reset(HANDLE handle = nullptr);
    explicit operator bool() const { return handle_ != nullptr; }

    // Below this key; an empty path opens this key once more.
    Result<unique_key> open(const Name& path, Access access = Access::read) const;
    // Makes what of the path is missing, as RegCreateKeyEx does; opens what is there.
    Result<unique_key> create(const Name& path, Access access = Access::all,
                              Lifetime lifetime = Lifetime::stable) const;
    // A key without subkeys; the handle stays until it is closed.
    Result<void> erase();
    // `path` below this key with all that is in it. Not atomic: an error leaves the rest.
    Result<void> erase_tree(const Name& path);
    Result<void> rename(const Name& name);
    // Returns when the whole hive's changes are durable.
    Result<void> flush() const;

    Result<KeyInfo> info() const;
    // "\REGISTRY\MACHINE\SOFTWARE\Demo", in UTF-8.
    Result<std::string> path() const;

    // The empty name is the default value. ERRORS: OBJECT_NAME_NOT_FOUND when there is none.
    Result<Value> value(const Name& name) const;
    // The same as a T (value.h). ERRORS: also OBJECT_TYPE_MISMATCH.
    template <typename T>
    Result<T> get(const Name& name) const {
        auto found = value(name);
        if (!found) return std::unexpected(std::move(found.error()));
        auto data = found->template as<T>();
        if (!data) return std::unexpected(mismatch(name));
        return *std::move(data);
    }
    // The same, with `otherwise` for a value that is absent; any other error is an error.
    template <typename T>
    Result<T> get_or(const Name& name, T otherwise) const {
        auto found = get<T>(name);
        if (!found && is_absent(found.error())) return otherwise;
        return found;
    }
    // Stores what encode (value.h) makes of `data`.
    template <typename T>
    Result<void> set(const Name& name, const T& data) {
        return store(name, encode(data));
    }
    Result<void> store(const Name& name, const Value& value);
    Result<void> erase_value(const Name& name);

    // Iterated lazily, by index: include "regent/client/range.h".
    SubkeyRange subkeys() const;
    ValueRange values() const;

private:
    static Error mismatch(const Name& name);
    static bool is_absent(const Error& error);

    HANDLE handle_ = nullptr;
};

Result<unique_key> open_key(const Name& path, Access access = Access::read);
Result<unique_key> create_key(const Name& path, Access access = Access::all, Lifetime lifetime = Lifetime::stable);

}  // namespace regent::client
