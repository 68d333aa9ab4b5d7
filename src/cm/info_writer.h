// The one way in which an information class reaches a caller's buffer: a fixed header and a variable part, with NT's
// rule for short buffers (semantics QB-1). Bytes past the caller's length are never touched.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "hive/name.h"
#include "nt/ntstatus.h"
#include "rtl/bytes.h"
#include "rtl/status.h"

namespace regent::cm {

// What a query answers: BUFFER_TOO_SMALL and BUFFER_OVERFLOW carry the size that would have been enough, a failure
// carries 0, which is no answer's size. One word, which stays in a register: of a structure the compiler writes the
// parts to the stack and reads them back together, and the processor waits for that.
class QueryOutcome {
public:
    QueryOutcome(NTSTATUS status, std::uint32_t needed)
        : word_(std::uint64_t{needed} << 32 | static_cast<std::uint32_t>(status)) {}
    QueryOutcome(const std::unexpected<Status>& failure) : QueryOutcome(failure.error().code(), 0) {}
    NTSTATUS status() const { return static_cast<NTSTATUS>(static_cast<std::uint32_t>(word_)); }
    std::uint32_t needed() const { return static_cast<std::uint32_t>(word_ >> 32); }

private:
    std::uint64_t word_;
};

// Invariants: (1) nothing is written when the buffer cannot hold the header; (2) offsets only grow `needed`.
// Externally synchronised.
class InfoWriter {
public:
    // `header` is where the variable part may begin: shorter buffers get BUFFER_TOO_SMALL.
    InfoWriter(MutableBytes out, std::size_t header) : out_(out), header_(header), needed_(header) {}

    // A header field.
    template <typename T>
    void field(std::size_t offset, T value) {
        if (out_.size() >= header_) std::memcpy(out_.data() + offset, &value, sizeof(T));
    }
    // Variable bytes at `offset`, cut at the end of the buffer, to the byte.
    void bytes(std::size_t offset, Bytes data) {
        const MutableBytes where = room(offset, data.size());
        if (!where.empty()) std::memcpy(where.data(), data.data(), where.size());
    }
    void name(std::size_t offset, const hive::NameView& name);
    // Accounts for `size` bytes at `offset` and returns the part of them that the buffer holds.
    MutableBytes room(std::size_t offset, std::size_t size) {
        if (size == 0) return {};
        pad_to(offset + size);
        if (out_.size() < header_ || out_.size() <= offset) return {};
        return out_.subspan(offset, std::min(size, out_.size() - offset));
    }
    // Raises the reported size without bytes of its own (KeyCachedInformation's padding).
    void pad_to(std::size_t size) {
        if (size > needed_) needed_ = size;
    }
    QueryOutcome finish() const {
        const auto needed = static_cast<std::uint32_t>(needed_);
        if (out_.size() < header_) return {STATUS_BUFFER_TOO_SMALL, needed};
        if (out_.size() < needed_) return {STATUS_BUFFER_OVERFLOW, needed};
        return {STATUS_SUCCESS, needed};
    }

private:
    MutableBytes out_;
    std::size_t header_;
    std::size_t needed_;
};

}  // namespace regent::cm
