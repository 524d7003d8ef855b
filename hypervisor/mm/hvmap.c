#include "mm/hvmap.h"

#include "boot/boot.h"
#include "boot/internal.h"
#include "cpu/feature.h"
#include "lib/bitmap.h"
#include "lib/spinlock.h"
#include "mm/alloc.h"
#include "mm/frametype.h"
#include "mm/tlb.h"

#include <xen/xen.h>

#define L2_SIZE (1ul << 21)
#define L3_SIZE (1ul << 30)
#define MIB     (1ul << 20)

/* Page attributes by PAT index (PAT_PV_ABI): 3 is UC, 4 is WC. */
static const uint64_t prot_flags[] = {
    [HVMAP_RO] = PTE_P | PTE_A | PTE_NX,
    [HVMAP_RW] = PTE_P | PTE_A | PTE_D | PTE_RW | PTE_NX,
    [HVMAP_RX] = PTE_P | PTE_A,
    [HVMAP_RW_UC] = PTE_P | PTE_A | PTE_D | PTE_RW | PTE_NX | PTE_PCD | PTE_PWT,
    [HVMAP_RW_WC] = PTE_P | PTE_A | PTE_D | PTE_RW | PTE_NX | PTE_PS,
    [HVMAP_RO_GUEST] = PTE_P | PTE_A | PTE_US | PTE_NX,
};

mfn_t host_l4;
static struct spinlock hvmap_lock = SPINLOCK_INIT;

static uint64_t *table_alloc(void)
{
    return memmap_released() ? page_alloc() : boot_alloc_pages(1);
}

static unsigned index_at(uintptr_t va, unsigned level)
{
    return va >> (PAGE_SHIFT + 9 * (level - 1)) & 511;
}

/*
 * The entry of `va` in its table of `level`, with the tables above it made
 * when `make`. Slot 256 is the guests' to read, and nothing else.
 */
static uint64_t *walk(uintptr_t va, unsigned level, bool make)
{
    uint64_t flags = PTE_P | PTE_A | PTE_RW;
    uint64_t *table = mfn_to_virt(host_l4);

    if (va < M2P_RW_START)
        flags = PTE_P | PTE_A | PTE_US;
    for (unsigned at = 4; at > level; at--) {
        uint64_t *entry = &table[index_at(va, at)];

        if (!(*entry & PTE_P)) {
            uint64_t *next = make ? table_alloc() : NULL;

            if (!next)
                return NULL;
            WRITE_ONCE(*entry, virt_to_phys(next) | flags);
        }
        if (at < 4 && (*entry & PTE_PS))
            return NULL;
        table = mfn_to_virt(pte_mfn(*entry));
    }
    return &table[index_at(va, level)];
}

/* Boot: one entry of any size. Large ones never change, so they are global. */
static INIT_TEXT void map_static(uintptr_t va, uint64_t phys, unsigned level,
                                 enum hvmap_prot prot)
{
    uint64_t *entry = walk(va, level, true);

    BUG_ON(!entry);
    *entry = phys | prot_flags[prot] | (level > 1 ? PTE_PS | PTE_G : 0);
}

/* Largest page for the direct map at `phys` with `left` bytes to go. */
static INIT_TEXT unsigned page_level(uint64_t phys, uint64_t left)
{
    uint64_t image = virt_to_phys(image_start) & ~(L2_SIZE - 1);
    uint64_t image_stop = ROUND_UP(virt_to_phys(image_end), L2_SIZE);

    if (phys < image_stop && phys >= image)
        return 1;
    if (!(phys & (L3_SIZE - 1)) && left >= L3_SIZE && phys >= L3_SIZE &&
        cpu_has(FEAT_PAGE1GB))
        return 3;
    return !(phys & (L2_SIZE - 1)) && left >= L2_SIZE ? 2 : 1;
}

