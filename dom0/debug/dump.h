/*
 * A paravirtual guest's memory as an ELF core file that crash(8) opens: that of
 * a crashed Xen host (kdump), with this guest as its domain 0. Memory lies in
 * it by machine address, as the guest's page tables have it; NT_PRSTATUS notes
 * have the vCPUs' registers; a note of Xen's says where the list is that leads
 * from the guest's page numbers to machine addresses. (Of the form that Xen's
 * own tools write crash reads only kernels before 4.20: for later ones it takes
 * the section .xen_p2m for something else.)
 */
#ifndef DOM0_DEBUG_DUMP_H
#define DOM0_DEBUG_DUMP_H

#include <stdio.h>

#include "dom0/debug/target.h"

/* What is known of the guest from elsewhere. */
struct dump_guest {
    const struct shared_info *shared; /* its page, copied */
    uint64_t max_pages;               /* it has no more; else -EINVAL */
    uint64_t max_mfn;                 /* behind the machine's last frame */
    unsigned int major, minor;        /* the hypervisor's version */
};

/*
 * The guest must stand still. Pages of zeroes are holes in `out` if it can have
 * any. 0, or -Exxx: -ENODATA when the kernel has not yet said where its list of
 * pages is, -EINVAL when that list cannot be true, an error of the file.
 */
int dump_write(struct target *t, const struct dump_guest *guest, FILE *out,
               uint64_t *nr_pages);

/*
 * The same into a file, which has its name only when it is whole: until then it
 * is `path`.part. A device or a pipe is written to as it is. A running guest is
 * paused meanwhile.
 */
int dump_to_file(struct target *t, const char *path, uint64_t *nr_pages);
/* What went wrong, in words. */
const char *dump_problem(int rc);

#endif
