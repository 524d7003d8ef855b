/*
 * Two vCPUs on the same frame, entry, port or grant at the same time. Each case
 * is a rule that must hold in every order; afterwards the pages must have no
 * count left over: they can be written, become a table, and be written again.
 */
#include "evtchn.h"

#define ROUNDS 1500

/* ---- the second vCPU ---- */

static void (*volatile other_does)(void);
static volatile uint64_t other_turns, other_fixup;
static volatile unsigned int other_faults;

static void other_main(void *unused)
{
    (void)unused;
    for (;;) {
        void (*fn)(void) = other_does;

        if (fn)
            fn();
        other_turns++;
    }
}

static bool other_trapped(struct regs *regs)
{
    if ((uint64_t)regs - (uint64_t)smp_stack >= STACK_SIZE)
        return false;
    if (regs->vector == VEC_EVENT || regs->vector == 2) {
        shared->vcpu_info[1].evtchn_upcall_pending = 0;
        return true;
    }
    other_faults++;
    regs->rip = other_fixup;
    return true;
}

/* A store that may fault, on the second vCPU. */
static void other_store(volatile uint64_t *p, uint64_t value)
{
    __asm__ volatile("lea 1f(%%rip), %%rax\n"
                     "mov %%rax, %0\n"
                     "mov %2, (%1)\n"
                     "1:"
                     : "=m"(other_fixup)
                     : "r"(p), "r"(value)
                     : "rax", "memory");
}

static void other_begins(void (*fn)(void))
{
    uint64_t turns;

    other_does = fn;
    turns = other_turns;
    while (other_turns - turns < 2)
        hc_sched_op(SCHEDOP_yield, NULL);
}

static void other_ends(void)
{
    other_begins(NULL);
}

/* We do `mine` while the other one does `theirs`. */
static void race(void (*mine)(void), void (*theirs)(void))
{
    unsigned int i;

    other_begins(theirs);
    for (i = 0; i < ROUNDS; i++)
        mine();
    other_ends();
}

/* ---- what both work on ---- */

static uint64_t *page, *page2, *table;
static volatile unsigned int wins;

static void pages_ready(void)
{
    if (!page) {
        EXPECT_OK(smp_start(1, other_main, NULL));
        trap_hook = other_trapped;
    }
    page = page_alloc();
    page2 = page_alloc();
    table = page_alloc();
    wins = 0;
}

/* Nothing holds it: all that a frame can be, one after the other. */
static void expect_free_page(uint64_t *p)
{
    unpin(va_to_mfn(p));
    EXPECT_OK(map_rw(p));
    EXPECT(!TRAPS(memset(p, 0, PAGE_SIZE)));
    EXPECT_OK(map_ro(p));
    EXPECT_OK(pin_level(1, va_to_mfn(p)));
    EXPECT_REFUSED(map_rw(p));
    EXPECT_OK(unpin(va_to_mfn(p)));
    EXPECT_OK(pin_level(2, va_to_mfn(p)));
    EXPECT_OK(unpin(va_to_mfn(p)));
    EXPECT_OK(map_rw(p));
    page_free(p);
}

static void pages_done(void)
{
    expect_free_page(page);
    expect_free_page(page2);
    expect_free_page(table);
}

/* ---- types ---- */

static void pin_then_watch(void)
{
    uint64_t before;

    map_ro(page);
    if (pin_level(1, va_to_mfn(page)))
        return;
    wins++;
    before = *(volatile uint64_t *)page;
    EXPECT_EQ(before, *(volatile uint64_t *)page);
    EXPECT_EQ(before, *(volatile uint64_t *)page);
    unpin(va_to_mfn(page));
}

static void map_and_scribble(void)
{
    if (!map_rw(page)) {
        other_store(page, other_turns << 12);
        other_store(page, 0);
    }
    va_map(page, pte_make(va_to_mfn(page), PTE_RO_PAGE));
}

static void a_pinned_table_is_never_written(void)
{
    pages_ready();
    race(pin_then_watch, map_and_scribble);
    note("pins that succeeded", wins);
    pages_done();
}

static void unflushed_map_and_scribble(void)
{
    hc_update_va_mapping(page, pte_make(va_to_mfn(page), PTE_RW_PAGE), 0);
    other_store(page, 0x1000);
    hc_update_va_mapping(page, pte_make(va_to_mfn(page), PTE_RO_PAGE), 0);
    other_store(page, 0x2000);
}

