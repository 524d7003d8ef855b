/* Numbers that C, assembly and the linker script share. */
#ifndef TEST_LAYOUT_H
#define TEST_LAYOUT_H

#define VIRT_BASE       0xffffffff80000000
#define LOAD_PADDR      0x100000
#define STACK_SIZE      0x8000
#define ENTRY_STUB_SIZE 32
#define HC_IRET         23

/* What trap_entry() sees as the vector of entries that are no exception. */
#define VEC_SYSCALL   0x100
#define VEC_EVENT     0x101
#define VEC_FAILSAFE  0x102
#define VEC_SYSCALL32 0x103

#endif
