/*
 * The answers of a network card's two rings, noted before they are written into
 * them, in a shared mapping of a file that outlives a killed process.
 *
 * An answer takes the place of a request. A process killed after it has written
 * answers and before it has published them leaves slots that look like requests
 * and are none: a successor would send whatever page their bytes name. With the
 * note it writes the same answers again and goes on behind them.
 */
#ifndef PARAVANE_NET_NETJOURNAL_H
#define PARAVANE_NET_NETJOURNAL_H

#include "pv-backends/runtime/ring.h"

#include <stdbool.h>
#include <stddef.h>

#include <xen/grant_table.h>
#include <xen/io/netif.h>

enum { NET_RING_ENTRIES = 256 }; /* one page of either ring */

struct netjournal_answers {
    RING_IDX end; /* noted up to here */
    uint32_t any; /* is there a note at all? */
    union netjournal_answer {
        struct netif_tx_response tx;
        struct netif_rx_response rx;
        struct netif_extra_info extra;
        uint64_t bytes;
    } at[NET_RING_ENTRIES];
};

struct netjournal {
    uint64_t magic;
    uint64_t connection; /* which rings this is about */
    struct netjournal_answers tx, rx;
};

/*
 * The journal at `path` for the rings that `connection` tells from others: the
 * one that is there when `adopt` and it is theirs, else a new one. 0 or -errno.
 */
int netjournal_open(struct netjournal **out, const char *path,
                    uint64_t connection, bool adopt);

/* Unmap; with `remove` the file goes too. */
void netjournal_close(struct netjournal *j, const char *path, bool remove);

/*
 * How many answers from `rsp_prod` on a predecessor had noted and not
 * published; 0 when what the ring says is impossible.
 */
unsigned int netjournal_unpublished(const struct netjournal_answers *a,
                                    RING_IDX rsp_prod);

/* Room for the answer at `index`; it counts from netjournal_note() on. */
static inline union netjournal_answer *
netjournal_at(struct netjournal_answers *a, RING_IDX index)
{
    return &a->at[index % NET_RING_ENTRIES];
}

/* All answers below `end` are there: from now on they hold. */
static inline void netjournal_note(struct netjournal_answers *a, RING_IDX end)
{
    /* A kill stops between two instructions: the compiler must keep theirs. */
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    *(volatile RING_IDX *)&a->end = end;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    a->any = 1;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

#endif
