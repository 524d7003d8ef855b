/*
 * The first instruction of a test guest, and every way in and out of it:
 * exceptions, the system-call and event callbacks, and the way to user mode.
 */
#define __ASSEMBLY__ 1
#include "layout.h"

.macro elfnote type:req, data:vararg
    .pushsection .note.Xen, "a", @note
    .balign 4
    .long 4, 2f - 1f, \type
    .asciz "Xen"
1:  \data
2:  .balign 4
    .popsection
.endm

    elfnote 1, .quad _start              /* ENTRY */
    elfnote 3, .quad VIRT_BASE
    elfnote 4, .quad 0                   /* PADDR_OFFSET */
    elfnote 5, .asciz "xen-3.0"          /* XEN_VERSION */
    elfnote 6, .asciz "paravane-test"    /* GUEST_OS */
    elfnote 8, .asciz "generic"          /* LOADER */
    elfnote 9, .asciz "yes"              /* PAE_MODE */
    elfnote 10, .asciz "!writable_page_tables|pae_pgdir_above_4gb"
    .section .note.GNU-stack, "", @progbits

    .text
    .globl _start
_start:
    /* What we found, before anything of ours can change it. */
    fxsave  boot_fpu
    mov     %rax, boot_gprs + 0
    mov     %rbx, boot_gprs + 8
    mov     %rcx, boot_gprs + 16
    mov     %rdx, boot_gprs + 24
    mov     %rdi, boot_gprs + 32
    mov     %rbp, boot_gprs + 40
    mov     %r8, boot_gprs + 48
    mov     %r9, boot_gprs + 56
    mov     %r10, boot_gprs + 64
    mov     %r11, boot_gprs + 72
    mov     %r12, boot_gprs + 80
    mov     %r13, boot_gprs + 88
    mov     %r14, boot_gprs + 96
    mov     %r15, boot_gprs + 104
    mov     %rsp, boot_rsp
    pushf
    popq    boot_rflags
    mov     %rsi, start_info
    mov     $main_stack + STACK_SIZE, %rsp
    xor     %ebp, %ebp
    cld
    call    guest_start
1:  ud2
    jmp     1b

/* A second vCPU: rdi the function, rsi its argument, rsp its own stack. */
    .globl smp_entry
smp_entry:
    xor     %ebp, %ebp
    fxsave  boot_fpu_ap
    mov     %rdi, %rax
    mov     %rsi, %rdi
    call    *%rax
1:  ud2
    jmp     1b

/*
 * Entry stubs. The hypervisor left rcx, r11, [error code], rip, cs, rflags,
 * rsp, ss; `struct regs` keeps error code and vector in one slot, which is the
 * `flags` slot of the iret hypercall on the way out.
 */
    .macro entry name:req, vec:req, error=0
    .balign 16
\name:
    pop     %rcx
    pop     %r11
    .if \error == 0
    pushq   $0
    .endif
    movl    $\vec, 4(%rsp)
    jmp     entry_common
    .endm

    .balign ENTRY_STUB_SIZE
    .globl trap_stubs
trap_stubs:
    .set    vec, 0
    .rept   256
    .if vec == 8 || (vec >= 10 && vec <= 14) || vec == 17 || vec == 21
    pop     %rcx
    pop     %r11
    .else
    pop     %rcx
    pop     %r11
    pushq   $0
    .endif
    movl    $vec, 4(%rsp)
    jmp     entry_common
    .balign ENTRY_STUB_SIZE, 0xcc
    .set    vec, vec + 1
    .endr

    .globl  entry_syscall, entry_event, entry_failsafe, entry_syscall32
    entry   entry_syscall, VEC_SYSCALL
    entry   entry_syscall32, VEC_SYSCALL32
    entry   entry_event, VEC_EVENT

    .balign 16
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
    mov     %rsp, %rbp
    cld
    and     $-16, %rsp
    call    trap_entry
    mov     %rbp, %rsp
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

/*
 * int trap_try(void): 0 at once; if an exception follows before trap_catching
 * is cleared, trap_entry() makes it return again, with 1.
 */
    .globl trap_try, trap_landing
trap_try:
    mov     %rbx, trap_saved + 0
    mov     %rbp, trap_saved + 8
    mov     %r12, trap_saved + 16
    mov     %r13, trap_saved + 24
    mov     %r14, trap_saved + 32
    mov     %r15, trap_saved + 40
    mov     (%rsp), %rax
    mov     %rax, trap_saved + 48
    lea     8(%rsp), %rax
    mov     %rax, trap_saved + 56
    movl    $1, trap_catching
    xor     %eax, %eax
    ret
trap_landing:
    mov     trap_saved + 0, %rbx
    mov     trap_saved + 8, %rbp
    mov     trap_saved + 16, %r12
    mov     trap_saved + 24, %r13
    mov     trap_saved + 32, %r14
    mov     trap_saved + 40, %r15
    mov     trap_saved + 56, %rsp
    movl    $0, trap_catching
    mov     $1, %eax
    jmp     *trap_saved + 48

/* void iret_raw(const struct iret_frame *): leave by the whole frame. */
    .globl iret_raw
iret_raw:
    mov     %rdi, %rsp
    mov     $HC_IRET, %eax
    syscall
    ud2

    .section .bss, "aw", @nobits
    .balign 4096
    .globl main_stack, trap_stack
main_stack:
    .skip   STACK_SIZE
trap_stack:
    .skip   STACK_SIZE
    .globl boot_fpu, boot_fpu_ap, boot_gprs, boot_rsp, boot_rflags, start_info
    .balign 16
boot_fpu:
    .skip   512
boot_fpu_ap:
    .skip   512
boot_gprs:
    .skip   14 * 8
boot_rsp:
    .skip   8
boot_rflags:
    .skip   8
start_info:
    .skip   8
    .globl trap_saved, trap_catching
trap_saved:
    .skip   64
trap_catching:
    .skip   4
