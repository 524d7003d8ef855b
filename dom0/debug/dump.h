/*
 * A guest's memory as an ELF core file in the form that Xen's tools write for
 * paravirtual guests and that crash(8) and libxc's readers know: sections for
 * notes, vCPUs, shared_info, the pages' numbers, and the pages.
 */
#ifndef DOM0_DEBUG_DUMP_H
#define DOM0_DEBUG_DUMP_H

#include <stdio.h>

#include "dom0/debug/target.h"

/*
 * The guest must stand still. `shared` is its shared_info page. 0, or -Exxx:
 * -ENODATA when the kernel has not yet said where its list of pages is, an
 * error of the file.
 */
int dump_write(struct target *t, const struct hv_version *version,
               const struct shared_info *shared, FILE *out, uint64_t *nr_pages);

#endif
