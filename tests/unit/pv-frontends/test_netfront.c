/*
 * The network frontend against a backend that sends everything back: frames of
 * all shapes over one and several queues, restarts, and lies.
 *
 * sources: pv-frontends/core/netfront.c pv-frontends/core/netqueue.c
 * sources: pv-frontends/core/xenbus.c pv-frontends/core/xbstate.c
 * sources: pv-frontends/core/store.c pv-frontends/core/wire.c
 * sources: pv-frontends/core/text.c pv-frontends/core/evtchn.c
 * sources: pv-frontends/core/gnt.c
 * sources: tests/unit/pv-frontends/shim-fake.c
 * sources: tests/unit/pv-frontends/net-fake.c
 */
#include "tests/unit/pv-frontends/net-fake.h"

#include "pv-frontends/core/errors.h"

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/pv-frontends/world.h"

static struct net_fake host;
static struct netfront net;
static struct net_settings settings;

static struct {
    unsigned int nr, queue, size;
    struct net_frame frame;
    uint8_t data[65536];
} got;

static void on_receive(void *arg, unsigned int queue,
                       const struct net_frame *frame)
{
    assert_ptr_equal(arg, &got);
    got.nr++;
    got.queue = queue;
    got.frame = *frame;
    got.size = 0;
    for (unsigned int i = 0; i < frame->nr_pieces; i++) {
        const struct net_piece *p = &frame->pieces[i];

        memcpy(got.data + got.size, (uint8_t *)p->page + p->offset, p->length);
        got.size += p->length;
    }
}

static unsigned int nr_sent;
static int sent_rc;
static void on_sent(struct net_frame *frame, int rc)
{
    (void)frame;
    nr_sent++;
    sent_rc = rc;
}

static void backend(void)
{
    net_turn(&host);
}

static int begin(void **state)
{
    (void)state;
    fake_reset();
    memset(&host, 0, sizeof(host));
    memset(&net, 0, sizeof(net));
    memset(&got, 0, sizeof(got));
    nr_sent = 0;
    host.max_queues = 1;
    host.sg = true;
    settings = (struct net_settings){.receive = on_receive, .arg = &got};
    world_begin(backend);
    return 0;
}

static void connect(void)
{
    net_begin(&host);
    assert_int_equal(netfront_open(&net, 0, &settings), 0);
    assert_int_equal(xbdev_wait(&net.dev, 1000000000), 0);
    for (int i = 0; i < 10 && !host.connected; i++) {
        shim_wait(0);
        store_poll();
    }
    assert_true(host.connected);
}

static void disconnect(void)
{
    netfront_close(&net);
    world_device_ends(&net.dev);
}

/* A frame of `nr` pieces of `length` bytes, a pattern over all. */
static struct net_frame frame_of(unsigned int nr, uint16_t offset,
                                 uint16_t length)
{
    struct net_frame f = {.nr_pieces = nr, .sent = on_sent};

    for (unsigned int i = 0; i < nr; i++) {
        f.pieces[i].page = shim_pages_alloc(1);
        f.pieces[i].offset = offset;
        f.pieces[i].length = length;
        for (unsigned int k = 0; k < length; k++)
            ((uint8_t *)f.pieces[i].page)[offset + k] =
                (uint8_t)(k * 7 + i * 13 + 1);
    }
    return f;
}

static void frame_free(struct net_frame *f)
{
    for (unsigned int i = 0; i < f->nr_pieces; i++)
        shim_pages_free(f->pieces[i].page, 1);
}

static void turn(unsigned int queue)
{
    netfront_kick(&net, queue);
    shim_wait(0);
    netfront_poll(&net, queue);
}

static void expect_back(const struct net_frame *f)
{
    unsigned int at = 0;

    for (unsigned int i = 0; i < f->nr_pieces; i++) {
        const struct net_piece *p = &f->pieces[i];

        assert_memory_equal(got.data + at, (uint8_t *)p->page + p->offset,
                            p->length);
        at += p->length;
    }
    assert_int_equal(got.size, at);
}

static void test_mac_is_read(void **state)
{
    const uint8_t mac[6] = {0, 0x16, 0x3e, 10, 11, 12};

    (void)state;
    connect();
    assert_memory_equal(net.mac, mac, 6);
    disconnect();
}

static void test_bad_mac_is_refused(void **state)
{
    static const char *const bad[] = {"", "00:16:3e:0a:0b", "00:16:3e:0a:0b:0g",
                                      "00-16-3e-0a-0b-0c",
                                      "00:16:3e:0a:0b:0c:"};

    (void)state;
    net_begin(&host);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        fake_store_set(NET_FRONT "/mac", bad[i]);
        assert_int_equal(netfront_open(&net, 0, &settings), -XEN_EINVAL);
        xbdev_forget(&net.dev);
    }
}

