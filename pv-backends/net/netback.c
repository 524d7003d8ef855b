#include "pv-backends/net/netback.h"

#include "pv-backends/net/turn.h"

#include <string.h>

_Static_assert(__CONST_RING_SIZE(netif_tx, NET_PAGE) == NET_RING_ENTRIES, "");
_Static_assert(__CONST_RING_SIZE(netif_rx, NET_PAGE) == NET_RING_ENTRIES, "");

struct turn turn;

/* --- a turn's scratch space -------------------------------------------------
 */

void netback_setup(struct gnttab *gt)
{
    static uint8_t others[(TURN_HEADS_PAGES + TURN_ARENA_PAGES) * NET_PAGE]
        __attribute__((aligned(NET_PAGE)));
    uint8_t *pages = gnttab_own_pages(gt, TURN_HEADS_PAGES + TURN_ARENA_PAGES);

    if (!pages) {
        log_info("no memory to share with ourselves: copies take longer");
        pages = others;
    }
    turn.heads = (uint8_t(*)[TURN_HEAD])pages;
    turn.arena = pages + TURN_HEADS_PAGES * NET_PAGE;
}

void turn_reset(void)
{
    turn.since = latency_clock();
    turn.used = 0;
    turn.nr_ops = turn.nr_frames = turn.nr_slots = turn.nr_rx_slots = 0;
    turn.receivers = NULL;
}

/* The first place from `at` on where that begins in its page, or fits in one.
 */
static size_t place(size_t at, size_t size, unsigned int offset)
{
    size_t in_page = at % NET_PAGE;

    if (offset != TURN_ANYWHERE)
        return at + (offset - in_page) % NET_PAGE;
    return size <= NET_PAGE && in_page + size > NET_PAGE
               ? at - in_page + NET_PAGE
               : at;
}

uint8_t *turn_room(size_t size, unsigned int offset)
{
    size_t least = (turn.used + TURN_HEADER + 63) & ~(size_t)63;
    size_t at = place(least, size, offset);

    if (at + size > TURN_ARENA)
        at = least;
    if (at + size > TURN_ARENA)
        return NULL;
    turn.used = at + size;
    return turn.arena + at;
}

bool turn_copied(unsigned int first, unsigned int nr)
{
    for (unsigned int i = first; i < first + nr; i++)
        if (turn.ops[i].status != GNTST_okay)
            return false;
    return true;
}

void ring_broken(struct netback *nb, const char *why)
{
    if (!nb->broken)
        log_warning("%s: %s: no longer served", nb->cfg.name, why);
    nb->broken = true;
}

/* --- beginning and end ------------------------------------------------------
 */

/* What a predecessor noted and did not publish is written and shown now. */
static void publish_tx(struct netback *nb, RING_IDX at)
{
    struct netjournal_answers *noted = &nb->cfg.journal->tx;
    unsigned int nr = netjournal_unpublished(noted, at);

    for (unsigned int i = 0; i < nr; i++)
        *RING_GET_RESPONSE(&nb->tx, at + i) = netjournal_at(noted, at + i)->tx;
    netjournal_note(noted, at + nr);
    nb->tx.req_cons = nb->tx.rsp_prod_pvt = at + nr;
    xen_wmb();
    RING_WRITE(nb->tx.sring->rsp_prod, at + nr);
}

static void publish_rx(struct netback *nb, RING_IDX at)
{
    struct netjournal_answers *noted = &nb->cfg.journal->rx;
    unsigned int nr = netjournal_unpublished(noted, at);

    for (unsigned int i = 0; i < nr; i++)
        *RING_GET_RESPONSE(&nb->rx, at + i) = netjournal_at(noted, at + i)->rx;
    netjournal_note(noted, at + nr);
    nb->rx.req_cons = nb->rx.rsp_prod_pvt = at + nr;
    xen_wmb();
    RING_WRITE(nb->rx.sring->rsp_prod, at + nr);
}

void netback_open(struct netback *nb, const struct netback_config *cfg)
{
    memset(nb, 0, sizeof(*nb));
    nb->cfg = *cfg;
    if (!cfg->sent)
        nb->cfg.sent = &latency_nowhere;
    if (!cfg->received)
        nb->cfg.received = &latency_nowhere;
    LIST_INIT(&nb->waiters);
    nb->tx.sring = cfg->tx_page;
    nb->rx.sring = cfg->rx_page;
    nb->tx.nr_ents = nb->rx.nr_ents = NET_RING_ENTRIES;
    publish_tx(nb, RING_READ(nb->tx.sring->rsp_prod));
    publish_rx(nb, RING_READ(nb->rx.sring->rsp_prod));
}

void netback_close(struct netback *nb)
{
    struct netback *waiter;

    nb->broken = true;
    if (nb->wait_for)
        LIST_REMOVE(nb, waiter);
    nb->wait_for = NULL;
    while ((waiter = LIST_FIRST(&nb->waiters))) {
        LIST_REMOVE(waiter, waiter);
        waiter->wait_for = NULL;
        waiter->cfg.wake_tx(waiter->cfg.arg);
    }
}
