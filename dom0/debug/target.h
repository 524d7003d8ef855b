/*
 * A guest under the eyes of a debugger: stopping it, its vCPUs' registers, and
 * its memory by the addresses its kernel uses. Paravirtual guests only. Works
 * on running, paused and crashed ones; nothing is reserved in the guest.
 */
#ifndef DOM0_DEBUG_TARGET_H
#define DOM0_DEBUG_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dom0/libs/hypercall/hypercall.h"

struct target;

/* 0; -ESRCH: no such domain; -EOPNOTSUPP: not paravirtual; -Exxx. */
int target_open(struct target **t, uint32_t domid);
void target_close(struct target *t); /* NULL is fine; leaves the guest as is */

unsigned int target_nr_vcpus(const struct target *t);
/* Bytes that it has now. */
int target_memory(struct target *t, uint64_t *size);

enum target_state {
    TARGET_RUNS,
    TARGET_STOPPED, /* by a breakpoint, a step, or anybody's pause */
    TARGET_CRASHED,
    TARGET_ENDED,
    TARGET_GONE
};
enum target_state target_state(struct target *t);

/*
 * Give back what is mapped of it: a domain that is destroyed stays half there
 * for as long as somebody has its pages.
 */
void target_forget(struct target *t);

/*
 * Count a pause; take one back. Each breakpoint that is met counts one, so
 * there may be several.
 */
int target_stop(struct target *t);
int target_go(struct target *t);
/* While it runs: 2 ms. */
void target_nap(struct target *t);
/*
 * Have the kernel's breakpoints and steps stop the guest instead of reaching
 * the kernel. -ENOSYS: this hypervisor cannot.
 */
int target_catch(struct target *t, bool catch);

/* A vCPU's registers. The guest is stopped for as long as it takes. */
int target_registers(struct target *t, unsigned int vcpu,
                     struct vcpu_guest_context *ctx);
int target_set_registers(struct target *t, unsigned int vcpu,
                         const struct vcpu_guest_context *ctx);

/*
 * Memory as the kernel on this vCPU sees it. How many bytes could be had, from
 * the first on. Writing goes past the page's protection.
 */
size_t target_read(struct target *t, const struct vcpu_guest_context *ctx,
                   uint64_t va, void *data, size_t size);
size_t target_write(struct target *t, const struct vcpu_guest_context *ctx,
                    uint64_t va, const void *data, size_t size);

/* A page by its machine frame. False when it cannot be had. */
bool target_frame(struct target *t, uint64_t mfn, void *page);
/* Many of them, which takes hardly longer; what cannot be had is zeroes. */
#define TARGET_FRAMES_MAX 256
void target_frames(struct target *t, const uint64_t *mfns, size_t nr,
                   void *pages);

/* For what else is to be asked of the hypervisor. */
struct hv *target_hv(struct target *t);
uint32_t target_domid(const struct target *t);

#endif
