#include <stdlib.h>

#include "dom0/libs/hypercall/fake-internal.h"

static uint32_t free_id(void)
{
    while (hv_fake_domain(hv_fake.next_id))
        hv_fake.next_id++;
    return hv_fake.next_id++;
}

static void insert(struct hv_fake_domain *d)
{
    struct hv_fake_domain **at = &hv_fake.domains;

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
    hv_fake_must(d, "a domain");
    d->id = *domid ? *domid : free_id();
    d->created = *what;
    d->paused = true;
    d->weight = 256;
    d->leaves[0] = (xen_cpuid_leaf_t){
        .leaf = 1, .subleaf = XEN_CPUID_NO_SUBLEAF, .c = ~0u, .d = ~0u};
    d->leaves[1] = (xen_cpuid_leaf_t){.leaf = 7, .b = ~0u};
    d->shared_info_mfn = hv_fake_take_frames(d->id, 1);
    d->grant_mfn = hv_fake_take_frames(d->id, 1);
    memset(hv_fake_frame(d->grant_mfn), 0, HV_FAKE_PAGE);
    insert(d);
    *domid = d->id;
    return 0;
}

int hv_domain_destroy_step(struct hv *hv, uint32_t domid)
{
    CALL_ON(d, domid);

    (void)hv;
    for (uint64_t i = 0; i < hv_fake.nr_frames; i++)
        if (hv_fake.owner[i] == (int32_t)domid)
            hv_fake_give_back(i);
    for (struct hv_fake_domain **at = &hv_fake.domains; *at; at = &(*at)->next)
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
    if (hv_fake.crashing) {
        d->shut_down = true;
        d->shutdown_code = SHUTDOWN_crash;
    }
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
    for (struct hv_fake_domain *d = hv_fake.domains; d && nr < max; d = d->next)
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
    memset(hv_fake_frame(gmfn), 0xcc, HV_FAKE_PAGE);
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
