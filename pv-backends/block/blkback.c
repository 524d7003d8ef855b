#include "pv-backends/block/blkback.h"

#include "pv-backends/runtime/grantcache.h"
#include "dom0/libs/gnttab/gnttab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER_LIMIT = 16 << 20 };

/* What a request does next; a flush before, data, a flush after. */
enum phase { PHASE_PREFLUSH, PHASE_DATA, PHASE_POSTFLUSH, PHASE_DONE };

struct blkreq {
    STAILQ_ENTRY(blkreq) link;
    struct blkback *bb;
    uint32_t entry; /* in the journal */
    struct blk_request rq;
    struct blk_segment *segments;
    struct blkif_request_segment *descriptors; /* indirect ones, copied */
    unsigned char *buf;
    size_t bytes, done_bytes;
    unsigned int first_copy; /* of its operations in the batch */
    unsigned int nr_copies;
    enum phase phase;
    bool preflush, postflush;
    int error;
    uint64_t since; /* it was taken */
    struct blkio_op op;
};

/* Grant copies that go out together. */
struct copy_batch {
    gnttab_op_t *ops;
    unsigned int nr, room;
    struct blkreq_list owners;
};

/* --- batches of copies ------------------------------------------------------
 */

static gnttab_op_t *batch_add(struct copy_batch *batch, struct blkreq *req)
{
    if (batch->nr == batch->room) {
        unsigned int room = batch->room ? batch->room * 2 : 64;
        gnttab_op_t *ops = realloc(batch->ops, room * sizeof(*ops));

        if (!ops)
            return NULL;
        batch->ops = ops;
        batch->room = room;
    }
    if (!req->nr_copies++)
        req->first_copy = batch->nr;
    return &batch->ops[batch->nr++];
}

/* Carry the batch out; owners whose copy failed get an error. */
static void batch_run(struct blkback *bb, struct copy_batch *batch)
{
    int rc = gnttab_copy(bb->cfg.gnttab, batch->ops, batch->nr);
    struct blkreq *req;

    STAILQ_FOREACH(req, &batch->owners, link)
    {
        for (unsigned int i = 0; i < req->nr_copies; i++)
            if (rc || batch->ops[req->first_copy + i].status != GNTST_okay)
                req->error = -EFAULT;
        req->nr_copies = 0;
    }
    batch->nr = 0;
}

/* Take the owners out of the batch that has been run. */
static void batch_owners(struct copy_batch *batch, struct blkreq_list *list)
{
    STAILQ_INIT(list);
    STAILQ_CONCAT(list, &batch->owners);
}

/* The data of a request whose pages stay granted: through their mappings. */
static int copy_mapped(struct blkreq *req)
{
    unsigned char *at = req->buf, *page;

    for (unsigned int i = 0; i < req->rq.nr_segments; i++) {
        const struct blk_segment *seg = &req->segments[i];

        page = grantcache_get(req->bb->cfg.persistent, seg->ref);
        if (!page)
            return -EFAULT;
        if (req->rq.kind == BLK_READ)
            memcpy(page + seg->offset, at, seg->length);
        else
            memcpy(at, page + seg->offset, seg->length);
        at += seg->length;
    }
    return 0;
}

/* The data of a request, one operation per segment. */
static int batch_data(struct copy_batch *batch, struct blkreq *req)
{
    uint32_t domid = req->bb->cfg.domid;
    unsigned char *at = req->buf;

    if (req->bb->cfg.persistent)
        return copy_mapped(req);

    for (unsigned int i = 0; i < req->rq.nr_segments; i++) {
        const struct blk_segment *seg = &req->segments[i];
        gnttab_op_t *op = batch_add(batch, req);

        if (!op)
            return -ENOMEM;
        if (req->rq.kind == BLK_READ)
            gnttab_copy_out(op, at, domid, seg->ref, seg->offset, seg->length);
        else
            gnttab_copy_in(op, at, domid, seg->ref, seg->offset, seg->length);
        at += seg->length;
    }
    return 0;
}

/* --- answers ----------------------------------------------------------------
 */

static int16_t status_of(int error)
{
    switch (error) {
    case 0:
        return BLKIF_RSP_OKAY;
    case -EOPNOTSUPP:
        return BLKIF_RSP_EOPNOTSUPP;
    default:
        return BLKIF_RSP_ERROR;
    }
}

static void write_response(struct blkback *bb, RING_IDX index, uint64_t id,
                           uint8_t operation, int16_t status)
{
    struct blkif_response *rsp = RING_GET_RESPONSE(&bb->ring, index);

    /* Field by field: padding would tell the guest of our memory. */
    rsp->id = id;
    rsp->operation = operation;
    rsp->status = status;
    bb->ring.rsp_prod_pvt = index + 1;
    bb->unpublished++;
}

