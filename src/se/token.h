// Who a caller is: user, groups, privileges and defaults for what it creates.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "nt/nttoken.h"
#include "rtl/lock.h"
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
inline constexpr unsigned last_privilege = 36;
inline constexpr PrivilegeSet all_privileges = ((PrivilegeSet{1} << (last_privilege + 1)) - 1) & ~PrivilegeSet{3};

inline constexpr std::uint32_t usual_group = SE_GROUP_MANDATORY | SE_GROUP_ENABLED_BY_DEFAULT | SE_GROUP_ENABLED;

// `attributes` as the token was made; what is enabled now, the token knows.
struct TokenGroup {
    Sid sid;
    std::uint32_t attributes = usual_group;
};

// What an entry asks of a token: allowing ones look at enabled groups, denying ones also at deny-only groups, and of a
// restricted token both the whole identity and the restricting SIDs alone must grant.
enum class Match : std::uint8_t { allow, deny };
enum class Identity : std::uint8_t { whole, restricting };

// Identity is immutable. Enabled privileges, enabled groups and the integrity level are atomic; the defaults have a
// lock: internally synchronised.
class Token final : public rtl::RefCounted {
public:
    struct Parts {
        Sid user;
        bool user_deny_only = false;
        std::vector<TokenGroup> groups;
        std::vector<Sid> restricting;  // not empty: a restricted token
        bool write_restricted = false;
        bool sandbox_inert = false;
        PrivilegeSet held = 0;
        PrivilegeSet enabled = 0;
        PrivilegeSet enabled_by_default = 0;
        Sid default_owner;
        Sid primary_group;
        std::vector<std::byte> default_dacl;  // a whole ACL; empty: none
        std::uint32_t uid = 0;
        std::uint32_t gid = 0;
        std::uint32_t integrity = SECURITY_MANDATORY_MEDIUM_RID;
        std::uint32_t mandatory_policy = TOKEN_MANDATORY_POLICY_NO_WRITE_UP | TOKEN_MANDATORY_POLICY_NEW_PROCESS_MIN;
        bool impersonation = false;
        SECURITY_IMPERSONATION_LEVEL level = SecurityAnonymous;  // of an impersonation token
        std::uint64_t logon_id = 0;                              // AuthenticationId; copies keep it
    };
    explicit Token(Parts parts);
    // The executive's own: LocalSystem, Administrators, every privilege enabled. Made once.
    static Ref<Token> system();
    // A Unix caller. uid 0 is an administrator of system integrity; the overflow uid 65534 is ANONYMOUS, untrusted,
    // with no group but Everyone; all others are Users of medium integrity.
    static Ref<Token> for_unix_user(std::uint32_t uid, std::uint32_t gid, std::span<const std::uint32_t> groups);
    // The same as a member of Administrators (high integrity): who runs an executive inside its own process could not
    // be denied by it. An administrator holds every privilege, all enabled, since no Unix program would know to enable
    // one.
    static Ref<Token> for_administrator(std::uint32_t uid, std::uint32_t gid, std::span<const std::uint32_t> groups);
    static Ref<Token> anonymous();

    // Everything as it is at this moment: what a duplicate or a filtered copy starts from.
    Parts snapshot() const;

    std::uint64_t id() const { return id_; }  // never used again for another
    // Names the state that access checks and new objects' descriptors depend on, but for the enabled privileges:
    // another one after each change of groups, integrity or defaults, never used again (NT's ModifiedId has the same
    // purpose).
    std::uint64_t answer_id() const { return answer_id_.load(std::memory_order_acquire); }
    std::uint64_t logon_id() const { return parts_.logon_id; }

