// What the registry services share: handles to keys, names of values, the way of an answer back to the caller.
#pragma once

#include <array>
#include <vector>

#include "cm/key.h"
#include "nt/capture.h"
#include "ob/handle.h"

namespace regent::nt {

// ERRORS, in this order: INVALID_HANDLE, OBJECT_TYPE_MISMATCH, ACCESS_DENIED.
inline Result<cm::KeyRef> reference_key(HANDLE handle, ACCESS_MASK desired) {
    return ob::reference_as<cm::KeyBody>(handle, desired, cm::key_type(), ob::current().previous_mode);
}

// A handle to what was opened. What its descriptor wants recorded is recorded from here on.
inline Result<HANDLE> insert_key(cm::OpenedKey opened, ULONG attributes, ob::OpenReason reason) {
    if (opened.audit.rights != 0) opened.body->audited.store(opened.audit.rights, std::memory_order_relaxed);
    return ob::insert_audited_handle(std::move(opened.body), opened.granted, attributes, reason, opened.audit);
}

// The size for the caller's ResultLength, and the status. A plain failure leaves the length alone.
inline NTSTATUS finish_query(cm::QueryOutcome outcome, PULONG result_length) {
    if (outcome.needed() != 0) *result_length = outcome.needed();
    return outcome.status();
}

// A value's name. NT drops trailing NULs before it looks the name up.
class CapturedValueName {
public:
    Result<void> capture(PCUNICODE_STRING string) {
        RG_TRY(captured_.capture(string));
        view_ = captured_.view();
        while (!view_.empty() && view_.back() == u'\0') view_.remove_suffix(1);
        given_ = string;
        return {};
    }
    Utf16View view() const { return view_; }
    // What a callback is shown: a kernel caller's own string, a user's captured one (R58, R60).
    PUNICODE_STRING string() {
        if (ob::current().kernel()) return const_cast<PUNICODE_STRING>(given_);
        string_ = rtl::unicode_string(view_);
        return &string_;
    }

private:
    CapturedString captured_;
    Utf16View view_;
    UNICODE_STRING string_{};
    PCUNICODE_STRING given_ = nullptr;
};

// Input bytes of a user, copied before anybody looks at them; a kernel caller's are used in place.
class CapturedInput {
public:
    // ERRORS: ACCESS_VIOLATION (null with a size).
    Result<void> capture(const void* data, ULONG size) {
        const Bytes source = RG_TRY(input_buffer(data, size));
        if (ob::current().kernel() || size == 0) {
            view_ = source;
            return {};
        }
        std::byte* copy = short_.data();
        if (size > short_.size()) {
            long_.resize(size);
            copy = long_.data();
        }
        std::memcpy(copy, source.data(), size);
        view_ = Bytes(copy, size);
        return {};
    }
    Bytes view() const { return view_; }
    // What a callback is shown.
    PVOID pointer() const { return const_cast<std::byte*>(view_.data()); }

private:
    std::array<std::byte, 512> short_;
    std::vector<std::byte> long_;
    Bytes view_;
};

}  // namespace regent::nt
