// The range of addresses in which every PE image and every import stub lies (rtl::foreign_code). Handed out from the
// low end and never again: a call to a driver that is gone faults instead of reaching another one.
#pragma once

#include <cstddef>
#include <memory>

#include "rtl/bytes.h"
#include "rtl/status.h"

namespace regent::io::pe {

// A piece of the arena, readable and writable at first; given back to the system at the end. Move only.
class Mapping {
public:
    Mapping() = default;
    // ERRORS: INSUFFICIENT_RESOURCES.
    static Result<Mapping> create(std::size_t size);
    Mapping(Mapping&& other) noexcept : memory_(std::exchange(other.memory_, {})) {}
    Mapping& operator=(Mapping&& other) noexcept {
        std::swap(memory_, other.memory_);
        return *this;
    }
    ~Mapping();

    MutableBytes memory() const { return memory_; }
    enum class Access { none, read, read_write, read_execute };
    void protect(std::size_t offset, std::size_t size, Access access) const;
    void keep() { memory_ = {}; }  // stays for the life of the process

private:
    explicit Mapping(MutableBytes memory) : memory_(memory) {}
    MutableBytes memory_;
};

}  // namespace regent::io::pe
