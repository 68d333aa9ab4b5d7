#include "ob/security.h"

#include "rtl/lock.h"
#include "se/access.h"

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

}  // namespace regent::ob