static void nor_through_what_a_cpu_remembers(void)
{
    pages_ready();
    race(pin_then_watch, unflushed_map_and_scribble);
    pages_done();
}

static void unpin_ours(void)
{
    if (!unpin(va_to_mfn(table)))
        wins++;
}

static void unpin_theirs(void)
{
    if (!unpin(va_to_mfn(table)))
        __atomic_fetch_add(&other_faults, 1, __ATOMIC_SEQ_CST);
}

static void a_pin_is_undone_once(void)
{
    unsigned int i, pins = 0;

    pages_ready();
    other_faults = 0;
    EXPECT_OK(map_ro(table));
    other_begins(unpin_theirs);
    for (i = 0; i < ROUNDS; i++) {
        pins += !pin_level(1, va_to_mfn(table));
        unpin_ours();
    }
    other_ends();
    wins += !unpin(va_to_mfn(table));
    EXPECT_EQ(pins, wins + other_faults);
    pages_done();
}

static void pin_as_1(void)
{
    pin_level(1, va_to_mfn(table));
    unpin(va_to_mfn(table));
}

static void pin_as_2(void)
{
    pin_level(2, va_to_mfn(table));
    unpin(va_to_mfn(table));
}

static void one_level_at_a_time(void)
{
    pages_ready();
    EXPECT_OK(map_ro(table));
    race(pin_as_1, pin_as_2);
    pages_done();
}

static void entry_to_page(void)
{
    mmu_update_one(entry_addr(table, 7),
                   pte_make(va_to_mfn(page), PTE_RW_PAGE));
}

static void entry_to_page2(void)
{
    mmu_update_one(entry_addr(table, 7),
                   pte_make(va_to_mfn(page2), PTE_RW_PAGE));
    mmu_update_one(entry_addr(table, 7), 0);
}

static void an_entry_counts_for_one_frame(void)
{
    pages_ready();
    EXPECT_OK(map_ro(table));
    EXPECT_OK(pin_level(1, va_to_mfn(table)));
    race(entry_to_page, entry_to_page2);
    EXPECT_OK(mmu_update_one(entry_addr(table, 7), 0));
    pages_done();
}

static void pin_and_unpin(void)
{
    pin_level(1, va_to_mfn(table));
    unpin(va_to_mfn(table));
}

/* An update of a table that stops being one is a plain store, or refused. */
static void updates_meet_tables_that_go(void)
{
    pages_ready();
    EXPECT_OK(map_ro(table));
    race(pin_and_unpin, entry_to_page2);
    unpin(va_to_mfn(table));
    EXPECT_OK(map_rw(table));
    table[7] = 0;
    pages_done();
}

static void write_protect(void)
{
    mmu_update_one(pte_addr(page), pte_make(va_to_mfn(page), PTE_RO_PAGE));
    mmu_update_one(pte_addr(page), pte_make(va_to_mfn(page), PTE_RW_PAGE));
}

static void write_protections_count_once(void)
{
    pages_ready();
    race(write_protect, write_protect);
    pages_done();
}

static void store_an_entry(void)
{
    __atomic_exchange_n(&table[3], pte_make(va_to_mfn(page), PTE_RW_PAGE),
                        __ATOMIC_SEQ_CST);
}

static void update_the_entry(void)
{
    mmu_update_one(entry_addr(table, 3), 0);
    mmu_update_one(entry_addr(table, 3),
                   pte_make(va_to_mfn(page2), PTE_RO_PAGE));
}

static void emulated_stores_meet_updates(void)
{
    pages_ready();
    hc_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables);
    EXPECT_OK(map_ro(table));
    EXPECT_OK(pin_level(1, va_to_mfn(table)));
    race(store_an_entry, update_the_entry);
    EXPECT_OK(mmu_update_one(entry_addr(table, 3), 0));
    hc_vm_assist(VMASST_CMD_disable, VMASST_TYPE_writable_pagetables);
    pages_done();
}

