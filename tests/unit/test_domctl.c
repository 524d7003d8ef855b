/*
 * domctl and sysctl as the toolstack meets them (toolstack.md 1 and 2):
 * versions, rights, wrong arguments, and what the tools rely on.
 */
#include "domain-world.h"

static struct domain *host, *guest;

static long ctl(struct xen_domctl *op, uint32_t cmd, domid_t id)
{
    struct hc_args a = {{(uintptr_t)op}};

    op->cmd = cmd;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op->domain = id;
    return hc_domctl(&a);
}

static long sys(struct xen_sysctl *op, uint32_t cmd)
{
    struct hc_args a = {{(uintptr_t)op}};

    op->cmd = cmd;
    op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return hc_sysctl(&a);
}

static int setup(void **state)
{
    test_setup(state);
    dom0 = host = new_domain(0, 1, true);
    host->vcpu[0]->up = host->vcpu[0]->initialised = true;
    guest = new_domain(40, 2, false);
    fake_current = host->vcpu[0];
    return 0;
}

static int teardown(void **state)
{
    dom0 = NULL;
    end_domain(guest);
    end_domain(host);
    return test_teardown(state);
}

/* A tool of another version gets -EACCES, a guest -EPERM. */
static void test_version_and_rights(void **state)
{
    static struct xen_domctl op;
    static struct xen_sysctl sop;
    struct hc_args a = {{(uintptr_t)&op}}, s = {{(uintptr_t)&sop}}, bad = {{8}};

    (void)state;
    op.interface_version = XEN_DOMCTL_INTERFACE_VERSION + 1;
    sop.interface_version = XEN_SYSCTL_INTERFACE_VERSION - 1;
    assert_int_equal(hc_domctl(&a), -EACCES);
    assert_int_equal(hc_sysctl(&s), -EACCES);
    assert_int_equal(hc_domctl(&bad), -EFAULT);
    assert_int_equal(ctl(&op, 0, 40), -ENOSYS);
    assert_int_equal(ctl(&op, 100000, 40), -ENOSYS);
    assert_int_equal(ctl(&op, XEN_DOMCTL_pausedomain, 41), -ESRCH);
    assert_int_equal(ctl(&op, XEN_DOMCTL_pausedomain, 0), -EINVAL);
    assert_int_equal(ctl(&op, XEN_DOMCTL_destroydomain, 0), -EINVAL);
    fake_current = guest->vcpu[0];
    assert_int_equal(ctl(&op, XEN_DOMCTL_pausedomain, 40), -EPERM);
    assert_int_equal(sys(&sop, XEN_SYSCTL_physinfo), -EPERM);
}

/* An NMI is all that a PV guest's machine can be triggered to. */
static void test_sendtrigger(void **state)
{
    struct xen_domctl op = {.u.sendtrigger.trigger =
                                XEN_DOMCTL_SENDTRIGGER_NMI};

    (void)state;
    assert_int_equal(ctl(&op, XEN_DOMCTL_sendtrigger, 40), 0);
    op.u.sendtrigger.vcpu = 2;
    assert_int_equal(ctl(&op, XEN_DOMCTL_sendtrigger, 40), -ESRCH);
    op.u.sendtrigger.vcpu = ~0u;
    assert_int_equal(ctl(&op, XEN_DOMCTL_sendtrigger, 40), -ESRCH);
    op.u.sendtrigger.vcpu = 0;
    op.u.sendtrigger.trigger = XEN_DOMCTL_SENDTRIGGER_POWER;
    assert_int_equal(ctl(&op, XEN_DOMCTL_sendtrigger, 40), -EINVAL);
    op.u.sendtrigger.trigger = 77;
    assert_int_equal(ctl(&op, XEN_DOMCTL_sendtrigger, 40), -ENOSYS);
}

/* What xl sends for a PV guest works; what we cannot give is refused and
   nothing stays behind. */
