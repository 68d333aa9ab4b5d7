#include "shared/device.h"

#include "rtl/utf16.h"
#include "win32/message.h"

namespace regent::app {

std::unexpected<std::string> error(const std::string& what, DWORD code) {
    return std::unexpected(what + ": " + win32::error_text(code));
}

Device::~Device() {
    if (handle_ != nullptr) CloseHandle(handle_);
}

Outcome<Device> Device::open(const char16_t* name) {
    HANDLE handle = CreateFileW(name, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr,
                                OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
    if (handle == INVALID_HANDLE_VALUE) return error("cannot open " + rtl::to_utf8(name), GetLastError());
    Device device;
    device.handle_ = handle;
    return device;
}

Outcome<std::size_t> Device::control(std::uint32_t code, rtl::Bytes input, rtl::MutableBytes output) const {
    DWORD returned = 0;
    const BOOL done =
        DeviceIoControl(handle_, code, const_cast<std::byte*>(input.data()), static_cast<DWORD>(input.size()),
                        output.data(), static_cast<DWORD>(output.size()), &returned, nullptr);
    if (!done) return error("the device refused request " + std::to_string(code), GetLastError());
    return returned;
}

}  // namespace regent::app
