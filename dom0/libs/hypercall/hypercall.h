/*
 * The hypervisor's calls, typed: one function per operation, structures of the
 * ABI in and out. Everything that is not said otherwise returns 0 or -Exxx as
 * the hypervisor gave it. The interface versions are those of Xen 4.17; a
 * hypervisor with others is refused by hv_open() with -EPROTO.
 *
 * A handle belongs to one thread. Tests link hypercall-fake.c, which keeps a
 * small machine in memory, in place of the real files.
 */
#ifndef DOM0_LIBS_HYPERCALL_H
#define DOM0_LIBS_HYPERCALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/sysctl.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/version.h>

struct hv;

/*
 * Reach the hypervisor through /dev/xen/privcmd. -ENOENT, -EACCES: not in
 * domain 0 of a hypervisor, or not root; -EPROTO: another interface version.
 */
int hv_open(struct hv **hv);
void hv_close(struct hv *hv); /* NULL is fine */

/* --- the hypervisor itself (host.c) -------------------------------------- */

struct hv_version {
    unsigned major, minor;
    char extra[XEN_EXTRAVERSION_LEN]; /* ".7" */
    char caps[1024];                  /* "xen-3.0-x86_64 ..." */
    char changeset[64];
    char commandline[1024];
    char compiler[64], compiled_by[16], compile_domain[32], compile_date[32];
    uint64_t virt_start;
    unsigned page_size;
    unsigned build_id_len;
    uint8_t build_id[64];
};
int hv_version(struct hv *hv, struct hv_version *v);

int hv_physinfo(struct hv *hv, struct xen_sysctl_physinfo *info);
/* XEN_SCHEDULER_* of the running scheduler. */
int hv_scheduler_id(struct hv *hv, uint32_t *id);
/*
 * Nanoseconds each physical CPU was idle since boot. *nr: room, then how many
 * were filled.
 */
int hv_cpu_idle(struct hv *hv, uint64_t *idle_ns, uint32_t *nr);
/* Core, socket and node of each CPU; XEN_INVALID_* where there is none. */
int hv_cpu_topology(struct hv *hv, struct xen_sysctl_cputopo *topo,
                    uint32_t *nr);
/*
 * The hypervisor's log. With `incremental`, from *index on, else all of it;
 * *count: room, then bytes copied (0: no more). `clear` empties it.
 */
int hv_console_read(struct hv *hv, char *buf, uint32_t *count, uint32_t *index,
                    bool incremental, bool clear);
int hv_debug_keys(struct hv *hv, const char *keys);
/*
 * What guests may see of the processor: `index` is XEN_SYSCTL_cpu_policy_*.
 * Numbers are room in, filled out; with leaves NULL only the numbers are told.
 */
int hv_system_cpu_policy(struct hv *hv, uint32_t index,
                         xen_cpuid_leaf_t *leaves, uint32_t *nr_leaves,
                         xen_msr_entry_t *msrs, uint32_t *nr_msrs);
/* -ENOENT: no CPU pool with an id >= `first`. */
int hv_cpupool_info(struct hv *hv, uint32_t first, uint32_t *id,
                    uint32_t *sched_id, uint32_t *nr_domains);
/* Highest machine frame + 1. */
int hv_max_mfn(struct hv *hv, uint64_t *mfn);

/* --- trace buffers, <xen/trace.h> (trace.c); -ENOSYS: it has none --------- */

/* Pages a CPU. -EBUSY, -EINVAL: there are buffers already, of that size or of
   another; it stays until the host restarts. */
int hv_trace_set_size(struct hv *hv, uint32_t pages);
/* The list of them, to be mapped from DOMID_XEN: first frame and bytes. */
int hv_trace_info(struct hv *hv, uint64_t *mfn, uint32_t *bytes);
/* Record events of these classes (TRC_ALL), on all CPUs. */
int hv_trace_set_events(struct hv *hv, uint32_t mask);
int hv_trace_turn(struct hv *hv, bool on);