/* Our code and constants stay what they are, by whichever address. */
static INIT_TEXT enum hvmap_prot directmap_prot(uint64_t phys)
{
    if (phys >= virt_to_phys(image_start) && phys < virt_to_phys(rodata_end))
        return HVMAP_RO;
    return HVMAP_RW;
}

static INIT_TEXT void map_direct(uint64_t start, uint64_t end)
{
    while (start < end) {
        unsigned level = page_level(start, end - start);

        map_static(DIRECTMAP_START + start, start, level,
                   directmap_prot(start));
        start += 1ull << (PAGE_SHIFT + 9 * (level - 1));
    }
}

/* RAM, ACPI's tables, and the first MiB (real-mode code, firmware's data). */
static INIT_TEXT void map_all_direct(void)
{
    map_direct(0, MIB);
    for (unsigned i = 0; i < boot_info.nr_map; i++) {
        const struct boot_range *r = &boot_info.map[i];

        if (r->type != E820_RAM && r->type != E820_ACPI && r->type != E820_NVS)
            continue;
        if (r->end > MIB && r->end <= DIRECTMAP_END - DIRECTMAP_START)
            map_direct(MAX(r->start, MIB) & PAGE_MASK,
                       ROUND_UP(r->end, PAGE_SIZE));
    }
}

static INIT_TEXT void map_image(const char *from, const char *to,
                                enum hvmap_prot prot, bool global)
{
    for (uintptr_t va = (uintptr_t)from; va < (uintptr_t)to; va += PAGE_SIZE) {
        map_static(va, virt_to_phys((void *)va), 1, prot);
        if (global)
            *walk(va, 1, false) |= PTE_G;
    }
}

/* 2 MiB of table memory for `va`, filled with `fill`. */
static INIT_TEXT void *add_chunk(uintptr_t va, int fill)
{
    uint64_t phys = memmap_alloc(L2_SIZE, L2_SIZE, ~0ull);

    map_static(va, phys, 2, HVMAP_RW);
    memset((void *)va, fill, L2_SIZE);
    return (void *)va;
}

static INIT_TEXT void frame_table_add(uint64_t first, uint64_t last)
{
    uintptr_t va = (uintptr_t)frame_of(mfn(first)) & ~(L2_SIZE - 1);

    for (; va <= (uintptr_t)frame_of(mfn(last)); va += L2_SIZE) {
        struct frame *f;

        if (*walk(va, 2, true) & PTE_P)
            continue;
        f = add_chunk(va, 0);
        /* Ours until the allocator gets it; nobody may refer to it. */
        for (size_t n = L2_SIZE / sizeof(*f); n--; f++)
            f->owner = DOMID_XEN;
    }
}

static INIT_TEXT void m2p_add(uint64_t first, uint64_t last)
{
    uintptr_t va = (uintptr_t)&m2p_rw[first] & ~(L2_SIZE - 1);

    for (; va <= (uintptr_t)&m2p_rw[last]; va += L2_SIZE) {
        if (*walk(va, 2, true) & PTE_P)
            continue;
        add_chunk(va, 0xff);
        map_static(va - M2P_RW_START + M2P_RO_START,
                   *walk(va, 2, false) & PTE_ADDR & ~(L2_SIZE - 1), 2,
                   HVMAP_RO_GUEST);
    }
}

/* Where there is no RAM, guests read "no such frame" out of one shared page. */
static INIT_TEXT void m2p_fill_holes(void)
{
    uint64_t ones = 0;

    for (uintptr_t at = 0; at < max_mfn * sizeof(uint64_t); at += L2_SIZE) {
        if (*walk(M2P_RO_START + at, 2, true) & PTE_P)
            continue;
        if (!ones) {
            ones = memmap_alloc(L2_SIZE, L2_SIZE, ~0ull);
            memset(phys_to_virt(ones), 0xff, L2_SIZE);
        }
        map_static(M2P_RO_START + at, ones, 2, HVMAP_RO_GUEST);
    }
}

