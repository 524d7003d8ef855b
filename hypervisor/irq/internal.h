/* What irq/'s files share. Everything here is guarded by irq_lock. */
#ifndef IRQ_INTERNAL_H
#define IRQ_INTERNAL_H

#include "irq/irq.h"
#include "lib/spinlock.h"

extern struct spinlock irq_lock;

/*
 * What a vector stands for: a handler, which the vector's allocation fixes.
 * `fn` runs with no lock held; level-triggered ones acknowledge late.
 */
typedef void (*vector_fn)(void *arg);

/* vector.c: a free vector bound to fn(arg), or -ENOSPC. */
int vector_alloc(vector_fn fn, void *arg);
void vector_free(int vector);
/* Run the handler; false when nobody claims the vector. */
bool vector_run(unsigned vector);

/* ioapic.c: program the pin of a GSI. -EINVAL: no such pin. */
int ioapic_route(unsigned gsi, unsigned vector, uint32_t apic_id, bool level,
                 bool low);
void ioapic_mask(unsigned gsi);
void ioapic_unmask(unsigned gsi);
void ioapic_init(void);

/* msi.c: one message-signalled interrupt of a device. */
struct msi {
    uint16_t seg;
    uint8_t bus, devfn;
    uint8_t cap; /* configuration-space offset of the capability */
    bool is_msix;
    uint16_t entry_nr;      /* MSI-X: row; MSI: number within the block */
    volatile uint32_t *row; /* MSI-X: four words of the table */
};
/* Find the capability and the table row. -ENODEV, -EINVAL, -ENOMEM. */
int msi_open(struct msi *m, const struct msi_request *req);
void msi_program(const struct msi *m, unsigned vector, uint32_t apic_id);
void msi_mask(const struct msi *m, bool masked);
void msi_close(struct msi *m);

#endif
