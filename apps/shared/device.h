// Devices that our programs open, by Win32's CreateFile and DeviceIoControl.
#pragma once

#include <cstddef>
#include <expected>
#include <span>
#include <string>
#include <utility>

#include "rtl/bytes.h"
#include "win32/winreg.h"

namespace regent::app {

// What went wrong, in one line.
template <typename T>
using Outcome = std::expected<T, std::string>;

// "WHAT: the text of the Win32 error".
std::unexpected<std::string> error(const std::string& what, DWORD code);

template <typename T>
rtl::Bytes bytes_of(const T& value) {
    return std::as_bytes(std::span(&value, 1));
}

// An open device handle.
class Device {
public:
    Device() = default;
    ~Device();
    Device(Device&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Device& operator=(Device&&) = delete;

    static Outcome<Device> open(const char16_t* name);
    // The bytes answered.
    Outcome<std::size_t> control(std::uint32_t code, rtl::Bytes input, rtl::MutableBytes output) const;

private:
    void* handle_ = nullptr;
};

}  // namespace regent::app
