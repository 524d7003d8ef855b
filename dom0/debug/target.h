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

enum target_state {
    TARGET_RUNS,
    TARGET_STOPPED, /* by a breakpoint, a step, or anybody's pause */
    TARGET_CRASHED,
    TARGET_ENDED,
    TARGET_GONE
};
enum target_state target_state(struct target *t);

/* Count a pause of ours; take it (and what a breakpoint counted) back. */
int target_stop(struct target *t);
int target_go(struct target *t);
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

/* A page by its machine frame, for dumps. False when it cannot be had. */
bool target_frame(struct target *t, uint64_t mfn, void *page);

/* For what else is to be asked of the hypervisor. */
struct hv *target_hv(struct target *t);
uint32_t target_domid(const struct target *t);

#endif
