/*
 * Domains: create, look up, tear down. PORTABLE.
 *
 * A domain lives from domain_create() until the last reference is put. It is
 * killed first (domain_kill, resumable), which stops its vCPUs, closes its
 * channels and gives its memory back; what foreign mappings still hold keeps
 * the struct, dying, until they go.
 */
#ifndef DOMAIN_DOMAIN_H
#define DOMAIN_DOMAIN_H

#include "domain/vcpu.h"
#include "lib/bitmap.h"
#include "lib/list.h"
#include "lib/spinlock.h"
#include "mm/frame.h"
#include "pv/pv.h"

#define MAX_VCPUS 128 /* of one PV domain; the first 32 in shared_info */

enum domain_dying { DOMAIN_ALIVE, DOMAIN_DYING, DOMAIN_DEAD };

#define SHUTDOWN_CODE_NONE 0xff

/* SCHEDOP_watchdog: timers that shut the domain down unless it is on time. */
#define NR_WATCHDOGS 2

struct domain {
    domid_t id;
    uint32_t refs;
    struct list all; /* on the list of domains, in order of id */
    uint8_t handle[16];

    bool privileged; /* dom0: may use the toolstack's calls */
    bool is_hvm;
    uint8_t dying;            /* enum domain_dying */
    bool shut_down;           /* SCHEDOP_shutdown seen */
    uint8_t shutdown_code;    /* SHUTDOWN_CODE_NONE until there is one */
    bool paused_by_tools;     /* DOMCTL_pausedomain: nr_tool_pauses > 0 */
    uint8_t nr_tool_pauses;   /* the first one is creation's own */
    bool debugged;            /* DOMCTL_setdebugging: see domain_stop() */
    bool being_created;       /* one pause reference until the first unpause */
    struct spinlock lock;     /* shutdown, pause and dying changes */
    int32_t pause_count;      /* what a vCPU created later starts with */
    uint32_t kill_step;       /* how far domain_kill() has come */
    struct domain *hash_next; /* lookup by id */
    struct list reap;         /* no reference left, waits to be freed */

    struct vcpu *vcpu[MAX_VCPUS];
    unsigned max_vcpus;

    /* Memory. `page_lock` guards the list and the counts. */
    struct spinlock page_lock;
    uint32_t page_list; /* first frame's number or NO_LINK */
    uint32_t dead_list; /* same, of frames that relinquish has let go */
    uint64_t tot_pages, max_pages, claimed, extra_pages;
    uint32_t relinquish_step;
    struct shared_info *shared; /* page of ours, FRAME_SHARED */
    uint64_t nr_foreign_mapped; /* frames of others that this one maps */

    /* PV address space: entries of this domain's tables change under it. */
    struct spinlock mm_lock;
    cpumask_t dirty_cpus; /* CPUs that may cache translations of it */

    /* What it may touch of the host: dom0 gets most, a guest nothing. */
    bool hardware;     /* owns the host's devices */
    uint64_t *ioports; /* 65536 bits, NULL: none */
    bool (*may_map_io)(struct domain *d, mfn_t m, bool *read_only);
    struct io_range *io_ranges; /* DOMCTL_iomem_permission */
    unsigned nr_io_ranges;

    /* Each subsystem's part; opaque outside its folder. */
    struct evtchn_domain *evtchn;
    struct gnttab *gnttab;
    struct pirq_domain *pirq;
    struct cpu_policy *policy; /* cpu/policy.c: what CPUID and MSRs show */
    struct pv_domain pv;

    /* Settings of the toolstack. */
    uint32_t ssidref, create_flags, max_evtchn_port, max_grant_frames,
        max_maptrack_frames, grant_version;
    uint32_t tsc_mode;
    uint32_t sched_weight, sched_cap; /* cap: per cent of a CPU, 0: none */
    struct sched_cap cap;
    uint32_t vm_assist;
    struct timer watchdog[NR_WATCHDOGS];
    uint8_t watchdogs_set; /* a bit each; under `lock` */
    int64_t time_offset_s;
    struct e820entry_abi *e820; /* XENMEM_set_memory_map */
    unsigned nr_e820;
    uint64_t node_affinity;
    uint64_t cpu_time_dead; /* ns of vCPUs, kept for listings */
    uint64_t created_ns;
};

