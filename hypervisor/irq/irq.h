/*
 * Hardware interrupts: chips, vectors, dispatch, and dom0's share (pirqs).
 */
#ifndef IRQ_IRQ_H
#define IRQ_IRQ_H

#include "cpu/trap.h"
#include "lib/lib.h"

struct domain;
struct domain_part;

extern const struct domain_part pirq_part;

#define NR_GSIS  256
#define NR_PIRQS 512 /* GSIs first, MSIs counted down from the top */

/* Boot: mask the 8259s, read the MADT's I/O APICs, mask every pin. */
void irq_init(void);
/* A handler of our own on a GSI (the serial port). */
int irq_claim_gsi(unsigned gsi, bool level, bool low, void (*fn)(void *),
                  void *arg);

/* I/O APICs (ioapic.c). */
unsigned ioapic_nr_gsis(void);
bool ioapic_is_mmio(uint64_t phys);
uint32_t ioapic_guest_read(uint64_t phys, unsigned reg, bool *ok);
int ioapic_guest_write(uint64_t phys, unsigned reg, uint32_t value);

/* Rows of physdev_op (pirq.c, msi.c); 0 or -Exxx as <xen/physdev.h>. */
int pirq_map_gsi(struct domain *d, int gsi, int *pirq);
int pirq_setup_gsi(int gsi, bool level, bool low); /* -EEXIST: as it is */
struct msi_request {
    uint16_t seg;
    uint8_t bus, devfn;
    uint16_t entry_nr;
    uint64_t table_base; /* 0: MSI, else MSI-X */
    uint16_t nr;         /* multi-vector MSI */
};
int pirq_map_msi(struct domain *d, const struct msi_request *req, int *pirq);
int pirq_unmap(struct domain *d, int pirq);
int pirq_eoi(struct domain *d, int pirq);
uint32_t pirq_status(struct domain *d, int pirq);
int pirq_set_eoi_page(struct domain *d, uint64_t gmfn, bool unmask_too);
int pirq_get_free(struct domain *d, int type, int *pirq);
/* evtchn: bind and unbind a port; `share` for level-triggered lines. */
int pirq_bind(struct domain *d, int pirq, uint32_t port, bool share);
void pirq_unbind(struct domain *d, int pirq);
/* The vCPU that the port is bound to moved: aim the interrupt there. */
void pirq_set_affinity(struct domain *d, int pirq, unsigned cpu);
/* MSI-X tables are ours: dom0 may map them read-only. */
bool msix_is_table(uint64_t phys);

#endif
