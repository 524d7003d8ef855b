/* Grant tables; page tables are a list of what is mapped. */
#include "guest-world.h"

#include "grant/gnttab.h"
#include "hypercall/handlers.h"

static struct domain *backend, *guest; /* guest grants, backend uses */
static struct frame *page;             /* of guest */

/* The backend's fake page tables: address i holds frame ptes[i]. */
static struct frame *ptes[32];
static unsigned nr_flushes;
static bool flushed_before_release;

int gnttab_pte_map(struct domain *d, struct domain *owner, uint64_t host_addr,
                   struct frame *frame, uint32_t map_flags)
{
    (void)d;
    (void)map_flags;
    assert_int_equal(frame->owner, owner->id);
    if (host_addr >= ARRAY_SIZE(ptes) || ptes[host_addr])
        return GNTST_bad_virt_addr;
    ptes[host_addr] = frame;
    return GNTST_okay;
}

int gnttab_pte_unmap(struct domain *d, uint64_t host_addr, struct frame *frame,
                     uint32_t map_flags, uint64_t new_host_addr)
{
    (void)d;
    assert_int_equal(map_flags & ~31u, 0);
    if (host_addr >= ARRAY_SIZE(ptes) || ptes[host_addr] != frame)
        return GNTST_bad_virt_addr;
    ptes[host_addr] = new_host_addr ? ptes[new_host_addr] : NULL;
    return GNTST_okay;
}

static struct grant_entry_v1 *entry(unsigned ref);

void gnttab_flush(struct domain *d)
{
    (void)d;
    nr_flushes++;
    flushed_before_release = entry(8)->flags & GTF_reading;
}

static struct grant_entry_v1 *entry(unsigned ref)
{
    mfn_t m;

    assert_int_equal(gnttab_get_frame(guest, ref / 512, &m), 0);
    return (struct grant_entry_v1 *)mfn_to_virt(m) + ref % 512;
}

static void grant(unsigned ref, domid_t to, struct frame *f, uint16_t flags)
{
    entry(ref)->frame = (uint32_t)frame_mfn(f).n;
    entry(ref)->domid = to;
    entry(ref)->flags = GTF_permit_access | flags;
}

