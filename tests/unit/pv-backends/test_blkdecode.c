/*
 * What <xen/io/blkif.h> lets a block request be; everything else is refused
 * before it gets near the disk.
 *
 * sources: pv-backends/block/blkdecode.c
 */
#include "pv-backends/block/blkdecode.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const struct blk_limits disk = {
    .nr_sectors = 1000, .sector_size = 512, .can_discard = true};

static struct blkif_request read_of(uint64_t sector, unsigned int nr)
{
    struct blkif_request r = {.operation = BLKIF_OP_READ,
                              .nr_segments = nr,
                              .id = 77,
                              .sector_number = sector};

    for (unsigned int i = 0; i < nr && i < 11; i++)
        r.seg[i] = (struct blkif_request_segment){i, 0, 7};
    return r;
}

static int decode(const struct blkif_request *r, const struct blk_limits *d,
                  struct blk_request *rq)
{
    struct blk_segment segs[BLK_MAX_INDIRECT];
    int rc = blk_decode(r, d, rq);

    return rc || rq->indirect || rq->kind == BLK_DISCARD
               ? rc
               : blk_decode_segments(rq->raw, d, rq, segs);
}

static void test_whole_read(void **state)
{
    struct blkif_request r = read_of(8, 11);
    struct blk_request rq;

    (void)state;
    assert_int_equal(decode(&r, &disk, &rq), 0);
    assert_int_equal(rq.id, 77);
    assert_int_equal(rq.nr_sectors, 88);
}

static void test_last_sector_is_the_last(void **state)
{
    struct blkif_request r = read_of(992, 1);
    struct blk_request rq;

    (void)state;
    assert_int_equal(decode(&r, &disk, &rq), 0);
    r.sector_number = 993;
    assert_int_equal(decode(&r, &disk, &rq), -EINVAL);
}

static void test_sector_overflow(void **state)
{
    struct blkif_request r = read_of(UINT64_MAX - 3, 1);
    struct blk_request rq;

    (void)state;
    assert_int_equal(decode(&r, &disk, &rq), -EINVAL);
    r.sector_number = UINT64_MAX;
    assert_int_equal(decode(&r, &disk, &rq), -EINVAL);
    assert_int_equal(rq.id, 77); /* so that the answer finds its request */
}

static void test_segments_beyond_the_slot(void **state)
{
    struct blkif_request r = read_of(0, 12);
    struct blk_request rq;

    (void)state;
    assert_int_equal(decode(&r, &disk, &rq), -EINVAL);
    r.nr_segments = 255;
    assert_int_equal(decode(&r, &disk, &rq), -EINVAL);
    r.nr_segments = 0;
    assert_int_equal(decode(&r, &disk, &rq), -EINVAL);
}

static void test_first_and_last_sector(void **state)
{
    struct blkif_request r = read_of(0, 1);
    struct blk_request rq;

    (void)state;
    r.seg[0].first_sect = 5;
    r.seg[0].last_sect = 4;
    assert_int_equal(decode(&r, &disk, &rq), -EINVAL);
    r.seg[0].first_sect = 0;
    r.seg[0].last_sect = 8;
    assert_int_equal(decode(&r, &disk, &rq), -EINVAL);
    r.seg[0].first_sect = r.seg[0].last_sect = 7;
    assert_int_equal(decode(&r, &disk, &rq), 0);
    assert_int_equal(rq.nr_sectors, 1);
}

static void test_sectors_of_4096_bytes(void **state)
{
    const struct blk_limits big = {.nr_sectors = 1000, .sector_size = 4096};
    struct blkif_request r = read_of(8, 1);
    struct blk_request rq;

    (void)state;
    assert_int_equal(decode(&r, &big, &rq), 0);
    r.sector_number = 4;
    assert_int_equal(decode(&r, &big, &rq), -EINVAL);
    r.sector_number = 8;
    r.seg[0].last_sect = 3;
    assert_int_equal(decode(&r, &big, &rq), -EINVAL);
}

