#include "session.h"

#include <algorithm>
#include <cstring>

#include "nt/ntservices.h"
#include "rtl/status.h"
#include "shared/debug_lines.h"
#include "win32/message.h"
#include "win32/winreg.h"

namespace regent::regmon {

using app::bytes_of;
using app::error;

namespace {

constexpr Utf16View service_key = u"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\regmon";
constexpr const WCHAR* service_subkey = u"SYSTEM\\CurrentControlSet\\Services\\regmon";

// A demand-start kernel driver whose file lies in the driver directory.
LSTATUS make_service_key() {
    HKEY key = nullptr;
    LSTATUS result =
        RegCreateKeyExW(HKEY_LOCAL_MACHINE, service_subkey, 0, nullptr, 0, KEY_SET_VALUE, nullptr, &key, nullptr);
    if (result != ERROR_SUCCESS) return result;
    const auto set_number = [&](const WCHAR* name, DWORD value) {
        if (result == ERROR_SUCCESS) {
            result = RegSetValueExW(key, name, 0, REG_DWORD, reinterpret_cast<const BYTE*>(&value), sizeof value);
        }
    };
    set_number(u"Type", 1);
    set_number(u"Start", 3);
    set_number(u"ErrorControl", 1);
    static constexpr WCHAR image[] = u"regmon.so";
    if (result == ERROR_SUCCESS) {
        result =
            RegSetValueExW(key, u"ImagePath", 0, REG_EXPAND_SZ, reinterpret_cast<const BYTE*>(image), sizeof image);
    }
    RegCloseKey(key);
    return result;
}

bool service_key_exists() {
    HKEY key = nullptr;
    if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, service_subkey, 0, KEY_QUERY_VALUE, &key) != ERROR_SUCCESS) return false;
    RegCloseKey(key);
    return true;
}

}  // namespace

Outcome<Loaded> load_driver() {
    if (!service_key_exists()) {
        const LSTATUS made = make_service_key();
        if (made != ERROR_SUCCESS)
            return error("cannot make the service key of the regmon driver", static_cast<DWORD>(made));
    }
    auto lines = app::DebugLines::open_at_end();
    UNICODE_STRING name = rtl::unicode_string(service_key);
    const NTSTATUS status = NtLoadDriver(&name);
    if (status == STATUS_IMAGE_ALREADY_LOADED) return Loaded::before;
    if (NT_SUCCESS(status)) return Loaded::now;
    const std::string reason = lines ? app::words_about_driver(*lines, "regmon") : std::string();
    return std::unexpected("cannot load the regmon driver of HKLM\\" + rtl::to_utf8(service_subkey) + ": " +
                           (reason.empty() ? reason : reason + ": ") + rtl::status_name(status));
}

Outcome<void> unload_driver() {
    UNICODE_STRING name = rtl::unicode_string(service_key);
    const NTSTATUS status = NtUnloadDriver(&name);
    if (NT_SUCCESS(status)) return {};
    return std::unexpected(std::string("cannot unload the regmon driver: ") + rtl::status_name(status));
}

Outcome<Recording> Recording::start(const RecordOptions& options) {
    auto device = Device::open(u"\\\\.\\Regmon");
    if (!device) return std::unexpected(device.error());
    REGMON_CONFIG config{};
    config.OperationMask = ~0ULL;
    config.DataBytes = std::min(options.data_bytes, REGMON_DATA_MAXIMUM);
    config.FlushMilliseconds = 20;
    config.Flags = options.include_self ? REGMON_CONFIG_INCLUDE_SELF : 0;
    Recording recording(std::move(*device));
    auto done = recording.device_.control(IOCTL_REGMON_CONFIGURE, bytes_of(config), {});
    if (done) done = recording.device_.control(IOCTL_REGMON_START, {}, {});
    if (!done && GetLastError() == ERROR_BUSY) {
        return std::unexpected(std::string("another regmon is recording; one at a time"));
    }
    if (!done) return std::unexpected(done.error());
    return recording;
}

Outcome<bool> Recording::read(std::uint32_t wait_ms, Decoder& decoder) {
    const REGMON_READ request{wait_ms, 0};
    auto count = device_.control(IOCTL_REGMON_READ, bytes_of(request), buffer_);
    if (!count) return std::unexpected(count.error());
    if (!decoder.decode(rtl::Bytes(buffer_).first(*count))) {
        return std::unexpected(std::string("the driver answered with a damaged batch"));
    }
    return !(decoder.stopped() && decoder.records() == 0);
}

Outcome<void> Recording::stop() {
    auto done = device_.control(IOCTL_REGMON_STOP, {}, {});
    if (!done) return std::unexpected(done.error());
    return {};
}

Outcome<REGMON_STATS> Recording::stats() const {
    REGMON_STATS stats{};
    auto done = device_.control(IOCTL_REGMON_QUERY_STATS, {}, std::as_writable_bytes(std::span(&stats, 1)));
    if (!done) return std::unexpected(done.error());
    return stats;
}

Outcome<REGMON_STATS> query_stats() {
    auto device = Device::open(u"\\\\.\\Regmon");
    if (!device) return std::unexpected(device.error() + " (is the driver loaded?)");
    REGMON_STATS stats{};
    auto done = device->control(IOCTL_REGMON_QUERY_STATS, {}, std::as_writable_bytes(std::span(&stats, 1)));
    if (!done) return std::unexpected(done.error());
    return stats;
}

}  // namespace regent::regmon
