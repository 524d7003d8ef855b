/*
 * A disk as a frontend meets it through the store: what is offered, two rings,
 * limits and sizes and media that change while it is in use, a successor that
 * carries on.
 *
 * sources: dom0/libs/latency/latency.c dom0/libs/opener/opener.c
 * sources: pv-backends/block/device.c pv-backends/block/details.c
 * sources: pv-backends/block/medium.c pv-backends/block/queue.c
 * sources: pv-backends/block/blkback.c pv-backends/block/blkdecode.c
 * sources: pv-backends/block/blkio.c pv-backends/block/blkio-uring.c
 * sources: pv-backends/block/blkio-threads.c pv-backends/block/image.c
 * sources: pv-backends/block/bufpool.c pv-backends/block/inflight.c
 * sources: pv-backends/block/nbdmedium.c pv-backends/block/nbdstore.c
 * sources: pv-backends/block/nbdlib.c pv-backends/block/export.c
 * sources: pv-backends/block/qmp.c
 * sources: pv-backends/runtime/grantcache.c pv-backends/runtime/backend.c
 * sources: pv-backends/runtime/xbstate.c pv-backends/runtime/spin.c
 * sources: pv-backends/runtime/bucket.c pv-backends/runtime/store.c
 * sources: pv-backends/runtime/loop.c pv-backends/runtime/log.c
 * sources: pv-backends/runtime/ringmap.c tests/unit/xs-fake.c
 * sources: dom0/libs/evtchn/evtchn-fake.c dom0/libs/gnttab/gnttab-fake.c
 * libs: -levent_core -luring -lpthread
 */
#include "pv-backends/block/blkback.h"
#include "pv-backends/block/device.h"
#include "pv-backends/runtime/loop.h"
#include "dom0/libs/evtchn/evtchn-fake.h"
#include "dom0/libs/gnttab/gnttab-fake.h"
#include "tests/unit/xs-fake.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define BE "/local/domain/0/backend/pvblk/5/51712"
#define FE "/local/domain/5/device/vbd/51712"

enum { RINGS = 8, PORTS = 20, DATA = 100, QUEUES = 2 };

static struct {
    char dir[32], image[64];
    struct loop *loop;
    struct blkio *io;
    struct backend_host *host;
    struct event *done;
    blkif_front_ring_t front[QUEUES];
} w;

static void on_io(evutil_socket_t fd, short what, void *arg)
{
    struct blkback *owner;
    struct blkio_op *op;

    (void)fd, (void)what, (void)arg;
    while ((op = blkio_reap(w.io))) {
        blkback_io_done(op, &owner);
        blkback_finish(owner);
    }
}

static void run_for(unsigned int ms)
{
    struct timeval tv = {ms / 1000, ms % 1000 * 1000};

    event_base_loopexit(w.loop->base, &tv);
    event_base_dispatch(w.loop->base);
}

static void run(void)
{
    run_for(30);
}

static void open_host(void)
{
    struct blk_settings s = {.state_dir = w.dir, .max_queues = QUEUES};

    assert_int_equal(loop_open(&w.loop, 0, 0), 0);
    assert_int_equal(blkio_open(&w.io, "threads"), 0);
    s.io = w.io;
    w.done = event_new(w.loop->base, blkio_fd(w.io), EV_READ | EV_PERSIST,
                       on_io, NULL);
    event_add(w.done, NULL);
    blk_device_setup(&s);
    assert_int_equal(backend_host_open(&w.host, w.loop, &blk_class, 5), 0);
    run();
}

static void close_host(void)
{
    backend_host_close(w.host);
    event_free(w.done);
    blkio_close(w.io);
    loop_close(w.loop);
}

static int setup(void **state)
{
    int fd;

    (void)state;
    memset(&w, 0, sizeof(w));
    xs_fake_reset();
    gnttab_fake_reset();
    evtchn_fake_reset();
    strcpy(w.dir, "/tmp/blkdev-XXXXXX");
    assert_non_null(mkdtemp(w.dir));
    snprintf(w.image, sizeof(w.image), "%s/image", w.dir);
    fd = open(w.image, O_RDWR | O_CREAT, 0600);
    assert_int_equal(ftruncate(fd, 1 << 20), 0);
    close(fd);
    open_host();
    return 0;
}

static int teardown(void **state)
{
    char line[64];

    (void)state;
    close_host();
    assert_int_equal(gnttab_fake_mapped(), 0);
    snprintf(line, sizeof(line), "rm -r %s", w.dir);
    assert_int_equal(system(line), 0);
    xs_fake_reset();
    gnttab_fake_reset();
    return 0;
}

