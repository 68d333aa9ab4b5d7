// Who a caller is: user, groups, privileges and defaults for what it creates.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "rtl/ref.h"
#include "rtl/status.h"
#include "se/descriptor.h"
#include "se/sid.h"

// As in the driver contract; repeated so that this floor needs no driver header.
typedef CCHAR KPROCESSOR_MODE;

namespace regent::se {

inline constexpr KPROCESSOR_MODE kernel_mode = 0;
inline constexpr KPROCESSOR_MODE user_mode = 1;

// Privileges are named by NT's numbers (SE_SECURITY_PRIVILEGE, ...); a set is one bit each.
using PrivilegeSet = std::uint64_t;
constexpr PrivilegeSet privilege_bit(unsigned privilege) { return PrivilegeSet{1} << (privilege & 63); }
inline constexpr PrivilegeSet all_privileges = ((PrivilegeSet{1} << 37) - 1) & ~PrivilegeSet{3};  // NT's 2..36

struct TokenGroup {
    enum class Use : std::uint8_t { enabled, disabled, deny_only };
    Sid sid;
    Use use = Use::enabled;
    bool may_own = false;  // SE_GROUP_OWNER: may be made the owner of objects
};

// Immutable but for the enabled privileges, which are atomic: internally synchronised.
class Token final : public rtl::RefCounted {
public:
    struct Parts {
        Sid user;
        std::vector<TokenGroup> groups;
        PrivilegeSet held = 0;
        PrivilegeSet enabled = 0;
        Sid default_owner;
        Sid primary_group;
        std::vector<std::byte> default_dacl;  // a whole ACL; empty: none
        std::uint32_t uid = 0;
        std::uint32_t gid = 0;
    };
    explicit Token(Parts parts);
    // The executive's own: LocalSystem, Administrators, every privilege enabled. Made once.
    static Ref<Token> system();
    // A Unix caller. uid 0 is an administrator; the overflow uid 65534 is ANONYMOUS with no group but Everyone.
    static Ref<Token> for_unix_user(std::uint32_t uid, std::uint32_t gid, std::span<const std::uint32_t> groups);
    // The same as a member of Administrators: who runs an executive inside its own process could not be denied by it.
    // An administrator holds every privilege, all enabled, since no Unix program would know to enable one.
    static Ref<Token> for_administrator(std::uint32_t uid, std::uint32_t gid, std::span<const std::uint32_t> groups);

    std::uint64_t id() const { return id_; }  // never used again for another
    const Sid& user() const { return parts_.user; }
    std::span<const TokenGroup> groups() const { return parts_.groups; }
    const Sid& default_owner() const { return parts_.default_owner; }
    const Sid& primary_group() const { return parts_.primary_group; }
    Bytes default_dacl() const { return parts_.default_dacl; }
    std::uint32_t uid() const { return parts_.uid; }
    std::uint32_t gid() const { return parts_.gid; }

    // Is `sid` (given by its bytes) one of ours for an allow entry, for a deny entry?
    bool matches_allow(Bytes sid) const;
    bool matches_deny(Bytes sid) const;
    bool may_assign_owner(const Sid& owner) const;
    bool is_admin() const;

    bool holds(unsigned privilege) const { return (parts_.held & privilege_bit(privilege)) != 0; }
    PrivilegeSet enabled() const { return enabled_.load(std::memory_order_relaxed); }
    bool enabled(unsigned privilege) const {
        return (enabled_.load(std::memory_order_relaxed) & privilege_bit(privilege)) != 0;
    }
    // Returns whether it was enabled before. ERRORS: PRIVILEGE_NOT_HELD.
    Result<bool> enable(unsigned privilege, bool on);

private:
    const std::uint64_t id_;
    const Parts parts_;
    std::atomic<PrivilegeSet> enabled_;
};

}  // namespace regent::se
