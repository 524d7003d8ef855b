#include "cpu/trap.h"

#include "mm/hvmap.h"
#include "mm/layout.h"

/* The hardware's task state: stacks only. No I/O bitmap, ports always trap. */
struct tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3, iomap_base;
} PACKED;
static_assert(sizeof(struct tss) == 0x68, "SDM vol. 3, 8.7");

/* Aligned so that none crosses a page: the CPU reads it piecewise. */
static struct {
    struct tss tss;
} ALIGNED(128) tss_of[MAX_CPUS];

/* Flat descriptors, accessed bit set so that loading never writes them. */
#define DESC_CODE64_0 0x00af9b000000ffffull
#define DESC_DATA_0   0x00cf93000000ffffull
#define DESC_CODE32_3 0x00cffb000000ffffull
#define DESC_DATA_3   0x00cff3000000ffffull
#define DESC_CODE64_3 0x00affb000000ffffull

#define DESC_TYPE_TSS 0x9u

uintptr_t gdt_window(unsigned cpu)
{
    return GDT_WINDOWS + (uintptr_t)cpu * 32 * PAGE_SIZE;
}

uintptr_t ldt_window(unsigned cpu)
{
    return gdt_window(cpu) + 16 * PAGE_SIZE;
}

static uint64_t *reserved_slot(unsigned cpu, unsigned selector)
{
    return (uint64_t *)(gdt_window(cpu) + selector);
}

/* A 16-byte system descriptor. */
static void set_system_desc(uint64_t *slot, uintptr_t base, uint32_t limit,
                            unsigned type)
{
    slot[0] = (limit & 0xffff) | (base & 0xffffff) << 16 |
              (uint64_t)(0x80 | type) << 40 |
              (uint64_t)(limit >> 16 & 0xf) << 48 | (base >> 24 & 0xff) << 56;
    slot[1] = base >> 32;
}

/* Where each stack of the block begins; trap.h has the picture. */
static void set_stacks(unsigned cpu, struct tss *tss)
{
    uintptr_t block = (uintptr_t)(cpu_info_of(cpu) + 1) - STACK_SIZE;

    tss->rsp[0] = (uintptr_t)&cpu_info_of(cpu)->regs.es;
    tss->ist[IST_DF - 1] = block + PAGE_SIZE;
    tss->ist[IST_MC - 1] = block + 2 * PAGE_SIZE;
    tss->ist[IST_DB - 1] = block + 2 * PAGE_SIZE + PAGE_SIZE / 2;
    tss->ist[IST_NMI - 1] = block + 3 * PAGE_SIZE;
    tss->iomap_base = sizeof(*tss);
    hvmap_unmap(block + STACK_GUARD_PAGE * PAGE_SIZE, 1);
}

static void fill_reserved_page(unsigned cpu)
{
    *reserved_slot(cpu, HOST_CS) = DESC_CODE64_0;
    *reserved_slot(cpu, HOST_SS) = DESC_DATA_0;
    *reserved_slot(cpu, FLAT_RING3_CS32 & ~7u) = DESC_CODE32_3;
    *reserved_slot(cpu, FLAT_RING3_SS64 & ~7u) = DESC_DATA_3;
    *reserved_slot(cpu, FLAT_RING3_CS64 & ~7u) = DESC_CODE64_3;
    set_system_desc(reserved_slot(cpu, HOST_TSS), (uintptr_t)&tss_of[cpu].tss,
                    sizeof(struct tss) - 1, DESC_TYPE_TSS);
}

static void load_registers(unsigned cpu)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } PACKED gdtr = {(GDT_GUEST_PAGES + 1) * PAGE_SIZE - 1, gdt_window(cpu)};
    uint64_t scratch;

    __asm__ volatile("lgdt %1\n"
                     "mov %3, %%ss\n"
                     "lea 1f(%%rip), %0\n"
                     "push %2\n"
                     "push %0\n"
                     "lretq\n"
                     "1:"
                     : "=&r"(scratch)
                     : "m"(gdtr), "r"((uint64_t)HOST_CS), "r"(HOST_SS)
                     : "memory");
    __asm__ volatile(
        "mov %0, %%ds; mov %0, %%es; mov %0, %%fs; mov %0, %%gs" ::"r"(0));
    __asm__ volatile("ltr %w0" ::"r"(HOST_TSS));
    __asm__ volatile("lldt %w0" ::"r"(0)); /* pv/descriptor.c loads others */
}

void gdt_load(unsigned cpu)
{
    void *page = page_alloc();

    if (!page || hvmap_map(gdt_window(cpu) + GDT_GUEST_PAGES * PAGE_SIZE,
                           virt_to_mfn(page), 1, HVMAP_RW))
        panic("no memory for the descriptor table of CPU %u", cpu);
    fill_reserved_page(cpu);
    set_stacks(cpu, &tss_of[cpu].tss);
    load_registers(cpu);
}

void tss_set_rsp0(uintptr_t rsp0)
{
    tss_of[cpu_id()].tss.rsp[0] = rsp0;
}
