/* Entries that end a measurement, and what user mode runs: guest-entry.h. */
#define __ASSEMBLY__ 1
#include "layout.h"
#include "markers.h"
    .section .note.GNU-stack, "", @progbits

    .text
    .globl marked_syscall, marked_event, marked_fault, marked_int3
marked_syscall:
    MARK    MARK_END
    jmp     entry_syscall
marked_event:
    MARK    MARK_END
    jmp     entry_event
marked_fault:
    MARK    MARK_END
    jmp     trap_stubs + 14 * ENTRY_STUB_SIZE
marked_int3:
    MARK    MARK_END
    jmp     trap_stubs + 3 * ENTRY_STUB_SIZE

    .globl user_syscall, user_syscall_end, user_fault, user_fault_end
user_syscall:
    MARK    MARK_END
    MARK    MARK_BEGIN + 42
    syscall
user_syscall_end:
    .globl user_traced, user_traced_end
user_traced:
    MARK    MARK_END
    MARK    MARK_BEGIN + 112
    syscall
user_traced_end:
user_fault:
    MARK    MARK_END
    MARK    MARK_BEGIN + 43
    mov     0x20000000, %eax
user_fault_end:

/* void iret_to_kernel(void): rax, r11, rcx, flags, rip, cs, rflags, rsp, ss */
    .globl iret_to_kernel
iret_to_kernel:
    mov     %rsp, %rax
    push    $0xe02b
    push    %rax
    push    $2 /* events stay masked */
    push    $0xe030
    push    $1f
    push    $0
    push    $0
    push    $0
    push    $0
    mov     $HC_IRET, %eax
    syscall
    ud2
1:  ret
