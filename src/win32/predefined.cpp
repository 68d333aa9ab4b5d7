#include "win32/predefined.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <string>
#include <vector>

#include "nt/ntservices.h"
#include "rtl/lock.h"
#include "win32/classes.h"
#include "win32/security.h"
#include "win32/value.h"

namespace regent::win32 {
namespace {

constexpr std::uint32_t first_predefined = 0x80000000;
constexpr std::size_t predefined_count = 7;

std::uint32_t number_of(HKEY key) { return static_cast<std::uint32_t>(reinterpret_cast<ULONG_PTR>(key)); }

// \Registry\User\<SID of a token's user>. ERRORS: the token's.
NTSTATUS path_of_user(HANDLE token, Utf16* path) {
    alignas(TOKEN_USER) BYTE buffer[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
    ULONG needed = 0;
    const NTSTATUS status = NtQueryInformationToken(token, TokenUser, buffer, sizeof(buffer), &needed);
    if (!NT_SUCCESS(status)) return status;
    const auto sid = sid_at(reinterpret_cast<const TOKEN_USER*>(buffer)->User.Sid);
    if (!sid) return STATUS_INVALID_SID;
    *path = u"\\Registry\\User\\" + rtl::from_utf8(sid->to_string());
    return status;
}

// The same of the calling thread: whom it impersonates, else the process's user.
NTSTATUS effective_user_path(Utf16* path) {
    ScopedKey token;
    NTSTATUS status = NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, TRUE, token.receive());
    // The process may not look at a token that its thread may, the anonymous one for instance.
    if (status == STATUS_ACCESS_DENIED) {
        status = NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, FALSE, token.receive());
    }
    if (NT_SUCCESS(status)) return path_of_user(token.handle(), path);
    if (status != STATUS_NO_TOKEN) return status;
    *path = user_sid_path();
    return STATUS_SUCCESS;
}

// The user's key, or the default user's when that is not loaded.
NTSTATUS open_current_user(ACCESS_MASK access, HANDLE* handle) {
    Utf16 path;
    if (const NTSTATUS status = effective_user_path(&path); !NT_SUCCESS(status)) return status;
    const NTSTATUS status = open_key(nullptr, path, access, handle);
    if (status != STATUS_OBJECT_NAME_NOT_FOUND) return status;
    return open_key(nullptr, u"\\Registry\\User\\.DEFAULT", access, handle);
}

NTSTATUS open_predefined(std::size_t index, HANDLE* handle) {
    switch (first_predefined + index) {
        case 0x80000000:
            return open_key(nullptr, u"\\Registry\\Machine\\Software\\Classes", MAXIMUM_ALLOWED, handle);
        case 0x80000001:
            return open_current_user(MAXIMUM_ALLOWED, handle);
        case 0x80000002:
            return open_key(nullptr, u"\\Registry\\Machine", MAXIMUM_ALLOWED, handle);
        case 0x80000003:
            return open_key(nullptr, u"\\Registry\\User", MAXIMUM_ALLOWED, handle);
        case 0x80000005:
            return open_key(nullptr, u"\\Registry\\Machine\\System\\CurrentControlSet\\Hardware Profiles\\Current",
                            MAXIMUM_ALLOWED, handle);
        default:
            return STATUS_INVALID_HANDLE;
    }
}

// The keys behind the predefined numbers. Using one takes no lock: a handle that is dropped or overridden is closed
// when nobody uses that number's any more. Internally synchronised: what is replaced is retired first, and who uses a
// number counts himself before he looks, so that with a count of 0 nobody has what was retired.
class PredefinedKeys {
public:
    // `owned`: the caller closes the handle; else, if this succeeds, he calls done().
    NTSTATUS use(std::size_t index, HANDLE* handle, bool* owned) {
        Key& key = keys_[index];
        *owned = false;
        key.users.fetch_add(1);
        const bool cached = !key.disabled.load();
        HANDLE seen = key.override.load();
        if (seen == nullptr && cached) seen = key.cached.load();
        NTSTATUS status = STATUS_SUCCESS;
        if (seen == nullptr) {
            status = open_predefined(index, &seen);
            *owned = NT_SUCCESS(status) && !cached;
            HANDLE expected = nullptr;
            // Of two threads that open the same key at once, one closes its own.
            if (NT_SUCCESS(status) && cached && !key.cached.compare_exchange_strong(expected, seen)) {
                NtClose(seen);
                seen = expected;
            }
        }
        *handle = seen;
        if (!NT_SUCCESS(status) || *owned) done(index);
        return status;
    }
    void done(std::size_t index) {
        Key& key = keys_[index];
        if (key.users.fetch_sub(1) == 1 && key.has_retired.load()) close_retired(key);
    }
    // Takes over `handle`; null ends the override.
    void set_override(std::size_t index, HANDLE handle) { retire(index, keys_[index].override.exchange(handle)); }
    // The next use opens the key anew.
    void drop(std::size_t index) { retire(index, keys_[index].cached.exchange(nullptr)); }
    bool overridden(std::size_t index) const { return keys_[index].override.load() != nullptr; }
    void disable(std::size_t index) { keys_[index].disabled.store(true); }

private:
    struct Key {
        std::atomic<HANDLE> cached{nullptr};
        std::atomic<HANDLE> override{nullptr};
        std::atomic<bool> disabled{false};
        std::atomic<std::uint32_t> users{0};
        std::atomic<bool> has_retired{false};
        Mutex<LockRank::leaf> lock;
        std::vector<HANDLE> retired RG_GUARDED_BY(lock);
    };

