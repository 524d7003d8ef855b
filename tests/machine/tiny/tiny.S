/*
 * PV guests of a few instructions, for what has to be quick or ill-behaved.
 * What it does is a build-time choice (build.mk): idle, spin, crash, poweroff.
 * Event upcalls start out masked and stay so.
 */
#include <xen/xen.h>
#include <xen/elfnote.h>

/* <xen/sched.h> is C all through; its names, for the assembler. */
#define SCHEDOP_shutdown  2
#define SCHEDOP_poll      3
#define SHUTDOWN_poweroff 0

#define BASE 0xffffffff80000000

    .section .note.Xen, "a", @note
    .macro note type, directive, desc:vararg
    .balign 4
    .long 4, 2f - 1f, \type
    .asciz "Xen"
1:  \directive \desc
2:  .balign 4
    .endm
    note XEN_ELFNOTE_GUEST_OS, .asciz, "tiny"
    note XEN_ELFNOTE_XEN_VERSION, .asciz, "xen-3.0"
    note XEN_ELFNOTE_LOADER, .asciz, "generic"
    note XEN_ELFNOTE_VIRT_BASE, .quad, BASE
    note XEN_ELFNOTE_PADDR_OFFSET, .quad, BASE
    note XEN_ELFNOTE_ENTRY, .quad, _start

    .text
    .globl _start
_start:
#if defined(TINY_idle)
    /* SCHEDOP_poll of no port and without a deadline: sleep until kicked. */
1:  mov $__HYPERVISOR_sched_op, %eax
    mov $SCHEDOP_poll, %edi
    lea poll(%rip), %rsi
    syscall
    jmp 1b
#elif defined(TINY_spin)
1:  jmp 1b
#elif defined(TINY_crash)
    /* No trap table: the fault has nowhere to go, which is a triple fault. */
    ud2
#elif defined(TINY_poweroff)
    mov $__HYPERVISOR_sched_op, %eax
    mov $SCHEDOP_shutdown, %edi
    lea reason(%rip), %rsi
    syscall
    ud2
#endif

    .data
poll:
    .quad 0, 0, 0
reason:
    .long SHUTDOWN_poweroff
    .section .note.GNU-stack, "", @progbits
