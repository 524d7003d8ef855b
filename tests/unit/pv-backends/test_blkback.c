/*
 * A disk's ring with a hostile or a killed party on either side: each request
 * is answered exactly once, in whatever order; bad ones with an error and
 * without touching the image; and after a kill at any moment a successor
 * answers what the predecessor had not.
 *
 * sources: dom0/libs/latency/latency.c
 * sources: pv-backends/block/blkback.c pv-backends/block/blkdecode.c
 * sources: pv-backends/block/blkio.c pv-backends/block/blkio-uring.c
 * sources: pv-backends/block/blkio-threads.c
 * sources: pv-backends/block/bufpool.c pv-backends/block/inflight.c
 * sources: pv-backends/runtime/log.c dom0/libs/gnttab/gnttab-fake.c
 * sources: pv-backends/runtime/grantcache.c pv-backends/runtime/bucket.c
 * libs: -luring -lpthread
 */
#include "pv-backends/block/blkback.h"
#include "pv-backends/runtime/grantcache.h"
#include "dom0/libs/gnttab/gnttab-fake.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { RING_REF = 8, DATA_REF = 100, DISK_SECTORS = 2048 };

static struct {
    struct gnttab *gt;
    struct blkio *io;
    int image;
    char image_path[64], journal[64];
    blkif_sring_t *sring;
    blkif_front_ring_t front;
    struct blkback bb;
    bool open;
    unsigned int notified;
    uint64_t wait_ns;
    struct blkif_response rsp[256]; /* by id */
    unsigned int answers[256];
} w;

static void notify(void *arg)
{
    (void)arg;
    w.notified++;
}

static void later(void *arg, uint64_t ns)
{
    (void)arg;
    w.wait_ns = ns;
}

static void open_back(bool adopt)
{
    const struct blkback_config cfg = {
        .name = "test",
        .domid = 1,
        .gnttab = w.gt,
        .io = w.io,
        .image_fd = w.image,
        .disk = {.nr_sectors = DISK_SECTORS,
                 .sector_size = 512,
                 .can_discard = true},
        .ring_pages = w.sring,
        .nr_ring_pages = 1,
        .journal = w.journal,
        .connection = 4711,
        .adopt = adopt,
        .notify = notify,
        .wait = later,
    };

    assert_int_equal(blkback_open(&w.bb, &cfg), 0);
    w.open = true;
}

