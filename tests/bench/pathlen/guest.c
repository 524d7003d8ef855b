/*
 * Runs each operation of a PV guest's kernel that costs it a way into the
 * hypervisor RUNS times between markers. It is its own dom0: nothing else
 * runs, and it is up in a second. Says "PATH <number> <name>" for each.
 */
#include "evtchn.h"
#include "markers.h"
#include "guest-entry.h"

#include <xen/sysctl.h>

#define RUNS 21

static void say(unsigned int op, const char *name)
{
    print("PATH %d %s\n", op, name);
}

/* An operation that is over when its statement is. */
#define MEASURE(op, name, ...)                                                 \
    do {                                                                       \
        say(op, name);                                                         \
        for (int run_ = 0; run_ < RUNS; run_++) {                              \
            BEGIN(op);                                                         \
            __VA_ARGS__;                                                       \
            END();                                                             \
        }                                                                      \
    } while (0)

/* ---- hypercalls that do next to nothing ---------------------------------- */

static void calls(void)
{
    static struct multicall_entry list[8];

    MEASURE(1, "hypercall-null", hc_xen_version(XENVER_version, NULL));
    MEASURE(
        2, "stack-switch",
        HC2(stack_switch, FLAT_KERNEL_SS, (uint64_t)trap_stack + STACK_SIZE));
    MEASURE(3, "fpu-taskswitch-pair", HC1(fpu_taskswitch, 1);
            HC1(fpu_taskswitch, 0));
    MEASURE(4, "set-fs-base", hc_set_segment_base(SEGBASE_FS, 0x1000));
    for (unsigned int i = 0; i < ARRAY_SIZE(list); i++)
        list[i].op = __HYPERVISOR_xen_version;
    MEASURE(5, "multicall-8-null", HC2(multicall, list, ARRAY_SIZE(list)));
    MEASURE(6, "set-timer", HC1(set_timer_op, time_ns(0) + 1000000000));
    HC1(set_timer_op, 0);
    MEASURE(7, "yield-alone", hc_sched_op(SCHEDOP_yield, NULL));
}

/* ---- page tables --------------------------------------------------------- */

/* Give `page` the mapping `pte`, as operation `op`. */
#define UPDATE_VA(op, page, pte, flags)                                        \
    do {                                                                       \
        BEGIN(op);                                                             \
        hc_update_va_mapping(page, pte, flags);                                \
        END();                                                                 \
    } while (0)

static void one_entry(uint8_t *page)
{
    uint64_t rw = pte_make(va_to_mfn(page), PTE_RW_PAGE);
    uint64_t ro = pte_make(va_to_mfn(page), PTE_RO_PAGE);

    say(20, "update-va-mapping-unmap");
    say(21, "update-va-mapping-map");
    say(22, "update-va-mapping-protect");
    say(23, "update-va-mapping-unprotect-invlpg");
    for (int run = 0; run < RUNS; run++) {
        UPDATE_VA(20, page, 0, 0);
        UPDATE_VA(21, page, rw, 0);
        UPDATE_VA(22, page, ro, 0);
        UPDATE_VA(23, page, rw, UVMF_INVLPG | UVMF_LOCAL);
    }
}

#define UPDATES 32
static struct mmu_update list[UPDATES];

/* The first `nr` entries, as operation `op`. */
#define UPDATE_LIST(op, nr, flags)                                             \
    do {                                                                       \
        for (unsigned int i_ = 0; i_ < (nr); i_++)                             \
            list[i_].val =                                                     \
                (flags) ? pte_make(list_mfn[i_], flags) : (uint64_t)0;         \
        BEGIN(op);                                                             \
        hc_mmu_update(list, nr, NULL, DOMID_SELF);                             \
        END();                                                                 \
    } while (0)

static void lists_of_entries(void)
{
    static uint64_t list_mfn[UPDATES];

    for (unsigned int i = 0; i < UPDATES; i++) {
        void *page = page_alloc();

        list[i].ptr = pte_addr(page);
        list_mfn[i] = va_to_mfn(page);
    }
    say(24, "mmu-update-1-unmap");
    say(25, "mmu-update-1-map");
    say(26, "mmu-update-32-protect");
    say(27, "mmu-update-32-unprotect");
    say(28, "mmu-update-32-unmap");
    say(29, "mmu-update-32-map");
    for (int run = 0; run < RUNS; run++) {
        UPDATE_LIST(24, 1, 0);
        UPDATE_LIST(25, 1, PTE_RW_PAGE);
        UPDATE_LIST(26, UPDATES, PTE_RO_PAGE);
        UPDATE_LIST(27, UPDATES, PTE_RW_PAGE);
        UPDATE_LIST(28, UPDATES, 0);
        UPDATE_LIST(29, UPDATES, PTE_RW_PAGE);
    }
}

