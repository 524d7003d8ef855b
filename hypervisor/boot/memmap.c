#include "boot/internal.h"

#include "cpu/feature.h"
#include "mm/alloc.h"

#define MIB     (1ul << 20)
#define GIB     (1ul << 30)
#define MIN_RAM (96 * MIB)

/* Free RAM from 1 MiB on: the map less the image, modules and what went. */
static INIT_DATA struct boot_range free_ram[MAX_E820 + 64];
static INIT_DATA unsigned nr_free;
static bool released;

const void *boot_phys(uint64_t phys, uint64_t n)
{
    if (phys >= 4 * GIB || n > 4 * GIB - phys)
        return NULL;
    return phys_to_virt(phys);
}

static INIT_TEXT void insert_free(unsigned at, uint64_t start, uint64_t end)
{
    if (start >= end)
        return;
    if (nr_free == ARRAY_SIZE(free_ram))
        panic("memory map: too many pieces of free RAM");
    memmove(&free_ram[at + 1], &free_ram[at],
            (nr_free - at) * sizeof(free_ram[0]));
    free_ram[at] = (struct boot_range){start, end, E820_RAM};
    nr_free++;
}

/* Cut [start, end) out of the free ranges. */
static INIT_TEXT void take(uint64_t start, uint64_t end)
{
    for (unsigned i = 0; i < nr_free; i++) {
        struct boot_range *r = &free_ram[i];
        uint64_t r_end = r->end;

        if (end <= r->start || start >= r->end)
            continue;
        if (start <= r->start && end >= r->end) {
            r->start = r->end; /* nothing left of it */
        } else if (start <= r->start) {
            r->start = end;
        } else {
            r->end = start;
            insert_free(i + 1, end, r_end);
        }
    }
}

INIT_TEXT uint64_t memmap_alloc(uint64_t size, uint64_t align, uint64_t limit)
{
    for (unsigned i = nr_free; i-- > 0;) {
        uint64_t end = MIN(free_ram[i].end, limit), at;

        if (end <= free_ram[i].start || end - free_ram[i].start < size)
            continue;
        at = (end - size) & ~(align - 1);
        if (at < free_ram[i].start)
            continue;
        take(at, at + size);
        return at;
    }
    panic("out of memory during boot: %lu KiB wanted; give the machine more",
          size >> 10);
}

void *boot_alloc_pages(size_t nr_pages)
{
    uint64_t size = nr_pages << PAGE_SHIFT;
    void *p;

    BUG_ON(released);
    p = phys_to_virt(memmap_alloc(size, PAGE_SIZE, 4 * GIB));
    memset(p, 0, size);
    return p;
}

static INIT_TEXT uint64_t ram_limit(void)
{
    uint64_t limit = DIRECTMAP_END - DIRECTMAP_START;

    if (cpu_phys_bits && cpu_phys_bits < 48)
        limit = MIN(limit, 1ull << cpu_phys_bits);
    return limit;
}

static INIT_TEXT void log_map(void)
{
    static const char *const names[] = {"",     "RAM", "reserved",
                                        "ACPI", "NVS", "unusable"};

    for (unsigned i = 0; i < boot_info.nr_map; i++)
        log_info("memory %012lx-%012lx %s\n", boot_info.map[i].start,
                 boot_info.map[i].end - 1, names[boot_info.map[i].type]);
}

INIT_TEXT void memmap_init(void)
{
    uint64_t image = virt_to_phys(image_start), total = 0;

    boot_map_tidy(boot_info.map, &boot_info.nr_map, ram_limit());
    log_map();
    for (unsigned i = 0; i < boot_info.nr_map; i++) {
        const struct boot_range *r = &boot_info.map[i];

        if (r->type != E820_RAM || r->end <= MIB)
            continue;
        insert_free(nr_free, MAX(r->start, MIB), r->end);
        total += r->end - MAX(r->start, MIB);
        max_mfn = r->end >> PAGE_SHIFT;
    }
    if (total < MIN_RAM)
        boot_stop("%lu MiB of RAM; at least %lu MiB are needed.", total / MIB,
                  MIN_RAM / MIB);

    take(image, image + (uint64_t)(image_end - image_start));
    for (unsigned i = 0; i < boot_info.nr_modules; i++) {
        const struct boot_module *m = &boot_info.module[i];

        if (m->start < image + (uint64_t)(image_end - image_start) &&
            m->start + m->size > image)
            panic("module %u lies over the image", i);
        take(m->start & PAGE_MASK, ROUND_UP(m->start + m->size, PAGE_SIZE));
    }
    log_info("memory: %lu MiB of RAM, highest frame %lx\n", total / MIB,
             max_mfn - 1);
}

INIT_TEXT void memmap_release(void)
{
    released = true;
    for (unsigned i = 0; i < nr_free; i++)
        if (free_ram[i].start < free_ram[i].end)
            alloc_add_range(mfn(free_ram[i].start >> PAGE_SHIFT),
                            mfn(free_ram[i].end >> PAGE_SHIFT));
}

bool memmap_released(void)
{
    return released;
}

INIT_TEXT uint64_t memmap_low_page(void)
{
    for (unsigned i = boot_info.nr_map; i-- > 0;) {
        const struct boot_range *r = &boot_info.map[i];
        uint64_t end = MIN(r->end, 0x9f000ull) & PAGE_MASK;

        /* Not page 0: real mode's vectors live there. */
        if (r->type == E820_RAM && end >= r->start + PAGE_SIZE &&
            end > PAGE_SIZE)
            return end - PAGE_SIZE;
    }
    return 0;
}

/* Give the RAM frames of [start, end) to the allocator. */
static uint64_t free_phys(uint64_t start, uint64_t end)
{
    uint64_t freed = 0;

    for (unsigned i = 0; i < boot_info.nr_map; i++) {
        const struct boot_range *r = &boot_info.map[i];
        uint64_t from = MAX(MAX(start, r->start), MIB);
        uint64_t to = MIN(end, r->end);

        if (r->type != E820_RAM || from >= to)
            continue;
        alloc_add_range(mfn(from >> PAGE_SHIFT), mfn(to >> PAGE_SHIFT));
        freed += to - from;
    }
    return freed;
}

/* Not an init function: it must survive what it gives away. */
void boot_free_init(void)
{
    uint64_t freed = 0;

    hvmap_drop_init();
    freed +=
        free_phys(virt_to_phys(init_text_start), virt_to_phys(init_text_end));
    freed +=
        free_phys(virt_to_phys(init_data_start), virt_to_phys(init_data_end));
    for (unsigned i = 0; i < boot_info.nr_modules; i++) {
        struct boot_module *m = &boot_info.module[i];

        freed += free_phys(m->start & PAGE_MASK,
                           ROUND_UP(m->start + m->size, PAGE_SIZE));
        m->size = 0;
    }
    boot_done = true;
    log_info("memory: %lu KiB of boot code and modules freed\n",
             (unsigned long)(freed >> 10));
}
