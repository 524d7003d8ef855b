#include "domain/domain.h"
#include "hypercall/handlers.h"
#include "irq/irq.h"
#include "pci/pci.h"

#include <xen/physdev.h>

/* pciback and msi callers name a domain; only the caller itself has pirqs. */
static bool names_caller(domid_t id)
{
    return id == DOMID_SELF || id == current->domain->id;
}

static int op_irq_status_query(void *arg)
{
    struct physdev_irq_status_query *q = arg;

    if (q->irq >= NR_PIRQS)
        return -EINVAL;
    q->flags = pirq_status(current->domain, q->irq);
    return 0;
}

static int op_set_iopl(void *arg)
{
    struct physdev_set_iopl *s = arg;

    if (s->iopl > 3)
        return -EINVAL;
    current->pv.iopl = s->iopl;
    return 0;
}

static int op_set_iobitmap(void *arg)
{
    struct physdev_set_iobitmap *s = arg;

    if (s->nr_ports > 65536)
        return -EINVAL;
    current->pv.iobitmap = (uint64_t *)s->bitmap.p;
    current->pv.iobitmap_nr = s->nr_ports;
    return 0;
}

static int op_apic_read(void *arg)
{
    struct physdev_apic *a = arg;
    bool ok;

    a->value = ioapic_guest_read(a->apic_physbase, a->reg, &ok);
    return ok ? 0 : -EINVAL;
}

static int op_apic_write(void *arg)
{
    struct physdev_apic *a = arg;

    return ioapic_guest_write(a->apic_physbase, a->reg, a->value);
}

/* Vectors are ours; the guest only stores the number it gets. */
static int op_alloc_irq_vector(void *arg)
{
    struct physdev_irq *i = arg;

    if (i->irq >= ioapic_nr_gsis())
        return -EINVAL;
    i->vector = i->irq;
    return 0;
}

static int op_map_pirq(void *arg)
{
    struct physdev_map_pirq *m = arg;
    struct msi_request req = {
        .bus = m->bus,
        .devfn = m->devfn,
        .entry_nr = m->entry_nr,
        .table_base = m->table_base,
        .nr = 1,
    };

    if (!names_caller(m->domid))
        return -EPERM;
    switch (m->type) {
    case MAP_PIRQ_TYPE_GSI:
        return pirq_map_gsi(current->domain, m->index, &m->pirq);
    case MAP_PIRQ_TYPE_MULTI_MSI:
        req.nr = m->entry_nr;
        req.entry_nr = 0;
        req.table_base = 0;
        req.seg = (uint32_t)m->bus >> 16;
        return pirq_map_msi(current->domain, &req, &m->pirq);
    case MAP_PIRQ_TYPE_MSI_SEG:
        req.seg = (uint32_t)m->bus >> 16;
        return pirq_map_msi(current->domain, &req, &m->pirq);
    case MAP_PIRQ_TYPE_MSI:
        return pirq_map_msi(current->domain, &req, &m->pirq);
    default:
        return -EINVAL;
    }
}

static int op_unmap_pirq(void *arg)
{
    struct physdev_unmap_pirq *u = arg;

    return names_caller(u->domid) ? pirq_unmap(current->domain, u->pirq)
                                  : -EPERM;
}

static int op_eoi(void *arg)
{
    struct physdev_eoi *e = arg;

    return e->irq < NR_PIRQS ? pirq_eoi(current->domain, e->irq) : -EINVAL;
}

static int op_eoi_gmfn_v1(void *arg)
{
    struct physdev_pirq_eoi_gmfn *e = arg;

    return pirq_set_eoi_page(current->domain, e->gmfn, true);
}

static int op_eoi_gmfn_v2(void *arg)
{
    struct physdev_pirq_eoi_gmfn *e = arg;

    return pirq_set_eoi_page(current->domain, e->gmfn, false);
}

static int op_setup_gsi(void *arg)
{
    struct physdev_setup_gsi *s = arg;

    return pirq_setup_gsi(s->gsi, s->triggering, s->polarity);
}

static int op_get_free_pirq(void *arg)
{
    struct physdev_get_free_pirq *f = arg;
    int pirq = 0;
    int rc = pirq_get_free(current->domain, f->type, &pirq);

    f->pirq = pirq;
    return rc;
}

/*
 * dom0 reports devices and ECAM areas that it found. Configuration space is
 * read when an interrupt is mapped, so there is nothing to remember, but the
 * answer tells dom0 that the device is known.
 */
static int op_known(void *arg)
{
    (void)arg;
    return 0;
}

#define ROW(op, fn, type, flags) [PHYSDEVOP_##op] = {fn, sizeof(type), flags}
static const struct hc_subop physdev_subops[] = {
    ROW(irq_status_query, op_irq_status_query, struct physdev_irq_status_query,
        HC_INOUT),
    ROW(set_iopl, op_set_iopl, struct physdev_set_iopl, HC_IN),
    ROW(set_iobitmap, op_set_iobitmap, struct physdev_set_iobitmap, HC_IN),
    ROW(apic_read, op_apic_read, struct physdev_apic, HC_INOUT | HC_PRIV),
    ROW(apic_write, op_apic_write, struct physdev_apic, HC_IN | HC_PRIV),
    ROW(alloc_irq_vector, op_alloc_irq_vector, struct physdev_irq,
        HC_INOUT | HC_PRIV),
    ROW(free_irq_vector, op_known, struct physdev_irq, HC_IN | HC_PRIV),
    ROW(eoi, op_eoi, struct physdev_eoi, HC_IN),
    ROW(map_pirq, op_map_pirq, struct physdev_map_pirq, HC_INOUT | HC_PRIV),
    ROW(unmap_pirq, op_unmap_pirq, struct physdev_unmap_pirq, HC_IN | HC_PRIV),
    ROW(manage_pci_add, op_known, struct physdev_manage_pci, HC_IN | HC_PRIV),
    ROW(manage_pci_remove, op_known, struct physdev_manage_pci,
        HC_IN | HC_PRIV),
    ROW(manage_pci_add_ext, op_known, struct physdev_manage_pci_ext,
        HC_IN | HC_PRIV),
    ROW(pirq_eoi_gmfn_v1, op_eoi_gmfn_v1, struct physdev_pirq_eoi_gmfn, HC_IN),
    ROW(pirq_eoi_gmfn_v2, op_eoi_gmfn_v2, struct physdev_pirq_eoi_gmfn, HC_IN),
    ROW(setup_gsi, op_setup_gsi, struct physdev_setup_gsi, HC_IN | HC_PRIV),
    ROW(get_free_pirq, op_get_free_pirq, struct physdev_get_free_pirq,
        HC_INOUT | HC_PRIV),
    ROW(pci_mmcfg_reserved, op_known, struct physdev_pci_mmcfg_reserved,
        HC_IN | HC_PRIV),
    ROW(pci_device_add, op_known, struct physdev_pci_device_add,
        HC_IN | HC_PRIV),
    ROW(pci_device_remove, op_known, struct physdev_pci_device,
        HC_IN | HC_PRIV),
    ROW(prepare_msix, op_known, struct physdev_pci_device, HC_IN | HC_PRIV),
    ROW(release_msix, op_known, struct physdev_pci_device, HC_IN | HC_PRIV),
    ROW(dbgp_op, op_known, struct physdev_dbgp_op, HC_IN | HC_PRIV),
};

long hc_physdev_op(struct hc_args *a)
{
    return subop_run(physdev_subops, ARRAY_SIZE(physdev_subops), a->arg[0],
                     (void *)a->arg[1]);
}
