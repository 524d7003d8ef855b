/*
 * Every hypercall and sub-op with arguments that mean nothing, a repeatable
 * mixture. Any answer will do; what must not happen is that something dies.
 */
#include "guest.h"

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static uint8_t *scratch;

/* Pointers, numbers, frames: what arguments usually are, and their edges. */
static uint64_t junk(void)
{
    static const uint64_t edges[] = {
        0,
        1,
        2,
        4095,
        4096,
        0x7ff0,
        0x7ff1,
        0x7fff,
        0xffff,
        0x7fffffff,
        0x80000000,
        0xffffffff,
        1ul << 32,
        1ul << 47,
        ~0ul,
        ~0ul - 7,
        1ul << 63,
        0xffff800000000000,
        0xffff830000000000,
        0x7000000000,
    };
    uint64_t r = random();

    switch (r >> 60) {
    case 0 ... 5:
        return edges[r % ARRAY_SIZE(edges)];
    case 6 ... 10:
        return (uint64_t)scratch + r % 1024 * 4;
    case 11:
        return r % 64;
    case 12:
        return va_to_mfn(scratch) << 12 | (r & 0xfff);
    default:
        return random();
    }
}

static void scratch_fill(void)
{
    uint64_t *word = (uint64_t *)scratch;
    unsigned int i;

    for (i = 0; i < 512; i++)
        word[i] = i % 3 ? junk() : random() % 16;
}

/*
 * What may rightly end us, take our stack or tables away, or put us to sleep
 * for ever, is left out: set_trap_table, mmu changes to our own tables,
 * stack_switch, callbacks, iret, SCHEDOP_block, shutdown and their kin.
 */
static bool allowed(uint64_t nr, uint64_t cmd)
{
    switch (nr) {
    case __HYPERVISOR_set_trap_table:
    case __HYPERVISOR_stack_switch:
    case __HYPERVISOR_set_callbacks:
    case __HYPERVISOR_callback_op:
    case __HYPERVISOR_iret:
    case __HYPERVISOR_set_segment_base:
    case __HYPERVISOR_fpu_taskswitch:
    case __HYPERVISOR_set_debugreg:
    case __HYPERVISOR_multicall:
    case __HYPERVISOR_nmi_op:
    case __HYPERVISOR_update_va_mapping:
    case __HYPERVISOR_update_va_mapping_otherdomain:
    /* The old calls take their number from memory: a close or a reset. */
    case __HYPERVISOR_event_channel_op_compat:
    case __HYPERVISOR_physdev_op_compat:
    case __HYPERVISOR_mmu_update:
    case __HYPERVISOR_update_descriptor:
    case __HYPERVISOR_set_gdt:
        return false;
    case __HYPERVISOR_sched_op_compat:
        return cmd == 0;
    case __HYPERVISOR_sched_op:
        return cmd == SCHEDOP_yield || cmd == SCHEDOP_remote_shutdown ||
               cmd > SCHEDOP_watchdog;
    case __HYPERVISOR_vcpu_op:
        return cmd != VCPUOP_down && cmd != VCPUOP_initialise &&
               cmd != VCPUOP_register_vcpu_info && cmd != VCPUOP_send_nmi &&
               cmd != VCPUOP_register_runstate_memory_area &&
               cmd != VCPUOP_register_vcpu_time_memory_area;
    case __HYPERVISOR_memory_op:
        return (cmd & 63) != XENMEM_decrease_reservation &&
               (cmd & 63) != XENMEM_exchange &&
               (cmd & 63) != XENMEM_remove_from_physmap;
    case __HYPERVISOR_event_channel_op:
        return cmd != EVTCHNOP_close && cmd != EVTCHNOP_reset &&
               cmd != EVTCHNOP_init_control && cmd != EVTCHNOP_send;
    case __HYPERVISOR_mmuext_op:
        return false;
    case __HYPERVISOR_vm_assist:
        return cmd != VMASST_CMD_enable;
    default:
        return true;
    }
}

static void call(uint64_t nr, uint64_t cmd)
{
    if (allowed(nr, cmd))
        hypercall(nr, cmd, junk(), junk(), junk(), junk());
}