static void copy_into(void)
{
    struct mmuext_op op = {.cmd = MMUEXT_COPY_PAGE,
                           .arg1.mfn = va_to_mfn(table),
                           .arg2.src_mfn = va_to_mfn(page)};

    hc_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

static void pin_then_look(void)
{
    if (pin_level(1, va_to_mfn(table)))
        return;
    wins += table[0] != 0 && !(table[0] & PTE_US);
    unpin(va_to_mfn(table));
    copy_into();
}

/* Its entry maps a foreign frame: no table may ever hold it. */
static void copies_do_not_reach_tables(void)
{
    pages_ready();
    page[0] = pte_make(1, PTE_P | PTE_RW);
    EXPECT_OK(map_ro(table));
    race(pin_then_look, copy_into);
    EXPECT_EQ(0, wins);
    EXPECT_OK(map_rw(table));
    pages_done();
}

/* ---- roots and descriptors ---- */

static void load_user_root(void)
{
    mmuext_one(MMUEXT_NEW_USER_BASEPTR, va_to_mfn(user_l4));
    mmuext_one(MMUEXT_NEW_USER_BASEPTR, 0);
}

static void pin_user_root(void)
{
    unpin(va_to_mfn(user_l4));
    pin_level(4, va_to_mfn(user_l4));
}

static void a_root_in_use_stays_one(void)
{
    pages_ready();
    user_init();
    race(load_user_root, pin_user_root);
    pin_level(4, va_to_mfn(user_l4));
    EXPECT_OK(mmuext_one(MMUEXT_NEW_USER_BASEPTR, va_to_mfn(user_l4)));
    pages_done();
}

static void gdt_on(void)
{
    uint64_t mfn = va_to_mfn(table);

    map_ro(table);
    if (!HC2(set_gdt, &mfn, 512)) {
        uint64_t before = *(volatile uint64_t *)(table + 20);

        wins++;
        EXPECT_EQ(before, *(volatile uint64_t *)(table + 20));
    }
    HC2(set_gdt, NULL, 0);
}

static void gdt_scribble(void)
{
    if (!map_rw(table)) {
        other_store(table + 20, 0x0000890000000067); /* a TSS */
        other_store(table + 20, 0);
    }
    map_ro(table);
}

static void descriptors_in_use_are_never_written(void)
{
    pages_ready();
    race(gdt_on, gdt_scribble);
    pages_done();
}

static void update_a_descriptor(void)
{
    HC2(update_descriptor, entry_addr(table, 30), 0x00cff3000000ffff);
    HC2(update_descriptor, entry_addr(table, 30), 0x0000890000000067);
}

static void descriptor_updates_meet_tables_and_gdts(void)
{
    pages_ready();
    race(gdt_on, update_a_descriptor);
    EXPECT_OK(map_ro(table));
    race(pin_and_unpin, update_a_descriptor);
    EXPECT_OK(map_rw(table));
    table[30] = 0;
    pages_done();
}

static void load_ldt(void)
{
    mmuext_linear(MMUEXT_SET_LDT, table, 512);
    TRAPS(__asm__ volatile("mov %0, %%es" ::"r"(0xf)));
    mmuext_linear(MMUEXT_SET_LDT, NULL, 0);
    __asm__ volatile("mov %0, %%es" ::"r"(0));
}

static void ldt_pages_come_and_go(void)
{
    pages_ready();
    race(load_ldt, gdt_scribble);
    pages_done();
}

/* ---- memory ---- */

static volatile uint64_t free_mfn;

static int give(uint64_t mfn)
{
    xen_pfn_t n = mfn;
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF};

    set_xen_guest_handle(r.extent_start, &n);
    return (int)hc_memory_op(XENMEM_decrease_reservation, &r);
}

static uint64_t take(void)
{
    xen_pfn_t n = va_to_pfn(page);
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF};

    set_xen_guest_handle(r.extent_start, &n);
    return hc_memory_op(XENMEM_populate_physmap, &r) == 1 ? n : 0;
}

static void give_theirs(void)
{
    if (free_mfn && give(free_mfn) == 1)
        __atomic_fetch_add(&other_faults, 1, __ATOMIC_SEQ_CST);
}

static void a_frame_is_given_back_once(void)
{
    unsigned int i, given = 0, taken = 0;
    uint64_t mfn;

    pages_ready();
    other_faults = 0;
    EXPECT_OK(va_map(page, 0));
    EXPECT_EQ(1, give(va_to_mfn(page)));
    other_begins(give_theirs);
    for (i = 0; i < ROUNDS / 3; i++) {
        mfn = take();
        taken += mfn != 0;
        free_mfn = mfn;
        given += give(mfn) == 1;
    }
    other_ends();
    free_mfn = 0;
    EXPECT_EQ(taken, given + other_faults);
    mfn = take();
    EXPECT(mfn);
    p2m[va_to_pfn(page)] = mfn;
    EXPECT_OK(map_rw(page));
    pages_done();
}

static void map_the_free_one(void)
{
    if (free_mfn)
        va_map(page2, pte_make(free_mfn, PTE_RW_PAGE));
    va_map(page2, 0);
}

