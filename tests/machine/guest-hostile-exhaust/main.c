/* Takes all event channels and grant frames that it can get, and stays. */
#include "evtchn.h"

static void event_channels_run_out(void)
{
    int port, n = 0;

    while (n < 200000 && (port = ev_alloc_unbound(0)) > 0)
        n++;
    note("event channels to be had", n);
    note("then", port);
    EXPECT(n > 100 && n < 200000);
    EXPECT_EQ(-XEN_ENOSPC, port);
}

static void grant_frames_run_out(void)
{
    static uint64_t frames[4096];
    struct gnttab_setup_table op = {.dom = DOMID_SELF};
    unsigned int n = 0;

    set_xen_guest_handle(op.frame_list, frames);
    for (op.nr_frames = 1; op.nr_frames <= 4096; op.nr_frames++) {
        if (hc_grant_table_op(GNTTABOP_setup_table, &op, 1) || op.status)
            break;
        n = op.nr_frames;
    }
    note("grant frames to be had", n);
    EXPECT(n >= 1 && n < 4096);
}

static void stay(void)
{
    guest_ready();
    for (;;)
        hc_sched_op(SCHEDOP_yield, NULL);
}

const struct test guest_tests[] = {
    TEST(event_channels_run_out),
    TEST(grant_frames_run_out),
    TEST(stay),
    {0},
};
