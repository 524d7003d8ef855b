/*
 * The guest's share of the interrupts: a pirq is a GSI or an MSI that the
 * domain mapped, perhaps bound to one of its event channels.
 */
#include "irq/internal.h"
#include "boot/boot.h"
#include "cpu/feature.h"
#include "cpu/lapic.h"
#include "domain/domain.h"
#include "evtchn/evtchn.h"
#include "mm/frametype.h"

#include <xen/physdev.h>

enum pirq_kind { PIRQ_FREE, PIRQ_GSI, PIRQ_MSI };

struct pirq {
    uint8_t kind;   /* enum pirq_kind */
    bool shared;    /* bound with BIND_PIRQ__WILL_SHARE */
    bool in_flight; /* a level line, masked until the guest's EOI */
    int vector;     /* > 0 while bound or (MSI) mapped */
    uint32_t port;  /* event channel, 0: unbound */
    uint32_t cpu;
    unsigned gsi;
    struct msi msi;
    struct domain *domain;
};

struct pirq_domain {
    struct pirq pirq[NR_PIRQS];
    struct frame *eoi_frame; /* a bit per pirq: needs PHYSDEVOP_eoi */
    bool eoi_unmasks;        /* v1 of the page: EOI also unmasks the port */
};

/* How a GSI's line behaves: ISA defaults, overrides, then setup_gsi. */
static struct gsi_mode {
    bool known, level, low;
} gsi_modes[NR_GSIS];

static void gsi_modes_init(void)
{
    static bool done;

    if (done)
        return;
    done = true;
    for (unsigned i = 0; i < acpi_info.nr_isos; i++) {
        uint32_t gsi = acpi_info.iso[i].gsi;
        uint16_t flags = acpi_info.iso[i].flags;

        /* ACPI 5.2.12.5: 0 conforms to the bus, 3 is low or level. */
        if (gsi < NR_GSIS) {
            gsi_modes[gsi].low = (flags & 3) == 3;
            gsi_modes[gsi].level = (flags >> 2 & 3) == 3;
        }
    }
    for (unsigned gsi = 16; gsi < NR_GSIS; gsi++)
        gsi_modes[gsi].level = gsi_modes[gsi].low = true;
}

static struct pirq *pirq_at(struct domain *d, int pirq)
{
    if (!d->pirq || pirq < 0 || pirq >= NR_PIRQS)
        return NULL;
    return &d->pirq->pirq[nospec_index(pirq, NR_PIRQS)];
}

static bool is_level(const struct pirq *p)
{
    return p->kind == PIRQ_GSI && gsi_modes[p->gsi].level;
}

static int number_of(const struct pirq *p)
{
    return (int)(p - p->domain->pirq->pirq);
}

/* Tell the guest, in its page, whether this pirq wants PHYSDEVOP_eoi. */
static void eoi_page_update(const struct pirq *p)
{
    struct pirq_domain *pd = p->domain->pirq;
    unsigned nr = number_of(p);

    if (!pd->eoi_frame)
        return;
    if (p->kind != PIRQ_FREE && is_level(p))
        bit_test_and_set(frame_virt(pd->eoi_frame), nr);
    else
        bit_test_and_clear(frame_virt(pd->eoi_frame), nr);
}

static void pirq_fired(void *arg)
{
    struct pirq *p = arg;
    uint32_t port;

    spin_lock(&irq_lock);
    port = p->port;
    if (is_level(p)) {
        ioapic_mask(p->gsi);
        p->in_flight = true;
    }
    spin_unlock(&irq_lock);
    if (port)
        evtchn_raise_pirq(p->domain, port);
}

int pirq_map_gsi(struct domain *d, int gsi, int *pirq)
{
    struct pirq *p;
    int rc = 0;

    if (gsi < 0 || (unsigned)gsi >= ioapic_nr_gsis())
        return -EINVAL;
    if (*pirq < 0)
        *pirq = gsi;
    p = pirq_at(d, *pirq);
    if (!p)
        return -EINVAL;

    spin_lock(&irq_lock);
    gsi_modes_init();
    if (p->kind == PIRQ_FREE) {
        *p = (struct pirq){.kind = PIRQ_GSI, .gsi = gsi, .domain = d};
        eoi_page_update(p);
    } else if (p->kind != PIRQ_GSI || p->gsi != (unsigned)gsi) {
        rc = -EEXIST;
    }
    spin_unlock(&irq_lock);
    return rc;
}

/* (Re)program the line of a bound GSI; it stays masked. */
static int gsi_route(struct pirq *p)
{
    return ioapic_route(p->gsi, p->vector, cpu_apic_id[p->cpu],
                        gsi_modes[p->gsi].level, gsi_modes[p->gsi].low);
}