static void count(struct blkback *bb, const struct blkreq *req)
{
    bb->stats.requests++;
    if (req->error)
        bb->stats.errors++;
    else if (req->rq.kind == BLK_READ)
        bb->stats.bytes_read += req->bytes;
    else
        bb->stats.bytes_written += req->bytes;
}

/* The request is over, well or not. */
static void answer(struct blkreq *req)
{
    struct blkback *bb = req->bb;
    RING_IDX index;

    if (req->error && req->error != -EOPNOTSUPP)
        log_limited(&bb->log_limit, LOG_LEVEL_WARNING,
                    "%s: operation %u at sector %llu: %s", bb->cfg.name,
                    req->rq.operation, (unsigned long long)req->rq.first_sector,
                    strerror(-req->error));
    count(bb, req);
    latency_add(bb->cfg.latency, req->since, 1);
    if (req->buf)
        bufpool_put(&bb->buffers, req->buf, req->bytes);
    req->buf = NULL;
    free(req->segments);
    req->segments = NULL;
    index = inflight_answer(&bb->journal, req->entry, req->rq.operation,
                            status_of(req->error));
    write_response(bb, index, req->rq.id, req->rq.operation,
                   status_of(req->error));
}

/* Let the guest see the answers, with one event for all if it wants one. */
static void publish(struct blkback *bb)
{
    blkif_sring_t *sring = bb->ring.sring;
    RING_IDX now = bb->ring.rsp_prod_pvt;
    int wanted;

    if (!bb->unpublished)
        return;
    wanted =
        ring_publish(&sring->rsp_prod, &sring->rsp_event, now, bb->unpublished);
    bb->unpublished = 0;
    inflight_published(&bb->journal, now);
    if (wanted)
        bb->cfg.notify(bb->cfg.arg);
}

/* --- carrying out -----------------------------------------------------------
 */

static void start_io(struct blkreq *req, enum blkio_kind kind, void *buf,
                     uint64_t offset, uint64_t length)
{
    req->op = (struct blkio_op){
        .kind = kind,
        .fd = req->bb->cfg.image_fd,
        .buf = buf,
        .offset = offset,
        .length = length,
        .arg = req,
    };
    blkio_queue(req->bb->cfg.io, &req->op);
}

static void start_data(struct blkreq *req)
{
    uint64_t offset = req->rq.first_sector << BLK_SECTOR_SHIFT;

    if (req->rq.kind == BLK_DISCARD)
        start_io(req, BLKIO_DISCARD, NULL, offset,
                 req->rq.nr_sectors << BLK_SECTOR_SHIFT);
    else
        start_io(req, req->rq.kind == BLK_READ ? BLKIO_READ : BLKIO_WRITE,
                 req->buf + req->done_bytes, offset + req->done_bytes,
                 req->bytes - req->done_bytes);
}

/* Start the current phase, passing over those that do not apply. */
static void step(struct blkreq *req)
{
    bool has_data = req->bytes || req->rq.kind == BLK_DISCARD;

    if (req->phase == PHASE_PREFLUSH && !req->preflush)
        req->phase = PHASE_DATA;
    if (req->phase == PHASE_DATA && !has_data)
        req->phase = PHASE_POSTFLUSH;
    if (req->phase == PHASE_POSTFLUSH && !req->postflush)
        req->phase = PHASE_DONE;
    if (req->phase == PHASE_DATA)
        start_data(req);
    else if (req->phase != PHASE_DONE)
        start_io(req, BLKIO_FLUSH, NULL, 0, 0);
}

static void run(struct blkreq *req)
{
    req->bb->running++;
    req->bb->barrier |= req->rq.kind == BLK_BARRIER;
    step(req);
    if (req->phase == PHASE_DONE) { /* an empty barrier on nothing */
        req->bb->running--;
        answer(req);
    }
}

/* --- from ring to image -----------------------------------------------------
 */

/* Ask for the indirect descriptors, page by page. */
static int batch_indirect(struct copy_batch *batch, struct blkreq *req)
{
    unsigned int left = req->rq.nr_segments;

    req->descriptors = calloc(left, sizeof(*req->descriptors));
    if (!req->descriptors)
        return -ENOMEM;
    for (unsigned int page = 0; left; page++) {
        unsigned int nr = left < BLK_SEGS_PER_PAGE ? left : BLK_SEGS_PER_PAGE;
        gnttab_op_t *op = batch_add(batch, req);

        if (!op)
            return -ENOMEM;
        gnttab_copy_in(op, req->descriptors + page * BLK_SEGS_PER_PAGE,
                       req->bb->cfg.domid, req->rq.indirect_refs[page], 0,
                       nr * sizeof(*req->descriptors));
        left -= nr;
    }
    return 0;
}

