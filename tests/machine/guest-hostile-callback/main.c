/* An event callback at an address that is not mapped, nor is any other. */
#include "guest.h"

static void an_upcall_into_nothing(void)
{
    struct callback_register reg = {.type = CALLBACKTYPE_event,
                                    .address = 0x7000000000};

    guest_ready();
    EXPECT_OK(hc_callback_op(CALLBACKOP_register, &reg));
    /* The page fault's own handler is as bad: fault upon fault. */
    trap_set(14, 4, 0x7000000000);
    this_vcpu_info()->evtchn_upcall_pending = 1;
    this_vcpu_info()->evtchn_upcall_mask = 0;
    hc_xen_version(XENVER_version, NULL);
    EXPECT(!"reached");
}

const struct test guest_tests[] = {TEST(an_upcall_into_nothing), {0}};
