/*
 * Messages over the store's ring: bytes out, whole messages in. Private to
 * store.c, which adds what they mean.
 */
#ifndef PARAVANE_CORE_WIRE_H
#define PARAVANE_CORE_WIRE_H

#include "pv-frontends/core/libc.h"

#include <xen/io/xs_wire.h>

struct wire {
    struct xenstore_domain_interface *ring;
    bool broken;
    /* The message that is coming in. */
    struct xsd_sockmsg head;
    uint32_t got; /* bytes of it, head included */
    char body[XENSTORE_PAYLOAD_MAX + 1];
};

void wire_init(struct wire *w, void *page);

/* Put as much as there is room for; how much. 0 too when it is broken. */
size_t wire_put(struct wire *w, const void *data, size_t size);

/*
 * Take bytes until a message is whole: true, with `head` and `body`, which ends
 * in a NUL that is not part of it. Call wire_next() when done with it.
 */
bool wire_get(struct wire *w, bool *took);
void wire_next(struct wire *w);

#endif
