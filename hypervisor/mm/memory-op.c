/*
 * memory_op: what domains have of memory, and how they get and return it.
 * The upper bits of the command say at which extent a long call goes on.
 */
#include "mm/alloc.h"
#include "mm/frametype.h"
#include "mm/guestcopy.h"
#include "mm/internal.h"

#include "boot/boot.h"
#include "domain/domain.h"
#include "grant/gnttab.h"
#include "hypercall/handlers.h"

#include <xen/memory.h>

#define MEMOP_SHIFT     6
#define MEMOP_CMD       ((1u << MEMOP_SHIFT) - 1)
#define MAX_EXTENTS     (~0ul >> MEMOP_SHIFT)
#define MAX_ORDER_GUEST 9 /* 2 MiB */
#define MAX_ORDER_TOOLS 10
#define MAX_GUEST_E820  128

static unsigned max_order(void)
{
    return policy_is_privileged(current->domain) ? MAX_ORDER_TOOLS
                                                 : MAX_ORDER_GUEST;
}

/* The caller itself, or for privileged callers anybody; with a reference. */
static int target_get(domid_t id, struct domain **d)
{
    struct domain *self = current->domain;

    if (id == DOMID_SELF || id == self->id) {
        *d = domain_ref(self);
        return 0;
    }
    if (!policy_is_privileged(self))
        return -EPERM;
    *d = id < DOMID_FIRST_RESERVED ? domain_get(id) : NULL;
    return *d ? 0 : -ESRCH;
}

/*
 * New frames are d's from the moment they are allocated, and its other vCPUs
 * may guess their numbers and give them back at once: hold one to touch it.
 */
static void m2p_assign(struct domain *d, uint64_t n, uint64_t pfn)
{
    struct frame *f = frame_get(mfn(n), d);

    if (!f)
        return;
    m2p_set(mfn(n), pfn);
    frame_put(f);
}

static void give_back(struct domain *d, uint64_t n)
{
    struct frame *f = frame_get(mfn(n), d);

    if (!f)
        return;
    frame_release(f, d);
    frame_put(f);
}

/* ---- increase, decrease, populate ---- */

typedef bool (*extent_fn)(struct domain *d, const xen_memory_reservation_t *r,
                          uint64_t i);

static bool extent_alloc(struct domain *d, const xen_memory_reservation_t *r,
                         uint64_t i, uint64_t first_pfn)
{
    unsigned bits = XENMEMF_get_address_bits(r->mem_flags);
    struct frame *f = frame_alloc_domain(d, r->extent_order, bits);
    uint64_t n;

    if (!f)
        return false;
    n = frame_mfn(f).n;
    if (first_pfn != INVALID_M2P) {
        for (uint64_t k = 0; k < 1ull << r->extent_order; k++)
            m2p_assign(d, n + k, first_pfn + k);
    }
    return !r->extent_start.p ||
           !copy_array_to_guest(r->extent_start, i, &n, 1);
}

static bool extent_increase(struct domain *d, const xen_memory_reservation_t *r,
                            uint64_t i)
{
    return extent_alloc(d, r, i, INVALID_M2P);
}

static bool extent_populate(struct domain *d, const xen_memory_reservation_t *r,
                            uint64_t i)
{
    uint64_t pfn;

    if (copy_array_from_guest(&pfn, r->extent_start, i, 1))
        return false;
    return extent_alloc(d, r, i, pfn);
}

static bool extent_decrease(struct domain *d, const xen_memory_reservation_t *r,
                            uint64_t i)
{
    uint64_t n;

    if (copy_array_from_guest(&n, r->extent_start, i, 1))
        return false;
    for (uint64_t k = 0; k < 1ull << r->extent_order; k++) {
        struct frame *f = frame_get(mfn(n + k), d);
        bool released;

        if (!f)
            return false;
        if ((f->flags & FRAME_SHARED) || !(f->refs & FRAME_ALLOCATED)) {
            frame_put(f);
            return false;
        }
        m2p_set(frame_mfn(f), INVALID_M2P);
        released = frame_release(f, d);
        frame_put(f);
        if (!released) /* another vCPU was quicker */
            return false;
    }
    return true;
}

