/*
 * In and out of a guest: the SYSCALL instruction, and the one way back.
 */
#include "cpu/extable.h"
#include "cpu/regs.h"

#define STACK_STRIDE  0x10000 /* CPU_STACK_STRIDE, checked in pv.c */
#define FLAT_CS32     0xe023
#define FLAT_CS64     0xe033
#define FLAT_SS       0xe02b
#define ENTRY_SYSCALL 0x100 /* pv/internal.h */
#define RFLAGS_TF_RF  0x10100
#define WORK_SCHED    1
#define HC_IRET       23 /* __HYPERVISOR_iret, checked in pv.c */
#define ERESTART      85 /* checked in pv.c */

/* Offsets in struct vcpu, checked in pv.c. */
#define VCPU_INFO        24
#define VCPU_KERNEL_MODE 32

/* Offsets from a CPU's stack top, where its struct cpu_info ends. */
#define TOP_GUEST_RSP (CPU_INFO_GUEST_RSP - CPU_INFO_SIZE)
#define TOP_FRAME     (REGS_ES - CPU_INFO_SIZE)

    .text

/*
 * One stub a CPU, because SYSCALL leaves no register to find the stack with:
 * each has its own stack's address built in.
 */
.macro SYSCALL_STUBS common
    .set cpu, 0
    .rept MAX_CPUS
    .balign 32
    mov %rsp, cpu_stacks + (cpu + 1) * STACK_STRIDE + TOP_GUEST_RSP(%rip)
    lea cpu_stacks + (cpu + 1) * STACK_STRIDE + TOP_FRAME(%rip), %rsp
    jmp \common
    .set cpu, cpu + 1
    .endr
.endm

.macro PUSH_REGS
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

/* RCX holds the guest's RIP and R11 its RFLAGS. */
.macro SYSCALL_FRAME cs
    push $FLAT_SS
    push CPU_INFO_GUEST_RSP - REGS_SS(%rsp)
    push %r11
    push $\cs
    push %rcx
    push $0
    movl $ENTRY_SYSCALL, 4(%rsp)
    PUSH_REGS
    xor %ebp, %ebp /* a backtrace ends here */
.endm

/* Call fn(frame) and go back to the guest. */
.macro CALL_AND_RETURN fn
    mov %rsp, %rdi
    sub $8, %rsp /* 16-byte alignment at the call */
    call \fn
    add $8, %rsp
    jmp pv_return
.endm

/* Call fn(number, struct hc_args) with what is still in a hypercall's
   registers. */
#define HYPERCALL_ARGS_SIZE 56 /* six, and what aligns the stack to 16 bytes */
.macro CALL_HYPERCALL fn
    movq $0, CPU_INFO_ENTRY_TSC(%rsp)
    sub $8, %rsp
    push %r9
    push %r8
    push %r10
    push %rdx
    push %rsi
    push %rdi
    mov %rax, %rdi
    mov %rsp, %rsi
    call \fn
.endm

    .balign 32
    .globl pv_syscall_stubs
    .hidden pv_syscall_stubs
pv_syscall_stubs:
    SYSCALL_STUBS syscall_common
    .balign 32
    .globl pv_syscall_watched_stubs
    .hidden pv_syscall_watched_stubs
pv_syscall_watched_stubs:
    SYSCALL_STUBS syscall_watched_common
    .balign 32
    .globl pv_syscall32_stubs
    .hidden pv_syscall32_stubs
pv_syscall32_stubs:
    SYSCALL_STUBS syscall32_common

    .balign 16
syscall32_common:
    SYSCALL_FRAME FLAT_CS32
    CALL_AND_RETURN pv_syscall32

/* The same where somebody looks: round trips counted, or a trace. */
    .balign 16
syscall_watched_common:
    SYSCALL_FRAME FLAT_CS64
    mov CPU_INFO_CURRENT(%rsp), %rcx
    cmpb $0, VCPU_KERNEL_MODE(%rcx)
    je syscall_watched_from_user
    cmp $HC_IRET, %rax
    je syscall_watched_iret
    CALL_HYPERCALL pv_hypercall_watched
    jmp hypercall_done