int pirq_setup_gsi(int gsi, bool level, bool low)
{
    struct gsi_mode *mode;
    struct pirq *p;
    int rc = 0;

    if (gsi < 0 || (unsigned)gsi >= ioapic_nr_gsis())
        return -EINVAL;
    spin_lock(&irq_lock);
    gsi_modes_init();
    mode = &gsi_modes[nospec_index(gsi, NR_GSIS)];
    if (mode->known && mode->level == level && mode->low == low) {
        rc = -EEXIST;
    } else {
        *mode = (struct gsi_mode){true, level, low};
        p = dom0 ? pirq_at(dom0, gsi) : NULL;
        if (p && p->kind == PIRQ_GSI) {
            eoi_page_update(p);
            if (p->port) {
                rc = gsi_route(p);
                ioapic_unmask(p->gsi);
            }
        }
    }
    spin_unlock(&irq_lock);
    return rc;
}

/* The highest free number, or the one asked for when >= 0. */
static struct pirq *pirq_pick(struct domain *d, int wanted)
{
    if (wanted >= 0) {
        struct pirq *p = pirq_at(d, wanted);

        return p && p->kind == PIRQ_FREE ? p : NULL;
    }
    for (int i = NR_PIRQS - 1; d->pirq && i >= (int)ioapic_nr_gsis(); i--)
        if (d->pirq->pirq[i].kind == PIRQ_FREE)
            return &d->pirq->pirq[i];
    return NULL;
}

int pirq_get_free(struct domain *d, int type, int *pirq)
{
    struct pirq *p;

    if (type != MAP_PIRQ_TYPE_MSI && type != MAP_PIRQ_TYPE_GSI)
        return -EINVAL;
    spin_lock(&irq_lock);
    p = pirq_pick(d, -1);
    if (p)
        *pirq = (int)(p - d->pirq->pirq);
    spin_unlock(&irq_lock);
    return p ? 0 : -ENOSPC;
}

int pirq_map_msi(struct domain *d, const struct msi_request *req, int *pirq)
{
    struct pirq *p;
    int rc;

    /* Blocks of vectors would need aligned allocation; dom0 then asks for
       one, which is what its drivers fall back to. */
    if (req->nr > 1)
        return -EOPNOTSUPP;
    spin_lock(&irq_lock);
    rc = -ENOSPC;
    p = pirq_pick(d, *pirq);
    if (!p)
        goto unlock;
    *p = (struct pirq){.kind = PIRQ_MSI, .domain = d, .cpu = cpu_id()};
    rc = msi_open(&p->msi, req);
    if (rc)
        goto forget;
    rc = p->vector = vector_alloc(pirq_fired, p);
    if (rc < 0) {
        msi_close(&p->msi);
        goto forget;
    }
    rc = 0;
    msi_program(&p->msi, p->vector, cpu_apic_id[p->cpu]);
    *pirq = number_of(p);
    goto unlock;

forget:
    p->kind = PIRQ_FREE;
unlock:
    spin_unlock(&irq_lock);
    return rc;
}

static void unbind_locked(struct pirq *p)
{
    p->port = 0;
    if (p->kind == PIRQ_MSI) {
        msi_mask(&p->msi, true);
    } else if (p->vector > 0) {
        ioapic_mask(p->gsi);
        vector_free(p->vector);
        p->vector = 0;
    }
    p->in_flight = false;
}

static void unmap_locked(struct pirq *p)
{
    unbind_locked(p);
    if (p->kind == PIRQ_MSI) {
        msi_close(&p->msi);
        vector_free(p->vector);
    }
    p->kind = PIRQ_FREE;
    eoi_page_update(p);
}

int pirq_unmap(struct domain *d, int pirq)
{
    struct pirq *p = pirq_at(d, pirq);
    int rc = -EINVAL;

    if (!p)
        return rc;
    spin_lock(&irq_lock);
    if (p->kind != PIRQ_FREE) {
        /* Still bound: the port would name nothing. */
        rc = p->port ? -EBUSY : 0;
        if (!rc)
            unmap_locked(p);
    }
    spin_unlock(&irq_lock);
    return rc;
}

int pirq_bind(struct domain *d, int pirq, uint32_t port, bool share)
{
    struct pirq *p = pirq_at(d, pirq);
    int rc = -EINVAL;

    if (!p)
        return rc;
    spin_lock(&irq_lock);
    gsi_modes_init();
    if (p->kind == PIRQ_FREE)
        goto unlock;
    rc = -EEXIST;
    if (p->port)
        goto unlock;
    p->port = port;
    p->shared = share;
    p->in_flight = false; /* a stray one came between two binds */
    rc = 0;
    if (p->kind == PIRQ_MSI) {
        msi_mask(&p->msi, false);
        goto unlock;
    }
    rc = p->vector = vector_alloc(pirq_fired, p);
    if (rc > 0)
        rc = gsi_route(p);
    if (rc) {
        if (p->vector > 0)
            vector_free(p->vector);
        p->vector = 0;
        p->port = 0;
    } else {
        eoi_page_update(p);
        ioapic_unmask(p->gsi);
    }
unlock:
    spin_unlock(&irq_lock);
    return rc;
}

