// The DDK's Cm* routines for registry callbacks.
#include <memory>
#include <string>

#include "cm/callback_registry.h"
#include "ex/bugcheck.h"
#include "ex/verifier.h"

using namespace regent;
using namespace regent::cm::filter;

namespace {

// What CmCallbackGetKeyObjectIDEx hands out and CmCallbackReleaseKeyObjectIDEx takes back.
struct NameCopy : UNICODE_STRING {
    Utf16 text;
};

NTSTATUS hand_out(const Result<LARGE_INTEGER>& made, PEX_CALLBACK_FUNCTION function, PLARGE_INTEGER cookie) {
    if (!made) return made.error().code();
    *cookie = *made;
    if (ex::verifier::active())
        ex::verifier::acquired(ex::verifier::Resource::callback, static_cast<std::uint64_t>(made->QuadPart),
                               ex::driver_of(reinterpret_cast<const void*>(function)),
                               "a registry callback, not unregistered");
    return STATUS_SUCCESS;
}

// The routines that take or drop a registration need APC_LEVEL at most (R1, R2, R10).
void check_irql(const char* routine) {
    const KIRQL irql = KeGetCurrentIrql();
    if (irql <= APC_LEVEL) return;
    const ex::DriverFrame* const caller = ex::current_driver_frame();
    const void* const caller_routine = caller != nullptr ? caller->routine : nullptr;
    ex::verifier::complain(ex::driver_of(caller_routine), ex::verifier::rules::irql,
                           std::string(routine) + " called at IRQL " + std::to_string(irql), caller_routine);
}

bool is_key_object(void* object) {
    const KeyObjectHooks& hooks = key_object_hooks();
    return object != nullptr && hooks.contexts != nullptr && hooks.contexts(object) != nullptr;
}

}  // namespace

extern "C" {

NTSTATUS CmRegisterCallback(PEX_CALLBACK_FUNCTION Function, PVOID Context, PLARGE_INTEGER Cookie) {
    check_irql("CmRegisterCallback");
    if (Cookie == nullptr) return STATUS_INVALID_PARAMETER;
    const Profile profile = profile_of(reinterpret_cast<const void*>(Function));
    return hand_out(register_legacy(Function, Context, profile), Function, Cookie);
}

// ERRORS, in this order: INVALID_PARAMETER_3 (no driver, R4), INVALID_PARAMETER_6 (Reserved), INVALID_PARAMETER
// (altitude), FLT_INSTANCE_ALTITUDE_COLLISION, INSUFFICIENT_RESOURCES. Before them NOT_SUPPORTED for a driver of a
// profile that has no such routine.
NTSTATUS CmRegisterCallbackEx(PEX_CALLBACK_FUNCTION Function, PCUNICODE_STRING Altitude, PVOID Driver, PVOID Context,
                              PLARGE_INTEGER Cookie, PVOID Reserved) {
    check_irql("CmRegisterCallbackEx");
    const Profile profile = profile_of(reinterpret_cast<const void*>(Function));
    if (profile < Profile::vista) return STATUS_NOT_SUPPORTED;
    if (Driver == nullptr) return STATUS_INVALID_PARAMETER_3;
    if (Reserved != nullptr) return STATUS_INVALID_PARAMETER_6;
    if (Cookie == nullptr) return STATUS_INVALID_PARAMETER;
    return hand_out(register_callback(Function, rtl::view(Altitude), Context, profile), Function, Cookie);
}

NTSTATUS CmUnRegisterCallback(LARGE_INTEGER Cookie) {
    check_irql("CmUnRegisterCallback");
    const Result<void> done = unregister_callback(Cookie);
    if (done && ex::verifier::active())
        ex::verifier::released(ex::verifier::Resource::callback, static_cast<std::uint64_t>(Cookie.QuadPart));
    return rtl::to_ntstatus(done);
}

// Windows before Vista has neither the routine nor a version: 0.0.
VOID CmGetCallbackVersion(PULONG Major, PULONG Minor) {
    const ex::DriverFrame* caller = ex::current_driver_frame();
    const Profile profile = caller != nullptr ? profile_of(caller->routine) : Profile::windows7;
    if (Major != nullptr) *Major = profile < Profile::vista ? 0 : 1;
    if (Minor != nullptr) *Minor = profile == Profile::windows7 ? 1 : 0;
}

NTSTATUS CmSetCallbackObjectContext(PVOID Object, PLARGE_INTEGER Cookie, PVOID NewContext, PVOID* OldContext) {
    if (!cookie_is_valid(Cookie)) return STATUS_INVALID_PARAMETER;
    if (registrations[slot_of(static_cast<Ticket>(Cookie->QuadPart))].profile < Profile::vista) {
        return STATUS_NOT_SUPPORTED;
    }
    return ContextStore::set(Object, static_cast<Ticket>(Cookie->QuadPart), NewContext, OldContext);
}

NTSTATUS CmCallbackGetKeyObjectID(PLARGE_INTEGER Cookie, PVOID Object, PULONG_PTR ObjectID,
                                  PCUNICODE_STRING* ObjectName) {
    if (!cookie_is_valid(Cookie) || !is_key_object(Object)) return STATUS_INVALID_PARAMETER;
    const KeyObjectHooks& hooks = key_object_hooks();
    if (ObjectName != nullptr) {
        PCUNICODE_STRING name = hooks.cached_name(Object);
        if (name == nullptr) return STATUS_INSUFFICIENT_RESOURCES;
        *ObjectName = name;
    }
    if (ObjectID != nullptr) *ObjectID = hooks.key_id(Object);
    return STATUS_SUCCESS;
}

NTSTATUS CmCallbackGetKeyObjectIDEx(PLARGE_INTEGER Cookie, PVOID Object, PULONG_PTR ObjectID,
                                    PCUNICODE_STRING* ObjectName, ULONG Flags) {
    if (!cookie_is_valid(Cookie) || !is_key_object(Object) || Flags != 0) return STATUS_INVALID_PARAMETER;
    const KeyObjectHooks& hooks = key_object_hooks();
    if (ObjectName != nullptr) {
        Result<Utf16> name = hooks.current_name(Object);
        if (!name) return name.error().code();
        if (name->size() > 0x7FFF) return STATUS_INSUFFICIENT_RESOURCES;
        auto copy = std::make_unique<NameCopy>();
        copy->text = *std::move(name);
        static_cast<UNICODE_STRING&>(*copy) = rtl::unicode_string(copy->text);
        *ObjectName = copy.release();
    }
    if (ObjectID != nullptr) *ObjectID = hooks.key_id(Object);
    return STATUS_SUCCESS;
}

VOID CmCallbackReleaseKeyObjectIDEx(PCUNICODE_STRING ObjectName) {
    const std::unique_ptr<const NameCopy> doomed(static_cast<const NameCopy*>(ObjectName));
}

// No reference is taken: the key object keeps the transaction's object as long as it lives itself.
PVOID CmGetBoundTransaction(PLARGE_INTEGER Cookie, PVOID Object) {
    if (!cookie_is_valid(Cookie) || !is_key_object(Object)) return nullptr;
    const KeyObjectHooks& hooks = key_object_hooks();
    return hooks.bound_transaction == nullptr ? nullptr : hooks.bound_transaction(Object);
}

}  // extern "C"
