/*
 * The guest's memory behind the fake grant table: pages a test grants, looks
 * at, and takes back.
 */
#ifndef PARAVANE_LIBS_GNTTAB_FAKE_H
#define PARAVANE_LIBS_GNTTAB_FAKE_H

#include "dom0/libs/gnttab/gnttab.h"

void gnttab_fake_reset(void);

/*
 * Grant reference `ref` of every domain is now a fresh zeroed page; its
 * address. References run from 0 to GNTTAB_FAKE_REFS - 1.
 */
#define GNTTAB_FAKE_REFS 4096
void *gnttab_fake_grant(uint32_t ref, int writable);

/* `nr` references whose pages lie side by side, as a test's ring wants it. */
void *gnttab_fake_grant_run(uint32_t ref, unsigned int nr);

/* End the grant: maps and copies fail from now on. */
void gnttab_fake_revoke(uint32_t ref);

/* Mappings (not pages) that are alive. */
unsigned int gnttab_fake_mapped(void);

/* Hypercall batches so far. */
unsigned int gnttab_fake_copies(void);

/* Copies so far that are not within one of gnttab_own_pages(). */
unsigned int gnttab_fake_slow_copies(void);

#endif
