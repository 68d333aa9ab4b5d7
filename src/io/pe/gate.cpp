#include "io/pe/gate.h"

#include <asm/prctl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "rtl/assert.h"
#include "wdk/ntddk.h"

// On entry: r11 the Export, the rest as Windows' convention has it. Stack, from the frame's lowest address: GateFrame.
// rbx holds the frame over the call: the host's routine keeps it.
__asm__(R"(
    .text
    .globl  rg_pe_gate
    .hidden rg_pe_gate
    .type   rg_pe_gate, @function
rg_pe_gate:
    .cfi_startproc
    pushq   %rbp
    .cfi_def_cfa_offset 16
    .cfi_offset %rbp, -16
    movq    %rsp, %rbp
    .cfi_def_cfa_register %rbp
    pushq   %rbx
    .cfi_offset %rbx, -24
    pushq   %rdi
    pushq   %rsi
    pushq   %r12
    .cfi_offset %r12, -48
    pushq   %r13
    .cfi_offset %r13, -56
    pushq   %r14
    .cfi_offset %r14, -64
    pushq   %r15
    .cfi_offset %r15, -72
    subq    $0xB8, %rsp
    movaps  %xmm6, 0x10(%rsp)
    movaps  %xmm7, 0x20(%rsp)
    movaps  %xmm8, 0x30(%rsp)
    movaps  %xmm9, 0x40(%rsp)
    movaps  %xmm10, 0x50(%rsp)
    movaps  %xmm11, 0x60(%rsp)
    movaps  %xmm12, 0x70(%rsp)
    movaps  %xmm13, 0x80(%rsp)
    movaps  %xmm14, 0x90(%rsp)
    movaps  %xmm15, 0xA0(%rsp)
    movq    %r11, 0x8(%rsp)
    movq    %gs:0x1000, %rax
    movq    %rax, (%rsp)
    movq    %rsp, %gs:0x1000
    movq    %rsp, %rbx
    movq    %rcx, 0x100(%rbx)
    movq    %rdx, 0x108(%rbx)
    movq    %r8, 0x110(%rbx)
    movq    %r9, 0x118(%rbx)
    movslq  0x8(%r11), %rax
    leaq    0x100(%rbx), %rdi
    testq   %rax, %rax
    js      2f
    jz      1f
    leaq    1(%rax), %r10
    andq    $-2, %r10
    shlq    $3, %r10
    subq    %r10, %rsp
0:  movq    0x128(%rbx,%rax,8), %r10
    movq    %r10, -8(%rsp,%rax,8)
    decq    %rax
    jnz     0b
1:  movq    %rcx, %rdi
    movq    %rdx, %rsi
    movq    %r8, %rdx
    movq    %r9, %rcx
    movq    0x120(%rbx), %r8
    movq    0x128(%rbx), %r9
2:  call    *(%r11)
    .globl  rg_pe_gate_return
    .hidden rg_pe_gate_return
rg_pe_gate_return:
    movq    (%rbx), %rcx
    movq    %rcx, %gs:0x1000
    movaps  0x10(%rbx), %xmm6
    movaps  0x20(%rbx), %xmm7
    movaps  0x30(%rbx), %xmm8
    movaps  0x40(%rbx), %xmm9
    movaps  0x50(%rbx), %xmm10
    movaps  0x60(%rbx), %xmm11
    movaps  0x70(%rbx), %xmm12
    movaps  0x80(%rbx), %xmm13
    movaps  0x90(%rbx), %xmm14
    movaps  0xA0(%rbx), %xmm15
    leaq    0xB8(%rbx), %rsp
    popq    %r15
    popq    %r14
    popq    %r13
    popq    %r12
    popq    %rsi
    popq    %rdi
    popq    %rbx
    popq    %rbp
    .cfi_def_cfa %rsp, 8
    ret
    .cfi_endproc
    .size   rg_pe_gate, . - rg_pe_gate
)");

namespace regent::io::pe {

namespace {
constinit thread_local ProcessorBlock* block = nullptr;  // looked at by signal handlers: needs no initialisation

// Frees a thread's block after all of its C++ thread-locals have ended: the end of one calls notify routines in
// drivers.
class BlockKey {
public:
    BlockKey() {
        RG_ASSERT(pthread_key_create(&key_, [](void* ending) {
                      block = nullptr;
                      delete static_cast<ProcessorBlock*>(ending);
                  }) == 0);
    }
    void keep(ProcessorBlock* made) const { RG_ASSERT(pthread_setspecific(key_, made) == 0); }

private:
    pthread_key_t key_{};
};

// FS is the C library's on this system; GS is free. FSGSBASE is not on every processor: ask the kernel.
void make_block() {
    static const BlockKey key;
    auto made = std::make_unique<ProcessorBlock>();
    made->self = made.get();
    made->current_processor = &made->reserved_0x028[0x180 - 0x28];
    RG_ASSERT(syscall(SYS_arch_prctl, ARCH_SET_GS, made.get()) == 0);
    block = made.get();
    key.keep(made.release());
}
}  // namespace

ProcessorBlock* processor_block() { return block; }

void enter_foreign_code() {
    if (block == nullptr) [[unlikely]]
        make_block();
    block->current_thread = KeGetCurrentThread();
}

const void* caller_behind_gate(const void* return_address) {
    if (return_address != reinterpret_cast<const void*>(&rg_pe_gate_return)) return return_address;
    return reinterpret_cast<const void*>(block->top->return_address);
}

void write_stub(std::byte* where, const Export& target) {
    const Export* const argument = &target;
    void (*const gate)() = rg_pe_gate;
    constexpr unsigned char load_r11[] = {0x49, 0xBB};
    constexpr unsigned char load_rax[] = {0x48, 0xB8};
    constexpr unsigned char jump_rax[] = {0xFF, 0xE0};
    std::memcpy(where, load_r11, 2);
    std::memcpy(where + 2, &argument, 8);
    std::memcpy(where + 10, load_rax, 2);
    std::memcpy(where + 12, &gate, 8);
    std::memcpy(where + 20, jump_rax, 2);
}

}  // namespace regent::io::pe
