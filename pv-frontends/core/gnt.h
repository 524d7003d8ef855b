/*
 * Grant references, version 1: letting another domain at a page of ours.
 *
 * A grant that the other side still uses when we want it back cannot be
 * revoked; gnt_end_page() keeps such pages aside and gnt_poll() frees them when
 * they come back. Any context; short locks inside.
 */
#ifndef PARAVANE_CORE_GNT_H
#define PARAVANE_CORE_GNT_H

#include "pv-frontends/core/libc.h"

#include <xen/xen.h>
#include <xen/grant_table.h>

#define GNT_NONE ((grant_ref_t)-1)

/*
 * Set up `nr_frames` frames of table, 512 grants each (fewer when the domain
 * may not have as many). 0 or a negative error.
 */
int gnt_init(unsigned int nr_frames);

/*
 * After a suspend: map the table again. Resumed, it is a new one, empty; every
 * grant was ended before and is to be made again. Cancelled, it is the old one.
 */
int gnt_resume(bool cancelled);

/* Let `domid` at the page; the reference, or GNT_NONE when all are taken. */
grant_ref_t gnt_grant(domid_t domid, const void *page, bool read_only);

/*
 * Take the right back. 0, and the reference is free again; -XEN_EBUSY while the
 * other side has it mapped or copies, and then nothing has changed.
 */
int gnt_end(grant_ref_t ref);

/*
 * The same, and free the page (of shim_pages_alloc(), or NULL) with it: now, or
 * when the other side lets go.
 */
void gnt_end_page(grant_ref_t ref, void *page);

/* Try again what gnt_end_page() had to keep; how many are still kept. */
unsigned int gnt_poll(void);

/* How many references are free. */
unsigned int gnt_free_count(void);

#endif