/* Decode one journalled request and put it among the arrived. */
static void prepare(struct blkback *bb, uint32_t entry)
{
    struct blkreq *req = &bb->requests[entry];

    memset(req, 0, sizeof(*req));
    req->bb = bb;
    req->entry = entry;
    req->since = bb->looked;
    req->error = blk_decode(&bb->journal.shared->entries[entry].raw,
                            &bb->cfg.disk, &req->rq);
    STAILQ_INSERT_TAIL(&bb->copies->owners, req, link);
    if (!req->error && req->rq.indirect)
        req->error = batch_indirect(bb->copies, req);
}

/* Its segments, now that their descriptors are here. */
static int take_segments(struct blkreq *req)
{
    const struct blkif_request_segment *from =
        req->rq.indirect ? req->descriptors : req->rq.raw;

    if (req->error || req->rq.kind == BLK_DISCARD)
        return req->error;
    req->segments = calloc(req->rq.nr_segments + 1, sizeof(*req->segments));
    if (!req->segments)
        return -ENOMEM;
    return blk_decode_segments(from, &req->bb->cfg.disk, &req->rq,
                               req->segments);
}

/* All that have arrived go to the waiting line, or back with an error. */
static void line_up(struct blkback *bb)
{
    struct blkreq_list arrived;
    struct blkreq *req;

    batch_run(bb, bb->copies);
    batch_owners(bb->copies, &arrived);
    while ((req = STAILQ_FIRST(&arrived))) {
        STAILQ_REMOVE_HEAD(&arrived, link);
        req->error = take_segments(req);
        free(req->descriptors);
        req->descriptors = NULL;
        if (req->error) {
            answer(req);
            continue;
        }
        if (req->rq.kind != BLK_DISCARD)
            req->bytes = req->rq.nr_sectors << BLK_SECTOR_SHIFT;
        req->preflush =
            req->rq.kind == BLK_FLUSH || req->rq.kind == BLK_BARRIER;
        req->postflush = req->rq.kind == BLK_BARRIER && req->bytes;
        STAILQ_INSERT_TAIL(&bb->waiting, req, link);
    }
}

static bool copies_in(const struct blkreq *req)
{
    return req->bytes && req->rq.kind != BLK_READ;
}

/* May it begin, with or without others before it? Barriers run alone. */
static bool may_begin(struct blkback *bb, struct blkreq *req, bool alone)
{
    if (bb->barrier || (req->rq.kind == BLK_BARRIER && !alone))
        return false;
    if (!req->bytes || req->buf)
        return true;
    req->buf = bufpool_get(&bb->buffers, req->bytes);
    return req->buf;
}

/* Has the disk done its share for now? Then somebody calls again later. */
static bool within_rate(struct blkback *bb, const struct blkreq *req)
{
    struct blk_rate *rate = bb->cfg.rate;
    uint64_t now_ns, wait_ns, more_ns;

    if (!rate || (!rate->bytes.per_second && !rate->requests.per_second))
        return true;
    now_ns = bucket_now_ns();
    wait_ns = bucket_wait_ns(&rate->bytes, now_ns);
    more_ns = bucket_wait_ns(&rate->requests, now_ns);
    if (wait_ns < more_ns)
        wait_ns = more_ns;
    if (wait_ns) {
        bb->cfg.wait(bb->cfg.arg, wait_ns);
        return false;
    }
    bucket_take(&rate->bytes, req->bytes);
    bucket_take(&rate->requests, 1);
    return true;
}

/*
 * Move what may begin now from the waiting line: what brings data into the
 * batch, the rest to `others`.
 */
static void choose(struct blkback *bb, struct blkreq_list *others)
{
    struct copy_batch *batch = bb->copies;
    bool alone = !bb->running;
    struct blkreq *req;

    while ((req = STAILQ_FIRST(&bb->waiting)) && may_begin(bb, req, alone) &&
           within_rate(bb, req)) {
        STAILQ_REMOVE_HEAD(&bb->waiting, link);
        if (copies_in(req)) {
            STAILQ_INSERT_TAIL(&batch->owners, req, link);
            req->error = batch_data(batch, req);
        } else {
            STAILQ_INSERT_TAIL(others, req, link);
        }
        if (req->rq.kind == BLK_BARRIER)
            break;
        alone = false;
    }
}