static void test_frames_come_back_whole(void **state)
{
    static const struct {
        unsigned int nr;
        uint16_t offset, length;
    } shapes[] = {{1, 0, 60},    {1, 100, 1514}, {1, 0, 4096}, {2, 5, 700},
                  {3, 96, 4000}, {18, 0, 3500},  {17, 1, 33}};

    (void)state;
    connect();
    for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
        struct net_frame f =
            frame_of(shapes[i].nr, shapes[i].offset, shapes[i].length);

        assert_int_equal(netfront_send(&net, 0, &f), 0);
        turn(0);
        assert_int_equal(nr_sent, i + 1);
        assert_int_equal(sent_rc, 0);
        assert_int_equal(got.nr, i + 1);
        expect_back(&f);
        frame_free(&f);
    }
    assert_int_equal(net.nr_bad, 0);
    disconnect();
}

static void test_unfinished_frames_say_so(void **state)
{
    struct net_frame f;

    (void)state;
    connect();
    f = frame_of(5, 0, 4000);
    f.checksum_blank = true;
    f.segmentation = NET_TCP4;
    f.segment_size = 1448;
    assert_int_equal(netfront_send(&net, 0, &f), 0);
    turn(0);
    assert_int_equal(host.last_segment, 1448);
    assert_int_equal(host.last_segmentation, XEN_NETIF_GSO_TYPE_TCPV4);
    assert_true(host.last_flags & NETTXF_csum_blank);
    assert_int_equal(nr_sent, 1);
    assert_int_equal(got.nr, 1);
    expect_back(&f);
    assert_int_equal(got.frame.segmentation, NET_TCP4);
    assert_int_equal(got.frame.segment_size, 1448);
    assert_true(got.frame.checksum_blank);
    frame_free(&f);
    disconnect();
}

static void test_what_the_backend_cannot_take_is_refused(void **state)
{
    struct net_frame f;

    (void)state;
    host.sg = false;
    connect();
    f = frame_of(2, 0, 100);
    assert_int_equal(netfront_send(&net, 0, &f), -XEN_EINVAL);
    f.pieces[0].length = 0;
    assert_int_equal(netfront_send(&net, 0, &f), -XEN_EINVAL);
    f.pieces[0].length = 13; /* not even the Ethernet header */
    assert_int_equal(netfront_send(&net, 0, &f), -XEN_EINVAL);
    f.pieces[0].length = 100;
    f.pieces[0].offset = 4000;
    assert_int_equal(netfront_send(&net, 0, &f), -XEN_EINVAL);
    f.segmentation = NET_TCP6; /* not offered */
    f.segment_size = 1000;
    f.checksum_blank = true;
    assert_int_equal(netfront_send(&net, 0, &f), -XEN_EINVAL);
    assert_int_equal(netfront_send(&net, 3, &f), -XEN_EAGAIN);
    frame_free(&f);
    disconnect();
}

static void test_many_frames_over_several_queues(void **state)
{
    (void)state;
    host.max_queues = 3;
    settings.queues = 4;
    settings.nr_buffers = 64;
    connect();
    assert_int_equal(net.nr_queues, 3);
    for (unsigned int i = 0; i < 2000; i++) {
        struct net_frame f = frame_of(1 + i % 3, 0, (uint16_t)(60 + i));

        assert_int_equal(netfront_send(&net, i % 3, &f), 0);
        turn(i % 3);
        assert_int_equal(got.nr, i + 1);
        assert_int_equal(got.queue, i % 3);
        expect_back(&f);
        frame_free(&f);
    }
    disconnect();
}

static void test_full_ring_says_again(void **state)
{
    static struct net_frame f;
    unsigned int sent = 0;

    (void)state;
    host.mute = true;
    connect();
    fake_on_wait = NULL;
    f = frame_of(1, 0, 100);
    while (!netfront_send(&net, 0, &f))
        sent++;
    assert_int_equal(sent, NET_SLOTS);
    fake_on_wait = backend;
    turn(0);
    assert_int_equal(netfront_send(&net, 0, &f), 0);
    turn(0);
    frame_free(&f);
    disconnect();
}

