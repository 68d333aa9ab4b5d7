// The frames of the gate and the checked reading and writing of them. docs/protocol.md is the specification.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "rtl/bytes.h"

namespace regent::rpc {

inline constexpr std::uint32_t protocol_version = 1;
inline constexpr std::uint32_t max_frame_size = 64u << 20;   // also bounds one value that passes through the gate
inline constexpr std::uint32_t max_buffer_size = 48u << 20;  // one argument
inline constexpr std::uint16_t max_calls_per_frame = 256;

inline constexpr std::uint32_t max_value_entries = 0x10000;  // NT's own limit of one query for several values

// Where the UNICODE_STRINGs (or SID_AND_ATTRIBUTES) of an answer stand, whose pointers are made relative to the buffer
// on their way.
struct StringPlaces {
    std::uint32_t first;
    std::uint32_t stride;
    std::uint32_t pointer = 8;  // in each
    std::size_t at(std::uint32_t index) const { return first + std::size_t{index} * stride; }
    std::uint32_t fit(std::uint32_t size) const { return size < first ? 0 : (size - first) / stride; }
};
inline constexpr StringPlaces plain_strings{0, 16};  // one after the other
inline constexpr StringPlaces pid_strings{16, 24};   // KEY_OPEN_SUBKEYS_INFORMATION: a count, then {PID, name}

inline constexpr StringPlaces token_groups{0, 16};      // TOKEN_GROUPS: a count, then {pointer, attributes}
inline constexpr StringPlaces token_pointer{0, 16, 0};  // structures that begin with their pointer

// What a token's information of a class points to.
enum class TokenPointers : std::uint8_t { none, one_sid, one_acl, groups };
TokenPointers token_pointers(std::uint32_t information_class);
inline constexpr std::uint32_t max_token_entries = 4096;

enum class FrameKind : std::uint16_t { hello = 1, welcome = 2, calls = 3, replies = 4 };

struct FrameHeader {
    rtl::Le32 size;  // of the whole frame
    rtl::Le16 kind;
    rtl::Le16 count;    // records that follow
    rtl::Le64 ordinal;  // replies: completions numbered up to this one have been sent to the process
};
static_assert(sizeof(FrameHeader) == 16);

enum class RecordKind : std::uint16_t { call = 1, reply = 2, completion = 3 };

struct RecordHeader {
    rtl::Le32 size;  // of the record with this header
    rtl::Le16 kind;
    rtl::Le16 service;  // call and reply; else 0
};
static_assert(sizeof(RecordHeader) == 8);

struct CompletionRecord {
    rtl::Le64 number;      // 1, 2, 3 ... per process
    rtl::Le64 pending_id;  // as the client named the call
    rtl::Le32 status;
    rtl::Le32 reserved;
    rtl::Le64 information;
};
static_assert(sizeof(CompletionRecord) == 32);

struct HelloRecord {
    rtl::Le32 version;
    rtl::Le32 reserved;
    rtl::Le64 fingerprint;
    std::byte process_cookie[16];  // drawn by the client once; the connections of a process share it
    rtl::Le32 thread_id;
    rtl::Le16 reserved_0x24;
    rtl::Le16 image_name_size;  // UTF-8 bytes that follow
};
static_assert(sizeof(HelloRecord) == 40);

struct WelcomeRecord {
    rtl::Le32 status;
    rtl::Le32 version;
    rtl::Le64 fingerprint;
    rtl::Le32 server_pid;
    rtl::Le32 reserved;
};
static_assert(sizeof(WelcomeRecord) == 24);

// Appends to a frame. A record is opened, filled and closed; sizes are filled in when it is closed.
class Writer {
public:
    void begin_frame(FrameKind kind);
    void begin_record(RecordKind kind, std::uint16_t service);
    void end_record();
    void end_frame(std::uint64_t ordinal);

    void put_bytes(const void* data, std::size_t size) {
        if (size == 0) return;
        // Not insert(): g++ 12 sees an overflow there that is none.
        const std::size_t at = bytes_.size();
        bytes_.resize(at + size);
        std::memcpy(bytes_.data() + at, data, size);
    }
    template <typename T>
    void put(T value) {
        static_assert(std::is_trivially_copyable_v<T>);
        put_bytes(&value, sizeof(value));
    }
    template <typename T>
    void put_at(std::size_t place, T value) {
        std::memcpy(bytes_.data() + place, &value, sizeof(value));
    }
    Bytes bytes() const { return bytes_; }
    std::size_t size() const { return bytes_.size(); }
    void clear() { bytes_.clear(); }

private:
    std::vector<std::byte> bytes_;
    std::size_t record_ = 0;
    std::uint16_t count_ = 0;
};

// Reads untrusted bytes front to back. After the first read past the end good() is false and every read gives zeroes.
class Reader {
public:
    Reader() = default;
    explicit Reader(Bytes bytes) : bytes_(bytes) {}

    template <typename T>
    T get() {
        static_assert(std::is_trivially_copyable_v<T>);
        T value{};
        const Bytes bytes = get_bytes(sizeof(T));
        if (!bytes.empty()) std::memcpy(&value, bytes.data(), sizeof(T));
        return value;
    }
    // Empty when fewer than `size` are left.
    Bytes get_bytes(std::size_t size) {
        if (!good_ || size > bytes_.size() - position_) {
            good_ = false;
            return {};
        }
        const Bytes found = bytes_.subspan(position_, size);
        position_ += size;
        return found;
    }
    void fail() { good_ = false; }
    bool good() const { return good_; }
    bool at_end() const { return position_ == bytes_.size(); }

private:
    Bytes bytes_;
    std::size_t position_ = 0;
    bool good_ = true;
};

// The part of a buffer that a service changed.
struct ChangedRange {
    std::uint32_t offset = 0;
    std::uint32_t size = 0;
};
// `before` may be shorter than `after`: its missing tail was zero.
ChangedRange changed_range(Bytes before, Bytes after);
// Size of `bytes` without its trailing zeroes.
std::size_t significant_size(Bytes bytes);

}  // namespace regent::rpc
