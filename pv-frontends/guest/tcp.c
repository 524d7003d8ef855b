#include "pv-frontends/guest/tcp.h"

#include "pv-frontends/guest/program.h"

enum {
    PERIOD = 251,
    PATTERN = PERIOD * 128,
    PATTERN_PAGES = PATTERN / SHIM_PAGE_SIZE + 1,
};

static struct ip_settings settings = {
    .address = {10, 9, 0, 2},
    .mask = {255, 255, 255, 0},
};
static uint8_t *pattern;

int tcp_card_open(void)
{
    int rc;

    (void)option_address("ip", settings.address);
    (void)option_address("mask", settings.mask);
    (void)option_address("gw", settings.gateway);
    settings.nr_buffers = (unsigned int)option_number("buffers", NET_SLOTS);
    settings.offload_checksums = option_number("checksums", 1);
    settings.offload_segments = option_number("segments", 1);
    if (program_store() || program_device("vif", &settings.devid))
        return -1;
    rc = ip_open(&settings);
    if (rc)
        return program_fail("card %u does not connect, error %d",
                            settings.devid, rc);
    return 0;
}

const uint8_t *tcp_own_address(void)
{
    return settings.address;
}

int pattern_make(void)
{
    pattern = shim_pages_alloc(PATTERN_PAGES);
    if (!pattern)
        return program_fail("no memory for what is sent");
    for (unsigned int i = 0; i < PATTERN; i++)
        pattern[i] = (uint8_t)(i % PERIOD);
    return 0;
}

void pattern_send(struct tcp_pcb *pcb, uint64_t *sent)
{
    for (;;) {
        uint64_t at = *sent % PATTERN, n = PATTERN - at;

        if (n > tcp_sndbuf(pcb))
            n = tcp_sndbuf(pcb);
        if (!n || tcp_write(pcb, pattern + at, (uint16_t)n, 0) != ERR_OK)
            break;
        *sent += n;
    }
    (void)tcp_output(pcb);
}

bool pattern_is_at(uint64_t at, const uint8_t *data, size_t size)
{
    while (size) {
        uint64_t from = at % PATTERN, n = PATTERN - from;

        if (n > size)
            n = size;
        if (memcmp(pattern + from, data, n))
            return false;
        at += n;
        data += n;
        size -= n;
    }
    return true;
}
