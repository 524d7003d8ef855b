#include "pv-backends/block/blkdecode.h"

#include <errno.h>
#include <string.h>

_Static_assert(sizeof(struct blkif_request) == 112, "a ring slot");
_Static_assert(sizeof(struct blkif_request_segment) == 8, "a descriptor");
_Static_assert(sizeof(struct blkif_request_indirect) <=
                   sizeof(struct blkif_request),
               "all kinds fit a slot");

static int kind_of(uint8_t operation, enum blk_kind *kind)
{
    switch (operation) {
    case BLKIF_OP_READ:
        *kind = BLK_READ;
        return 0;
    case BLKIF_OP_WRITE:
        *kind = BLK_WRITE;
        return 0;
    case BLKIF_OP_FLUSH_DISKCACHE:
        *kind = BLK_FLUSH;
        return 0;
    case BLKIF_OP_WRITE_BARRIER:
        *kind = BLK_BARRIER;
        return 0;
    default:
        return -EOPNOTSUPP;
    }
}

/* Within the disk and on its sectors' borders. */
static int check_range(const struct blk_limits *disk, uint64_t first,
                       uint64_t nr)
{
    uint64_t per = disk->sector_size >> BLK_SECTOR_SHIFT;

    if (first > disk->nr_sectors || nr > disk->nr_sectors - first)
        return -EINVAL;
    if (first % per || nr % per)
        return -EINVAL;
    return 0;
}

static int decode_discard(const struct blkif_request *slot,
                          const struct blk_limits *disk, struct blk_request *rq)
{
    struct blkif_request_discard d;

    memcpy(&d, slot, sizeof(d));
    rq->id = d.id;
    rq->kind = BLK_DISCARD;
    rq->first_sector = d.sector_number;
    rq->nr_sectors = d.nr_sectors;
    /* Secure is a promise we do not make (discard-secure). */
    if (!disk->can_discard || (d.flag & BLKIF_DISCARD_SECURE))
        return -EOPNOTSUPP;
    if (disk->read_only || !d.nr_sectors)
        return -EINVAL;
    return check_range(disk, d.sector_number, d.nr_sectors);
}

static int decode_indirect(const struct blkif_request *slot,
                           const struct blk_limits *disk,
                           struct blk_request *rq)
{
    struct blkif_request_indirect in;

    memcpy(&in, slot, sizeof(in));
    rq->id = in.id;
    rq->operation = in.indirect_op;
    rq->indirect = true;
    rq->nr_segments = in.nr_segments;
    rq->first_sector = in.sector_number;
    memcpy(rq->indirect_refs, in.indirect_grefs, sizeof(rq->indirect_refs));
    if (in.indirect_op != BLKIF_OP_READ && in.indirect_op != BLKIF_OP_WRITE)
        return -EINVAL;
    rq->kind = in.indirect_op == BLKIF_OP_READ ? BLK_READ : BLK_WRITE;
    if (!in.nr_segments || in.nr_segments > BLK_MAX_INDIRECT)
        return -EINVAL;
    return rq->kind == BLK_WRITE && disk->read_only ? -EINVAL : 0;
}

int blk_decode(const struct blkif_request *slot, const struct blk_limits *disk,
               struct blk_request *rq)
{
    int rc;

    memset(rq, 0, sizeof(*rq));
    rq->operation = slot->operation;
    if (slot->operation == BLKIF_OP_DISCARD)
        return decode_discard(slot, disk, rq);
    if (slot->operation == BLKIF_OP_INDIRECT)
        return decode_indirect(slot, disk, rq);

    rq->id = slot->id;
    rq->nr_segments = slot->nr_segments;
    rq->first_sector = slot->sector_number;
    rc = kind_of(slot->operation, &rq->kind);
    if (rc)
        return rc;
    if (rq->nr_segments > BLKIF_MAX_SEGMENTS_PER_REQUEST)
        return -EINVAL;
    if (!rq->nr_segments && rq->kind != BLK_FLUSH && rq->kind != BLK_BARRIER)
        return -EINVAL;
    if (disk->read_only && rq->kind != BLK_READ)
        return rq->nr_segments ? -EINVAL : 0; /* an empty flush is harmless */
    memcpy(rq->raw, slot->seg, sizeof(rq->raw));
    return 0;
}

int blk_decode_segments(const struct blkif_request_segment *raw,
                        const struct blk_limits *disk, struct blk_request *rq,
                        struct blk_segment *segments)
{
    rq->nr_sectors = 0;
    for (unsigned int i = 0; i < rq->nr_segments; i++) {
        unsigned int first = raw[i].first_sect, last = raw[i].last_sect;

        if (first > last || last >= BLK_SECTORS_PER_PAGE)
            return -EINVAL;
        segments[i].ref = raw[i].gref;
        segments[i].offset = first << BLK_SECTOR_SHIFT;
        segments[i].length = (last - first + 1) << BLK_SECTOR_SHIFT;
        rq->nr_sectors += last - first + 1;
    }
    if (!rq->nr_segments)
        return 0; /* a flush: its sector number means nothing */
    return check_range(disk, rq->first_sector, rq->nr_sectors);
}
