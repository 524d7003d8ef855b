/*
 * Where things are in the address space. The PV ABI reserves L4 slots 256 to
 * 271 (ffff800000000000, 8 TiB) for us in every guest's tables; all of them
 * hold the same entries in every L4.
 */
#ifndef MM_LAYOUT_H
#define MM_LAYOUT_H

/* Assemblers and linker scripts read this too, and know no suffixes. */
#ifdef __ASSEMBLY__
#define VA(x) x
#else
#define VA(x) x##ul
#endif

#define HOST_VA_START VA(0xffff800000000000)
#define HOST_VA_END   VA(0xffff880000000000)
#define HOST_L4_FIRST 256
#define HOST_L4_LAST  271

/* Slot 256: machine-to-pseudophysical table, guests may read it. */
#define M2P_RO_START VA(0xffff800000000000)
/* Slot 257: the same frames, writable, ours alone. */
#define M2P_RW_START VA(0xffff808000000000)
/* Slot 258: the frame table, 32 bytes a machine frame. */
#define FRAME_TABLE_START VA(0xffff810000000000)
/*
 * Slot 259: the image (linked at IMAGE_START + its physical load address),
 * then the per-CPU stacks, then the GDT/LDT windows, then ioremap space.
 * Image and stacks lie within 2 GiB of each other: the syscall stubs address
 * the stacks relative to RIP.
 */
#define IMAGE_START VA(0xffff818000000000)
#define CPU_STACKS_START                                                       \
    VA(0xffff818020000000) /* 64 KiB apart, top half mapped */
#define CPU_STACK_STRIDE VA(0x10000)
#define GDT_WINDOWS      VA(0xffff818030000000) /* 32 pages a CPU: GDT, LDT */
#define IOREMAP_START    VA(0xffff818040000000)
#define IOREMAP_END      VA(0xffff81c000000000)
/* Slots 264 to 271: all RAM, one to one, writable but for our own text. */
#define DIRECTMAP_START VA(0xffff840000000000)
#define DIRECTMAP_END   HOST_VA_END

#define IMAGE_PHYS VA(0x200000) /* where the loader puts us */

#endif
