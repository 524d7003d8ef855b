#include "pv-frontends/core/blkfront.h"

#include "pv-frontends/core/blkslot.h"
#include "pv-frontends/core/errors.h"
#include "pv-frontends/core/text.h"
#include "pv-frontends/shim/shim.h"

static struct blkfront *blkfront_of(struct xbdev *dev)
{
    return container_of(dev, struct blkfront, dev);
}

static void on_event(void *arg)
{
    struct blkfront *bf = arg;

    if (bf->wake)
        bf->wake(bf->arg);
}

/* ---- the handshake ------------------------------------------------------- */

static int ring_make(struct blkfront *bf)
{
    unsigned int nr = 1u << bf->ring_order;
    blkif_sring_t *shared = shim_pages_alloc(nr);

    if (!shared)
        return -XEN_ENOMEM;
    SHARED_RING_INIT(shared);
    FRONT_RING_INIT(&bf->ring, shared, nr * SHIM_PAGE_SIZE);
    for (unsigned int i = 0; i < nr; i++)
        bf->ring_refs[i] = gnt_grant(
            bf->dev.backend_id, (char *)shared + i * SHIM_PAGE_SIZE, false);
    for (unsigned int i = 0; i < nr; i++)
        if (bf->ring_refs[i] == GNT_NONE)
            return -XEN_ENOSPC;
    return 0;
}

static void ring_drop(struct blkfront *bf)
{
    char *shared = (char *)bf->ring.sring;

    if (!shared)
        return;
    bf->ring.sring = NULL;
    for (unsigned int i = 0; i < 1u << bf->ring_order; i++) {
        void *page = shared + i * SHIM_PAGE_SIZE;

        if (bf->ring_refs[i] == GNT_NONE)
            shim_pages_free(page, 1);
        else
            gnt_end_page(bf->ring_refs[i], page);
    }
}

static void bf_lose(struct xbdev *dev)
{
    struct blkfront *bf = blkfront_of(dev);

    if (bf->port > 0)
        evtchn_close((evtchn_port_t)bf->port);
    bf->port = 0;
    blk_slots_drop(bf);
    ring_drop(bf);
}

static int bf_share(struct xbdev *dev)
{
    struct blkfront *bf = blkfront_of(dev);
    uint64_t order = store_read_uint(0, dev->backend, "max-ring-page-order", 0);
    int rc;

    bf->ring_order =
        order < bf->want_order ? (unsigned int)order : bf->want_order;
    bf->broken = false;
    rc = ring_make(bf);
    if (!rc)
        rc = blk_slots_make(bf);
    if (!rc)
        rc = bf->port = evtchn_alloc_unbound(dev->backend_id);
    if (rc > 0)
        rc = evtchn_listen((evtchn_port_t)bf->port, on_event, bf);
    if (rc)
        bf_lose(dev);
    return rc;
}

static int publish_ring(struct blkfront *bf, store_tx_t tx)
{
    const char *dir = bf->dev.path;
    char key[16] = "ring-ref0";
    int rc;

    if (!bf->ring_order)
        return store_write_uint(tx, dir, "ring-ref", bf->ring_refs[0]);
    rc = store_write_uint(tx, dir, "ring-page-order", bf->ring_order);
    for (unsigned int i = 0; !rc && i < 1u << bf->ring_order; i++) {
        key[8] = (char)('0' + i);
        rc = store_write_uint(tx, dir, key, bf->ring_refs[i]);
    }
    return rc;
}

static int bf_publish(struct xbdev *dev, store_tx_t tx)
{
    struct blkfront *bf = blkfront_of(dev);
    int rc = publish_ring(bf, tx);

    if (!rc)
        rc = store_write_uint(tx, dev->path, "event-channel",
                              (uint64_t)bf->port);
    if (!rc)
        rc =
            store_write_key(tx, dev->path, "protocol", XEN_IO_PROTO_ABI_X86_64);
    if (!rc)
        rc = store_write_uint(tx, dev->path, "feature-persistent",
                              bf->want_persistent);
    return rc;
}

static void read_size(struct blkfront *bf)
{
    bf->info.nr_sectors = store_read_uint(0, bf->dev.backend, "sectors", 0);
}