static void whole_tables(void)
{
    uint64_t *l4 = table_alloc();
    struct mmuext_op op = {
        .cmd = MMUEXT_NEW_BASEPTR,
        .arg1.mfn = va_to_mfn((void *)start_info->pt_base),
    };

    MEASURE(30, "invlpg-local", mmuext_linear(MMUEXT_INVLPG_LOCAL, l4, 0));
    MEASURE(31, "tlb-flush-local", mmuext_linear(MMUEXT_TLB_FLUSH_LOCAL, 0, 0));
    MEASURE(32, "pin-and-unpin-empty-l4", pin_level(4, va_to_mfn(l4));
            unpin(va_to_mfn(l4)));
    MEASURE(33, "new-baseptr", hc_mmuext_op(&op, 1, NULL, DOMID_SELF));
    user_init();
    hc_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables);
    MEASURE(34, "pte-store-emulated", *(volatile uint64_t *)&user_l1[100] = 0);
}

/* ---- in and out of user mode ----------------------------------------------
 */

static void user_round(unsigned int leave, uint64_t flags)
{
    static struct iret_frame frame;

    frame = (struct iret_frame){
        .flags = flags,
        .rip = USER_CODE,
        .cs = FLAT_USER_CS,
        .rflags = 0x202,
        .rsp = USER_STACK + PAGE_SIZE,
        .ss = FLAT_USER_SS,
    };
    if (!trap_try()) {
        if (leave == 40)
            BEGIN(40);
        else if (leave == 41)
            BEGIN(41);
        else
            BEGIN(111);
        iret_raw(&frame);
    }
    this_vcpu_info()->evtchn_upcall_mask = 1;
}

static void user_rounds(const char *from, const char *to, unsigned int leave,
                        uint64_t flags)
{
    user_init();
    memcpy(user_code_page, from, (size_t)(to - from));
    for (int run = 0; run < RUNS; run++)
        user_round(leave, flags);
}

/* `flags` of the frame: leave by SYSRET. */
#define IN_SYSCALL 0x100

static void bounces(void)
{
    uint8_t *page = page_alloc();

    /* So that the kernel's own entries end what has begun. */
    entries_with_marks();
    say(40, "iret-to-user");
    say(41, "sysret-to-user");
    say(42, "syscall-bounce");
    say(43, "user-page-fault-bounce");
    user_rounds(user_syscall, user_syscall_end, 40, 0);
    user_rounds(user_fault, user_fault_end, 41, IN_SYSCALL);
    va_map(page, 0);
    say(44, "kernel-page-fault-bounce");
    for (int run = 0; run < RUNS; run++) {
        TRAPS(BEGIN(44); *(volatile uint8_t *)page);
    }
    say(45, "kernel-int3-bounce");
    for (int run = 0; run < RUNS; run++) {
        TRAPS(BEGIN(45); __asm__ volatile("int3"));
    }
    say(46, "iret-to-kernel");
    for (int run = 0; run < RUNS; run++) {
        BEGIN(46);
        iret_to_kernel();
        END();
    }
}

/* ---- events ----------------------------------------------------------------
 */

/* A channel from ourselves to ourselves. */
static evtchn_port_t from_port, to_port;

static void clear_port(void)
{
    ev_clear(to_port);
}

/* In line, so that the markers have a constant. */
#define WITH_MARKS static inline __attribute__((always_inline)) void

WITH_MARKS sends(unsigned int op, const char *name)
{
    say(op, name);
    for (int run = 0; run < RUNS; run++) {
        ev_clear(to_port);
        this_vcpu_info()->evtchn_upcall_mask = 1;
        BEGIN(op);
        ev_send(from_port);
        END();
    }
    ev_clear(to_port);
}

/* The handler's entry ends it. */
WITH_MARKS receives(unsigned int op, const char *name)
{
    say(op, name);
    upcall_hook = clear_port;
    for (int run = 0; run < RUNS; run++) {
        this_vcpu_info()->evtchn_upcall_mask = 0;
        BEGIN(op);
        ev_send(from_port);
        END();
        this_vcpu_info()->evtchn_upcall_mask = 1;
    }
    upcall_hook = NULL;
}

static void timer_interrupts(void)
{
    evtchn_port_t port = (evtchn_port_t)ev_bind_virq(VIRQ_TIMER, 0);

    say(65, "timer-interrupt");
    ev_unmask(port);
    for (int run = 0; run < RUNS; run++) {
        unsigned int before = upcall_count;

        ev_clear(port);
        HC1(set_timer_op, time_ns(0) + 300000);
        this_vcpu_info()->evtchn_upcall_mask = 0;
        BEGIN(65);
        while (upcall_count == before)
            barrier();
        this_vcpu_info()->evtchn_upcall_mask = 1;
        END();
    }
    ev_close(port);
}

static void events(void)
{
    to_port = (evtchn_port_t)ev_alloc_unbound(DOMID_SELF);
    from_port = (evtchn_port_t)ev_bind_interdomain(DOMID_SELF, to_port);
    ev_unmask(to_port);
    entry_register(CALLBACKTYPE_event, marked_event);
    sends(60, "event-send");
    receives(61, "event-send-and-receive");
}

/* The same ports with the queues that Linux uses. */
static void events_by_queue(void)
{
    if (ev_use_fifo()) {
        print("NOTE no FIFO\n");
        return;
    }
    ev_unmask(to_port);
    sends(62, "event-send-fifo");
    receives(63, "event-send-and-receive-fifo");
}