    void retire(std::size_t index, HANDLE handle) {
        if (handle == nullptr) return;
        Key& key = keys_[index];
        {
            ExclusiveGuard guard(key.lock);
            key.retired.push_back(handle);
            key.has_retired.store(true);
        }
        if (key.users.load() == 0) close_retired(key);
    }
    static void close_retired(Key& key) {
        std::vector<HANDLE> doomed;
        {
            ExclusiveGuard guard(key.lock);
            if (key.users.load() != 0) return;  // he who is there now sees to it
            doomed.swap(key.retired);
            key.has_retired.store(false);
        }
        for (const HANDLE handle : doomed) NtClose(handle);
    }

    std::array<Key, predefined_count> keys_;
};

PredefinedKeys& predefined_keys() {
    static PredefinedKeys& keys = *new PredefinedKeys;  // never destroyed: threads may outlive main()
    return keys;
}

}  // namespace

bool is_predefined(HKEY key) {
    const std::uint32_t number = number_of(key);
    return number >= first_predefined && number < first_predefined + predefined_count;
}

void drop_predefined(HKEY key) { predefined_keys().drop(number_of(key) - first_predefined); }

bool is_overridden(HKEY key) { return predefined_keys().overridden(number_of(key) - first_predefined); }

bool is_classes_root(HKEY key) { return number_of(key) == first_predefined; }

Utf16 user_sid_path() {
    // The executive gives a Unix user the SID S-1-22-1-<uid>; a daemon sees the same uid on its socket.
    return u"\\Registry\\User\\S-1-22-1-" + rtl::from_utf8(std::to_string(geteuid()));
}

KeyReference::KeyReference(HKEY key, Sides sides) {
    if (key == nullptr) {
        status_ = STATUS_INVALID_HANDLE;
    } else if (is_predefined(key)) {
        const std::size_t index = number_of(key) - first_predefined;
        status_ = predefined_keys().use(index, &own_, &owned_);
        if (NT_SUCCESS(status_) && !owned_) used_ = static_cast<int>(index);
    } else {
        own_ = nt_handle(key);
    }
    handle_ = own_;
    if (sides == Sides::both && NT_SUCCESS(status_) && is_merged(key)) join_classes(is_predefined(key));
}

KeyReference::~KeyReference() {
    if (owned_) NtClose(own_);
    if (used_ >= 0) predefined_keys().done(static_cast<std::size_t>(used_));
}

// The other side is opened with the rights that the caller's handle has, so that a merged handle gives no more than it
// was opened for; of the machine's side only what reading needs.
void KeyReference::join_classes(bool predefined) {
    Utf16 path;
    status_ = query_path(own_, &path);
    ClassPlaces places;
    if (!NT_SUCCESS(status_) || !class_places(path, &places)) return;
    ACCESS_MASK granted = MAXIMUM_ALLOWED;
    if (!predefined && !NT_SUCCESS(status_ = granted_access(own_, &granted))) return;
    const bool is_user = rtl::equal_folded(path, places.user);
    if (is_user && !predefined) granted &= KEY_READ;
    if (granted == 0) return;
    const NTSTATUS status = open_key(nullptr, is_user ? places.machine : places.user, granted, twin_.receive());
    if (NT_SUCCESS(status)) {
        handle_ = is_user ? own_ : twin_.handle();
        fallback_ = is_user ? twin_.handle() : own_;
    } else if (!is_user && status != STATUS_OBJECT_NAME_NOT_FOUND) {
        status_ = status;
    }
}