static int read_info(struct blkfront *bf)
{
    const char *dir = bf->dev.backend;
    uint64_t size = store_read_uint(0, dir, "sector-size", BLK_SECTOR);
    uint64_t list = store_read_uint(0, dir, "feature-max-indirect-segments", 0);

    read_size(bf);
    if (size < BLK_SECTOR || size > SHIM_PAGE_SIZE || (size & (size - 1)))
        return -XEN_EINVAL;
    bf->info.sector_size = (unsigned int)size;
    bf->info.max_segments = BLKIF_MAX_SEGMENTS_PER_REQUEST;
    if (list > bf->info.max_segments)
        bf->info.max_segments =
            list < BLK_MAX_SEGMENTS ? (unsigned int)list : BLK_MAX_SEGMENTS;
    bf->info.read_only = store_read_uint(0, dir, "info", 0) & VDISK_READONLY;
    /* Some backends (Linux's) say so only now. */
    bf->info.persistent = bf->want_persistent &&
                          store_read_uint(0, dir, "feature-persistent", 0) == 1;
    bf->info.can_flush = store_read_uint(0, dir, "feature-flush-cache", 0);
    bf->info.can_discard = store_read_uint(0, dir, "feature-discard", 0);
    return 0;
}

static int bf_work(struct xbdev *dev)
{
    struct blkfront *bf = blkfront_of(dev);
    int rc = read_info(bf);

    if (rc)
        bf->broken = true;
    /* What a predecessor of this backend left undone goes first. */
    on_event(bf);
    return rc;
}

static void bf_changed(struct xbdev *dev)
{
    read_size(blkfront_of(dev));
}

static const struct xbdev_class blk_class = {
    .type = "vbd",
    .shared = XenbusStateInitialised,
    .share = bf_share,
    .publish = bf_publish,
    .work = bf_work,
    .lose = bf_lose,
    .changed = bf_changed,
};

int blkfront_open(struct blkfront *bf, unsigned int devid,
                  const struct blk_settings *settings)
{
    bf->wake = settings->wake;
    bf->arg = settings->arg;
    bf->want_persistent = !settings->no_persistent;
    bf->want_order = settings->one_page_ring ? 0 : 2;
    return xbdev_open(&bf->dev, &blk_class, devid);
}

void blkfront_close(struct blkfront *bf)
{
    xbdev_close(&bf->dev);
}

/* ---- requests ------------------------------------------------------------ */

static bool is_usable(const struct blkfront *bf)
{
    return bf->dev.working && !bf->broken;
}

static int check_segments(const struct blkfront *bf, const struct blk_io *io,
                          uint64_t *nr_sectors)
{
    unsigned int mask = bf->info.sector_size - 1;
    uint64_t bytes = 0;

    if (!io->nr_segments || io->nr_segments > bf->info.max_segments)
        return -XEN_EINVAL;
    for (unsigned int i = 0; i < io->nr_segments; i++) {
        const struct blk_segment *s = &io->segments[i];

        if (!s->length || (s->offset | s->length) & mask ||
            s->offset + s->length > SHIM_PAGE_SIZE)
            return -XEN_EINVAL;
        bytes += s->length;
    }
    *nr_sectors = bytes / BLK_SECTOR;
    return 0;
}

static int check_io(const struct blkfront *bf, const struct blk_io *io)
{
    uint64_t nr = io->nr_sectors, end;
    int rc = 0;

    if (io->op >= BLK_FLUSH && io->nr_segments)
        return -XEN_EINVAL;
    if (io->op == BLK_FLUSH)
        return bf->info.can_flush ? 0 : -XEN_EOPNOTSUPP;
    if (io->op == BLK_DISCARD && !bf->info.can_discard)
        return -XEN_EOPNOTSUPP;
    if (io->op != BLK_READ && bf->info.read_only)
        return -XEN_EROFS;
    if (io->op != BLK_DISCARD)
        rc = check_segments(bf, io, &nr);
    if (!rc && (!nr || __builtin_add_overflow(io->sector, nr, &end) ||
                end > bf->info.nr_sectors))
        rc = -XEN_EINVAL;
    return rc;
}

