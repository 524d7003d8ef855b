/* What the files of this folder share. */
#ifndef DOM0_LIBS_HYPERCALL_INTERNAL_H
#define DOM0_LIBS_HYPERCALL_INTERNAL_H

#include "dom0/libs/hypercall/hypercall.h"

#include <errno.h>
#include <string.h>
#include <xencall.h>

/*
 * The kernel copies nothing: the hypervisor reads our memory, so arguments lie
 * in pages that never fault, which libxencall hands out. `op` is one such page
 * for the argument structure; one call is made at a time.
 */
struct hv {
    xencall_handle *xc;
    void *op;
};

/* A zeroed argument of this size in hv->op. */
void *hv_arg(struct hv *hv, size_t size);
/* A buffer beside it, zeroed; NULL: no memory. */
void *hv_buffer(struct hv *hv, size_t size);
void hv_buffer_free(struct hv *hv, void *p); /* NULL is fine */

/* A domctl in hv->op, its common part filled. */
struct xen_domctl *hv_domctl_arg(struct hv *hv, uint32_t cmd, uint32_t domid);
int hv_domctl(struct hv *hv);
struct xen_sysctl *hv_sysctl_arg(struct hv *hv, uint32_t cmd);
int hv_sysctl(struct hv *hv);
/* The call's result, or -Exxx. */
int hv_call2(struct hv *hv, unsigned call, uint64_t a, uint64_t b);
long hv_memory_op(struct hv *hv, unsigned cmd, void *arg);

#endif
