/*
 * One of many on a host: the first word of its command line says which resource
 * it hammers, without end. Or it is the good neighbour, which sleeps for a
 * millisecond again and again, and says how late it was woken.
 */
#include "evtchn.h"

/* ---- the neighbour ---- */

#define NR_NAPS 3000
#define NAP_NS  1000000

static uint32_t late_ns[NR_NAPS];

static void sort(uint32_t *a, unsigned n)
{
    unsigned gap, i, j;

    for (gap = n / 2; gap; gap /= 2)
        for (i = gap; i < n; i++) {
            uint32_t x = a[i];

            for (j = i; j >= gap && a[j - gap] > x; j -= gap)
                a[j] = a[j - gap];
            a[j] = x;
        }
}

static void neighbour(void)
{
    struct sched_poll nap = {0};
    unsigned i;

    for (i = 0; i < NR_NAPS; i++) {
        uint64_t now;

        nap.timeout = time_ns(0) + NAP_NS;
        hc_sched_op(SCHEDOP_poll, &nap);
        now = time_ns(0);
        late_ns[i] = now > nap.timeout ? (uint32_t)(now - nap.timeout) : 0;
    }
    sort(late_ns, NR_NAPS);
    note("late us, median", late_ns[NR_NAPS / 2] / 1000);
    note("late us, 99 of 100", late_ns[NR_NAPS * 99 / 100] / 1000);
    note("late us, 999 of 1000", late_ns[NR_NAPS * 999ul / 1000] / 1000);
    note("late us, worst", late_ns[NR_NAPS - 1] / 1000);
}

/* ---- the hammers: each does a little, and is called again ---- */

static uint64_t *page; /* a page of ours */
static struct mmu_update updates[4096];
static struct mmuext_op exts[1024];
static struct multicall_entry calls[1024];
static struct gnttab_copy copies[64];

static void spin(void)
{
    unsigned i;

    for (i = 0; i < 1u << 30; i++)
        barrier();
}

/* No hammer: one that is there and hardly runs. */
static void sleeps(void)
{
    struct sched_poll nap = {.timeout = time_ns(0) + 1000000000};

    hc_sched_op(SCHEDOP_poll, &nap);
}

static void yields(void)
{
    hc_sched_op(SCHEDOP_yield, NULL);
}

static void pte_updates(void)
{
    uint64_t at = pte_addr(page), mfn = va_to_mfn(page);
    unsigned i;

    for (i = 0; i < ARRAY_SIZE(updates); i++)
        updates[i] = (struct mmu_update){
            at, pte_make(mfn, i % 2 ? PTE_RW_PAGE : PTE_RO_PAGE)};
    hc_mmu_update(updates, ARRAY_SIZE(updates), NULL, DOMID_SELF);
}

/* A tree of three levels that all name the same tables. */
static void pins(void)
{
    static uint64_t *l1, *l2, *l3;
    unsigned i;

    if (!l3) {
        l1 = page_alloc();
        l2 = page_alloc();
        l3 = page_alloc();
        for (i = 0; i < 512; i++) {
            l1[i] = pte_make(va_to_mfn(page), PTE_RW_PAGE);
            l2[i] = pte_make(va_to_mfn(l1), PTE_TABLE);
            l3[i] = pte_make(va_to_mfn(l2), PTE_TABLE);
        }
        map_ro(l1);
        map_ro(l2);
        map_ro(l3);
    }
    pin_level(3, va_to_mfn(l3));
    unpin(va_to_mfn(l3));
}

static void flushes(void)
{
    unsigned i;

    for (i = 0; i < ARRAY_SIZE(exts); i++)
        exts[i].cmd = MMUEXT_TLB_FLUSH_ALL;
    hc_mmuext_op(exts, ARRAY_SIZE(exts), NULL, DOMID_SELF);
}

static void multicalls(void)
{
    unsigned i;

    for (i = 0; i < ARRAY_SIZE(calls); i++)
        calls[i].op = __HYPERVISOR_xen_version;
    HC2(multicall, calls, ARRAY_SIZE(calls));
}

static int64_t reserve(unsigned cmd, uint64_t *list, uint64_t nr)
{
    struct xen_memory_reservation r = {.nr_extents = nr, .domid = DOMID_SELF};

    set_xen_guest_handle(r.extent_start, list);
    return hc_memory_op(cmd, &r);
}