static long reservation_op(struct hc_args *a, extent_fn fn)
{
    uint64_t i = a->arg[0] >> MEMOP_SHIFT;
    xen_memory_reservation_t r;
    struct domain *d;
    long rc;

    /* By the ABI these calls have no errors, only extents not done. */
    if (copy_from_guest(&r, (const void *)a->arg[1], sizeof(r)) ||
        r.nr_extents > MAX_EXTENTS || i >= r.nr_extents ||
        r.extent_order > max_order())
        return (long)i;
    if (!r.extent_start.p && fn != extent_increase)
        return (long)i;
    rc = target_get(r.domid, &d);
    if (rc)
        return i ? (long)i : rc;
    rc = 0;
    for (uint64_t first = i; i < r.nr_extents; i++) {
        if (i != first && hypercall_should_yield()) {
            a->arg[0] = (a->arg[0] & MEMOP_CMD) | i << MEMOP_SHIFT;
            rc = -ERESTART;
            break;
        }
        if (!fn(d, &r, i))
            break;
    }
    domain_put(d);
    return rc ? rc : (long)i;
}

/* ---- exchange ---- */

/* One unit of exchange: as many frames as the larger of the two orders. */
struct exchange {
    struct domain *d;
    xen_memory_exchange_t *x;
    unsigned order; /* of the unit */
    uint64_t first; /* its first frame, counted over all extents */
    uint32_t *in;   /* frames taken from the caller */
    uint32_t *out;  /* first frames of the new extents */
    uint64_t *pfn;  /* where the caller wants them */
};

static bool exchange_take(struct exchange *e, uint64_t nr)
{
    unsigned order = e->x->in.extent_order;
    uint64_t i, n = 0;

    for (i = 0; i < nr; i++) {
        uint64_t k = i & ((1ull << order) - 1);
        struct frame *f;

        if (!k && copy_array_from_guest(&n, e->x->in.extent_start,
                                        (e->first + i) >> order, 1))
            break;
        f = frame_get(mfn(n + k), e->d);
        if (!f)
            break;
        if (frame_steal(f)) {
            frame_put(f);
            break;
        }
        e->in[i] = (uint32_t)(n + k);
    }
    if (i == nr)
        return true;
    while (i-- > 0)
        frame_unsteal(frame_of(mfn(e->in[i])));
    return false;
}

static int exchange_fill(struct exchange *e, uint64_t nr)
{
    unsigned order = e->x->out.extent_order;
    unsigned bits = XENMEMF_get_address_bits(e->x->out.mem_flags);
    int rc = 0;
    uint64_t i;

    for (i = 0; i < nr; i++) {
        struct frame *f;

        rc = -EFAULT;
        if (copy_array_from_guest(&e->pfn[i], e->x->out.extent_start,
                                  (e->first >> order) + i, 1))
            break;
        rc = -ENOMEM;
        f = frame_alloc_exchange(e->d, order, bits);
        if (!f)
            break;
        e->out[i] = (uint32_t)frame_mfn(f).n;
        rc = 0;
    }
    for (; rc && i-- > 0;) {
        for (uint64_t k = 0; k < 1ull << order; k++)
            give_back(e->d, e->out[i] + k);
    }
    return rc;
}

static int exchange_unit(struct exchange *e)
{
    uint64_t nr_in = 1ull << e->order;
    unsigned order = e->x->out.extent_order;
    uint64_t nr_out = 1ull << (e->order - order);
    int rc;

    if (!exchange_take(e, nr_in))
        return -EINVAL;
    rc = exchange_fill(e, nr_out);
    if (rc) {
        for (uint64_t i = 0; i < nr_in; i++)
            frame_unsteal(frame_of(mfn(e->in[i])));
        return rc;
    }
    for (uint64_t i = 0; i < nr_in; i++)
        frame_free_stolen(frame_of(mfn(e->in[i])));
    for (uint64_t i = 0; i < nr_out; i++) {
        uint64_t n = e->out[i];

        for (uint64_t k = 0; k < 1ull << order; k++)
            m2p_assign(e->d, n + k, e->pfn[i] + k);
        if (copy_array_to_guest(e->x->out.extent_start, (e->first >> order) + i,
                                &n, 1))
            rc = -EFAULT;
    }
    return rc;
}

