#include "ob/audit.h"

#include <algorithm>
#include <array>
#include <new>

#include "ob/lookup.h"
#include "rtl/time.h"

namespace regent::ob {

namespace detail {
constinit std::atomic<std::uint16_t> audit_policy{0};
}

// ---- policy

namespace {

constexpr std::array<std::string_view, 5> category_names = {"registry", "handles", "privileges", "other", "kernel"};

// Which word wants the uses of objects of a type.
AuditCategory category_of(Utf16View type) { return type == u"Key" ? AuditCategory::registry : AuditCategory::kernel; }

// One word of a policy. False: none.
bool add_word(std::string_view word, AuditPolicy& policy) {
    const std::size_t colon = word.find(':');
    const std::string_view outcome = colon == std::string_view::npos ? "" : word.substr(colon + 1);
    for (std::size_t i = 0; i < category_names.size(); ++i) {
        if (word.substr(0, colon) != category_names[i]) continue;
        const auto bit = static_cast<std::uint8_t>(1u << i);
        const bool both = colon == std::string_view::npos;
        if (!both && outcome != "success" && outcome != "failure") return false;
        if (both || outcome == "success") policy.success |= bit;
        if (both || outcome == "failure") policy.failure |= bit;
        return true;
    }
    return false;
}

}  // namespace

std::optional<AuditPolicy> AuditPolicy::parse(std::string_view text) {
    AuditPolicy policy;
    if (text == "none") return policy;
    for (bool more = true; more;) {
        const std::size_t comma = text.find(',');
        more = comma != std::string_view::npos;
        if (!add_word(text.substr(0, comma), policy)) return std::nullopt;
        if (more) text.remove_prefix(comma + 1);
    }
    return policy;
}

void set_audit_policy(AuditPolicy policy) {
    detail::audit_policy.store(static_cast<std::uint16_t>(policy.success | policy.failure << 8));
}

// ---- the log

namespace {

std::size_t size_of(const AuditRecord& record) {
    const std::size_t units =
        record.image.size() + record.server.size() + record.type.size() + record.name.size() + record.value.size();
    return sizeof(record) + units * sizeof(char16_t) + (record.before ? record.before->data.size() : 0) +
           (record.after ? record.after->data.size() : 0);
}

}  // namespace

AuditLog& AuditLog::instance() {
    static AuditLog* log = new AuditLog;  // handles may be closed until the process ends
    return *log;
}

void AuditLog::add(AuditRecord record) {
    {
        ExclusiveGuard guard(lock_);
        record.sequence = ++produced_;
        const std::size_t size = size_of(record);
        while (!records_.empty() && (records_.size() >= max_records || bytes_ + size > max_bytes)) {
            bytes_ -= size_of(records_.front());
            records_.pop_front();
        }
        try {
            records_.push_back(std::move(record));
            bytes_ += size;
        } catch (const std::bad_alloc&) {
            return;  // the ledger has it
        }
    }
    changed_.notify_all();
}

void AuditLog::drop() {
    ExclusiveGuard guard(lock_);
    ++produced_;
}

AuditLog::Ledger AuditLog::ledger() {
    ExclusiveGuard guard(lock_);
    return {produced_, records_.size(), produced_ - records_.size()};
}

std::vector<AuditRecord> AuditLog::read_locked(std::uint64_t after, std::size_t limit) {
    std::vector<AuditRecord> result;
    const auto first = std::upper_bound(records_.begin(), records_.end(), after,
                                        [](std::uint64_t a, const AuditRecord& record) { return a < record.sequence; });
    for (auto at = first; at != records_.end() && result.size() < limit; ++at) result.push_back(*at);
    return result;
}

std::vector<AuditRecord> AuditLog::read(std::uint64_t after, std::size_t limit, int timeout_ms) {
    ExclusiveGuard guard(lock_);
    const auto ready = [&]() RG_NO_ANALYSIS { return !records_.empty() && records_.back().sequence > after; };
    if (timeout_ms > 0) {
        changed_.wait_until(lock_, std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms), ready);
    }
    return read_locked(after, limit);
}

// ---- records

AuditRecord make_audit_record(AuditEvent event, bool success) {
    const Context& context = current();
    const se::Token& token = context.token();
    AuditRecord record;
    record.time = rtl::nt_time_now();
    record.event = event;
    record.success = success;
    record.subject = token.user();
    record.logon_id = token.logon_id();
    record.pid = context.process->pid();
    record.image = context.process->image();
    return record;
}