void pirq_unbind(struct domain *d, int pirq)
{
    struct pirq *p = pirq_at(d, pirq);

    if (!p)
        return;
    spin_lock(&irq_lock);
    if (p->kind != PIRQ_FREE)
        unbind_locked(p);
    spin_unlock(&irq_lock);
}

void pirq_set_affinity(struct domain *d, int pirq, unsigned cpu)
{
    struct pirq *p = pirq_at(d, pirq);

    if (!p)
        return;
    spin_lock(&irq_lock);
    if (p->port && p->cpu != cpu) {
        p->cpu = cpu;
        if (p->kind == PIRQ_MSI) {
            msi_program(&p->msi, p->vector, cpu_apic_id[cpu]);
        } else {
            gsi_route(p);
            if (!p->in_flight)
                ioapic_unmask(p->gsi);
        }
    }
    spin_unlock(&irq_lock);
}

int pirq_eoi(struct domain *d, int pirq)
{
    struct pirq *p = pirq_at(d, pirq);
    uint32_t port;

    if (!p || p->kind == PIRQ_FREE)
        return -EINVAL;
    spin_lock(&irq_lock);
    port = d->pirq->eoi_unmasks ? p->port : 0;
    if (p->in_flight) {
        p->in_flight = false;
        ioapic_unmask(p->gsi);
    }
    spin_unlock(&irq_lock);
    if (port)
        evtchn_unmask(d, port);
    return 0;
}

uint32_t pirq_status(struct domain *d, int pirq)
{
    struct pirq *p = pirq_at(d, pirq);
    uint32_t flags = 0;

    if (!p)
        return 0;
    spin_lock(&irq_lock);
    gsi_modes_init();
    if (p->kind != PIRQ_FREE && is_level(p))
        flags |= XENIRQSTAT_needs_eoi;
    if (p->shared)
        flags |= XENIRQSTAT_shared;
    spin_unlock(&irq_lock);
    return flags;
}

/* Guests have no interrupts of their own: only dom0 gets a table. */
static int pirq_domain_init(struct domain *d)
{
    if (!d->privileged)
        return 0;
    d->pirq = mem_alloc(sizeof(*d->pirq));
    return d->pirq ? 0 : -ENOMEM;
}

int pirq_set_eoi_page(struct domain *d, uint64_t gmfn, bool unmask_too)
{
    struct frame *f;
    int rc = frame_get_typed(mfn(gmfn), d, FT_WRITABLE);

    if (rc)
        return rc;
    f = frame_of(mfn(gmfn));
    if (!d->pirq) {
        /* No pirqs, so no bit of the page would ever be set. */
        frame_put_typed(f, d);
        return 0;
    }
    spin_lock(&irq_lock);
    if (d->pirq->eoi_frame) {
        rc = -EBUSY;
    } else {
        memset(frame_virt(f), 0, PAGE_SIZE);
        d->pirq->eoi_frame = f;
        d->pirq->eoi_unmasks = unmask_too;
        for (unsigned i = 0; i < NR_PIRQS; i++)
            if (d->pirq->pirq[i].kind != PIRQ_FREE)
                eoi_page_update(&d->pirq->pirq[i]);
    }
    spin_unlock(&irq_lock);
    if (rc)
        frame_put_typed(f, d);
    return rc;
}

static int pirq_domain_kill(struct domain *d)
{
    struct frame *eoi;

    if (!d->pirq)
        return 0;
    spin_lock(&irq_lock);
    for (unsigned i = 0; i < NR_PIRQS; i++)
        if (d->pirq->pirq[i].kind != PIRQ_FREE)
            unmap_locked(&d->pirq->pirq[i]);
    eoi = d->pirq->eoi_frame;
    d->pirq->eoi_frame = NULL;
    spin_unlock(&irq_lock);
    if (eoi)
        frame_put_typed(eoi, d);
    return 0;
}

static void pirq_domain_free(struct domain *d)
{
    mem_free(d->pirq);
    d->pirq = NULL;
}

const struct domain_part pirq_part = {
    .name = "pirq",
    .init = pirq_domain_init,
    .kill = pirq_domain_kill,
    .free = pirq_domain_free,
};
