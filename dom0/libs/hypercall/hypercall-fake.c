#include "dom0/libs/hypercall/hypercall-fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xen/event_channel.h>

#define USUAL_FRAMES 65536u /* 256 MiB */
#define PAGE         4096u
#define CPUS         2u
#define NOBODY       (-1)
#define MAX_WINDOWS  64

struct hv {
    int unused;
};

struct window {
    uint8_t *at;
    size_t nr;
    uint64_t *mfns; /* of those mapped writable; ~0 for the others */
};

static struct {
    int memory; /* a memfd: frame n at n pages */
    uint8_t *base;
    uint64_t nr_frames, nr_free;
    int32_t *owner;
    unsigned *writable; /* windows that can write to it */
    bool fragmented, zeroed;
    struct hv_fake_domain *domains;
    uint32_t next_id;
    struct window windows[MAX_WINDOWS];
    char caps[256];

    struct {
        const char *call;
        unsigned nr;
    } calls[128];
    char failing[64];
    unsigned skip;
    int rc;
} m = {.memory = -1};

/* --- the machine --------------------------------------------------------- */

void hv_fake_end(void)
{
    while (m.domains) {
        struct hv_fake_domain *d = m.domains;

        m.domains = d->next;
        free(d);
    }
    for (unsigned i = 0; i < MAX_WINDOWS; i++)
        if (m.windows[i].at)
            hv_fake_unmap(m.windows[i].at, m.windows[i].nr);
    if (m.base)
        munmap(m.base, m.nr_frames * PAGE);
    if (m.memory >= 0)
        close(m.memory);
    free(m.owner);
    free(m.writable);
    memset(&m, 0, sizeof(m));
    m.memory = -1;
}

static void must(bool ok, const char *what)
{
    if (!ok) {
        perror(what);
        abort();
    }
}

void hv_fake_reset(uint64_t nr_frames)
{
    hv_fake_end();
    m.nr_frames = nr_frames ? nr_frames : USUAL_FRAMES;
    m.memory = memfd_create("machine", MFD_CLOEXEC);
    must(m.memory >= 0 && !ftruncate(m.memory, (off_t)m.nr_frames * PAGE),
         "the fake machine's memory");
    m.base = mmap(NULL, m.nr_frames * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
                  m.memory, 0);
    m.owner = malloc(m.nr_frames * sizeof(*m.owner));
    m.writable = calloc(m.nr_frames, sizeof(*m.writable));
    must(m.base != MAP_FAILED && m.owner && m.writable, "the fake machine");
    for (uint64_t i = 0; i < m.nr_frames; i++)
        m.owner[i] = NOBODY;
    m.owner[0] = 0; /* so that 0 is never a guest's */
    m.nr_free = m.nr_frames - 1;
    m.next_id = 1;
    strcpy(m.caps, "xen-3.0-x86_64 hvm-3.0-x86_64 ");
}

void hv_fake_set_caps(const char *caps)
{
    snprintf(m.caps, sizeof(m.caps), "%s", caps);
}

void hv_fake_set_zeroed(bool zeroed)
{
    m.zeroed = zeroed;
}

void hv_fake_set_fragmented(bool fragmented)
{
    m.fragmented = fragmented;
}

void hv_fake_fail(const char *call, unsigned skip, int rc)
{
    snprintf(m.failing, sizeof(m.failing), "%s", call);
    m.skip = skip;
    m.rc = rc;
}

unsigned hv_fake_calls(const char *call)
{
    unsigned all = 0;

    for (unsigned i = 0; m.calls[i].call; i++) {
        if (call && !strcmp(m.calls[i].call, call))
            return m.calls[i].nr;
        all += m.calls[i].nr;
    }
    return call ? 0 : all;
}

bool hv_fake_called(const char *call, int *rc)
{
    unsigned i = 0;

    while (m.calls[i].call && strcmp(m.calls[i].call, call))
        i++;
    m.calls[i].call = call;
    m.calls[i].nr++;
    if (strcmp(m.failing, call) || m.skip-- > 0)
        return false;
    m.failing[0] = 0;
    *rc = m.rc;
    return true;
}

