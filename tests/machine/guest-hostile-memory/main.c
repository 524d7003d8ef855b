/* Balloons up and down and exchanges frames without end. */
#include "guest.h"

static int64_t op(unsigned int cmd, uint64_t *frames, uint64_t n)
{
    struct xen_memory_reservation r = {.nr_extents = n, .domid = DOMID_SELF};

    set_xen_guest_handle(r.extent_start, frames);
    return hc_memory_op(cmd, &r);
}

static void balloon_for_ever(void)
{
    static uint64_t frames[2000];
    int64_t got;
    unsigned int i;

    guest_ready();
    for (;;) {
        for (i = 0; i < 2000; i++)
            frames[i] = 0x100000 + i;
        got = op(XENMEM_populate_physmap, frames, 2000);
        if (got > 0)
            op(XENMEM_decrease_reservation, frames, (uint64_t)got);
    }
}

const struct test guest_tests[] = {TEST(balloon_for_ever), {0}};
