/*
 * The first instruction of the tiny guest, of its other vCPUs, and the ways in:
 * exceptions and event upcalls.
 */
#define __ASSEMBLY__ 1
#include "pv-frontends/guest/layout.h"

#include <xen/elfnote.h>

.macro note type:req, data:vararg
    .pushsection .note.Xen, "a", @note
    .balign 4
    .long 4, 2f - 1f, \type
    .asciz "Xen"
1:  \data
2:  .balign 4
    .popsection
.endm

    note XEN_ELFNOTE_ENTRY, .quad _start
    note XEN_ELFNOTE_VIRT_BASE, .quad VIRT_BASE
    note XEN_ELFNOTE_PADDR_OFFSET, .quad 0
    note XEN_ELFNOTE_XEN_VERSION, .asciz "xen-3.0"
    note XEN_ELFNOTE_GUEST_OS, .asciz "paravane-tiny"
    note XEN_ELFNOTE_LOADER, .asciz "generic"
    note XEN_ELFNOTE_FEATURES, .asciz "!writable_page_tables|pae_pgdir_above_4gb"
    note XEN_ELFNOTE_SUSPEND_CANCEL, .long 1
    .section .note.GNU-stack, "", @progbits

    .text
    .globl _start
_start:
    mov     %rsp, boot_stack_end
    mov     $stacks + STACK_SIZE, %rsp
    mov     %rsi, %rdi
    xor     %ebp, %ebp
    cld
    call    guest_start
1:  ud2
    jmp     1b

/* Another vCPU, on a stack of its own: rdi is its number. */
    .globl vcpu_entry
vcpu_entry:
    xor     %ebp, %ebp
    call    vcpu_start
1:  ud2
    jmp     1b

/*
 * The hypervisor left rcx, r11, [error code], rip, cs, rflags, rsp, ss. Vector
 * and error code share a slot, which is `flags` of the iret hypercall on the way
 * out.
 */
    .macro stub vec:req
    pop     %rcx
    pop     %r11
    .if !(\vec == 8 || (\vec >= 10 && \vec <= 14) || \vec == 17 || \vec == 21)
    pushq   $0
    .endif
    movl    $\vec, 4(%rsp)
    jmp     entry_common
    .endm

    .globl trap_stubs, entry_event, entry_failsafe, entry_syscall
    .balign STUB_SIZE
trap_stubs:
    .set    vec, 0
    .rept   NR_VECTORS
    .balign STUB_SIZE
    stub    vec
    .set    vec, vec + 1
    .endr

    .balign STUB_SIZE
entry_event:
    stub    VEC_EVENT
entry_syscall:
    stub    VEC_SYSCALL
entry_failsafe:
    /* rcx, r11, ds, es, fs, gs come before the frame proper. */
    pop     %rcx
    pop     %r11
    add     $32, %rsp
    pushq   $0
    movl    $VEC_FAILSAFE, 4(%rsp)

entry_common:
    push    %rcx
    push    %r11
    push    %rax
    push    %rdi
    push    %rsi
    push    %rdx
    push    %r8
    push    %r9
    push    %r10
    push    %rbx
    push    %rbp
    push    %r12
    push    %r13
    push    %r14
    push    %r15
    mov     %rsp, %rdi
    mov     %rsp, %rbx
    cld
    and     $-16, %rsp
    call    trap_entry
    mov     %rbx, %rsp
    pop     %r15
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %rbp
    pop     %rbx
    pop     %r10
    pop     %r9
    pop     %r8
    pop     %rdx
    pop     %rsi
    pop     %rdi
    /* rax, r11, rcx, flags = 0, rip, cs, rflags, rsp, ss */
    movq    $0, 24(%rsp)
    mov     $HC_IRET, %eax
    syscall
    ud2

    .section .bss, "aw", @nobits
    .balign STACK_SIZE
    .globl  stacks, boot_stack_end
stacks:
    .skip   STACK_SIZE
boot_stack_end:
    .skip   8
