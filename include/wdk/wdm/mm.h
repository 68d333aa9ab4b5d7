/* Memory descriptor lists and probing. Driver and host share one address space: locking pages is bookkeeping. */
#pragma once

#include "ex.h"

typedef struct _MDL {
    struct _MDL* Next;
    CSHORT Size;
    CSHORT MdlFlags;
    struct _EPROCESS* Process;
    PVOID MappedSystemVa;
    PVOID StartVa;
    ULONG ByteCount;
    ULONG ByteOffset;
} MDL, *PMDL;

#define MDL_MAPPED_TO_SYSTEM_VA 0x0001
#define MDL_PAGES_LOCKED 0x0002
#define MDL_SOURCE_IS_NONPAGED_POOL 0x0004
#define MDL_ALLOCATED_FIXED_SIZE 0x0008
#define MDL_PARTIAL 0x0010
#define MDL_WRITE_OPERATION 0x0080

typedef enum _LOCK_OPERATION RG_ENUM_UNDERLYING { IoReadAccess, IoWriteAccess, IoModifyAccess } LOCK_OPERATION;
typedef enum _MM_PAGE_PRIORITY RG_ENUM_UNDERLYING {
    LowPagePriority,
    NormalPagePriority = 16,
    HighPagePriority = 32
} MM_PAGE_PRIORITY;
typedef enum _MEMORY_CACHING_TYPE RG_ENUM_UNDERLYING { MmNonCached, MmCached, MmWriteCombined } MEMORY_CACHING_TYPE;
#define MdlMappingNoExecute 0x40000000

#define MmGetMdlByteCount(mdl) ((mdl)->ByteCount)
#define MmGetMdlByteOffset(mdl) ((mdl)->ByteOffset)
#define MmGetMdlVirtualAddress(mdl) ((PVOID)((PCHAR)(mdl)->StartVa + (mdl)->ByteOffset))

RG_EXTERN_C_BEGIN

VOID MmBuildMdlForNonPagedPool(PMDL MemoryDescriptorList);
VOID MmProbeAndLockPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode, LOCK_OPERATION Operation);
VOID MmUnlockPages(PMDL MemoryDescriptorList);
PVOID MmMapLockedPagesSpecifyCache(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode, MEMORY_CACHING_TYPE CacheType,
                                   PVOID RequestedAddress, ULONG BugCheckOnFailure, ULONG Priority);
VOID MmUnmapLockedPages(PVOID BaseAddress, PMDL MemoryDescriptorList);
PVOID MmGetSystemRoutineAddress(PUNICODE_STRING SystemRoutineName);
BOOLEAN MmIsAddressValid(PVOID VirtualAddress);
VOID ProbeForRead(const volatile VOID* Address, SIZE_T Length, ULONG Alignment);
VOID ProbeForWrite(volatile VOID* Address, SIZE_T Length, ULONG Alignment);

RG_EXTERN_C_END

FORCEINLINE PVOID MmGetSystemAddressForMdlSafe(PMDL mdl, ULONG priority) {
    if (mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL)) return mdl->MappedSystemVa;
    return MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, NULL, FALSE, priority);
}
#define MmGetSystemAddressForMdl(mdl) MmGetSystemAddressForMdlSafe((mdl), HighPagePriority)
#define MmLockPagableCodeSection(p) (p)
#define MmLockPagableDataSection(p) (p)
#define MmUnlockPagableImageSection(h) ((void)(h))
#define MmPageEntireDriver(p) (p)
#define MmResetDriverPaging(p) ((void)(p))

#define PAGED_CODE() NT_ASSERT(KeGetCurrentIrql() <= APC_LEVEL)
#define PAGED_CODE_LOCKED() ((void)0)

RG_STATIC_ASSERT(sizeof(MDL) == 0x30 && offsetof(MDL, MdlFlags) == 0xa && offsetof(MDL, Process) == 0x10);
RG_STATIC_ASSERT(offsetof(MDL, MappedSystemVa) == 0x18 && offsetof(MDL, StartVa) == 0x20);
RG_STATIC_ASSERT(offsetof(MDL, ByteCount) == 0x28 && offsetof(MDL, ByteOffset) == 0x2c);