static int setup(void **state)
{
    (void)state;
    memset(ptes, 0, sizeof(ptes));
    nr_flushes = 0;
    fake_should_yield = false;
    backend = fake_domain_new(0, 1, &gnttab_part);
    guest = fake_domain_new(1, 1, &gnttab_part);
    page = fake_frame_new(guest);
    grant(8, 0, page, 0);
    grant(9, 0, page, GTF_readonly);
    fake_run(backend, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_domain_free(backend, &gnttab_part);
    assert_int_equal(gnttab_nr_maps(guest), 0);
    assert_int_equal(entry(8)->flags & (GTF_reading | GTF_writing), 0);
    fake_frame_free(page);
    fake_domain_free(guest, &gnttab_part);
    fake_check_empty();
    return 0;
}

static long op_n(unsigned cmd, void *arg, uint64_t nr)
{
    struct hc_args args = {{cmd, (uintptr_t)arg, nr}};

    return hc_grant_table_op(&args);
}

static struct gnttab_map_grant_ref map(unsigned ref, uint64_t at,
                                       uint32_t flags)
{
    struct gnttab_map_grant_ref m = {
        .host_addr = at, .flags = flags, .ref = ref, .dom = 1};

    assert_int_equal(op_n(GNTTABOP_map_grant_ref, &m, 1), 0);
    return m;
}

static int16_t unmap(uint32_t handle, uint64_t at, uint64_t bus)
{
    struct gnttab_unmap_grant_ref u = {
        .handle = handle, .host_addr = at, .dev_bus_addr = bus};

    assert_int_equal(op_n(GNTTABOP_unmap_grant_ref, &u, 1), 0);
    return u.status;
}

#define RW GNTMAP_host_map
#define RO (GNTMAP_host_map | GNTMAP_readonly)

/* Mapping marks the entry as in use, unmapping as free, after a flush. */
static void test_map_and_unmap(void **state)
{
    struct gnttab_map_grant_ref m = map(8, 1, RW);

    (void)state;
    assert_int_equal(m.status, GNTST_okay);
    assert_ptr_equal(ptes[1], page);
    assert_int_equal(m.dev_bus_addr, frame_mfn(page).n << 12);
    assert_int_equal(entry(8)->flags,
                     GTF_permit_access | GTF_reading | GTF_writing);
    assert_int_equal(gnttab_nr_maps(backend), 1);
    assert_int_equal(page->type, 1);

    assert_int_equal(unmap(m.handle, 1, 0), GNTST_okay);
    assert_null(ptes[1]);
    assert_int_equal(entry(8)->flags, GTF_permit_access);
    assert_true(flushed_before_release);
    assert_int_equal(nr_flushes, 1);
    assert_int_equal(page->type, 0);
    assert_int_equal(gnttab_nr_maps(backend), 0);
}

/* A read-only grant can be mapped read-only, and only so. */
static void test_map_of_readonly_grant_refuses_write(void **state)
{
    struct gnttab_map_grant_ref m;

    (void)state;
    assert_int_equal(map(9, 1, RW).status, GNTST_general_error);
    assert_int_equal(entry(9)->flags, GTF_permit_access | GTF_readonly);
    m = map(9, 1, RO);
    assert_int_equal(m.status, GNTST_okay);
    assert_int_equal(page->type, 0);
    assert_int_equal(entry(9)->flags & GTF_writing, 0);
    assert_int_equal(map(9, 2, RW).status, GNTST_general_error);
    assert_int_equal(entry(9)->flags & GTF_writing, 0);
    assert_int_equal(unmap(m.handle, 1, 0), GNTST_okay);
}

/* What is not granted, to somebody else, or of another kind: refused. */
static void test_bad_grants_are_refused(void **state)
{
    struct gnttab_map_grant_ref m = {.flags = RW, .ref = 8, .dom = 7};
    struct frame *foreign = fake_frame_new(backend);
    struct frame *table = fake_frame_new(guest);

    (void)state;
    assert_int_equal(op_n(GNTTABOP_map_grant_ref, &m, 1), 0);
    assert_int_equal(m.status, GNTST_bad_domain);
    assert_int_equal(map(8, 1, GNTMAP_readonly).status, GNTST_bad_gntref);
    assert_int_equal(map(512, 1, RW).status, GNTST_bad_gntref);
    assert_int_equal(map(~0u, 1, RW).status, GNTST_bad_gntref);
    assert_int_equal(map(100, 1, RW).status, GNTST_general_error);
    grant(10, 2, page, 0);
    assert_int_equal(map(10, 1, RW).status, GNTST_general_error);
    grant(10, 0, foreign, 0); /* not the granter's frame */
    assert_int_equal(map(10, 1, RW).status, GNTST_general_error);
    assert_int_equal(entry(10)->flags, GTF_permit_access);
    entry(10)->frame = ~0u;
    assert_int_equal(map(10, 1, RW).status, GNTST_general_error);
    fake_frame_make_table(table);
    grant(10, 0, table, 0);
    assert_int_equal(map(10, 1, RW).status, GNTST_general_error);
    entry(10)->flags = GTF_accept_transfer;
    assert_int_equal(map(10, 1, RW).status, GNTST_general_error);
    entry(10)->flags = GTF_permit_access | GTF_sub_page;
    assert_int_equal(map(10, 1, RW).status, GNTST_general_error);
    assert_int_equal(map(8, 99, RW).status, GNTST_bad_virt_addr);
    assert_int_equal(entry(8)->flags, GTF_permit_access);
    assert_int_equal(gnttab_nr_maps(backend), 0);
    table->type = 0;
    fake_frame_free(table);
    fake_frame_free(foreign);
}

/* A guest cannot grant its own grant table: we own that page. */
static void test_our_pages_cannot_be_granted(void **state)
{
    mfn_t m;

    (void)state;
    assert_int_equal(gnttab_get_frame(guest, 0, &m), 0);
    grant(10, 0, frame_of(m), 0);
    assert_int_equal(map(10, 1, RO).status, GNTST_general_error);
}

/* Handles: only live ones, only where they are mapped, only once. */
static void test_unmap_bad_handle(void **state)
{
    struct gnttab_map_grant_ref m = map(8, 1, RW);

    (void)state;
    assert_int_equal(unmap(m.handle + 1, 1, 0), GNTST_bad_handle);
    assert_int_equal(unmap(12345, 1, 0), GNTST_bad_handle);
    assert_int_equal(unmap(~0u, 1, 0), GNTST_bad_handle);
    assert_int_equal(unmap(m.handle, 2, 0), GNTST_bad_virt_addr);
    assert_true(entry(8)->flags & GTF_writing);
    assert_int_equal(unmap(m.handle, 1, 0), GNTST_okay);
    assert_int_equal(unmap(m.handle, 1, 0), GNTST_bad_handle);
}

/* While it is in use the guest's entry does not matter any more. */
static void test_entry_changed_while_mapped(void **state)
{
    struct gnttab_map_grant_ref m = map(8, 1, RW), n;
    struct frame *other = fake_frame_new(guest);

    (void)state;
    entry(8)->frame = (uint32_t)frame_mfn(other).n;
    n = map(8, 2, RW);
    assert_int_equal(n.status, GNTST_okay);
    assert_ptr_equal(ptes[2], page);
    entry(8)->flags = 0;
    entry(8)->domid = 5;
    assert_int_equal(unmap(m.handle, 1, 0), GNTST_okay);
    assert_int_equal(unmap(n.handle, 2, 0), GNTST_okay);
    assert_int_equal(other->refs, FRAME_ALLOCATED + 1);
    fake_frame_free(other);
}

/* A grant in use by one domain is not another's, whatever the entry says. */
static void test_grant_in_use_has_one_user(void **state)
{
    struct gnttab_map_grant_ref m = map(8, 1, RW);

    (void)state;
    fake_run(guest, 0);
    assert_int_equal(map(8, 2, RW).status, GNTST_general_error);
    entry(8)->domid = 1;
    assert_int_equal(map(8, 2, RO).status, GNTST_general_error);
    fake_run(backend, 0);
    assert_int_equal(unmap(m.handle, 1, 0), GNTST_okay);
}

/* Readers and writers of one grant are counted apart. */
static void test_reading_outlives_writing(void **state)
{
    struct gnttab_map_grant_ref r = map(8, 1, RO), w = map(8, 2, RW);

    (void)state;
    assert_int_equal(unmap(w.handle, 2, 0), GNTST_okay);
    assert_int_equal(entry(8)->flags, GTF_permit_access | GTF_reading);
    assert_int_equal(unmap(r.handle, 1, 0), GNTST_okay);
    assert_int_equal(entry(8)->flags, GTF_permit_access);
}

/* A mapping for both device and CPU goes when both are undone. */
static void test_device_and_host_map(void **state)
{
    struct gnttab_map_grant_ref m = map(8, 1, RW | GNTMAP_device_map);

    (void)state;
    assert_int_equal(unmap(m.handle, 0, m.dev_bus_addr + 4096),
                     GNTST_bad_dev_addr);
    assert_int_equal(unmap(m.handle, 1, 0), GNTST_okay);
    assert_true(entry(8)->flags & GTF_writing);
    assert_int_equal(unmap(m.handle, 0, m.dev_bus_addr), GNTST_okay);
    assert_int_equal(entry(8)->flags, GTF_permit_access);
    assert_int_equal(unmap(m.handle, 0, m.dev_bus_addr), GNTST_bad_handle);
}

/* One maptrack page was allowed, then there is no space. */
static void test_handles_are_limited(void **state)
{
    unsigned n = 0;

    (void)state;
    for (;;) {
        struct gnttab_map_grant_ref m;

        grant(16 + n, 0, page, 0);
        m = map(16 + n, 0, GNTMAP_device_map);
        if (m.status != GNTST_okay) {
            assert_int_equal(m.status, GNTST_no_space);
            break;
        }
        assert_int_equal(m.handle, n);
        n++;
    }
    assert_int_equal(n, 256);
    assert_int_equal(gnttab_nr_maps(backend), 256);
    /* teardown kills the mapper, which must let go of them all */
}

/* A count of one grant's users cannot wrap. */
static void test_pins_do_not_overflow(void **state)
{
    unsigned n = 0;

    (void)state;
    while (map(8, 0, GNTMAP_device_map).status == GNTST_okay)
        n++;
    assert_int_equal(n, 255);
}

/* Unmapping in a batch flushes once for many. */
static void test_unmap_batch_flushes_once(void **state)
{
    struct gnttab_unmap_grant_ref u[10];

    (void)state;
    for (unsigned i = 0; i < 10; i++)
        u[i] = (struct gnttab_unmap_grant_ref){.handle = map(8, i, RW).handle,
                                               .host_addr = i};
    u[0].handle = 77; /* address 0 is "none" besides */
    assert_int_equal(op_n(GNTTABOP_unmap_grant_ref, u, 10), 0);
    assert_int_equal(nr_flushes, 1);
    assert_int_equal(u[0].status, GNTST_bad_handle);
    for (unsigned i = 1; i < 10; i++)
        assert_int_equal(u[i].status, GNTST_okay);
}

/* unmap_and_replace puts another page's entry in place of the grant's. */
static void test_unmap_and_replace(void **state)
{
    struct gnttab_map_grant_ref m = map(8, 1, RW);
    struct gnttab_unmap_and_replace u = {
        .handle = m.handle, .host_addr = 1, .new_addr = 3};
    struct frame *mine = fake_frame_new(backend);

    (void)state;
    ptes[3] = mine;
    assert_int_equal(op_n(GNTTABOP_unmap_and_replace, &u, 1), 0);
    assert_int_equal(u.status, GNTST_okay);
    assert_ptr_equal(ptes[1], mine);
    assert_int_equal(entry(8)->flags, GTF_permit_access);
    fake_frame_free(mine);
}

/* A long batch gives way and goes on where it stopped. */
static void test_long_batch_restarts(void **state)
{
    struct gnttab_map_grant_ref m[3] = {
        {.flags = RW, .ref = 8, .dom = 1, .host_addr = 1},
        {.flags = RW, .ref = 8, .dom = 1, .host_addr = 2},
        {.flags = RW, .ref = 8, .dom = 1, .host_addr = 3},
    };
    struct hc_args args = {{GNTTABOP_map_grant_ref, (uintptr_t)m, 3}};

    (void)state;
    fake_should_yield = true;
    assert_int_equal(hc_grant_table_op(&args), -ERESTART);
    assert_int_equal(args.arg[2], 2);
    assert_int_equal(args.arg[1], (uintptr_t)&m[1]);
    assert_int_equal(hc_grant_table_op(&args), -ERESTART);
    assert_int_equal(hc_grant_table_op(&args), 0);
    assert_ptr_equal(ptes[3], page);
    assert_int_equal(gnttab_nr_maps(backend), 3);
}

/* --- Copy ------------------------------------------------------------------
 */

static int16_t copy(struct gnttab_copy c)
{
    assert_int_equal(op_n(GNTTABOP_copy, &c, 1), 0);
    return c.status;
}

static struct gnttab_copy from_grant(unsigned ref, struct frame *to)
{
    return (struct gnttab_copy){
        .source = {.u.ref = ref, .domid = 1},
        .dest = {.u.gmfn = frame_mfn(to).n, .domid = DOMID_SELF},
        .len = 100,
        .flags = GNTCOPY_source_gref,
    };
}

/* Bytes move between a granted page and the caller's own, both ways. */
static void test_copy(void **state)
{
    struct frame *mine = fake_frame_new(backend);
    struct gnttab_copy c = from_grant(9, mine);
    char *there = frame_virt(page), *here = frame_virt(mine);

    (void)state;
    memset(there + 50, 'x', 100);
    c.source.offset = 50;
    c.dest.offset = 3996;
    assert_int_equal(copy(c), GNTST_okay);
    assert_int_equal(here[3995], 0);
    assert_int_equal(here[3996], 'x');
    assert_int_equal(here[4095], 'x');
    assert_int_equal(entry(9)->flags, GTF_permit_access | GTF_readonly);

    c = (struct gnttab_copy){
        .source = {.u.gmfn = frame_mfn(mine).n, .domid = DOMID_SELF},
        .dest = {.u.ref = 8, .domid = 1},
        .len = 4096,
        .flags = GNTCOPY_dest_gref,
    };
    assert_int_equal(copy(c), GNTST_okay);
    assert_memory_equal(here, there, 4096);
    c.dest.u.ref = 9; /* read-only */
    assert_int_equal(copy(c), GNTST_general_error);
    fake_frame_free(mine);
}

/* Neither side may cross its page. */
static void test_copy_crossing_page_refused(void **state)
{
    struct frame *mine = fake_frame_new(backend);
    struct gnttab_copy c = from_grant(8, mine);

    (void)state;
    c.source.offset = 3997;
    assert_int_equal(copy(c), GNTST_bad_copy_arg);
    c.source.offset = 0;
    c.dest.offset = 3997;
    assert_int_equal(copy(c), GNTST_bad_copy_arg);
    c.dest.offset = 65535;
    c.len = 65535;
    assert_int_equal(copy(c), GNTST_bad_copy_arg);
    c.dest.offset = 0;
    c.len = 4097;
    assert_int_equal(copy(c), GNTST_bad_copy_arg);
    fake_frame_free(mine);
}

/* Frames by number: one's own, and no page table to write to. */
static void test_copy_checks_frames(void **state)
{
    struct frame *mine = fake_frame_new(backend);
    struct gnttab_copy c = from_grant(8, mine);

    (void)state;
    c.dest.domid = 1;
    assert_int_equal(copy(c), GNTST_permission_denied);
    c.dest.domid = DOMID_SELF;
    c.dest.u.gmfn = frame_mfn(page).n;
    assert_int_equal(copy(c), GNTST_bad_page);
    c.dest.u.gmfn = ~0ull;
    assert_int_equal(copy(c), GNTST_bad_page);
    c.dest.u.gmfn = frame_mfn(mine).n;
    fake_frame_make_table(mine);
    assert_int_equal(copy(c), GNTST_bad_page);
    mine->type = 0;
    c.source.domid = 9;
    assert_int_equal(copy(c), GNTST_bad_domain);
    assert_int_equal(entry(8)->flags, GTF_permit_access);
    fake_frame_free(mine);
}

/* --- Settings --------------------------------------------------------------
 */

/* The table grows on demand to its limit; others' need privilege. */
static void test_setup_and_query(void **state)
{
    xen_pfn_t list[4] = {0};
    struct gnttab_setup_table s = {.dom = 1, .nr_frames = 4};
    struct gnttab_query_size q = {.dom = DOMID_SELF};

    (void)state;
    s.frame_list.p = list;
    assert_int_equal(op_n(GNTTABOP_query_size, &q, 1), 0);
    assert_int_equal(q.status, GNTST_okay);
    assert_int_equal(q.nr_frames, 1);
    assert_int_equal(q.max_nr_frames, 4);
    assert_int_equal(op_n(GNTTABOP_setup_table, &s, 1), 0);
    assert_int_equal(s.status, GNTST_okay);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(frame_of(mfn(list[i]))->owner, 1);
        assert_true(frame_of(mfn(list[i]))->flags & FRAME_SHARED);
    }
    s.nr_frames = 5;
    assert_int_equal(op_n(GNTTABOP_setup_table, &s, 1), 0);
    assert_int_equal(s.status, GNTST_general_error);
    assert_int_equal(op_n(GNTTABOP_setup_table, &s, 2), -EINVAL);
    s.frame_list.p = NULL;
    s.nr_frames = 1;
    assert_int_equal(op_n(GNTTABOP_setup_table, &s, 1), -EFAULT);

    fake_run(guest, 0);
    s.dom = 0;
    assert_int_equal(op_n(GNTTABOP_setup_table, &s, 1), 0);
    assert_int_equal(s.status, GNTST_permission_denied);
    q.dom = 9;
    assert_int_equal(op_n(GNTTABOP_query_size, &q, 1), 0);
    assert_int_equal(q.status, GNTST_bad_domain);
}

