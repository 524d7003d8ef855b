/*
 * Coming up: what the loader gave us, the order of things, dom0.
 */
#ifndef BOOT_BOOT_H
#define BOOT_BOOT_H

#include "lib/lib.h"

#define MAX_MODULES   4
#define MAX_E820      256
#define E820_RAM      1
#define E820_RESERVED 2
#define E820_ACPI     3
#define E820_NVS      4
#define E820_UNUSABLE 5

struct boot_range {
    uint64_t start, end; /* physical, [start, end) */
    uint32_t type;
};
struct boot_module {
    uint64_t start, size; /* physical; kept out of the allocator until freed */
    const char *cmdline;  /* after the file's name */
};
/* Both Multiboot versions are turned into this (boot/multiboot.c). */
struct boot_info {
    const char *cmdline;
    const char *loader;
    struct boot_range map[MAX_E820]; /* sorted, disjoint */
    unsigned nr_map;
    struct boot_module module[MAX_MODULES];
    unsigned nr_modules;
    uint64_t rsdp;         /* physical, 0 unknown */
    uint8_t rsdp_copy[36]; /* the loader's copy; all 0: none */
    uint64_t efi_systab;   /* physical, 0: BIOS */
    struct {
        uint64_t base;
        uint32_t width, height, pitch;
        uint8_t bpp, type; /* 1: RGB, 2: EGA text, 0: none known */
        uint8_t rpos, rsize, gpos, gsize, bpos, bsize;
    } fb;
};
extern struct boot_info boot_info;

/* The user must change something: say what, and halt. Never a reset loop. */
NORETURN void boot_stop(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* Set when dom0 is about to run: from then on a panic may reset. */
extern bool boot_done;

/* Early memory, until the allocator runs: page-aligned, zeroed, never freed;
   panics when out. Taken from RAM below 4 GiB. */
void *boot_alloc_pages(size_t nr_pages);

/* cmdline.c: options as the peer spells them; unknown ones are named in a
   warning, malformed ones stop the boot. */
struct boot_options {
    uint64_t dom0_mem, dom0_mem_min, dom0_mem_max; /* bytes, 0: default */
    unsigned dom0_max_vcpus, maxcpus;
    bool noreboot, nosmp, no_x2apic, vga_keep, count_round_trips, watchdog;
    char console[32], com1[32], com2[32], loglvl[32], guest_loglvl[32];
    char spec[64];
};
extern struct boot_options boot_options;
void cmdline_parse(const char *cmdline);

/* acpi.c: the tables that the boot needs. */
struct acpi_info {
    uint64_t rsdp;
    uint64_t lapic_phys;
    unsigned nr_cpus;
    struct {
        uint32_t apic_id, acpi_id;
        bool enabled;
    } cpu[MAX_CPUS];
    unsigned nr_ioapics;
    struct {
        uint32_t id, phys, gsi_base;
    } ioapic[8];
    struct {
        uint8_t source;
        uint32_t gsi;
        uint16_t flags;
    } iso[16];
    unsigned nr_isos;
    uint16_t pm_timer_port, pm1a_cnt, pm1b_cnt, pm1a_evt, pm1b_evt;
    uint64_t hpet_phys;
    struct {
        uint64_t base;
        uint16_t seg;
        uint8_t first_bus, last_bus;
    } mcfg[4];
    unsigned nr_mcfg;
    bool reset_reg_valid;
    uint64_t reset_addr;
    uint8_t reset_space, reset_value;
};
extern struct acpi_info acpi_info;
void acpi_init(void);

/* unpack.c (boot only): the ELF inside a bzImage, or the ELF itself; stops the
   boot with what to change. */
struct unpacked {
    const void *elf;
    size_t size;
    void *buffer; /* NULL when elf points into the module */
};
void unpack_kernel(const struct boot_module *m, struct unpacked *u);
/* Give the unpacked copy back; `elf` is gone then. */
void unpack_release(struct unpacked *u);

/* dom0.c: build domain 0 and let it go. */
void dom0_build(void);
void smp_boot(void); /* start the other CPUs; returns when all are idle */
NORETURN void start_secondary(unsigned cpu);

/* power.c; machine_shutdown() is in domain/domain.h. */
NORETURN void machine_halt(void);
NORETURN void machine_restart(void);
/* Give init sections, module memory and early leftovers to the allocator. */
void boot_free_init(void);

#endif