ScopedKey::~ScopedKey() {
    if (handle_ != nullptr) NtClose(handle_);
}

NTSTATUS open_key(HANDLE root, Utf16View name, ACCESS_MASK access, HANDLE* key, ULONG attributes) {
    *key = nullptr;
    if (name.size() > max_name_units) return STATUS_OBJECT_NAME_INVALID;
    UNICODE_STRING string = rtl::unicode_string(name);
    OBJECT_ATTRIBUTES object;
    InitializeObjectAttributes(&object, &string, OBJ_CASE_INSENSITIVE | attributes, root, nullptr);
    // Which of the two WOW64 views is meant is settled before NT is asked; there is one view here.
    return NtOpenKey(key, access & ~static_cast<ACCESS_MASK>(KEY_WOW64_RES), &object);
}

}  // namespace regent::win32

using namespace regent;
using namespace regent::win32;

extern "C" LSTATUS WINAPI RegOverridePredefKey(HKEY hKey, HKEY hNewHKey) {
    if (!is_predefined(hKey)) return ERROR_INVALID_HANDLE;
    const std::size_t index = number_of(hKey) - first_predefined;
    if (hNewHKey == nullptr) {
        predefined_keys().set_override(index, nullptr);
        return ERROR_SUCCESS;
    }
    if (is_predefined(hNewHKey)) return ERROR_INVALID_HANDLE;
    HANDLE own = nullptr;  // the caller may close hNewHKey afterwards
    NTSTATUS status =
        NtDuplicateObject(NtCurrentProcess(), hNewHKey, NtCurrentProcess(), &own, 0, 0, DUPLICATE_SAME_ACCESS);
    if (!NT_SUCCESS(status)) return to_error(status);
    predefined_keys().set_override(index, own);
    return ERROR_SUCCESS;
}

extern "C" LSTATUS WINAPI RegDisablePredefinedCache(void) {
    predefined_keys().disable(number_of(HKEY_CURRENT_USER) - first_predefined);
    return ERROR_SUCCESS;
}

extern "C" LSTATUS WINAPI RegDisablePredefinedCacheEx(void) {
    for (std::size_t index = 0; index < predefined_count; ++index) predefined_keys().disable(index);
    return ERROR_SUCCESS;
}

extern "C" LSTATUS WINAPI RegOpenUserClassesRoot(HANDLE hToken, DWORD dwOptions, REGSAM samDesired, PHKEY phkResult) {
    if (phkResult == nullptr || dwOptions != 0) return ERROR_INVALID_PARAMETER;
    *phkResult = nullptr;
    Utf16 path;
    NTSTATUS status = path_of_user(hToken, &path);
    HANDLE handle = nullptr;
    if (NT_SUCCESS(status)) status = open_key(nullptr, path + u"_Classes", samDesired, &handle);
    *phkResult = static_cast<HKEY>(handle);
    return to_error(status);
}

// Reflection is gone since Windows 7: the calls look at the handle and succeed.
extern "C" LSTATUS WINAPI RegDisableReflectionKey(HKEY hBase) { return to_error(KeyReference(hBase).status()); }
extern "C" LSTATUS WINAPI RegEnableReflectionKey(HKEY hBase) { return to_error(KeyReference(hBase).status()); }
extern "C" LSTATUS WINAPI RegQueryReflectionKey(HKEY hBase, BOOL* bIsReflectionDisabled) {
    if (bIsReflectionDisabled == nullptr) return ERROR_INVALID_PARAMETER;
    const LSTATUS error = to_error(KeyReference(hBase).status());
    if (error == ERROR_SUCCESS) *bIsReflectionDisabled = TRUE;
    return error;
}

extern "C" LSTATUS WINAPI RegOpenCurrentUser(REGSAM samDesired, PHKEY phkResult) {
    if (phkResult == nullptr) return ERROR_INVALID_PARAMETER;
    HANDLE handle = nullptr;
    const NTSTATUS status = open_current_user(samDesired, &handle);
    *phkResult = static_cast<HKEY>(handle);
    return to_error(status);
}
