/*
 * net-echo: answers ARP, ping and UDP to port 7 (echo) for one IPv4 address; a
 * datagram to port 9 that begins with "end" ends it.
 */
#include "pv-frontends/guest/program.h"

#include "pv-frontends/core/netfront.h"

enum {
    ETH = 14,
    ARP_LEN = 28,
    IP4 = 20,
    UDP = 8,
    NR_OUT = 64,
    PORT_ECHO = 7,
    PORT_END = 9,
    MAX_OUT = 3, /* pages of an answer */
};

struct out {
    struct net_frame frame;
    void *pages[MAX_OUT];
    bool busy;
};

static struct netfront net;
static struct out outs[NR_OUT];
static uint8_t own_ip[4] = {10, 9, 0, 2};
static bool ended;
static uint64_t nr_arp, nr_ping, nr_udp, nr_other, nr_no_room;

static unsigned int get16(const uint8_t *p)
{
    return (unsigned int)p[0] << 8 | p[1];
}

static void put16(uint8_t *p, unsigned int v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void swap(uint8_t *a, uint8_t *b, size_t n)
{
    while (n--) {
        uint8_t t = a[n];

        a[n] = b[n];
        b[n] = t;
    }
}

/* ---- answers --------------------------------------------------------------
 */

static void on_sent(struct net_frame *frame, int rc)
{
    (void)rc;
    container_of(frame, struct out, frame)->busy = false;
}

static struct out *out_get(void)
{
    for (unsigned int i = 0; i < NR_OUT; i++)
        if (!outs[i].busy)
            return &outs[i];
    return NULL;
}

/* A private copy of a frame; NULL when there is no room for it. */
static struct out *copy_of(const struct net_frame *in)
{
    struct out *o = out_get();

    if (!o || in->nr_pieces > MAX_OUT)
        return NULL;
    o->frame = (struct net_frame){
        .nr_pieces = in->nr_pieces,
        .checksum_blank = in->checksum_blank,
        .sent = on_sent,
    };
    for (unsigned int i = 0; i < in->nr_pieces; i++) {
        const struct net_piece *p = &in->pieces[i];

        memcpy(o->pages[i], (uint8_t *)p->page + p->offset, p->length);
        o->frame.pieces[i] =
            (struct net_piece){.page = o->pages[i], .length = p->length};
    }
    return o;
}

static void send(struct out *o, unsigned int queue)
{
    o->busy = true;
    if (!netfront_send(&net, queue, &o->frame))
        return;
    o->busy = false;
    nr_no_room++;
}

static void answer_arp(struct out *o, uint8_t *f)
{
    uint8_t *arp = f + ETH;

    put16(arp + 6, 2); /* a reply */
    memcpy(arp + 18, arp + 8, 10);
    memcpy(arp + 8, net.mac, 6);
    memcpy(arp + 14, own_ip, 4);
    o->frame.checksum_blank = false;
    nr_arp++;
}

/* Ones' complement: only the type changed, from 8 to 0. */
static void answer_ping(uint8_t *icmp)
{
    unsigned int sum = get16(icmp + 2) + 0x800;

    icmp[0] = 0;
    put16(icmp + 2, (sum & 0xffff) + (sum >> 16));
    nr_ping++;
}

/*
 * Turn a frame that was sent to us into its answer; false when it deserves
 * none. Checksums stay right where sender and receiver only change places.
 */
static bool make_answer(struct out *o)
{
    unsigned int length = o->frame.pieces[0].length;
    uint8_t *f = o->pages[0], *ip = f + ETH, *body = ip + IP4;

    if (length < ETH + ARP_LEN)
        return false;
    memcpy(f, f + 6, 6);
    memcpy(f + 6, net.mac, 6);
    if (get16(f + 12) == 0x0806) {
        if (get16(ip + 6) != 1 || memcmp(ip + 24, own_ip, 4))
            return false;
        answer_arp(o, f);
        return true;
    }
    if (get16(f + 12) != 0x0800 || ip[0] != 0x45 || memcmp(ip + 16, own_ip, 4))
        return false;
    swap(ip + 12, ip + 16, 4);
    if (ip[9] == 1 && body[0] == 8) {
        answer_ping(body);
        return true;
    }
    if (ip[9] != 17 || length < ETH + IP4 + UDP)
        return false;
    if (get16(body + 2) == PORT_END && length >= ETH + IP4 + UDP + 3 &&
        !memcmp(body + UDP, "end", 3))
        ended = true;
    if (get16(body + 2) != PORT_ECHO)
        return false;
    swap(body, body + 2, 2);
    nr_udp++;
    return true;
}

static void on_receive(void *arg, unsigned int queue,
                       const struct net_frame *frame)
{
    struct out *o = copy_of(frame);

    (void)arg;
    if (!o)
        nr_no_room++;
    else if (make_answer(o))
        send(o, queue);
    else
        nr_other++;
}

/* ---- the program ----------------------------------------------------------
 */

static int pages_make(void)
{
    for (unsigned int i = 0; i < NR_OUT; i++)
        for (unsigned int k = 0; k < MAX_OUT; k++)
            if (!(outs[i].pages[k] = shim_pages_alloc(1)))
                return program_fail("no memory for answers");
    return 0;
}

static int net_open(void)
{
    struct net_settings settings = {
        .queues = (unsigned int)option_number("queues", 1),
        .receive = on_receive,
        .nr_buffers = (unsigned int)option_number("buffers", 128),
    };
    unsigned int devid;
    int rc;

    if (program_store() || program_device("vif", &devid) || pages_make())
        return -1;
    rc = netfront_open(&net, devid, &settings);
    if (!rc)
        rc = xbdev_wait(&net.dev, 20000000000);
    if (rc)
        return program_fail("card %u does not connect, error %d", devid, rc);
    return 0;
}

/* Tell the bridge where we are: an ARP request for ourselves. */
static void announce(void)
{
    struct out *o = out_get();
    uint8_t *f = o->pages[0], *arp = f + ETH;
    static const uint8_t head[8] = {0, 1, 8, 0, 6, 4, 0, 1};

    memset(f, 0, 64);
    memset(f, 0xff, 6);
    memcpy(f + 6, net.mac, 6);
    put16(f + 12, 0x0806);
    memcpy(arp, head, 8);
    memcpy(arp + 8, net.mac, 6);
    memcpy(arp + 14, own_ip, 4);
    memcpy(arp + 24, own_ip, 4);
    o->frame = (struct net_frame){
        .nr_pieces = 1, .pieces = {{f, 0, 60}}, .sent = on_sent};
    send(o, 0);
    netfront_kick(&net, 0);
}

static void serve(void)
{
    unsigned int nr = 0;

    for (unsigned int q = 0; q < net.nr_queues; q++) {
        nr += netfront_poll(&net, q);
        netfront_kick(&net, q);
    }
    store_poll();
    gnt_poll();
    if (!nr)
        shim_wait(shim_now_ns() + 1000000000);
}

int run_net_echo(void)
{
    uint64_t seconds = option_number("secs", 0), begin;

    (void)option_address("ip", own_ip);
    if (net_open())
        return -1;
    announce();
    print("TINY net-echo ready ip=%u.%u.%u.%u queues=%u\n", own_ip[0],
          own_ip[1], own_ip[2], own_ip[3], net.nr_queues);
    begin = shim_now_ns();
    while (!ended && (!seconds || shim_now_ns() - begin < seconds * 1000000000))
        serve();
    print("TINY net-echo ok arp=%lu ping=%lu udp=%lu other=%lu no-room=%lu "
          "bad=%lu dropped=%lu connects=%lu\n",
          nr_arp, nr_ping, nr_udp, nr_other, nr_no_room, net.nr_bad,
          net.nr_dropped, net.dev.nr_connects);
    return 0;
}
