/* Events, arguments that change while they are read, areas and vCPUs. */
#include "races.h"

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

void pairs_close_from_both_ends(void)
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

void channels_move_while_they_close(void)
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

void one_port_for_a_virq(void)
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

void what_was_checked_is_what_is_stored(void)
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

void multicalls_change_while_they_run(void)
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

void registered_areas_let_go_once(void)
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
void up_and_down_meet(void)
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
