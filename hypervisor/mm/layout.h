/*
 * Where things are in the address space. The PV ABI reserves L4 slots 256 to
 * 271 (ffff800000000000, 8 TiB) for us in every guest's tables; all of them
 * hold the same entries in every L4.
 */
#ifndef MM_LAYOUT_H
#define MM_LAYOUT_H

#define HOST_VA_START 0xffff800000000000ul
#define HOST_VA_END   0xffff880000000000ul
#define HOST_L4_FIRST 256
#define HOST_L4_LAST  271

/* Slot 256: machine-to-pseudophysical table, guests may read it. */
#define M2P_RO_START 0xffff800000000000ul
/* Slot 257: the same frames, writable, ours alone. */
#define M2P_RW_START 0xffff808000000000ul
/* Slot 258: the frame table, 32 bytes a machine frame. */
#define FRAME_TABLE_START 0xffff810000000000ul
/*
 * Slot 259: the image (linked at IMAGE_START + its physical load address),
 * then the per-CPU stacks, then the GDT/LDT windows, then ioremap space.
 * Image and stacks lie within 2 GiB of each other: the syscall stubs address
 * the stacks relative to RIP.
 */
#define IMAGE_START      0xffff818000000000ul
#define CPU_STACKS_START 0xffff818020000000ul /* 64 KiB apart, top half mapped */
#define CPU_STACK_STRIDE 0x10000ul
#define GDT_WINDOWS      0xffff818030000000ul /* 32 pages a CPU: GDT, LDT */
#define IOREMAP_START    0xffff818040000000ul
#define IOREMAP_END      0xffff81c000000000ul
/* Slots 264 to 271: all RAM, one to one, writable but for our own text. */
#define DIRECTMAP_START 0xffff840000000000ul
#define DIRECTMAP_END   HOST_VA_END

#define IMAGE_PHYS 0x200000ul /* where the loader puts us */

#endif
