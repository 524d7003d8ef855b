/* The same event channel cases through the queues, and attacks on these. */
#include "evtchn.h"

static void queues_can_be_had(void)
{
    int rc = ev_use_fifo();

    if (rc == -XEN_ENOSYS) {
        test_skip("the host has no FIFO event channels");
        return;
    }
    EXPECT_OK(rc);
    guest_more_tests = evtchn_tests;
}

static void the_control_block_is_given_once(void)
{
    struct evtchn_init_control init = {0};
    uint64_t *page = page_alloc();

    if (!ev_is_fifo()) {
        test_skip("no FIFO event channels");
        return;
    }
    init.control_gfn = va_to_mfn(page);
    EXPECT_REFUSED(hc_event_channel_op(EVTCHNOP_init_control, &init));
    page_free(page);
}

const struct test guest_tests[] = {
    TEST(queues_can_be_had),
    TEST(the_control_block_is_given_once),
    {0},
};