static int exchange_check(const xen_memory_exchange_t *x)
{
    unsigned order = MAX(x->in.extent_order, x->out.extent_order);

    if (order > max_order())
        return -EPERM;
    if (x->in.domid != x->out.domid || x->in.nr_extents > MAX_EXTENTS ||
        x->out.nr_extents > MAX_EXTENTS || x->nr_exchanged > x->in.nr_extents ||
        !x->in.extent_start.p || !x->out.extent_start.p)
        return -EINVAL;
    /* Both sizes are the same number of whole units; no shift overflows:
       extents fit in 58 bits, orders are small, and we compare both ways. */
    if (x->in.nr_extents >> (order - x->in.extent_order) !=
            x->out.nr_extents >> (order - x->out.extent_order) ||
        x->in.nr_extents & ((1ul << (order - x->in.extent_order)) - 1) ||
        x->out.nr_extents & ((1ul << (order - x->out.extent_order)) - 1))
        return -EINVAL;
    return 0;
}

static long exchange_run(struct hc_args *a, struct exchange *e)
{
    xen_memory_exchange_t *x = e->x;
    uint64_t unit = a->arg[0] >> MEMOP_SHIFT, nr_units;
    unsigned extents_shift;
    long rc = 0;

    e->order = MAX(x->in.extent_order, x->out.extent_order);
    extents_shift = e->order - x->in.extent_order;
    nr_units = x->in.nr_extents >> extents_shift;
    for (uint64_t first = unit; unit < nr_units; unit++) {
        /* A large unit takes what a call may take. */
        if (unit != first && (e->order > 6 || hypercall_should_yield())) {
            a->arg[0] = (a->arg[0] & MEMOP_CMD) | unit << MEMOP_SHIFT;
            rc = -ERESTART;
            break;
        }
        e->first = unit << e->order;
        rc = exchange_unit(e);
        if (rc)
            break;
    }
    x->nr_exchanged = MIN(unit, nr_units) << extents_shift;
    return rc;
}

/*
 * Only one's own memory: the caller runs, so it cannot die under our hands
 * while some of its frames are out of circulation.
 */
static long op_exchange(struct hc_args *a)
{
    struct domain *d = current->domain;
    xen_memory_exchange_t x, *guest = (void *)a->arg[1];
    struct exchange e = {.d = d, .x = &x};
    uint8_t *scratch;
    long rc;

    if (copy_from_guest(&x, guest, sizeof(x)))
        return -EFAULT;
    rc = exchange_check(&x);
    if (rc)
        return rc;
    if (x.in.domid != DOMID_SELF && x.in.domid != d->id)
        return -EPERM;
    scratch = mem_alloc((sizeof(*e.in) + sizeof(*e.out) + sizeof(*e.pfn))
                        << MAX_ORDER_TOOLS);
    if (!scratch)
        return -ENOMEM;
    e.pfn = (uint64_t *)scratch;
    e.in = (uint32_t *)(e.pfn + (1u << MAX_ORDER_TOOLS));
    e.out = e.in + (1u << MAX_ORDER_TOOLS);
    rc = exchange_run(a, &e);
    mem_free(scratch);
    if (copy_to_guest(&guest->nr_exchanged, &x.nr_exchanged,
                      sizeof(x.nr_exchanged)))
        return -EFAULT;
    return rc;
}

/* ---- questions ---- */

static long op_reservation(unsigned cmd, const void *guest)
{
    struct domain *d;
    domid_t id;
    long rc;

    if (copy_from_guest(&id, guest, sizeof(id)))
        return -EFAULT;
    rc = target_get(id, &d);
    if (rc)
        return rc;
    if (cmd == XENMEM_current_reservation)
        rc = (long)d->tot_pages;
    else if (cmd == XENMEM_maximum_reservation)
        rc = (long)d->max_pages;
    else
        rc = d->shared ? (long)READ_ONCE(d->shared->arch.max_pfn) - 1 : -EINVAL;
    domain_put(d);
    return rc;
}

static long op_machphys_mapping(void *guest)
{
    struct xen_machphys_mapping m = {
        .v_start = M2P_RO_START,
        .v_end = M2P_RO_START + (1ul << 38),
    };

    m.max_mfn = policy_is_privileged(current->domain)
                    ? max_mfn - 1
                    : (m.v_end - m.v_start) / sizeof(uint64_t) - 1;
    return copy_to_guest(guest, &m, sizeof(m)) ? -EFAULT : 0;
}

