// What access checks granted: a descriptor never changes, and a token's state has a name (Token::answer_id, which
// another one follows when groups or integrity change) beside the privileges it has enabled, so that an answer holds
// for as long as the hive's descriptors stay where they are. One access check is a walk over a list of entries times
// the token's groups; a look here is one cache line.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "nt/ntdef.h"

namespace regent::cm {

// Everything an answer depends on.
struct AccessQuestion {
    std::uint64_t descriptor;  // the generation of the hive's descriptors, and the descriptor's cell
    std::uint64_t hive;        // never used again for another
    std::uint64_t token;       // Token::answer_id: never used again for another state of it or another token
    std::uint64_t privileges;  // enabled ones
    ACCESS_MASK desired;
};

// Of one place for all questions with the same hash the last one stays. Refusals are not kept. Internally synchronised:
// an entry is read under its version.
class AccessCache {
public:
    std::optional<ACCESS_MASK> find(const AccessQuestion& question) const;
    void remember(const AccessQuestion& question, ACCESS_MASK granted);

private:
    struct alignas(64) Entry {
        std::atomic<std::uint64_t> version{0};  // odd while being written
        std::atomic<std::uint64_t> descriptor{0};
        std::atomic<std::uint64_t> hive{0};  // 0: empty
        std::atomic<std::uint64_t> token{0};
        std::atomic<std::uint64_t> privileges{0};
        std::atomic<std::uint64_t> masks{0};  // desired, granted
    };
    static constexpr std::size_t size = 1024;
    static std::size_t place_of(const AccessQuestion& question);

    std::array<Entry, size> entries_;
};

}  // namespace regent::cm