static void frames_on_their_way_out_are_not_lost(void)
{
    unsigned int i, n = 0;
    uint64_t mfn;

    pages_ready();
    EXPECT_OK(va_map(page, 0));
    EXPECT_EQ(1, give(va_to_mfn(page)));
    other_begins(map_the_free_one);
    for (i = 0; i < ROUNDS / 3; i++) {
        mfn = take();
        if (!mfn)
            continue;
        free_mfn = mfn;
        n += give(mfn) == 1;
    }
    other_ends();
    free_mfn = 0;
    EXPECT(n > 0);
    mfn = take();
    EXPECT(mfn);
    p2m[va_to_pfn(page)] = mfn;
    EXPECT_OK(map_rw(page));
    EXPECT_OK(map_rw(page2));
    pages_done();
}

static void write_where_it_was(void)
{
    other_store(page2, 0x5a5a5a5a);
}

/*
 * The other CPU has a writable translation, and nobody flushes it. The frame is
 * given away and somebody's (ours) again: clean, and it stays so.
 */
static void a_reused_frame_is_clean_and_out_of_reach(void)
{
    unsigned int i, k, dirty = 0;

    pages_ready();
    for (i = 0; i < 40; i++) {
        uint64_t mfn, old = va_to_mfn(page2);

        EXPECT_OK(map_rw(page2));
        other_begins(write_where_it_was);
        hc_update_va_mapping(page2, 0, 0);
        EXPECT_EQ(1, give(old));
        mfn = take();
        EXPECT(mfn);
        p2m[va_to_pfn(page2)] = mfn;
        EXPECT_OK(va_map(page, pte_make(mfn, PTE_RO_PAGE)));
        for (k = 0; k < 200; k++)
            dirty += *(volatile uint64_t *)page != 0;
        other_ends();
        EXPECT_OK(map_rw(page));
    }
    EXPECT_EQ(0, dirty);
    EXPECT_OK(map_rw(page2));
    pages_done();
}

/* ---- grants ---- */

static grant_entry_v1_t *grants;
static uint16_t self;
static volatile uint32_t handle;

static void grants_ready(void)
{
    static uint64_t frames[1];
    struct gnttab_setup_table op = {.dom = DOMID_SELF, .nr_frames = 1};
    int port = ev_alloc_unbound(DOMID_SELF);
    struct evtchn_status status;

    pages_ready();
    if (grants)
        return;
    set_xen_guest_handle(op.frame_list, frames);
    EXPECT_OK(hc_grant_table_op(GNTTABOP_setup_table, &op, 1));
    grants = page_alloc();
    EXPECT_OK(va_map(grants, pte_make(frames[0], PTE_RW_PAGE)));
    EXPECT_OK(ev_status((evtchn_port_t)port, &status));
    self = status.u.unbound.dom;
}

static void grant(grant_ref_t ref, const void *p)
{
    grants[ref].frame = (uint32_t)va_to_mfn(p);
    grants[ref].domid = self;
    barrier();
    grants[ref].flags = GTF_permit_access;
}

static int grant_map(grant_ref_t ref, const void *at)
{
    struct gnttab_map_grant_ref op = {.host_addr = (uint64_t)at,
                                      .flags = GNTMAP_host_map,
                                      .ref = ref,
                                      .dom = self};

    hc_grant_table_op(GNTTABOP_map_grant_ref, &op, 1);
    handle = op.handle;
    return op.status;
}

static int grant_unmap(uint32_t h, const void *at)
{
    struct gnttab_unmap_grant_ref op = {.host_addr = (uint64_t)at, .handle = h};

    hc_grant_table_op(GNTTABOP_unmap_grant_ref, &op, 1);
    return op.status;
}

static void unmap_theirs(void)
{
    if (grant_unmap(handle, table) == GNTST_okay)
        __atomic_fetch_add(&other_faults, 1, __ATOMIC_SEQ_CST);
}

static void a_handle_is_given_back_once(void)
{
    unsigned int i, mapped = 0;

    grants_ready();
    other_faults = 0;
    grant(40, page);
    other_begins(unmap_theirs);
    for (i = 0; i < ROUNDS; i++) {
        mapped += grant_map(40, table) == GNTST_okay;
        wins += grant_unmap(handle, table) == GNTST_okay;
    }
    other_ends();
    wins += grant_unmap(handle, table) == GNTST_okay;
    EXPECT_EQ(mapped, wins + other_faults);
    EXPECT_EQ(GTF_permit_access, grants[40].flags);
    grants[40].flags = 0;
    EXPECT_OK(map_rw(table));
    pages_done();
}

