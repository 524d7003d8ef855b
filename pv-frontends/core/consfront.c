#include "pv-frontends/core/consfront.h"

#include "pv-frontends/core/errors.h"
#include "pv-frontends/core/evtchn.h"
#include "pv-frontends/core/ring.h"
#include "pv-frontends/shim/shim.h"

#include <xen/io/console.h>

enum { LOOK_AGAIN_NS = 100000000 };

static struct {
    struct xencons_interface *ring;
    evtchn_port_t port;
} cons;

/* There to end a sleep. */
static void on_event(void *arg)
{
    (void)arg;
}

int cons_init(void)
{
    struct shim_boot boot;

    shim_boot_info(&boot);
    if (!boot.console)
        return -XEN_ENODEV;
    cons.ring = boot.console;
    cons.port = boot.console_port;
    return evtchn_listen(cons.port, on_event, NULL);
}

size_t cons_write(const void *data, size_t size)
{
    struct xencons_interface *r = cons.ring;
    XENCONS_RING_IDX prod, used;
    const char *from = data;

    if (!r)
        return size; /* into the void */
    prod = shared_read(r->out_prod);
    used = prod - shared_read(r->out_cons);
    if (used > sizeof(r->out))
        used = 0; /* nonsense; what it costs is a line of the console */
    if (size > sizeof(r->out) - used)
        size = sizeof(r->out) - used;
    xen_mb(); /* the daemon is done with the room before we fill it */
    for (size_t i = 0; i < size; i++)
        r->out[MASK_XENCONS_IDX(prod + i, r->out)] = from[i];
    xen_wmb(); /* the bytes before the index that covers them */
    shared_write(r->out_prod, prod + (XENCONS_RING_IDX)size);
    if (size)
        evtchn_send(cons.port);
    return size;
}

void cons_write_all(const void *data, size_t size)
{
    const char *from = data;

    while (size) {
        size_t n = cons_write(from, size);

        from += n;
        size -= n;
        if (size)
            shim_wait(shim_now_ns() + LOOK_AGAIN_NS);
    }
}

size_t cons_read(void *data, size_t size)
{
    struct xencons_interface *r = cons.ring;
    XENCONS_RING_IDX at, there;
    char *to = data;

    if (!r)
        return 0;
    at = shared_read(r->in_cons);
    there = shared_read(r->in_prod) - at;
    if (there > sizeof(r->in))
        return 0;
    if (size > there)
        size = there;
    xen_rmb();
    for (size_t i = 0; i < size; i++)
        to[i] = shared_read(r->in[MASK_XENCONS_IDX(at + i, r->in)]);
    xen_mb(); /* our reads end before the daemon may write there again */
    shared_write(r->in_cons, at + (XENCONS_RING_IDX)size);
    if (size)
        evtchn_send(cons.port);
    return size;
}

bool cons_drain(uint64_t timeout_ns)
{
    uint64_t until = shim_now_ns() + timeout_ns;
    struct xencons_interface *r = cons.ring;

    while (r && shared_read(r->out_cons) != shared_read(r->out_prod)) {
        if (shim_now_ns() >= until)
            return false;
        shim_wait(until);
    }
    return true;
}
