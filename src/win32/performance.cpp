#include "win32/performance.h"

#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <vector>

#include "win32/predefined.h"
#include "win32/sysinfoapi.h"
#include "win32/timezoneapi.h"
#include "win32/winperf.h"

namespace regent::win32 {
namespace {

static_assert(sizeof(PERF_DATA_BLOCK) == 88);
static_assert(offsetof(PERF_DATA_BLOCK, PerfTime) == 56);

// "Counter", "Help" and what begins so: the numbers and names of counters, and what these are for (row 244).
bool names_a_text(Utf16View name) {
    for (const Utf16View text : {Utf16View(u"Counter"), Utf16View(u"Help")}) {
        if (name.size() >= text.size() && rtl::equal_folded(name.substr(0, text.size()), text)) return true;
    }
    return false;
}

std::vector<BYTE> data_block() {
    char host[256] = {};
    ::gethostname(host, sizeof(host) - 1);
    const Utf16 name = rtl::from_utf8(host);
    PERF_DATA_BLOCK block{};
    std::memcpy(block.Signature, u"PERF", sizeof(block.Signature));
    block.LittleEndian = 1;
    block.Version = PERF_DATA_VERSION;
    block.Revision = PERF_DATA_REVISION;
    block.DefaultObject = -1;
    GetSystemTime(&block.SystemTime);
    QueryPerformanceCounter(&block.PerfTime);
    QueryPerformanceFrequency(&block.PerfFreq);
    FILETIME now;
    GetSystemTimeAsFileTime(&now);
    std::memcpy(&block.PerfTime100nSec, &now, sizeof(now));
    block.SystemNameOffset = sizeof(block);
    block.SystemNameLength = static_cast<DWORD>((name.size() + 1) * sizeof(char16_t));
    block.HeaderLength = (block.SystemNameOffset + block.SystemNameLength + 7) / 8 * 8;
    block.TotalByteLength = block.HeaderLength;
    std::vector<BYTE> bytes(block.TotalByteLength);
    std::memcpy(bytes.data(), &block, sizeof(block));
    std::memcpy(bytes.data() + block.SystemNameOffset, name.c_str(), block.SystemNameLength);
    return bytes;
}

}  // namespace

bool is_performance_text(HKEY key) {
    const auto number = static_cast<std::uint32_t>(reinterpret_cast<ULONG_PTR>(key));
    return number == 0x80000050 || number == 0x80000060;
}

bool is_performance(HKEY key) {
    const auto number = static_cast<std::uint32_t>(reinterpret_cast<ULONG_PTR>(key));
    return is_performance_text(key) || (number == 0x80000004 && !is_overridden(key));
}

LSTATUS query_performance(Utf16View name, DWORD unit, DWORD* type, BYTE* data, DWORD* size) {
    const bool text = names_a_text(name);
    const std::vector<BYTE> answer = text ? std::vector<BYTE>(unit) : data_block();
    if (type != nullptr) *type = text ? REG_MULTI_SZ : REG_BINARY;
    if (data == nullptr || size == nullptr || *size < answer.size()) return ERROR_MORE_DATA;
    std::memcpy(data, answer.data(), answer.size());
    *size = static_cast<DWORD>(answer.size());
    return ERROR_SUCCESS;
}

}  // namespace regent::win32
