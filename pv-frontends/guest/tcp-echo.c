/*
 * tcp-echo: sends back what comes in over TCP (and UDP) on one port, throws
 * away what comes in on another, sends as much as is taken on a third. A
 * datagram to port 9 that begins with "end" ends it.
 */
#include "pv-frontends/guest/program.h"
#include "pv-frontends/guest/tcp.h"

#include "pv-frontends/core/control.h"

#include <lwip/udp.h>

enum {
    RING = TCP_WND, /* so there is room for whatever comes in */
    PORT_END = 9,
};

enum service { ECHO, DISCARD, SOURCE, NR_SERVICES };

static const struct {
    const char *key;
    uint16_t port;
} services[NR_SERVICES] = {
    [ECHO] = {"port", 7},
    [DISCARD] = {"discard", 9},
    [SOURCE] = {"source", 19},
};

struct stream {
    struct tcp_pcb *pcb; /* NULL: free */
    enum service service;
    uint8_t *ring; /* what is to be sent back; kept for the next stream */
    uint64_t got, sent, acked;
    bool ended; /* the other side sends no more */
};

static struct stream streams[MAX_STREAMS];
static uint64_t bytes[NR_SERVICES], nr_accepted, nr_refused, nr_lost;
static bool ended, suspending;

/* ---- a stream -------------------------------------------------------------
 */

/* The memory stays as it is until acknowledged, so lwIP need not copy it. */
static void send_back(struct stream *s)
{
    while (s->sent != s->got) {
        uint64_t at = s->sent % RING, n = RING - at;

        if (n > s->got - s->sent)
            n = s->got - s->sent;
        if (n > tcp_sndbuf(s->pcb))
            n = tcp_sndbuf(s->pcb);
        if (n > UINT16_MAX)
            n = UINT16_MAX;
        if (!n || tcp_write(s->pcb, s->ring + at, (uint16_t)n, 0) != ERR_OK)
            break;
        s->sent += n;
    }
    (void)tcp_output(s->pcb);
}

/* All is said on both sides; lwIP sees to the rest. */
static void end(struct stream *s)
{
    tcp_arg(s->pcb, NULL);
    tcp_recv(s->pcb, NULL);
    tcp_sent(s->pcb, NULL);
    tcp_poll(s->pcb, NULL, 0);
    tcp_err(s->pcb, NULL);
    (void)tcp_close(s->pcb);
    s->pcb = NULL;
}

static void go_on(struct stream *s)
{
    if (s->service == ECHO)
        send_back(s);
    else if (s->service == SOURCE && !s->ended)
        pattern_send(s->pcb, &s->sent);
    if (s->ended && (s->service != ECHO || s->acked == s->got))
        end(s);
}

/* Never more than the window, which is as large as the ring. */
static void keep(struct stream *s, const struct pbuf *p)
{
    for (; p; p = p->next) {
        uint64_t at = s->got % RING, first = RING - at;

        if (first > p->len)
            first = p->len;
        memcpy(s->ring + at, p->payload, first);
        memcpy(s->ring, (uint8_t *)p->payload + first, p->len - first);
        s->got += p->len;
    }
}

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct stream *s = arg;

    (void)err;
    if (!p) {
        s->ended = true;
    } else {
        bytes[s->service] += s->service == SOURCE ? 0 : p->tot_len;
        if (s->service == ECHO)
            keep(s, p);
        else
            tcp_recved(pcb, p->tot_len);
        (void)pbuf_free(p);
    }
    go_on(s);
    return ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t length)
{
    struct stream *s = arg;

    s->acked += length;
    if (s->service == ECHO)
        tcp_recved(pcb, length);
    else
        bytes[s->service] += length;
    go_on(s);
    return ERR_OK;
}

/* Twice a second: what lwIP had no memory for then. */
static err_t on_poll(void *arg, struct tcp_pcb *pcb)
{
    (void)pcb;
    go_on(arg);
    return ERR_OK;
}

/* lwIP has freed it already. */
static void on_error(void *arg, err_t err)
{
    struct stream *s = arg;

    (void)err;
    s->pcb = NULL;
    nr_lost++;
}

/* ---- serving --------------------------------------------------------------
 */

static struct stream *stream_free(void)
{
    for (unsigned int i = 0; i < MAX_STREAMS; i++)
        if (!streams[i].pcb)
            return &streams[i];
    return NULL;
}