/* Version 1 is what there is. */
static void test_versions(void **state)
{
    struct gnttab_set_version v = {.version = 1};
    struct gnttab_get_version g = {.dom = 1};

    (void)state;
    assert_int_equal(op_n(GNTTABOP_set_version, &v, 1), 0);
    v.version = 2;
    assert_int_equal(op_n(GNTTABOP_set_version, &v, 1), -ENOSYS);
    assert_int_equal(v.version, 1);
    v.version = 3;
    assert_int_equal(op_n(GNTTABOP_set_version, &v, 1), -EINVAL);
    assert_int_equal(op_n(GNTTABOP_get_version, &g, 1), 0);
    assert_int_equal(g.version, 1);
    fake_run(guest, 0);
    g.dom = 0;
    assert_int_equal(op_n(GNTTABOP_get_version, &g, 1), -EPERM);
    assert_int_equal(op_n(GNTTABOP_cache_flush, &g, 1), -EOPNOTSUPP);
    assert_int_equal(op_n(GNTTABOP_transfer, &g, 1), -ENOSYS);
    assert_int_equal(op_n(GNTTABOP_copy, &g, 1ull << 31), -EINVAL);
}

/* Entries swap unless one is in use. */
static void test_swap(void **state)
{
    struct gnttab_swap_grant_ref s = {.ref_a = 8, .ref_b = 20};
    struct gnttab_map_grant_ref m;

    (void)state;
    fake_run(guest, 0);
    assert_int_equal(op_n(GNTTABOP_swap_grant_ref, &s, 1), 0);
    assert_int_equal(s.status, GNTST_okay);
    assert_int_equal(entry(20)->frame, frame_mfn(page).n);
    assert_int_equal(entry(8)->flags, 0);
    fake_run(backend, 0);
    m = map(20, 1, RW);
    fake_run(guest, 0);
    assert_int_equal(op_n(GNTTABOP_swap_grant_ref, &s, 1), 0);
    assert_int_equal(s.status, GNTST_eagain);
    s.ref_b = 512;
    assert_int_equal(op_n(GNTTABOP_swap_grant_ref, &s, 1), 0);
    assert_int_equal(s.status, GNTST_bad_gntref);
    fake_run(backend, 0);
    assert_int_equal(unmap(m.handle, 1, 0), GNTST_okay);
}

