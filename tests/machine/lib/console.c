/*
 * The console ring that the toolstack gave us; the same text goes out through
 * CONSOLEIO_write too, which a release build of the peer refuses to a guest.
 */
#include "guest.h"

static struct xencons_interface *ring(void)
{
    uint64_t mfn = start_info->console.domU.mfn;

    if (start_info->flags & SIF_INITDOMAIN) /* has another union member there */
        return NULL;
    return mfn ? pfn_to_va(M2P[mfn]) : NULL;
}

static void ring_kick(void)
{
    struct evtchn_send send = {.port = start_info->console.domU.evtchn};

    hc_event_channel_op(EVTCHNOP_send, &send);
}

static void ring_write(struct xencons_interface *r, const char *s, size_t n)
{
    for (; n; n--, s++) {
        while (*(volatile uint32_t *)&r->out_prod -
                   *(volatile uint32_t *)&r->out_cons >=
               sizeof(r->out)) {
            ring_kick();
            hc_sched_op(SCHEDOP_yield, NULL);
        }
        r->out[MASK_XENCONS_IDX(r->out_prod, r->out)] = *s;
        /* The daemon must see the byte before the index that covers it. */
        barrier();
        r->out_prod++;
    }
    ring_kick();
}

void print(const char *fmt, ...)
{
    char line[400];
    va_list ap;
    size_t n;

    va_start(ap, fmt);
    n = format(line, sizeof(line), fmt, ap);
    va_end(ap);
    if (n >= sizeof(line))
        n = sizeof(line) - 1;
    hc_console_io(CONSOLEIO_write, n, line);
    if (ring())
        ring_write(ring(), line, n);
}

void console_drain(void)
{
    struct xencons_interface *r = ring();
    unsigned int tries;

    if (!r)
        return;
    for (tries = 0; tries < 100000; tries++) {
        if (*(volatile uint32_t *)&r->out_cons == r->out_prod)
            return;
        hc_sched_op(SCHEDOP_yield, NULL);
    }
}
