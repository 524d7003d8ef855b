/*
 * What a block request may be: from a private copy of a ring slot to a request
 * that is safe to carry out, or the refusal. Pure.
 */
#ifndef PARAVANE_BLOCK_BLKDECODE_H
#define PARAVANE_BLOCK_BLKDECODE_H

#include <stdbool.h>
#include <stdint.h>

#include "pv-backends/runtime/ring.h"

#include <xen/io/blkif.h>

#define BLK_SECTOR_SHIFT     9
#define BLK_SECTORS_PER_PAGE 8u
#define BLK_PAGE_SIZE        4096u

/* What we offer as feature-max-indirect-segments. */
#define BLK_MAX_INDIRECT  128u
#define BLK_SEGS_PER_PAGE 512u /* descriptors in one indirect page */

/* The disk, as its requests have to respect it. */
struct blk_limits {
    uint64_t nr_sectors;      /* of 512 bytes */
    unsigned int sector_size; /* bytes; requests are whole ones */
    bool read_only, can_discard;
};

enum blk_kind { BLK_READ, BLK_WRITE, BLK_FLUSH, BLK_BARRIER, BLK_DISCARD };

struct blk_segment {
    uint32_t ref;
    uint16_t offset, length; /* bytes within the page */
};

struct blk_request {
    uint64_t id;
    uint8_t operation; /* what the response echoes */
    enum blk_kind kind;
    uint64_t first_sector; /* of 512 bytes */
    uint64_t nr_sectors;   /* discard: given; others: by blk_decode_segments */
    unsigned int nr_segments;
    bool indirect;
    uint32_t indirect_refs[BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST];
    struct blkif_request_segment raw[BLKIF_MAX_SEGMENTS_PER_REQUEST];
};

/*
 * Everything but the segments. 0; -EINVAL for a request that is answered with
 * BLKIF_RSP_ERROR, -EOPNOTSUPP for BLKIF_RSP_EOPNOTSUPP. `id` and `operation`
 * are set in any case.
 */
int blk_decode(const struct blkif_request *slot, const struct blk_limits *disk,
               struct blk_request *rq);

/*
 * The segments, from the slot or from the indirect pages (a private copy).
 * Checks each and their sum against the disk. 0 or -EINVAL.
 */
int blk_decode_segments(const struct blkif_request_segment *raw,
                        const struct blk_limits *disk, struct blk_request *rq,
                        struct blk_segment *segments);

#endif
