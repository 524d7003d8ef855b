#include "pv-backends/net/packet.h"

#include <errno.h>
#include <string.h>

#include <xen/grant_table.h>
#include "pv-backends/runtime/ring.h"
#include <xen/io/netif.h>

enum {
    ETH_HEADER = 14,
    ETH_TYPE_AT = 12,
    VLAN_TAG = 4,
    PROTO_TCP = 6,
    PROTO_UDP = 17,
    TCP_CHECK_AT = 16,
    UDP_CHECK_AT = 6,
    MAX_EXTENSIONS = 8,
};

/* Where things lie in a frame. */
struct layout {
    unsigned int version; /* of IP: 4 or 6 */
    size_t ip, l4;        /* offsets */
    uint8_t proto;
};

static unsigned int get16(const uint8_t *p)
{
    return (unsigned int)p[0] << 8 | p[1];
}

static void put16(uint8_t *p, unsigned int v)
{
    p[0] = v >> 8;
    p[1] = v;
}

/* The EtherType behind up to two VLAN tags. */
static int find_ip(const uint8_t *frame, size_t size, struct layout *at,
                   unsigned int *type)
{
    size_t off = ETH_TYPE_AT;

    for (int tags = 0; tags < 3; tags++) {
        if (off + 2 > size)
            return -EINVAL;
        *type = get16(frame + off);
        if (*type != PACKET_TYPE_VLAN && *type != PACKET_TYPE_QINQ) {
            at->ip = off + 2;
            return 0;
        }
        off += VLAN_TAG;
    }
    return -EINVAL;
}

static int find_l4_ipv4(const uint8_t *frame, size_t size, struct layout *at)
{
    const uint8_t *ip = frame + at->ip;
    size_t header;

    if (at->ip + 20 > size || ip[0] >> 4 != 4)
        return -EINVAL;
    header = (ip[0] & 15) * 4u;
    if (header < 20 || at->ip + header > size)
        return -EINVAL;
    if (get16(ip + 6) & 0x3fff) /* a fragment has no checksum of its own */
        return -EINVAL;
    at->version = 4;
    at->proto = ip[9];
    at->l4 = at->ip + header;
    return 0;
}

static int find_l4_ipv6(const uint8_t *frame, size_t size, struct layout *at)
{
    size_t off = at->ip + 40;
    uint8_t next;

    if (off > size || frame[at->ip] >> 4 != 6)
        return -EINVAL;
    next = frame[at->ip + 6];
    for (int i = 0; i < MAX_EXTENSIONS; i++) {
        /* Hop-by-hop, routing, destination options. */
        if (next != 0 && next != 43 && next != 60) {
            at->version = 6;
            at->proto = next;
            at->l4 = off;
            return 0;
        }
        if (off + 8 > size)
            return -EINVAL;
        next = frame[off];
        off += (frame[off + 1] + 1u) * 8;
        if (off > size)
            return -EINVAL;
    }
    return -EINVAL;
}

static int find_l4(const uint8_t *frame, size_t size, struct layout *at)
{
    unsigned int type;
    int rc = find_ip(frame, size, at, &type);

    if (rc)
        return rc;
    if (type == PACKET_TYPE_IPV4)
        return find_l4_ipv4(frame, size, at);
    if (type == PACKET_TYPE_IPV6)
        return find_l4_ipv6(frame, size, at);
    return -EINVAL;
}

/* Ones' complement sum of big-endian words; an odd end counts as padded. */
static uint32_t sum_bytes(const uint8_t *p, size_t size, uint32_t sum)
{
    uint64_t wide = sum;

    for (; size > 1; p += 2, size -= 2)
        wide += get16(p);
    if (size)
        wide += (unsigned int)p[0] << 8;
    while (wide >> 16)
        wide = (wide & 0xffff) + (wide >> 16);
    return (uint32_t)wide;
}

/* The sum over the pseudo header, as a partial checksum begins. */
static uint32_t pseudo_sum(const uint8_t *frame, size_t size,
                           const struct layout *at)
{
    const uint8_t *ip = frame + at->ip;
    size_t payload = size - at->l4;
    uint32_t sum = at->proto + (payload >> 16) + (payload & 0xffff);

    if (at->version == 4)
        return sum_bytes(ip + 12, 8, sum);
    return sum_bytes(ip + 8, 32, sum);
}

