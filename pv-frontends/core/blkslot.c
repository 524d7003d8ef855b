#include "pv-frontends/core/blkslot.h"

#include "pv-frontends/core/errors.h"
#include "pv-frontends/core/text.h"
#include "pv-frontends/shim/shim.h"

enum {
    NO_SLOT = 0xffff,
    MAX_PERSISTENT = 512, /* pages, 2 MiB: two of the largest rings' worth */
    POOL_PAGES = MAX_PERSISTENT * sizeof(struct blk_buffer) / SHIM_PAGE_SIZE,
};

static unsigned int pages_for(size_t bytes)
{
    return (unsigned int)((bytes + SHIM_PAGE_SIZE - 1) / SHIM_PAGE_SIZE);
}

/* ---- buffers ------------------------------------------------------------- */

static bool buffer_new(struct blkfront *bf, bool read_only,
                       struct blk_buffer *b)
{
    b->page = shim_pages_alloc(1);
    if (!b->page)
        return false;
    b->ref = gnt_grant(bf->dev.backend_id, b->page, read_only);
    if (b->ref != GNT_NONE)
        return true;
    shim_pages_free(b->page, 1);
    b->page = NULL;
    return false;
}

/* A page that stays granted, from the pool or a new one. */
static bool persistent_take(struct blkfront *bf, struct blk_buffer *b)
{
    if (bf->nr_pool) {
        *b = bf->pool[--bf->nr_pool];
        return true;
    }
    if (bf->nr_persistent == MAX_PERSISTENT || !buffer_new(bf, false, b))
        return false;
    bf->nr_persistent++;
    return true;
}

/* For one segment: the owner's page granted, or one of ours. */
static bool data_take(struct blkfront *bf, const struct blk_io *io,
                      const struct blk_segment *s, struct blk_buffer *b)
{
    if (!bf->info.persistent) {
        b->page = NULL;
        b->ref = gnt_grant(bf->dev.backend_id, s->page, io->op == BLK_WRITE);
        return b->ref != GNT_NONE;
    }
    if (!persistent_take(bf, b))
        return false;
    if (io->op == BLK_WRITE)
        memcpy((char *)b->page + s->offset, (char *)s->page + s->offset,
               s->length);
    return true;
}

/* Give a buffer back. 0, or -XEN_EIO when the owner's page is not released. */
static int buffer_give(struct blkfront *bf, struct blk_buffer *b)
{
    grant_ref_t ref = b->ref;
    void *page = b->page;

    *b = (struct blk_buffer){GNT_NONE, NULL};
    if (ref == GNT_NONE)
        return 0;
    if (bf->info.persistent) {
        bf->pool[bf->nr_pool++] = (struct blk_buffer){ref, page};
        return 0;
    }
    if (page) {
        gnt_end_page(ref, page);
        return 0;
    }
    if (!gnt_end(ref))
        return 0;
    /* Only the reference is kept: the page is its owner's. */
    gnt_end_page(ref, NULL);
    return -XEN_EIO;
}

/* ---- slots --------------------------------------------------------------- */

int blk_slots_make(struct blkfront *bf)
{
    unsigned int nr = RING_SIZE(&bf->ring);

    bf->info.nr_slots = nr;
    bf->slot_pages = pages_for(nr * sizeof(struct blk_slot));
    bf->slots = shim_pages_alloc(bf->slot_pages);
    bf->pool = shim_pages_alloc(POOL_PAGES);
    bf->nr_pool = bf->nr_persistent = 0;
    if (!bf->slots || !bf->pool)
        return -XEN_ENOMEM;
    bf->first_free = 0;
    for (unsigned int i = 0; i < nr; i++)
        bf->slots[i].next_free =
            (uint16_t)(i + 1 < nr ? i + 1 : (unsigned int)NO_SLOT);
    return 0;
}

struct blk_slot *blk_slot_of(struct blkfront *bf, uint64_t id)
{
    if (id >= bf->info.nr_slots || !bf->slots[id].io)
        return NULL;
    return &bf->slots[id];
}

static int slot_release(struct blkfront *bf, struct blk_slot *slot)
{
    int rc = 0;

    for (unsigned int i = 0; i < slot->io->nr_segments; i++)
        if (buffer_give(bf, &slot->data[i]))
            rc = -XEN_EIO;
    (void)buffer_give(bf, &slot->list);
    slot->io = NULL;
    slot->next_free = bf->first_free;
    bf->first_free = (uint16_t)(slot - bf->slots);
    return rc;
}

static void copy_back(const struct blk_slot *slot)
{
    for (unsigned int i = 0; i < slot->io->nr_segments; i++) {
        const struct blk_segment *s = &slot->io->segments[i];

        memcpy((char *)s->page + s->offset,
               (char *)slot->data[i].page + s->offset, s->length);
    }
}

int blk_slot_empty(struct blkfront *bf, struct blk_slot *slot)
{
    if (bf->info.persistent && slot->io->op == BLK_READ)
        copy_back(slot);
    return slot_release(bf, slot);
}

/* The one in use that was sent first. */
static struct blk_slot *slot_oldest(struct blkfront *bf)
{
    struct blk_slot *oldest = NULL;

