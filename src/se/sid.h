// Security identifiers (MS-DTYP 2.4.2): a value of at most 68 bytes with the layout of the wire.
#pragma once

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "rtl/bytes.h"

namespace regent::se {

// Immutable value. Invariants: revision is 1, at most 15 subauthorities, unused ones are zero.
class Sid {
public:
    static constexpr std::size_t max_subauthorities = 15;
    static constexpr std::size_t max_size = 8 + 4 * max_subauthorities;

    Sid() : Sid(0, {0}) {}  // S-1-0-0, "nobody"
    // REQUIRES: at most 15 subauthorities; authority below 2^48.
    Sid(std::uint64_t authority, std::initializer_list<std::uint32_t> subauthorities);
    // The SID at the start of `bytes`; nothing when they do not hold a whole, valid one.
    static std::optional<Sid> from_bytes(Bytes bytes);
    // "S-1-5-18"; the whole text must be a SID.
    static std::optional<Sid> parse(std::string_view text);

    std::string to_string() const;
    std::size_t size() const { return 8 + std::size_t{4} * count_; }
    Bytes bytes() const { return rtl::as_bytes(this, size()); }
    std::uint64_t authority() const;
    std::size_t subauthority_count() const { return count_; }
    std::uint32_t subauthority(std::size_t index) const { return subauthorities_[index]; }

    friend bool operator==(const Sid& a, const Sid& b) {
        return a.count_ == b.count_ && std::memcmp(&a, &b, a.size()) == 0;
    }

private:
    std::uint8_t revision_ = 1;
    std::uint8_t count_ = 0;
    std::uint8_t authority_[6] = {};
    std::uint32_t subauthorities_[max_subauthorities] = {};
};
static_assert(sizeof(Sid) == Sid::max_size);

// A Unix user or group as Samba's "Unix User"/"Unix Group" domains name them: S-1-22-1-<uid>, S-1-22-2-<gid>.
Sid from_uid(std::uint32_t uid);
Sid from_gid(std::uint32_t gid);

// The well-known SIDs that the executive itself speaks of.
namespace well_known {
const Sid& world();                // S-1-1-0
const Sid& local();                // S-1-2-0
const Sid& creator_owner();        // S-1-3-0
const Sid& creator_group();        // S-1-3-1
const Sid& owner_rights();         // S-1-3-4
const Sid& anonymous();            // S-1-5-7
const Sid& interactive();          // S-1-5-4
const Sid& authenticated_users();  // S-1-5-11
const Sid& restricted();           // S-1-5-12
const Sid& local_system();         // S-1-5-18
const Sid& local_service();        // S-1-5-19
const Sid& network_service();      // S-1-5-20
const Sid& administrators();       // S-1-5-32-544
const Sid& users();                // S-1-5-32-545
const Sid& app_packages();         // S-1-15-2-1
}  // namespace well_known

}  // namespace regent::se
