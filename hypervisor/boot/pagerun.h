/* Boot: runs of pages of any length, without the buddy's rounding. */
#ifndef BOOT_PAGERUN_H
#define BOOT_PAGERUN_H

#include "lib/lib.h"

/* Set once an allocation has failed: then memory is to blame, not a file. */
extern bool pagerun_failed;

/* Contiguous pages with whatever is in them; NULL when there are none. */
void *pagerun_alloc(size_t nr_pages);
void pagerun_free(void *run, size_t nr_pages);

#endif
