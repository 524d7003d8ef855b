/*
 * The disk frontend against a disk in memory: data arrives, in every mode the
 * two sides may agree on; a backend that restarts is a pause; one that lies
 * harms nobody.
 *
 * sources: pv-frontends/core/blkfront.c pv-frontends/core/blkslot.c
 * sources: pv-frontends/core/xenbus.c pv-frontends/core/xbstate.c
 * sources: pv-frontends/core/store.c pv-frontends/core/wire.c
 * sources: pv-frontends/core/text.c pv-frontends/core/evtchn.c
 * sources: pv-frontends/core/gnt.c
 * sources: tests/unit/pv-frontends/shim-fake.c
 * sources: tests/unit/pv-frontends/disk-fake.c
 */
#include "tests/unit/pv-frontends/disk-fake.h"

#include "pv-frontends/core/errors.h"

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/pv-frontends/world.h"

static struct disk_fake disk;
static struct blkfront bf;
static struct blk_settings settings;

static void backend(void)
{
    disk_turn(&disk);
}

static int begin(void **state)
{
    (void)state;
    fake_reset();
    memset(&disk, 0, sizeof(disk));
    memset(&bf, 0, sizeof(bf));
    memset(&settings, 0, sizeof(settings));
    disk.indirect = 64;
    disk.ring_order = 2;
    world_begin(backend);
    return 0;
}

static void connect(void)
{
    disk_begin(&disk);
    assert_int_equal(blkfront_open(&bf, 768, &settings), 0);
    assert_int_equal(xbdev_wait(&bf.dev, 1000000000), 0);
}

/* Everything that the device took is given back. */
static void disconnect(void)
{
    blkfront_close(&bf);
    world_device_ends(&bf.dev);
}

static unsigned int nr_done;
static int last_rc;
static void on_done(struct blk_io *io, int rc)
{
    (void)io;
    nr_done++;
    last_rc = rc;
}

static int run(struct blk_io *io)
{
    unsigned int before = nr_done;
    int rc;

    io->done = on_done;
    rc = blkfront_submit(&bf, io);
    if (rc)
        return rc;
    blkfront_kick(&bf);
    for (int i = 0; i < 10 && nr_done == before; i++) {
        shim_wait(0);
        blkfront_poll(&bf);
    }
    assert_int_equal(nr_done, before + 1);
    return last_rc;
}

/* A request over `nr` pages, filled with a pattern. */
static struct blk_segment segs[BLK_MAX_SEGMENTS];
static struct blk_io io_over(enum blk_op op, uint64_t sector, unsigned int nr)
{
    for (unsigned int i = 0; i < nr; i++) {
        if (!segs[i].page)
            segs[i].page = shim_pages_alloc(1);
        segs[i].offset = 0;
        segs[i].length = 4096;
        memset(segs[i].page, (int)(op == BLK_WRITE ? i + sector + 1 : 0), 4096);
    }
    return (struct blk_io){
        .op = op, .sector = sector, .nr_segments = nr, .segments = segs};
}

static void segs_free(void)
{
    for (unsigned int i = 0; i < BLK_MAX_SEGMENTS; i++) {
        if (segs[i].page)
            shim_pages_free(segs[i].page, 1);
        segs[i].page = NULL;
    }
}

static void write_and_read_back(unsigned int nr, uint64_t sector)
{
    struct blk_io io = io_over(BLK_WRITE, sector, nr);

    assert_int_equal(run(&io), 0);
    for (unsigned int i = 0; i < nr; i++)
        assert_int_equal(disk.data[sector * 512 + i * 4096 + 100],
                         (uint8_t)(i + sector + 1));
    io = io_over(BLK_READ, sector, nr);
    assert_int_equal(run(&io), 0);
    for (unsigned int i = 0; i < nr; i++)
        assert_int_equal(((uint8_t *)segs[i].page)[4095],
                         (uint8_t)(i + sector + 1));
}

