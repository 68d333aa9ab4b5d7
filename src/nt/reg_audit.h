// The record of a changed value (4657), with what it was before.
#pragma once

#include "cm/key_body.h"
#include "ob/audit.h"

namespace regent::nt {

// One change on its way. Costs one load where changes of the key's values are not recorded.
class ValueAudit {
public:
    ValueAudit(HANDLE handle, cm::KeyBody& key, Utf16View name) : handle_(handle), key_(key), name_(name) {
        if ((key.audited.load(std::memory_order_relaxed) & KEY_SET_VALUE) != 0) [[unlikely]]
            look();
    }
    // What was done; `after` null: the value was deleted. Gives `status` back.
    struct Written {
        ULONG type;
        Bytes data;
    };
    NTSTATUS done(NTSTATUS status, const Written* after) {
        if (active_ && NT_SUCCESS(status)) [[unlikely]]
            record(after);
        return status;
    }

private:
    void look();
    void record(const Written* after);

    const HANDLE handle_;
    cm::KeyBody& key_;
    const Utf16View name_;
    bool active_ = false;
    std::optional<ob::AuditedValue> before_;
};

}  // namespace regent::nt