static void end_and_grant_again(void)
{
    uint16_t flags = GTF_permit_access;

    if (!__atomic_compare_exchange_n(&grants[41].flags, &flags, 0, false,
                                     __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        return;
    /* Nobody uses it: the next one may be another page. */
    grants[41].frame = (uint32_t)va_to_mfn(other_turns & 1 ? page : page2);
    barrier();
    grants[41].flags = GTF_permit_access;
}

static void map_and_unmap(void)
{
    if (grant_map(41, table) == GNTST_okay) {
        uint32_t frame = grants[41].frame;

        wins++;
        EXPECT(grants[41].flags & GTF_reading);
        EXPECT_EQ(frame, grants[41].frame);
        EXPECT_EQ(GNTST_okay, grant_unmap(handle, table));
    }
}

static void a_grant_in_use_does_not_change(void)
{
    grants_ready();
    grant(41, page);
    /* The entry may be away whenever we look. */
    for (int i = 0; i < 20 && !wins; i++)
        race(map_and_unmap, end_and_grant_again);
    EXPECT(wins > 0);
    EXPECT_EQ(GTF_permit_access, grants[41].flags);
    grants[41].flags = 0;
    EXPECT_OK(map_rw(table));
    pages_done();
}

static void flip_the_frame(void)
{
    grants[42].frame = (uint32_t)va_to_mfn(page);
    grants[42].frame = 1; /* nobody's */
}

static void copy_by_it(void)
{
    struct gnttab_copy c = {.source.u.ref = 42,
                            .source.domid = self,
                            .dest.u.gmfn = va_to_mfn(page2),
                            .dest.domid = DOMID_SELF,
                            .len = 64,
                            .flags = GNTCOPY_source_gref};

    hc_grant_table_op(GNTTABOP_copy, &c, 1);
    wins += c.status == GNTST_okay;
    if (c.status == GNTST_okay)
        EXPECT_EQ(0x77, page2[0]);
}

static void copies_look_at_the_frame_once(void)
{
    grants_ready();
    page[0] = 0x77;
    grant(42, page);
    race(copy_by_it, flip_the_frame);
    EXPECT_EQ(GTF_permit_access, grants[42].flags);
    note("copies that succeeded", wins);
    pages_done();
}

/* ---- events ---- */

static volatile int port_a, port_b;

static void pair_ours(void)
{
    port_a = ev_alloc_unbound(self);
    port_b = ev_bind_interdomain(self, (evtchn_port_t)port_a);
    ev_send((evtchn_port_t)port_b);
    ev_close((evtchn_port_t)port_a);
    ev_close((evtchn_port_t)port_b);
}

static void send_and_close(void)
{
    ev_send((evtchn_port_t)port_a);
    ev_close((evtchn_port_t)port_b);
    ev_send((evtchn_port_t)port_b);
    ev_close((evtchn_port_t)port_a);
}

static void pairs_close_from_both_ends(void)
{
    int before, after;

    grants_ready();
    before = ev_alloc_unbound(0);
    race(pair_ours, send_and_close);
    ev_close((evtchn_port_t)port_a);
    ev_close((evtchn_port_t)port_b);
    EXPECT_OK(ev_close((evtchn_port_t)before));
    after = ev_alloc_unbound(0);
    EXPECT_EQ(before, after);
    EXPECT_OK(ev_close((evtchn_port_t)after));
    pages_done();
}

static void move_it(void)
{
    ev_bind_vcpu((evtchn_port_t)port_a, 1);
    ev_send((evtchn_port_t)port_a);
    ev_bind_vcpu((evtchn_port_t)port_a, 0);
    ev_unmask((evtchn_port_t)port_b);
}

static void channels_move_while_they_close(void)
{
    grants_ready();
    race(pair_ours, move_it);
    pages_done();
}

static void bind_timer(void)
{
    int port = ev_bind_virq(VIRQ_TIMER, 1);

    if (port > 0) {
        wins++;
        EXPECT_OK(ev_close((evtchn_port_t)port));
    }
}

static void one_port_for_a_virq(void)
{
    pages_ready();
    race(bind_timer, bind_timer);
    EXPECT(wins > 0);
    pages_done();
}

/* ---- arguments that change while they are read ---- */

static struct mmu_update req;

static void flip_request(void)
{
    req.val = pte_make(va_to_mfn(page), PTE_RW_PAGE);
    req.ptr = entry_addr(table, 1);
    req.val = pte_make(va_to_mfn(table), PTE_RW_PAGE);
    req.ptr = entry_addr(table, 2);
    req.val = pte_make(1, PTE_RW_PAGE);
}

static void run_request(void)
{
    hc_mmu_update(&req, 1, NULL, DOMID_SELF);
    wins += PTE_MFN(table[1]) == 1 || PTE_MFN(table[2]) == 1 ||
            PTE_MFN(table[1]) == va_to_mfn(table) ||
            PTE_MFN(table[2]) == va_to_mfn(table);
}

static void what_was_checked_is_what_is_stored(void)
{
    pages_ready();
    flip_request();
    EXPECT_OK(map_ro(table));
    EXPECT_OK(pin_level(1, va_to_mfn(table)));
    race(run_request, flip_request);
    EXPECT_EQ(0, wins);
    mmu_update_one(entry_addr(table, 1), 0);
    mmu_update_one(entry_addr(table, 2), 0);
    pages_done();
}

static struct multicall_entry calls[4];

static void flip_calls(void)
{
    unsigned int i;

    for (i = 0; i < ARRAY_SIZE(calls); i++) {
        calls[i].op = __HYPERVISOR_xen_version;
        calls[i].args[0] = XENVER_version;
        calls[i].op = __HYPERVISOR_multicall;
        calls[i].args[0] = (uint64_t)calls;
        calls[i].op = __HYPERVISOR_iret;
        calls[i].args[1] = 4;
    }
}

static void run_calls(void)
{
    HC2(multicall, calls, ARRAY_SIZE(calls));
}

static void multicalls_change_while_they_run(void)
{
    pages_ready();
    race(run_calls, flip_calls);
    EXPECT_EQ(0x40011, hc_xen_version(XENVER_version, NULL));
    pages_done();
}

/* ---- areas and vCPUs ---- */

static void register_on_page(void)
{
    struct vcpu_register_time_memory_area t = {0};

    t.addr.p = (uint64_t)page;
    hc_vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, &t);
    hc_vcpu_op(VCPUOP_register_runstate_memory_area, 1, &t);
    t.addr.p = 0;
    hc_vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, &t);
    hc_vcpu_op(VCPUOP_register_runstate_memory_area, 1, &t);
}