#define CALL()                                                                 \
    do {                                                                       \
        int rc_;                                                               \
        if (hv_fake_called(__func__, &rc_))                                    \
            return rc_;                                                        \
    } while (0)

#define CALL_ON(d, domid)                                                      \
    struct hv_fake_domain *d = hv_fake_domain(domid);                          \
    CALL();                                                                    \
    if (!d)                                                                    \
    return -ESRCH

struct hv_fake_domain *hv_fake_domain(uint32_t domid)
{
    for (struct hv_fake_domain *d = m.domains; d; d = d->next)
        if (d->id == domid)
            return d;
    return NULL;
}

unsigned hv_fake_nr_domains(void)
{
    unsigned nr = 0;

    for (struct hv_fake_domain *d = m.domains; d; d = d->next)
        nr++;
    return nr;
}

uint64_t hv_fake_free_pages(void)
{
    return m.nr_free;
}

void *hv_fake_frame(uint64_t mfn)
{
    return mfn < m.nr_frames ? m.base + mfn * PAGE : NULL;
}

/* nr frames in a row that are a multiple of nr, or 0. */
static uint64_t take_frames(uint32_t domid, uint64_t nr)
{
    for (uint64_t at = nr; at + nr <= m.nr_frames; at += nr) {
        uint64_t i = 0;

        while (i < nr && m.owner[at + i] == NOBODY)
            i++;
        if (i < nr)
            continue;
        for (i = 0; i < nr; i++)
            m.owner[at + i] = (int32_t)domid;
        memset(m.base + at * PAGE, m.zeroed ? 0 : HV_FAKE_JUNK, nr * PAGE);
        m.nr_free -= nr;
        return at;
    }
    return 0;
}

static void give_back(uint64_t mfn)
{
    m.owner[mfn] = NOBODY;
    m.nr_free++;
}

/* --- windows ------------------------------------------------------------- */

bool hv_fake_may_map(uint32_t domid, uint64_t mfn)
{
    return mfn < m.nr_frames && m.owner[mfn] == (int32_t)domid;
}

unsigned hv_fake_nr_windows(void)
{
    unsigned nr = 0;

    for (unsigned i = 0; i < MAX_WINDOWS; i++)
        nr += m.windows[i].at != NULL;
    return nr;
}

