#include "tests/unit/pv-frontends/tcp-peer.h"

#include <string.h>

enum {
    ETH = 14,
    IP4 = 20,
    TCP = 20,
    UDP = 8,
    FIN = 1,
    SYN = 2,
    RST = 4,
    PSH = 8,
    ACK = 16,
    PATIENCE = 40, /* turns, until we send again */
    SCALE = 2,
};

static struct peer_net *net;
static struct net_packet out;

static unsigned int get16(const uint8_t *p)
{
    return (unsigned int)p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put16(uint8_t *p, unsigned int v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v & 0xffff);
}

static uint32_t sum(const uint8_t *p, unsigned int size, uint32_t start)
{
    for (unsigned int i = 0; i + 1 < size; i += 2)
        start += get16(p + i);
    if (size & 1)
        start += (uint32_t)p[size - 1] << 8;
    return start;
}

static uint16_t fold(uint32_t s)
{
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return (uint16_t)s;
}

/* Of the pseudo-header, `ip` being the header and `size` what is behind it. */
static uint32_t pseudo(const uint8_t *ip, unsigned int size)
{
    return sum(ip + 12, 8, ip[9] + size);
}

/* ---- what we send ----------------------------------------------------------
 */

static bool is_lost(void)
{
    static unsigned int nr;

    if (!net->lose_every || ++nr % net->lose_every)
        return false;
    net->nr_lost++;
    return true;
}

static void give(void)
{
    if (!is_lost())
        (void)net_give(net->fake, 0, &out);
}

static uint8_t *head(uint8_t protocol, unsigned int size)
{
    uint8_t *eth = out.data, *ip = eth + ETH;

    memset(&out, 0, sizeof(out) - sizeof(out.data));
    out.size = 0;
    memset(out.data, 0, ETH + IP4 + 60);
    memcpy(eth, net->guest_mac, 6);
    memcpy(eth + 6, net->mac, 6);
    put16(eth + 12, 0x0800);
    ip[0] = 0x45;
    put16(ip + 2, IP4 + size);
    ip[8] = 64;
    ip[9] = protocol;
    memcpy(ip + 12, net->ip, 4);
    memcpy(ip + 16, net->guest_ip, 4);
    put16(ip + 10, (uint16_t)~fold(sum(ip, IP4, 0)));
    out.size = ETH + IP4 + size;
    return ip + IP4;
}

/* Every other frame has its checksum left to the card, the others whole. */
static void send_segment(struct peer *p, unsigned int flags, uint32_t at,
                         unsigned int size)
{
    static unsigned int turn;
    bool syn = flags & SYN;
    unsigned int options = syn ? 8 : 0, length = TCP + options + size;
    uint8_t *tcp = head(6, length), *ip = tcp - IP4;

    put16(tcp, p->port);
    put16(tcp + 2, p->to);
    put32(tcp + 4, p->iss + !syn + at);
    put32(tcp + 8, flags & ACK ? p->rcv_nxt : 0);
    tcp[12] = (uint8_t)((TCP + options) / 4 << 4);
    tcp[13] = (uint8_t)flags;
    put16(tcp + 14, p->stalled ? 0 : 0xffff);
    if (syn)
        memcpy(tcp + TCP, "\x02\x04\x05\xb4\x01\x03\x03\x02", 8);
    for (unsigned int i = 0; i < size; i++)
        tcp[TCP + options + i] = p->sends(p, at + i);
    if (size > 1460) {
        out.segment = 1460;
        out.segmentation = XEN_NETIF_GSO_TYPE_TCPV4;
    }
    if (out.segment || turn++ % 2) {
        out.flags = NETTXF_csum_blank | NETTXF_data_validated;
        put16(tcp + 16, fold(pseudo(ip, length)));
    } else {
        put16(tcp + 16, (uint16_t)~fold(sum(tcp, length, pseudo(ip, length))));
    }
    give();
}

void peers_datagram(uint16_t to, const void *data, unsigned int size)
{
    uint8_t *udp = head(17, UDP + size);

    put16(udp, 4000);
    put16(udp + 2, to);
    put16(udp + 4, UDP + size);
    memcpy(udp + UDP, data, size);
    put16(udp + 6,
          (uint16_t)~fold(sum(udp, UDP + size, pseudo(udp - IP4, UDP + size))));
    give();
}

void peers_ping(void)
{
    uint8_t *icmp = head(1, 64);

    icmp[0] = 8;
    put16(icmp + 2, (uint16_t)~fold(sum(icmp, 64, 0)));
    give();
}

void peers_raw(const void *data, unsigned int size)
{
    memset(&out, 0, sizeof(out) - sizeof(out.data));
    out.nr = out.flags = out.segment = out.segmentation = 0;
    memcpy(out.data, data, size);
    out.size = size;
    (void)net_give(net->fake, 0, &out);
}

/* ---- a turn ----------------------------------------------------------------
 */

static void send_data(struct peer *p)
{
    while (p->sent < p->to_send && p->sent - p->acked < p->window) {
        uint32_t n = p->to_send - p->sent,
                 room = p->window - (p->sent - p->acked);

        if (n > p->largest)
            n = p->largest;
        if (n > room)
            n = room;
        send_segment(p, ACK | PSH, p->sent, n);
        p->sent += n;
    }
}

static bool all_came(const struct peer *p)
{
    return p->got >= p->to_get;
}

