// The minidump's layout, from minidumpapiset.h's documentation. Every part lies where an entry of the directory or
// another part says, by its offset in the file.
#pragma once

#include <cstddef>
#include <cstdint>

#include "rtl/bytes.h"
#include "wdk/ntddk.h"

namespace regent::nt::minidump {

using rtl::Le16;
using rtl::Le32;
using rtl::Le64;

enum Stream : std::uint32_t { thread_list = 3, module_list = 4, memory_list = 5, exception = 6, system_info = 7 };

struct Location {
    Le32 size;
    Le32 rva;
};
struct Header {
    Le32 signature;
    Le32 version;
    Le32 stream_count;
    Le32 directory;
    Le32 checksum;
    Le32 time;
    Le64 flags;
};
static_assert(sizeof(Header) == 32);
struct DirectoryEntry {
    Le32 type;
    Location data;
};
static_assert(sizeof(DirectoryEntry) == 12);
struct SystemInfo {
    Le16 architecture;
    Le16 level;
    Le16 revision;
    std::uint8_t processors;
    std::uint8_t product;
    Le32 major;
    Le32 minor;
    Le32 build;
    Le32 platform;
    Le32 service_pack;  // a string
    Le16 suites;
    Le16 reserved_0x1e;
    std::byte processor[24];
};
static_assert(sizeof(SystemInfo) == 56);
struct Memory {
    Le64 start;
    Location data;
};
static_assert(sizeof(Memory) == 16);
struct Thread {
    Le32 id;
    Le32 suspended;
    Le32 priority_class;
    Le32 priority;
    Le64 block;
    Memory stack;
    Location context;
};
static_assert(sizeof(Thread) == 48);
struct Module {
    Le64 base;
    Le32 size;
    Le32 checksum;
    Le32 time;
    Le32 name;
    std::byte version[52];
    Location code_view;
    Location miscellaneous;
    Le64 reserved_0x5c;
    Le64 reserved_0x64;
};
static_assert(sizeof(Module) == 108);
struct Exception {
    Le32 thread;
    Le32 reserved_0x04;
    Le32 code;
    Le32 flags;
    Le64 nested;
    Le64 address;
    Le32 parameter_count;
    Le32 reserved_0x24;
    Le64 parameters[EXCEPTION_MAXIMUM_PARAMETERS];
    Location context;
};
static_assert(sizeof(Exception) == 168);

constexpr std::uint32_t signature = 0x504D444D;  // "MDMP"
constexpr std::uint32_t version = 0xA793;
constexpr std::uint16_t amd64 = 9;
constexpr std::uint32_t context_parts = 0x100003;  // x64's control and integer registers
constexpr std::uint32_t platform_linux = 0x8201;   // as other writers of such files on this system have it

}  // namespace regent::nt::minidump