static bool stream_begin(struct stream *s, enum service service)
{
    uint8_t *ring = s->ring;

    if (service == ECHO && !ring)
        ring = shim_pages_alloc(RING / PAGE_SIZE);
    *s = (struct stream){.service = service, .ring = ring};
    return service != ECHO || ring;
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    enum service *service = arg;
    struct stream *s = stream_free();

    if (err != ERR_OK || !pcb)
        return ERR_VAL;
    if (!s || !stream_begin(s, *service)) {
        nr_refused++;
        tcp_abort(pcb);
        return ERR_ABRT;
    }
    s->pcb = pcb;
    nr_accepted++;
    tcp_arg(pcb, s);
    tcp_recv(pcb, on_recv);
    tcp_sent(pcb, on_sent);
    tcp_poll(pcb, on_poll, 1);
    tcp_err(pcb, on_error);
    tcp_nagle_disable(pcb);
    ip_tcp_large(pcb);
    go_on(s);
    return ERR_OK;
}

static void on_datagram(void *arg, struct udp_pcb *pcb, struct pbuf *p,
                        const ip_addr_t *from, u16_t port)
{
    if (arg)
        ended = ended || !pbuf_memcmp(p, 0, "end", 3);
    else
        (void)udp_sendto(pcb, p, from, port);
    (void)pbuf_free(p);
}

static int listen_udp(uint16_t port, void *arg)
{
    struct udp_pcb *pcb = udp_new();

    if (!pcb || udp_bind(pcb, IP_ADDR_ANY, port) != ERR_OK)
        return program_fail("datagrams to port %u", port);
    udp_recv(pcb, on_datagram, arg);
    return 0;
}

static uint16_t port_of(enum service service)
{
    return (uint16_t)option_number(services[service].key,
                                   services[service].port);
}

static int listen_tcp(enum service service)
{
    static enum service own[NR_SERVICES];
    struct tcp_pcb *pcb = tcp_new(), *listening = NULL;

    if (pcb && tcp_bind(pcb, IP_ADDR_ANY, port_of(service)) == ERR_OK)
        listening = tcp_listen_with_backlog(pcb, MAX_STREAMS);
    if (!listening)
        return program_fail("port %u is not free", port_of(service));
    own[service] = service;
    tcp_arg(listening, &own[service]);
    tcp_accept(listening, on_accept);
    return 0;
}

static int serve(void)
{
    if (tcp_card_open() || pattern_make())
        return -1;
    for (enum service s = 0; s < NR_SERVICES; s++)
        if (listen_tcp(s))
            return -1;
    return listen_udp(port_of(ECHO), NULL) || listen_udp(PORT_END, &ended);
}

static void on_control(void *arg, enum control_request request)
{
    (void)arg;
    suspending = request == CONTROL_SUSPEND;
    ended = ended || !suspending;
}

static void report(void)
{
    const struct ip_counts *c = ip_counts();

    print("frames in=%lu out=%lu large=%lu no-memory=%lu full=%lu bad=%lu "
          "dropped=%lu connects=%lu\n",
          c->nr_in, c->nr_out, c->nr_large, c->nr_no_memory, c->nr_full,
          ip_card()->nr_bad, ip_card()->nr_dropped, ip_card()->dev.nr_connects);
    print("TINY tcp-echo ok streams=%lu refused=%lu lost=%lu echoed=%lu "
          "discarded=%lu sent=%lu\n",
          nr_accepted, nr_refused, nr_lost, bytes[ECHO], bytes[DISCARD],
          bytes[SOURCE]);
}

int run_tcp_echo(void)
{
    uint64_t seconds = option_number("secs", 0), end_ns;
    const uint8_t *ip = tcp_own_address();

    if (serve())
        return -1;
    if (control_init(on_control, NULL))
        return program_fail("no watch for power-off");
    print("TINY tcp-echo ready ip=%u.%u.%u.%u echo=%u discard=%u source=%u "
          "free-kib=%lu\n",
          ip[0], ip[1], ip[2], ip[3], port_of(ECHO), port_of(DISCARD),
          port_of(SOURCE), memory_pages_free() * 4);
    end_ns = seconds ? shim_now_ns() + seconds * 1000000000 : UINT64_MAX;
    while (!ended && shim_now_ns() < end_ns) {
        ip_step(end_ns);
        if (suspending && guest_suspend(&ip_card()->dev))
            return -1;
        suspending = false;
    }
    report();
    return 0;
}