static void still_well(void)
{
    EXPECT_EQ(0x40011, hc_xen_version(XENVER_version, NULL));
    EXPECT_EQ(1, hc_vcpu_op(VCPUOP_is_up, 0, NULL));
}

/*
 * A page with a hole behind it. A call may rightly walk an array as far as we
 * say it goes and write into each element (a random count of grant swaps does
 * so through all our memory, on the peer as well): it must end at the hole.
 */
static void scratch_make(void)
{
    uint8_t *hole;

    scratch = page_alloc();
    hole = page_alloc();
    EXPECT_EQ(scratch + PAGE_SIZE, hole);
    EXPECT_OK(va_map(hole, 0));
}

static void null_pointers(void)
{
    uint64_t nr, cmd;

    scratch_make();
    for (nr = 0; nr < 64; nr++)
        for (cmd = 0; cmd < 100; cmd++)
            if (allowed(nr, cmd))
                hypercall(nr, cmd, 0, 0, 0, 0);
    still_well();
}

static void bad_pointers(void)
{
    static const uint64_t at[] = {0x7000000000, 0x800000000000,
                                  0xffff830000000000, ~0ul - 7};
    uint64_t nr, cmd;
    unsigned int i;

    for (i = 0; i < ARRAY_SIZE(at); i++)
        for (nr = 0; nr < 64; nr++)
            for (cmd = 0; cmd < 100; cmd++)
                if (allowed(nr, cmd))
                    hypercall(nr, cmd, at[i], at[i], at[i], at[i]);
    still_well();
}

static void every_sub_op_with_junk(void)
{
    unsigned int round;
    uint64_t nr, cmd;

    for (round = 0; round < 8; round++)
        for (nr = 0; nr < 64; nr++)
            for (cmd = 0; cmd < 100; cmd++) {
                if (cmd % 16 == 0)
                    scratch_fill();
                call(nr, cmd);
            }
    still_well();
}

static void wild_numbers_with_junk(void)
{
    unsigned int i;

    for (i = 0; i < 20000; i++) {
        if (i % 64 == 0)
            scratch_fill();
        call(i % 2 ? random() % 64 : junk(), junk());
    }
    still_well();
}

/* The page-table calls, on a pinned table of no other use. */
static void page_table_calls_with_junk(void)
{
    uint64_t *t = table_alloc();
    struct mmu_update req;
    struct mmuext_op op;
    unsigned int i, done;

    EXPECT_OK(pin_level(1, va_to_mfn(t)));
    for (i = 0; i < 20000; i++) {
        req.ptr = random() % 4 ? entry_addr(t, random() % 512) | random() % 4
                               : random();
        /* A machine-to-physical update may hit frames that we do use. */
        if ((req.ptr & 3) == MMU_MACHPHYS_UPDATE)
            req.ptr &= ~3ul;
        if (req.ptr >> 12 != va_to_mfn(t) && req.ptr >> 12 < 0x1000000)
            req.ptr |= 1ul << 50;
        req.val = random() % 2 ? junk() : junk() << 12 | 7;
        hc_mmu_update(&req, 1, &done, i % 8 ? DOMID_SELF : junk());
        op.cmd = (unsigned int)(i % 24);
        if (op.cmd == MMUEXT_NEW_BASEPTR || op.cmd == MMUEXT_UNPIN_TABLE ||
            op.cmd == MMUEXT_NEW_USER_BASEPTR || op.cmd == MMUEXT_CLEAR_PAGE ||
            op.cmd == MMUEXT_COPY_PAGE || op.cmd == MMUEXT_SET_LDT)
            continue;
        op.arg1.linear_addr = junk();
        op.arg2.vcpumask.p = (void *)junk();
        hc_mmuext_op(&op, 1, &done, i % 8 ? DOMID_SELF : junk());
    }
    still_well();
    EXPECT_OK(unpin(va_to_mfn(t)));
    table_free(t);
}

const struct test guest_tests[] = {
    TEST(null_pointers),
    TEST(bad_pointers),
    TEST(every_sub_op_with_junk),
    TEST(wild_numbers_with_junk),
    TEST(page_table_calls_with_junk),
    {0},
};
