/*
 * Block requests: whatever a slot and its indirect pages hold, a request that
 * is let through lies within the disk and its pieces within their pages.
 *
 * sources: pv-backends/block/blkdecode.c
 */
#include "pv-backends/block/blkdecode.h"

#include <stdlib.h>
#include <string.h>

static void require(int holds)
{
    if (!holds)
        abort();
}

static void check(const struct blk_request *rq, const struct blk_limits *disk,
                  const struct blk_segment *segments)
{
    uint64_t bytes = 0;

    if (!rq->nr_segments && rq->kind != BLK_DISCARD)
        return;
    require(rq->first_sector <= disk->nr_sectors);
    require(rq->nr_sectors <= disk->nr_sectors - rq->first_sector);
    require(!disk->read_only || rq->kind == BLK_READ);
    if (rq->kind == BLK_DISCARD)
        return;
    for (unsigned int i = 0; i < rq->nr_segments; i++) {
        require(segments[i].offset + segments[i].length <= BLK_PAGE_SIZE);
        bytes += segments[i].length;
    }
    require(bytes == rq->nr_sectors << BLK_SECTOR_SHIFT);
    require(bytes <= BLK_MAX_INDIRECT * BLK_PAGE_SIZE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A byte that chooses the disk, the slot, then indirect descriptors. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct blkif_request_segment list[BLK_MAX_INDIRECT] = {0};
    struct blk_segment segments[BLK_MAX_INDIRECT];
    struct blkif_request slot = {0};
    struct blk_limits disk = {.nr_sectors = 1 << 20, .can_discard = true};
    struct blk_request rq;
    size_t n;

    if (!size)
        return 0;
    disk.sector_size = data[0] & 1 ? 4096 : 512;
    disk.read_only = data[0] & 2;
    data++, size--;
    n = size < sizeof(slot) ? size : sizeof(slot);
    memcpy(&slot, data, n);
    if (size - n <= sizeof(list))
        memcpy(list, data + n, size - n);
    if (blk_decode(&slot, &disk, &rq))
        return 0;
    if (rq.kind != BLK_DISCARD &&
        blk_decode_segments(rq.indirect ? list : rq.raw, &disk, &rq, segments))
        return 0;
    check(&rq, &disk, segments);
    return 0;
}
