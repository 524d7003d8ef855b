/*
 * Frames whose checksum or cutting is left to the next hop: the tap's header
 * says what the ring's flags say, and a frame that is not what its sender
 * claims is refused.
 *
 * sources: pv-backends/net/packet.c
 */
#include "pv-backends/net/packet.h"
#include "pv-backends/runtime/ring.h"

#include <errno.h>
#include <string.h>
#include <xen/grant_table.h>
#include <xen/io/netif.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { ETH = 14, IP4 = 20, TCP = 20 };

static uint8_t frame[2048];

static void put16(size_t at, unsigned int v)
{
    frame[at] = v >> 8;
    frame[at + 1] = v;
}

/* An IPv4 TCP frame of `payload` bytes. */
static size_t tcp4(size_t payload)
{
    memset(frame, 0, sizeof(frame));
    put16(12, 0x0800);
    frame[ETH] = 0x45;
    frame[ETH + 9] = 6;
    memcpy(frame + ETH + 12, "\x0a\x09\x00\x01\x0a\x09\x00\x02", 8);
    frame[ETH + IP4 + 12] = 5 << 4;
    for (size_t i = 0; i < payload; i++)
        frame[ETH + IP4 + TCP + i] = i * 7;
    return ETH + IP4 + TCP + payload;
}

static size_t tcp6(size_t payload)
{
    memset(frame, 0, sizeof(frame));
    put16(12, 0x86dd);
    frame[ETH] = 0x60;
    frame[ETH + 6] = 6;
    frame[ETH + 8] = 0xfe;
    frame[ETH + 39] = 1;
    frame[ETH + 40 + 12] = 5 << 4;
    return ETH + 40 + TCP + payload;
}

static void test_plain_frame_needs_nothing(void **state)
{
    struct virtio_net_hdr hdr;

    (void)state;
    memset(frame, 0xff, 60);
    assert_int_equal(packet_to_host(frame, 60, false, 0, 0, &hdr), 0);
    assert_int_equal(hdr.flags, 0);
    assert_int_equal(hdr.gso_type, VIRTIO_NET_HDR_GSO_NONE);
}

static void test_blank_checksum_is_located(void **state)
{
    size_t size = tcp4(100);
    struct virtio_net_hdr hdr;

    (void)state;
    assert_int_equal(packet_to_host(frame, size, true, 0, 0, &hdr), 0);
    assert_int_equal(hdr.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
    assert_int_equal(hdr.csum_start, ETH + IP4);
    assert_int_equal(hdr.csum_offset, 16);
    frame[ETH + 9] = 17;
    assert_int_equal(packet_to_host(frame, size, true, 0, 0, &hdr), 0);
    assert_int_equal(hdr.csum_offset, 6);
}

static void test_vlan_tags_are_passed_over(void **state)
{
    size_t size = tcp4(100);
    struct virtio_net_hdr hdr;

    (void)state;
    memmove(frame + 16, frame + 12, size - 12);
    put16(12, 0x8100);
    assert_int_equal(packet_to_host(frame, size + 4, true, 0, 0, &hdr), 0);
    assert_int_equal(hdr.csum_start, ETH + 4 + IP4);
}

static void test_ipv6_extensions_are_passed_over(void **state)
{
    size_t size = tcp6(64);
    struct virtio_net_hdr hdr;

    (void)state;
    memmove(frame + ETH + 48, frame + ETH + 40, size - ETH - 40);
    frame[ETH + 6] = 0; /* hop-by-hop of 8 bytes, then TCP */
    frame[ETH + 40] = 6;
    frame[ETH + 41] = 0;
    assert_int_equal(packet_to_host(frame, size + 8, true, 0, 0, &hdr), 0);
    assert_int_equal(hdr.csum_start, ETH + 48);
}

static void test_segmentation(void **state)
{
    size_t size = tcp4(1500);
    struct virtio_net_hdr hdr;

    (void)state;
    assert_int_equal(
        packet_to_host(frame, size, true, XEN_NETIF_GSO_TYPE_TCPV4, 500, &hdr),
        0);
    assert_int_equal(hdr.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
    assert_int_equal(hdr.gso_size, 500);
    assert_int_equal(hdr.hdr_len, ETH + IP4 + TCP);
    assert_int_equal(
        packet_to_host(frame, size, true, XEN_NETIF_GSO_TYPE_TCPV6, 500, &hdr),
        -EINVAL);
    size = tcp6(1000);
    assert_int_equal(
        packet_to_host(frame, size, true, XEN_NETIF_GSO_TYPE_TCPV6, 500, &hdr),
        0);
    assert_int_equal(hdr.gso_type, VIRTIO_NET_HDR_GSO_TCPV6);
}

/* Every cut of a good frame is either fine or refused, never overrun. */
static void test_short_frames_are_refused(void **state)
{
    size_t size = tcp4(0);
    struct virtio_net_hdr hdr;

    (void)state;
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t copy[64];

        memcpy(copy, frame, cut);
        assert_int_equal(packet_to_host(copy, cut, true,
                                        XEN_NETIF_GSO_TYPE_TCPV4, 500, &hdr),
                         -EINVAL);
    }
}

static void test_fragment_has_no_blank_checksum(void **state)
{
    size_t size = tcp4(100);
    struct virtio_net_hdr hdr;

    (void)state;
    put16(ETH + 6, 0x2000);
    assert_int_equal(packet_to_host(frame, size, true, 0, 0, &hdr), -EINVAL);
}

/* RFC 1071: over data with its checksum in place the sum is all ones. */
static void test_filled_checksum_verifies(void **state)
{
    size_t size = tcp4(101);
    uint32_t sum = 0;

    (void)state;
    assert_int_equal(packet_fill_checksum(frame, size, ETH + IP4, 16), 0);
    frame[size] = 0;
    for (size_t i = ETH + IP4; i < size; i += 2)
        sum += frame[i] << 8 | frame[i + 1];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    assert_int_equal(sum, 0xffff);
    assert_int_equal(packet_fill_checksum(frame, size, size - 1, 16), -EINVAL);
    assert_int_equal(packet_fill_checksum(frame, size, size + 5, 0), -EINVAL);
}

static void test_guest_without_ipv6_checksums_gets_them_filled(void **state)
{
    size_t size = tcp6(20);
    struct virtio_net_hdr hdr = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                 .csum_start = ETH + 40,
                                 .csum_offset = 16};
    struct packet_marks marks;

    (void)state;
    packet_to_guest(frame, size, &hdr, true, &marks);
    assert_true(marks.csum_blank);
    assert_true(marks.validated);
    packet_to_guest(frame, size, &hdr, false, &marks);
    assert_false(marks.csum_blank);
    assert_true(frame[ETH + 40 + 16] || frame[ETH + 40 + 17]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_frame_needs_nothing),
        cmocka_unit_test(test_blank_checksum_is_located),
        cmocka_unit_test(test_vlan_tags_are_passed_over),
        cmocka_unit_test(test_ipv6_extensions_are_passed_over),
        cmocka_unit_test(test_segmentation),
        cmocka_unit_test(test_short_frames_are_refused),
        cmocka_unit_test(test_fragment_has_no_blank_checksum),
        cmocka_unit_test(test_filled_checksum_verifies),
        cmocka_unit_test(test_guest_without_ipv6_checksums_gets_them_filled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
