// What the Rtl registry routines share: the key that RelativeTo and Path name, and one value on its way to a caller.
#pragma once

#include <vector>

#include "nt/zw_key.h"
#include "wdk/wdm.h"
#include "wdk/wdm/rtl_registry.h"

namespace regent::nt {

// A key of the routines: opened here and closed with the object, or the caller's own handle.
class RelativeKey {
public:
    enum class How { open, create };
    // ERRORS, in this order: INVALID_PARAMETER (RelativeTo), the opening's.
    static Result<RelativeKey> get(ULONG relative_to, PCWSTR path, How how, ACCESS_MASK access);
    HANDLE handle() const { return handle_; }

private:
    RelativeKey(HANDLE handle, std::optional<ZwKey> own) : handle_(handle), own_(std::move(own)) {}
    HANDLE handle_;
    std::optional<ZwKey> own_;
};

// \Registry\User\<SID> of the process, or its default.
Utf16 current_user_path();

// A value as a table entry sees it: the stored one, or the entry's default.
struct TableValue {
    Utf16 name;
    ULONG type = REG_NONE;
    std::vector<std::byte> data;
};
// Hands a value to the entry's routine or to its buffer. ERRORS: the routine's, OBJECT_TYPE_MISMATCH (TYPECHECK),
// INVALID_PARAMETER (a multi-string that is to be split, without a routine).
NTSTATUS deliver(const RTL_QUERY_REGISTRY_TABLE& entry, TableValue value, PVOID context);

}  // namespace regent::nt
