/*
 * Being saved. The toolstack finds our frames by the p2m and by the page
 * tables, in which nothing may be mapped then that is not ours; what start_info
 * names by machine frames it wants by our own numbers, and puts the new machine
 * frames there.
 */
#include "pv-frontends/guest/guest.h"

#include "pv-frontends/core/consfront.h"
#include "pv-frontends/core/gnt.h"
#include "pv-frontends/core/xenbus.h"
#include "pv-frontends/guest/program.h"

static void start_info_to_pfns(void)
{
    start_info->store_mfn = mfn_to_pfn(start_info->store_mfn);
    start_info->console.domU.mfn = mfn_to_pfn(start_info->console.domU.mfn);
}

static void start_info_to_mfns(void)
{
    start_info->store_mfn = pfn_to_mfn(start_info->store_mfn);
    start_info->console.domU.mfn = pfn_to_mfn(start_info->console.domU.mfn);
}

/* Nobody may wait or print in here; events are off as always. */
static bool go(void)
{
    struct sched_shutdown op = {.reason = SHUTDOWN_suspend};
    bool cancelled;

    memory_unmap_frames();
    start_info_to_pfns();
    guest_map_shared_info(false);
    cancelled =
        shim_hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, (uint64_t)&op,
                       pfn_to_mfn(va_to_pfn(start_info)), 0);
    if (cancelled)
        start_info_to_mfns();
    guest_map_shared_info(true);
    return cancelled;
}

/* Another host: its event channels, its time. */
static void arrive(uint64_t before_ns)
{
    time_continue(before_ns);
    memory_publish_p2m();
    time_init();
    (void)cons_init();
}

int guest_suspend(struct xbdev *dev)
{
    uint64_t before_ns;
    bool cancelled;
    int rc;

    print("TINY suspends\n");
    (void)cons_drain(1000000000);
    if (dev)
        xbdev_suspend(dev);
    before_ns = shim_now_ns();
    cancelled = go();
    if (!cancelled)
        arrive(before_ns);
    rc = gnt_resume(cancelled);
    if (rc)
        return program_fail("no grants after a suspend, error %d", rc);
    if (!cancelled)
        store_resume();
    if (dev)
        xbdev_resume(dev);
    print("TINY goes on%s\n", cancelled ? ", not suspended" : "");
    return 0;
}
