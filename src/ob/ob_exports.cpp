// Ob*: objects for drivers. Bodies are the pointers they hold.
#include "ex/pool.h"
#include "ob/handle.h"
#include "ob/lookup.h"
#include "ob/namespace.h"
#include "ob/security.h"
#include "wdk/wdm.h"

using namespace regent;
using regent::ob::ObjectRef;

namespace {

const ob::ObjectType* as_type(POBJECT_TYPE type) { return reinterpret_cast<const ob::ObjectType*>(type); }

// A kernel caller may ask for any type; a user's request must name one.
bool type_accepts(const void* object, POBJECT_TYPE type, KPROCESSOR_MODE mode) {
    if (type == nullptr) return mode == KernelMode;
    return &ob::type_of(object) == as_type(type);
}

}  // namespace

NTSTATUS ob::NameQuery::run() const {
    const auto name = ob::query_name(object);
    if (!name) return name.error().code();
    const NTSTATUS status = ob::write_name_information(*name, information, length, return_length);
    return status == STATUS_BUFFER_OVERFLOW ? STATUS_INFO_LENGTH_MISMATCH : status;
}

extern "C" {

NTSTATUS ObReferenceObjectByHandle(HANDLE Handle, ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
                                   KPROCESSOR_MODE AccessMode, PVOID* Object,
                                   POBJECT_HANDLE_INFORMATION HandleInformation) {
    *Object = nullptr;
    auto found = ob::reference_by_handle(Handle, DesiredAccess, as_type(ObjectType), AccessMode);
    if (!found) return found.error().code();
    if (HandleInformation != nullptr) *HandleInformation = {found->attributes, found->granted};
    *Object = found->object.release();
    return STATUS_SUCCESS;
}

NTSTATUS ObReferenceObjectByPointer(PVOID Object, ACCESS_MASK, POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode) {
    if (!type_accepts(Object, ObjectType, AccessMode)) return STATUS_OBJECT_TYPE_MISMATCH;
    ob::reference(Object);
    return STATUS_SUCCESS;
}

LONG_PTR ObfReferenceObject(PVOID Object) { return ob::header_of(Object).pointer_count.fetch_add(1) + 1; }

LONG_PTR ObfDereferenceObject(PVOID Object) {
    // The answer is a hint as on NT: others may count meanwhile.
    LONG_PTR left = ob::header_of(Object).pointer_count.load() - 1;
    ob::dereference(Object);
    return left;
}

// Destruction needs no particular IRQL here, so nothing is put off.
VOID ObDereferenceObjectDeferDelete(PVOID Object) { ob::dereference(Object); }

NTSTATUS ObOpenObjectByPointer(PVOID Object, ULONG HandleAttributes, PACCESS_STATE, ACCESS_MASK DesiredAccess,
                               POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode, PHANDLE Handle) {
    *Handle = nullptr;
    if ((HandleAttributes & ~static_cast<ULONG>(OBJ_VALID_ATTRIBUTES)) != 0) return STATUS_INVALID_PARAMETER;
    if (!type_accepts(Object, ObjectType, AccessMode) && ObjectType != nullptr) return STATUS_OBJECT_TYPE_MISMATCH;
    // OBJ_KERNEL_HANDLE is the caller's to ask for, whatever the thread's previous mode is.
    ob::CallerScope scope(AccessMode);
    if ((HandleAttributes & OBJ_KERNEL_HANDLE) != 0) ob::current().previous_mode = KernelMode;
    auto made = ob::open_by_pointer(ObjectRef<void>::retain(Object), DesiredAccess, HandleAttributes, AccessMode);
    if (!made) return made.error().code();
    *Handle = *made;
    return STATUS_SUCCESS;
}

NTSTATUS ObQueryNameString(PVOID Object, POBJECT_NAME_INFORMATION ObjectNameInfo, ULONG Length, PULONG ReturnLength) {
    const ob::NameQuery query{Object, ObjectNameInfo, Length, ReturnLength};
    const auto announce = ob::type_of(Object).procedures.announce_name_query;
    return announce != nullptr ? announce(Object, query) : query.run();
}

POBJECT_TYPE ObGetObjectType(PVOID Object) { return reinterpret_cast<POBJECT_TYPE>(ob::header_of(Object).type); }

NTSTATUS ObCloseHandle(HANDLE Handle, KPROCESSOR_MODE PreviousMode) {
    return rtl::to_ntstatus(ob::close_handle(Handle, PreviousMode));
}

NTSTATUS ObGetObjectSecurity(PVOID Object, PSECURITY_DESCRIPTOR* SecurityDescriptor, PBOOLEAN MemoryAllocated) {
    *SecurityDescriptor = nullptr;
    *MemoryAllocated = FALSE;
    auto found = ob::security_of(Object);
    if (!found) return found.error().code();
    if (!*found) return STATUS_SUCCESS;
    Bytes bytes = (*found)->bytes();
    void* copy = ExAllocatePoolWithTag(PagedPool, bytes.size(), 0x6553624f);  // 'ObSe'
    if (copy == nullptr) return STATUS_INSUFFICIENT_RESOURCES;
    memcpy(copy, bytes.data(), bytes.size());
    *SecurityDescriptor = copy;
    *MemoryAllocated = TRUE;
    return STATUS_SUCCESS;
}

VOID ObReleaseObjectSecurity(PSECURITY_DESCRIPTOR SecurityDescriptor, BOOLEAN MemoryAllocated) {
    if (SecurityDescriptor != nullptr && MemoryAllocated) ExFreePoolWithTag(SecurityDescriptor, 0x6553624f);
}

}  // extern "C"
