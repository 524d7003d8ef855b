/*
 * Exceptions and interrupts: one stub a vector, then the common path that
 * completes struct cpu_user_regs. Data segment registers stay the guest's:
 * long mode ignores them, and vcpu_context_switch() saves them.
 */
#include "cpu/regs.h"

    .text
    .balign 16
    .globl trap_stubs
    .hidden trap_stubs
trap_stubs:
    .set vector, 0
    .rept 256
    .balign 16
    /* TRAP_HAS_ERROR_CODE; the mask keeps the shift count in range. */
    .if vector >= 32 || !((0x20227d00 >> (vector & 31)) & 1)
    push $0
    .endif
    movl $vector, 4(%rsp) /* entry_vector, the error code's upper half */
    .if vector == 1 || vector == 2 || vector == 8 || vector == 18
    jmp ist_common
    .else
    jmp trap_common
    .endif
    .set vector, vector + 1
    .endr
    .balign 16

.macro SAVE_REGS
    cld
    push %rdi
    push %rsi
    push %rdx
    push %rcx
    push %rax
    push %r8
    push %r9
    push %r10
    push %r11
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
.endm

.macro RESTORE_REGS
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rax
    pop %rcx
    pop %rdx
    pop %rsi
    pop %rdi
    add $8, %rsp
.endm

/* Call \fn(frame) out of our own code, and go on where the frame says. */
.macro CALL_AND_RESUME fn
    mov %rsp, %rbx
    mov %rbx, %rdi
    and $-16, %rsp
    call \fn
    mov %rbx, %rsp
    RESTORE_REGS
    iretq
.endm

trap_common:
    SAVE_REGS
    testb $3, REGS_CS(%rsp)
    jz from_host

/* RSP is &cpu_info()->regs. Nothing of the guest's stays in registers. */
from_guest:
    xor %ebp, %ebp /* a backtrace ends here */
    xor %ebx, %ebx
    xor %ecx, %ecx
    xor %edx, %edx
    xor %esi, %esi
    xor %r8d, %r8d
    xor %r9d, %r9d
    xor %r10d, %r10d
    xor %r11d, %r11d
    xor %r12d, %r12d
    xor %r13d, %r13d
    xor %r14d, %r14d
    xor %r15d, %r15d
    mov %rsp, %rdi
    mov REGS_VECTOR(%rsp), %eax
    sub $8, %rsp /* 16-byte alignment at the call */
    cmp $32, %eax
    jae 1f
    call pv_trap
    add $8, %rsp
    jmp pv_return
1:
    mov %eax, %edi
    call irq_dispatch
    add $8, %rsp
    jmp pv_return

from_host:
    CALL_AND_RESUME trap_in_host

/* #DB, NMI, #DF and #MC, each on a stack of its own. */
ist_common:
    SAVE_REGS
    cmpl $1, REGS_VECTOR(%rsp)
    jne 1f
    testb $3, REGS_CS(%rsp)
    jnz db_from_guest
1:
    CALL_AND_RESUME trap_ist

/* A guest's own #DB goes the way of its other exceptions: move the frame. */
db_from_guest:
    mov %rsp, %rsi
    mov %rsp, %rdi
    or $(CPU_INFO_STACK - 1), %rdi
    sub $(CPU_INFO_SIZE - 1), %rdi
    mov %rdi, %rdx
    mov $(REGS_ES / 8), %ecx
    rep movsq
    mov %rdx, %rsp
    jmp from_guest

    .section .note.GNU-stack, "", @progbits