/* --- domains (domain.c) -------------------------------------------------- */

/* *domid: 0 picks the next free one; in any case the id given comes back. */
int hv_domain_create(struct hv *hv, const struct xen_domctl_createdomain *what,
                     uint32_t *domid);
/* Goes on until the hypervisor says it is done; can take seconds. */
int hv_domain_destroy(struct hv *hv, uint32_t domid);
/* One bounded step of it: -EAGAIN as long as there is more to do. */
int hv_domain_destroy_step(struct hv *hv, uint32_t domid);
int hv_domain_pause(struct hv *hv, uint32_t domid);
int hv_domain_unpause(struct hv *hv, uint32_t domid);
/* Breakpoints and steps of its kernel pause the domain and raise VIRQ_DEBUGGER.
 */
int hv_domain_set_debugging(struct hv *hv, uint32_t domid, bool on);
/* -ESRCH: there is none of this id. */
int hv_domain_info(struct hv *hv, uint32_t domid,
                   struct xen_domctl_getdomaininfo *info);
/*
 * Domains with id >= `first`, lowest first, up to `max`: how many were
 * filled, or -Exxx. 0 ends a listing.
 */
int hv_domain_list(struct hv *hv, uint32_t first, uint32_t max,
                   struct xen_domctl_getdomaininfo *infos);
int hv_domain_set_max_mem(struct hv *hv, uint32_t domid, uint64_t kib);
int hv_domain_set_max_vcpus(struct hv *hv, uint32_t domid, uint32_t nr);
int hv_domain_set_handle(struct hv *hv, uint32_t domid,
                         const uint8_t handle[16]);
/* SHUTDOWN_*: as if the guest had asked; its vcpus stop at once. */
int hv_domain_shutdown(struct hv *hv, uint32_t domid, unsigned reason);
/* Clear a shutdown: after a cancelled suspend. */
int hv_domain_resume(struct hv *hv, uint32_t domid);
/* 64 for every PV guest that is wanted here. */
int hv_domain_set_address_size(struct hv *hv, uint32_t domid, uint32_t bits);
int hv_domain_get_address_size(struct hv *hv, uint32_t domid, uint32_t *bits);
int hv_domain_set_tsc(struct hv *hv, uint32_t domid,
                      const struct xen_domctl_tsc_info *tsc);
int hv_domain_get_tsc(struct hv *hv, uint32_t domid,
                      struct xen_domctl_tsc_info *tsc);
int hv_domain_set_time_offset(struct hv *hv, uint32_t domid, int64_t seconds);
/*
 * Share and ceiling under the credit schedulers: weight 1..65535 (256 is
 * usual), cap in percent of one CPU, 0 for none. A value of -1 stays as it is.
 */
int hv_domain_set_sched(struct hv *hv, uint32_t domid, int weight, int cap);
int hv_domain_get_sched(struct hv *hv, uint32_t domid, int *weight, int *cap);
/* Bit n of the map: NUMA node n. */
int hv_domain_set_node_affinity(struct hv *hv, uint32_t domid,
                                const uint8_t *map, uint32_t nr_bits);
int hv_domain_get_cpu_policy(struct hv *hv, uint32_t domid,
                             xen_cpuid_leaf_t *leaves, uint32_t *nr_leaves,
                             xen_msr_entry_t *msrs, uint32_t *nr_msrs);
/* On -EINVAL, `bad` says which leaf, subleaf or MSR (~0: not that one). */
struct hv_bad_policy {
    uint32_t leaf, subleaf, msr;
};
int hv_domain_set_cpu_policy(struct hv *hv, uint32_t domid,
                             const xen_cpuid_leaf_t *leaves, uint32_t nr_leaves,
                             const xen_msr_entry_t *msrs, uint32_t nr_msrs,
                             struct hv_bad_policy *bad);
