/* What the files of boot/ share among themselves. */
#ifndef BOOT_INTERNAL_H
#define BOOT_INTERNAL_H

#include "boot/boot.h"
#include "mm/frame.h"

/* hypervisor.lds.S: borders of the image, addresses as linked. */
extern char image_start[], text_end[], init_text_start[], init_text_end[],
    rodata_start[], rodata_end[], init_data_start[], init_data_end[],
    image_end[];

/* entry.S: the tables of the first minute; smp.c borrows them. */
extern uint64_t boot_l4[512];
NORETURN void stack_switch(uintptr_t sp, void (*fn)(void));
NORETURN void start(uint32_t magic, uint64_t info_phys);

/* pv/entry.S: leave for the exit path as the idle vCPU; boot's last step. */
NORETURN void pv_start_running(void);

/*
 * multiboot.c: what the loader left at `info` into boot_info; stops the boot
 * when it is nonsense. Strings are copied, nothing points there afterwards.
 */
void multiboot_parse(uint32_t magic, uint64_t info);
/* Sort `map`, resolve overlaps (what is not RAM wins), cut RAM to pages. */
void boot_map_tidy(struct boot_range *map, unsigned *nr, uint64_t ram_limit);

/* memmap.c: `n` bytes of physical memory below 4 GiB, or NULL when beyond. */
const void *boot_phys(uint64_t phys, uint64_t n);
void memmap_init(void);
/* Everything that is left goes to the allocator; boot_alloc ends. */
void memmap_release(void);
bool memmap_released(void);
/* Early memory anywhere in RAM, `align` a power of two; not zeroed. */
uint64_t memmap_alloc(uint64_t size, uint64_t align, uint64_t limit);
/* A free page below 640 KiB for code that starts in real mode. */
uint64_t memmap_low_page(void);

/* hvmap.c: make a CPU's stack appear; false: out of memory. */
bool hvmap_add_stack(unsigned cpu);
/* hvmap.c: forget the init sections; their pages become writable again. */
void hvmap_drop_init(void);

#endif
