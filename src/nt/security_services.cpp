// NtQuerySecurityObject and NtSetSecurityObject. On keys the registry callbacks see them.
#include "cm/callback.h"
#include "cm/key_body.h"
#include "nt/capture.h"
#include "nt/service.h"
#include "ob/handle.h"
#include "ob/security.h"
#include "se/descriptor.h"

namespace regent::nt::service {
namespace {

NTSTATUS answer(const Result<se::SecurityDescriptor>& descriptor, PVOID buffer, ULONG length, PULONG needed) {
    if (!descriptor) return descriptor.error().code();
    const Bytes bytes = descriptor->bytes();
    *needed = static_cast<ULONG>(bytes.size());
    if (length < bytes.size()) return STATUS_BUFFER_TOO_SMALL;
    if (buffer == nullptr) return STATUS_ACCESS_VIOLATION;
    std::memcpy(buffer, bytes.data(), bytes.size());
    return STATUS_SUCCESS;
}

bool filtered(const void* object) { return cm::filter::any_registered() && &ob::type_of(object) == &cm::key_type(); }

}  // namespace

// ERRORS, in this order: ACCESS_VIOLATION (LengthNeeded), the handle's, the object's, BUFFER_TOO_SMALL.
NTSTATUS NtQuerySecurityObject(HANDLE Handle, SECURITY_INFORMATION SecurityInformation, PVOID SecurityDescriptor,
                               ULONG Length, PULONG LengthNeeded) {
    if (LengthNeeded == nullptr) return STATUS_ACCESS_VIOLATION;
    const auto found =
        ob::reference_by_handle(Handle, se::access_to_query(SecurityInformation), nullptr, ob::current().previous_mode);
    if (!found) return found.error().code();
    void* object = found->object.get();
    ULONG needed = 0;
    const auto query = [&] {
        return answer(ob::query_security(object, SecurityInformation), SecurityDescriptor, Length, &needed);
    };
    NTSTATUS status = STATUS_SUCCESS;
    if (filtered(object)) {
        ULONG length = Length;
        REG_QUERY_KEY_SECURITY_INFORMATION info{};
        info.Object = object;
        info.SecurityInformation = &SecurityInformation;
        info.SecurityDescriptor = SecurityDescriptor;
        info.Length = &length;
        cm::filter::Operation operation(RegNtPreQueryKeySecurity, object, &info);
        const bool proceed = operation.pre();
        const NTSTATUS outcome = proceed ? query() : operation.blocked_status();
        length = proceed ? needed : length;
        status = operation.post(outcome);
        needed = length;
    } else {
        status = query();
    }
    if (NT_SUCCESS(status) || status == STATUS_BUFFER_TOO_SMALL) *LengthNeeded = needed;
    return status;
}

// ERRORS, in this order: ACCESS_VIOLATION, the descriptor's, the handle's, the object's.
NTSTATUS NtSetSecurityObject(HANDLE Handle, SECURITY_INFORMATION SecurityInformation,
                             PSECURITY_DESCRIPTOR SecurityDescriptor) {
    if (SecurityDescriptor == nullptr) return STATUS_ACCESS_VIOLATION;
    const auto captured = se::capture_descriptor(SecurityDescriptor);
    if (!captured) return captured.error().code();
    const auto& context = ob::current();
    const auto found =
        ob::reference_by_handle(Handle, se::access_to_set(SecurityInformation), nullptr, context.previous_mode);
    if (!found) return found.error().code();
    void* object = found->object.get();
    const auto set = [&] {
        return rtl::to_ntstatus(ob::set_security(object, SecurityInformation, *captured, context.token()));
    };
    if (!filtered(object)) return set();
    REG_SET_KEY_SECURITY_INFORMATION info{};
    info.Object = object;
    info.SecurityInformation = &SecurityInformation;
    info.SecurityDescriptor = const_cast<std::byte*>(captured->bytes().data());
    cm::filter::Operation operation(RegNtPreSetKeySecurity, object, &info);
    return operation.run(set);
}

}  // namespace regent::nt::service
