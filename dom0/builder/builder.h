/*
 * Make a domain from a configuration, up to the moment before its first
 * instruction: created, filled, paused.
 *
 *     image_load_kernel(); image_load_ramdisk();      may be another thread
 *     builder_build(b, cfg, kernel, ramdisk, &built, &err);
 *     nodes_for_domain(), device nodes -> one store transaction
 *     xs_introduce_domain(built.domid, built.store_mfn, built.store_port);
 *     hv_domain_unpause(hv, built.domid);
 *
 * When a call fails, `err` has one sentence for the user and nothing is left
 * behind: no domain, no memory, no claim.
 */
#ifndef DOM0_BUILDER_H
#define DOM0_BUILDER_H

#include <stdint.h>

#include "dom0/builder/error.h"
#include "dom0/builder/image.h"

struct builder;
struct domconfig;
struct hv;
struct fmem;

struct built_domain {
    uint32_t domid;
    uint8_t uuid[16];
    uint32_t store_port, console_port;   /* the guest's */
    uint64_t store_mfn, console_mfn;     /* ring-ref for a PV guest */
    uint32_t store_domid, console_domid; /* who serves them: 0 */
    uint64_t nr_pages;
    char warning[400]; /* empty, or what the user should hear */

    /* Microseconds each phase took, for whoever looks where time goes. */
    struct {
        uint32_t create, memory, map, kernel, ramdisk, tables, unmap, start;
    } us;
};

/*
 * hv and fm stay the caller's and must outlive the builder; all three belong
 * to one thread. Asks the hypervisor once for what does not change.
 */
int builder_open(struct hv *hv, struct fmem *fm, struct builder **b,
                 struct builder_error *err);
void builder_close(struct builder *b);

/*
 * The images that a configuration names, through the cache (`cache_dir` as in
 * image.h). *ramdisk is NULL where there is none. A bootloader of pygrub's kind
 * becomes PV_GRUB.
 */
int builder_load_images(const struct domconfig *cfg, const char *cache_dir,
                        struct image **kernel, struct image **ramdisk,
                        struct builder_error *err);

/*
 * Can this be built here at all? Kernel and ramdisk against the memory, CPUs,
 * what the hypervisor offers. Creates nothing. builder_build() asks itself.
 */
int builder_check(struct builder *b, const struct domconfig *cfg,
                  const struct image *kernel, const struct image *ramdisk,
                  struct builder_error *err);

/* domid: 0 for the next free one. */
int builder_build(struct builder *b, const struct domconfig *cfg,
                  const struct image *kernel, const struct image *ramdisk,
                  uint32_t domid, struct built_domain *built,
                  struct builder_error *err);

#endif
