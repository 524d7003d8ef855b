/* PCI configuration space: type 1 ports, and ECAM where ACPI's MCFG says. */
#ifndef PCI_PCI_H
#define PCI_PCI_H

#include "lib/lib.h"

struct domain;

void pci_init(void);
uint32_t pci_read(uint16_t seg, uint8_t bus, uint8_t devfn, unsigned reg,
                  unsigned bytes);
void pci_write(uint16_t seg, uint8_t bus, uint8_t devfn, unsigned reg,
               unsigned bytes, uint32_t value);
/* dom0's cf8/cfc cycles (pv/privop.c routes ports 0xcf8..0xcff here). */
uint32_t pci_port_read(struct domain *d, uint16_t port, unsigned bytes);
void pci_port_write(struct domain *d, uint16_t port, unsigned bytes,
                    uint32_t value);

/* ACPI sleep, from XENPF_enter_acpi_sleep and machine_shutdown(). */
int acpi_enter_s5(uint16_t pm1a, uint16_t pm1b);

#endif
