/*
 * A sending ring full of foreign bytes, over pages full of foreign bytes: the
 * network backend answers every slot it takes and writes only whole frames.
 *
 * sources: pv-backends/net/netback.c pv-backends/net/netdecode.c
 * sources: pv-backends/net/packet.c
 * sources: dom0/libs/gnttab/gnttab-fake.c
 */
#include "pv-backends/net/netback.h"
#include "dom0/libs/gnttab/gnttab-fake.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { PAGES = 4, FIRST_REF = 16, SLOT = 12 };

/* The log would be all there is to see. */
void log_line(enum log_level level, const char *fmt, ...)
{
    (void)level, (void)fmt;
}

void log_limited(struct log_limit *limit, enum log_level level, const char *fmt,
                 ...)
{
    (void)limit, (void)level, (void)fmt;
}

static void notify(void *arg)
{
    (void)arg;
}

static struct netback_config *prepare(void)
{
    static struct netback_config cfg = {.name = "fuzz",
                                        .domid = 1,
                                        .scatter = true,
                                        .notify_tx = notify,
                                        .notify_rx = notify};

    if (cfg.tx_page)
        return &cfg;
    gnttab_open(&cfg.gnttab);
    cfg.tap_fd = open("/dev/null", O_RDWR);
    cfg.tx_page = gnttab_fake_grant(1, 1);
    cfg.rx_page = gnttab_fake_grant(2, 1);
    gnttab_fake_grant_run(FIRST_REF, PAGES);
    return &cfg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The number of slots, the slots, then what the pages begin with. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct netback_config *cfg = prepare();
    netif_tx_sring_t *ring = cfg->tx_page;
    unsigned int nr;
    struct netback nb;
    void *pages;

    if (!size)
        return 0;
    nr = data[0];
    data++, size--;
    memset(ring, 0, 4096);
    for (unsigned int i = 0; i < nr && size; i++) {
        size_t n = size < SLOT ? size : SLOT;

        memcpy(&ring->ring[i], data, n);
        /* Mostly references that exist. */
        ring->ring[i].req.gref = FIRST_REF + ring->ring[i].req.gref % 5;
        data += n;
        size -= n;
    }
    if (gnttab_map(cfg->gnttab, 1, (uint32_t[]){FIRST_REF}, 1, 1, &pages))
        abort();
    memcpy(pages, data, size < 4096 ? size : 4096);
    gnttab_unmap(cfg->gnttab, pages, 1);
    ring->req_prod = nr;
    netback_open(&nb, cfg);
    while (netback_tx_poll(&nb))
        ;
    if (!nb.broken && ring->rsp_prod != nr)
        abort();
    return 0;
}