/* A killed mapper gives all grants back, in pieces if it must. */
static void test_kill_of_mapper_releases(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(map(8, 0, GNTMAP_device_map).status, GNTST_okay);
    fake_should_yield = true;
    assert_int_equal(gnttab_part.kill(backend), -ERESTART);
    fake_should_yield = false;
    assert_int_equal(gnttab_part.kill(backend), 0);
    assert_int_equal(entry(8)->flags, GTF_permit_access);
    assert_int_equal(page->refs, FRAME_ALLOCATED + 1);
    assert_int_equal(gnttab_nr_maps(backend), 0);
}

/* A killed granter keeps its frame while it is mapped; no new mappings. */
static void test_kill_of_granter_leaves_mappings(void **state)
{
    struct gnttab_map_grant_ref m = map(8, 1, RW);

    (void)state;
    guest->dying = DOMAIN_DYING;
    assert_int_equal(gnttab_part.kill(guest), 0);
    assert_int_equal(page->refs, FRAME_ALLOCATED + 2);
    assert_int_equal(map(8, 2, RW).status, GNTST_general_error);
    assert_int_equal(unmap(m.handle, 1, 0), GNTST_okay);
    assert_int_equal(page->refs, FRAME_ALLOCATED + 1);
}

/* Whatever allocation fails, nothing is left behind. */
static void test_out_of_memory_at_creation(void **state)
{
    struct domain d = {.id = 5, .max_grant_frames = 4};

    (void)state;
    for (int i = 0; i < 5; i++) {
        fake_alloc_fails_after = i;
        assert_int_equal(gnttab_part.init(&d), -ENOMEM);
        assert_null(d.gnttab);
    }
    fake_alloc_fails_after = -1;
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_map_and_unmap),
        T(test_map_of_readonly_grant_refuses_write),
        T(test_bad_grants_are_refused),
        T(test_our_pages_cannot_be_granted),
        T(test_unmap_bad_handle),
        T(test_entry_changed_while_mapped),
        T(test_grant_in_use_has_one_user),
        T(test_reading_outlives_writing),
        T(test_device_and_host_map),
        T(test_handles_are_limited),
        T(test_pins_do_not_overflow),
        T(test_unmap_batch_flushes_once),
        T(test_unmap_and_replace),
        T(test_long_batch_restarts),
        T(test_copy),
        T(test_copy_crossing_page_refused),
        T(test_copy_checks_frames),
        T(test_setup_and_query),
        T(test_versions),
        T(test_swap),
        T(test_kill_of_mapper_releases),
        T(test_kill_of_granter_leaves_mappings),
        T(test_out_of_memory_at_creation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
