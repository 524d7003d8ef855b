/*
 * vCPUs. PORTABLE: registers live in struct pv_vcpu (pv/pv.h).
 */
#ifndef DOMAIN_VCPU_H
#define DOMAIN_VCPU_H

#include "cpu/percpu.h"
#include "lib/lib.h"
#include "lib/spinlock.h"
#include "mm/frame.h"
#include "pv/pv.h"
#include "sched/sched.h"
#include "time/timer.h"

#include <xen/vcpu.h>

struct domain;

struct vcpu {
    unsigned id;
    struct domain *domain;
    bool initialised; /* has a context */
    bool being_initialised;
    bool up; /* VCPUOP_up / VGCF_online */

    /*
     * Where the guest sees its state. `info` always points at valid memory:
     * the slot in shared_info, a private dummy page for ids from 32 on, or
     * the registered page (info_frame holds a typed reference).
     */
    struct vcpu_info *info;
    struct pv_vcpu pv; /* here, because entry.S reads its beginning */
    struct frame *info_frame;
    struct vcpu_info *info_dummy; /* ids from 32 on, until they register */
    bool paused_for_shutdown;     /* holds one pause; under the domain's lock */
    /* Registered runstate area: two pieces when it crosses a page. */
    struct spinlock area_lock; /* runstate: the guest's copy and its place */
    struct frame *runstate_frame[2];
    uint16_t runstate_offset;
    struct vcpu_runstate_info runstate;
    /* Registered secondary time area (vDSO), same form. */
    struct frame *time_frame[2];
    uint16_t time_offset;

    struct sched_unit unit; /* sched/: queue, weight, pause count, CPU */

    struct timer singleshot; /* VCPUOP_set_singleshot_timer, set_timer_op */
    struct timer periodic;
    uint64_t period_ns;
    struct timer poll_timer; /* SCHEDOP_poll timeout */
    /* Ports waited for by SCHEDOP_poll: -1 many, 0 none, else the port. */
    int32_t poll_port;

    uint32_t virq_port[24]; /* per-vCPU virqs; global ones: the domain's */
    struct evtchn_fifo_vcpu *fifo;

    void *xsave; /* cpu/fpu.c */
    uint64_t xcr0;
};

/* A vCPU of d, down and without context. -EINVAL, -ENOMEM, -EEXIST. */
int vcpu_create(struct domain *d, unsigned id);
void vcpu_free(struct vcpu *v);

/* Runnable again after SCHEDOP_block/poll or a pending event. Any context. */
void vcpu_wake(struct vcpu *v);
/* Look at pending events soon, wherever v is: wakes it or kicks its CPU. */
void vcpu_kick(struct vcpu *v);
/* Counted; vcpu_pause waits until v is off its CPU (not v itself). */
void vcpu_pause(struct vcpu *v);
void vcpu_unpause(struct vcpu *v);

/* v does not run any more. */
void vcpu_stop_timers(struct vcpu *v);

/* Load a context and go up or stay down as its VGCF_online says; the vCPU
   does not run. -ERESTART and the errors of pv_set_context(). */
int vcpu_set_context(struct vcpu *v, const struct vcpu_guest_context *c);
/* Back to what vcpu_create() made of it: down and without context. */
void vcpu_reset(struct vcpu *v);

/* VCPUOP_register_vcpu_info: -EINVAL when done before or the place is bad. */
int vcpu_register_info(struct vcpu *v, mfn_t m, uint32_t offset);
/* Copy `src` to offset `at` of a registered area that starts at `offset`. */
void vcpu_area_write(struct frame *const area[2], unsigned offset, unsigned at,
                     const void *src, size_t n);
/*
 * Areas at a guest address of the running domain; 0 forgets the area.
 * -EFAULT when the guest's kernel may not write there; the time area of a
 * vCPU that runs is its own to change, -EINVAL.
 */
int vcpu_register_time(struct vcpu *v, uint64_t va);
int vcpu_register_runstate(struct vcpu *v, uint64_t va);
void vcpu_get_runstate(struct vcpu *v, struct vcpu_runstate_info *rs);
/* Give back the pages that v registered (kill, resume). */
void vcpu_unregister_areas(struct vcpu *v);

/* The vcpu_op hypercall's rows that are about states: vcpu-op.c. */

/* Update v->runstate and the guest's copy; sched calls it at each change. */
void vcpu_set_runstate(struct vcpu *v, int state, uint64_t now_ns);

static inline bool vcpu_event_pending(const struct vcpu *v)
{
    return READ_ONCE(v->info->evtchn_upcall_pending) &&
           !READ_ONCE(v->info->evtchn_upcall_mask);
}

#endif
