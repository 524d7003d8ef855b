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
    mov %rsp, %rdi
.endm

/* RSI: struct hc_args, from the registers that a hypercall passes them in. */
#define HYPERCALL_ARGS_SIZE 56 /* six, and what aligns the stack to 16 bytes */
.macro HYPERCALL_ARGS
    sub $8, %rsp
    push %r9
    push %r8
    push %r10
    push %rdx
    push %rsi
    push REGS_RDI - REGS_R15 + 48(%rsp) /* RDI itself has the frame now */
    mov %rsp, %rsi
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
    sub $8, %rsp
    call pv_syscall32
    add $8, %rsp
    jmp pv_return

/* The same where somebody looks: round trips counted, or a trace. */
    .balign 16
syscall_watched_common:
    SYSCALL_FRAME FLAT_CS64
    movq $0, CPU_INFO_ENTRY_TSC(%rsp)
    HYPERCALL_ARGS
    call pv_syscall_watched
    add $HYPERCALL_ARGS_SIZE, %rsp
    jmp pv_return

    .balign 16
syscall_iret:
    sub $8, %rsp
    call pv_iret
    add $8, %rsp
    jmp pv_return

    .balign 16
syscall_from_user:
    sub $8, %rsp /* 16-byte alignment at the call */
    call pv_syscall
    add $8, %rsp
    jmp pv_return

    .balign 16
syscall_common:
    SYSCALL_FRAME FLAT_CS64
    mov CPU_INFO_CURRENT(%rsp), %rax
    cmpb $0, VCPU_KERNEL_MODE(%rax)
    je syscall_from_user
    cmpq $HC_IRET, REGS_RAX(%rsp) /* as often as all others together */
    je syscall_iret
    movq $0, CPU_INFO_ENTRY_TSC(%rsp)
    HYPERCALL_ARGS
    call hypercall_dispatch
    add $HYPERCALL_ARGS_SIZE, %rsp

/*
 * Back to the guest in the frame at RSP, which is this CPU's cpu_info.regs,
 * after all that wants to be done first. An idle CPU's vcpu_info always shows
 * an event, which sends it through pv_exit().
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
