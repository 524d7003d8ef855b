/*
 * Ethernet frames and the work left undone in them: checksums to be filled in,
 * segments to be cut. Translates between the ring's words for it and the tap's
 * header. Pure; the bytes are a private copy.
 */
#ifndef PARAVANE_NET_PACKET_H
#define PARAVANE_NET_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/virtio_net.h>

/* What an Ethernet frame says it carries. */
enum {
    PACKET_TYPE_IPV4 = 0x0800,
    PACKET_TYPE_IPV6 = 0x86dd,
    PACKET_TYPE_VLAN = 0x8100,
    PACKET_TYPE_QINQ = 0x88a8,
};

/*
 * The tap's header for a frame from the ring. `gso_type` is one of
 * XEN_NETIF_GSO_TYPE_*. Without `csum_blank` a frame to be segmented gets the
 * partial checksum that segmentation starts from. 0, or -EINVAL when the frame
 * is not what the guest says it is.
 */
int packet_to_host(uint8_t *frame, size_t size, bool csum_blank,
                   uint8_t gso_type, uint16_t gso_size,
                   struct virtio_net_hdr *hdr);

/* What a ring's first response says of a frame from the tap. */
struct packet_marks {
    bool csum_blank, validated;
    uint8_t gso_type;
    uint16_t gso_size;
};

/*
 * The other way round. `ipv6_csum` tells whether the guest takes IPv6 frames
 * with blank checksums; if not, they are filled in here.
 */
void packet_to_guest(uint8_t *frame, size_t size,
                     const struct virtio_net_hdr *hdr, bool ipv6_csum,
                     struct packet_marks *marks);

/*
 * A number that is the same for all frames of a flow: of the addresses and
 * ports in the first `size` bytes of a frame.
 */
unsigned int packet_flow(const uint8_t *frame, size_t size);

/* Fill in the checksum that starts at `start`, into start + offset. */
int packet_fill_checksum(uint8_t *frame, size_t size, size_t start,
                         size_t offset);

#endif
