// One driver's machine code in memory, from an ELF shared object or a PE image: what the driver host needs of either.
// Inside this floor only.
#pragma once

#include <sys/types.h>

#include <expected>
#include <memory>
#include <string>

#include "rtl/bytes.h"
#include "wdk/ntddk.h"

namespace regent::io {

// A failed load: the status for the caller, the line for people.
struct LoadFailure {
    NTSTATUS status;
    std::string message;
};
template <typename T>
using Loaded = std::expected<T, LoadFailure>;

struct FileIdentity {
    dev_t device = 0;
    ino_t number = 0;
    friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

struct CodeOptions {
    bool bind_missing = false;  // PE: a missing import stops the host when it is called, not the load
};

class DriverCode {
public:
    // ERRORS: OBJECT_NAME_NOT_FOUND, INVALID_IMAGE_FORMAT, CONFLICTING_ADDRESSES, DRIVER_ENTRYPOINT_NOT_FOUND,
    // DRIVER_ORDINAL_NOT_FOUND, INSUFFICIENT_RESOURCES.
    static Loaded<std::unique_ptr<DriverCode>> load(const std::string& file, const CodeOptions& options);
    virtual ~DriverCode() = default;  // takes the code away
    DriverCode(const DriverCode&) = delete;
    DriverCode& operator=(const DriverCode&) = delete;

    PDRIVER_INITIALIZE entry() const { return entry_; }
    Bytes memory() const { return memory_; }

protected:
    DriverCode() = default;
    PDRIVER_INITIALIZE entry_ = nullptr;
    Bytes memory_;
};

Loaded<FileIdentity> identify(const std::string& file);

// One for each format; `file` is known to start with the format's magic.
Loaded<std::unique_ptr<DriverCode>> load_elf(const std::string& file);
Loaded<std::unique_ptr<DriverCode>> load_pe(const std::string& file, const CodeOptions& options);

}  // namespace regent::io
