#include "pv-frontends/guest/ip.h"

#include "pv-frontends/core/errors.h"
#include "pv-frontends/core/text.h"
#include "pv-frontends/shim/shim.h"

#include <lwip/init.h>
#include <lwip/etharp.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/sys.h>
#include <lwip/timeouts.h>
#include <lwip/priv/tcp_priv.h>
#include <netif/ethernet.h>

enum {
    NR_OUT = NET_SLOTS / 2,
    ETH = 14,
    IP4 = 20, /* ours have no options */
    HEADERS = ETH + IP4 + TCP_HLEN,
    WIRE_MSS = TCP_MSS,
    LARGE_MSS = 22 * WIRE_MSS, /* what 18 pieces surely hold, and 16 bits */
    CHECK_DATA = NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP,
};

#define CARD_TIMEOUT_NS 20000000000

/* A frame on its way: the pbuf is held until the card has sent it. */
struct out {
    struct net_frame frame;
    struct pbuf *p;
    void *page; /* for headers, or all of a frame, that have to be together */
    struct out *next;
};

unsigned char *ip_heap;
static struct netfront card;
static struct netif nif;
static struct ip_settings set;
static struct ip_counts counts;
static struct out *outs_free;
static uint64_t connects_seen;
static bool was_full;

static unsigned int get16(const uint8_t *p)
{
    return (unsigned int)p[0] << 8 | p[1];
}