/* Fill the guest's page of hypercall stubs (kernels that ask for one). */
int hv_domain_hypercall_page(struct hv *hv, uint32_t domid, uint64_t gmfn);
/* Frames in, XEN_DOMCTL_PFINFO_* out. */
int hv_domain_page_info(struct hv *hv, uint32_t domid, xen_pfn_t *frames,
                        uint32_t nr);
/*
 * A port of `domid` that `remote` may bind to, made on behalf of the first:
 * store and console of a new guest.
 */
int hv_domain_alloc_port(struct hv *hv, uint32_t domid, uint32_t remote,
                         uint32_t *port);
int hv_domain_set_hvm_param(struct hv *hv, uint32_t domid, uint32_t index,
                            uint64_t value);
int hv_domain_get_hvm_param(struct hv *hv, uint32_t domid, uint32_t index,
                            uint64_t *value);

/* --- vcpus (vcpu.c) ------------------------------------------------------ */

int hv_vcpu_set_context(struct hv *hv, uint32_t domid, uint32_t vcpu,
                        const struct vcpu_guest_context *ctx);
int hv_vcpu_get_context(struct hv *hv, uint32_t domid, uint32_t vcpu,
                        struct vcpu_guest_context *ctx);
int hv_vcpu_info(struct hv *hv, uint32_t domid, uint32_t vcpu,
                 struct xen_domctl_getvcpuinfo *info);
/*
 * Where a vcpu must (hard) and would rather (soft) run: bit n is CPU n. NULL
 * leaves one alone. Setting writes nothing back.
 */
int hv_vcpu_set_affinity(struct hv *hv, uint32_t domid, uint32_t vcpu,
                         const uint8_t *hard, const uint8_t *soft,
                         uint32_t nr_bits);
int hv_vcpu_get_affinity(struct hv *hv, uint32_t domid, uint32_t vcpu,
                         uint8_t *hard, uint8_t *soft, uint32_t nr_bits);

/* --- memory (memory.c) --------------------------------------------------- */

/*
 * Give `domid` extents of 2^order pages. frames[]: guest frame numbers in,
 * for a PV domain the machine frames out. How many extents were done (fewer
 * than `nr` when memory ran out), or -Exxx.
 */
long hv_memory_populate(struct hv *hv, uint32_t domid, unsigned order,
                        unsigned flags, xen_pfn_t *frames, unsigned long nr);
/* Take pages away again: how many extents were done. */
long hv_memory_decrease(struct hv *hv, uint32_t domid, unsigned order,
                        const xen_pfn_t *frames, unsigned long nr);
/* Reserve so much for a domain being built; 0 gives the rest back. -ENOMEM. */
int hv_memory_claim(struct hv *hv, uint32_t domid, uint64_t nr_pages);
/* What the domain's XENMEM_memory_map answers. Entries are 20 bytes. */
struct hv_e820 {
    uint64_t addr, size;
    uint32_t type; /* 1: memory */
} __attribute__((packed));
int hv_memory_set_map(struct hv *hv, uint32_t domid, const struct hv_e820 *map,
                      unsigned nr);
int hv_memory_max_gpfn(struct hv *hv, uint32_t domid, uint64_t *gpfn);
/*
 * Make munmap() of foreign pages cheap: clear their entries in this process's
 * own page tables, many in a call, where Linux's PV kernel takes a trap for
 * each. Such entries belong to no page of ours and are in nobody's books, so
 * the kernel, finding them empty, goes on. What is not cleared here munmap()
 * clears, so there is nothing to return. The range must not be touched again.
 */
void hv_memory_forget(struct hv *hv, void *at, size_t nr);
/* cmd: MMUEXT_PIN_L1_TABLE .. L4, MMUEXT_UNPIN_TABLE, on a foreign domain. */
int hv_mmuext_pin(struct hv *hv, uint32_t domid, unsigned cmd, uint64_t mfn);

#endif
