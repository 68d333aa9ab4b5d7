// Errors as values: a Status is an NTSTATUS that is never a success, a Result<T> is a T or a Status.
#pragma once

#include <expected>
#include <utility>

#include "nt/ntdef.h"
#include "nt/ntstatus.h"
#include "rtl/assert.h"

namespace regent::rtl {

// A failed (or at least not successful) NTSTATUS. Invariant: !NT_SUCCESS(code()).
class [[nodiscard]] Status {
public:
    explicit Status(NTSTATUS code) : code_(code) { RG_ASSERT(!NT_SUCCESS(code)); }
    NTSTATUS code() const { return code_; }
    friend bool operator==(Status, Status) = default;

private:
    NTSTATUS code_;
};

template <typename T>
using Result = std::expected<T, Status>;

[[nodiscard]] inline std::unexpected<Status> fail(NTSTATUS code) { return std::unexpected(Status(code)); }

// The NTSTATUS of a finished operation: STATUS_SUCCESS, or the failure's code.
template <typename T>
[[nodiscard]] NTSTATUS to_ntstatus(const Result<T>& result) {
    return result ? STATUS_SUCCESS : result.error().code();
}

// "STATUS_ACCESS_DENIED" for 0xC0000022; "0xC0FFEE00" style text for codes without a name here. Never null.
const char* status_name(NTSTATUS code);
// The code of a name such as "STATUS_SUCCESS"; false when there is no such name.
bool status_from_name(const char* name, NTSTATUS* code);

}  // namespace regent::rtl

namespace regent {
using rtl::fail;
using rtl::Result;
using rtl::Status;
}  // namespace regent

// Unwraps a Result or returns its failure. Use it alone, after `return`, or as one variable's whole initialiser; never
// inside a braced initialiser, where g++ 12 leaks the members already built (tools/check_style.py looks for that).
#define RG_TRY(expression)                                 \
    __extension__({                                        \
        auto rg_try_result = (expression);                 \
        if (!rg_try_result) [[unlikely]]                   \
            return std::unexpected(rg_try_result.error()); \
        std::move(rg_try_result).value();                  \
    })