static void put16(uint8_t *p, unsigned int v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

/* ---- what lwIP asks of its surroundings ---------------------------------- */

u32_t sys_now(void)
{
    return (u32_t)(shim_now_ns() / 1000000);
}

uint32_t ip_random(void)
{
    static uint64_t state;

    state ^= shim_now_ns();
    state = state * 6364136223846793005 + 1442695040888963407;
    return (uint32_t)(state >> 32);
}

void ip_assert(const char *why)
{
    log_words("lwip", why);
    __builtin_trap();
}

/* ---- sending --------------------------------------------------------------
 */

static void out_free(struct out *o)
{
    o->p = NULL;
    o->next = outs_free;
    outs_free = o;
}

static void on_sent(struct net_frame *frame, int rc)
{
    struct out *o = container_of(frame, struct out, frame);

    (void)rc; /* lost: lwIP's timers see to it */
    (void)pbuf_free(o->p);
    out_free(o);
}

/* A run of bytes as pieces, one per page; false when there are too many. */
static bool add_pieces(struct net_frame *f, const uint8_t *data, size_t size)
{
    while (size) {
        size_t offset = (uintptr_t)data & (SHIM_PAGE_SIZE - 1);
        size_t length = SHIM_PAGE_SIZE - offset;

        if (length > size)
            length = size;
        if (f->nr_pieces == NET_MAX_PIECES)
            return false;
        f->pieces[f->nr_pieces++] = (struct net_piece){
            .page = (void *)(data - offset),
            .offset = (uint16_t)offset,
            .length = (uint16_t)length,
        };
        data += length;
        size -= length;
    }
    return true;
}

/* All of it in one page, for a card without scatter-gather. */
static bool put_together(struct out *o, struct pbuf *p)
{
    if (p->tot_len > SHIM_PAGE_SIZE)
        return false;
    if (!o->page && !(o->page = shim_pages_alloc(1)))
        return false;
    (void)pbuf_copy_partial(p, o->page, p->tot_len, 0);
    o->frame.nr_pieces = 1;
    o->frame.pieces[0] =
        (struct net_piece){.page = o->page, .length = p->tot_len};
    return true;
}

/*
 * The headers, moved to a page of our own when a page ends within them: the
 * first piece would be too short. How many bytes that were.
 */
static size_t add_head(struct out *o, const struct pbuf *p)
{
    size_t room =
        SHIM_PAGE_SIZE - ((uintptr_t)p->payload & (SHIM_PAGE_SIZE - 1));
    size_t size = p->len < HEADERS ? p->len : HEADERS;

    if (room >= size || (!o->page && !(o->page = shim_pages_alloc(1))))
        return 0;
    memcpy(o->page, p->payload, size);
    (void)add_pieces(&o->frame, o->page, size);
    return size;
}

static bool lay_out(struct out *o, struct pbuf *p)
{
    size_t taken = add_head(o, p);
    bool fits = true;

    for (struct pbuf *q = p; fits && q; q = q->next, taken = 0)
        fits = add_pieces(&o->frame, (uint8_t *)q->payload + taken,
                          q->len - taken);
    if (fits && (o->frame.nr_pieces == 1 || card.can_pieces))
        return true;
    return put_together(o, p);
}

static bool is_tcp(const struct pbuf *p)
{
    const uint8_t *eth = p->payload;

    return p->len >= HEADERS && get16(eth + 12) == ETHTYPE_IP &&
           eth[ETH + 9] == IP_PROTO_TCP;
}

/*
 * A TCP segment whose checksum is the card's, which wants to find the sum over
 * the pseudo-header in its place. What is longer than a packet, the card cuts.
 */
static void leave_to_card(struct net_frame *f, struct pbuf *p)
{
    uint8_t *ip = (uint8_t *)p->payload + ETH, *tcp = ip + IP4;
    unsigned int length = p->tot_len - (ETH + IP4);
    uint32_t sum = IP_PROTO_TCP + length;

    for (unsigned int i = 12; i < 20; i += 2)
        sum += get16(ip + i);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    put16(tcp + 16, sum);
    f->checksum_blank = true;
    if (length - (tcp[12] >> 4) * 4u <= WIRE_MSS)
        return;
    f->segmentation = NET_TCP4;
    f->segment_size = WIRE_MSS;
}

/* lwIP keeps it and tries again: when there was an answer, or a new backend. */
static err_t no_room(void)
{
    was_full = true;
    counts.nr_full++;
    return ERR_MEM;
}

static err_t on_output(struct netif *n, struct pbuf *p)
{
    struct out *o = outs_free;
    int rc;

    if (!o)
        return no_room();
    o->frame = (struct net_frame){.sent = on_sent};
    if (!(n->chksum_flags & NETIF_CHECKSUM_GEN_TCP) && is_tcp(p))
        leave_to_card(&o->frame, p);
    if (!lay_out(o, p))
        return ERR_BUF;
    outs_free = o->next;
    o->p = p;
    pbuf_ref(p);
    rc = netfront_send(&card, 0, &o->frame);
    if (!rc) {
        counts.nr_out++;
        counts.nr_large += o->frame.segmentation != NET_WHOLE;
        return ERR_OK;
    }
    on_sent(&o->frame, rc);
    return rc == -XEN_EAGAIN ? no_room() : ERR_IF;
}

/* ---- receiving ------------------------------------------------------------
 */

static struct pbuf *pbuf_of(const struct net_frame *frame)
{
    unsigned int size = 0;
    struct pbuf *p;
    uint8_t *at;

    for (unsigned int i = 0; i < frame->nr_pieces; i++)
        size += frame->pieces[i].length;
    p = size > NET_MAX_FRAME ? NULL
                             : pbuf_alloc(PBUF_RAW, (u16_t)size, PBUF_RAM);
    if (!p)
        return NULL;
    at = p->payload;
    for (unsigned int i = 0; i < frame->nr_pieces; i++) {
        const struct net_piece *from = &frame->pieces[i];

        memcpy(at, (uint8_t *)from->page + from->offset, from->length);
        at += from->length;
    }
    return p;
}

static void on_receive(void *arg, unsigned int queue,
                       const struct net_frame *frame)
{
    struct pbuf *p = pbuf_of(frame);

    (void)arg, (void)queue;
    if (!p) {
        counts.nr_no_memory++;
        return;
    }
    counts.nr_in++;
    /* What nobody computed yet came from this host: there was no wire. */
    if (frame->checksum_blank || frame->data_good)
        nif.chksum_flags &= (u16_t)~CHECK_DATA;
    else
        nif.chksum_flags |= CHECK_DATA;
    if (nif.input(p, &nif) != ERR_OK)
        (void)pbuf_free(p);
}

/* ---- the card comes and goes ----------------------------------------------
 */

/* For every connection; `lost` is what was in flight. */
static void send_again(bool lost)
{
    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next) {
        if (lost)
            tcp_rexmit_rto(pcb);
        (void)tcp_output(pcb);
    }
}

/*
 * Without a backend the link is down and lwIP waits. With the next one it tells
 * the neighbours where we are, and what the last one took with it goes again at
 * once, not when its time is out.
 */