syscall_watched_from_user:
    CALL_AND_RETURN pv_syscall_watched
syscall_watched_iret:
    CALL_AND_RETURN pv_iret_watched

    .balign 16
syscall_iret:
    CALL_AND_RETURN pv_iret

    .balign 16
syscall_from_user:
    CALL_AND_RETURN pv_syscall

/* The handler wants to be called again: with the arguments that it left. */
    .balign 16
hypercall_again:
    lea HYPERCALL_ARGS_SIZE(%rsp), %rdi
    mov %rsp, %rsi
    call hypercall_rewind
    add $HYPERCALL_ARGS_SIZE, %rsp
    jmp pv_return

    .balign 16
syscall_common:
    SYSCALL_FRAME FLAT_CS64
    mov CPU_INFO_CURRENT(%rsp), %rcx
    cmpb $0, VCPU_KERNEL_MODE(%rcx)
    je syscall_from_user
    cmp $HC_IRET, %rax /* as often as all others together */
    je syscall_iret
    CALL_HYPERCALL hypercall_dispatch
hypercall_done:
    cmp $-ERESTART, %rax
    je hypercall_again
    add $HYPERCALL_ARGS_SIZE, %rsp
    mov %rax, REGS_RAX(%rsp)

/*
 * Back to the guest in the frame at RSP, which is this CPU's cpu_info.regs,
 * after all that wants to be done first. An idle CPU's vcpu_info always shows
 * an event, which sends it by pv_event() to pv_exit().
 */
    .globl pv_return
    .hidden pv_return
pv_return:
    cmpq $0, CPU_INFO_WORK(%rsp)
    jne do_work
    mov CPU_INFO_CURRENT(%rsp), %rax
    mov VCPU_INFO(%rax), %rax
    cmpb $0, (%rax) /* evtchn_upcall_pending */
    je restore
    cmpb $0, 1(%rax) /* evtchn_upcall_mask */
    jne restore
    mov %rsp, %rdi
    sub $8, %rsp
    call pv_event
    add $8, %rsp
    cmpq $0, CPU_INFO_WORK(%rsp) /* it may have crashed */
    je restore
do_work:
    sub $8, %rsp
    call pv_exit
    add $8, %rsp

/*
 * SYSRET is quicker, but must not meet an address that is not canonical
 * (Intel faults in ring 0, on the guest's stack), nor TF or RF.
 */
restore:
    cmpl $ENTRY_SYSCALL, REGS_VECTOR(%rsp)
    jne restore_iret
    mov REGS_RIP(%rsp), %rcx
    mov REGS_RFLAGS(%rsp), %r11
    mov %rcx, %rax
    sar $47, %rax
    inc %rax
    cmp $1, %rax
    ja restore_iret
    test $RFLAGS_TF_RF, %r11d
    jnz restore_iret
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    add $8, %rsp /* R11: RFLAGS */
    pop %r10
    pop %r9
    pop %r8
    pop %rax
    add $8, %rsp /* RCX: RIP */
    pop %rdx
    pop %rsi
    pop %rdi
    mov REGS_RSP - REGS_ERROR(%rsp), %rsp
    sysretq

restore_iret:
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
1:  iretq
    _ASM_EXTABLE(1b, iret_fault)

/*
 * The guest cannot be run as it wants. Its registers are all live, and what
 * IRET was to load still lies at RSP: make the frame whole again.
 */
iret_fault:
    push $0
    PUSH_REGS
    mov %rsp, %rdi
    sub $8, %rsp
    call pv_return_fault
    add $8, %rsp
    jmp pv_return

/* First turn of a CPU: an empty stack, and the scheduler picks. */
    .globl pv_start_running
    .hidden pv_start_running
pv_start_running:
    or $(CPU_INFO_STACK - 1), %rsp
    sub $(CPU_INFO_SIZE - 1), %rsp
    xor %ebp, %ebp
    lock orq $(1 << WORK_SCHED), CPU_INFO_WORK(%rsp)
    jmp pv_return

    .section .note.GNU-stack, "", @progbits
