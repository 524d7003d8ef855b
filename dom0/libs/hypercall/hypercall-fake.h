/*
 * A small machine in memory behind hypercall.h and foreignmem.h, for tests: it
 * has frames with owners, domains, ports and grants, and believes no guest. A
 * new domain's pages are full of junk, so that what nobody writes shows.
 * One machine per process; handles do not matter.
 */
#ifndef DOM0_LIBS_HYPERCALL_FAKE_H
#define DOM0_LIBS_HYPERCALL_FAKE_H

#include "dom0/libs/hypercall/hypercall.h"

#define HV_FAKE_MAX_VCPUS 8
#define HV_FAKE_JUNK      0xa5

struct hv_fake_domain {
    struct hv_fake_domain *next;
    uint32_t id;
    struct xen_domctl_createdomain created;
    uint64_t tot_pages, max_pages, claimed, shared_info_mfn, grant_mfn;
    uint32_t max_vcpus, nr_ports, address_size;
    uint64_t pinned; /* root of its page tables, 0: none */
    bool paused, shut_down, dying;
    unsigned shutdown_code;
    int weight, cap;
    int64_t time_offset;
    struct xen_domctl_tsc_info tsc;
    struct hv_e820 map;
    bool has_context[HV_FAKE_MAX_VCPUS];
    struct vcpu_guest_context context[HV_FAKE_MAX_VCPUS];
    uint8_t hard[HV_FAKE_MAX_VCPUS], soft[HV_FAKE_MAX_VCPUS]; /* 8 CPUs */
    xen_cpuid_leaf_t leaves[2]; /* leaf 1 and leaf 7 */
};

/* Start anew with so many frames (0: a usual number). Ends the old machine. */
void hv_fake_reset(uint64_t nr_frames);
void hv_fake_end(void);

/* The call named so ("hv_domain_create") fails with rc, after `skip` times. */
void hv_fake_fail(const char *call, unsigned skip, int rc);
/* How often it was made since the reset; NULL: all together. */
unsigned hv_fake_calls(const char *call);
/* Space-separated; "" makes it a hypervisor without PV guests. */
void hv_fake_set_caps(const char *caps);
/* As our own hypervisor: a new domain's pages are zero, not junk. */
void hv_fake_set_zeroed(bool zeroed);
/* Domains crash as soon as they are unpaused. */
void hv_fake_set_crashing(bool crashing);
/* Only single pages are to be had, no superpages. */
void hv_fake_set_fragmented(bool fragmented);

struct hv_fake_domain *hv_fake_domain(uint32_t domid); /* NULL: none */
unsigned hv_fake_nr_domains(void);                     /* without domain 0 */
uint64_t hv_fake_free_pages(void);
unsigned hv_fake_nr_windows(void); /* mapped and not unmapped */
/* 4096 bytes; NULL: no such frame. */
void *hv_fake_frame(uint64_t mfn);

/* Its trace buffers, two CPUs'; the frames of one lie side by side. */
struct hv_fake_trace {
    bool on;
    uint32_t events, pages;
    uint64_t info_mfn, buf_mfn[2]; /* 0: not made yet */
};
struct hv_fake_trace *hv_fake_trace(void);

/* For foreignmem-fake.c. */
bool hv_fake_called(const char *call, int *rc); /* true: fail with *rc */
bool hv_fake_may_map(uint32_t domid, uint64_t mfn);
void *hv_fake_map(size_t nr, const xen_pfn_t *mfns, const int *errors,
                  bool writable);
void hv_fake_unmap(void *at, size_t nr);

#endif
