/* Numbers that C, assembly and the linker script share. */
#ifndef PARAVANE_GUEST_LAYOUT_H
#define PARAVANE_GUEST_LAYOUT_H

#define VIRT_BASE    0xffffffff80000000
#define LOAD_PADDR   0x100000
#define STACK_SIZE   0x4000 /* and alignment: the CPU's number is at its foot */
#define MAX_VCPUS    32
#define NR_VECTORS   32
#define STUB_SIZE    32
#define HC_IRET      23
#define VEC_EVENT    0x100
#define VEC_FAILSAFE 0x101
#define VEC_SYSCALL  0x102

#endif
