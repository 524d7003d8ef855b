/* What builder.c and the files that fill a guest share. */
#ifndef DOM0_BUILDER_INTERNAL_H
#define DOM0_BUILDER_INTERNAL_H

#include "dom0/builder/builder.h"
#include "dom0/builder/elf.h"
#include "dom0/builder/layout.h"
#include "dom0/config/domconfig.h"
#include "dom0/libs/foreignmem/foreignmem.h"
#include "dom0/libs/hypercall/hypercall.h"

#include <time.h>

struct builder {
    struct hv *hv;
    struct fmem *fm;
    /* What the hypervisor said once. */
    char guest_type[32]; /* of 64-bit PV guests, empty: it takes none */
    unsigned grant_version, nr_cpus; /* newest; highest CPU number + 1 */
    bool zeroed;                     /* a domain's new memory is all zero */
};

/* A kernel understood and placed in a guest's memory. */
struct pv_plan {
    struct pv_kernel kernel;
    struct pv_layout layout;
};

/* Pure of effects: what pv_fill() would do, or why it cannot. */
int pv_plan(const struct domconfig *cfg, const struct image *kernel,
            const struct image *ramdisk, struct pv_plan *plan,
            struct builder_error *err);

/* Give the new domain out->domid memory and a first vcpu, after the plan. */
int pv_fill(struct builder *b, const struct domconfig *cfg,
            const struct pv_plan *plan, const struct image *kernel,
            const struct image *ramdisk, struct built_domain *out,
            struct builder_error *err);

/* The `cpuid` key. */
int policy_apply(struct builder *b, const struct domconfig *cfg, uint32_t domid,
                 struct builder_error *err);

/* Microseconds since *mark, which moves to now. */
uint32_t builder_lap(struct timespec *mark);

#endif