void *hv_fake_map(size_t nr, const xen_pfn_t *mfns, const int *errors,
                  bool writable)
{
    struct window *w = m.windows;
    int prot = PROT_READ | (writable ? PROT_WRITE : 0);

    while (w->at)
        w++;
    must(w < m.windows + MAX_WINDOWS, "windows");
    w->nr = nr;
    w->mfns = malloc(nr * sizeof(*w->mfns));
    w->at =
        mmap(NULL, nr * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(w->mfns && w->at != MAP_FAILED, "a window");
    for (size_t i = 0; i < nr; i++) {
        w->mfns[i] = ~0ull;
        if (errors && errors[i])
            continue;
        must(mmap(w->at + i * PAGE, PAGE, prot, MAP_SHARED | MAP_FIXED,
                  m.memory, (off_t)mfns[i] * PAGE) != MAP_FAILED,
             "a page of a window");
        if (writable) {
            w->mfns[i] = mfns[i];
            m.writable[mfns[i]]++;
        }
    }
    return w->at;
}

void hv_fake_unmap(void *at, size_t nr)
{
    struct window *w = m.windows;

    while (w < m.windows + MAX_WINDOWS && w->at != at)
        w++;
    must(w < m.windows + MAX_WINDOWS && w->nr == nr, "unmap what is mapped");
    for (size_t i = 0; i < nr; i++)
        if (w->mfns[i] != ~0ull)
            m.writable[w->mfns[i]]--;
    munmap(at, nr * PAGE);
    free(w->mfns);
    memset(w, 0, sizeof(*w));
}

/* --- the handle and the host --------------------------------------------- */

int hv_open(struct hv **hv)
{
    static struct hv the_one;

    CALL();
    *hv = &the_one;
    return 0;
}

void hv_close(struct hv *hv)
{
    (void)hv;
}

int hv_version(struct hv *hv, struct hv_version *v)
{
    (void)hv;
    CALL();
    memset(v, 0, sizeof(*v));
    v->major = 4;
    v->minor = 17;
    strcpy(v->extra, m.zeroed ? ".7-paravane" : ".fake");
    strcpy(v->caps, m.caps);
    v->virt_start = 0xffff800000000000;
    v->page_size = PAGE;
    return 0;
}

static uint64_t claimed(void)
{
    uint64_t nr = 0;

    for (struct hv_fake_domain *d = m.domains; d; d = d->next)
        nr += d->claimed;
    return nr;
}

int hv_physinfo(struct hv *hv, struct xen_sysctl_physinfo *info)
{
    (void)hv;
    CALL();
    memset(info, 0, sizeof(*info));
    info->nr_cpus = CPUS;
    info->max_cpu_id = CPUS - 1;
    info->nr_nodes = 1;
    info->threads_per_core = info->cores_per_socket = 1;
    info->cpu_khz = 1000000;
    info->capabilities = XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_gnttab_v1;
    info->total_pages = m.nr_frames;
    info->free_pages = m.nr_free;
    info->outstanding_pages = claimed();
    info->max_mfn = m.nr_frames - 1;
    return 0;
}

int hv_scheduler_id(struct hv *hv, uint32_t *id)
{
    (void)hv;
    CALL();
    *id = XEN_SCHEDULER_CREDIT2;
    return 0;
}

int hv_cpu_idle(struct hv *hv, uint64_t *idle_ns, uint32_t *nr)
{
    (void)hv;
    CALL();
    if (*nr > CPUS)
        *nr = CPUS;
    for (uint32_t i = 0; i < *nr; i++)
        idle_ns[i] = 1000000000ull * (i + 1);
    return 0;
}

int hv_cpu_topology(struct hv *hv, struct xen_sysctl_cputopo *topo,
                    uint32_t *nr)
{
    (void)hv;
    CALL();
    if (*nr > CPUS)
        *nr = CPUS;
    for (uint32_t i = 0; i < *nr; i++)
        topo[i] = (struct xen_sysctl_cputopo){.core = i};
    return 0;
}

int hv_console_read(struct hv *hv, char *buf, uint32_t *count, uint32_t *index,
                    bool incremental, bool clear)
{
    static const char log[] = "(XEN) a fake machine\n";
    uint32_t from = incremental ? *index : 0, n = sizeof(log) - 1;

    (void)hv;
    (void)clear;
    CALL();
    n = from < n ? n - from : 0;
    if (*count > n)
        *count = n;
    memcpy(buf, log + from, *count);
    *index = from + *count;
    return 0;
}

int hv_debug_keys(struct hv *hv, const char *keys)
{
    (void)hv;
    (void)keys;
    CALL();
    return 0;
}

int hv_system_cpu_policy(struct hv *hv, uint32_t index,
                         xen_cpuid_leaf_t *leaves, uint32_t *nr_leaves,
                         xen_msr_entry_t *msrs, uint32_t *nr_msrs)
{
    (void)hv;
    (void)index;
    (void)msrs;
    CALL();
    if (leaves)
        memset(leaves, 0, *nr_leaves * sizeof(*leaves));
    *nr_leaves = 2;
    *nr_msrs = 0;
    return 0;
}

int hv_cpupool_info(struct hv *hv, uint32_t first, uint32_t *id,
                    uint32_t *sched_id, uint32_t *nr_domains)
{
    (void)hv;
    CALL();
    if (first)
        return -ENOENT;
    *id = 0;
    *sched_id = XEN_SCHEDULER_CREDIT2;
    *nr_domains = hv_fake_nr_domains() + 1;
    return 0;
}

int hv_max_mfn(struct hv *hv, uint64_t *mfn)
{
    (void)hv;
    CALL();
    *mfn = m.nr_frames;
    return 0;
}

/* --- domains ------------------------------------------------------------- */

static uint32_t free_id(void)
{
    while (hv_fake_domain(m.next_id))
        m.next_id++;
    return m.next_id++;
}

static void insert(struct hv_fake_domain *d)
{
    struct hv_fake_domain **at = &m.domains;

    while (*at && (*at)->id < d->id)
        at = &(*at)->next;
    d->next = *at;
    *at = d;
}

int hv_domain_create(struct hv *hv, const struct xen_domctl_createdomain *what,
                     uint32_t *domid)
{
    struct hv_fake_domain *d;

    (void)hv;
    CALL();
    if (*domid && hv_fake_domain(*domid))
        return -EEXIST;
    if (!what->max_vcpus || what->max_vcpus > 512 ||
        XEN_DOMCTL_GRANT_version(what->grant_opts) != 1)
        return -EINVAL;
    d = calloc(1, sizeof(*d));
    must(d, "a domain");
    d->id = *domid ? *domid : free_id();
    d->created = *what;
    d->paused = true;
    d->weight = 256;
    d->leaves[0] = (xen_cpuid_leaf_t){
        .leaf = 1, .subleaf = XEN_CPUID_NO_SUBLEAF, .c = ~0u, .d = ~0u};
    d->leaves[1] = (xen_cpuid_leaf_t){.leaf = 7, .b = ~0u};
    d->shared_info_mfn = take_frames(d->id, 1);
    d->grant_mfn = take_frames(d->id, 1);
    memset(hv_fake_frame(d->grant_mfn), 0, PAGE);
    insert(d);
    *domid = d->id;
    return 0;
}

int hv_domain_destroy_step(struct hv *hv, uint32_t domid)
{
    CALL_ON(d, domid);

    (void)hv;
    for (uint64_t i = 0; i < m.nr_frames; i++)
        if (m.owner[i] == (int32_t)domid)
            give_back(i);
    for (struct hv_fake_domain **at = &m.domains; *at; at = &(*at)->next)
        if (*at == d) {
            *at = d->next;
            break;
        }
    free(d);
    return 0;
}

int hv_domain_destroy(struct hv *hv, uint32_t domid)
{
    int rc;

    CALL();
    do
        rc = hv_domain_destroy_step(hv, domid);
    while (rc == -EAGAIN);
    return rc;
}

int hv_domain_pause(struct hv *hv, uint32_t domid)
{
    CALL_ON(d, domid);

    (void)hv;
    d->paused = true;
    return 0;
}

int hv_domain_unpause(struct hv *hv, uint32_t domid)
{
    CALL_ON(d, domid);

    (void)hv;
    d->paused = false;
    return 0;
}

int hv_domain_resume(struct hv *hv, uint32_t domid)
{
    CALL_ON(d, domid);

    (void)hv;
    d->shut_down = false;
    return 0;
}

int hv_domain_shutdown(struct hv *hv, uint32_t domid, unsigned reason)
{
    CALL_ON(d, domid);

    (void)hv;
    d->shut_down = true;
    d->shutdown_code = reason;
    return 0;
}

static void fill_info(const struct hv_fake_domain *d,
                      struct xen_domctl_getdomaininfo *info)
{
    unsigned code = d->shut_down ? d->shutdown_code : 0xffff;

    memset(info, 0, sizeof(*info));
    info->domain = (domid_t)d->id;
    info->flags = (d->paused ? XEN_DOMINF_paused : 0) |
                  (d->dying ? XEN_DOMINF_dying : 0) |
                  (d->shut_down ? XEN_DOMINF_shutdown : 0) |
                  code << XEN_DOMINF_shutdownshift;
    info->tot_pages = d->tot_pages;
    info->max_pages = d->max_pages;
    info->outstanding_pages = d->claimed;
    info->shared_info_frame = d->shared_info_mfn;
    info->nr_online_vcpus = d->has_context[0];
    info->max_vcpu_id = d->max_vcpus ? d->max_vcpus - 1 : ~0u;
    memcpy(info->handle, d->created.handle, sizeof(info->handle));
}

int hv_domain_info(struct hv *hv, uint32_t domid,
                   struct xen_domctl_getdomaininfo *info)
{
    CALL_ON(d, domid);

    (void)hv;
    fill_info(d, info);
    return 0;
}

int hv_domain_list(struct hv *hv, uint32_t first, uint32_t max,
                   struct xen_domctl_getdomaininfo *infos)
{
    uint32_t nr = 0;

    (void)hv;
    CALL();
    if (first == 0 && max) {
        memset(infos, 0, sizeof(*infos));
        infos->flags = XEN_DOMINF_running | 0xffffu << XEN_DOMINF_shutdownshift;
        nr = 1;
    }
    for (struct hv_fake_domain *d = m.domains; d && nr < max; d = d->next)
        if (d->id >= first)
            fill_info(d, &infos[nr++]);
    return (int)nr;
}

int hv_domain_set_max_mem(struct hv *hv, uint32_t domid, uint64_t kib)
{
    CALL_ON(d, domid);

    (void)hv;
    d->max_pages = kib / 4;
    return 0;
}

int hv_domain_set_max_vcpus(struct hv *hv, uint32_t domid, uint32_t nr)
{
    CALL_ON(d, domid);

    (void)hv;
    if (nr > d->created.max_vcpus)
        return -EINVAL;
    d->max_vcpus = nr;
    return 0;
}

int hv_domain_set_handle(struct hv *hv, uint32_t domid,
                         const uint8_t handle[16])
{
    CALL_ON(d, domid);

    (void)hv;
    memcpy(d->created.handle, handle, 16);
    return 0;
}

int hv_domain_set_address_size(struct hv *hv, uint32_t domid, uint32_t bits)
{
    CALL_ON(d, domid);

    (void)hv;
    if (bits != 64)
        return -EINVAL;
    d->address_size = bits;
    return 0;
}

int hv_domain_get_address_size(struct hv *hv, uint32_t domid, uint32_t *bits)
{
    CALL_ON(d, domid);

    (void)hv;
    (void)d;
    *bits = 64;
    return 0;
}

int hv_domain_set_tsc(struct hv *hv, uint32_t domid,
                      const struct xen_domctl_tsc_info *tsc)
{
    CALL_ON(d, domid);

    (void)hv;
    d->tsc = *tsc;
    return 0;
}

int hv_domain_get_tsc(struct hv *hv, uint32_t domid,
                      struct xen_domctl_tsc_info *tsc)
{
    CALL_ON(d, domid);

    (void)hv;
    *tsc = d->tsc;
    return 0;
}

int hv_domain_set_time_offset(struct hv *hv, uint32_t domid, int64_t seconds)
{
    CALL_ON(d, domid);

    (void)hv;
    d->time_offset = seconds;
    return 0;
}

int hv_domain_set_sched(struct hv *hv, uint32_t domid, int weight, int cap)
{
    CALL_ON(d, domid);

    (void)hv;
    if (weight == 0 || weight > UINT16_MAX || cap > UINT16_MAX)
        return -EINVAL;
    if (weight >= 0)
        d->weight = weight;
    if (cap >= 0)
        d->cap = cap;
    return 0;
}

int hv_domain_get_sched(struct hv *hv, uint32_t domid, int *weight, int *cap)
{
    CALL_ON(d, domid);

    (void)hv;
    *weight = d->weight;
    *cap = d->cap;
    return 0;
}

int hv_domain_set_node_affinity(struct hv *hv, uint32_t domid,
                                const uint8_t *map, uint32_t nr_bits)
{
    CALL_ON(d, domid);

    (void)hv;
    (void)d;
    return nr_bits && map[0] & 1 ? 0 : -EINVAL;
}

int hv_domain_get_cpu_policy(struct hv *hv, uint32_t domid,
                             xen_cpuid_leaf_t *leaves, uint32_t *nr_leaves,
                             xen_msr_entry_t *msrs, uint32_t *nr_msrs)
{
    CALL_ON(d, domid);

    (void)hv;
    (void)msrs;
    if (*nr_leaves < 2)
        return -ENOBUFS;
    memcpy(leaves, d->leaves, sizeof(d->leaves));
    *nr_leaves = 2;
    *nr_msrs = 0;
    return 0;
}

int hv_domain_set_cpu_policy(struct hv *hv, uint32_t domid,
                             const xen_cpuid_leaf_t *leaves, uint32_t nr_leaves,
                             const xen_msr_entry_t *msrs, uint32_t nr_msrs,
                             struct hv_bad_policy *bad)
{
    CALL_ON(d, domid);

    (void)hv;
    (void)msrs;
    (void)nr_msrs;
    *bad = (struct hv_bad_policy){~0u, ~0u, ~0u};
    for (uint32_t i = 0; i < nr_leaves; i++)
        for (int j = 0; j < 2; j++)
            if (leaves[i].leaf == d->leaves[j].leaf)
                d->leaves[j] = leaves[i];
    return 0;
}

int hv_domain_hypercall_page(struct hv *hv, uint32_t domid, uint64_t gmfn)
{
    CALL_ON(d, domid);

    (void)hv;
    (void)d;
    if (!hv_fake_may_map(domid, gmfn))
        return -EACCES;
    memset(hv_fake_frame(gmfn), 0xcc, PAGE);
    return 0;
}

int hv_domain_page_info(struct hv *hv, uint32_t domid, xen_pfn_t *frames,
                        uint32_t nr)
{
    CALL_ON(d, domid);

    (void)hv;
    (void)d;
    for (uint32_t i = 0; i < nr; i++)
        frames[i] = hv_fake_may_map(domid, frames[i]) ? XEN_DOMCTL_PFINFO_NOTAB
                                                      : XEN_DOMCTL_PFINFO_XTAB;
    return 0;
}

int hv_domain_alloc_port(struct hv *hv, uint32_t domid, uint32_t remote,
                         uint32_t *port)
{
    CALL_ON(d, domid);

    (void)hv;
    (void)remote;
    *port = ++d->nr_ports;
    return 0;
}

int hv_domain_set_hvm_param(struct hv *hv, uint32_t domid, uint32_t index,
                            uint64_t value)
{
    CALL_ON(d, domid);

    (void)hv;
    (void)d;
    (void)index;
    (void)value;
    return -EINVAL; /* PV guests only */
}

int hv_domain_get_hvm_param(struct hv *hv, uint32_t domid, uint32_t index,
                            uint64_t *value)
{
    CALL_ON(d, domid);

    (void)hv;
    (void)d;
    (void)index;
    (void)value;
    return -EINVAL;
}

/* --- vcpus --------------------------------------------------------------- */

static bool is_vcpu(const struct hv_fake_domain *d, uint32_t vcpu)
{
    return vcpu < d->max_vcpus && vcpu < HV_FAKE_MAX_VCPUS;
}

int hv_vcpu_set_context(struct hv *hv, uint32_t domid, uint32_t vcpu,
                        const struct vcpu_guest_context *ctx)
{
    CALL_ON(d, domid);

    (void)hv;
    if (!is_vcpu(d, vcpu))
        return -EINVAL;
    /* As the real one: the root must be a pinned table by now. */
    if (xen_cr3_to_pfn(ctx->ctrlreg[3]) != d->pinned)
        return -EINVAL;
    d->context[vcpu] = *ctx;
    d->has_context[vcpu] = true;
    return 0;
}

int hv_vcpu_get_context(struct hv *hv, uint32_t domid, uint32_t vcpu,
                        struct vcpu_guest_context *ctx)
{
    CALL_ON(d, domid);

    (void)hv;
    if (!is_vcpu(d, vcpu))
        return -EINVAL;
    *ctx = d->context[vcpu];
    return 0;
}

int hv_vcpu_info(struct hv *hv, uint32_t domid, uint32_t vcpu,
                 struct xen_domctl_getvcpuinfo *info)
{
    CALL_ON(d, domid);

    (void)hv;
    if (!is_vcpu(d, vcpu))
        return -EINVAL;
    memset(info, 0, sizeof(*info));
    info->vcpu = vcpu;
    info->online = d->has_context[vcpu];
    return 0;
}

int hv_vcpu_set_affinity(struct hv *hv, uint32_t domid, uint32_t vcpu,
                         const uint8_t *hard, const uint8_t *soft,
                         uint32_t nr_bits)
{
    CALL_ON(d, domid);

    (void)hv;
    if (!is_vcpu(d, vcpu) || !nr_bits)
        return -EINVAL;
    if (hard)
        d->hard[vcpu] = hard[0];
    if (soft)
        d->soft[vcpu] = soft[0];
    return 0;
}

int hv_vcpu_get_affinity(struct hv *hv, uint32_t domid, uint32_t vcpu,
                         uint8_t *hard, uint8_t *soft, uint32_t nr_bits)
{
    CALL_ON(d, domid);

    (void)hv;
    if (!is_vcpu(d, vcpu) || !nr_bits)
        return -EINVAL;
    if (hard)
        hard[0] = d->hard[vcpu];
    if (soft)
        soft[0] = d->soft[vcpu];
    return 0;
}

/* --- memory -------------------------------------------------------------- */

long hv_memory_populate(struct hv *hv, uint32_t domid, unsigned order,
                        unsigned flags, xen_pfn_t *frames, unsigned long nr)
{
    uint64_t pages = 1ull << order;
    unsigned long done;
    CALL_ON(d, domid);

    (void)hv;
    (void)flags;
    for (done = 0; done < nr; done++) {
        uint64_t mfn;

        if (d->tot_pages + pages > d->max_pages || (order && m.fragmented))
            break;
        if (d->claimed < pages && m.nr_free < claimed() + pages)
            break;
        mfn = take_frames(domid, pages);
        if (!mfn)
            break;
        frames[done] = mfn;
        d->tot_pages += pages;
        d->claimed -= d->claimed < pages ? d->claimed : pages;
    }
    return (long)done;
}

long hv_memory_decrease(struct hv *hv, uint32_t domid, unsigned order,
                        const xen_pfn_t *frames, unsigned long nr)
{
    unsigned long done;
    CALL_ON(d, domid);

    (void)hv;
    for (done = 0; done < nr; done++)
        for (uint64_t i = 0; i < 1ull << order; i++) {
            if (!hv_fake_may_map(domid, frames[done] + i))
                return (long)done;
            give_back(frames[done] + i);
            d->tot_pages--;
        }
    return (long)done;
}

int hv_memory_claim(struct hv *hv, uint32_t domid, uint64_t nr_pages)
{
    CALL_ON(d, domid);

    (void)hv;
    if (nr_pages && nr_pages > m.nr_free - claimed())
        return -ENOMEM;
    d->claimed = nr_pages;
    return 0;
}

int hv_memory_set_map(struct hv *hv, uint32_t domid, const struct hv_e820 *map,
                      unsigned nr)
{
    CALL_ON(d, domid);

    (void)hv;
    if (nr != 1)
        return -EINVAL;
    d->map = *map;
    return 0;
}

int hv_memory_max_gpfn(struct hv *hv, uint32_t domid, uint64_t *gpfn)
{
    CALL_ON(d, domid);

    (void)hv;
    *gpfn = d->tot_pages - 1;
    return 0;
}

void hv_memory_forget(struct hv *hv, void *at, size_t nr)
{
    (void)hv;
    (void)at;
    (void)nr;
}

/* Every page below this table, each seen once per way to it. */
struct walk {
    uint32_t domid;
    uint8_t *is_table; /* by frame */
    bool check;        /* second round: writable mappings of tables */
};

static int walk_table(struct walk *w, uint64_t mfn, unsigned level)
{
    const uint64_t *table = hv_fake_frame(mfn);

    if (!hv_fake_may_map(w->domid, mfn) || m.writable[mfn])
        return -EINVAL;
    w->is_table[mfn] = 1;
    for (unsigned i = 0; i < 512; i++) {
        uint64_t e = table[i], to = e >> 12 & 0xffffffffffull;
        int rc = 0;

        if (!(e & 1))
            continue;
        if (level > 1)
            rc = walk_table(w, to, level - 1);
        else if (!hv_fake_may_map(w->domid, to) ||
                 (w->check && w->is_table[to] && e & 2))
            rc = -EINVAL;
        if (rc)
            return rc;
    }
    return 0;
}

int hv_mmuext_pin(struct hv *hv, uint32_t domid, unsigned cmd, uint64_t mfn)
{
    struct walk w = {.domid = domid};
    int rc;
    CALL_ON(d, domid);

    (void)hv;
    if (cmd != MMUEXT_PIN_L4_TABLE)
        return -EINVAL;
    w.is_table = calloc(m.nr_frames, 1);
    must(w.is_table, "page types");
    rc = walk_table(&w, mfn, 4);
    w.check = true;
    if (!rc)
        rc = walk_table(&w, mfn, 4);
    free(w.is_table);
    if (!rc)
        d->pinned = mfn;
    return rc;
}
