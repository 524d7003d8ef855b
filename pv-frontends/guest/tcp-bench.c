/*
 * tcp-bench: streams to a sink, from a source, or one byte there and back, and
 * how much of it a second. tcp-echo is all three; any host's will do.
 */
#include "pv-frontends/guest/program.h"
#include "pv-frontends/guest/tcp.h"

enum kind { SEND, RECEIVE, ROUND_TRIP };

enum {
    CONNECT_S = 20,
    PORT_DISCARD = 9,
    PORT_SOURCE = 19,
    PORT_ECHO = 7,
};

struct stream {
    struct tcp_pcb *pcb;
    bool connected;
    uint64_t sent, done; /* bytes; done: arrived, on whichever side */
};

static struct stream streams[MAX_STREAMS];
static unsigned int nr_streams, nr_connected;
static enum kind kind;
static bool is_bad;
static err_t error;

static void go_on(struct stream *s)
{
    if (kind == SEND)
        pattern_send(s->pcb, &s->sent);
    /* One byte at a time, the next when the last has come back. */
    if (kind == ROUND_TRIP && s->sent == s->done) {
        uint64_t to = s->sent + 1;

        if (tcp_write(s->pcb, "x", 1, TCP_WRITE_FLAG_COPY) == ERR_OK)
            s->sent = to;
        (void)tcp_output(s->pcb);
    }
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct stream *s = arg;

    (void)err;
    s->connected = true;
    nr_connected++;
    tcp_nagle_disable(pcb);
    ip_tcp_large(pcb);
    if (nr_connected == nr_streams)
        for (unsigned int i = 0; i < nr_streams; i++)
            go_on(&streams[i]);
    return ERR_OK;
}

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct stream *s = arg;

    (void)err;
    if (!p) {
        error = ERR_CLSD;
        return ERR_OK;
    }
    for (struct pbuf *q = p; q; q = q->next) {
        if (kind == RECEIVE && !pattern_is_at(s->done, q->payload, q->len))
            is_bad = true;
        s->done += q->len;
    }
    tcp_recved(pcb, p->tot_len);
    (void)pbuf_free(p);
    go_on(s);
    return ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t length)
{
    struct stream *s = arg;

    (void)pcb;
    if (kind == SEND) {
        s->done += length;
        go_on(s);
    }
    return ERR_OK;
}

static err_t on_poll(void *arg, struct tcp_pcb *pcb)
{
    struct stream *s = arg;

    (void)pcb;
    if (nr_connected == nr_streams)
        go_on(s);
    return ERR_OK;
}

static void on_error(void *arg, err_t err)
{
    struct stream *s = arg;

    s->pcb = NULL;
    error = err;
}

static int begin(struct stream *s, const ip_addr_t *to, uint16_t port)
{
    s->pcb = tcp_new();
    if (!s->pcb)
        return program_fail("no memory for a stream");
    tcp_arg(s->pcb, s);
    tcp_recv(s->pcb, on_recv);
    tcp_sent(s->pcb, on_sent);
    tcp_poll(s->pcb, on_poll, 1);
    tcp_err(s->pcb, on_error);
    if (tcp_connect(s->pcb, to, port, on_connected) != ERR_OK)
        return program_fail("no way there");
    return 0;
}

/* Until all are there, or for a time: false after an error. */
static bool step_until(uint64_t end_ns, bool connecting)
{
    while (!error && !is_bad && shim_now_ns() < end_ns &&
           !(connecting && nr_connected == nr_streams))
        ip_step(end_ns);
    return !error && !is_bad;
}

static uint64_t all_done(void)
{
    uint64_t sum = 0;

    for (unsigned int i = 0; i < nr_streams; i++)
        sum += streams[i].done;
    return sum;
}

static int connect_all(void)
{
    static const uint16_t ports[] = {PORT_DISCARD, PORT_SOURCE, PORT_ECHO};
    uint64_t port = option_number("port", ports[kind]);
    uint8_t to[4];
    ip_addr_t address;

    if (!option_address("to", to))
        return program_fail("to=ADDRESS is wanted");
    IP_ADDR4(&address, to[0], to[1], to[2], to[3]);
    for (unsigned int i = 0; i < nr_streams; i++)
        if (begin(&streams[i], &address, (uint16_t)port))
            return -1;
    (void)step_until(shim_now_ns() + CONNECT_S * 1000000000ul, true);
    if (nr_connected == nr_streams)
        return 0;
    return program_fail("%u of %u streams connect to %u.%u.%u.%u port %lu, "
                        "error %d",
                        nr_connected, nr_streams, to[0], to[1], to[2], to[3],
                        port, error);
}

static void end_all(void)
{
    for (unsigned int i = 0; i < nr_streams; i++) {
        if (!streams[i].pcb)
            continue;
        tcp_arg(streams[i].pcb, NULL);
        tcp_recv(streams[i].pcb, NULL);
        tcp_sent(streams[i].pcb, NULL);
        tcp_poll(streams[i].pcb, NULL, 0);
        tcp_err(streams[i].pcb, NULL);
        tcp_abort(streams[i].pcb);
        streams[i].pcb = NULL;
    }
    ip_step(0); /* what that said is on its way */
}

static void report(uint64_t done, uint64_t took_ns)
{
    static const char *const names[] = {"send", "receive"};
    const struct ip_counts *c = ip_counts();

    if (kind == ROUND_TRIP)
        print("BENCH tcp-rtt ns=%lu\n", done ? took_ns / done * nr_streams : 0);
    else
        print("BENCH tcp-%s-%u KiB/s=%lu\n", names[kind], nr_streams,
              done * 1000000 / (took_ns / 1000) / 1024);
    print("TINY tcp-bench ok bytes=%lu frames-out=%lu large=%lu in=%lu "
          "full=%lu no-memory=%lu connects=%lu\n",
          done, c->nr_out, c->nr_large, c->nr_in, c->nr_full, c->nr_no_memory,
          ip_card()->dev.nr_connects);
}

int run_tcp_bench(void)
{
    uint64_t ns = option_number("secs", 5) * 1000000000, start, before;
    char what[12] = "send";
    bool good;

    (void)option_text("do", what, sizeof(what));
    kind = !strcmp(what, "send")      ? SEND
           : !strcmp(what, "receive") ? RECEIVE
                                      : ROUND_TRIP;
    nr_streams = (unsigned int)option_number("streams", 1);
    if (tcp_card_open() || pattern_make() || connect_all())
        return -1;
    start = shim_now_ns();
    before = all_done();
    good = step_until(start + ns, false);
    if (is_bad)
        return program_fail("what came in is not what a source sends");
    if (!good)
        return program_fail("a stream ended after %lu bytes, error %d",
                            all_done(), error);
    before = all_done() - before;
    start = shim_now_ns() - start;
    end_all();
    report(before, start);
    return 0;
}
