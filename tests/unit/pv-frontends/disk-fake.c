#include "tests/unit/pv-frontends/disk-fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void set(const char *key, unsigned int value)
{
    char path[100], text[16];

    snprintf(path, sizeof(path), "%s/%s", DISK_BACK, key);
    snprintf(text, sizeof(text), "%u", value);
    fake_store_set(path, text);
}

static long get(const char *key)
{
    char path[100];

    snprintf(path, sizeof(path), "%s/%s", DISK_FRONT, key);
    return fake_store_number(path);
}

static void say_init_wait(const struct disk_fake *d)
{
    set("max-ring-page-order", d->ring_order);
    set("feature-max-indirect-segments", d->indirect);
    set("state", XenbusStateInitWait);
}

void disk_begin(struct disk_fake *d)
{
    fake_store_set(DISK_FRONT "/backend", DISK_BACK);
    fake_store_set(DISK_FRONT "/backend-id", "0");
    fake_store_set(DISK_FRONT "/state", "1");
    say_init_wait(d);
}

/* Ring pages are next to each other in the fake's arena when they are. */
static void connect(struct disk_fake *d)
{
    long order = get("ring-page-order");
    char key[16];

    d->nr_pages = order > 0 ? 1u << order : 1;
    for (unsigned int i = 0; i < d->nr_pages; i++) {
        snprintf(key, sizeof(key), order > 0 ? "ring-ref%u" : "ring-ref", i);
        d->pages[i] = fake_grant_map((grant_ref_t)get(key), true);
        if (!d->pages[i] ||
            (char *)d->pages[i] != (char *)d->pages[0] + i * 4096)
            return;
    }
    BACK_RING_INIT(&d->ring, (blkif_sring_t *)d->pages[0], d->nr_pages * 4096);
    set("sectors", DISK_SECTORS);
    set("sector-size", 512);
    set("info", 0);
    set("feature-flush-cache", 1);
    set("feature-discard", d->can_discard);
    set("feature-persistent", d->persistent); /* as late as Linux says it */
    set("state", XenbusStateConnected);
    d->connected = true;
}

static bool transfer(struct disk_fake *d, bool write, uint64_t sector,
                     const struct blkif_request_segment *segs, unsigned int nr)
{
    for (unsigned int i = 0; segs && i < nr; i++) {
        unsigned int sectors = segs[i].last_sect - segs[i].first_sect + 1u;
        uint8_t *page = fake_grant_map(segs[i].gref, !write);
        uint8_t *disk = d->data + sector * 512;

        if (!page || sector + sectors > DISK_SECTORS)
            return false;
        page += segs[i].first_sect * 512u;
        memcpy(write ? disk : page, write ? page : disk, sectors * 512);
        sector += sectors;
    }
    return segs;
}

static bool carry_out(struct disk_fake *d, const struct blkif_request *rq)
{
    const struct blkif_request_indirect *in = (const void *)rq;
    const struct blkif_request_discard *discard = (const void *)rq;

    switch (rq->operation) {
    case BLKIF_OP_READ:
    case BLKIF_OP_WRITE:
        return transfer(d, rq->operation == BLKIF_OP_WRITE, rq->sector_number,
                        rq->seg, rq->nr_segments);
    case BLKIF_OP_INDIRECT:
        d->nr_indirect++;
        return transfer(d, in->indirect_op == BLKIF_OP_WRITE, in->sector_number,
                        fake_grant_map(in->indirect_grefs[0], false),
                        in->nr_segments);
    case BLKIF_OP_FLUSH_DISKCACHE:
        d->nr_flushes++;
        return true;
    case BLKIF_OP_DISCARD:
        d->nr_discards++;
        memset(d->data + discard->sector_number * 512, 0,
               discard->nr_sectors * 512);
        return true;
    default:
        return false;
    }
}

static void serve(struct disk_fake *d)
{
    unsigned int nr = 0;
    int notify;

    while (RING_HAS_UNCONSUMED_REQUESTS(&d->ring) &&
           (!d->answer_max || nr < d->answer_max)) {
        struct blkif_request rq;
        struct blkif_response *answer;

        memcpy(&rq, RING_GET_REQUEST(&d->ring, d->ring.req_cons), sizeof(rq));
        d->ring.req_cons++;
        nr++;
        d->last_sector[d->nr_requests++ % 512] = rq.sector_number;
        answer = RING_GET_RESPONSE(&d->ring, d->ring.rsp_prod_pvt);
        d->ring.rsp_prod_pvt++;
        answer->id = rq.operation == BLKIF_OP_INDIRECT
                         ? ((struct blkif_request_indirect *)&rq)->id
                         : rq.id;
        answer->operation = rq.operation;
        answer->status = d->status;
        if (!carry_out(d, &rq)) {
            d->nr_refused++;
            answer->status = BLKIF_RSP_ERROR;
        }
    }
    RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&d->ring, notify);
    if (notify)
        fake_raise((unsigned int)get("event-channel"));
}

void disk_turn(struct disk_fake *d)
{
    long peer = get("state"), own = fake_store_number(DISK_BACK "/state");

    if (own == XenbusStateInitWait && peer == XenbusStateInitialised)
        connect(d);
    else if (own == XenbusStateConnected && peer == XenbusStateClosing)
        set("state", XenbusStateClosing);
    else if (own == XenbusStateClosing && peer == XenbusStateClosed)
        set("state", XenbusStateClosed), d->connected = false;
    if (d->connected)
        serve(d);
}

void disk_restart(struct disk_fake *d)
{
    d->connected = false;
    say_init_wait(d);
}