static void turn(struct peer *p)
{
    switch (p->state) {
    case PEER_CLOSED:
        p->state = PEER_SYN;
        p->quiet = PATIENCE;
        break;
    case PEER_SYN:
        if (p->quiet++ < PATIENCE)
            break;
        p->quiet = 0;
        send_segment(p, SYN, 0, 0);
        break;
    case PEER_OPEN:
        if (p->quiet++ > PATIENCE) {
            p->quiet = 0;
            p->sent = p->acked;
            p->fin_sent = false;
            send_segment(p, ACK, p->sent, 0);
        }
        send_data(p);
        if (p->acked == p->to_send && all_came(p) && !p->fin_sent) {
            send_segment(p, FIN | ACK, p->sent, 0);
            p->fin_sent = true;
        }
        break;
    default:
        break;
    }
}

void peers_turn(void)
{
    if (!net->fake->connected)
        return;
    for (unsigned int i = 0; i < net->nr_peers; i++)
        turn(&net->peers[i]);
}

void peers_begin(struct peer_net *n)
{
    net = n;
    n->fake->forward = peers_forward;
    for (unsigned int i = 0; i < n->nr_peers; i++)
        n->peers[i].iss = 0xfffff000u + i * 77;
}

bool peers_are_done(const struct peer_net *n)
{
    for (unsigned int i = 0; i < n->nr_peers; i++)
        if (n->peers[i].state != PEER_ENDED && n->peers[i].state != PEER_RESET)
            return false;
    return true;
}

/* ---- what comes ------------------------------------------------------------
 */

static void take_data(struct peer *p, const uint8_t *data, unsigned int size)
{
    for (unsigned int i = 0; i < size; i++)
        p->nr_bad += data[i] != p->gets(p, p->got + i);
    p->got += size;
    p->rcv_nxt += size;
}

static void take_ack(struct peer *p, uint32_t ack, unsigned int window)
{
    uint32_t acked = ack - (p->iss + 1);

    if (p->fin_sent && acked == p->to_send + 1)
        acked--;
    if (acked - p->acked <= p->to_send - p->acked && acked != p->acked) {
        p->acked = acked;
        p->quiet = 0;
        if (p->sent - acked > p->to_send)
            p->sent = acked;
    }
    p->window = window << SCALE;
}

static void take_segment(struct peer *p, const uint8_t *tcp,
                         unsigned int length)
{
    unsigned int header = (tcp[12] >> 4) * 4u, size = length - header;
    uint32_t seq = get32(tcp + 4), before = p->rcv_nxt;

    if (tcp[13] & RST) {
        p->state = PEER_RESET;
        return;
    }
    if (p->state == PEER_SYN) {
        if ((tcp[13] & (SYN | ACK)) != (SYN | ACK))
            return;
        p->rcv_nxt = seq + 1;
        p->state = PEER_OPEN;
        p->window = get16(tcp + 14);
        send_segment(p, ACK, 0, 0);
        return;
    }
    take_ack(p, get32(tcp + 8), get16(tcp + 14));
    if (p->stalled)
        return;
    if (seq == p->rcv_nxt && size)
        take_data(p, tcp + header, size);
    if (tcp[13] & FIN && seq + size == p->rcv_nxt && !p->fin_got) {
        p->fin_got = true;
        p->rcv_nxt++;
    }
    if (p->rcv_nxt != before || size || tcp[13] & FIN)
        send_segment(p, ACK, p->sent + p->fin_sent, 0);
    if (p->fin_got && p->fin_sent)
        p->state = PEER_ENDED;
}

static void check_sum(const uint8_t *ip, const struct net_packet *f)
{
    const uint8_t *body = ip + IP4;
    unsigned int size = f->size - ETH - IP4, at = ip[9] == 6 ? 16 : 6;
    bool good;

    if (f->flags & NETTXF_csum_blank) {
        net->nr_blank++;
        good = get16(body + at) == fold(pseudo(ip, size));
    } else {
        good = fold(sum(body, size, pseudo(ip, size))) == 0xffff;
    }
    if (!good || fold(sum(ip, IP4, 0)) != 0xffff)
        net->nr_bad_sums++;
}

/* What is asked for our address is answered, what is sent to it noted. */
static void take_arp(const uint8_t *eth)
{
    const uint8_t *arp = eth + ETH;

    net->nr_arps++;
    if (get16(arp + 6) != 1 || memcmp(arp + 24, net->ip, 4))
        return;
    memset(&out, 0, 64);
    out.nr = out.flags = out.segment = out.segmentation = 0;
    memcpy(out.data, eth + 6, 6);
    memcpy(out.data + 6, net->mac, 6);
    memcpy(out.data + 12, eth + 12, 8);
    put16(out.data + ETH + 6, 2);
    memcpy(out.data + ETH + 8, net->mac, 6);
    memcpy(out.data + ETH + 14, net->ip, 4);
    memcpy(out.data + ETH + 18, arp + 8, 10);
    out.size = 60;
    (void)net_give(net->fake, 0, &out);
}

void peers_forward(struct net_fake *fake, unsigned int queue,
                   const struct net_packet *f)
{
    const uint8_t *ip = f->data + ETH, *body = ip + IP4;

    (void)fake, (void)queue;
    net->nr_in++;
    if (get16(f->data + 12) == 0x0806) {
        take_arp(f->data);
        return;
    }
    if (f->size < ETH + IP4 + UDP || get16(ip + 2) != f->size - ETH) {
        net->nr_bad_sums++;
        return;
    }
    if (ip[9] == 1) {
        net->nr_pongs += body[0] == 0;
        return;
    }
    check_sum(ip, f);
    net->nr_large += f->segment != 0;
    if (ip[9] == 17)
        net->nr_datagrams++;
    if (ip[9] != 6 || is_lost())
        return;
    for (unsigned int i = 0; i < net->nr_peers; i++)
        if (net->peers[i].port == get16(body + 2))
            take_segment(&net->peers[i], body, f->size - ETH - IP4);
}
