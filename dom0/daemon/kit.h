/*
 * The handles one operation works with: hypervisor, foreign memory, builder,
 * store. Each belongs to one thread at a time; a pool keeps those not in use,
 * because opening them costs more than most operations.
 */
#ifndef DAEMON_KIT_H
#define DAEMON_KIT_H

#include "dom0/builder/builder.h"
#include "dom0/daemon/fault.h"
#include "dom0/libs/foreignmem/foreignmem.h"
#include "dom0/libs/hypercall/hypercall.h"
#include "xenstore/client/xs.h"

struct kit {
    struct kit *next;
    struct hv *hv;
    struct fmem *fm;
    struct builder *builder;
    struct xs_handle *xs;
};

struct kits;

int kits_create(struct kits **kits);
void kits_destroy(struct kits *kits);

/* Take one, opened where needed; NULL with a reason in `f`. */
struct kit *kit_get(struct kits *kits, struct fault *f);
void kit_put(struct kits *kits, struct kit *k);

/* The store went away under us: connect again, waiting up to `wait_ms` for it
 * to be back. Open transactions and watches are gone. */
int kit_reconnect(struct kit *k, int wait_ms, struct fault *f);

#endif