static void registered_areas_let_go_once(void)
{
    pages_ready();
    race(register_on_page, register_on_page);
    register_on_page();
    pages_done();
}

static void up(void)
{
    hc_vcpu_op(VCPUOP_up, 1, NULL);
    hc_vcpu_op(VCPUOP_send_nmi, 1, NULL);
}

static void down(void)
{
    hc_vcpu_op(VCPUOP_down, 1, NULL);
}

/* It goes down by itself again and again; we bring it up. */
static void up_and_down_meet(void)
{
    unsigned int i;

    pages_ready();
    other_does = down;
    for (i = 0; i < ROUNDS; i++)
        up();
    other_does = NULL;
    up();
    other_ends();
    pages_done();
}

const struct test guest_tests[] = {
    TEST(a_pinned_table_is_never_written),
    TEST(nor_through_what_a_cpu_remembers),
    TEST(a_pin_is_undone_once),
    TEST(one_level_at_a_time),
    TEST(an_entry_counts_for_one_frame),
    TEST(updates_meet_tables_that_go),
    TEST(write_protections_count_once),
    TEST(emulated_stores_meet_updates),
    TEST(copies_do_not_reach_tables),
    TEST(a_root_in_use_stays_one),
    TEST(descriptors_in_use_are_never_written),
    TEST(descriptor_updates_meet_tables_and_gdts),
    TEST(ldt_pages_come_and_go),
    TEST(a_frame_is_given_back_once),
    TEST(frames_on_their_way_out_are_not_lost),
    TEST(a_reused_frame_is_clean_and_out_of_reach),
    TEST(a_handle_is_given_back_once),
    TEST(a_grant_in_use_does_not_change),
    TEST(copies_look_at_the_frame_once),
    TEST(pairs_close_from_both_ends),
    TEST(channels_move_while_they_close),
    TEST(one_port_for_a_virq),
    TEST(what_was_checked_is_what_is_stored),
    TEST(multicalls_change_while_they_run),
    TEST(registered_areas_let_go_once),
    TEST(up_and_down_meet),
    {0},
};
