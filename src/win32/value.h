// Values as the Reg* functions need them: whole, whatever their size.
#pragma once

#include <vector>

#include "rtl/utf16.h"
#include "win32/winreg.h"

namespace regent::win32 {

class KeyReference;

// A growing answer buffer that starts on the stack: most answers fit, and then nothing is allocated.
class AnswerBuffer {
public:
    BYTE* data() { return heap_.empty() ? inline_ : heap_.data(); }
    const BYTE* data() const { return heap_.empty() ? inline_ : heap_.data(); }
    ULONG size() const {
        return heap_.empty() ? static_cast<ULONG>(sizeof(inline_)) : static_cast<ULONG>(heap_.size());
    }
    void grow(ULONG size) { heap_.resize(size); }
    template <typename T>
    const T* as() const {
        return reinterpret_cast<const T*>(data());
    }

private:
    alignas(8) BYTE inline_[1024];
    std::vector<BYTE> heap_;
};

// `query(buffer, length, &needed)` until its answer fits.
template <typename Query>
NTSTATUS query_all(AnswerBuffer& buffer, Query query) {
    for (;;) {
        ULONG needed = 0;
        NTSTATUS status = query(buffer.data(), buffer.size(), &needed);
        const bool small = status == STATUS_BUFFER_OVERFLOW || status == STATUS_BUFFER_TOO_SMALL;
        if (!small || needed <= buffer.size()) return status;
        buffer.grow(needed);  // the value may grow again before the next try: hence the loop
    }
}

// KEY_VALUE_PARTIAL_INFORMATION of a value, complete.
NTSTATUS query_value(HANDLE key, Utf16View name, AnswerBuffer& buffer);

// The same through HKEY_CLASSES_ROOT: the machine's value where the user's key has none (row 226).
NTSTATUS query_value(const KeyReference& key, Utf16View name, AnswerBuffer& buffer);

// What RegQueryValueEx reads. On failure the type becomes REG_NONE and, where no data is asked for, the size 0.
LSTATUS query_or_clear(HKEY hkey, Utf16View name, AnswerBuffer& buffer, DWORD* type, const BYTE* data, DWORD* size);

// The full NT path of a key; on failure `path` stays as it was.
NTSTATUS query_path(HANDLE key, Utf16* path);

// NtSetValueKey with Windows' mending of strings: a NUL that stands just behind the data given is stored too (W-2).
NTSTATUS set_value(HANDLE key, Utf16View name, DWORD type, const BYTE* data, DWORD size);

}  // namespace regent::win32