/* Put it on the ring, if a slot and its pages are to be had. */
static int send(struct blkfront *bf, struct blk_io *io)
{
    struct blkif_request request;
    struct blk_slot *slot;
    int rc;

    if (!is_usable(bf) || RING_FULL(&bf->ring))
        return -XEN_EAGAIN;
    rc = check_io(bf, io);
    if (!rc)
        rc = blk_slot_fill(bf, io, &request, &slot);
    if (rc)
        return rc;
    slot->order = ++bf->last_order;
    memcpy(RING_GET_REQUEST(&bf->ring, bf->ring.req_prod_pvt), &request,
           sizeof(request));
    bf->ring.req_prod_pvt++;
    return 0;
}

static void replay(struct blkfront *bf)
{
    while (bf->replay && is_usable(bf)) {
        struct blk_io *io = bf->replay;
        int rc = send(bf, io);

        if (rc == -XEN_EAGAIN)
            break;
        bf->replay = io->next;
        if (rc) /* the new disk cannot do what the old one could */
            io->done(io, -XEN_EIO);
    }
    blkfront_kick(bf);
}

void blkfront_abandon(struct blkfront *bf)
{
    struct blk_io *io;

    while ((io = bf->replay)) {
        bf->replay = io->next;
        io->done(io, -XEN_EIO);
    }
}

int blkfront_submit(struct blkfront *bf, struct blk_io *io)
{
    return bf->replay ? -XEN_EAGAIN : send(bf, io);
}

void blkfront_kick(struct blkfront *bf)
{
    RING_IDX before, now = bf->ring.req_prod_pvt;

    if (!is_usable(bf))
        return;
    before = shared_read(bf->ring.sring->req_prod);
    if (before == now)
        return;
    xen_wmb(); /* the slots before the index that covers them */
    shared_write(bf->ring.sring->req_prod, now);
    xen_mb(); /* the index before we look whether the backend sleeps */
    if (ring_wants_event(before, now, shared_read(bf->ring.sring->req_event)))
        evtchn_send((evtchn_port_t)bf->port);
}

/* ---- answers ------------------------------------------------------------- */

static int error_of_status(int16_t status)
{
    switch (status) {
    case BLKIF_RSP_OKAY:
        return 0;
    case BLKIF_RSP_EOPNOTSUPP:
        return -XEN_EOPNOTSUPP;
    default:
        return -XEN_EIO;
    }
}

static void take_answer(struct blkfront *bf,
                        const struct blkif_response *answer)
{
    struct blk_slot *slot = blk_slot_of(bf, answer->id);
    struct blk_io *io;
    int rc;

    if (!slot) {
        bf->nr_bad++;
        return;
    }
    io = slot->io;
    rc = blk_slot_empty(bf, slot);
    if (!rc)
        rc = error_of_status(answer->status);
    io->done(io, rc);
}

static void ring_break(struct blkfront *bf)
{
    bf->nr_bad++;
    bf->broken = true;
    log_words(bf->dev.path, "impossible answer index, ring given up");
}

static unsigned int take_answers(struct blkfront *bf)
{
    blkif_front_ring_t *r = &bf->ring;
    RING_IDX end = shared_read(r->sring->rsp_prod);
    unsigned int nr = 0;

    if (end - r->rsp_cons > r->req_prod_pvt - r->rsp_cons) {
        ring_break(bf);
        return 0;
    }
    xen_rmb(); /* the answers after the index that covers them */
    for (; r->rsp_cons != end && is_usable(bf); nr++) {
        struct blkif_response answer;

        shared_copy_out(&answer, RING_GET_RESPONSE(r, r->rsp_cons),
                        sizeof(answer));
        r->rsp_cons++;
        take_answer(bf, &answer);
    }
    return nr;
}

unsigned int blkfront_poll(struct blkfront *bf)
{
    unsigned int nr = 0, took;

    if (!is_usable(bf))
        return 0;
    do {
        took = take_answers(bf);
        nr += took;
        if (!is_usable(bf))
            break;
        shared_write(bf->ring.sring->rsp_event, bf->ring.rsp_cons + 1);
        xen_mb(); /* ask for the event, then look for what came before */
    } while (took ||
             shared_read(bf->ring.sring->rsp_prod) != bf->ring.rsp_cons);
    replay(bf);
    return nr;
}