    const Sid& user() const { return parts_.user; }
    bool user_is_deny_only() const { return parts_.user_deny_only; }
    std::span<const TokenGroup> groups() const { return parts_.groups; }
    std::uint32_t group_attributes(std::size_t index) const {
        return attributes_[index].load(std::memory_order_relaxed);
    }
    std::span<const Sid> restricting() const { return parts_.restricting; }
    bool is_restricted() const { return !parts_.restricting.empty(); }
    bool is_write_restricted() const { return parts_.write_restricted; }
    bool is_sandbox_inert() const { return parts_.sandbox_inert; }
    bool is_impersonation() const { return parts_.impersonation; }
    SECURITY_IMPERSONATION_LEVEL level() const { return parts_.level; }
    std::uint32_t uid() const { return parts_.uid; }
    std::uint32_t gid() const { return parts_.gid; }
    std::uint32_t integrity() const { return integrity_.load(std::memory_order_relaxed); }
    std::uint32_t mandatory_policy() const { return parts_.mandatory_policy; }

    Sid default_owner() const;
    Sid primary_group() const;
    std::vector<std::byte> default_dacl() const;

    // Is `sid` (given by its bytes) one of ours?
    bool matches(Bytes sid, Match match, Identity identity = Identity::whole) const;
    bool matches_allow(Bytes sid) const { return matches(sid, Match::allow); }
    bool matches_deny(Bytes sid) const { return matches(sid, Match::deny); }
    bool may_assign_owner(const Sid& owner) const;
    bool is_admin() const;

    bool holds(unsigned privilege) const { return (held() & privilege_bit(privilege)) != 0; }
    PrivilegeSet held() const { return parts_.held & ~removed_.load(std::memory_order_relaxed); }
    PrivilegeSet enabled_by_default() const { return parts_.enabled_by_default; }
    PrivilegeSet enabled() const { return enabled_.load(std::memory_order_relaxed); }
    bool enabled(unsigned privilege) const {
        return (enabled_.load(std::memory_order_relaxed) & privilege_bit(privilege)) != 0;
    }
    // Returns whether it was enabled before. ERRORS: PRIVILEGE_NOT_HELD.
    Result<bool> enable(unsigned privilege, bool on);
    // Gives a privilege up for ever.
    void remove(unsigned privilege);

    // ERRORS, in this order: CANT_ENABLE_DENY_ONLY, CANT_DISABLE_MANDATORY.
    Result<void> enable_group(std::size_t index, bool on);
    // ERRORS: INVALID_OWNER, INVALID_PRIMARY_GROUP (neither user nor group of the token).
    Result<void> set_default_owner(const Sid& owner);
    Result<void> set_primary_group(const Sid& group);
    void set_default_dacl(std::vector<std::byte> acl);
    // Lower than it is. Higher is the caller's affair: it asks for SeTcbPrivilege.
    void set_integrity(std::uint32_t level);

private:
    void changed();

    struct Defaults {
        Sid owner;
        Sid group;
        std::vector<std::byte> dacl;
    };
    const std::uint64_t id_;
    const Parts parts_;
    std::atomic<std::uint64_t> answer_id_;
    std::atomic<PrivilegeSet> enabled_;
    std::atomic<PrivilegeSet> removed_{0};
    std::atomic<std::uint32_t> integrity_;
    std::unique_ptr<std::atomic<std::uint32_t>[]> attributes_;  // one a group
    mutable rtl::Mutex<LockRank::leaf> lock_;
    Defaults defaults_ RG_GUARDED_BY(lock_);
};

// The copy that NtFilterToken makes: `disabled` SIDs are deny-only, `removed` privileges are gone, `restricting` SIDs
// (with what the token already has) must grant too.
struct TokenFilter {
    ULONG flags = 0;
    std::vector<Sid> disabled;
    PrivilegeSet removed = 0;
    std::vector<Sid> restricting;
};
Ref<Token> filter_token(const Token& token, const TokenFilter& filter);
// A copy of the given type; a `level` matters for impersonation tokens only. `effective_only` leaves out what is not
// enabled.
Ref<Token> duplicate_token(const Token& token, bool impersonation, SECURITY_IMPERSONATION_LEVEL level,
                           bool effective_only);

// S-1-16-<level>, and back; nothing for another SID.
Sid integrity_sid(std::uint32_t level);
std::optional<std::uint32_t> integrity_level(Bytes sid);

}  // namespace regent::se