static int setup_io(const char *engine)
{
    memset(&w, 0, sizeof(w));
    gnttab_fake_reset();
    gnttab_open(&w.gt);
    if (blkio_open(&w.io, engine))
        return -1;
    snprintf(w.image_path, sizeof(w.image_path), "/tmp/blkback-%d.img",
             getpid());
    snprintf(w.journal, sizeof(w.journal), "/tmp/blkback-%d.jrn", getpid());
    w.image = open(w.image_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(w.image >= 0);
    assert_int_equal(ftruncate(w.image, DISK_SECTORS * 512), 0);
    w.sring = gnttab_fake_grant(RING_REF, 1);
    XEN_FRONT_RING_INIT(&w.front, w.sring, BLK_PAGE_SIZE);
    open_back(false);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    return setup_io("threads");
}

static int teardown(void **state)
{
    (void)state;
    if (w.open)
        blkback_close(&w.bb, true);
    blkio_close(w.io);
    close(w.image);
    unlink(w.image_path);
    unlink(w.journal);
    gnttab_fake_reset();
    return 0;
}

static struct blkif_request *next_slot(void)
{
    struct blkif_request *r = RING_GET_REQUEST(&w.front, w.front.req_prod_pvt);

    w.front.req_prod_pvt++;
    memset(r, 0, sizeof(*r));
    return r;
}

static void put(uint8_t op, uint64_t id, uint64_t sector, unsigned int nr)
{
    struct blkif_request *r = next_slot();

    r->operation = op;
    r->id = id;
    r->sector_number = sector;
    r->nr_segments = nr;
    for (unsigned int i = 0; i < nr; i++)
        r->seg[i] = (struct blkif_request_segment){DATA_REF + i, 0, 7};
}

static void push(void)
{
    RING_PUSH_REQUESTS(&w.front);
}

static void collect(void)
{
    xen_rmb();
    while (w.front.rsp_cons != w.sring->rsp_prod) {
        struct blkif_response *rsp =
            RING_GET_RESPONSE(&w.front, w.front.rsp_cons);

        assert_true(rsp->id < 256);
        w.rsp[rsp->id] = *rsp;
        w.answers[rsp->id]++;
        w.front.rsp_cons++;
    }
}

/* The event loop's part, until nothing is under way. */
static void serve(void)
{
    struct blkback *owner;
    struct blkio_op *op;

    blkback_poll(&w.bb);
    while ((op = blkio_wait(w.io))) {
        blkback_io_done(op, &owner);
        blkback_finish(owner);
    }
    collect();
}

static void expect(uint64_t id, int status)
{
    assert_int_equal(w.answers[id], 1);
    assert_int_equal(w.rsp[id].status, status);
}

static void write_then_read(void)
{
    unsigned char *a = gnttab_fake_grant(DATA_REF, 1);
    unsigned char *b = gnttab_fake_grant(DATA_REF + 1, 1);

    memset(a, 0xaa, 4096);
    memset(b, 0xbb, 4096);
    put(BLKIF_OP_WRITE, 1, 16, 2);
    push();
    serve();
    expect(1, BLKIF_RSP_OKAY);
    memset(a, 0, 4096);
    memset(b, 0, 4096);
    put(BLKIF_OP_READ, 2, 16, 2);
    push();
    serve();
    expect(2, BLKIF_RSP_OKAY);
    assert_int_equal(a[0], 0xaa);
    assert_int_equal(a[4095], 0xaa);
    assert_int_equal(b[0], 0xbb);
    assert_true(w.notified >= 1);
}

static void test_data_comes_back(void **state)
{
    (void)state;
    write_then_read();
}

static void test_data_comes_back_by_uring(void **state)
{
    (void)state;
    teardown(NULL);
    if (setup_io("uring")) {
        setup_io("threads");
        skip(); /* this kernel has none */
    }
    write_then_read();
}

/* Pages that stay granted stay mapped, and no more of them than allowed. */
static void test_persistent_grants(void **state)
{
    (void)state;
    assert_int_equal(grantcache_open(&w.bb.cfg.persistent, w.gt, 1, 3), 0);
    write_then_read();
    assert_int_equal(gnttab_fake_mapped(), 2);
    assert_int_equal(gnttab_fake_copies(), 0);
    for (unsigned int i = 0; i < 11; i++)
        memset(gnttab_fake_grant(DATA_REF + i, 1), i, 4096);
    grantcache_close(w.bb.cfg.persistent); /* those pages are new ones */
    assert_int_equal(grantcache_open(&w.bb.cfg.persistent, w.gt, 1, 3), 0);
    put(BLKIF_OP_WRITE, 7, 0, 11);
    push();
    serve();
    expect(7, BLKIF_RSP_OKAY);
    assert_int_equal(gnttab_fake_mapped(), 3);
    put(BLKIF_OP_WRITE, 8, 0, 1);
    RING_GET_REQUEST(&w.front, 3)->seg[0].gref = 3000; /* granted to nobody */
    push();
    serve();
    expect(8, BLKIF_RSP_ERROR);
    grantcache_close(w.bb.cfg.persistent);
    w.bb.cfg.persistent = NULL;
    assert_int_equal(gnttab_fake_mapped(), 0);
}

static void test_indirect_write(void **state)
{
    struct blkif_request_segment *list = gnttab_fake_grant(50, 0);
    struct blkif_request_indirect in = {.operation = BLKIF_OP_INDIRECT,
                                        .indirect_op = BLKIF_OP_WRITE,
                                        .nr_segments = 20,
                                        .id = 3,
                                        .sector_number = 0,
                                        .indirect_grefs = {50}};
    unsigned char byte;

    (void)state;
    for (int i = 0; i < 20; i++) {
        memset(gnttab_fake_grant(DATA_REF + i, 0), i + 1, 4096);
        list[i] = (struct blkif_request_segment){DATA_REF + i, 0, 7};
    }
    memcpy(next_slot(), &in, sizeof(in));
    push();
    serve();
    expect(3, BLKIF_RSP_OKAY);
    assert_int_equal(w.rsp[3].operation, BLKIF_OP_WRITE);
    assert_int_equal(pread(w.image, &byte, 1, 19 * 4096 + 5), 1);
    assert_int_equal(byte, 20);
}

static void test_bad_requests_do_not_touch_the_image(void **state)
{
    unsigned char before[4096] = {0}, after[4096];

    (void)state;
    memset(gnttab_fake_grant(DATA_REF, 1), 0xee, 4096);
    put(BLKIF_OP_WRITE, 1, DISK_SECTORS - 7, 1); /* over the end */
    put(BLKIF_OP_WRITE, 2, UINT64_MAX, 1);
    put(BLKIF_OP_WRITE, 3, 0, 0);
    put(77, 4, 0, 1);
    put(BLKIF_OP_WRITE, 5, 0, 1);
    RING_GET_REQUEST(&w.front, 4)->nr_segments = 12;
    put(BLKIF_OP_WRITE, 6, 0, 2); /* the second is granted to nobody */
    push();
    serve();
    expect(1, BLKIF_RSP_ERROR);
    expect(2, BLKIF_RSP_ERROR);
    expect(3, BLKIF_RSP_ERROR);
    expect(4, BLKIF_RSP_EOPNOTSUPP);
    expect(5, BLKIF_RSP_ERROR);
    expect(6, BLKIF_RSP_ERROR);
    for (off_t at = 0; at < DISK_SECTORS * 512; at += 4096) {
        assert_int_equal(pread(w.image, after, 4096, at), 4096);
        assert_memory_equal(before, after, 4096);
    }
}

static void test_read_into_a_read_only_grant_is_an_error(void **state)
{
    (void)state;
    gnttab_fake_grant(DATA_REF, 0);
    put(BLKIF_OP_READ, 1, 0, 1);
    push();
    serve();
    expect(1, BLKIF_RSP_ERROR);
}

static void test_impossible_producer_is_not_served(void **state)
{
    (void)state;
    w.sring->req_prod = 1000;
    serve();
    assert_true(w.bb.broken);
    assert_int_equal(w.sring->rsp_prod, 0);
}

static void test_full_ring_of_writes_and_barriers(void **state)
{
    (void)state;
    memset(gnttab_fake_grant(DATA_REF, 1), 0x5a, 4096);
    for (unsigned int i = 0; i < 32; i++)
        put(i % 5 == 4   ? BLKIF_OP_WRITE_BARRIER
            : i % 5 == 2 ? BLKIF_OP_FLUSH_DISKCACHE
                         : BLKIF_OP_WRITE,
            i, i * 8, i % 5 == 2 ? 0 : 1);
    push();
    serve();
    for (unsigned int i = 0; i < 32; i++)
        expect(i, BLKIF_RSP_OKAY);
}

static void test_discard_makes_a_hole(void **state)
{
    struct blkif_request_discard d = {.operation = BLKIF_OP_DISCARD,
                                      .id = 9,
                                      .sector_number = 16,
                                      .nr_sectors = 8};
    unsigned char byte = 1;

    (void)state;
    memset(gnttab_fake_grant(DATA_REF, 1), 0x5a, 4096);
    put(BLKIF_OP_WRITE, 1, 16, 1);
    push();
    serve();
    memcpy(next_slot(), &d, sizeof(d));
    push();
    serve();
    expect(9, BLKIF_RSP_OKAY);
    assert_int_equal(pread(w.image, &byte, 1, 16 * 512), 1);
    assert_int_equal(byte, 0);
}

/* A request a second, two at once: the others wait, in order,
 * unharmed. */
static void test_rates_are_held(void **state)
{
    struct blk_rate rate = {0};

    (void)state;
    bucket_set(&rate.requests, 1, 2);
    w.bb.cfg.rate = &rate;
    gnttab_fake_grant(DATA_REF, 1);
    for (unsigned int i = 0; i < 5; i++)
        put(BLKIF_OP_READ, i, i * 8, 1);
    push();
    serve();
    expect(0, BLKIF_RSP_OKAY);
    expect(1, BLKIF_RSP_OKAY);
    assert_int_equal(w.answers[2], 0);
    assert_in_range(w.wait_ns, 1, 1100000000);
    rate.requests.level = 1; /* as time would have it */
    serve();
    expect(2, BLKIF_RSP_OKAY);
    bucket_set(&rate.requests, 0, 0); /* changed while it is in use */
    bucket_set(&rate.bytes, 4096, 1);
    serve();
    expect(3, BLKIF_RSP_OKAY);
    assert_int_equal(w.answers[4], 0);
    bucket_set(&rate.bytes, 0, 0);
    serve();
    expect(4, BLKIF_RSP_OKAY);
    w.bb.cfg.rate = NULL;
}

/* --- killed and replaced ----------------------------------------------------
 */

/*
 * A predecessor: a process that opens the ring, takes what is there, does
 * `last` and is killed. Ring, grants and journal are all that is left of it.
 */
static void predecessor(void (*last)(void))
{
    int status;
    pid_t pid;

    if (w.open)
        blkback_close(&w.bb, true);
    w.open = false;
    pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        if (blkio_open(&w.io, "threads"))
            _exit(1);
        open_back(false);
        blkback_poll(&w.bb);
        if (last)
            last();
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

static void succeed_and_serve(void)
{
    open_back(true);
    serve();
}

static void test_successor_serves_what_was_under_way(void **state)
{
    (void)state;
    memset(gnttab_fake_grant(DATA_REF, 1), 0x77, 4096);
    for (unsigned int i = 0; i < 20; i++)
        put(BLKIF_OP_WRITE, i, i * 8, 1);
    push();
    predecessor(NULL);
    succeed_and_serve();
    for (unsigned int i = 0; i < 20; i++)
        expect(i, BLKIF_RSP_OKAY);
}

/* Errors are answered at once, into slots of requests that still wait. */
static void test_answers_out_of_order_survive(void **state)
{
    (void)state;
    memset(gnttab_fake_grant(DATA_REF, 1), 0x33, 4096);
    put(BLKIF_OP_WRITE, 0, 0, 1);
    put(BLKIF_OP_WRITE, 1, 8, 1);
    put(99, 2, 0, 1);
    put(99, 3, 0, 1);
    push();
    predecessor(NULL);
    collect();
    expect(2, BLKIF_RSP_EOPNOTSUPP);
    expect(3, BLKIF_RSP_EOPNOTSUPP);
    succeed_and_serve();
    expect(0, BLKIF_RSP_OKAY);
    expect(1, BLKIF_RSP_OKAY);
    expect(2, BLKIF_RSP_EOPNOTSUPP);
    expect(3, BLKIF_RSP_EOPNOTSUPP);
}

static void note_answer(void)
{
    inflight_answer(&w.bb.journal, 1, BLKIF_OP_WRITE, BLKIF_RSP_OKAY);
}

static void two_writes(void)
{
    gnttab_fake_grant(DATA_REF, 1);
    put(BLKIF_OP_WRITE, 0, 0, 1);
    put(BLKIF_OP_WRITE, 1, 8, 1);
    push();
}

static void test_noted_but_unpublished_answer_is_given(void **state)
{
    (void)state;
    two_writes();
    predecessor(note_answer);
    succeed_and_serve();
    expect(0, BLKIF_RSP_OKAY);
    expect(1, BLKIF_RSP_OKAY);
}

static void publish_and_die(void)
{
    RING_IDX at =
        inflight_answer(&w.bb.journal, 1, BLKIF_OP_WRITE, BLKIF_RSP_OKAY);

    RING_GET_RESPONSE(&w.front, at)->id = 1;
    RING_GET_RESPONSE(&w.front, at)->status = BLKIF_RSP_OKAY;
    w.sring->rsp_prod = at + 1;
}

static void test_published_answer_is_not_given_twice(void **state)
{
    (void)state;
    two_writes();
    predecessor(publish_and_die);
    collect();
    put(BLKIF_OP_WRITE, 5, 24, 1); /* the guest goes on in a freed slot */
    push();
    succeed_and_serve();
    expect(0, BLKIF_RSP_OKAY);
    expect(1, BLKIF_RSP_OKAY);
    expect(5, BLKIF_RSP_OKAY);
}

static void take_back_index(void)
{
    w.bb.journal.shared->req_cons--; /* killed before it moved on */
}

static void test_half_taken_request_is_taken_once(void **state)
{
    (void)state;
    gnttab_fake_grant(DATA_REF, 1);
    put(BLKIF_OP_WRITE, 0, 0, 1);
    push();
    predecessor(take_back_index);
    succeed_and_serve();
    expect(0, BLKIF_RSP_OKAY);
}

/* Two hundred kills at some moment of a busy ring. */
static void test_many_kills(void **state)
{
    unsigned int id = 0;

    (void)state;
    memset(gnttab_fake_grant(DATA_REF, 1), 0x11, 4096);
    blkback_close(&w.bb, true);
    w.open = false;
    for (int round = 0; round < 200; round++) {
        struct blkback *owner;
        struct blkio_op *op;
        int status;
        pid_t pid;

        memset(w.answers, 0, sizeof(w.answers));
        for (int i = 0; i < 25; i++)
            put(i % 7 == 3 ? 99 : BLKIF_OP_WRITE, i, i * 8, 1);
        push();
        pid = fork();
        if (!pid) {
            if (blkio_open(&w.io, "threads"))
                _exit(1);
            open_back(round > 0);
            alarm(5);
            for (;;) {
                blkback_poll(&w.bb);
                while ((op = blkio_wait(w.io))) {
                    blkback_io_done(op, &owner);
                    blkback_finish(owner);
                }
            }
        }
        usleep(id++ * 37 % 3000);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (access(w.journal, F_OK)) { /* killed before it had begun */
            open_back(false);
        } else {
            open_back(true);
        }
        serve();
        for (int i = 0; i < 25; i++)
            expect(i, i % 7 == 3 ? BLKIF_RSP_EOPNOTSUPP : BLKIF_RSP_OKAY);
        blkback_close(&w.bb, false);
        w.open = false;
    }
}

static void test_journal_of_other_rings_is_not_used(void **state)
{
    struct inflight j;

    (void)state;
    assert_int_equal(inflight_open(&j, w.journal, 4712, 32), -ESTALE);
    assert_int_equal(inflight_open(&j, w.journal, 4711, 64), -ESTALE);
    assert_int_equal(inflight_open(&j, "/tmp/no-such-journal", 4711, 32),
                     -ENOENT);
}

static void test_successor_refuses_an_impossible_ring(void **state)
{
    struct blkback_config cfg = w.bb.cfg;

    (void)state;
    predecessor(NULL);
    w.sring->rsp_prod = 500;
    cfg.adopt = true;
    assert_int_equal(blkback_open(&w.bb, &cfg), -EINVAL);
}

#define RING_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RING_TEST(test_data_comes_back),
        RING_TEST(test_data_comes_back_by_uring),
        RING_TEST(test_persistent_grants),
        RING_TEST(test_indirect_write),
        RING_TEST(test_bad_requests_do_not_touch_the_image),
        RING_TEST(test_read_into_a_read_only_grant_is_an_error),
        RING_TEST(test_impossible_producer_is_not_served),
        RING_TEST(test_full_ring_of_writes_and_barriers),
        RING_TEST(test_discard_makes_a_hole),
        RING_TEST(test_rates_are_held),
        RING_TEST(test_successor_serves_what_was_under_way),
        RING_TEST(test_answers_out_of_order_survive),
        RING_TEST(test_noted_but_unpublished_answer_is_given),
        RING_TEST(test_published_answer_is_not_given_twice),
        RING_TEST(test_half_taken_request_is_taken_once),
        RING_TEST(test_many_kills),
        RING_TEST(test_journal_of_other_rings_is_not_used),
        RING_TEST(test_successor_refuses_an_impossible_ring),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
