/* A storm of events: to itself, and to the console and store in dom0. */
#include "evtchn.h"

static void storm_for_ever(void)
{
    int a = ev_alloc_unbound(DOMID_SELF);
    int b = ev_bind_interdomain(DOMID_SELF, (evtchn_port_t)a);
    int ipi = ev_bind_ipi(0);

    guest_ready();
    ev_unmask((evtchn_port_t)a);
    this_vcpu_info()->evtchn_upcall_mask = 0;
    for (;;) {
        ev_clear((evtchn_port_t)a);
        ev_send((evtchn_port_t)b);
        ev_clear((evtchn_port_t)ipi);
        ev_send((evtchn_port_t)ipi);
        ev_send(start_info->store_evtchn);
    }
}

const struct test guest_tests[] = {TEST(storm_for_ever), {0}};
