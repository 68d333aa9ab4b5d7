// The records of a regf file as they stand on disk. Implements docs/hive-format.md §2-§7 and §10.
// Every member is a little-endian field or a byte, so that a record may be laid over any offset.
#pragma once

#include <cstddef>
#include <cstdint>

#include "rtl/bytes.h"

namespace regent::hive {

using rtl::Le16;
using rtl::Le32;
using rtl::Le64;

inline constexpr std::uint32_t page_size = 4096;          // the unit of bins
inline constexpr std::uint32_t sector_size = 512;         // the unit of logs and of dirty tracking
inline constexpr std::uint32_t bins_start = 4096;         // file offset of the first bin
inline constexpr std::uint32_t max_storage = 0x7FFFF000;  // a cell index has 31 bits
inline constexpr std::uint32_t max_cell_data = 1024 * 1024;
inline constexpr std::uint32_t big_data_segment = 16344;
inline constexpr std::uint32_t max_key_node = 0x45C;  // bytes of a key node with its name
inline constexpr std::uint32_t max_leaf = 1012;       // elements; a leaf that would exceed it is split

inline constexpr std::uint32_t file_type_primary = 0;
inline constexpr std::uint32_t file_type_log_old = 1;
inline constexpr std::uint32_t file_type_log_oldest = 2;
inline constexpr std::uint32_t file_type_log = 6;  // 8.1 and later: HvLE entries

constexpr std::uint32_t tag(char a, char b, char c, char d) {
    return static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b) << 8 | static_cast<std::uint32_t>(c) << 16 |
           static_cast<std::uint32_t>(d) << 24;
}
constexpr std::uint16_t tag(char a, char b) { return static_cast<std::uint16_t>(a | b << 8); }
inline constexpr std::uint32_t base_signature = tag('r', 'e', 'g', 'f');
inline constexpr std::uint32_t proof_signature = tag('R', 'g', 'P', 'f');
inline constexpr std::uint32_t bin_signature = tag('h', 'b', 'i', 'n');
inline constexpr std::uint32_t log_entry_signature = tag('H', 'v', 'L', 'E');
inline constexpr std::uint32_t dirty_signature = tag('D', 'I', 'R', 'T');
inline constexpr std::uint16_t nk_signature = tag('n', 'k');
inline constexpr std::uint16_t vk_signature = tag('v', 'k');
inline constexpr std::uint16_t sk_signature = tag('s', 'k');
inline constexpr std::uint16_t li_signature = tag('l', 'i');
inline constexpr std::uint16_t lf_signature = tag('l', 'f');
inline constexpr std::uint16_t lh_signature = tag('l', 'h');
inline constexpr std::uint16_t ri_signature = tag('r', 'i');
inline constexpr std::uint16_t db_signature = tag('d', 'b');

// The first sector of the file and of every log.
struct BaseBlock {
    Le32 signature;
    Le32 primary_sequence;
    Le32 secondary_sequence;
    Le64 last_written;
    Le32 major;
    Le32 minor;
    Le32 type;
    Le32 format;
    Le32 root_cell;
    Le32 bins_size;
    Le32 clustering;
    std::byte file_name[64];
    std::byte rm_id[16];
    std::byte log_id[16];
    Le32 flags;
    std::byte tm_id[16];
    Le32 guid_signature;
    Le64 last_reorganized;
    std::byte reserved_0xB0[304];
    Le32 proof_signature;  // ours: all content was verified when the sequence numbers were these (ADR 0009)
    Le32 proof_sequence;
    std::byte reserved_0x1E8[20];
    Le32 checksum;
};
static_assert(sizeof(BaseBlock) == 512 && offsetof(BaseBlock, root_cell) == 36 && offsetof(BaseBlock, flags) == 144);
static_assert(offsetof(BaseBlock, last_reorganized) == 168 && offsetof(BaseBlock, proof_signature) == 480);
static_assert(offsetof(BaseBlock, checksum) == 508);

struct BinHeader {
    Le32 signature;
    Le32 offset;  // from the start of the bins
    Le32 size;
    std::byte reserved_0x0C[8];
    Le64 timestamp;  // the first bin's only
    Le32 reserved_0x1C;
};
static_assert(sizeof(BinHeader) == 32 && offsetof(BinHeader, timestamp) == 20);

struct KeyNode {
    Le16 signature;
    Le16 flags;
    Le64 last_write_time;
    std::byte access_bits;
    std::byte layer;
    Le16 reserved_0x0E;
    Le32 parent;
    Le32 subkey_count[2];  // stable, volatile
    Le32 subkey_list[2];
    Le32 value_count;
    Le32 value_list;
    Le32 security;
    Le32 class_cell;
    Le16 max_name;            // bytes as UTF-16
    std::byte virtual_flags;  // low nibble virtualization control, high nibble user flags
    std::byte debug;
    Le32 max_class;
    Le32 max_value_name;
    Le32 max_value_data;
    Le32 work_var;
    Le16 name_size;  // bytes as stored
    Le16 class_size;
};
static_assert(sizeof(KeyNode) == 76 && offsetof(KeyNode, subkey_count) == 20 && offsetof(KeyNode, security) == 44);
static_assert(offsetof(KeyNode, max_name) == 52 && offsetof(KeyNode, name_size) == 72);

inline constexpr std::uint32_t value_inline_bit = 0x80000000;
inline constexpr std::uint16_t value_comp_name = 1;
inline constexpr std::uint16_t value_tombstone = 2;

struct KeyValue {
    Le16 signature;
    Le16 name_size;
    Le32 data_size;  // value_inline_bit: the data is in `data`
    Le32 data;
    Le32 type;
    Le16 flags;
    Le16 reserved_0x12;
};
static_assert(sizeof(KeyValue) == 20 && offsetof(KeyValue, type) == 12);

struct KeySecurity {
    Le16 signature;
    Le16 reserved_0x02;
    Le32 flink;
    Le32 blink;
    Le32 reference_count;
    Le32 descriptor_size;
};
static_assert(sizeof(KeySecurity) == 20);

struct ListHeader {
    Le16 signature;
    Le16 count;
};
// An lf or lh element; an li or ri element is a bare Le32.
struct HashElement {
    Le32 cell;
    Le32 hash;
};
static_assert(sizeof(ListHeader) == 4 && sizeof(HashElement) == 8);

struct BigData {
    Le16 signature;
    Le16 count;
    Le32 list;
};
static_assert(sizeof(BigData) == 8);

struct LogEntry {
    Le32 signature;
    Le32 size;
    Le32 flags;
    Le32 sequence;
    Le32 bins_size;
    Le32 page_count;
    Le64 hash_1;  // of what follows this header
    Le64 hash_2;  // of this header up to here
};
struct LogPage {
    Le32 offset;  // from the start of the bins
    Le32 size;
};
static_assert(sizeof(LogEntry) == 40 && offsetof(LogEntry, hash_2) == 32 && sizeof(LogPage) == 8);

// XOR of the first 127 words, with 0 and -1 replaced.
std::uint32_t checksum(const BaseBlock& base);
// Marvin32 with the fixed seed of hive logs.
std::uint64_t marvin32(Bytes data);
// True for a self-relative descriptor whose every part lies inside `descriptor`.
bool valid_descriptor(Bytes descriptor);

}  // namespace regent::hive
