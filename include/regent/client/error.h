// What a failed call tells: NT's status, and what was tried on what.
#pragma once

#include <expected>
#include <string>

#include "nt/ntdef.h"

namespace regent::client {

class Error {
public:
    explicit Error(NTSTATUS status, std::string doing = {}) : status_(status), doing_(std::move(doing)) {}
    NTSTATUS status() const { return status_; }
    // "open HKLM\Software\Absent: STATUS_OBJECT_NAME_NOT_FOUND", fit for a user.
    std::string message() const;

private:
    NTSTATUS status_;
    std::string doing_;
};

template <typename T>
using Result = std::expected<T, Error>;

}  // namespace regent::client