/* The first frame of each 2 MiB of the M2P. */
static long op_machphys_mfn_list(void *guest)
{
    struct xen_machphys_mfn_list list;
    uint64_t bytes = max_mfn * sizeof(uint64_t), last = 0;
    unsigned i;

    if (!policy_is_privileged(current->domain))
        return -EPERM;
    if (copy_from_guest(&list, guest, sizeof(list)))
        return -EFAULT;
    frame_expose_m2p();
    for (i = 0; i < list.max_extents && (uint64_t)i << 21 < bytes; i++) {
        mfn_t m = frame_of_m2p((uint64_t)i << 21);

        /* A hole looks like its neighbour: the ABI has no word for it. */
        if (mfn_is_ram(m))
            last = m.n;
        if (copy_array_to_guest(list.extent_start, i, &last, 1))
            return -EFAULT;
    }
    list.nr_extents = i;
    return copy_to_guest(guest, &list, sizeof(list)) ? -EFAULT : 0;
}

/* ---- memory maps ---- */

static long op_memory_map(void *guest)
{
    struct domain *d = current->domain;
    struct xen_memory_map map;
    struct e820entry_abi e;
    unsigned i;

    if (copy_from_guest(&map, guest, sizeof(map)))
        return -EFAULT;
    if (!READ_ONCE(d->e820))
        return -ENOSYS;
    for (i = 0; i < map.nr_entries; i++) {
        bool more;

        /* The toolstack may replace the map at any time. */
        spin_lock(&d->page_lock);
        more = i < d->nr_e820;
        if (more)
            e = d->e820[i];
        spin_unlock(&d->page_lock);
        if (!more)
            break;
        if (copy_array_to(map.buffer.p, i, &e, 1, sizeof(e)))
            return -EFAULT;
    }
    map.nr_entries = i;
    return copy_to_guest(guest, &map, sizeof(map)) ? -EFAULT : 0;
}

static long op_set_memory_map(const void *guest)
{
    struct xen_foreign_memory_map fm;
    struct e820entry_abi *e820, *old;
    struct domain *d;
    size_t size;
    long rc;

    if (!policy_is_privileged(current->domain))
        return -EPERM;
    if (copy_from_guest(&fm, guest, sizeof(fm)))
        return -EFAULT;
    if (fm.map.nr_entries > MAX_GUEST_E820)
        return -EINVAL;
    rc = target_get(fm.domid, &d);
    if (rc)
        return rc;
    size = MAX(fm.map.nr_entries, 1u) * sizeof(*e820);
    e820 = mem_alloc(size);
    rc = -ENOMEM;
    if (!e820)
        goto put_domain;
    rc = -EFAULT;
    if (copy_from_guest(e820, fm.map.buffer.p,
                        fm.map.nr_entries * sizeof(*e820)))
        goto free_map;
    spin_lock(&d->page_lock);
    old = d->e820;
    d->e820 = e820;
    d->nr_e820 = fm.map.nr_entries;
    spin_unlock(&d->page_lock);
    e820 = old;
    rc = 0;
free_map:
    mem_free(e820);
put_domain:
    domain_put(d);
    return rc;
}

struct map_out {
    void *buffer;
    unsigned nr, max;
    long rc;
};

static void map_out_range(struct map_out *o, uint64_t start, uint64_t end,
                          uint32_t type)
{
    struct e820entry_abi e = {start, end - start, type};

    if (o->rc)
        return;
    if (o->nr == o->max)
        o->rc = -EINVAL;
    else if (copy_array_to(o->buffer, o->nr++, &e, 1, sizeof(e)))
        o->rc = -EFAULT;
}

/* A page of an interrupt controller that the firmware forgot to reserve. */
static void map_out_chip(struct map_out *o, uint64_t phys)
{
    for (unsigned i = 0; i < boot_info.nr_map; i++) {
        if (phys >= boot_info.map[i].start && phys < boot_info.map[i].end)
            return;
    }
    if (phys)
        map_out_range(o, phys, phys + PAGE_SIZE, E820_RESERVED);
}

static long op_machine_memory_map(void *guest)
{
    struct xen_memory_map map;
    struct map_out o;

    if (!policy_is_privileged(current->domain))
        return -EPERM;
    if (copy_from_guest(&map, guest, sizeof(map)))
        return -EFAULT;
    o = (struct map_out){.buffer = map.buffer.p, .max = map.nr_entries};
    for (unsigned i = 0; i < boot_info.nr_map; i++)
        map_out_range(&o, boot_info.map[i].start, boot_info.map[i].end,
                      boot_info.map[i].type);
    for (unsigned i = 0; i < acpi_info.nr_ioapics; i++)
        map_out_chip(&o, acpi_info.ioapic[i].phys & PAGE_MASK);
    map_out_chip(&o, acpi_info.lapic_phys & PAGE_MASK);
    if (o.rc)
        return o.rc;
    map.nr_entries = o.nr;
    return copy_to_guest(guest, &map, sizeof(map)) ? -EFAULT : 0;
}

