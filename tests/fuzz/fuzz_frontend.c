/*
 * A hostile host: foreign bytes in the answers of the store, of a disk and of a
 * network card, and in the nodes that their backends write. The frontends touch
 * nothing but their own pages, come to an end, and give every page back.
 *
 * sources: pv-frontends/core/blkfront.c pv-frontends/core/blkslot.c
 * sources: pv-frontends/core/netfront.c pv-frontends/core/netqueue.c
 * sources: pv-frontends/core/xenbus.c pv-frontends/core/xbstate.c
 * sources: pv-frontends/core/store.c pv-frontends/core/wire.c
 * sources: pv-frontends/core/consfront.c pv-frontends/core/text.c
 * sources: pv-frontends/core/evtchn.c pv-frontends/core/gnt.c
 * sources: tests/unit/pv-frontends/shim-fake.c
 * sources: tests/unit/pv-frontends/disk-fake.c
 * sources: tests/unit/pv-frontends/net-fake.c
 */
#include "tests/unit/pv-frontends/disk-fake.h"
#include "tests/unit/pv-frontends/net-fake.h"

#include "pv-frontends/core/consfront.h"

#include <stdlib.h>
#include <string.h>
#include <xen/io/console.h>
#include <xen/io/xs_wire.h>

static struct disk_fake disk;
static struct net_fake host;
static struct blkfront bf;
static struct netfront net;
static uint8_t sum;

static struct blk_segment segment;
static struct blk_io ios[8];
static struct net_frame frames[8];

static void on_done(struct blk_io *io, int rc)
{
    (void)rc;
    if (!io->arg)
        abort(); /* answered twice */
    io->arg = NULL;
}

static void on_sent(struct net_frame *frame, int rc)
{
    (void)rc;
    if (!frame->arg)
        abort();
    frame->arg = NULL;
}

/* Look at every byte: the sanitizer tells whether it is there. */
static void on_receive(void *arg, unsigned int queue,
                       const struct net_frame *frame)
{
    (void)arg, (void)queue;
    for (unsigned int i = 0; i < frame->nr_pieces; i++)
        for (unsigned int k = 0; k < frame->pieces[i].length; k++)
            sum +=
                ((uint8_t *)frame->pieces[i].page)[frame->pieces[i].offset + k];
}

/* They shake hands and then say no more: the answers are the fuzzer's. */
static void backends(void)
{
    disk_turn(&disk);
    net_turn(&host);
    disk.connected = host.connected = false;
}

static void prepare(bool persistent, unsigned int queues)
{
    const struct blk_settings blk = {0};
    const struct net_settings settings = {
        .receive = on_receive, .nr_buffers = 32, .queues = queues};

    fake_reset();
    memset(&disk, 0, sizeof(disk));
    memset(&host, 0, sizeof(host));
    memset(&bf, 0, sizeof(bf));
    memset(&net, 0, sizeof(net));
    memset(ios, 0, sizeof(ios));
    memset(frames, 0, sizeof(frames));
    disk.persistent = persistent;
    disk.ring_order = 1;
    host.sg = true;
    host.max_queues = queues;
    if (store_init() || gnt_init(8) || cons_init())
        abort();
    store_timeout(2000000000);
    fake_on_wait = backends;
    disk_begin(&disk);
    net_begin(&host);
    if (blkfront_open(&bf, 768, &blk) || netfront_open(&net, 0, &settings) ||
        xbdev_wait(&bf.dev, 1000000000) || xbdev_wait(&net.dev, 1000000000))
        abort();
    fake_on_wait = NULL;
    segment.page = shim_pages_alloc(1);
    segment.length = 512;
}

static void send_something(void)
{
    for (unsigned int i = 0; i < 8; i++) {
        if (!ios[i].arg) {
            ios[i] = (struct blk_io){.op = i & 1 ? BLK_WRITE : BLK_READ,
                                     .nr_segments = 1,
                                     .segments = &segment,
                                     .done = on_done};
            if (!blkfront_submit(&bf, &ios[i]))
                ios[i].arg = &ios[i];
        }
        if (!frames[i].arg) {
            frames[i] = (struct net_frame){.nr_pieces = 1,
                                           .pieces = {{segment.page, 0, 60}},
                                           .sent = on_sent};
            /* The last two in the wire's pieces, to be cut by the card. */
            if (i >= 6) {
                frames[i].nr_pieces = 2;
                frames[i].pieces[1] =
                    (struct net_piece){segment.page, 100, 3000};
                frames[i].segmentation = NET_TCP4;
                frames[i].segment_size = 1448;
                frames[i].checksum_blank = true;
            }
            if (!netfront_send(&net, i % NET_MAX_QUEUES, &frames[i]))
                frames[i].arg = &frames[i];
        }
    }
    blkfront_kick(&bf);
    for (unsigned int q = 0; q < NET_MAX_QUEUES; q++)
        netfront_kick(&net, q);
}