static void test_createdomain(void **state)
{
    const struct xen_domctl_createdomain good = {.max_vcpus = 2,
                                                 .max_evtchn_port = 0x3ff,
                                                 .max_grant_frames = -1,
                                                 .max_maptrack_frames = -1,
                                                 .grant_opts = 1};
    struct xen_domctl op = {.u.createdomain = good};
    struct xen_domctl_createdomain *c = &op.u.createdomain;
    int before = nr_allocated;
    struct domain *d;

    (void)state;
#define REFUSED(field, value, error)                                           \
    do {                                                                       \
        *c = good;                                                             \
        c->field = value;                                                      \
        assert_int_equal(ctl(&op, XEN_DOMCTL_createdomain, DOMID_INVALID),     \
                         error);                                               \
        assert_int_equal(nr_allocated, before);                                \
    } while (0)
    REFUSED(flags, XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap, -EINVAL);
    REFUSED(flags, 1u << 31, -EINVAL);
    REFUSED(max_vcpus, 0, -EINVAL);
    REFUSED(max_vcpus, MAX_VCPUS + 1, -EINVAL);
    REFUSED(grant_opts, 2, -EINVAL);
    REFUSED(grant_opts, 0, -EINVAL);
    REFUSED(max_grant_frames, 1 << 20, -EINVAL);
    REFUSED(cpupool_id, 7, -ENOENT);
    REFUSED(arch.emulation_flags, 1, -EOPNOTSUPP);
    REFUSED(vmtrace_size, 4096, -EINVAL);

    *c = good;
    assert_int_equal(ctl(&op, XEN_DOMCTL_createdomain, 40), -EEXIST);
    assert_int_equal(ctl(&op, XEN_DOMCTL_createdomain, DOMID_INVALID), 0);
    assert_true(op.domain > 0 && op.domain < DOMID_FIRST_RESERVED);
    d = domain_get(op.domain);
    assert_int_equal(d->max_grant_frames, 64);

    /* max_vcpus makes them, only with the number of before. */
    op.u.max_vcpus.max = 3;
    assert_int_equal(ctl(&op, XEN_DOMCTL_max_vcpus, d->id), -EINVAL);
    op.u.max_vcpus.max = 2;
    assert_int_equal(ctl(&op, XEN_DOMCTL_max_vcpus, d->id), 0);
    assert_non_null(d->vcpu[1]);
    assert_int_equal(d->vcpu[1]->unit.pause_count, 1);
    end_domain(d);
    fake_current = host->vcpu[0];
}

/* xenconsoled asks for last + 1 and compares; paused PV is 0xffff0008. */
static void test_getdomaininfo_finds_the_next(void **state)
{
    struct xen_domctl op = {.cmd = 0};

    (void)state;
    assert_int_equal(ctl(&op, XEN_DOMCTL_getdomaininfo, 1), 0);
    assert_int_equal(op.domain, 40);
    assert_int_equal(op.u.getdomaininfo.domain, 40);
    assert_int_equal(op.u.getdomaininfo.flags, 0xffff0008);
    assert_int_equal(op.u.getdomaininfo.max_vcpu_id, 1);
    assert_int_equal(op.u.getdomaininfo.nr_online_vcpus, 0);
    assert_int_equal(ctl(&op, XEN_DOMCTL_getdomaininfo, 41), -ESRCH);
    assert_int_equal(ctl(&op, XEN_DOMCTL_getdomaininfo, DOMID_SELF), -EINVAL);

    domain_unpause_tools(guest);
    domain_shutdown(guest, 2);
    assert_int_equal(ctl(&op, XEN_DOMCTL_getdomaininfo, 40), 0);
    assert_int_equal(op.u.getdomaininfo.flags, 0x20004);
}

