/* A PV guest's first page tables. Pure: fills memory it is given. */
#ifndef DOM0_BUILDER_PAGETABLE_H
#define DOM0_BUILDER_PAGETABLE_H

#include "dom0/builder/layout.h"

#include <xen/xen.h>

/*
 * pt: the l->nr_pt pages at l->pt_pfn, p2m_pt: the l->nr_p2m_pt pages at
 * l->p2m_pt_pfn (NULL if there are none), all zero. p2m[]: the machine frame of
 * each of the guest's l->nr_pages. Page tables are mapped read-only.
 */
void pagetable_build(const struct pv_layout *l, const xen_pfn_t *p2m,
                     uint64_t *pt, uint64_t *p2m_pt);

#endif