/* Machine frames [first, first + nr) that a domain may map. */
struct io_range {
    uint64_t first, nr;
};

/* XENMEM memory map entry as the ABI lays it out (x86 E820, 20 bytes). */
struct e820entry_abi {
    uint64_t addr, size;
    uint32_t type;
} PACKED;

/*
 * What a subsystem adds to a new domain and takes down with it. Order of the
 * table is order of init; the undo runs in reverse. No lock is held.
 */
struct domain_part {
    const char *name;
    int (*init)(struct domain *d);
    int (*vcpu_init)(struct domain *d, struct vcpu *v);
    /* Give up what other domains could hold against us. May return
       -ERESTART to be called again. The vCPUs no longer run. */
    int (*kill)(struct domain *d);
    /* Free; nobody refers to d any more. */
    void (*vcpu_free)(struct vcpu *v);
    void (*free)(struct domain *d);
};
/* Filled by boot/start.c, NULL-terminated. */
extern const struct domain_part *const domain_parts[];

struct domain_config {
    uint8_t handle[16];
    uint32_t flags, ssidref;
    uint32_t max_vcpus, max_evtchn_port;
    int32_t max_grant_frames, max_maptrack_frames;
    uint32_t grant_opts;
    bool privileged;
};

/* A new paused domain with no memory; `id` DOMID_INVALID: lowest free.
   One reference for the caller. NULL and *rc on failure. */
struct domain *domain_create(domid_t id, const struct domain_config *cfg,
                             int *rc);
/* By id, with a reference; NULL when absent. Dying ones are found. */
struct domain *domain_get(domid_t id);
/* The caller's id or DOMID_SELF; checks nothing else. */
struct domain *domain_get_self_or(domid_t id);
/* First domain with id >= `id`, with a reference; NULL past the last. */
struct domain *domain_get_from(domid_t id);
struct domain *domain_ref(struct domain *d);
void domain_put(struct domain *d);

/* DOMCTL_destroydomain: -ERESTART until everything is given back. */
int domain_kill(struct domain *d);
/* Stop all vCPUs and wait until none runs; counted. Never on oneself. */
void domain_pause(struct domain *d);
void domain_unpause(struct domain *d);
/*
 * DOMCTL_pausedomain, unpausedomain: a count of their own, up to 255, which
 * starts at 1 for a new domain. -EINVAL on oneself or when it is 0 already,
 * -EOVERFLOW past the top.
 */
int domain_pause_tools(struct domain *d);
int domain_unpause_tools(struct domain *d);
/*
 * The running domain met a breakpoint or has made a step, and a debugger in
 * domain 0 has asked to hear of that: pause it as the toolstack would and raise
 * VIRQ_DEBUGGER. False when it cannot be paused any further.
 */
bool domain_stop_for_debugger(struct domain *d);
/* SCHEDOP_shutdown: record the reason, stop the vCPUs, tell the toolstack.
   dom0's goes to machine_shutdown(). */
void domain_shutdown(struct domain *d, uint8_t reason);
void domain_resume(struct domain *d);
/* The guest broke itself: log why with registers, SHUTDOWN_crash. */
void domain_crash(struct domain *d, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Debug key q: a line per domain and vCPU into the log. */
void domain_dump_all(void);
static inline bool domain_is_dying(const struct domain *d)
{
    return READ_ONCE(d->dying) != DOMAIN_ALIVE;
}

/* boot/power.c: never returns. */
NORETURN void machine_shutdown(uint8_t reason);

extern struct domain *dom0;
/* Owners that are no domain: DOMID_XEN (ours). */
extern struct domain domain_xen;

#define vcpu_for_each(d, v)                                                    \
    for (unsigned i_##v = 0; i_##v < (d)->max_vcpus; i_##v++)                  \
        for (struct vcpu *v = (d)->vcpu[i_##v]; v; v = NULL)

#endif
