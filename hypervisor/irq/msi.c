#include "irq/internal.h"
#include "lib/list.h"
#include "mm/hvmap.h"
#include "pci/pci.h"

#define PCI_STATUS        0x06
#define PCI_STATUS_CAPS   0x10
#define PCI_BAR0          0x10
#define PCI_CAP_POINTER   0x34
#define PCI_CAP_MSI       0x05
#define PCI_CAP_MSIX      0x11
#define MSI_FLAGS_64BIT   (1u << 7)
#define MSI_FLAGS_MASKBIT (1u << 8)
#define MSIX_TABLE_SIZE   0x7ff
#define MSIX_ROW_BYTES    16
#define MSIX_ROW_MASKED   1u
/* Physical destination, fixed delivery, edge (SDM vol. 3, 11.11). */
#define MSI_ADDRESS(apic_id) (0xfee00000u | (apic_id) << 12)

/* An MSI-X table that we keep mapped; dom0 sees its pages read-only. */
struct msix_table {
    struct list link;
    uint16_t seg;
    uint8_t bus, devfn;
    uint64_t phys;
    unsigned nr_rows, users; /* rows in use by pirqs */
    char *va;
    size_t mapped;
};
static struct list tables = LIST_INIT(tables);

static uint32_t cfg_read(const struct msi *m, unsigned reg, unsigned bytes)
{
    return pci_read(m->seg, m->bus, m->devfn, reg, bytes);
}

static void cfg_write(const struct msi *m, unsigned reg, unsigned bytes,
                      uint32_t value)
{
    pci_write(m->seg, m->bus, m->devfn, reg, bytes, value);
}

static uint8_t find_cap(const struct msi *m, uint8_t id)
{
    uint8_t pos;

    if (cfg_read(m, 0, 4) == ~0u ||
        !(cfg_read(m, PCI_STATUS, 2) & PCI_STATUS_CAPS))
        return 0;
    pos = cfg_read(m, PCI_CAP_POINTER, 1) & 0xfc;
    /* 48 capabilities fit; a longer chain is a loop. */
    for (unsigned i = 0; pos >= 0x40 && i < 48; i++) {
        uint32_t head = cfg_read(m, pos, 2);

        if ((head & 0xff) == id)
            return pos;
        pos = head >> 8 & 0xfc;
    }
    return 0;
}

/* Where the table lies: the BAR that the capability names plus an offset. */
static uint64_t msix_table_phys(const struct msi *m)
{
    uint32_t where = cfg_read(m, m->cap + 4, 4);
    unsigned bar = where & 7;
    uint64_t base;

    if (bar > 5)
        return 0;
    base = cfg_read(m, PCI_BAR0 + 4 * bar, 4);
    if (base & 1)
        return 0; /* port space */
    if ((base & 6) == 4 && bar < 5)
        base |= (uint64_t)cfg_read(m, PCI_BAR0 + 4 * bar + 4, 4) << 32;
    base &= ~0xfull;
    return base ? base + (where & ~7u) : 0;
}

static struct msix_table *table_find(const struct msi *m)
{
    list_for_each (l, &tables) {
        struct msix_table *t = list_entry(l, struct msix_table, link);

        if (t->seg == m->seg && t->bus == m->bus && t->devfn == m->devfn)
            return t;
    }
    return NULL;
}

static void table_forget(struct msix_table *t)
{
    list_del(&t->link);
    iounmap(t->va, t->mapped);
    mem_free(t);
}

/* The device's table, mapped; again when dom0 moved the BAR. */
static struct msix_table *table_get(const struct msi *m)
{
    struct msix_table *t = table_find(m);
    uint64_t phys = msix_table_phys(m);

    if (t && t->phys == phys)
        return t;
    if (t && t->users) {
        log_warn("MSI-X: table of %04x:%02x:%02x.%u moved while in use\n",
                 m->seg, m->bus, m->devfn >> 3, m->devfn & 7u);
        return NULL;
    }
    if (t)
        table_forget(t);
    if (!phys)
        return NULL;
    t = mem_alloc(sizeof(*t));
    if (!t)
        return NULL;
    t->seg = m->seg;
    t->bus = m->bus;
    t->devfn = m->devfn;
    t->phys = phys;
    t->nr_rows = (cfg_read(m, m->cap + 2, 2) & MSIX_TABLE_SIZE) + 1;
    t->mapped =
        ROUND_UP((phys & ~PAGE_MASK) + t->nr_rows * MSIX_ROW_BYTES, PAGE_SIZE);
    t->va = ioremap(phys & PAGE_MASK, t->mapped);
    if (!t->va) {
        mem_free(t);
        return NULL;
    }
    list_add_tail(&tables, &t->link);
    return t;
}

bool msix_is_table(uint64_t phys)
{
    bool found = false;

    spin_lock(&irq_lock);
    list_for_each (l, &tables) {
        struct msix_table *t = list_entry(l, struct msix_table, link);
        uint64_t start = t->phys & PAGE_MASK;

        found |= phys >= start && phys < start + t->mapped;
    }
    spin_unlock(&irq_lock);
    return found;
}

int msi_open(struct msi *m, const struct msi_request *req)
{
    struct msix_table *t;

    m->seg = req->seg;
    m->bus = req->bus;
    m->devfn = req->devfn;
    m->entry_nr = req->entry_nr;
    m->is_msix = req->table_base != 0;
    m->cap = find_cap(m, m->is_msix ? PCI_CAP_MSIX : PCI_CAP_MSI);
    if (!m->cap)
        return -ENODEV;
    if (!m->is_msix)
        return 0;
    t = table_get(m);
    if (!t)
        return -ENOMEM;
    if (m->entry_nr >= t->nr_rows)
        return -EINVAL;
    m->row = (volatile uint32_t *)(t->va + (t->phys & ~PAGE_MASK) +
                                   m->entry_nr * MSIX_ROW_BYTES);
    t->users++;
    return 0;
}

void msi_program(const struct msi *m, unsigned vector, uint32_t apic_id)
{
    unsigned data_reg;

    if (m->is_msix) {
        uint32_t masked = m->row[3];

        m->row[3] = masked | MSIX_ROW_MASKED;
        m->row[0] = MSI_ADDRESS(apic_id);
        m->row[1] = 0;
        m->row[2] = vector;
        m->row[3] = masked;
        return;
    }
    data_reg = cfg_read(m, m->cap + 2, 2) & MSI_FLAGS_64BIT ? 12 : 8;
    cfg_write(m, m->cap + 4, 4, MSI_ADDRESS(apic_id));
    if (data_reg == 12)
        cfg_write(m, m->cap + 8, 4, 0);
    cfg_write(m, m->cap + data_reg, 2, vector);
}

void msi_mask(const struct msi *m, bool masked)
{
    uint32_t flags;

    if (m->is_msix) {
        m->row[3] =
            masked ? m->row[3] | MSIX_ROW_MASKED : m->row[3] & ~MSIX_ROW_MASKED;
        return;
    }
    flags = cfg_read(m, m->cap + 2, 2);
    if (flags & MSI_FLAGS_MASKBIT) {
        unsigned reg = m->cap + (flags & MSI_FLAGS_64BIT ? 16 : 12);
        uint32_t bits = cfg_read(m, reg, 4);

        cfg_write(m, reg, 4, masked ? bits | 1u : bits & ~1u);
    }
}

void msi_close(struct msi *m)
{
    msi_mask(m, true);
    if (m->is_msix)
        table_find(m)->users--;
}