static INIT_TEXT void build_tables(void)
{
    for (unsigned i = 0; i < boot_info.nr_map; i++) {
        const struct boot_range *r = &boot_info.map[i];
        uint64_t first = MAX(r->start, MIB) >> PAGE_SHIFT;

        if (r->type != E820_RAM || r->end <= MIB)
            continue;
        frame_table_add(first, (r->end >> PAGE_SHIFT) - 1);
        m2p_add(first, (r->end >> PAGE_SHIFT) - 1);
    }
    m2p_fill_holes();
}

/* Every L4 shares these entries, so they must not come and go. */
static INIT_TEXT void make_l3_tables(void)
{
    for (unsigned slot = HOST_L4_FIRST; slot <= HOST_L4_LAST; slot++)
        walk(HOST_VA_START + (slot - HOST_L4_FIRST) * (L3_SIZE << 9), 3, true);
}

bool hvmap_add_stack(unsigned cpu)
{
    uintptr_t va = CPU_STACKS_START + (cpu + 1) * CPU_STACK_STRIDE - STACK_SIZE;
    void *stack = memmap_released() ? alloc_host_pages(STACK_ORDER)
                                    : boot_alloc_pages(1 << STACK_ORDER);

    return stack &&
           !hvmap_map(va, virt_to_mfn(stack), 1 << STACK_ORDER, HVMAP_RW);
}

INIT_TEXT void hvmap_init(void)
{
    host_l4 = virt_to_mfn(boot_alloc_pages(1));
    make_l3_tables();
    map_all_direct();
    map_image(image_start, text_end, HVMAP_RX, true);
    map_image(init_text_start, init_text_end, HVMAP_RX, false);
    map_image(rodata_start, rodata_end, HVMAP_RO, true);
    map_image(init_data_start, init_data_end, HVMAP_RW, false);
    map_image(init_data_end, image_end, HVMAP_RW, true);
    for (uintptr_t at = 0; at < MAX_CPUS * 32 * PAGE_SIZE; at += L2_SIZE)
        walk(GDT_WINDOWS + at, 1, true);
    hvmap_add_stack(0);
    write_cr3(host_l4.n << PAGE_SHIFT);
    build_tables();
}

void hvmap_fill_l4(uint64_t *l4)
{
    const uint64_t *ours = mfn_to_virt(host_l4);

    memcpy(l4 + HOST_L4_FIRST, ours + HOST_L4_FIRST,
           (HOST_L4_LAST - HOST_L4_FIRST + 1) * sizeof(*l4));
}

static void flush_page(uintptr_t va)
{
    cpumask_t others = cpu_online & ~CPUMASK_OF(cpu_id());

    invlpg(va);
    if (others)
        tlb_flush_mask(others, va);
}

/* Not global, so that the flushes of other CPUs reach it when it changes. */
static int map_page_locked(uintptr_t va, uint64_t pte)
{
    uint64_t *entry = walk(va, 1, true), old;

    if (!entry)
        return -ENOMEM;
    old = *entry;
    WRITE_ONCE(*entry, pte);
    if (old & PTE_P)
        flush_page(va);
    return 0;
}

int hvmap_map(uintptr_t va, mfn_t m, size_t nr_pages, enum hvmap_prot prot)
{
    int rc = 0;

    spin_lock(&hvmap_lock);
    for (size_t i = 0; i < nr_pages && !rc; i++)
        rc = map_page_locked(va + i * PAGE_SIZE,
                             pte_make(mfn(m.n + i), prot_flags[prot]));
    spin_unlock(&hvmap_lock);
    return rc;
}

void hvmap_unmap(uintptr_t va, size_t nr_pages)
{
    spin_lock(&hvmap_lock);
    for (size_t i = 0; i < nr_pages; i++, va += PAGE_SIZE) {
        uint64_t *entry = walk(va, 1, false);

        if (!entry || !(*entry & PTE_P))
            continue;
        WRITE_ONCE(*entry, 0);
        flush_page(va);
    }
    spin_unlock(&hvmap_lock);
}

