// The PE32+ image format, as far as a driver's image uses it (Microsoft's "PE Format"). Names follow winnt.h's fields.
#pragma once

#include "rtl/bytes.h"

namespace regent::io::pe {

using rtl::Le16;
using rtl::Le32;
using rtl::Le64;

inline constexpr std::uint16_t dos_magic = 0x5A4D;         // "MZ"
inline constexpr std::uint32_t nt_signature = 0x00004550;  // "PE\0\0"
inline constexpr std::uint16_t machine_amd64 = 0x8664;
inline constexpr std::uint16_t optional_magic_pe32_plus = 0x20B;
inline constexpr std::uint16_t subsystem_native = 1;
inline constexpr std::uint16_t file_relocations_stripped = 0x0001;
inline constexpr std::uint16_t file_executable_image = 0x0002;

struct DosHeader {
    Le16 magic;
    std::byte reserved_0x02[58];
    Le32 nt_headers;
};
static_assert(sizeof(DosHeader) == 64);

struct DataDirectory {
    Le32 address;
    Le32 size;
};
enum class Directory : std::uint32_t {
    exports,
    imports,
    resources,
    exceptions,
    security,
    relocations,
    load_config = 10
};
inline constexpr std::uint32_t max_directories = 16;

struct NtHeaders {
    Le32 signature;
    Le16 machine;
    Le16 section_count;
    Le32 time_stamp;
    Le32 symbols;
    Le32 symbol_count;
    Le16 optional_size;
    Le16 characteristics;
    // The optional header.
    Le16 magic;
    std::byte reserved_0x1a[2];
    Le32 code_size;
    Le32 data_size;
    Le32 bss_size;
    Le32 entry_point;
    Le32 code_base;
    Le64 image_base;
    Le32 section_alignment;
    Le32 file_alignment;
    std::byte reserved_0x40[16];
    Le32 image_size;
    Le32 headers_size;
    Le32 check_sum;
    Le16 subsystem;
    Le16 dll_characteristics;
    std::byte reserved_0x60[36];
    Le32 directory_count;
};
static_assert(sizeof(NtHeaders) == 24 + 112 && offsetof(NtHeaders, magic) == 24);
static_assert(offsetof(NtHeaders, image_base) == 24 + 24 && offsetof(NtHeaders, image_size) == 24 + 56);
inline constexpr std::uint32_t optional_fixed_size = 112;  // before the directories

struct SectionHeader {
    char name[8];  // not terminated when it is eight characters long
    Le32 virtual_size;
    Le32 virtual_address;
    Le32 raw_size;
    Le32 raw_offset;
    std::byte reserved_0x18[12];
    Le32 characteristics;
};
static_assert(sizeof(SectionHeader) == 40);
inline constexpr std::uint32_t section_execute = 0x20000000;
inline constexpr std::uint32_t section_write = 0x80000000;

struct ImportDescriptor {
    Le32 lookup_table;  // 0: the address table still holds the names
    Le32 time_stamp;
    Le32 forwarder;
    Le32 module_name;
    Le32 address_table;
};
static_assert(sizeof(ImportDescriptor) == 20);
inline constexpr std::uint64_t import_by_ordinal = 0x8000000000000000;

struct RelocationBlock {
    Le32 page;
    Le32 size;  // with this header; 16-bit entries follow: type in the upper 4 bits, offset in the page below
};
enum class Relocation : std::uint16_t { absolute = 0, high = 1, low = 2, high_low = 3, dir64 = 10 };

// The load configuration directory up to what is of use here.
struct LoadConfig {
    Le32 size;
    std::byte reserved_0x04[84];
    Le64 security_cookie;  // address of the cookie
};
static_assert(offsetof(LoadConfig, security_cookie) == 0x58);
inline constexpr std::uint64_t default_security_cookie = 0x00002B992DDFA232;

// .pdata and .xdata ("x64 exception handling").
struct RuntimeFunction {
    Le32 begin;
    Le32 end;
    Le32 unwind_info;
};
static_assert(sizeof(RuntimeFunction) == 12);

struct UnwindHeader {
    std::uint8_t version_and_flags;  // 3 bits version, 5 bits flags
    std::uint8_t prolog_size;
    std::uint8_t code_count;
    std::uint8_t frame_register_and_offset;  // 4 bits register, 4 bits offset in units of 16
};
static_assert(sizeof(UnwindHeader) == 4);
inline constexpr std::uint8_t unwind_exception_handler = 1;
inline constexpr std::uint8_t unwind_termination_handler = 2;
inline constexpr std::uint8_t unwind_chained = 4;

}  // namespace regent::io::pe