static int check_at(const struct layout *at, size_t size, size_t *offset)
{
    if (at->proto == PROTO_TCP)
        *offset = TCP_CHECK_AT;
    else if (at->proto == PROTO_UDP)
        *offset = UDP_CHECK_AT;
    else
        return -EINVAL;
    return at->l4 + *offset + 2 <= size ? 0 : -EINVAL;
}

static int add_gso(const uint8_t *frame, size_t size, const struct layout *at,
                   uint8_t gso_type, uint16_t gso_size,
                   struct virtio_net_hdr *hdr)
{
    unsigned int version = gso_type == XEN_NETIF_GSO_TYPE_TCPV4 ? 4 : 6;
    size_t tcp_header;

    if (at->proto != PROTO_TCP || at->version != version ||
        at->l4 + 20 > size || !gso_size)
        return -EINVAL;
    tcp_header = (frame[at->l4 + 12] >> 4) * 4u;
    if (tcp_header < 20 || at->l4 + tcp_header > size)
        return -EINVAL;
    hdr->gso_type =
        version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
    hdr->gso_size = gso_size;
    hdr->hdr_len = at->l4 + tcp_header;
    return 0;
}

int packet_to_host(uint8_t *frame, size_t size, bool csum_blank,
                   uint8_t gso_type, uint16_t gso_size,
                   struct virtio_net_hdr *hdr)
{
    struct layout at = {0};
    size_t offset;

    memset(hdr, 0, sizeof(*hdr));
    if (!csum_blank && gso_type == XEN_NETIF_GSO_TYPE_NONE)
        return 0;
    if (find_l4(frame, size, &at) || check_at(&at, size, &offset))
        return -EINVAL;
    hdr->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    hdr->csum_start = at.l4;
    hdr->csum_offset = offset;
    if (gso_type == XEN_NETIF_GSO_TYPE_NONE)
        return 0;
    if (!csum_blank)
        put16(frame + at.l4 + offset, pseudo_sum(frame, size, &at));
    return add_gso(frame, size, &at, gso_type, gso_size, hdr);
}

int packet_fill_checksum(uint8_t *frame, size_t size, size_t start,
                         size_t offset)
{
    uint32_t sum;

    if (start > size || offset + 2 > size - start)
        return -EINVAL;
    /* The field holds the pseudo header's sum and is part of the sum. */
    sum = ~sum_bytes(frame + start, size - start, 0) & 0xffff;
    put16(frame + start + offset, sum ? sum : 0xffff);
    return 0;
}

static uint32_t mix(uint32_t hash, const uint8_t *p, size_t size)
{
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ p[i]) * 16777619u;
    return hash;
}

unsigned int packet_flow(const uint8_t *frame, size_t size)
{
    struct layout at = {0};
    uint32_t hash = 2166136261u;

    if (find_l4(frame, size, &at))
        return 0;
    if (at.version == 4)
        hash = mix(hash, frame + at.ip + 12, 8);
    else
        hash = mix(hash, frame + at.ip + 8, 32);
    if ((at.proto == PROTO_TCP || at.proto == PROTO_UDP) && at.l4 + 4 <= size)
        hash = mix(hash, frame + at.l4, 4);
    return hash ^ hash >> 16;
}

static bool is_ipv6(const uint8_t *frame, size_t size)
{
    struct layout at;
    unsigned int type;

    return !find_ip(frame, size, &at, &type) && type == PACKET_TYPE_IPV6;
}

void packet_to_guest(uint8_t *frame, size_t size,
                     const struct virtio_net_hdr *hdr, bool ipv6_csum,
                     struct packet_marks *marks)
{
    bool blank = hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;

    memset(marks, 0, sizeof(*marks));
    switch (hdr->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
    case VIRTIO_NET_HDR_GSO_TCPV4:
        marks->gso_type = XEN_NETIF_GSO_TYPE_TCPV4;
        break;
    case VIRTIO_NET_HDR_GSO_TCPV6:
        marks->gso_type = XEN_NETIF_GSO_TYPE_TCPV6;
        break;
    }
    if (marks->gso_type)
        marks->gso_size = hdr->gso_size;
    if (blank && !marks->gso_type && !ipv6_csum && is_ipv6(frame, size) &&
        !packet_fill_checksum(frame, size, hdr->csum_start, hdr->csum_offset))
        blank = false;
    marks->csum_blank = blank;
    marks->validated = blank || (hdr->flags & VIRTIO_NET_HDR_F_DATA_VALID);
}
