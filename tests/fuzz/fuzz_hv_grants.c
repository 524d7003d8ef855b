/*
 * Grant operations of two domains on each other's tables, while both scribble
 * over their entries. A frame must be held while an entry of the mapper's
 * tables shows it, and nothing may be left when both are dead.
 * libs: -lcmocka
 */
#include "guest-world.h"

#include "grant/gnttab.h"
#include "hypercall/handlers.h"

#define NR_FRAMES 6
#define NR_PTES   16

static struct domain *side[2];
static struct frame *page[2][NR_FRAMES];

/* Page tables of both: what entry `i` shows, and whether it may be written. */
static struct {
    struct frame *frame;
    struct domain *owner;
    bool writable;
} pte[2][NR_PTES];

static const uint8_t *in, *in_end;

static uint8_t byte(void)
{
    return in < in_end ? *in++ : 0;
}

static unsigned index_of(const struct domain *d)
{
    return d == side[1];
}

static void pte_clear(unsigned who, uint64_t i)
{
    if (!pte[who][i].frame)
        return;
    if (pte[who][i].writable)
        frame_type_put(pte[who][i].frame, pte[who][i].owner);
    frame_put(pte[who][i].frame);
    pte[who][i].frame = NULL;
}

int gnttab_pte_map(struct domain *d, struct domain *owner, uint64_t host_addr,
                   struct frame *frame, uint32_t map_flags)
{
    unsigned who = index_of(d);

    if (host_addr >= NR_PTES)
        return GNTST_general_error;
    if (!(map_flags & GNTMAP_readonly) &&
        frame_type_get(frame, owner, FT_WRITABLE))
        return GNTST_general_error;
    frame->refs++;
    pte_clear(who, host_addr);
    pte[who][host_addr].frame = frame;
    pte[who][host_addr].owner = owner;
    pte[who][host_addr].writable = !(map_flags & GNTMAP_readonly);
    return GNTST_okay;
}

int gnttab_pte_unmap(struct domain *d, uint64_t host_addr, struct frame *frame,
                     uint32_t map_flags, uint64_t new_host_addr)
{
    unsigned who = index_of(d);

    if (host_addr >= NR_PTES || pte[who][host_addr].frame != frame ||
        pte[who][host_addr].writable == !!(map_flags & GNTMAP_readonly) ||
        new_host_addr >= NR_PTES)
        return GNTST_general_error;
    pte_clear(who, host_addr);
    return GNTST_okay;
}

void gnttab_flush(struct domain *d)
{
    (void)d;
}

static struct grant_entry_v1 *entry(struct domain *d, unsigned ref)
{
    mfn_t m;

    assert_int_equal(gnttab_get_frame(d, 0, &m), 0);
    return (struct grant_entry_v1 *)mfn_to_virt(m) + ref;
}

static void call(unsigned cmd, void *arg)
{
    struct hc_args a = {{cmd, (uintptr_t)arg, 1}};

    (void)hc_grant_table_op(&a);
}

/* Mostly what makes sense; every field at times what does not. */
static void write_entry(void)
{
    unsigned who = byte() & 1;
    struct grant_entry_v1 *e = entry(side[who], byte() % 8);
    uint8_t b = byte();

    e->frame = b < 200 ? (uint32_t)frame_mfn(page[who][b % NR_FRAMES]).n : b;
    e->domid = (domid_t)(byte() % 3);
    b = byte();
    e->flags = b & 0x80 ? (uint16_t)(b << 2 | b)
                        : GTF_permit_access | (b & 1 ? GTF_readonly : 0);
}

static void map(void)
{
    struct gnttab_map_grant_ref m = {.dom = byte() % 3, .ref = byte() % 9};
    uint8_t b = byte();

    m.host_addr = byte() % (NR_PTES + 1);
    m.flags =
        b & 0x80 ? b & 31 : GNTMAP_host_map | (b & 1 ? GNTMAP_readonly : 0);
    call(GNTTABOP_map_grant_ref, &m);
}

static void unmap(void)
{
    struct gnttab_unmap_grant_ref u = {.handle = byte() % 12};

    u.host_addr = byte() % (NR_PTES + 1);
    u.dev_bus_addr = byte() & 1 ? 0 : (uint64_t)byte() << PAGE_SHIFT;
    call(GNTTABOP_unmap_grant_ref, &u);
}

static struct gnttab_copy_ptr any_side(bool granted)
{
    struct gnttab_copy_ptr p = {.domid = granted ? byte() % 3 : DOMID_SELF};

    p.offset = (uint16_t)(byte() << 5);
    if (granted)
        p.u.ref = byte() % 9;
    else
        p.u.gmfn = frame_mfn(page[byte() & 1][byte() % NR_FRAMES]).n;
    return p;
}

static void copy(void)
{
    struct gnttab_copy c = {.flags = byte() & 3};

    c.source = any_side(c.flags & GNTCOPY_source_gref);
    c.dest = any_side(c.flags & GNTCOPY_dest_gref);
    c.len = (uint16_t)(byte() << 5);
    call(GNTTABOP_copy, &c);
}

static void swap(void)
{
    struct gnttab_swap_grant_ref s = {.ref_a = byte() % 9, .ref_b = byte()};

    call(GNTTABOP_swap_grant_ref, &s);
}

/* A guest's own store: the entry goes, the handle stays. */
static void overwrite_pte(void)
{
    pte_clear(byte() & 1, byte() % NR_PTES);
}

static void change_side(void)
{
    fake_run(side[byte() & 1], 0);
}

/* Unless its grants are marked in use, nobody may show a frame. */
static void check(void)
{
    for (unsigned who = 0; who < 2; who++)
        for (unsigned i = 0; i < NR_PTES; i++)
            if (pte[who][i].frame && !pte[who][i].frame->refs)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const ops[])(void) = {write_entry,   write_entry, map,  map,
                                        unmap,         unmap,       copy, swap,
                                        overwrite_pte, change_side};

    in = data;
    in_end = data + size;
    for (unsigned who = 0; who < 2; who++) {
        side[who] = fake_domain_new((domid_t)who, 1, &gnttab_part);
        for (unsigned i = 0; i < NR_FRAMES; i++)
            page[who][i] = fake_frame_new(side[who]);
    }
    fake_run(side[0], 0);
    while (in < in_end) {
        ops[byte() % ARRAY_SIZE(ops)]();
        check();
    }
    for (unsigned who = 0; who < 2; who++)
        for (unsigned i = 0; i < NR_PTES; i++)
            pte_clear(who, i);
    fake_run(side[0], 0);
    assert_int_equal(gnttab_part.kill(side[0]), 0);
    assert_int_equal(gnttab_part.kill(side[1]), 0);
    for (unsigned who = 0; who < 2; who++) {
        assert_int_equal(gnttab_nr_maps(side[who]), 0);
        for (unsigned i = 0; i < NR_FRAMES; i++)
            fake_frame_free(page[who][i]);
        fake_domain_free(side[who], &gnttab_part);
    }
    fake_check_empty();
    return 0;
}
