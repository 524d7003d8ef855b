/* The hypervisor itself and the machine below it. */
#include "dom0/libs/hypercall/internal.h"

/* One xen_version string into `to`, always ended. */
static int version_string(struct hv *hv, unsigned cmd, size_t abi_size,
                          char *to, size_t size)
{
    char *op = hv_arg(hv, abi_size);
    int rc = hv_call2(hv, __HYPERVISOR_xen_version, cmd, (uintptr_t)op);
    size_t n;

    if (rc < 0)
        return rc;
    n = strnlen(op, abi_size);
    if (n >= size)
        n = size - 1;
    memcpy(to, op, n);
    to[n] = 0;
    return 0;
}

static int compile_info(struct hv *hv, struct hv_version *v)
{
    struct xen_compile_info *op = hv_arg(hv, sizeof(*op));
    int rc = hv_call2(hv, __HYPERVISOR_xen_version, XENVER_compile_info,
                      (uintptr_t)op);

    if (rc < 0)
        return rc;
    memcpy(v->compiler, op->compiler, sizeof(v->compiler) - 1);
    memcpy(v->compiled_by, op->compile_by, sizeof(v->compiled_by) - 1);
    memcpy(v->compile_domain, op->compile_domain,
           sizeof(v->compile_domain) - 1);
    memcpy(v->compile_date, op->compile_date, sizeof(v->compile_date) - 1);
    return 0;
}

/* Debian's build has one; others may answer -ENODATA. */
static void build_id(struct hv *hv, struct hv_version *v)
{
    xen_build_id_t *op = hv_arg(hv, sizeof(*op) + sizeof(v->build_id));
    int rc;

    op->len = sizeof(v->build_id);
    rc = hv_call2(hv, __HYPERVISOR_xen_version, XENVER_build_id, (uintptr_t)op);
    if (rc <= 0 || (unsigned)rc > sizeof(v->build_id))
        return;
    v->build_id_len = (unsigned)rc;
    memcpy(v->build_id, op->buf, v->build_id_len);
}

int hv_version(struct hv *hv, struct hv_version *v)
{
    struct xen_platform_parameters *p;
    int rc;

    memset(v, 0, sizeof(*v));
    rc = hv_call2(hv, __HYPERVISOR_xen_version, XENVER_version, 0);
    if (rc < 0)
        return rc;
    v->major = (unsigned)rc >> 16;
    v->minor = (unsigned)rc & 0xffff;

    rc = version_string(hv, XENVER_extraversion, sizeof(xen_extraversion_t),
                        v->extra, sizeof(v->extra));
    if (!rc)
        rc = version_string(hv, XENVER_capabilities,
                            sizeof(xen_capabilities_info_t), v->caps,
                            sizeof(v->caps));
    if (!rc)
        rc = version_string(hv, XENVER_changeset, sizeof(xen_changeset_info_t),
                            v->changeset, sizeof(v->changeset));
    if (!rc)
        rc = version_string(hv, XENVER_commandline, sizeof(xen_commandline_t),
                            v->commandline, sizeof(v->commandline));
    if (!rc)
        rc = compile_info(hv, v);
    if (rc)
        return rc;

    p = hv_arg(hv, sizeof(*p));
    rc = hv_call2(hv, __HYPERVISOR_xen_version, XENVER_platform_parameters,
                  (uintptr_t)p);
    if (rc < 0)
        return rc;
    v->virt_start = p->virt_start;
    rc = hv_call2(hv, __HYPERVISOR_xen_version, XENVER_pagesize, 0);
    if (rc < 0)
        return rc;
    v->page_size = (unsigned)rc;
    build_id(hv, v);
    return 0;
}

int hv_physinfo(struct hv *hv, struct xen_sysctl_physinfo *info)
{
    struct xen_sysctl *op = hv_sysctl_arg(hv, XEN_SYSCTL_physinfo);
    int rc = hv_sysctl(hv);

    if (!rc)
        *info = op->u.physinfo;
    return rc;
}

int hv_scheduler_id(struct hv *hv, uint32_t *id)
{
    struct xen_sysctl *op = hv_sysctl_arg(hv, XEN_SYSCTL_sched_id);
    int rc = hv_sysctl(hv);

    if (!rc)
        *id = op->u.sched_id.sched_id;
    return rc;
}

int hv_cpu_idle(struct hv *hv, uint64_t *idle_ns, uint32_t *nr)
{
    struct xen_sysctl_cpuinfo *buf = hv_buffer(hv, *nr * sizeof(*buf));
    struct xen_sysctl *op;
    int rc;

    if (!buf)
        return -ENOMEM;
    op = hv_sysctl_arg(hv, XEN_SYSCTL_getcpuinfo);
    op->u.getcpuinfo.max_cpus = *nr;
    set_xen_guest_handle_raw(op->u.getcpuinfo.info, buf);
    rc = hv_sysctl(hv);
    if (!rc) {
        *nr = op->u.getcpuinfo.nr_cpus;
        for (uint32_t i = 0; i < *nr; i++)
            idle_ns[i] = buf[i].idletime;
    }
    hv_buffer_free(hv, buf);
    return rc;
}

