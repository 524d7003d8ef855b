/* Event channels through the two-level ABI, as a guest starts with it. */
#include "evtchn.h"

static void starts_with_two_levels(void)
{
    unsigned int i;

    for (i = 0; i < 64; i++)
        EXPECT_EQ(0, shared->evtchn_mask[i]);
    guest_more_tests = evtchn_tests;
}

/* A guest's words are its own: rubbish in them hurts nobody. */
static void rubbish_in_the_bitmaps_does_no_harm(void)
{
    memset((void *)shared->evtchn_pending, 0xff,
           sizeof(shared->evtchn_pending));
    this_vcpu_info()->evtchn_pending_sel = ~0ul;
    EXPECT_EQ(-XEN_EINVAL, ev_send(4000));
    hc_xen_version(XENVER_version, NULL);
    memset((void *)shared->evtchn_pending, 0, sizeof(shared->evtchn_pending));
    this_vcpu_info()->evtchn_pending_sel = 0;
    this_vcpu_info()->evtchn_upcall_pending = 0;
}

const struct test guest_tests[] = {
    TEST(starts_with_two_levels),
    TEST(rubbish_in_the_bitmaps_does_no_harm),
    {0},
};
