// Instructions that may fault, and where each goes on when it does: the way to touch memory that somebody else named.
//
// RG_MAY_FAULT_* are inline assembly with a second exit. Each writes two relative addresses into the section
// rg_fault_table of its library; the handler of SIGSEGV and SIGBUS that catch_table_faults() installs looks a faulting
// instruction up there and goes on at its exit. Other faults go to the handler that was there before.
#pragma once

namespace regent::rtl {

// Installs the handler, once. A program that installs its own afterwards and does not pass faults on takes it away.
void catch_table_faults();

// Whether the byte can be read, or read and written; both leave it as it was. Internal linkage: the table of a library
// must not name code that the linker dropped as a duplicate.
namespace {

#if defined(__x86_64__)
#define RG_READ_BYTE "movb (%0), %%al"
#define RG_WRITE_BYTE "movb %%al, (%0)"
#define RG_BYTE_REGISTER "rax"
#elif defined(__aarch64__)
#define RG_READ_BYTE "ldrb w9, [%0]"
#define RG_WRITE_BYTE "strb w9, [%0]"
#define RG_BYTE_REGISTER "x9"
#else
#error "say here how a byte is read and written"
#endif

[[maybe_unused]] inline bool can_read_byte(const void* at) {
    __asm__ goto("1: " RG_READ_BYTE
                 "\n"
                 ".pushsection rg_fault_table, \"a\"\n"
                 ".balign 4\n.long 1b - ., %l[bad] - .\n"
                 ".popsection"
                 :
                 : "r"(at)
                 : RG_BYTE_REGISTER, "memory"
                 : bad);
    return true;
bad:
    return false;
}

[[maybe_unused]] inline bool can_write_byte(void* at) {
    __asm__ goto("1: " RG_READ_BYTE
                 "\n"
                 "2: " RG_WRITE_BYTE
                 "\n"
                 ".pushsection rg_fault_table, \"a\"\n"
                 ".balign 4\n.long 1b - ., %l[bad] - .\n.long 2b - ., %l[bad] - .\n"
                 ".popsection"
                 :
                 : "r"(at)
                 : RG_BYTE_REGISTER, "memory"
                 : bad);
    return true;
bad:
    return false;
}

#undef RG_READ_BYTE
#undef RG_WRITE_BYTE
#undef RG_BYTE_REGISTER

}  // namespace

}  // namespace regent::rtl