int hv_cpu_topology(struct hv *hv, struct xen_sysctl_cputopo *topo,
                    uint32_t *nr)
{
    struct xen_sysctl_cputopo *buf = hv_buffer(hv, *nr * sizeof(*buf));
    struct xen_sysctl *op;
    uint32_t room = *nr;
    int rc;

    if (!buf)
        return -ENOMEM;
    op = hv_sysctl_arg(hv, XEN_SYSCTL_cputopoinfo);
    op->u.cputopoinfo.num_cpus = room;
    set_xen_guest_handle_raw(op->u.cputopoinfo.cputopo, buf);
    rc = hv_sysctl(hv);
    if (!rc) {
        *nr = op->u.cputopoinfo.num_cpus;
        if (*nr > room)
            *nr = room;
        memcpy(topo, buf, *nr * sizeof(*buf));
    }
    hv_buffer_free(hv, buf);
    return rc;
}

int hv_console_read(struct hv *hv, char *buf, uint32_t *count, uint32_t *index,
                    bool incremental, bool clear)
{
    char *bounce = hv_buffer(hv, *count);
    struct xen_sysctl *op;
    int rc;

    if (!bounce)
        return -ENOMEM;
    op = hv_sysctl_arg(hv, XEN_SYSCTL_readconsole);
    op->u.readconsole.clear = clear;
    op->u.readconsole.incremental = incremental;
    op->u.readconsole.index = *index;
    op->u.readconsole.count = *count;
    set_xen_guest_handle_raw(op->u.readconsole.buffer, bounce);
    rc = hv_sysctl(hv);
    if (!rc) {
        *count = op->u.readconsole.count;
        *index = op->u.readconsole.index;
        memcpy(buf, bounce, *count);
    }
    hv_buffer_free(hv, bounce);
    return rc;
}

int hv_debug_keys(struct hv *hv, const char *keys)
{
    size_t len = strlen(keys);
    char *buf = hv_buffer(hv, len);
    struct xen_sysctl *op;
    int rc;

    if (!buf)
        return -ENOMEM;
    memcpy(buf, keys, len);
    op = hv_sysctl_arg(hv, XEN_SYSCTL_debug_keys);
    set_xen_guest_handle_raw(op->u.debug_keys.keys, buf);
    op->u.debug_keys.nr_keys = (uint32_t)len;
    rc = hv_sysctl(hv);
    hv_buffer_free(hv, buf);
    return rc;
}

int hv_system_cpu_policy(struct hv *hv, uint32_t index,
                         xen_cpuid_leaf_t *leaves, uint32_t *nr_leaves,
                         xen_msr_entry_t *msrs, uint32_t *nr_msrs)
{
    xen_cpuid_leaf_t *lbuf = NULL;
    xen_msr_entry_t *mbuf = NULL;
    struct xen_sysctl *op;
    int rc = -ENOMEM;

    if (leaves) {
        lbuf = hv_buffer(hv, *nr_leaves * sizeof(*lbuf));
        mbuf = hv_buffer(hv, *nr_msrs * sizeof(*mbuf));
        if (!lbuf || !mbuf)
            goto free;
    }
    op = hv_sysctl_arg(hv, XEN_SYSCTL_get_cpu_policy);
    op->u.cpu_policy.index = index;
    op->u.cpu_policy.nr_leaves = leaves ? *nr_leaves : 0;
    op->u.cpu_policy.nr_msrs = leaves ? *nr_msrs : 0;
    set_xen_guest_handle_raw(op->u.cpu_policy.leaves, lbuf);
    set_xen_guest_handle_raw(op->u.cpu_policy.msrs, mbuf);
    rc = hv_sysctl(hv);
    if (rc)
        goto free;
    if (leaves) {
        memcpy(leaves, lbuf, op->u.cpu_policy.nr_leaves * sizeof(*lbuf));
        memcpy(msrs, mbuf, op->u.cpu_policy.nr_msrs * sizeof(*mbuf));
    }
    *nr_leaves = op->u.cpu_policy.nr_leaves;
    *nr_msrs = op->u.cpu_policy.nr_msrs;

free:
    hv_buffer_free(hv, mbuf);
    hv_buffer_free(hv, lbuf);
    return rc;
}

int hv_cpupool_info(struct hv *hv, uint32_t first, uint32_t *id,
                    uint32_t *sched_id, uint32_t *nr_domains)
{
    uint32_t nr_bits = 1024;
    uint8_t *map = hv_buffer(hv, nr_bits / 8);
    struct xen_sysctl *op;
    int rc;

    if (!map)
        return -ENOMEM;
    op = hv_sysctl_arg(hv, XEN_SYSCTL_cpupool_op);
    op->u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO;
    op->u.cpupool_op.cpupool_id = first;
    set_xen_guest_handle_raw(op->u.cpupool_op.cpumap.bitmap, map);
    op->u.cpupool_op.cpumap.nr_bits = nr_bits;
    rc = hv_sysctl(hv);
    if (!rc) {
        *id = op->u.cpupool_op.cpupool_id;
        *sched_id = op->u.cpupool_op.sched_id;
        *nr_domains = op->u.cpupool_op.n_dom;
    }
    hv_buffer_free(hv, map);
    return rc;
}

int hv_max_mfn(struct hv *hv, uint64_t *mfn)
{
    long rc = hv_memory_op(hv, XENMEM_maximum_ram_page, NULL);

    if (rc < 0)
        return (int)rc;
    *mfn = (uint64_t)rc + 1;
    return 0;
}