/* ---- toolstack ---- */

static long op_claim_pages(const void *guest)
{
    xen_memory_reservation_t r;
    struct domain *d;
    long rc;

    if (!policy_is_privileged(current->domain))
        return -EPERM;
    if (copy_from_guest(&r, guest, sizeof(r)))
        return -EFAULT;
    if (r.extent_start.p || r.extent_order || r.mem_flags)
        return -EINVAL;
    rc = target_get(r.domid, &d);
    if (rc)
        return rc;
    rc = alloc_claim(d, r.nr_extents);
    domain_put(d);
    return rc;
}

static long resource_frames(struct domain *d,
                            const struct xen_mem_acquire_resource *r)
{
    for (uint32_t i = 0; i < r->nr_frames; i++) {
        uint64_t idx = r->frame + i;
        mfn_t m;
        int rc;

        if (idx < r->frame || idx >= d->max_grant_frames)
            return -EINVAL;
        rc = gnttab_get_frame(d, (unsigned)idx, &m);
        if (rc)
            return rc;
        if (copy_array_to_guest(r->frame_list, i, &m.n, 1))
            return -EFAULT;
    }
    return 0;
}

static long op_acquire_resource(void *guest)
{
    struct xen_mem_acquire_resource r;
    struct domain *d;
    long rc;

    if (copy_from_guest(&r, guest, sizeof(r)))
        return -EFAULT;
    if (!policy_is_privileged(current->domain))
        return -EPERM;
    if (r.pad || (!r.frame_list.p && r.nr_frames))
        return -EINVAL;
    rc = target_get(r.domid, &d);
    if (rc)
        return rc;
    if (d == current->domain) {
        rc = -EPERM;
    } else if (r.type != XENMEM_resource_grant_table ||
               r.id != XENMEM_resource_grant_table_id_shared) {
        rc = -EOPNOTSUPP;
    } else if (!r.frame_list.p) {
        r.nr_frames = d->max_grant_frames;
        rc = copy_to_guest(guest, &r, sizeof(r)) ? -EFAULT : 0;
    } else {
        rc = resource_frames(d, &r);
    }
    domain_put(d);
    return rc;
}

long hc_memory_op(struct hc_args *a)
{
    unsigned cmd = a->arg[0] & MEMOP_CMD;
    void *guest = (void *)a->arg[1];

    switch (cmd) {
    case XENMEM_increase_reservation:
        return reservation_op(a, extent_increase);
    case XENMEM_decrease_reservation:
        return reservation_op(a, extent_decrease);
    case XENMEM_populate_physmap:
        return reservation_op(a, extent_populate);
    case XENMEM_exchange:
        return op_exchange(a);
    case XENMEM_maximum_ram_page:
        return (long)max_mfn - 1;
    case XENMEM_current_reservation:
    case XENMEM_maximum_reservation:
    case XENMEM_maximum_gpfn:
        return op_reservation(cmd, guest);
    case XENMEM_machphys_mapping:
        return op_machphys_mapping(guest);
    case XENMEM_machphys_mfn_list:
        return op_machphys_mfn_list(guest);
    case XENMEM_memory_map:
        return op_memory_map(guest);
    case XENMEM_machine_memory_map:
        return op_machine_memory_map(guest);
    case XENMEM_set_memory_map:
        return op_set_memory_map(guest);
    case XENMEM_claim_pages:
        return op_claim_pages(guest);
    case XENMEM_get_sharing_freed_pages:
    case XENMEM_get_sharing_shared_pages:
        return 0;
    case XENMEM_acquire_resource:
        return op_acquire_resource(guest);
    case XENMEM_add_to_physmap:
    case XENMEM_add_to_physmap_batch:
    case XENMEM_remove_from_physmap:
        return -EACCES; /* PV guests keep their own P2M */
    case XENMEM_get_vnumainfo:
        return -EOPNOTSUPP; /* none; any other error stops `xl save` */
    default:
        return -ENOSYS;
    }
}