static void test_getdomaininfolist(void **state)
{
    struct xen_domctl_getdomaininfo info[4];
    struct xen_sysctl op = {.u.getdomaininfolist = {.max_domains = 4}};

    (void)state;
    op.u.getdomaininfolist.buffer.p = info;
    assert_int_equal(sys(&op, XEN_SYSCTL_getdomaininfolist), 0);
    assert_int_equal(op.u.getdomaininfolist.num_domains, 2);
    assert_int_equal(info[0].domain, 0);
    assert_int_equal(info[1].domain, 40);
    op.u.getdomaininfolist.first_domain = 41;
    assert_int_equal(sys(&op, XEN_SYSCTL_getdomaininfolist), 0);
    assert_int_equal(op.u.getdomaininfolist.num_domains, 0);
}

/* Maps have any length; the effective mask comes back. */
static void test_vcpu_affinity(void **state)
{
    uint8_t hard[20], soft[1] = {0xff};
    struct xen_domctl op = {.cmd = 0};
    struct xen_domctl_vcpuaffinity *a = &op.u.vcpuaffinity;

    (void)state;
    memset(hard, 0xff, sizeof(hard));
    a->vcpu = 1;
    a->cpumap_hard.bitmap.p = hard;
    a->cpumap_hard.nr_bits = 160;
    a->cpumap_soft.bitmap.p = soft;
    a->cpumap_soft.nr_bits = 1;
    assert_int_equal(ctl(&op, XEN_DOMCTL_setvcpuaffinity, 40), -EINVAL);
    a->flags = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT;
    assert_int_equal(ctl(&op, XEN_DOMCTL_setvcpuaffinity, 40), 0);
    assert_int_equal(hard[0], 3);
    assert_int_equal(hard[19], 0);
    assert_int_equal(soft[0], 1);
    assert_int_equal(guest->vcpu[1]->unit.soft, 1);

    hard[0] = 0xfc; /* none that is there */
    assert_int_equal(ctl(&op, XEN_DOMCTL_setvcpuaffinity, 40), -EINVAL);
    a->vcpu = 2;
    assert_int_equal(ctl(&op, XEN_DOMCTL_setvcpuaffinity, 40), -EINVAL);
    assert_int_equal(ctl(&op, XEN_DOMCTL_getvcpuaffinity, 40), -EINVAL);
    a->vcpu = 1;
    assert_int_equal(ctl(&op, XEN_DOMCTL_getvcpuaffinity, 40), 0);
    assert_int_equal(hard[0], 0xff);
}

/* Weight 0 and cap ~0 leave the old value; another scheduler is -EINVAL. */
static void test_scheduler_op(void **state)
{
    struct xen_domctl op = {.cmd = 0};
    struct xen_domctl_scheduler_op *s = &op.u.scheduler_op;

    (void)state;
    s->sched_id = XEN_SCHEDULER_CREDIT;
    s->cmd = XEN_DOMCTL_SCHEDOP_getinfo;
    assert_int_equal(ctl(&op, XEN_DOMCTL_scheduler_op, 40), -EINVAL);
    s->sched_id = XEN_SCHEDULER_CREDIT2;
    assert_int_equal(ctl(&op, XEN_DOMCTL_scheduler_op, 40), 0);
    assert_int_equal(s->u.credit2.weight, 256);
    s->cmd = XEN_DOMCTL_SCHEDOP_putinfo;
    s->u.credit2.weight = 0;
    s->u.credit2.cap = 50;
    assert_int_equal(ctl(&op, XEN_DOMCTL_scheduler_op, 40), 0);
    assert_int_equal(guest->sched_weight, 256);
    assert_int_equal(guest->sched_cap, 50);
}

