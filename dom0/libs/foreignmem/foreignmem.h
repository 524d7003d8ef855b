/*
 * Other domains' memory, mapped here: a thin seam over libxenforeignmemory.
 * For a PV domain a frame is a machine frame, for the others a guest frame.
 * Tests link foreignmem-fake.c, which maps the memory of the fake machine.
 * A handle belongs to one thread.
 */
#ifndef DOM0_LIBS_FOREIGNMEM_H
#define DOM0_LIBS_FOREIGNMEM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h> /* PROT_READ, PROT_WRITE */

#include <xen/xen.h>

struct fmem;

int fmem_open(struct fmem **fm);
void fmem_close(struct fmem *fm); /* NULL is fine */

/*
 * Map nr frames one after the other. All or nothing: -EINVAL, -ENOENT, ...
 * of the first frame that would not map. Undo with fmem_unmap(), same nr.
 */
int fmem_map(struct fmem *fm, uint32_t domid, int prot, size_t nr,
             const xen_pfn_t *frames, void **at);
/*
 * Map what can be mapped; errors[i] is 0 or -Exxx. Touching a page that did
 * not map is a SIGBUS. Fails only if nothing can be mapped at all.
 */
int fmem_map_some(struct fmem *fm, uint32_t domid, int prot, size_t nr,
                  const xen_pfn_t *frames, int *errors, void **at);
void fmem_unmap(struct fmem *fm, void *at, size_t nr);

/*
 * Pages of a domain that have no frame number, such as its grant table
 * (type XENMEM_resource_grant_table).
 */
struct fmem_resource;
int fmem_resource_map(struct fmem *fm, uint32_t domid, unsigned type,
                      unsigned id, unsigned long first, unsigned long nr,
                      int prot, struct fmem_resource **res, void **at);
void fmem_resource_unmap(struct fmem *fm, struct fmem_resource *res);

#endif
