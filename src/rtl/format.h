// NT's format language for DbgPrint and the RtlString...Printf family. Not C's: `l` is 32 bits, `I64` and `ll` are 64,
// %ws %ls %S are 16-bit text, %Z and %wZ are counted strings. Floating types exist for arguments that have them: the C
// library's calls, not the kernel's.
#pragma once

#include <cstdarg>
#include <cstdint>
#include <string>
#include <string_view>

#include "rtl/utf16.h"

namespace regent::rtl {

// Arguments, one by one, as the 64-bit slots in which integers and pointers travel.
class FormatArguments {
public:
    virtual ~FormatArguments() = default;
    virtual std::uint64_t next() = 0;
    // False: these arguments have no floating types.
    virtual bool next_double(double*) { return false; }
};

// The arguments of a C variadic call.
class VaListArguments final : public FormatArguments {
public:
    enum class Floating { no, yes };
    explicit VaListArguments(va_list list, Floating floating = Floating::no) : floating_(floating) {
        va_copy(list_, list);
    }
    ~VaListArguments() override { va_end(list_); }
    VaListArguments(const VaListArguments&) = delete;
    VaListArguments& operator=(const VaListArguments&) = delete;
    std::uint64_t next() override { return va_arg(list_, std::uint64_t); }
    bool next_double(double* value) override {
        if (floating_ == Floating::no) return false;
        *value = va_arg(list_, double);
        return true;
    }

private:
    Floating floating_;
    va_list list_;
};

// Narrow text is UTF-8. In a wide format %s is wide and %S narrow, as in the C library of Windows.
std::string format_narrow(const char* format, FormatArguments& arguments);
Utf16 format_wide(const char16_t* format, FormatArguments& arguments);

}  // namespace regent::rtl