/* Contexts: needs a vCPU, a readable context, and reads back what is there. */
static void test_vcpu_context(void **state)
{
    static struct vcpu_guest_context c = {.flags =
                                              VGCF_in_kernel | VGCF_online};
    struct xen_domctl op = {.u.vcpucontext = {.vcpu = 5}};

    (void)state;
    op.u.vcpucontext.ctxt.p = &c;
    assert_int_equal(ctl(&op, XEN_DOMCTL_setvcpucontext, 40), -EINVAL);
    op.u.vcpucontext.vcpu = 0;
    assert_int_equal(ctl(&op, XEN_DOMCTL_setvcpucontext, 0), -EINVAL);
    assert_int_equal(ctl(&op, XEN_DOMCTL_getvcpucontext, 40), -ENODATA);
    assert_int_equal(ctl(&op, XEN_DOMCTL_setvcpucontext, 40), 0);
    assert_true(guest->vcpu[0]->up && guest->vcpu[0]->initialised);
    assert_int_equal(guest->vcpu[0]->unit.pause_count, 1);
    memset(&c, 0, sizeof(c));
    assert_int_equal(ctl(&op, XEN_DOMCTL_getvcpucontext, 40), 0);
    assert_int_equal(c.flags, VGCF_in_kernel | VGCF_online);
    op.u.vcpucontext.ctxt.p = NULL;
    assert_int_equal(ctl(&op, XEN_DOMCTL_setvcpucontext, 40), 0);
    assert_false(guest->vcpu[0]->up);
}

/* The state image is checked for whatever would fault when it is loaded. */
static void test_vcpuextstate(void **state)
{
    static uint8_t area[576], buffer[16 + 576];
    struct xen_domctl op = {.u.vcpuextstate = {.vcpu = 0}};
    struct xen_domctl_vcpuextstate *e = &op.u.vcpuextstate;
    uint64_t *words = (uint64_t *)buffer;

    (void)state;
    guest->vcpu[0]->xsave = area;
    assert_int_equal(ctl(&op, XEN_DOMCTL_getvcpuextstate, 40), 0);
    assert_int_equal(e->size, sizeof(buffer));
    e->buffer.p = words;
    guest->vcpu[0]->xcr0 = 3;
    assert_int_equal(ctl(&op, XEN_DOMCTL_getvcpuextstate, 40), 0);
    assert_int_equal(words[0], 3);
    assert_int_equal(ctl(&op, XEN_DOMCTL_setvcpuextstate, 40), 0);

    words[0] = 2; /* without x87 */
    assert_int_equal(ctl(&op, XEN_DOMCTL_setvcpuextstate, 40), -EINVAL);
    host_xcr0 = 7;
    words[0] = words[1] = 5; /* the CPU refuses AVX without SSE */
    assert_int_equal(ctl(&op, XEN_DOMCTL_setvcpuextstate, 40), -EINVAL);
    assert_int_equal(guest->vcpu[0]->xcr0, 3);
    host_xcr0 = words[1] = 3;
    words[0] = 7; /* more than the host has */
    assert_int_equal(ctl(&op, XEN_DOMCTL_setvcpuextstate, 40), -EINVAL);
    host_xcr0 = words[1] = 7;
    words[0] = 5; /* AVX without the SSE below it */
    assert_int_equal(ctl(&op, XEN_DOMCTL_setvcpuextstate, 40), -EINVAL);
    host_xcr0 = words[1] = 3;
    words[0] = 3;
    buffer[16 + 26] = 1; /* MXCSR bit 16 */
    assert_int_equal(ctl(&op, XEN_DOMCTL_setvcpuextstate, 40), -EINVAL);
    buffer[16 + 26] = 0;
    words[2 + 66] = 1; /* reserved in the header */
    assert_int_equal(ctl(&op, XEN_DOMCTL_setvcpuextstate, 40), -EINVAL);
    words[2 + 66] = 0;
    e->size = 8;
    assert_int_equal(ctl(&op, XEN_DOMCTL_setvcpuextstate, 40), -EINVAL);
    e->size = ~0ull;
    assert_int_equal(ctl(&op, XEN_DOMCTL_setvcpuextstate, 40), -EINVAL);
    guest->vcpu[0]->xsave = NULL;
}

/* Rights on I/O: only what the caller has, ranges that make sense. */
static bool host_may(struct domain *d, mfn_t m, bool *read_only)
{
    (void)d;
    *read_only = m.n == 0x2000;
    return m.n >= 0x1000;
}

