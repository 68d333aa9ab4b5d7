// FormatMessage: the system's texts or the caller's, their inserts, their line ends.
#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "rtl/format.h"
#include "win32/convert.h"
#include "win32/message.h"
#include "win32/predefined.h"

using namespace regent;
using namespace regent::win32;

namespace {

constexpr DWORD sources = FORMAT_MESSAGE_FROM_STRING | FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_FROM_HMODULE;

// The caller's arguments as 64-bit slots: an array, or a va_list that is read as far as the largest insert so far.
class Inserts {
public:
    Inserts(DWORD flags, void* arguments) {
        if (arguments == nullptr) return;
        if ((flags & FORMAT_MESSAGE_ARGUMENT_ARRAY) != 0) {
            array_ = static_cast<const DWORD_PTR*>(arguments);
        } else {
            list_.emplace(*static_cast<va_list*>(arguments));
        }
    }
    bool given() const { return array_ != nullptr || list_.has_value(); }
    std::uint64_t get(std::size_t number) {
        if (array_ != nullptr) return array_[number - 1];
        while (read_.size() < number) read_.push_back(list_->next());
        return read_[number - 1];
    }

private:
    const DWORD_PTR* array_ = nullptr;
    std::optional<rtl::VaListArguments> list_;
    std::vector<std::uint64_t> read_;
};

class OneAndMore final : public rtl::FormatArguments {
public:
    OneAndMore(Inserts& inserts, std::size_t first) : inserts_(inserts), next_(first) {}
    std::uint64_t next() override { return inserts_.get(next_++); }

private:
    Inserts& inserts_;
    std::size_t next_;
};

// Reads the message and writes the result in the units of both, the caller's.
template <typename Char>
class MessageWriter {
public:
    using Text = std::basic_string<Char>;

    MessageWriter(DWORD flags, Inserts& inserts)
        : ignore_((flags & FORMAT_MESSAGE_IGNORE_INSERTS) != 0),
          one_line_((flags & FORMAT_MESSAGE_MAX_WIDTH_MASK) == FORMAT_MESSAGE_MAX_WIDTH_MASK),
          inserts_(inserts) {}

    // ERRORS: INVALID_PARAMETER for an insert without arguments or a broken one.
    LSTATUS write(std::basic_string_view<Char> message) {
        rest_ = message;
        while (!rest_.empty()) {
            const Char unit = take();
            if (unit == '%') {
                if (const LSTATUS error = escape(); error != ERROR_SUCCESS) return error;
            } else if (unit == '\r' || unit == '\n') {
                if (unit == '\r' && !rest_.empty() && rest_.front() == '\n') take();
                put(one_line_ ? " " : "\r\n");
            } else {
                out_ += unit;
            }
        }
        return ERROR_SUCCESS;
    }
    Text& text() { return out_; }

private:
    Char take() {
        const Char unit = rest_.front();
        rest_.remove_prefix(1);
        return unit;
    }
    void put(const char* text) { out_.append(text, text + std::strlen(text)); }

    LSTATUS escape() {
        if (rest_.empty()) {
            out_ += Char{'%'};
            return ERROR_SUCCESS;
        }
        const Char unit = take();
        switch (unit) {
            case '0':
                rest_ = {};  // the end, without a line end
                return ERROR_SUCCESS;
            case 'n':
                put("\r\n");
                return ERROR_SUCCESS;
            case 'r':
                put("\r");
                return ERROR_SUCCESS;
            case 't':
                put("\t");
                return ERROR_SUCCESS;
            case 'b':
                put(" ");
                return ERROR_SUCCESS;
            default:
                break;
        }
        if (unit >= '1' && unit <= '9') return insert(unit);
        if (ignore_) out_ += Char{'%'};
        out_ += unit;
        return ERROR_SUCCESS;
    }

    LSTATUS insert(Char first) {
        if (ignore_) {
            out_ += Char{'%'};
            out_ += first;
            return ERROR_SUCCESS;
        }
        if (!inserts_.given()) return ERROR_INVALID_PARAMETER;
        std::size_t number = static_cast<std::size_t>(first - '0');
        if (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9') {
            number = number * 10 + static_cast<std::size_t>(take() - '0');
        }
        Text format{Char{'%'}, Char{'s'}};
        if (!rest_.empty() && rest_.front() == '!') {
            take();
            const std::size_t end = rest_.find(Char{'!'});
            if (end == rest_.npos) return ERROR_INVALID_PARAMETER;
            format = Char{'%'} + Text(rest_.substr(0, end));
            rest_.remove_prefix(end + 1);
        }
        OneAndMore arguments(inserts_, number);
        if constexpr (std::is_same_v<Char, char>) {
            out_ += rtl::format_narrow(format.c_str(), arguments);
        } else {
            out_ += rtl::format_wide(format.c_str(), arguments);
        }
        return ERROR_SUCCESS;
    }