/* Begin what may begin: all data to be written comes in with one batch. */
static void launch(struct blkback *bb)
{
    struct blkreq_list others = STAILQ_HEAD_INITIALIZER(others), writes;
    struct blkreq *req;

    choose(bb, &others);
    batch_run(bb, bb->copies);
    batch_owners(bb->copies, &writes);
    STAILQ_CONCAT(&others, &writes);
    while ((req = STAILQ_FIRST(&others))) {
        STAILQ_REMOVE_HEAD(&others, link);
        if (req->error)
            answer(req);
        else
            run(req);
    }
    blkio_submit(bb->cfg.io);
}

static void ring_broken(struct blkback *bb, RING_IDX req_prod)
{
    if (!bb->broken)
        log_warning("%s: impossible ring index %u: no longer served",
                    bb->cfg.name, req_prod);
    bb->broken = true;
}

/* Take requests off the ring while there is room for them. */
static bool consume(struct blkback *bb)
{
    RING_IDX req_prod = RING_READ(bb->ring.sring->req_prod);
    struct blkif_request slot;
    bool any = false;

    bb->looked = latency_clock();
    xen_rmb(); /* the index before the slots */
    if (RING_REQUEST_PROD_OVERFLOW(&bb->ring, req_prod)) {
        ring_broken(bb, req_prod);
        return false;
    }
    while (bb->ring.req_cons != req_prod && !inflight_full(&bb->journal)) {
        ring_copy_out(&slot, RING_GET_REQUEST(&bb->ring, bb->ring.req_cons),
                      sizeof(slot));
        bb->ring.req_cons++;
        prepare(bb, inflight_take(&bb->journal, &slot));
        any = true;
    }
    line_up(bb);
    return any;
}

void blkback_poll(struct blkback *bb)
{
    if (!STAILQ_EMPTY(&bb->waiting))
        launch(bb);
    do {
        while (!bb->broken && consume(bb))
            launch(bb);
        publish(bb);
        if (bb->polled)
            return;
        RING_WRITE(bb->ring.sring->req_event, bb->ring.req_cons + 1);
        xen_mb(); /* ask to be woken, then look again */
    } while (blkback_wanted(bb));
}

bool blkback_wanted(const struct blkback *bb)
{
    return !bb->broken && !inflight_full(&bb->journal) &&
           RING_READ(bb->ring.sring->req_prod) != bb->ring.req_cons;
}

/* --- completions ------------------------------------------------------------
 */

/* What the image said; a short transfer is carried on with. */
static void take_result(struct blkreq *req)
{
    int64_t result = req->op.result;

    if (result < 0) {
        req->error = result == -EOPNOTSUPP && req->rq.kind != BLK_DISCARD
                         ? -EIO
                         : (int)result;
        req->phase = PHASE_DONE;
        return;
    }
    if (req->phase == PHASE_DATA && req->bytes) {
        if (!result) { /* the image has become shorter */
            req->error = -EIO;
            req->phase = PHASE_DONE;
            return;
        }
        req->done_bytes += result;
        if (req->done_bytes < req->bytes)
            return;
    }
    req->phase++;
}

/* Let go of it unanswered: the journal keeps it for a successor. */
static void forgo(struct blkreq *req)
{
    struct blkback *bb = req->bb;

    if (req->buf)
        bufpool_put(&bb->buffers, req->buf, req->bytes);
    req->buf = NULL;
    free(req->segments);
    req->segments = NULL;
}

void blkback_io_done(struct blkio_op *op, struct blkback **owner)
{
    struct blkreq *req = op->arg;
    struct blkback *bb = req->bb;

    *owner = bb;
    if (op->result == BLKIO_GIVEN_UP) {
        bb->running--;
        forgo(req);
        return;
    }
    take_result(req);
    if (req->phase != PHASE_DONE)
        step(req);
    if (req->phase != PHASE_DONE)
        return;

    bb->running--;
    if (req->rq.kind == BLK_BARRIER)
        bb->barrier = false;
    if (req->rq.kind == BLK_READ && !req->error) {
        req->error = batch_data(bb->copies, req);
        STAILQ_INSERT_TAIL(&bb->copies->owners, req, link);
    } else {
        answer(req);
    }
}

void blkback_finish(struct blkback *bb)
{
    struct blkreq_list reads;
    struct blkreq *req;

    batch_run(bb, bb->copies);
    batch_owners(bb->copies, &reads);
    while ((req = STAILQ_FIRST(&reads))) {
        STAILQ_REMOVE_HEAD(&reads, link);
        answer(req);
    }
    publish(bb);
    launch(bb);
    blkback_poll(bb);
}