static void test_io_permissions(void **state)
{
    struct xen_domctl op = {.cmd = 0};
    struct xen_domctl_ioport_permission *p = &op.u.ioport_permission;
    struct xen_domctl_iomem_permission *m = &op.u.iomem_permission;
    bool ro;

    (void)state;
    host->ioports = mem_alloc(8192);
    memset(host->ioports, 0xff, 8192);
    bit_clear(host->ioports, 0x20);
    host->may_map_io = host_may;

    *p = (struct xen_domctl_ioport_permission){0x1f, 2, 1};
    assert_int_equal(ctl(&op, XEN_DOMCTL_ioport_permission, 40), -EPERM);
    *p = (struct xen_domctl_ioport_permission){0xffff, 2, 1};
    assert_int_equal(ctl(&op, XEN_DOMCTL_ioport_permission, 40), -EINVAL);
    *p = (struct xen_domctl_ioport_permission){0x300, 8, 1};
    assert_int_equal(ctl(&op, XEN_DOMCTL_ioport_permission, 40), 0);
    assert_true(bit_test(guest->ioports, 0x307));
    assert_false(bit_test(guest->ioports, 0x308));

    *m = (struct xen_domctl_iomem_permission){~0ull, 2, 1};
    assert_int_equal(ctl(&op, XEN_DOMCTL_iomem_permission, 40), -EINVAL);
    *m = (struct xen_domctl_iomem_permission){0xfff, 2, 1};
    assert_int_equal(ctl(&op, XEN_DOMCTL_iomem_permission, 40), -EPERM);
    *m = (struct xen_domctl_iomem_permission){0x2000, 1, 1};
    assert_int_equal(ctl(&op, XEN_DOMCTL_iomem_permission, 40), -EPERM);
    *m = (struct xen_domctl_iomem_permission){0x1000, 16, 1};
    assert_int_equal(ctl(&op, XEN_DOMCTL_iomem_permission, 40), 0);
    *m = (struct xen_domctl_iomem_permission){0x1004, 4, 0};
    assert_int_equal(ctl(&op, XEN_DOMCTL_iomem_permission, 40), 0);
    assert_true(guest->may_map_io(guest, mfn(0x1003), &ro));
    assert_false(guest->may_map_io(guest, mfn(0x1004), &ro));
    assert_true(guest->may_map_io(guest, mfn(0x1008), &ro));
    assert_false(guest->may_map_io(guest, mfn(0x1010), &ro));
}

/* Frames: types in the top bits, what is not the guest's is XTAB. */
static void test_getpageframeinfo3(void **state)
{
    uint64_t array[3] = {8, 9, 1ull << 50};
    struct xen_domctl op = {.u.getpageframeinfo3 = {.num = 3}};

    (void)state;
    op.u.getpageframeinfo3.array.p = array;
    frame_of(mfn(8))->owner = 40;
    frame_of(mfn(8))->flags = FRAME_TABLED;
    assert_int_equal(ctl(&op, XEN_DOMCTL_getpageframeinfo3, 40), 0);
    assert_int_equal(array[0],
                     XEN_DOMCTL_PFINFO_L1TAB | XEN_DOMCTL_PFINFO_LPINTAB);
    assert_int_equal(array[1], XEN_DOMCTL_PFINFO_XTAB);
    assert_int_equal(array[2], XEN_DOMCTL_PFINFO_XTAB);
    op.u.getpageframeinfo3.num = 1025;
    assert_int_equal(ctl(&op, XEN_DOMCTL_getpageframeinfo3, 40), -E2BIG);
}