static void all_sizes(void)
{
    connect();
    write_and_read_back(1, 0);
    write_and_read_back(11, 64);
    write_and_read_back(12, 512);
    write_and_read_back(BLK_MAX_SEGMENTS, 1024);
    assert_int_equal(disk.nr_indirect, 4);
    segs_free();
    disconnect();
}

static void test_data_arrives_by_grants(void **state)
{
    (void)state;
    all_sizes();
}

static void test_data_arrives_by_persistent_grants(void **state)
{
    (void)state;
    disk.persistent = true;
    all_sizes();
}

static void test_data_arrives_over_one_page(void **state)
{
    (void)state;
    disk.ring_order = 0;
    disk.indirect = 0;
    connect();
    assert_int_equal(bf.info.nr_slots, 32);
    assert_int_equal(bf.info.max_segments, 11);
    write_and_read_back(11, 8);
    segs_free();
    disconnect();
}

static void test_part_of_a_page_is_only_that(void **state)
{
    struct blk_io io;

    (void)state;
    disk.persistent = true;
    connect();
    assert_true(bf.info.persistent);
    memset(disk.data, 7, 8192);
    io = io_over(BLK_READ, 1, 1);
    segs[0].offset = 1024;
    segs[0].length = 512;
    assert_int_equal(run(&io), 0);
    assert_int_equal(((uint8_t *)segs[0].page)[1023], 0);
    assert_int_equal(((uint8_t *)segs[0].page)[1024], 7);
    assert_int_equal(((uint8_t *)segs[0].page)[1535], 7);
    assert_int_equal(((uint8_t *)segs[0].page)[1536], 0);
    segs_free();
    disconnect();
}

static void test_flush_and_discard_need_the_backend(void **state)
{
    struct blk_io flush = {.op = BLK_FLUSH};
    struct blk_io discard = {.op = BLK_DISCARD, .sector = 8, .nr_sectors = 8};

    (void)state;
    connect();
    assert_int_equal(run(&flush), 0);
    assert_int_equal(disk.nr_flushes, 1);
    assert_int_equal(run(&discard), -XEN_EOPNOTSUPP);
    disconnect();
    disk.can_discard = true;
    memset(&bf, 0, sizeof(bf));
    connect();
    disk.data[8 * 512] = 1;
    assert_int_equal(run(&discard), 0);
    assert_int_equal(disk.data[8 * 512], 0);
    disconnect();
}

static void test_what_the_disk_cannot_take_is_refused(void **state)
{
    struct blk_io io;

    (void)state;
    connect();
    io = io_over(BLK_READ, DISK_SECTORS - 7, 1);
    assert_int_equal(run(&io), -XEN_EINVAL);
    io = io_over(BLK_READ, UINT64_MAX, 1);
    assert_int_equal(run(&io), -XEN_EINVAL);
    io = io_over(BLK_READ, 0, 1);
    segs[0].length = 100;
    assert_int_equal(run(&io), -XEN_EINVAL);
    io = io_over(BLK_READ, 0, 1);
    segs[0].offset = 512;
    assert_int_equal(run(&io), -XEN_EINVAL);
    io.nr_segments = 0;
    assert_int_equal(run(&io), -XEN_EINVAL);
    assert_int_equal(disk.nr_requests, 0);
    segs_free();
    disconnect();
}

static void test_error_of_the_backend_is_said(void **state)
{
    struct blk_io io;

    (void)state;
    connect();
    disk.status = BLKIF_RSP_ERROR;
    io = io_over(BLK_READ, 0, 1);
    assert_int_equal(run(&io), -XEN_EIO);
    segs_free();
    disconnect();
}

