/*
 * A disk's ring full of foreign bytes, over pages full of foreign bytes: every
 * request taken is answered once, nothing outside the disk is touched, and the
 * journal is empty afterwards.
 *
 * sources: dom0/libs/latency/latency.c
 * sources: pv-backends/block/blkback.c pv-backends/block/blkdecode.c
 * sources: pv-backends/block/bufpool.c pv-backends/block/inflight.c
 * sources: pv-backends/runtime/grantcache.c pv-backends/runtime/bucket.c
 * sources: dom0/libs/gnttab/gnttab-fake.c
 */
#include "pv-backends/block/blkback.h"
#include "dom0/libs/gnttab/gnttab-fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PAGES = 8,
    FIRST_REF = 16,
    SLOTS = 32,
    DISK_SECTORS = 256,
    GUARD = 4096
};

/* The disk is memory, with a margin that must stay as it was. */
static unsigned char disk[GUARD + DISK_SECTORS * 512 + GUARD];
static struct blkio io;
static STAILQ_HEAD(, blkio_op) done = STAILQ_HEAD_INITIALIZER(done);

/* The log would be all there is to see. */
void log_line(enum log_level level, const char *fmt, ...)
{
    (void)level, (void)fmt;
}

void log_limited(struct log_limit *limit, enum log_level level, const char *fmt,
                 ...)
{
    (void)limit, (void)level, (void)fmt;
}

static void require(int holds)
{
    if (!holds)
        abort();
}

/* I/O that is done at once. */
void blkio_queue(struct blkio *b, struct blkio_op *op)
{
    (void)b;
    require(op->offset <= DISK_SECTORS * 512 &&
            op->length <= DISK_SECTORS * 512 - op->offset);
    op->result = op->kind == BLKIO_FLUSH ? 0 : (int64_t)op->length;
    if (op->kind == BLKIO_READ)
        memcpy(op->buf, disk + GUARD + op->offset, op->length);
    else if (op->kind == BLKIO_WRITE)
        memcpy(disk + GUARD + op->offset, op->buf, op->length);
    else
        op->result = 0;
    STAILQ_INSERT_TAIL(&done, op, link);
}

void blkio_submit(struct blkio *b)
{
    (void)b;
}

struct blkio_op *blkio_wait(struct blkio *b)
{
    struct blkio_op *op = STAILQ_FIRST(&done);

    (void)b;
    if (op)
        STAILQ_REMOVE_HEAD(&done, link);
    return op;
}

struct blkio_op *blkio_reap(struct blkio *b)
{
    return blkio_wait(b);
}

static void notify(void *arg)
{
    (void)arg;
}

static void later(void *arg, uint64_t ns)
{
    (void)arg, (void)ns;
}

/* One slot: mostly references that exist and sectors that do. */
static void make_slot(struct blkif_request *slot, const uint8_t *data,
                      size_t size)
{
    memset(slot, 0, sizeof(*slot));
    memcpy(slot, data, size < sizeof(*slot) ? size : sizeof(*slot));
    slot->operation %= 8;
    if (slot->operation == BLKIF_OP_INDIRECT) {
        struct blkif_request_indirect *in = (void *)slot;

        in->sector_number %= DISK_SECTORS + 8;
        for (int i = 0; i < BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST; i++)
            in->indirect_grefs[i] = FIRST_REF + in->indirect_grefs[i] % 9;
        return;
    }
    slot->sector_number %= DISK_SECTORS + 8;
    for (int i = 0; i < BLKIF_MAX_SEGMENTS_PER_REQUEST; i++)
        slot->seg[i].gref = FIRST_REF + slot->seg[i].gref % 9;
}

static void serve(struct blkback *bb)
{
    blkback_poll(bb);
    while (blkback_reap(&io))
        ;
}

static struct blkback_config *prepare(void)
{
    static char journal[64];
    static struct blkback_config cfg = {.name = "fuzz",
                                        .domid = 1,
                                        .io = &io,
                                        .image_fd = -1,
                                        .nr_ring_pages = 1,
                                        .connection = 1,
                                        .notify = notify,
                                        .wait = later};
    void *pages;

    if (cfg.ring_pages)
        return &cfg;
    snprintf(journal, sizeof(journal), "/tmp/fuzz-blkring-%d", getpid());
    cfg.journal = journal;
    gnttab_open(&cfg.gnttab);
    cfg.ring_pages = gnttab_fake_grant(1, 1);
    pages = gnttab_fake_grant_run(FIRST_REF, PAGES);
    memset(pages, 0x11, PAGES * BLK_PAGE_SIZE);
    return &cfg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The number of slots and the kind of disk, the slots, the first page. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct blkback_config *cfg = prepare();
    blkif_sring_t *sring = cfg->ring_pages;
    struct blkback bb;
    unsigned int nr;
    void *page;

    if (size < 2)
        return 0;
    nr = data[0] % (SLOTS + 1);
    cfg->disk = (struct blk_limits){.nr_sectors = DISK_SECTORS,
                                    .sector_size = data[1] & 1 ? 4096 : 512,
                                    .read_only = data[1] & 2,
                                    .can_discard = data[1] & 4};
    data += 2, size -= 2;
    memset(sring, 0, BLK_PAGE_SIZE);
    memset(disk, 0xee, sizeof(disk));
    require(!blkback_open(&bb, cfg));
    for (unsigned int i = 0; i < nr; i++) {
        size_t n = size < 112 ? size : 112;

        make_slot(&sring->ring[i].req, data, n);
        data += n, size -= n;
    }
    require(!gnttab_map(cfg->gnttab, 1, (uint32_t[]){FIRST_REF}, 1, 1, &page));
    memcpy(page, data, size < BLK_PAGE_SIZE ? size : BLK_PAGE_SIZE);
    gnttab_unmap(cfg->gnttab, page, 1);
    sring->req_prod = nr;
    serve(&bb);
    require(sring->rsp_prod == nr && !bb.running && !bb.broken);
    require(bb.journal.nr_free == bb.journal.shared->nr_entries);
    for (unsigned int i = 0; i < GUARD; i++)
        require(disk[i] == 0xee && disk[sizeof(disk) - 1 - i] == 0xee);
    blkback_close(&bb, true);
    return 0;
}