uint64_t *hvmap_l1e(uintptr_t va)
{
    return walk(va, 1, false);
}

void hvmap_drop_init(void)
{
    uint64_t start = virt_to_phys(init_text_start);
    uint64_t end = virt_to_phys(init_text_end);

    hvmap_unmap((uintptr_t)init_text_start, (end - start) >> PAGE_SHIFT);
    hvmap_unmap((uintptr_t)init_data_start,
                (size_t)(init_data_end - init_data_start) >> PAGE_SHIFT);
    hvmap_map(DIRECTMAP_START + start, mfn(start >> PAGE_SHIFT),
              (end - start) >> PAGE_SHIFT, HVMAP_RW);
}

/* The first 64 MiB of the space are for small requests, by bitmap. */
#define SMALL_PAGES 16384
#define SMALL_MAX   64
static uint64_t small_used[BITS_TO_WORDS(SMALL_PAGES)];
static uintptr_t next_large = IOREMAP_START + SMALL_PAGES * PAGE_SIZE;
static struct spinlock ioremap_lock = SPINLOCK_INIT;

static uintptr_t reserve_small(size_t nr)
{
    size_t at = 0, stop;

    for (;; at = stop) {
        at = bitmap_find_clear(small_used, SMALL_PAGES, at);
        if (at + nr > SMALL_PAGES)
            return 0;
        stop = bitmap_find_set(small_used, SMALL_PAGES, at);
        if (stop - at >= nr)
            break;
    }
    for (size_t i = 0; i < nr; i++)
        bit_set(small_used, at + i);
    return IOREMAP_START + at * PAGE_SIZE;
}

static uintptr_t reserve_large(size_t nr)
{
    uintptr_t va = next_large;

    if (nr > (IOREMAP_END - va) >> PAGE_SHIFT)
        return 0;
    next_large += nr << PAGE_SHIFT;
    return va;
}

static void *map_device(uint64_t phys, size_t size, enum hvmap_prot prot)
{
    uint64_t offset = phys & ~PAGE_MASK, end;
    size_t nr;
    uintptr_t va;

    if (!size || __builtin_add_overflow(phys, size, &end) || end >> 52)
        return NULL;
    nr = (offset + size + PAGE_SIZE - 1) >> PAGE_SHIFT;
    spin_lock(&ioremap_lock);
    va = nr <= SMALL_MAX ? reserve_small(nr) : reserve_large(nr);
    spin_unlock(&ioremap_lock);
    if (!va)
        return NULL;
    if (hvmap_map(va, mfn(phys >> PAGE_SHIFT), nr, prot)) {
        iounmap((void *)va, nr << PAGE_SHIFT);
        return NULL;
    }
    return (void *)(va + offset);
}

void *ioremap(uint64_t phys, size_t size)
{
    return map_device(phys, size, HVMAP_RW_UC);
}

void *ioremap_wc(uint64_t phys, size_t size)
{
    return map_device(phys, size, HVMAP_RW_WC);
}

void iounmap(void *p, size_t size)
{
    uintptr_t va = (uintptr_t)p & PAGE_MASK;
    size_t nr =
        (((uintptr_t)p & ~PAGE_MASK) + size + PAGE_SIZE - 1) >> PAGE_SHIFT;
    size_t first = (va - IOREMAP_START) >> PAGE_SHIFT;

    hvmap_unmap(va, nr);
    if (first >= SMALL_PAGES)
        return; /* large ones are few; their addresses are not used again */
    spin_lock(&ioremap_lock);
    for (size_t i = first; i < MIN(first + nr, (size_t)SMALL_PAGES); i++)
        bit_clear(small_used, i);
    spin_unlock(&ioremap_lock);
}
