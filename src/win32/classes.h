// HKEY_CLASSES_ROOT: the classes of the machine with those of the user over them (NS-14; conformance rows 223 to 231).
//
// A key found through it carries a tag in the two low bits of its handle, which NT ignores, so that what is asked of it
// later is asked of both sides. A read takes the user's key and then the machine's; what is written goes to the user's
// key where there is one; a new key is made in the machine's classes.
#pragma once

#include <optional>

#include "win32/predefined.h"
#include "win32/value.h"
#include "win32/view.h"

namespace regent::win32 {

inline constexpr ULONG_PTR classes_tag = 2;

// HKEY_CLASSES_ROOT, or a handle found through it.
inline bool is_merged(HKEY key) {
    return is_classes_root(key) || (!is_predefined(key) && (reinterpret_cast<ULONG_PTR>(key) & 3) == classes_tag);
}

inline HANDLE nt_handle(HKEY key) {
    const auto value = reinterpret_cast<ULONG_PTR>(key);
    return reinterpret_cast<HANDLE>((value & 3) == classes_tag ? value - classes_tag : value);
}

inline HKEY tagged(HANDLE handle) { return reinterpret_cast<HKEY>(reinterpret_cast<ULONG_PTR>(handle) | classes_tag); }

struct ClassPlaces {
    Utf16 user;
    Utf16 machine;
};

// Both places of a key that lies in the machine's or this user's classes; false for another path.
bool class_places(Utf16View path, ClassPlaces* places);

NTSTATUS granted_access(HANDLE key, ACCESS_MASK* granted);

// A key named below another, as a call means it: in the view that the call asks for or the handle belongs to, and below
// HKEY_CLASSES_ROOT in the user's classes first.
class SubkeyName {
public:
    // `name` must outlive this. With Sides::own HKEY_CLASSES_ROOT is the machine's part alone.
    // ERRORS: INVALID_HANDLE, and those of asking the handle for its name.
    NTSTATUS resolve(HKEY root, Utf16View name, REGSAM access, KeyReference::Sides sides = KeyReference::Sides::both);

    NTSTATUS open(ACCESS_MASK access, ULONG attributes, HKEY* key) const;
    // Where a key that is nowhere yet is made.
    HANDLE root() const { return root_; }
    Utf16View name() const { return whole_.empty() ? name_ : Utf16View(whole_); }
    // The place that comes first; empty when there is one place only.
    Utf16View user_name() const { return user_; }
    // The HKEY for a handle opened by this name.
    HKEY key_of(HANDLE handle) const { return key_of(handle, origin_); }
    // The same for one opened in a transaction.
    HKEY transacted_key_of(HANDLE handle) const { return key_of(handle, {origin_.is_32_bit, true}); }
    // What is opened next is not part of the root's transaction. ERRORS: those of asking the root for its name.
    NTSTATUS leave_transaction();

private:
    std::optional<KeyReference> reference_;  // keeps a predefined key open that is not cached
    HANDLE root_ = nullptr;
    Utf16View name_;
    Utf16 whole_;
    Utf16 user_;
    bool merged_ = false;
    HandleOrigin origin_;  // of what is opened by this name

    HKEY key_of(HANDLE handle, HandleOrigin origin) const;
    void leave_root();
};

// resolve() and open().
NTSTATUS open_subkey(HKEY root, Utf16View name, REGSAM access, ULONG attributes, HKEY* key);

// Closes an HKEY that is not predefined at the end of a scope.
class ScopedHkey {
public:
    ScopedHkey() = default;
    ScopedHkey(const ScopedHkey&) = delete;
    ScopedHkey& operator=(const ScopedHkey&) = delete;
    ~ScopedHkey();
    HKEY get() const { return key_; }
    HANDLE handle() const { return nt_handle(key_); }
    HKEY* receive() { return &key_; }

private:
    HKEY key_ = nullptr;
};

// Where the index-th subkey or value of both sides together is: the user's come first, then the machine's that the user
// does not have (row 230).
struct MergedPlace {
    HANDLE key;
    ULONG index;
};
NTSTATUS find_subkey(const KeyReference& key, ULONG index, MergedPlace* place);
NTSTATUS find_value(const KeyReference& key, ULONG index, MergedPlace* place);

// What both sides together have: counts without what is there twice, the larger maximum of each length.
NTSTATUS merge_information(const KeyReference& key, KEY_FULL_INFORMATION* information);

}  // namespace regent::win32
