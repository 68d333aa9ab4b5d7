// Environment variables: the host's, with Windows' names without case. As with the host's own calls, a program that
// sets them while other threads read them keeps the two apart itself.
#include <cstdlib>
#include <cstring>

#include "win32/convert.h"
#include "win32/predefined.h"

using namespace regent;
using namespace regent::win32;

namespace {

// What `room` units take: the text with its NUL, or nothing and the room that is needed.
template <typename Text, typename Char>
DWORD deliver(const Text& text, Char* buffer, DWORD room) {
    if (text.size() >= room || buffer == nullptr) return static_cast<DWORD>(text.size() + 1);
    std::memcpy(buffer, text.c_str(), (text.size() + 1) * sizeof(Char));
    return static_cast<DWORD>(text.size());
}

DWORD not_found() {
    SetLastError(ERROR_ENVVAR_NOT_FOUND);
    return 0;
}

}  // namespace

extern "C" {

// The length without NUL, or the room needed; 0 and ENVVAR_NOT_FOUND.
DWORD WINAPI GetEnvironmentVariableW(LPCWSTR lpName, LPWSTR lpBuffer, DWORD nSize) {
    const auto value = environment_value(units_of(lpName));
    return value ? deliver(*value, lpBuffer, nSize) : not_found();
}

DWORD WINAPI GetEnvironmentVariableA(LPCSTR lpName, LPSTR lpBuffer, DWORD nSize) {
    const auto value = environment_value(units_of(WideArgument(lpName).get()));
    return value ? deliver(rtl::to_utf8(*value), lpBuffer, nSize) : not_found();
}

BOOL WINAPI SetEnvironmentVariableW(LPCWSTR lpName, LPCWSTR lpValue) {
    const Utf16View name = units_of(lpName);
    if (name.empty() || name.find(u'=') != Utf16View::npos) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return FALSE;
    }
    const auto present = environment_name(name);
    const std::string host_name = present.value_or(rtl::to_utf8(name));
    if (lpValue == nullptr) {
        if (!present) return not_found() != 0;
        unsetenv(host_name.c_str());
        return TRUE;
    }
    return setenv(host_name.c_str(), rtl::to_utf8(units_of(lpValue)).c_str(), 1) == 0;
}

BOOL WINAPI SetEnvironmentVariableA(LPCSTR lpName, LPCSTR lpValue) {
    return SetEnvironmentVariableW(WideArgument(lpName).get(), WideArgument(lpValue).get());
}
}
