#include "ob/security.h"

#include "ob/audit.h"
#include "ob/lookup.h"
#include "rtl/lock.h"
#include "se/access.h"
#include "se/audit.h"

namespace regent::ob {
namespace {

// Guards every header's pointer to its descriptor; the descriptors themselves are immutable.
rtl::SharedMutex<LockRank::security_cache>& security_lock() {
    static rtl::SharedMutex<LockRank::security_cache> lock;
    return lock;
}

Ref<const SecurityBlock> block_of(void* object) {
    SharedGuard guard(security_lock());
    return header_of(object).security;
}

// The descriptor, if a user's access to the object may have to be recorded.
Ref<const SecurityBlock> audited_block_of(void* object, KPROCESSOR_MODE mode) {
    if (!audits_anything() || mode == kernel_mode) [[likely]]
        return nullptr;
    auto block = block_of(object);
    return block && se::has_audit_entries(block->descriptor) ? block : nullptr;
}

}  // namespace

void set_default_security(void* object, se::SecurityDescriptor descriptor) {
    Ref<const SecurityBlock> block = rtl::make_ref<SecurityBlock>(std::move(descriptor));
    ExclusiveGuard guard(security_lock());
    std::swap(header_of(object).security, block);
}

Result<std::optional<se::SecurityDescriptor>> security_of(void* object) {
    auto ask_type = type_of(object).procedures.query_security;
    if (ask_type != nullptr) {
        auto descriptor = RG_TRY(ask_type(object));
        return std::optional(std::move(descriptor));
    }
    auto block = block_of(object);
    if (!block) return std::nullopt;
    return std::optional(block->descriptor);
}

Result<se::SecurityDescriptor> query_security(void* object, SECURITY_INFORMATION what) {
    auto descriptor = RG_TRY(security_of(object));
    if (!descriptor) return se::SecurityDescriptor();
    return se::query_descriptor(*descriptor, what);
}

Result<void> set_security(void* object, SECURITY_INFORMATION what, se::DescriptorView modification,
                          const se::Token& token) {
    const ObjectType& type = type_of(object);
    if (type.procedures.set_security != nullptr) {
        return type.procedures.set_security(object, what, modification, token);
    }
    auto before = RG_TRY(security_of(object));
    se::SecurityDescriptor base = before.value_or(se::SecurityDescriptor());
    auto merged = RG_TRY(se::merge_descriptor(base, modification, what, token, type.mapping));
    set_default_security(object, std::move(merged));
    return {};
}

Result<ACCESS_MASK> check_access(void* object, const se::Token& token, ACCESS_MASK desired, KPROCESSOR_MODE mode) {
    const ObjectType& type = type_of(object);
    auto check = [&](se::DescriptorView descriptor) {
        return se::access_check(descriptor, token, desired, type.mapping, mode);
    };
    if (mode == kernel_mode) return check(se::SecurityDescriptor());
    if (type.procedures.query_security == nullptr) {
        auto block = block_of(object);
        return block ? check(block->descriptor) : check(se::SecurityDescriptor());
    }
    auto descriptor = RG_TRY(type.procedures.query_security(object));
    return check(descriptor);
}

Result<ACCESS_MASK> check_audited_access(void* object, const se::Token& token, ACCESS_MASK desired,
                                         KPROCESSOR_MODE mode, AuditMarks* marks) {
    const auto block = audited_block_of(object, mode);
    if (!block) [[likely]]
        return check_access(object, token, desired, mode);
    const ObjectType& type = type_of(object);
    se::PrivilegeSet used = 0;
    const auto granted = se::access_check(block->descriptor, token, desired, type.mapping, mode, 0, &used);
    const ACCESS_MASK access = granted ? *granted : se::map_generic(desired, type.mapping);
    const ACCESS_MASK rights = se::audited_rights(block->descriptor, token, access, granted.has_value(), type.mapping);
    if (granted && marks != nullptr) {
        *marks = {rights, used};
    } else if (rights != 0) {
        const auto name = query_name(object);
        record_check(type.name, name ? Utf16View(*name) : Utf16View(), granted ? rights : access, granted.has_value());
    }
    return granted;
}

AuditMarks audit_of_grant(void* object, const se::Token& token, ACCESS_MASK granted, KPROCESSOR_MODE mode) {
    const auto block = audited_block_of(object, mode);
    if (!block) [[likely]]
        return {};
    return {se::audited_rights(block->descriptor, token, granted, true, type_of(object).mapping), 0};
}

}  // namespace regent::ob