/* More than fits: the rest waits for room, and everything is carried out. */
static void test_full_ring_says_again(void **state)
{
    static struct blk_io ios[300];
    unsigned int sent = 0, before = nr_done;

    (void)state;
    connect();
    fake_on_wait = NULL;
    for (unsigned int i = 0; i < 300; i++) {
        ios[i] = io_over(BLK_WRITE, i, 1);
        ios[i].done = on_done;
        if (blkfront_submit(&bf, &ios[i]))
            break;
        sent++;
    }
    assert_int_equal(sent, bf.info.nr_slots);
    blkfront_kick(&bf);
    fake_on_wait = backend;
    shim_wait(0);
    assert_int_equal(blkfront_poll(&bf), sent);
    assert_int_equal(nr_done - before, sent);
    segs_free();
    disconnect();
}

/* In flight when the backend dies: sent again, in order, and once answered. */
static void test_restarted_backend_is_a_pause(void **state)
{
    static struct blk_io ios[40];
    unsigned int before = nr_done;

    (void)state;
    disk.persistent = true;
    connect();
    fake_on_wait = NULL;
    for (unsigned int i = 0; i < 40; i++) {
        ios[i] = io_over(BLK_WRITE, i * 8, 1);
        ios[i].done = on_done;
        assert_int_equal(blkfront_submit(&bf, &ios[i]), 0);
    }
    blkfront_kick(&bf);
    disk.answer_max = 5;
    disk_turn(&disk);
    assert_int_equal(blkfront_poll(&bf), 5);
    disk.nr_requests = 0;
    disk.answer_max = 0;
    disk_restart(&disk);
    fake_on_wait = backend;
    store_poll();
    assert_int_equal(xbdev_wait(&bf.dev, 1000000000), 0);
    blkfront_poll(&bf);
    shim_wait(0);
    blkfront_poll(&bf);
    assert_int_equal(nr_done - before, 40);
    assert_int_equal(last_rc, 0);
    assert_int_equal(bf.dev.nr_connects, 2);
    assert_int_equal(disk.nr_requests, 35);
    for (unsigned int i = 0; i < 35; i++)
        assert_int_equal(disk.last_sector[i], (i + 5) * 8);
    segs_free();
    disconnect();
}

/* In flight at a suspend: carried out by the new host's backend. */
static void test_suspended_requests_are_sent_again(void **state)
{
    struct blk_io io;
    unsigned int before = nr_done;

    (void)state;
    connect();
    fake_on_wait = NULL;
    io = io_over(BLK_WRITE, 80, 3);
    io.done = on_done;
    assert_int_equal(blkfront_submit(&bf, &io), 0);
    xbdev_suspend(&bf.dev);
    fake_new_host();
    assert_int_equal(gnt_resume(false), 0);
    disk_restart(&disk);
    store_resume();
    xbdev_resume(&bf.dev);
    fake_on_wait = backend;
    store_poll();
    assert_int_equal(xbdev_wait(&bf.dev, 1000000000), 0);
    blkfront_poll(&bf);
    shim_wait(0);
    blkfront_poll(&bf);
    assert_int_equal(nr_done - before, 1);
    assert_int_equal(last_rc, 0);
    assert_int_equal(disk.data[80 * 512], (uint8_t)81);
    segs_free();
    disconnect();
}

static void test_abandoned_requests_end_with_an_error(void **state)
{
    struct blk_io io;
    unsigned int before = nr_done;

    (void)state;
    connect();
    fake_on_wait = NULL;
    io = io_over(BLK_WRITE, 0, 1);
    io.done = on_done;
    assert_int_equal(blkfront_submit(&bf, &io), 0);
    fake_store_rm(DISK_BACK);
    store_poll();
    assert_false(bf.dev.working);
    assert_int_equal(blkfront_submit(&bf, &io), -XEN_EAGAIN);
    blkfront_abandon(&bf);
    assert_int_equal(nr_done - before, 1);
    assert_int_equal(last_rc, -XEN_EIO);
    segs_free();
    xbdev_forget(&bf.dev);
    assert_int_equal(fake_pages_in_use(), pages_before);
}

