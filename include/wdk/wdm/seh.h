/* Structured exceptions: what a filter sees, and the words that drivers use. Layouts are those of Windows x64. */
#pragma once

#include "base.h"

/* The short words of Windows' excpt.h, in C. */
#ifndef __cplusplus
#define try __try
#define except __except
#define finally __finally
#define leave __leave
#endif

#define EXCEPTION_EXECUTE_HANDLER 1
#define EXCEPTION_CONTINUE_SEARCH 0
#define EXCEPTION_CONTINUE_EXECUTION (-1)
#define EXCEPTION_MAXIMUM_PARAMETERS 15

#define EXCEPTION_NONCONTINUABLE 0x1
#define EXCEPTION_UNWINDING 0x2
#define EXCEPTION_EXIT_UNWIND 0x4
#define EXCEPTION_STACK_INVALID 0x8
#define EXCEPTION_NESTED_CALL 0x10
#define EXCEPTION_TARGET_UNWIND 0x20
#define EXCEPTION_COLLIDED_UNWIND 0x40
#define EXCEPTION_UNWIND 0x66

typedef struct _EXCEPTION_RECORD {
    NTSTATUS ExceptionCode;
    ULONG ExceptionFlags;
    struct _EXCEPTION_RECORD* ExceptionRecord;
    PVOID ExceptionAddress;
    ULONG NumberParameters;
    ULONG_PTR ExceptionInformation[EXCEPTION_MAXIMUM_PARAMETERS];
} EXCEPTION_RECORD, *PEXCEPTION_RECORD;

typedef struct DECLSPEC_ALIGN(16) _M128A {
    ULONGLONG Low;
    LONGLONG High;
} M128A, *PM128A;

typedef struct DECLSPEC_ALIGN(16) _XSAVE_FORMAT {
    USHORT ControlWord;
    USHORT StatusWord;
    UCHAR TagWord;
    UCHAR Reserved1;
    USHORT ErrorOpcode;
    ULONG ErrorOffset;
    USHORT ErrorSelector;
    USHORT Reserved2;
    ULONG DataOffset;
    USHORT DataSelector;
    USHORT Reserved3;
    ULONG MxCsr;
    ULONG MxCsr_Mask;
    M128A FloatRegisters[8];
    M128A XmmRegisters[16];
    UCHAR Reserved4[96];
} XSAVE_FORMAT, XMM_SAVE_AREA32;

typedef struct DECLSPEC_ALIGN(16) _CONTEXT {
    ULONG64 P1Home, P2Home, P3Home, P4Home, P5Home, P6Home;
    ULONG ContextFlags;
    ULONG MxCsr;
    USHORT SegCs, SegDs, SegEs, SegFs, SegGs, SegSs;
    ULONG EFlags;
    ULONG64 Dr0, Dr1, Dr2, Dr3, Dr6, Dr7;
    ULONG64 Rax, Rcx, Rdx, Rbx, Rsp, Rbp, Rsi, Rdi, R8, R9, R10, R11, R12, R13, R14, R15;
    ULONG64 Rip;
    XSAVE_FORMAT FltSave;
    M128A VectorRegister[26];
    ULONG64 VectorControl;
    ULONG64 DebugControl, LastBranchToRip, LastBranchFromRip, LastExceptionToRip, LastExceptionFromRip;
} CONTEXT, *PCONTEXT;

typedef struct _EXCEPTION_POINTERS {
    PEXCEPTION_RECORD ExceptionRecord;
    PCONTEXT ContextRecord;
} EXCEPTION_POINTERS, *PEXCEPTION_POINTERS;

typedef enum _EXCEPTION_DISPOSITION {
    ExceptionContinueExecution,
    ExceptionContinueSearch,
    ExceptionNestedException,
    ExceptionCollidedUnwind
} EXCEPTION_DISPOSITION;

RG_EXTERN_C_BEGIN

DECLSPEC_NORETURN VOID ExRaiseStatus(NTSTATUS Status);
DECLSPEC_NORETURN VOID ExRaiseAccessViolation(VOID);
DECLSPEC_NORETURN VOID ExRaiseDatatypeMisalignment(VOID);
DECLSPEC_NORETURN VOID RtlRaiseStatus(NTSTATUS Status);
/* Returns when a filter answered EXCEPTION_CONTINUE_EXECUTION. */
VOID RtlRaiseException(PEXCEPTION_RECORD ExceptionRecord);

RG_EXTERN_C_END

#if !defined(_WIN32)
/* One __try block of an ELF driver while it runs, in the stack frame of its function; what regent-cc puts in the source
   uses these, nobody else. */
typedef struct _RG_SEH_FRAME {
    struct _RG_SEH_FRAME* Previous;
    ULONG_PTR Registers[8]; /* rbx, rbp, r12 to r15, rsp, rip at RgSehEnter */
    PVOID Caller;           /* the stack of whoever runs the filter or the __finally block */
    const void* Owner;      /* the host's call of the driver that the block is in */
    LONG State;             /* what RgSehEnter gave: 0 the block, 1 the filter or __finally block, 2 the handler */
    NTSTATUS Code;
    LONG Abnormal; /* left otherwise than over its end */
    UCHAR Finally;
    UCHAR Linked;
    UCHAR HasJump; /* under ThreadSanitizer, which must see where the handler goes on */
    EXCEPTION_POINTERS Pointers;
    DECLSPEC_ALIGN(16) UCHAR Jump[256];
} RG_SEH_FRAME;

RG_EXTERN_C_BEGIN
__attribute__((returns_twice)) int RgSehEnter(RG_SEH_FRAME* Frame, int Finally);
__attribute__((returns_twice)) int RgSehSetJump(void* Jump) __asm__("_setjmp");
DECLSPEC_NORETURN void RgSehReturn(RG_SEH_FRAME* Frame, LONG Answer);
void RgSehLeave(RG_SEH_FRAME* Frame);
RG_EXTERN_C_END
#if defined(__clang__)
#define RG_SEH_COMPILER RgSehClang
#else
#define RG_SEH_COMPILER RgSehGcc
#endif
typedef int RG_SEH_COMPILER; /* tells regent-cc which attributes the functions need */
#endif

RG_STATIC_ASSERT(sizeof(EXCEPTION_RECORD) == 0x98 && sizeof(CONTEXT) == 0x4D0);
RG_STATIC_ASSERT(offsetof(CONTEXT, Rax) == 0x78 && offsetof(CONTEXT, Rip) == 0xF8 &&
                 offsetof(CONTEXT, FltSave) == 0x100);
