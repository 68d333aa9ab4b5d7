// The security audit: what is to be recorded (the policy), the records, and the marks by which a handle knows that its
// uses and its end are recorded. What a key's list asks for, its type finds out when it checks access.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include "ob/object.h"
#include "ob/process.h"
#include "rtl/lock.h"

namespace regent::ob {

// ---- policy: which subcategories of Windows' audit policy are on
enum class AuditCategory : std::uint8_t {
    registry,    // "Registry": uses of keys, changes of values, refusals
    handles,     // "Handle Manipulation": openings, closings, duplications
    privileges,  // "Sensitive Privilege Use"
    other,       // "Other Object Access Events": what other programs hand in by the Nt*AuditAlarm services
    kernel,      // "Kernel Object": uses of other named objects than keys, refusals
};

struct AuditPolicy {
    std::uint8_t success = 0;  // a bit each category
    std::uint8_t failure = 0;
    // "none", or words separated by commas: a category, with ":success" or ":failure" for that alone.
    static std::optional<AuditPolicy> parse(std::string_view text);
    friend bool operator==(const AuditPolicy&, const AuditPolicy&) = default;
};

namespace detail {
extern constinit std::atomic<std::uint16_t> audit_policy;  // success, failure << 8
}
// REQUIRES: no service runs. Answers that were remembered while nothing was recorded skip no record only so.
void set_audit_policy(AuditPolicy policy);
inline bool audits_anything() { return detail::audit_policy.load(std::memory_order_relaxed) != 0; }
inline bool audits(AuditCategory category, bool success) {
    const unsigned policy = detail::audit_policy.load(std::memory_order_relaxed);
    return ((policy >> (success ? 0 : 8)) & (1u << static_cast<unsigned>(category))) != 0;
}

// ---- records
enum class AuditEvent : std::uint16_t {  // Windows' numbers
    handle_requested = 4656,
    value_modified = 4657,
    handle_closed = 4658,
    object_deleted = 4660,
    object_accessed = 4663,
    privileged_service = 4673,
    privileged_object = 4674,
    handle_duplicated = 4690,
};

// A value before or after a change.
struct AuditedValue {
    std::uint32_t type = 0;
    std::uint32_t size = 0;
    std::vector<std::byte> data;  // the first bytes of it
    static constexpr std::size_t kept = 256;
};

struct AuditRecord {
    std::uint64_t sequence = 0;  // 1, 2, 3...: one each record that was to be made
    std::int64_t time = 0;       // NT time
    AuditEvent event{};
    bool success = true;
    se::Sid subject;  // whose rights counted
    std::uint64_t logon_id = 0;
    std::uint32_t pid = 0;
    Utf16 image;
    Utf16 server = u"Security";
    Utf16 type;
    Utf16 name;  // of the object, or of the service; at most max_name units
    std::uint64_t handle = 0;
    ACCESS_MASK access = 0;
    se::PrivilegeSet privileges = 0;
    // handle_duplicated: the copy. value_modified: the value.
    std::uint64_t target_handle = 0;
    std::uint32_t target_pid = 0;
    Utf16 value;
    std::optional<AuditedValue> before, after;
    static constexpr std::size_t max_name = 0x7FFF;
};

// A record with its time and with the current context as its subject.
AuditRecord make_audit_record(AuditEvent event, bool success);

// The records of this executive, in memory, the newest so many of them. Internally synchronised.
class AuditLog {
public:
    static constexpr std::size_t max_records = 16384;
    static constexpr std::size_t max_bytes = std::size_t{8} << 20;

    static AuditLog& instance();
    // The oldest records make room. A record that there is no memory for is dropped, and counted as every other.
    void add(AuditRecord record);
    // Counts one that could not be made.
    void drop();
    struct Ledger {
        std::uint64_t produced = 0;
        std::uint64_t kept = 0;
        std::uint64_t dropped = 0;  // produced == kept + dropped
    };
    Ledger ledger();
    // Records with a sequence above `after`, oldest first, at most `limit`; waits up to timeout_ms for the first.
    std::vector<AuditRecord> read(std::uint64_t after, std::size_t limit, int timeout_ms = 0);

private:
    AuditLog() = default;
    std::vector<AuditRecord> read_locked(std::uint64_t after, std::size_t limit) RG_REQUIRES(lock_);

    Mutex<LockRank::trace> lock_;
    ConditionVariable changed_;
    std::deque<AuditRecord> records_ RG_GUARDED_BY(lock_);
    std::size_t bytes_ RG_GUARDED_BY(lock_) = 0;
    std::uint64_t produced_ RG_GUARDED_BY(lock_) = 0;
};

// ---- handles: an entry's attributes hold what is recorded of it
inline constexpr std::uint32_t handle_audited = 0x00000004;      // as OBJ_AUDIT_OBJECT_CLOSE
inline constexpr std::uint32_t handle_audit_bits = 0x3FFFFF04u;  // with the rights whose first use is recorded

// What the check of an opening found out. `rights`: those granted of which a record is wanted; 0: nothing is recorded.
struct AuditMarks {
    ACCESS_MASK rights = 0;
    se::PrivilegeSet privileges = 0;  // that the access rests on
};
// Into attributes: specific and standard rights in bits 8 to 28, ACCESS_SYSTEM_SECURITY in bit 29.
constexpr std::uint32_t pack_audit(ACCESS_MASK rights) {
    if (rights == 0) return 0;
    return handle_audited | (rights & 0x001FFFFF) << 8 | (rights & ACCESS_MASK{ACCESS_SYSTEM_SECURITY}) << 5;
}
constexpr ACCESS_MASK unpack_audit(std::uint32_t attributes) {
    return ((attributes >> 8) & 0x001FFFFF) | ((attributes >> 5) & ACCESS_MASK{ACCESS_SYSTEM_SECURITY});
}

// The records, where the policy wants them. `object` is a body; its name is asked of its type. None fails.
void record_opening(HANDLE handle, void* object, ACCESS_MASK granted, const AuditMarks& marks);
// A check that made no handle: a refusal, or a right that a call used by the object's name.
void record_check(const Utf16& type, Utf16View name, ACCESS_MASK access, bool granted);
void record_use(std::uint64_t handle, void* object, ACCESS_MASK rights);
void record_close(const Process& process, std::uint64_t handle, void* object);
void record_duplicate(std::uint64_t source, HANDLE target, const Process& target_process, void* object);
void record_delete(HANDLE handle, void* object, Utf16View name);
void record_value(HANDLE handle, void* object, Utf16View value, std::optional<AuditedValue> before,
                  std::optional<AuditedValue> after);
// A service that asked whether its caller has a privilege. Backup, restore and what every caller has are left out, as
// Windows leaves them out unless "FullPrivilegeAuditing" is set.
void record_privilege(unsigned privilege, bool held);

}  // namespace regent::ob