namespace {

std::uint64_t number_of(HANDLE handle) { return reinterpret_cast<std::uintptr_t>(handle); }

// No operation fails for want of a record: what cannot be made is counted as dropped.
template <typename Fill>
void record(AuditEvent event, bool success, Fill fill) {
    try {
        AuditRecord made = make_audit_record(event, success);
        fill(made);
        if (made.name.size() > AuditRecord::max_name) made.name.resize(AuditRecord::max_name);
        AuditLog::instance().add(std::move(made));
    } catch (const std::bad_alloc&) {
        AuditLog::instance().drop();
    }
}

// The same about an object. One that is gone has no name any more.
template <typename Fill>
void record_about(AuditEvent event, std::uint64_t handle, void* object, Fill fill) {
    record(event, true, [&](AuditRecord& made) {
        made.handle = handle;
        made.type = type_of(object).name;
        if (auto name = query_name(object)) made.name = std::move(*name);
        fill(made);
    });
}

}  // namespace

void record_opening(HANDLE handle, void* object, ACCESS_MASK granted, const AuditMarks& marks) {
    if (marks.rights == 0 || !audits(AuditCategory::handles, true)) return;
    record_about(AuditEvent::handle_requested, number_of(handle), object, [&](AuditRecord& made) {
        made.access = granted;
        made.privileges = marks.privileges;
    });
}

void record_check(const Utf16& type, Utf16View name, ACCESS_MASK access, bool granted) {
    if (!audits(category_of(type), granted)) return;
    record(granted ? AuditEvent::object_accessed : AuditEvent::handle_requested, granted, [&](AuditRecord& made) {
        made.type = type;
        made.name = name;
        made.access = access;
    });
}

void record_use(std::uint64_t handle, void* object, ACCESS_MASK rights) {
    if (!audits(category_of(type_of(object).name), true)) return;
    record_about(AuditEvent::object_accessed, handle, object, [&](AuditRecord& made) { made.access = rights; });
}

void record_close(const Process& process, std::uint64_t handle, void* object) {
    if (!audits(AuditCategory::handles, true)) return;
    record_about(AuditEvent::handle_closed, handle, object, [&](AuditRecord& made) {
        made.pid = process.pid();
        made.image = process.image();
    });
}

void record_duplicate(std::uint64_t source, HANDLE target, const Process& target_process, void* object) {
    if (!audits(AuditCategory::handles, true)) return;
    record_about(AuditEvent::handle_duplicated, source, object, [&](AuditRecord& made) {
        made.target_handle = number_of(target);
        made.target_pid = target_process.pid();
    });
}

void record_delete(HANDLE handle, void* object, Utf16View name) {
    if (!audits(AuditCategory::registry, true)) return;
    record_about(AuditEvent::object_deleted, number_of(handle), object, [&](AuditRecord& made) {
        made.name = name;
        made.access = DELETE;
    });
}

void record_value(HANDLE handle, void* object, Utf16View value, std::optional<AuditedValue> before,
                  std::optional<AuditedValue> after) {
    if (!audits(AuditCategory::registry, true)) return;
    record_about(AuditEvent::value_modified, number_of(handle), object, [&](AuditRecord& made) {
        made.value = value;
        made.before = std::move(before);
        made.after = std::move(after);
    });
}

void record_privilege(unsigned privilege, bool held) {
    constexpr se::PrivilegeSet left_out =
        se::privilege_bit(SE_BACKUP_PRIVILEGE) | se::privilege_bit(SE_RESTORE_PRIVILEGE) |
        se::privilege_bit(SE_CHANGE_NOTIFY_PRIVILEGE) | se::privilege_bit(SE_AUDIT_PRIVILEGE) |
        se::privilege_bit(SE_DEBUG_PRIVILEGE) | se::privilege_bit(SE_CREATE_TOKEN_PRIVILEGE);
    if (!audits(AuditCategory::privileges, held) || (left_out & se::privilege_bit(privilege)) != 0) return;
    record(AuditEvent::privileged_service, held,
           [&](AuditRecord& made) { made.privileges = se::privilege_bit(privilege); });
}

}  // namespace regent::ob