static void balloon(void)
{
    static uint64_t frames[1500];
    unsigned i;

    for (i = 0; i < ARRAY_SIZE(frames); i++)
        frames[i] = p2m[2048 + i];
    reserve(XENMEM_decrease_reservation, frames, ARRAY_SIZE(frames));
    for (i = 0; i < ARRAY_SIZE(frames); i++)
        frames[i] = 2048 + i;
    reserve(XENMEM_populate_physmap, frames, ARRAY_SIZE(frames));
    memcpy(&p2m[2048], frames, sizeof(frames));
}

static void page_copies(void)
{
    static uint64_t *to;
    unsigned i;

    if (!to)
        to = page_alloc();
    for (i = 0; i < ARRAY_SIZE(copies); i++) {
        copies[i].source.u.gmfn = va_to_mfn(page);
        copies[i].dest.u.gmfn = va_to_mfn(to);
        copies[i].source.domid = copies[i].dest.domid = DOMID_SELF;
        copies[i].len = PAGE_SIZE;
    }
    hc_grant_table_op(GNTTABOP_copy, copies, ARRAY_SIZE(copies));
}

static void events_to_itself(void)
{
    static evtchn_port_t a, b;

    if (!a) {
        a = (evtchn_port_t)ev_alloc_unbound(DOMID_SELF);
        b = (evtchn_port_t)ev_bind_interdomain(DOMID_SELF, a);
        ev_unmask(a);
        this_vcpu_info()->evtchn_upcall_mask = 0;
    }
    ev_clear(a);
    ev_send(b);
}

static void events_to_dom0(void)
{
    ev_send(start_info->store_evtchn);
}

static void ports(void)
{
    int port = ev_alloc_unbound(0);

    ev_close((evtchn_port_t)port);
}

static void timers(void)
{
    struct vcpu_set_singleshot_timer t = {.timeout_abs_ns = time_ns(0)};
    struct sched_poll nap = {.timeout = t.timeout_abs_ns + 1000};

    hc_vcpu_op(VCPUOP_set_singleshot_timer, 0, &t);
    hc_sched_op(SCHEDOP_poll, &nap);
}

static void exceptions(void)
{
    if (!TRAPS(__asm__ volatile("ud2")))
        guest_shutdown(SHUTDOWN_crash);
}

static void page_faults(void)
{
    if (!TRAPS(*(volatile uint64_t *)0x7000000000 = 1))
        guest_shutdown(SHUTDOWN_crash);
}

static void privileged_instructions(void)
{
    uint32_t a = 0, b, c = 0, d;

    __asm__ volatile("cpuid; mov %%cr0, %%rbx"
                     : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
}

static void text_for_the_log(void)
{
    static const char text[] = "hammer hammer hammer hammer hammer hammer\n";

    hc_console_io(CONSOLEIO_write, sizeof(text) - 1, text);
}

static void table_writes(void)
{
    static uint64_t *table;

    if (!table) {
        table = table_alloc();
        pin_level(1, va_to_mfn(table));
        hc_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables);
    }
    *(volatile uint64_t *)table = 0;
}

static const struct {
    const char *name;
    void (*step)(void);
} hammers[] = {
    {"spin", spin},
    {"sleeps", sleeps},
    {"yields", yields},
    {"pte-updates", pte_updates},
    {"pins", pins},
    {"flushes", flushes},
    {"multicalls", multicalls},
    {"balloon", balloon},
    {"page-copies", page_copies},
    {"events-to-itself", events_to_itself},
    {"events-to-dom0", events_to_dom0},
    {"ports", ports},
    {"timers", timers},
    {"exceptions", exceptions},
    {"page-faults", page_faults},
    {"privileged-instructions", privileged_instructions},
    {"text-for-the-log", text_for_the_log},
    {"table-writes", table_writes},
};

static void hammer_or_be_a_neighbour(void)
{
    const char *what = (const char *)start_info->cmd_line;
    unsigned i;

    page = page_alloc();
    if (!strcmp(what, "neighbour")) {
        neighbour();
        return;
    }
    for (i = 0; i < ARRAY_SIZE(hammers); i++) {
        if (strcmp(what, hammers[i].name))
            continue;
        guest_ready();
        for (;;)
            hammers[i].step();
    }
    EXPECT(!"no such hammer");
}

const struct test guest_tests[] = {TEST(hammer_or_be_a_neighbour), {0}};