static void follow_card(void)
{
    uint64_t connects = card.dev.working ? card.dev.nr_connects : 0;

    if (connects == connects_seen)
        return;
    connects_seen = connects;
    netif_set_link_down(&nif);
    if (!connects)
        return;
    netif_set_link_up(&nif);
    send_again(true);
}

static err_t on_netif(struct netif *n)
{
    memcpy(n->hwaddr, card.mac, sizeof(card.mac));
    n->hwaddr_len = sizeof(card.mac);
    n->name[0] = 'p';
    n->name[1] = 'v';
    n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
    /* lwIP cuts nothing: TCP_MSS is a packet's, and more is the card's. */
    n->mtu = 0;
    n->output = etharp_output;
    n->linkoutput = on_output;
    if (set.offload_checksums)
        n->chksum_flags &= (u16_t)~NETIF_CHECKSUM_GEN_TCP;
    return ERR_OK;
}

static int memory_make(void)
{
    enum {
        HEAP_PAGES = MEM_SIZE / SHIM_PAGE_SIZE + 1,
        OUT_PAGES =
            (NR_OUT * sizeof(struct out) + SHIM_PAGE_SIZE - 1) / SHIM_PAGE_SIZE,
    };
    struct out *outs = shim_pages_alloc(OUT_PAGES);

    ip_heap = shim_pages_alloc(HEAP_PAGES);
    if (!outs || !ip_heap)
        return -XEN_ENOMEM;
    for (unsigned int i = 0; i < NR_OUT; i++)
        out_free(&outs[i]);
    return 0;
}

static ip4_addr_t address_of(const uint8_t bytes[4])
{
    ip4_addr_t a;

    memcpy(&a.addr, bytes, 4);
    return a;
}

int ip_open(const struct ip_settings *settings)
{
    const struct net_settings ns = {
        .receive = on_receive,
        .nr_buffers = settings->nr_buffers,
    };
    ip4_addr_t address = address_of(settings->address);
    ip4_addr_t mask = address_of(settings->mask);
    ip4_addr_t gateway = address_of(settings->gateway);
    int rc = memory_make();

    set = *settings;
    if (!rc)
        rc = netfront_open(&card, settings->devid, &ns);
    if (!rc)
        rc = xbdev_wait(&card.dev, CARD_TIMEOUT_NS);
    if (rc)
        return rc;
    lwip_init();
    if (!netif_add(&nif, &address, &mask, &gateway, NULL, on_netif,
                   ethernet_input))
        return -XEN_EINVAL;
    netif_set_default(&nif);
    netif_set_up(&nif);
    follow_card();
    return 0;
}

/* ---- the programs' side ---------------------------------------------------
 */

/*
 * To lwIP the connection has packets of LARGE_MSS from now on. It counts its
 * windows in bytes, so nothing else changes but the steps in which they grow.
 * Both ends agreed on packets before, and only what both think usual is cut.
 */
void ip_tcp_large(struct tcp_pcb *pcb)
{
    if (!set.offload_checksums || !set.offload_segments || !card.can_tcp4 ||
        !card.can_pieces || pcb->mss != WIRE_MSS)
        return;
    pcb->mss = LARGE_MSS;
    if (pcb->cwnd < 2 * LARGE_MSS)
        pcb->cwnd = 2 * LARGE_MSS;
    /* A segment that is not full would wait for an answer to the last. */
    tcp_nagle_disable(pcb);
}

static uint64_t next_deadline(uint64_t deadline_ns)
{
    uint64_t ms = sys_timeouts_sleeptime();
    uint64_t timer_ns = shim_now_ns() + ms * 1000000;

    return timer_ns < deadline_ns ? timer_ns : deadline_ns;
}

void ip_step(uint64_t deadline_ns)
{
    unsigned int nr = netfront_poll(&card, 0);

    store_poll();
    gnt_poll();
    follow_card();
    if (was_full && nr) {
        was_full = false;
        send_again(false);
    }
    sys_check_timeouts();
    netfront_kick(&card, 0);
    if (!nr)
        shim_wait(next_deadline(deadline_ns));
}

struct netfront *ip_card(void)
{
    return &card;
}

const struct ip_counts *ip_counts(void)
{
    return &counts;
}