static void test_hypercall_init(void **state)
{
    struct xen_domctl op = {.u.hypercall_init = {.gmfn = 8}};
    const uint8_t *page = mfn_to_virt(mfn(8));

    (void)state;
    assert_int_equal(ctl(&op, XEN_DOMCTL_hypercall_init, 40), -EACCES);
    frame_of(mfn(8))->owner = 40;
    assert_int_equal(ctl(&op, XEN_DOMCTL_hypercall_init, 40), 0);
    assert_int_equal(page[3], 0xb8);
    assert_int_equal(page[32 * 17 + 4], 17); /* mov $17, eax */
    assert_int_equal(page[32 * 23 + 5], 23); /* iret has a push more */
}

static void test_cpu_policy(void **state)
{
    xen_cpuid_leaf_t leaves[2] = {{.leaf = 0}};
    struct xen_domctl op = {.cmd = 0};
    struct xen_domctl_cpu_policy *p = &op.u.cpu_policy;

    (void)state;
    assert_int_equal(ctl(&op, XEN_DOMCTL_get_cpu_policy, 40), 0);
    assert_int_equal(p->nr_leaves, 2);
    p->leaves.p = leaves;
    assert_int_equal(ctl(&op, XEN_DOMCTL_get_cpu_policy, 40), 0);
    assert_int_equal(leaves[1].leaf, 7);
    leaves[0].leaf = 0xbad;
    assert_int_equal(ctl(&op, XEN_DOMCTL_set_cpu_policy, 40), -EINVAL);
    assert_int_equal(p->err_leaf, 0xbad);
    assert_int_equal(p->err_msr, ~0u);
    p->nr_leaves = 1u << 30;
    assert_int_equal(ctl(&op, XEN_DOMCTL_set_cpu_policy, 40), -E2BIG);
}

/* PV has no shadow or HVM state; the answers are the peer's. */
static void test_what_pv_has_not(void **state)
{
    struct xen_domctl op = {.u.shadow_op = {.op = 2}};

    (void)state;
    assert_int_equal(ctl(&op, XEN_DOMCTL_shadow_op, 40), -EOPNOTSUPP);
    op.u.shadow_op.op = XEN_DOMCTL_SHADOW_OP_OFF;
    assert_int_equal(ctl(&op, XEN_DOMCTL_shadow_op, 40), -EINVAL);
    assert_int_equal(ctl(&op, XEN_DOMCTL_gethvmcontext, 40), -EINVAL);
    op.u.address_size.size = 32;
    assert_int_equal(ctl(&op, XEN_DOMCTL_set_address_size, 40), -EINVAL);
    op.u.address_size.size = 64;
    assert_int_equal(ctl(&op, XEN_DOMCTL_set_address_size, 40), 0);
}

/* physinfo, topology and pools as xl reads them. */
static void test_sysctl_host(void **state)
{
    struct xen_sysctl_cputopo topo[2];
    struct xen_sysctl op = {.cmd = 0};
    uint32_t words[4];

    (void)state;
    assert_int_equal(sys(&op, XEN_SYSCTL_physinfo), 0);
    assert_int_equal(op.u.physinfo.nr_cpus, 2);
    assert_int_equal(op.u.physinfo.total_pages, 4000);
    assert_int_equal(op.u.physinfo.capabilities, 0x102);

    memset(&op, 0, sizeof(op));
    assert_int_equal(sys(&op, XEN_SYSCTL_cputopoinfo), 0);
    assert_int_equal(op.u.cputopoinfo.num_cpus, 2);
    op.u.cputopoinfo.cputopo.p = topo;
    assert_int_equal(sys(&op, XEN_SYSCTL_cputopoinfo), 0);
    assert_int_equal(topo[1].core, 1);

    memset(&op, 0, sizeof(op));
    op.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO;
    assert_int_equal(sys(&op, XEN_SYSCTL_cpupool_op), 0);
    assert_int_equal(op.u.cpupool_op.n_dom, 2);
    assert_int_equal(op.u.cpupool_op.sched_id, 6);
    op.u.cpupool_op.cpupool_id = 1;
    assert_int_equal(sys(&op, XEN_SYSCTL_cpupool_op), -ENOENT);

    memset(&op, 0, sizeof(op));
    op.u.cpu_featureset.index = 1;
    assert_int_equal(sys(&op, XEN_SYSCTL_get_cpu_featureset), 0);
    assert_int_equal(op.u.cpu_featureset.nr_features, 11);
    op.u.cpu_featureset.nr_features = 4;
    op.u.cpu_featureset.features.p = words;
    assert_int_equal(sys(&op, XEN_SYSCTL_get_cpu_featureset), -ENOBUFS);
    assert_int_equal(words[3], 0x103);

    assert_int_equal(sys(&op, XEN_SYSCTL_perfc_op), -ENOSYS);
}

