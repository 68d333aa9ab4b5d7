// HKEYs and what stands behind them. An HKEY is either a handle that NtOpenKey gave, or one of the predefined numbers,
// whose keys are opened at first use and cached for the process (NS-11).
//
//   HKEY_LOCAL_MACHINE   \Registry\Machine
//   HKEY_USERS           \Registry\User
//   HKEY_CURRENT_USER    \Registry\User\<SID of the calling thread's user>, else \Registry\User\.DEFAULT
//   HKEY_CLASSES_ROOT    \Registry\Machine\Software\Classes with \Registry\User\<SID>_Classes over it: classes.h
//   HKEY_CURRENT_CONFIG  \Registry\Machine\System\CurrentControlSet\Hardware Profiles\Current
#pragma once

#include <utility>

#include "rtl/utf16.h"
#include "win32/winreg.h"

namespace regent::win32 {

bool is_predefined(HKEY key);
// Forgets what was opened for it: the next use opens it anew. REQUIRES: is_predefined(key).
void drop_predefined(HKEY key);
bool is_classes_root(HKEY key);
// RegOverridePredefKey: another key stands in for it. REQUIRES: is_predefined(key).
bool is_overridden(HKEY key);
// \Registry\User\<SID of the process's user>.
Utf16 user_sid_path();

// A key opened for the length of a scope.
class ScopedKey {
public:
    ScopedKey() = default;
    explicit ScopedKey(HANDLE handle) : handle_(handle) {}
    ScopedKey(ScopedKey&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    ScopedKey& operator=(ScopedKey&&) = delete;
    ~ScopedKey();

    HANDLE handle() const { return handle_; }
    HANDLE* receive() { return &handle_; }
    HANDLE release() { return std::exchange(handle_, nullptr); }

private:
    HANDLE handle_ = nullptr;
};

// The NT handle to use for one call on `key`. Closes what it opened itself. A key found through HKEY_CLASSES_ROOT may
// be there twice: then handle() is the user's and fallback() the machine's, for what the user's does not have.
class KeyReference {
public:
    enum class Sides { both, own };  // own: the other side of the merge is not looked for
    explicit KeyReference(HKEY key, Sides sides = Sides::both);
    ~KeyReference();
    KeyReference(const KeyReference&) = delete;
    KeyReference& operator=(const KeyReference&) = delete;

    NTSTATUS status() const { return status_; }
    HANDLE handle() const { return handle_; }
    HANDLE fallback() const { return fallback_; }
    // What `key` itself stands for, and the other side of the merge (null when there is none).
    HANDLE own() const { return own_; }
    HANDLE twin() const { return handle_ == own_ ? fallback_ : handle_; }

private:
    void join_classes(bool predefined);

    NTSTATUS status_ = STATUS_SUCCESS;
    HANDLE own_ = nullptr;
    HANDLE handle_ = nullptr;
    HANDLE fallback_ = nullptr;
    bool owned_ = false;
    int used_ = -1;  // the predefined key whose cached handle this uses
    ScopedKey twin_;
};

// NtOpenKey of `name` under `root` (null: an absolute name). `attributes` is added to OBJ_CASE_INSENSITIVE.
NTSTATUS open_key(HANDLE root, Utf16View name, ACCESS_MASK access, HANDLE* key, ULONG attributes = 0);

// The Win32 code of a status; 0 for every success.
LSTATUS to_error(NTSTATUS status);

// What a UNICODE_STRING can hold.
inline constexpr std::size_t max_name_units = 32767;

// The units of a NUL-terminated string; empty for null.
inline Utf16View units_of(const WCHAR* text) { return text == nullptr ? Utf16View{} : Utf16View{text}; }

}  // namespace regent::win32