    for (unsigned int i = 0; i < bf->info.nr_slots; i++) {
        struct blk_slot *slot = &bf->slots[i];

        if (slot->io && (!oldest || slot->order < oldest->order))
            oldest = slot;
    }
    return oldest;
}

static void all_to_replay(struct blkfront *bf)
{
    struct blk_io *rest = bf->replay, **tail = &bf->replay;
    struct blk_slot *slot;

    while ((slot = slot_oldest(bf))) {
        *tail = slot->io;
        tail = &slot->io->next;
        (void)slot_release(bf, slot);
    }
    *tail = rest;
}

void blk_slots_drop(struct blkfront *bf)
{
    if (bf->slots && bf->pool)
        all_to_replay(bf);
    while (bf->pool && bf->nr_pool) {
        bf->nr_pool--;
        gnt_end_page(bf->pool[bf->nr_pool].ref, bf->pool[bf->nr_pool].page);
    }
    if (bf->slots)
        shim_pages_free(bf->slots, bf->slot_pages);
    if (bf->pool)
        shim_pages_free(bf->pool, POOL_PAGES);
    bf->slots = NULL;
    bf->pool = NULL;
}

/* ---- composing a request ------------------------------------------------- */

static struct blkif_request_segment describe(const struct blk_segment *s,
                                             const struct blk_buffer *b)
{
    return (struct blkif_request_segment){
        .gref = b->ref,
        .first_sect = (uint8_t)(s->offset / BLK_SECTOR),
        .last_sect = (uint8_t)((s->offset + s->length) / BLK_SECTOR - 1),
    };
}

static void compose_direct(const struct blk_slot *slot, uint64_t id,
                           struct blkif_request *request)
{
    const struct blk_io *io = slot->io;

    request->operation = io->op == BLK_READ ? BLKIF_OP_READ : BLKIF_OP_WRITE;
    if (io->op == BLK_FLUSH)
        request->operation = BLKIF_OP_FLUSH_DISKCACHE;
    request->nr_segments = (uint8_t)io->nr_segments;
    request->sector_number = io->op == BLK_FLUSH ? 0 : io->sector;
    request->id = id;
    for (unsigned int i = 0; i < io->nr_segments; i++)
        request->seg[i] = describe(&io->segments[i], &slot->data[i]);
}

static void compose_indirect(const struct blk_slot *slot, uint64_t id,
                             struct blkif_request_indirect *request)
{
    struct blkif_request_segment *list = slot->list.page;
    const struct blk_io *io = slot->io;

    request->operation = BLKIF_OP_INDIRECT;
    request->indirect_op = io->op == BLK_READ ? BLKIF_OP_READ : BLKIF_OP_WRITE;
    request->nr_segments = (uint16_t)io->nr_segments;
    request->id = id;
    request->sector_number = io->sector;
    request->indirect_grefs[0] = slot->list.ref;
    for (unsigned int i = 0; i < io->nr_segments; i++)
        list[i] = describe(&io->segments[i], &slot->data[i]);
}

static void compose(const struct blkfront *bf, const struct blk_slot *slot,
                    struct blkif_request *request)
{
    uint64_t id = (uint64_t)(slot - bf->slots);
    struct blkif_request_discard discard = {
        .operation = BLKIF_OP_DISCARD,
        .id = id,
        .sector_number = slot->io->sector,
        .nr_sectors = slot->io->nr_sectors,
    };
    struct blkif_request_indirect indirect = {0};

    memset(request, 0, sizeof(*request));
    if (slot->io->op == BLK_DISCARD) {
        memcpy(request, &discard, sizeof(discard));
    } else if (slot->io->nr_segments > BLKIF_MAX_SEGMENTS_PER_REQUEST) {
        compose_indirect(slot, id, &indirect);
        memcpy(request, &indirect, sizeof(indirect));
    } else {
        compose_direct(slot, id, request);
    }
}

static int buffers_take(struct blkfront *bf, struct blk_slot *slot)
{
    const struct blk_io *io = slot->io;

    for (unsigned int i = 0; i < io->nr_segments; i++)
        if (!data_take(bf, io, &io->segments[i], &slot->data[i]))
            return -XEN_EAGAIN;
    if (io->nr_segments <= BLKIF_MAX_SEGMENTS_PER_REQUEST)
        return 0;
    if (bf->info.persistent ? !persistent_take(bf, &slot->list)
                            : !buffer_new(bf, true, &slot->list))
        return -XEN_EAGAIN;
    return 0;
}

int blk_slot_fill(struct blkfront *bf, struct blk_io *io,
                  struct blkif_request *request, struct blk_slot **slotp)
{
    struct blk_slot *slot;

    if (bf->first_free == NO_SLOT)
        return -XEN_EAGAIN;
    slot = &bf->slots[bf->first_free];
    bf->first_free = slot->next_free;
    slot->io = io;
    for (unsigned int i = 0; i < BLK_MAX_SEGMENTS; i++)
        slot->data[i].ref = GNT_NONE;
    slot->list.ref = GNT_NONE;
    if (buffers_take(bf, slot)) {
        (void)slot_release(bf, slot);
        return -XEN_EAGAIN;
    }
    compose(bf, slot, request);
    *slotp = slot;
    return 0;
}
