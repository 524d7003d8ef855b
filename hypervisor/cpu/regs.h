/*
 * Offsets that assembly needs into struct cpu_user_regs and struct cpu_info.
 * trap.c asserts every one of them.
 */
#ifndef CPU_REGS_H
#define CPU_REGS_H

#define REGS_R15    0
#define REGS_R14    8
#define REGS_R13    16
#define REGS_R12    24
#define REGS_RBP    32
#define REGS_RBX    40
#define REGS_R11    48
#define REGS_R10    56
#define REGS_R9     64
#define REGS_R8     72
#define REGS_RAX    80
#define REGS_RCX    88
#define REGS_RDX    96
#define REGS_RSI    104
#define REGS_RDI    112
#define REGS_ERROR  120
#define REGS_VECTOR 124
#define REGS_RIP    128
#define REGS_CS     136
#define REGS_RFLAGS 144
#define REGS_RSP    152
#define REGS_SS     160
#define REGS_ES     168 /* a trap frame ends here: TSS.RSP0 */

#define CPU_INFO_CURRENT   200
#define CPU_INFO_WORK      216
#define CPU_INFO_ENTRY_TSC 224
#define CPU_INFO_GUEST_RSP 232
#define CPU_INFO_SIZE      248
#define CPU_INFO_STACK     0x8000 /* STACK_SIZE */

#endif