/* ---- grants ----------------------------------------------------------------
 */

static grant_entry_v1_t *grants;

static void grant(grant_ref_t ref, const void *page)
{
    grants[ref].frame = (uint32_t)va_to_mfn(page);
    grants[ref].domid = 0; /* we are dom0 */
    barrier();
    grants[ref].flags = GTF_permit_access;
}

static void grant_copies(const uint8_t *to)
{
    struct gnttab_copy copy = {
        .len = PAGE_SIZE,
        .flags = GNTCOPY_source_gref,
        .source.u.ref = 20,
        .dest.domid = DOMID_SELF,
        .dest.u.gmfn = va_to_mfn(to),
    };

    MEASURE(82, "grant-copy-page", hc_grant_table_op(GNTTABOP_copy, &copy, 1));
    copy.len = 64;
    MEASURE(83, "grant-copy-64-bytes",
            hc_grant_table_op(GNTTABOP_copy, &copy, 1));
    if (copy.status != GNTST_okay)
        print("NOTE grant copy: %d\n", copy.status);
}

static void grant_maps(void *where)
{
    struct gnttab_map_grant_ref map = {
        .host_addr = (uint64_t)where, .flags = GNTMAP_host_map, .ref = 20};
    struct gnttab_unmap_grant_ref unmap = {.host_addr = (uint64_t)where};

    say(80, "grant-map");
    say(81, "grant-unmap");
    for (int run = 0; run < RUNS; run++) {
        BEGIN(80);
        hc_grant_table_op(GNTTABOP_map_grant_ref, &map, 1);
        END();
        unmap.handle = map.handle;
        BEGIN(81);
        hc_grant_table_op(GNTTABOP_unmap_grant_ref, &unmap, 1);
        END();
    }
    if (map.status != GNTST_okay || unmap.status != GNTST_okay)
        print("NOTE grant map: %d, %d\n", map.status, unmap.status);
}

static void grant_operations(void)
{
    static uint64_t frame;
    struct gnttab_setup_table op = {.dom = DOMID_SELF, .nr_frames = 1};
    uint8_t *page = page_alloc(), *where = page_alloc(), *to = page_alloc();

    set_xen_guest_handle(op.frame_list, &frame);
    hc_grant_table_op(GNTTABOP_setup_table, &op, 1);
    grants = page_alloc();
    va_map(grants, pte_make(frame, PTE_RW_PAGE));
    grant(20, page);
    va_map(where, 0);
    grant_maps(where);
    grant_copies(to);
}

/* ---- two vCPUs of one CPU
 * ---------------------------------------------------- */

static evtchn_port_t ping, pong;

static void poll_port(evtchn_port_t *port)
{
    struct sched_poll op = {.nr_ports = 1};

    set_xen_guest_handle(op.ports, port);
    hc_sched_op(SCHEDOP_poll, &op);
    ev_clear(*port);
}

static void echo(void *unused)
{
    (void)unused;
    for (;;) {
        poll_port(&ping);
        ev_send(pong);
    }
}

/* There and back: two events, two waits, two switches. */
static void switches(void)
{
    ping = (evtchn_port_t)ev_bind_ipi(1);
    pong = (evtchn_port_t)ev_bind_ipi(0);
    if (smp_start(1, echo, NULL)) {
        print("NOTE no second vCPU\n");
        return;
    }
    for (int run = 0; run < 4; run++) {
        ev_send(ping);
        poll_port(&pong);
    }
    MEASURE(90, "event-and-switch-there-and-back", ev_send(ping);
            poll_port(&pong));
}

/* ---- with a trace on -------------------------------------------------------
 */

static long trace_op(uint32_t cmd, uint32_t size)
{
    static struct xen_sysctl op;

    op.cmd = XEN_SYSCTL_tbuf_op;
    op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    op.u.tbuf_op.cmd = cmd;
    op.u.tbuf_op.size = size;
    return HC1(sysctl, &op);
}

/* What a system call costs, and its way back, when it is recorded. Nobody
   reads: all records find room. */
static void traced(void)
{
    if (trace_op(XEN_SYSCTL_TBUFOP_set_size, 16) ||
        trace_op(XEN_SYSCTL_TBUFOP_enable, 0)) {
        print("NOTE no tracing\n");
        return;
    }
    MEASURE(110, "traced-hypercall-null", hc_xen_version(XENVER_version, NULL));
    say(111, "traced-sysret-to-user");
    say(112, "traced-syscall-bounce");
    user_rounds(user_traced, user_traced_end, 111, IN_SYSCALL);
    trace_op(XEN_SYSCTL_TBUFOP_disable, 0);
}

static void paths(void)
{
    calls();
    one_entry(page_alloc());
    lists_of_entries();
    whole_tables();
    events();
    grant_operations();
    timer_interrupts();
    switches();
    bounces();
    traced();
    events_by_queue();
    print("PATH-END\n");
    guest_shutdown(SHUTDOWN_reboot);
}

const struct test guest_tests[] = {TEST(paths), {}};