static void toolstack_adds(const char *sector_size)
{
    xs_fake_put(FE "/state", "1");
    xs_fake_put(BE "/params", w.image);
    xs_fake_put(BE "/mode", "w");
    xs_fake_put(BE "/device-type", "disk");
    xs_fake_put(BE "/sector-size", sector_size);
    xs_fake_put(BE "/online", "1");
    xs_fake_put(BE "/state", "1");
    xs_fake_put(BE "/frontend", FE);
    run();
}

static void frontend_offers_rings(const char *queues)
{
    char path[128], value[16];

    xs_fake_put(FE "/protocol", "x86_64-abi");
    xs_fake_put(FE "/multi-queue-num-queues", queues);
    for (int i = 0; i < QUEUES; i++) {
        blkif_sring_t *sring = gnttab_fake_grant(RINGS + i, 1);

        XEN_FRONT_RING_INIT(&w.front[i], sring, BLK_PAGE_SIZE);
        snprintf(path, sizeof(path), FE "/queue-%d/ring-ref", i);
        snprintf(value, sizeof(value), "%d", RINGS + i);
        xs_fake_put(path, value);
        snprintf(path, sizeof(path), FE "/queue-%d/event-channel", i);
        snprintf(value, sizeof(value), "%d", PORTS + i);
        xs_fake_put(path, value);
    }
    xs_fake_put(FE "/state", "3");
    run();
}

static void connect_disk(void)
{
    toolstack_adds("512");
    frontend_offers_rings("2");
    assert_string_equal(xs_fake_get(BE "/state"), "4");
    xs_fake_put(FE "/state", "4");
    run();
}

static void request(int queue, uint8_t op, uint64_t sector, unsigned int ref)
{
    blkif_front_ring_t *f = &w.front[queue];
    struct blkif_request *r = RING_GET_REQUEST(f, f->req_prod_pvt);

    memset(r, 0, sizeof(*r));
    r->operation = op;
    r->id = f->req_prod_pvt++;
    r->sector_number = sector;
    r->nr_segments = 1;
    r->seg[0] = (struct blkif_request_segment){ref, 0, 7};
    RING_PUSH_REQUESTS(f);
    evtchn_fake_raise(PORTS + queue);
}

static unsigned int answered(int queue)
{
    return w.front[queue].sring->rsp_prod;
}

/* The n-th answer, waited for: the host may be busy. */
static int status(int queue, unsigned int n)
{
    for (int tries = 0; tries < 100 && answered(queue) <= n; tries++)
        run();
    assert_true(answered(queue) > n);
    return RING_GET_RESPONSE(&w.front[queue], n)->status;
}

static void test_two_rings_serve_one_disk(void **state)
{
    unsigned char *a = gnttab_fake_grant(DATA, 1);
    unsigned char *b = gnttab_fake_grant(DATA + 1, 1);

    (void)state;
    connect_disk();
    assert_string_equal(xs_fake_get(BE "/multi-queue-max-queues"), "2");
    assert_string_equal(xs_fake_get(BE "/sectors"), "2048");
    memset(a, 0x77, 4096);
    request(0, BLKIF_OP_WRITE, 16, DATA);
    assert_int_equal(status(0, 0), BLKIF_RSP_OKAY);
    request(1, BLKIF_OP_READ, 16, DATA + 1);
    assert_int_equal(status(1, 0), BLKIF_RSP_OKAY);
    assert_memory_equal(a, b, 4096);
    assert_int_equal(evtchn_fake_notified(PORTS + 1), 1);
}

static void test_more_rings_than_offered(void **state)
{
    (void)state;
    toolstack_adds("512");
    frontend_offers_rings("3");
    assert_string_equal(xs_fake_get(BE "/state"), "5");
    assert_non_null(xs_fake_get(BE "/error"));
    assert_int_equal(evtchn_fake_bound(), 0);
}

static void test_second_ring_missing(void **state)
{
    (void)state;
    toolstack_adds("512");
    xs_fake_put(FE "/multi-queue-num-queues", "2");
    gnttab_fake_grant(RINGS, 1);
    xs_fake_put(FE "/queue-0/ring-ref", "8");
    xs_fake_put(FE "/queue-0/event-channel", "20");
    xs_fake_put(FE "/state", "3");
    run();
    assert_string_equal(xs_fake_get(BE "/state"), "5");
    assert_int_equal(evtchn_fake_bound(), 0);
    assert_int_equal(gnttab_fake_mapped(), 0);
}

static void test_sectors_of_4096(void **state)
{
    (void)state;
    toolstack_adds("4096");
    frontend_offers_rings("2");
    assert_string_equal(xs_fake_get(BE "/sector-size"), "4096");
    assert_string_equal(xs_fake_get(BE "/sectors"), "2048");
}