/* xl dmesg asks again with the index it got, until nothing comes. */
static void test_readconsole(void **state)
{
    char buf[8];
    struct xen_sysctl op = {.u.readconsole = {.count = 3}};

    (void)state;
    op.u.readconsole.buffer.p = buf;
    assert_int_equal(sys(&op, XEN_SYSCTL_readconsole), 0);
    assert_int_equal(op.u.readconsole.count, 3);
    assert_memory_equal(buf, "hel", 3);
    op.u.readconsole.incremental = 1;
    op.u.readconsole.count = 8;
    assert_int_equal(sys(&op, XEN_SYSCTL_readconsole), 0);
    assert_int_equal(op.u.readconsole.count, 2);
    assert_memory_equal(buf, "lo", 2);
    op.u.readconsole.count = 8;
    assert_int_equal(sys(&op, XEN_SYSCTL_readconsole), 0);
    assert_int_equal(op.u.readconsole.count, 0);
}

/* A breakpoint of the guest's kernel is a pause that the toolstack takes back.
 */
static void test_setdebugging_stops_the_guest(void **state)
{
    struct xen_domctl op = {.cmd = 0};

    (void)state;
    op.u.setdebugging.enable = 1;
    assert_int_equal(ctl(&op, XEN_DOMCTL_setdebugging, 0), -EINVAL);
    assert_int_equal(ctl(&op, XEN_DOMCTL_setdebugging, 40), 0);
    domain_unpause_tools(guest);
    fake_current = guest->vcpu[0];
    assert_true(domain_stop_for_debugger(guest));
    assert_int_equal(nr_debugger_virqs, 1);
    fake_current = host->vcpu[0];
    assert_int_equal(ctl(&op, XEN_DOMCTL_getdomaininfo, 40), 0);
    assert_int_equal(op.u.getdomaininfo.flags,
                     0xffff0000 | XEN_DOMINF_paused | XEN_DOMINF_debugged);
    assert_int_equal(ctl(&op, XEN_DOMCTL_unpausedomain, 40), 0);
    assert_int_equal(ctl(&op, XEN_DOMCTL_unpausedomain, 40), -EINVAL);
    op.u.setdebugging.enable = 0;
    assert_int_equal(ctl(&op, XEN_DOMCTL_setdebugging, 40), 0);
    assert_int_equal(ctl(&op, XEN_DOMCTL_getdomaininfo, 40), 0);
    assert_int_equal(op.u.getdomaininfo.flags, 0xffff0000);
}

#define CTL_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CTL_TEST(test_version_and_rights),
        CTL_TEST(test_sendtrigger),
        CTL_TEST(test_createdomain),
        CTL_TEST(test_getdomaininfo_finds_the_next),
        CTL_TEST(test_getdomaininfolist),
        CTL_TEST(test_vcpu_affinity),
        CTL_TEST(test_scheduler_op),
        CTL_TEST(test_vcpu_context),
        CTL_TEST(test_vcpuextstate),
        CTL_TEST(test_io_permissions),
        CTL_TEST(test_getpageframeinfo3),
        CTL_TEST(test_hypercall_init),
        CTL_TEST(test_cpu_policy),
        CTL_TEST(test_what_pv_has_not),
        CTL_TEST(test_sysctl_host),
        CTL_TEST(test_readconsole),
        CTL_TEST(test_setdebugging_stops_the_guest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