bool blkback_reap(struct blkio *io)
{
    struct blkback *owner = NULL, *last = NULL;
    struct blkio_op *op;

    while ((op = blkio_reap(io))) {
        blkback_io_done(op, &owner);
        if (last && last != owner)
            blkback_finish(last);
        last = owner;
    }
    if (last)
        blkback_finish(last);
    return last;
}

/* --- beginning and end ------------------------------------------------------
 */

unsigned int blkback_ring_entries(unsigned int nr_pages)
{
    return __CONST_RING_SIZE(blkif, nr_pages * BLK_PAGE_SIZE);
}

static void answer_again(void *arg, const struct inflight_entry *e)
{
    write_response(arg, e->answered_at, e->raw.id, e->operation, e->status);
}

static void serve_again(void *arg, uint32_t entry)
{
    prepare(arg, entry);
}

/*
 * Carry on after a predecessor. The guest's own words (rsp_prod) are believed
 * only within what the journal allows.
 */
static int take_over(struct blkback *bb)
{
    const struct inflight_visitor visitor = {answer_again, serve_again, bb};
    RING_IDX rsp_prod = RING_READ(bb->ring.sring->rsp_prod);
    int rc;

    rc = inflight_open(&bb->journal, bb->cfg.journal, bb->cfg.connection,
                       bb->ring.nr_ents);
    if (rc)
        return rc;
    bb->ring.req_cons = bb->journal.shared->req_cons;
    bb->ring.rsp_prod_pvt = rsp_prod;
    rc = inflight_recover(&bb->journal, rsp_prod, &visitor);
    if (rc)
        inflight_close(&bb->journal);
    return rc;
}

static int begin_anew(struct blkback *bb)
{
    RING_IDX rsp_prod = RING_READ(bb->ring.sring->rsp_prod);

    bb->ring.req_cons = bb->ring.rsp_prod_pvt = rsp_prod;
    return inflight_create(&bb->journal, bb->cfg.journal, bb->cfg.connection,
                           bb->ring.nr_ents, rsp_prod);
}

int blkback_open(struct blkback *bb, const struct blkback_config *cfg)
{
    int rc = -ENOMEM;

    memset(bb, 0, sizeof(*bb));
    bb->cfg = *cfg;
    if (!cfg->latency)
        bb->cfg.latency = &latency_nowhere;
    bb->looked = latency_clock();
    STAILQ_INIT(&bb->waiting);
    bufpool_init(&bb->buffers, BUFFER_LIMIT);
    bb->ring.sring = cfg->ring_pages;
    bb->ring.nr_ents = blkback_ring_entries(cfg->nr_ring_pages);
    bb->requests = calloc(bb->ring.nr_ents, sizeof(*bb->requests));
    bb->copies = calloc(1, sizeof(*bb->copies));
    if (!bb->requests || !bb->copies)
        goto fail;
    STAILQ_INIT(&bb->copies->owners);

    rc = cfg->adopt ? take_over(bb) : begin_anew(bb);
    if (cfg->adopt && (rc == -ENOENT || rc == -ESTALE)) {
        log_warning("%s: no journal of a predecessor: what it had not "
                    "answered is guessed from the ring",
                    cfg->name);
        rc = begin_anew(bb);
    }
    if (rc)
        goto fail;
    line_up(bb);
    launch(bb);
    publish(bb);
    return 0;

fail:
    if (bb->copies)
        free(bb->copies->ops);
    free(bb->copies);
    free(bb->requests);
    return rc;
}

/* Wait for everything under way; begin nothing new. */
static void drain(struct blkback *bb)
{
    struct blkback *owner;
    struct blkio_op *op;

    while (bb->running && (op = blkio_wait(bb->cfg.io))) {
        blkback_io_done(op, &owner);
        blkio_submit(bb->cfg.io); /* a next phase of it */
        if (owner != bb)
            blkback_finish(owner);
    }
}

void blkback_close(struct blkback *bb, bool remove_journal)
{
    struct blkreq_list unbegun = STAILQ_HEAD_INITIALIZER(unbegun);
    struct blkreq *req;

    STAILQ_CONCAT(&unbegun, &bb->waiting);
    drain(bb);
    bb->broken = true; /* blkback_finish() takes no more */
    blkback_finish(bb);
    STAILQ_FOREACH(req, &unbegun, link)
    forgo(req);
    inflight_close(&bb->journal);
    if (remove_journal)
        unlink(bb->cfg.journal);
    bufpool_destroy(&bb->buffers);
    free(bb->copies->ops);
    free(bb->copies);
    free(bb->requests);
}