/* A request a second: the second one waits until the limit is taken away. */
static void test_limit_changes_in_use(void **state)
{
    (void)state;
    gnttab_fake_grant(DATA, 1);
    connect_disk();
    xs_fake_put(BE "/limit-requests", "1,1");
    run();
    for (int i = 0; i < 3; i++)
        request(0, BLKIF_OP_READ, 0, DATA);
    run();
    assert_int_equal(status(0, 0), BLKIF_RSP_OKAY);
    assert_in_range(answered(0), 1, 2); /* a slow host: a second may pass */
    xs_fake_put(BE "/limit-requests", "0");
    run();
    request(0, BLKIF_OP_READ, 0, DATA);
    assert_int_equal(status(0, 3), BLKIF_RSP_OKAY);
}

static void test_growing_image_is_announced(void **state)
{
    (void)state;
    gnttab_fake_grant(DATA, 1);
    connect_disk();
    request(0, BLKIF_OP_READ, 2048, DATA);
    run();
    assert_int_equal(status(0, 0), BLKIF_RSP_ERROR);
    assert_int_equal(truncate(w.image, 2 << 20), 0);
    run_for(1100);
    request(0, BLKIF_OP_READ, 2048, DATA);
    assert_int_equal(status(0, 1), BLKIF_RSP_OKAY);
    assert_string_equal(xs_fake_get(BE "/sectors"), "4096");
    assert_string_equal(xs_fake_get(BE "/state"), "4");
}

static void test_successor_takes_both_rings(void **state)
{
    (void)state;
    gnttab_fake_grant(DATA, 1);
    connect_disk();
    request(1, BLKIF_OP_READ, 0, DATA);
    run();
    close_host();
    request(1, BLKIF_OP_READ, 8, DATA); /* nobody is there */
    open_host();
    run();
    assert_int_equal(status(1, 0), BLKIF_RSP_OKAY);
    assert_int_equal(status(1, 1), BLKIF_RSP_OKAY);
    assert_string_equal(xs_fake_get(BE "/state"), "4");
}

/* An empty drive, a disc, a disc that is not there, the drive emptied again. */
static void test_medium_changes_in_use(void **state)
{
    unsigned char *page = gnttab_fake_grant(DATA, 1), byte = 0x42;
    char missing[80];
    int fd = open(w.image, O_RDWR);

    (void)state;
    assert_int_equal(pwrite(fd, &byte, 1, 0), 1);
    close(fd);
    xs_fake_put(FE "/state", "1");
    xs_fake_put(BE "/params", "");
    xs_fake_put(BE "/mode", "r");
    xs_fake_put(BE "/device-type", "cdrom");
    xs_fake_put(BE "/online", "1");
    xs_fake_put(BE "/state", "1");
    xs_fake_put(BE "/frontend", FE);
    run();
    frontend_offers_rings("2");
    xs_fake_put(FE "/state", "4");
    run();
    assert_string_equal(xs_fake_get(BE "/state"), "4");
    assert_string_equal(xs_fake_get(BE "/sectors"), "0");
    request(0, BLKIF_OP_READ, 0, DATA);
    run();
    assert_int_equal(status(0, 0), BLKIF_RSP_ERROR);
    xs_fake_put(BE "/params", w.image);
    run();
    assert_string_equal(xs_fake_get(BE "/sectors"), "2048");
    request(0, BLKIF_OP_READ, 0, DATA);
    run();
    assert_int_equal(status(0, 1), BLKIF_RSP_OKAY);
    assert_int_equal(page[0], 0x42);
    snprintf(missing, sizeof(missing), "%s-not", w.image);
    xs_fake_put(BE "/params", missing);
    run();
    assert_string_equal(xs_fake_get(BE "/sectors"), "2048");
    request(1, BLKIF_OP_READ, 8, DATA);
    run();
    assert_int_equal(status(1, 0), BLKIF_RSP_OKAY);
    xs_fake_put(BE "/params", "");
    run();
    assert_string_equal(xs_fake_get(BE "/sectors"), "0");
}

/* A disk's image is not a medium. */
static void test_image_of_a_disk_stays(void **state)
{
    (void)state;
    connect_disk();
    xs_fake_put(BE "/params", "/dev/null");
    run();
    assert_string_equal(xs_fake_get(BE "/sectors"), "2048");
}

#define DISK_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DISK_TEST(test_two_rings_serve_one_disk),
        DISK_TEST(test_more_rings_than_offered),
        DISK_TEST(test_second_ring_missing),
        DISK_TEST(test_sectors_of_4096),
        DISK_TEST(test_limit_changes_in_use),
        DISK_TEST(test_growing_image_is_announced),
        DISK_TEST(test_successor_takes_both_rings),
        DISK_TEST(test_medium_changes_in_use),
        DISK_TEST(test_image_of_a_disk_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