static void set_node(const char *dir, const uint8_t *data, size_t size)
{
    static const char *const keys[] = {
        "/state",
        "/sectors",
        "/sector-size",
        "/info",
        "/feature-max-indirect-segments",
        "/feature-sg",
        "/multi-queue-max-queues",
        "/feature-gso-tcpv4",
        "/feature-persistent",
        "/feature-discard",
        "/max-ring-page-order",
    };
    char path[120], value[200];

    if (!size)
        return;
    strcpy(path, dir);
    strcat(path, keys[data[0] % ARRAY_SIZE(keys)]);
    for (size_t i = 1; i < size; i++)
        value[i - 1] = data[i] ? (char)data[i] : '0';
    value[size - 1] = 0;
    fake_store_set(path, value);
}

static void put_store(const uint8_t *data, size_t size)
{
    struct xenstore_domain_interface *r = fake_store_ring();

    for (size_t i = 0; i < size; i++)
        r->rsp[MASK_XENSTORE_IDX(r->rsp_prod++)] = (char)data[i];
}

/* Over the answers that come next, and the index moved by the first byte. */
static void put_ring(void *slots, size_t slot_size, unsigned int nr,
                     RING_IDX cons, RING_IDX *prod, const uint8_t *data,
                     size_t size)
{
    if (!size || !slots)
        return;
    for (size_t i = 1; i < size; i++) {
        size_t at = (cons % nr * slot_size + i - 1) % (nr * slot_size);

        ((uint8_t *)slots)[at] = data[i];
    }
    *prod += (int8_t)data[0];
}

static void put_disk(const uint8_t *data, size_t size)
{
    if (bf.ring.sring)
        put_ring(bf.ring.sring->ring, sizeof(bf.ring.sring->ring[0]),
                 RING_SIZE(&bf.ring), bf.ring.rsp_cons,
                 &bf.ring.sring->rsp_prod, data, size);
}

static void put_net(bool tx, unsigned int queue, const uint8_t *data,
                    size_t size)
{
    struct net_queue *q;

    if (!net.nr_queues)
        return;
    q = &net.queues[queue % net.nr_queues];
    if (tx)
        put_ring(q->tx.sring->ring, sizeof(q->tx.sring->ring[0]), NET_SLOTS,
                 q->tx.rsp_cons, &q->tx.sring->rsp_prod, data, size);
    else
        put_ring(q->rx.sring->ring, sizeof(q->rx.sring->ring[0]), NET_SLOTS,
                 q->rx.rsp_cons, &q->rx.sring->rsp_prod, data, size);
}

static void console(const uint8_t *data, size_t size)
{
    struct xencons_interface *r = fake_console_ring();
    char text[64];

    if (size >= 8) {
        memcpy(&r->in_prod, data, 4);
        memcpy(&r->out_cons, data + 4, 4);
    }
    cons_read(text, sizeof(text));
    cons_write(text, sizeof(text));
}

/* Saved and restored, or not after all, in the middle of anything. */
static void be_saved(bool cancelled)
{
    xbdev_suspend(&bf.dev);
    xbdev_suspend(&net.dev);
    if (!cancelled)
        fake_new_host();
    if (gnt_resume(cancelled))
        abort();
    if (!cancelled)
        store_resume();
    xbdev_resume(&bf.dev);
    xbdev_resume(&net.dev);
}

static void step(unsigned int op, const uint8_t *data, size_t size)
{
    switch (op % 9) {
    case 0:
        put_store(data, size);
        break;
    case 1:
        put_disk(data, size);
        break;
    case 2:
    case 3:
        put_net(op % 9 == 2, op / 9, data, size);
        break;
    case 4:
        set_node(DISK_BACK, data, size);
        break;
    case 5:
        set_node(NET_BACK, data, size);
        break;
    case 6:
        console(data, size);
        break;
    case 7:
        send_something();
        break;
    default:
        fake_on_wait = size & 1 ? backends : NULL;
        if (size & 2)
            disk_restart(&disk);
        if (size & 4)
            net_restart(&host);
        if (size & 8)
            be_saved(size & 16);
        break;
    }
    store_poll();
    blkfront_poll(&bf);
    for (unsigned int q = 0; q < NET_MAX_QUEUES; q++)
        netfront_poll(&net, q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Persistent or not, how many queues; then steps: what, how many bytes, the
 * bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    prepare(data[0] & 1, data[0] / 2 % NET_MAX_QUEUES);
    send_something();
    data++, size--;
    while (size >= 2) {
        size_t n = data[1] % 128;

        if (n > size - 2)
            n = size - 2;
        step(data[0], data + 2, n);
        data += 2 + n;
        size -= 2 + n;
    }
    fake_on_wait = NULL;
    xbdev_forget(&bf.dev);
    xbdev_forget(&net.dev);
    blkfront_abandon(&bf);
    for (unsigned int i = 0; i < 8; i++)
        if (ios[i].arg || frames[i].arg)
            abort(); /* forgotten */
    gnt_poll();
    shim_pages_free(segment.page, 1);
    /* What is left is the grant table's list of free references. */
    if (fake_pages_in_use() != 4)
        abort();
    return 0;
}
