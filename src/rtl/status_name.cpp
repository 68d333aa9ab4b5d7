#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <iterator>

#include "rtl/status.h"

namespace regent::rtl {
namespace {

struct StatusName {
    std::uint32_t code;
    const char* name;
};
#include "status_names.inc"

}  // namespace

const char* status_name(NTSTATUS code) {
    const auto wanted = static_cast<std::uint32_t>(code);
    const auto* found = std::lower_bound(std::begin(by_code), std::end(by_code), wanted,
                                         [](const StatusName& entry, std::uint32_t c) { return entry.code < c; });
    if (found != std::end(by_code) && found->code == wanted) return found->name;
    thread_local char text[16];
    std::snprintf(text, sizeof text, "0x%08X", wanted);
    return text;
}

bool status_from_name(const char* name, NTSTATUS* code) {
    const auto* found =
        std::lower_bound(std::begin(by_name), std::end(by_name), name,
                         [](const StatusName& entry, const char* n) { return std::strcmp(entry.name, n) < 0; });
    if (found == std::end(by_name) || std::strcmp(found->name, name) != 0) return false;
    *code = static_cast<NTSTATUS>(found->code);
    return true;
}

}  // namespace regent::rtl