    bool ignore_;
    bool one_line_;
    Inserts& inserts_;
    std::basic_string_view<Char> rest_;
    Text out_;
};

DWORD fail_with(LSTATUS error) {
    SetLastError(static_cast<DWORD>(error));
    return 0;
}

template <typename Char>
std::basic_string<Char> in_units(const std::string& text) {
    if constexpr (std::is_same_v<Char, char>) {
        return text;
    } else {
        return rtl::from_utf8(text);
    }
}

// The message as it stands at its source. ERRORS: INVALID_PARAMETER, MR_MID_NOT_FOUND.
template <typename Char>
LSTATUS find_message(DWORD flags, LPCVOID source, DWORD code, std::basic_string<Char>* message) {
    if ((flags & sources) == 0) return ERROR_INVALID_PARAMETER;
    if ((flags & FORMAT_MESSAGE_FROM_STRING) != 0) {
        if (source == nullptr || (flags & sources) != FORMAT_MESSAGE_FROM_STRING) return ERROR_INVALID_PARAMETER;
        *message = static_cast<const Char*>(source);
        return ERROR_SUCCESS;
    }
    // No module has a message table of its own here.
    if ((flags & FORMAT_MESSAGE_FROM_SYSTEM) == 0) return ERROR_MR_MID_NOT_FOUND;
    // What HRESULT_FROM_WIN32 made of a code has the code's text.
    auto text = system_text((code & 0xFFFF0000) == 0x80070000 ? code & 0xFFFF : code);
    if (!text) return ERROR_MR_MID_NOT_FOUND;
    *message = in_units<Char>(*text + "\r\n");
    return ERROR_SUCCESS;
}

template <typename Char>
DWORD deliver(std::basic_string_view<Char> text, DWORD flags, Char* buffer, DWORD size) {
    Char* target = buffer;
    if ((flags & FORMAT_MESSAGE_ALLOCATE_BUFFER) != 0) {
        target = static_cast<Char*>(LocalAlloc(LPTR, std::max<SIZE_T>(text.size() + 1, size) * sizeof(Char)));
        if (target == nullptr) return fail_with(ERROR_NOT_ENOUGH_MEMORY);
        // The buffer argument is the address of the caller's pointer.
        std::memcpy(static_cast<void*>(buffer), static_cast<const void*>(&target), sizeof(target));
    } else if (size < text.size() + 1) {
        return fail_with(ERROR_INSUFFICIENT_BUFFER);
    }
    std::copy(text.begin(), text.end(), target);
    target[text.size()] = 0;
    return static_cast<DWORD>(text.size());
}

template <typename Char>
DWORD format_message(DWORD flags, LPCVOID source, DWORD code, Char* buffer, DWORD size, void* arguments) {
    if (buffer == nullptr) return fail_with(ERROR_INVALID_PARAMETER);
    std::basic_string<Char> message;
    LSTATUS error = find_message(flags, source, code, &message);
    if (error != ERROR_SUCCESS) return fail_with(error);
    Inserts inserts(flags, arguments);
    MessageWriter<Char> writer(flags, inserts);
    error = writer.write(message);
    return error != ERROR_SUCCESS ? fail_with(error) : deliver<Char>(writer.text(), flags, buffer, size);
}

}  // namespace

extern "C" {

DWORD WINAPI FormatMessageW(DWORD dwFlags, LPCVOID lpSource, DWORD dwMessageId, DWORD, LPWSTR lpBuffer, DWORD nSize,
                            void* Arguments) {
    return format_message(dwFlags, lpSource, dwMessageId, lpBuffer, nSize, Arguments);
}

DWORD WINAPI FormatMessageA(DWORD dwFlags, LPCVOID lpSource, DWORD dwMessageId, DWORD, LPSTR lpBuffer, DWORD nSize,
                            void* Arguments) {
    return format_message(dwFlags, lpSource, dwMessageId, lpBuffer, nSize, Arguments);
}
}