/* The backend answers what was never asked, and twice. */
static void test_senseless_answers_are_counted(void **state)
{
    struct blk_io io;
    unsigned int before = nr_done;

    (void)state;
    connect();
    fake_on_wait = NULL;
    for (unsigned int i = 0; i < 3; i++) {
        io = io_over(BLK_READ, 0, 1);
        io.done = on_done;
        assert_int_equal(blkfront_submit(&bf, &io), 0);
    }
    blkfront_kick(&bf);
    for (unsigned int i = 0; i < 3; i++) {
        struct blkif_response *answer = RING_GET_RESPONSE(&bf.ring, i);

        answer->id = i == 2 ? UINT64_MAX : 1;
        answer->status = BLKIF_RSP_OKAY;
    }
    bf.ring.sring->rsp_prod = 3;
    blkfront_poll(&bf);
    assert_int_equal(nr_done - before, 1);
    assert_int_equal(bf.nr_bad, 2);
    blkfront_close(&bf);
    xbdev_forget(&bf.dev);
    segs_free();
}

static void test_impossible_index_ends_the_ring(void **state)
{
    struct blk_io io;

    (void)state;
    connect();
    fake_on_wait = NULL;
    bf.ring.sring->rsp_prod = 1;
    assert_int_equal(blkfront_poll(&bf), 0);
    io = io_over(BLK_READ, 0, 1);
    assert_int_equal(blkfront_submit(&bf, &io), -XEN_EAGAIN);
    /* A backend that begins anew is given another chance. */
    fake_on_wait = backend;
    disk_restart(&disk);
    store_poll();
    assert_int_equal(xbdev_wait(&bf.dev, 1000000000), 0);
    io = io_over(BLK_READ, 0, 1);
    assert_int_equal(run(&io), 0);
    segs_free();
    disconnect();
}

/* A page that the backend keeps is not given to anybody else. */
static void test_pages_the_backend_keeps_stay_away(void **state)
{
    (void)state;
    connect();
    fake_grant_hold(bf.ring_refs[0], true);
    disk_restart(&disk);
    store_poll();
    assert_int_equal(xbdev_wait(&bf.dev, 1000000000), 0);
    assert_int_equal(gnt_poll(), 1);
    fake_grant_hold(GNTTAB_NR_RESERVED_ENTRIES + 0, false);
    for (grant_ref_t ref = 0; ref < 64; ref++)
        fake_grant_hold(ref, false);
    assert_int_equal(gnt_poll(), 0);
    disconnect();
}

static void test_conflicting_transactions_are_repeated(void **state)
{
    (void)state;
    fake_store_conflicts = 3;
    connect();
    disconnect();
}

static void test_no_memory_is_an_error_not_a_crash(void **state)
{
    (void)state;
    for (int left = 0; left < 8; left++) {
        fake_reset();
        memset(&bf, 0, sizeof(bf));
        assert_int_equal(store_init(), 0);
        assert_int_equal(gnt_init(8), 0);
        pages_before = fake_pages_in_use();
        fake_on_wait = backend;
        disk_begin(&disk);
        fake_pages_limit(left);
        assert_int_equal(blkfront_open(&bf, 768, &settings), 0);
        (void)xbdev_wait(&bf.dev, 20000000);
        xbdev_forget(&bf.dev);
        assert_int_equal(fake_pages_in_use(), pages_before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup(fn, begin)
        T(test_data_arrives_by_grants),
        T(test_data_arrives_by_persistent_grants),
        T(test_data_arrives_over_one_page),
        T(test_part_of_a_page_is_only_that),
        T(test_flush_and_discard_need_the_backend),
        T(test_what_the_disk_cannot_take_is_refused),
        T(test_error_of_the_backend_is_said),
        T(test_full_ring_says_again),
        T(test_restarted_backend_is_a_pause),
        T(test_suspended_requests_are_sent_again),
        T(test_abandoned_requests_end_with_an_error),
        T(test_senseless_answers_are_counted),
        T(test_impossible_index_ends_the_ring),
        T(test_pages_the_backend_keeps_stay_away),
        T(test_conflicting_transactions_are_repeated),
        T(test_no_memory_is_an_error_not_a_crash),
#undef T
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
