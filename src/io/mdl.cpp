// Memory descriptor lists and probing. Host and driver share one address space, so a mapping is the address itself.
#include <dlfcn.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "cm/callback.h"
#include "ex/verifier.h"
#include "rtl/utf16.h"
#include "wdk/ntddk.h"

namespace verifier = regent::ex::verifier;

namespace {
constexpr ULONG_PTR highest_user_address = 0x7FFFFFFEFFFF;
}

extern "C" {

PMDL IoAllocateMdl(PVOID address, ULONG length, BOOLEAN secondary, BOOLEAN, PIRP irp) {
    auto* const mdl = static_cast<PMDL>(std::calloc(1, sizeof(MDL)));
    if (mdl == nullptr) return nullptr;
    mdl->Size = sizeof(MDL);
    mdl->StartVa = PAGE_ALIGN(address);
    mdl->ByteOffset = BYTE_OFFSET(address);
    mdl->ByteCount = length;
    if (irp == nullptr) return mdl;
    PMDL* link = &irp->MdlAddress;
    while (secondary && *link != nullptr) link = &(*link)->Next;
    *link = mdl;
    return mdl;
}

VOID IoFreeMdl(PMDL mdl) { std::free(mdl); }

VOID MmBuildMdlForNonPagedPool(PMDL mdl) {
    mdl->MappedSystemVa = MmGetMdlVirtualAddress(mdl);
    mdl->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
}

VOID MmProbeAndLockPages(PMDL mdl, KPROCESSOR_MODE mode, LOCK_OPERATION operation) {
    if (mode == UserMode) ProbeForRead(MmGetMdlVirtualAddress(mdl), mdl->ByteCount, 1);
    mdl->MdlFlags |= MDL_PAGES_LOCKED;
    if (operation != IoReadAccess) mdl->MdlFlags |= MDL_WRITE_OPERATION;
}

VOID MmUnlockPages(PMDL mdl) {
    mdl->MdlFlags = static_cast<CSHORT>(mdl->MdlFlags & ~(MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA));
}

PVOID MmMapLockedPagesSpecifyCache(PMDL mdl, KPROCESSOR_MODE, MEMORY_CACHING_TYPE, PVOID, ULONG, ULONG) {
    mdl->MappedSystemVa = MmGetMdlVirtualAddress(mdl);
    mdl->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA;
    return mdl->MappedSystemVa;
}

VOID MmUnmapLockedPages(PVOID, PMDL mdl) {
    mdl->MdlFlags = static_cast<CSHORT>(mdl->MdlFlags & ~MDL_MAPPED_TO_SYSTEM_VA);
}

// Names are case-sensitive; only what this library exports can be found.
PVOID MmGetSystemRoutineAddress(PUNICODE_STRING name) {
    const std::string text = regent::rtl::to_utf8(regent::rtl::view(name));
    Dl_info self{};
    dladdr(reinterpret_cast<const void*>(&IoAllocateMdl), &self);
    void* const routine = dlsym(RTLD_DEFAULT, text.c_str());
    Dl_info found{};
    if (routine == nullptr || dladdr(routine, &found) == 0 || found.dli_fbase != self.dli_fbase) return nullptr;
    return routine;
}

// The kernel looks for us: a copy from an address that is not mapped fails without a signal.
BOOLEAN MmIsAddressValid(PVOID address) {
    char byte = 0;
    iovec local{&byte, 1};
    iovec remote{address, 1};
    return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == 1;
}

VOID ProbeForRead(const volatile VOID* address, SIZE_T length, ULONG alignment) {
    const auto start = reinterpret_cast<ULONG_PTR>(address);
    if (length == 0) return;
    if ((start & (alignment - 1)) != 0) ExRaiseDatatypeMisalignment();
    if (start + length < start || start + length > highest_user_address) ExRaiseAccessViolation();
    if (!regent::cm::filter::is_captured_input(address, length)) return;
    if (const regent::ex::DriverId driver = verifier::verified_caller(); driver != 0)
        verifier::report(driver, verifier::rules::captured_pointer_probed,
                         "a probe of an input that the service has captured: it is no user address");
    ExRaiseAccessViolation();
}

VOID ProbeForWrite(volatile VOID* address, SIZE_T length, ULONG alignment) {
    ProbeForRead(address, length, alignment);
    auto* const bytes = static_cast<volatile char*>(address);
    for (SIZE_T offset = 0; offset < length; offset += PAGE_SIZE) bytes[offset] = bytes[offset];
}

}  // extern "C"