static void test_nothing_changes_a_read_only_disk(void **state)
{
    const struct blk_limits ro = {
        .nr_sectors = 1000, .sector_size = 512, .read_only = true};
    struct blkif_request r = read_of(0, 1);
    struct blk_request rq;

    (void)state;
    assert_int_equal(decode(&r, &ro, &rq), 0);
    r.operation = BLKIF_OP_WRITE;
    assert_int_equal(decode(&r, &ro, &rq), -EINVAL);
    r.operation = BLKIF_OP_WRITE_BARRIER;
    assert_int_equal(decode(&r, &ro, &rq), -EINVAL);
    r.operation = BLKIF_OP_FLUSH_DISKCACHE;
    assert_int_equal(decode(&r, &ro, &rq), -EINVAL);
    r.nr_segments = 0;
    assert_int_equal(decode(&r, &ro, &rq), 0);
    r.operation = BLKIF_OP_DISCARD;
    assert_true(decode(&r, &ro, &rq) < 0);
}

static void test_discard_within_the_disk(void **state)
{
    union {
        struct blkif_request r;
        struct blkif_request_discard d;
    } u = {.d = {.operation = BLKIF_OP_DISCARD,
                 .id = 5,
                 .sector_number = 10,
                 .nr_sectors = 990}};
    struct blk_request rq;

    (void)state;
    assert_int_equal(decode(&u.r, &disk, &rq), 0);
    assert_int_equal(rq.id, 5);
    u.d.nr_sectors = 991;
    assert_int_equal(decode(&u.r, &disk, &rq), -EINVAL);
    u.d.nr_sectors = UINT64_MAX;
    assert_int_equal(decode(&u.r, &disk, &rq), -EINVAL);
    u.d.nr_sectors = 0;
    assert_int_equal(decode(&u.r, &disk, &rq), -EINVAL);
}

static void test_indirect_is_bounded(void **state)
{
    union {
        struct blkif_request r;
        struct blkif_request_indirect i;
    } u = {.i = {.operation = BLKIF_OP_INDIRECT,
                 .indirect_op = BLKIF_OP_WRITE,
                 .nr_segments = BLK_MAX_INDIRECT,
                 .id = 9}};
    struct blk_request rq;

    (void)state;
    assert_int_equal(decode(&u.r, &disk, &rq), 0);
    assert_int_equal(rq.operation, BLKIF_OP_WRITE); /* what is echoed */
    assert_int_equal(rq.id, 9);
    u.i.nr_segments = BLK_MAX_INDIRECT + 1;
    assert_int_equal(decode(&u.r, &disk, &rq), -EINVAL);
    u.i.nr_segments = 0;
    assert_int_equal(decode(&u.r, &disk, &rq), -EINVAL);
    u.i.nr_segments = 1;
    u.i.indirect_op = BLKIF_OP_FLUSH_DISKCACHE;
    assert_int_equal(decode(&u.r, &disk, &rq), -EINVAL);
    u.i.indirect_op = BLKIF_OP_INDIRECT;
    assert_int_equal(decode(&u.r, &disk, &rq), -EINVAL);
}

static void test_unknown_operation(void **state)
{
    struct blkif_request r = read_of(0, 1);
    struct blk_request rq;

    (void)state;
    r.operation = BLKIF_OP_RESERVED_1;
    assert_int_equal(decode(&r, &disk, &rq), -EOPNOTSUPP);
    r.operation = 200;
    assert_int_equal(decode(&r, &disk, &rq), -EOPNOTSUPP);
    assert_int_equal(rq.id, 77);
}

/* Nobody was promised it (discard-secure): to do it half would be a lie. */
static void test_secure_discard_is_not_supported(void **state)
{
    union {
        struct blkif_request slot;
        struct blkif_request_discard d;
    } u = {.d = {.operation = BLKIF_OP_DISCARD,
                 .flag = BLKIF_DISCARD_SECURE,
                 .nr_sectors = 8}};
    struct blk_request rq;

    (void)state;
    assert_int_equal(blk_decode(&u.slot, &disk, &rq), -EOPNOTSUPP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_read),
        cmocka_unit_test(test_last_sector_is_the_last),
        cmocka_unit_test(test_sector_overflow),
        cmocka_unit_test(test_segments_beyond_the_slot),
        cmocka_unit_test(test_first_and_last_sector),
        cmocka_unit_test(test_sectors_of_4096_bytes),
        cmocka_unit_test(test_nothing_changes_a_read_only_disk),
        cmocka_unit_test(test_discard_within_the_disk),
        cmocka_unit_test(test_secure_discard_is_not_supported),
        cmocka_unit_test(test_indirect_is_bounded),
        cmocka_unit_test(test_unknown_operation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
