#include "dom0/libs/hypercall/fake-internal.h"

struct hv {
    int unused;
};

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
    strcpy(v->extra, hv_fake.zeroed ? ".7-paravane" : ".fake");
    strcpy(v->caps, hv_fake.caps);
    v->virt_start = 0xffff800000000000;
    v->page_size = HV_FAKE_PAGE;
    return 0;
}

int hv_physinfo(struct hv *hv, struct xen_sysctl_physinfo *info)
{
    (void)hv;
    CALL();
    memset(info, 0, sizeof(*info));
    info->nr_cpus = HV_FAKE_CPUS;
    info->max_cpu_id = HV_FAKE_CPUS - 1;
    info->nr_nodes = 1;
    info->threads_per_core = info->cores_per_socket = 1;
    info->cpu_khz = 1000000;
    info->capabilities = XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_gnttab_v1;
    info->total_pages = hv_fake.nr_frames;
    info->free_pages = hv_fake.nr_free;
    info->outstanding_pages = hv_fake_claimed();
    info->max_mfn = hv_fake.nr_frames - 1;
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
    if (*nr > HV_FAKE_CPUS)
        *nr = HV_FAKE_CPUS;
    for (uint32_t i = 0; i < *nr; i++)
        idle_ns[i] = 1000000000ull * (i + 1);
    return 0;
}

int hv_cpu_topology(struct hv *hv, struct xen_sysctl_cputopo *topo,
                    uint32_t *nr)
{
    (void)hv;
    CALL();
    if (*nr > HV_FAKE_CPUS)
        *nr = HV_FAKE_CPUS;
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
    *mfn = hv_fake.nr_frames;
    return 0;
}