static void test_restarted_backend_is_a_pause(void **state)
{
    struct net_frame f;

    (void)state;
    connect();
    fake_on_wait = NULL;
    f = frame_of(2, 0, 500);
    assert_int_equal(netfront_send(&net, 0, &f), 0);
    netfront_kick(&net, 0);
    net_restart(&host);
    store_poll();
    assert_int_equal(nr_sent, 1);
    assert_int_equal(sent_rc, -XEN_EIO);
    fake_on_wait = backend;
    assert_int_equal(xbdev_wait(&net.dev, 1000000000), 0);
    shim_wait(0);
    store_poll();
    assert_int_equal(netfront_send(&net, 0, &f), 0);
    turn(0);
    assert_int_equal(got.nr, 1);
    expect_back(&f);
    frame_free(&f);
    disconnect();
}

/* The backend did not notice: it serves our old rings until told. */
static void test_cancelled_suspend_is_a_pause(void **state)
{
    struct net_frame f;

    (void)state;
    connect();
    xbdev_suspend(&net.dev);
    assert_false(net.dev.working);
    assert_int_equal(gnt_resume(true), 0);
    xbdev_resume(&net.dev);
    assert_int_equal(xbdev_wait(&net.dev, 1000000000), 0);
    assert_int_equal(net.dev.nr_connects, 2);
    shim_wait(0);
    store_poll();
    f = frame_of(1, 0, 500);
    assert_int_equal(netfront_send(&net, 0, &f), 0);
    turn(0);
    assert_int_equal(got.nr, 1);
    expect_back(&f);
    frame_free(&f);
    disconnect();
}

/* Answers to received frames with lengths and places that cannot be. */
static void test_lies_about_frames_are_dropped(void **state)
{
    static const struct netif_rx_response lies[] = {
        {.id = 0, .offset = 4000, .status = 200},
        {.id = 1, .offset = 4096, .status = 1},
        {.id = 77, .offset = 0, .status = 60},
        {.id = 3, .offset = 0, .status = -1},
        {.id = 4, .offset = 65535, .status = 32767},
    };

    (void)state;
    connect();
    fake_on_wait = NULL;
    for (unsigned int i = 0; i < ARRAY_SIZE(lies); i++) {
        *RING_GET_RESPONSE(&net.queues[0].rx, i) = lies[i];
        net.queues[0].rx.sring->rsp_prod++;
    }
    netfront_poll(&net, 0);
    assert_int_equal(got.nr, 0);
    assert_int_equal(net.nr_dropped, 5);
    assert_int_equal(net.nr_bad, 4);
    netfront_close(&net);
    xbdev_forget(&net.dev);
    assert_int_equal(fake_pages_in_use(), pages_before);
}

static void test_frame_without_end_ends_the_queue(void **state)
{
    (void)state;
    connect();
    fake_on_wait = NULL;
    for (unsigned int i = 0; i < NET_SLOTS; i++)
        *RING_GET_RESPONSE(&net.queues[0].rx, i) = (struct netif_rx_response){
            .id = (uint16_t)i, .flags = NETRXF_more_data, .status = 1};
    net.queues[0].rx.sring->rsp_prod = NET_SLOTS;
    netfront_poll(&net, 0);
    assert_true(net.queues[0].broken);
    assert_int_equal(got.nr, 0);
    netfront_close(&net);
    xbdev_forget(&net.dev);
    assert_int_equal(fake_pages_in_use(), pages_before);
}

/* A buffer that the backend still writes to is no frame. */
static void test_buffer_the_backend_keeps_is_no_frame(void **state)
{
    struct net_frame f;

    (void)state;
    connect();
    fake_grant_hold(net.queues[0].rx_slots[0].ref, true);
    f = frame_of(1, 0, 100);
    assert_int_equal(netfront_send(&net, 0, &f), 0);
    turn(0);
    assert_int_equal(got.nr, 0);
    assert_int_equal(net.nr_dropped, 1);
    for (grant_ref_t ref = 0; ref < 1024; ref++)
        fake_grant_hold(ref, false);
    assert_int_equal(gnt_poll(), 0);
    frame_free(&f);
    disconnect();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup(fn, begin)
        T(test_mac_is_read),
        T(test_bad_mac_is_refused),
        T(test_frames_come_back_whole),
        T(test_unfinished_frames_say_so),
        T(test_what_the_backend_cannot_take_is_refused),
        T(test_many_frames_over_several_queues),
        T(test_full_ring_says_again),
        T(test_restarted_backend_is_a_pause),
        T(test_cancelled_suspend_is_a_pause),
        T(test_lies_about_frames_are_dropped),
        T(test_frame_without_end_ends_the_queue),
        T(test_buffer_the_backend_keeps_is_no_frame),
#undef T
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
