// Registry work of the executive itself (boot, the driver loader), by Zw services so that filters see it.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "nt/ntservices.h"
#include "rtl/bytes.h"
#include "rtl/status.h"
#include "rtl/utf16.h"

namespace regent::nt {

// An open key of the executive: a kernel handle, closed with the object. Externally synchronised.
class ZwKey {
public:
    static Result<ZwKey> open(Utf16View path, ACCESS_MASK access = KEY_READ, HANDLE root = nullptr);
    // One component below an existing key; `options` are REG_OPTION_x. `existed`, when given, tells which it was.
    static Result<ZwKey> create(Utf16View path, ULONG options = REG_OPTION_NON_VOLATILE, HANDLE root = nullptr,
                                bool* existed = nullptr);
    // The same for each component of `path`, one after the other.
    static Result<ZwKey> create_path(const ZwKey& root, Utf16View path, ULONG options = REG_OPTION_NON_VOLATILE);
    // A symbolic link at `path` to `target`, replacing one that is there.
    static Result<void> create_link(Utf16View path, Utf16View target);

    ZwKey(ZwKey&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    ZwKey& operator=(ZwKey&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~ZwKey() {
        if (handle_ != nullptr) ZwClose(handle_);
    }
    HANDLE handle() const { return handle_; }

    Result<void> set(Utf16View name, ULONG type, Bytes data) const;
    Result<void> set_string(Utf16View name, Utf16View text, ULONG type = REG_SZ) const;
    Result<void> set_dword(Utf16View name, ULONG value) const;

    struct Value {
        ULONG type = REG_NONE;
        std::vector<std::byte> data;
    };
    // Nothing when the value is not there.
    std::optional<Value> value(Utf16View name) const;
    std::optional<Utf16> string(Utf16View name) const;  // REG_SZ, REG_EXPAND_SZ, REG_LINK; without the final NUL
    std::optional<ULONG> dword(Utf16View name) const;
    std::vector<Utf16> subkeys() const;

private:
    explicit ZwKey(HANDLE handle) : handle_(handle) {}
    HANDLE handle_;
};

}  // namespace regent::nt
