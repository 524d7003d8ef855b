/* What mm/ and pv/ stand on, without a machine. */
#include "machine.h"

#include "boot/boot.h"
#include "cpu/feature.h"
#include "cpu/lapic.h"
#include "hypercall/hypercall.h"
#include "mm/alloc.h"
#include "mm/guestcopy.h"
#include "mm/hvmap.h"
#include "mm/tlb.h"

#include <stdio.h>
#include <stdlib.h>

uint64_t fake_frame_table[FAKE_FRAMES * sizeof(struct frame) / 8];
uint64_t fake_m2p[FAKE_FRAMES];
uint8_t fake_ram[FAKE_FRAMES * PAGE_SIZE] ALIGNED(4096);

struct boot_info boot_info;
struct acpi_info acpi_info;
mfn_t host_l4;
cpumask_t cpu_online = 1;
unsigned cpu_phys_bits = 40;
struct domain domain_xen = {.id = DOMID_XEN};
struct domain machine_domain[3];
unsigned machine_yield_after, machine_flushes;
void (*machine_wait)(void);
__thread struct vcpu *fake_current;
__thread unsigned fake_cpu;
static struct vcpu vcpu;
uint64_t tlb_clock;
static uint64_t flushed_at;

void machine_reset(void)
{
    memset(fake_frame_table, 0, sizeof(fake_frame_table));
    memset(&vcpu, 0, sizeof(vcpu));
    for (unsigned i = 0; i < 3; i++) {
        struct domain *d = &machine_domain[i];

        memset(d, 0, sizeof(*d));
        d->id = (domid_t)i;
        d->refs = 1;
        d->page_list = d->dead_list = NO_LINK;
        d->max_pages = 512;
        d->dirty_cpus = 1;
        d->privileged = i == 0;
    }
    boot_info.nr_map = 1;
    boot_info.map[0] =
        (struct boot_range){0x100000, FAKE_FRAMES * PAGE_SIZE, E820_RAM};
    max_mfn = FAKE_FRAMES;
    vcpu.domain = &machine_domain[1];
    vcpu.pv.kernel_mode = true;
    fake_current = &vcpu;
    machine_yield_after = 0;
}

struct domain *domain_get(domid_t id)
{
    return id < 3 ? domain_ref(&machine_domain[id]) : NULL;
}

struct domain *domain_ref(struct domain *d)
{
    __atomic_fetch_add(&d->refs, 1, __ATOMIC_SEQ_CST);
    return d;
}

void domain_put(struct domain *d)
{
    if (!__atomic_fetch_sub(&d->refs, 1, __ATOMIC_SEQ_CST))
        abort();
}

bool policy_is_privileged(const struct domain *d)
{
    return d->privileged;
}

bool hypercall_should_yield(void)
{
    return machine_yield_after && --machine_yield_after == 0;
}

void spin_wait(void)
{
    if (!machine_wait)
        abort(); /* one CPU: nobody would ever let go */
    machine_wait();
}

cpumask_t tlb_stale(cpumask_t mask, uint32_t stamp)
{
    return flushed_at > stamp ? 0 : mask;
}

void tlb_flush_local(void)
{
    flushed_at = ++tlb_clock;
}

void tlb_flush_mask(cpumask_t mask, uintptr_t va)
{
    (void)mask;
    if (va == TLB_ALL)
        tlb_flush_local();
    machine_flushes++;
}

void tlb_load_cr3(mfn_t l4)
{
    (void)l4;
    tlb_flush_local();
}

void hvmap_fill_l4(uint64_t *l4)
{
    for (unsigned i = HOST_L4_FIRST; i <= HOST_L4_LAST; i++)
        l4[i] = 0;
}

int copy_from_guest(void *dst, const void *guest, size_t n)
{
    memcpy(dst, guest, n);
    return 0;
}

int copy_to_guest(void *guest, const void *src, size_t n)
{
    memcpy(guest, src, n);
    return 0;
}

int copy_array_from(void *dst, const void *guest, uint64_t i, uint64_t nr,
                    size_t size)
{
    return copy_from_guest(dst, (const char *)guest + i * size, nr * size);
}

int copy_array_to(void *guest, uint64_t i, const void *src, uint64_t nr,
                  size_t size)
{
    return copy_to_guest((char *)guest + i * size, src, nr * size);
}

void ipi_call(cpumask_t mask, void (*fn)(void *), void *arg)
{
    (void)mask;
    (void)fn;
    (void)arg;
}

int pv_set_ldt(struct vcpu *v, uint64_t base, unsigned entries)
{
    (void)v;
    (void)base;
    (void)entries;
    return 0;
}

bool descriptor_fix(uint64_t *desc)
{
    return !*desc; /* descriptors have their own test */
}

void panic(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    abort();
}
