/* Numbers that entry.S shares with C; start.c asserts that they fit. */
#ifndef BOOT_ASM_H
#define BOOT_ASM_H

#define BOOT_STACK_SIZE 0x8000
#define CPU_INFO_ROOM   0x200

/* Offsets of what smp.c fills in the trampoline's copy. */
#define TRAMPOLINE_CR3  0x08
#define TRAMPOLINE_SIZE 0x100

#endif
