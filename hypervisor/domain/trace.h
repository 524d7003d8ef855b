/*
 * Records of what happens, in the form and by the calls of <xen/trace.h>, for
 * domain 0: a buffer for each CPU, which we write and domain 0 maps. Off until
 * it is asked for (XEN_SYSCTL_tbuf_op). While it is off a hook is one test of
 * a variable, and hypercalls have not even that: they come in by other stubs
 * when it is on (pv/syscall.c).
 *
 * A record is of the vCPU that runs on its CPU, by the last scheduling record
 * there, unless it names one.
 */
#ifndef DOMAIN_TRACE_H
#define DOMAIN_TRACE_H

#include "lib/lib.h"

#include <xen/trace.h>

struct vcpu;
struct xen_sysctl;

/* Ours: a subclass of TRC_PV that Xen has nothing in; numbers beyond Xen's in
   the low byte, by which alone xenalyze knows an event of TRC_PV. */
#define TRC_PV_PARAVANE 0x00208000
/* A system call of user mode: rip (64 bits), the number in its RAX (32). */
#define TRC_PV_SYSCALL (TRC_PV_PARAVANE + TRC_64_FLAG + 0x41)
/* An event is made pending: vcpu and domain (16 each) that get it, port. */
#define TRC_PV_EVENT (TRC_PV_PARAVANE + 0x42)
/* The kernel's event callback is entered: rip that it left. */
#define TRC_PV_UPCALL (TRC_PV_PARAVANE + TRC_64_FLAG + 0x43)

extern bool trace_on;

/* Ask before calling any of the next. */
static inline bool tracing(void)
{
    return unlikely(READ_ONCE(trace_on));
}

/* tracebuf.c. At most TRACE_EXTRA_MAX words. Any context but an NMI's; takes no
 * lock. */
void trace_write(uint32_t event, const void *words, unsigned nr_words);

/* `op` as the guest has it; from a multicall: TRC_PV_HYPERCALL_SUBCALL. */
void trace_hypercall(uint32_t event, uint64_t op, const uint64_t *args);
/* Given to the guest, at `rip`; cr2 counts for a page fault. */
void trace_exception(uint64_t rip, unsigned vector, uint32_t error_code,
                     uint64_t cr2);
/* Words of 64 bits: an event with TRC_64_FLAG. */
void trace_addresses(uint32_t event, uint64_t a, uint64_t b, uint64_t c,
                     unsigned nr);
void trace_syscall(uint64_t rip, uint64_t number);
void trace_event(const struct vcpu *v, uint32_t port);
/* TRC_SCHED_*, whose only word names a vCPU. */
void trace_vcpu(uint32_t event, const struct vcpu *v);
/* v goes from one RUNSTATE_* to another. */
void trace_runstate(const struct vcpu *v, int from, int to);

/* WORK_TRACE: a buffer is half full. */
void trace_notify(void);

/* sysctl.c: XEN_SYSCTL_tbuf_op. */
int trace_control(struct xen_sysctl *op);

#endif
