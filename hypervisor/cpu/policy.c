#include "cpu/policy.h"

#include "cpu/feature.h"
#include "cpu/policy-internal.h"
#include "domain/domain.h"
#include "time/clock.h"

#include <xen/arch-x86/cpuid.h>

#define XEN_VERSION_ID (4u << 16 | 17)

#define MSR_PLATFORM_INFO     0xce
#define MSR_ARCH_CAPABILITIES 0x10a
static const uint32_t policy_msrs[] = {MSR_PLATFORM_INFO,
                                       MSR_ARCH_CAPABILITIES};

void policy_init(void)
{
    policy_build();
}

/* dom0 also sees that there are MTRRs, and a TSC that it can rely on. */
static void give_hardware_features(struct cpu_policy *p)
{
    const struct cpu_policy *host = &policies[POLICY_HOST];
    xen_cpuid_leaf_t *basic = policy_find(p, 1, XEN_CPUID_NO_SUBLEAF);
    xen_cpuid_leaf_t *power = policy_find(p, 0x80000007, XEN_CPUID_NO_SUBLEAF);

    if (basic)
        basic->d |= policy_word(host, 0) & FEATURE_BIT(MTRR);
    if (power)
        power->d |= policy_word(host, 7) & FEATURE_BIT(ITSC);
    policy_recalculate(p);
}

static int init_domain(struct domain *d)
{
    d->policy = mem_alloc(sizeof(*d->policy));
    if (!d->policy)
        return -ENOMEM;
    *d->policy = policies[POLICY_PV_DEFAULT];
    if (d->privileged)
        give_hardware_features(d->policy);
    return 0;
}

static void free_domain(struct domain *d)
{
    mem_free(d->policy);
    d->policy = NULL;
}

const struct domain_part policy_part = {
    .name = "policy",
    .init = init_domain,
    .free = free_domain,
};

/* XEN_SYSCTL_cpu_policy_*, and the like of feature sets. HVM: not here. */
static int policy_of_index(unsigned index, const struct cpu_policy **p)
{
    static const int8_t kinds[] = {
        [XEN_SYSCTL_cpu_policy_raw] = POLICY_RAW,
        [XEN_SYSCTL_cpu_policy_host] = POLICY_HOST,
        [XEN_SYSCTL_cpu_policy_pv_max] = POLICY_PV_MAX,
        [XEN_SYSCTL_cpu_policy_hvm_max] = -1,
        [XEN_SYSCTL_cpu_policy_pv_default] = POLICY_PV_DEFAULT,
        [XEN_SYSCTL_cpu_policy_hvm_default] = -1,
    };

    if (index >= ARRAY_SIZE(kinds))
        return -EINVAL;
    index = (unsigned)nospec_index(index, ARRAY_SIZE(kinds));
    if (kinds[index] < 0)
        return -EOPNOTSUPP;
    *p = &policies[kinds[index]];
    return 0;
}

static int serialise_leaves(const struct cpu_policy *p,
                            xen_cpuid_leaf_t *leaves, uint32_t *nr)
{
    if (!leaves) {
        *nr = POLICY_MAX_LEAVES;
        return 0;
    }
    if (*nr < p->nr)
        return -ENOBUFS;
    memcpy(leaves, p->leaf, p->nr * sizeof(*leaves));
    *nr = p->nr;
    return 0;
}

static int serialise_msrs(xen_msr_entry_t *msrs, uint32_t *nr)
{
    if (msrs) {
        if (*nr < ARRAY_SIZE(policy_msrs))
            return -ENOBUFS;
        for (unsigned i = 0; i < ARRAY_SIZE(policy_msrs); i++)
            msrs[i] = (xen_msr_entry_t){.idx = policy_msrs[i]};
    }
    *nr = ARRAY_SIZE(policy_msrs);
    return 0;
}

static int serialise(const struct cpu_policy *p, xen_cpuid_leaf_t *leaves,
                     uint32_t *nr, xen_msr_entry_t *msrs, uint32_t *nr_msrs)
{
    int rc = serialise_leaves(p, leaves, nr);

    return rc ? rc : serialise_msrs(msrs, nr_msrs);
}

int policy_serialise(unsigned index, xen_cpuid_leaf_t *leaves, uint32_t *nr,
                     xen_msr_entry_t *msrs, uint32_t *nr_msrs)
{
    const struct cpu_policy *p;
    int rc = policy_of_index(index, &p);

    return rc ? rc : serialise(p, leaves, nr, msrs, nr_msrs);
}

int policy_get_domain(struct domain *d, xen_cpuid_leaf_t *leaves, uint32_t *nr,
                      xen_msr_entry_t *msrs, uint32_t *nr_msrs)
{
    return serialise(d->policy, leaves, nr, msrs, nr_msrs);
}

unsigned policy_featureset(unsigned index, uint32_t *words, unsigned max)
{
    static const uint8_t kinds[] = {
        [XEN_SYSCTL_cpu_featureset_raw] = POLICY_RAW,
        [XEN_SYSCTL_cpu_featureset_host] = POLICY_HOST,
        [XEN_SYSCTL_cpu_featureset_pv] = POLICY_PV_DEFAULT,
        [XEN_SYSCTL_cpu_featureset_hvm] = POLICY_NR,
        [XEN_SYSCTL_cpu_featureset_pv_max] = POLICY_PV_MAX,
        [XEN_SYSCTL_cpu_featureset_hvm_max] = POLICY_NR,
    };
    unsigned kind;

    if (index >= ARRAY_SIZE(kinds))
        return 0;
    kind = kinds[nospec_index(index, ARRAY_SIZE(kinds))];
    if (kind == POLICY_NR)
        return 0;
    for (unsigned w = 0; words && w < MIN(max, NR_FEATURE_WORDS); w++)
        words[w] = policy_word(&policies[kind], w);
    return NR_FEATURE_WORDS;
}

/* Leaves that we answer ourselves, whatever the toolstack says of them. */
static bool is_ours(uint32_t leaf)
{
    return leaf >> 16 == XEN_LEAF_FIRST >> 16;
}

static bool is_zero(const xen_cpuid_leaf_t *l)
{
    return !(l->a | l->b | l->c | l->d);
}

/* Does `in` ask for a feature that `max` lacks? */
static bool exceeds_features(const xen_cpuid_leaf_t *in,
                             const xen_cpuid_leaf_t *max)
{
    for (unsigned w = 0; w < NR_FEATURE_WORDS; w++) {
        const struct feature_word *f = &feature_words[w];

        if (f->leaf == in->leaf && f->subleaf == in->subleaf &&
            *leaf_reg((xen_cpuid_leaf_t *)in, f->reg) &
                ~*leaf_reg((xen_cpuid_leaf_t *)max, f->reg) & ~pv_dynamic[w])
            return true;
    }
    return false;
}

/* Highest leaf numbers and XCR0 may shrink but not grow. */
static bool exceeds_limits(const xen_cpuid_leaf_t *in,
                           const xen_cpuid_leaf_t *max)
{
    if (in->leaf == 0 || in->leaf == 0x80000000 ||
        (in->leaf == 7 && in->subleaf == 0))
        return in->a > max->a;
    if (in->leaf == 0xd && in->subleaf == 0)
        return in->a & ~max->a || in->d & ~max->d;
    return false;
}

/* The leaf as p shall hold it: bits that we compute come from `max`. */
static void store_leaf(xen_cpuid_leaf_t *slot, const xen_cpuid_leaf_t *in,
                       const xen_cpuid_leaf_t *max)
{
    xen_cpuid_leaf_t old = *slot;

    *slot = *in;
    for (unsigned w = 0; w < NR_FEATURE_WORDS; w++) {
        const struct feature_word *f = &feature_words[w];
        uint32_t *reg;

        if (f->leaf != in->leaf || f->subleaf != in->subleaf)
            continue;
        reg = leaf_reg(slot, f->reg);
        /* HTT and CMP_LEGACY are the toolstack's within the host's. */
        *reg &= *leaf_reg((xen_cpuid_leaf_t *)max, f->reg) |
                (*leaf_reg(&old, f->reg) & pv_dynamic[w]);
    }
}

static int merge_leaf(struct cpu_policy *p, const xen_cpuid_leaf_t *in)
{
    uint32_t sub =
        leaf_has_subleaves(in->leaf) ? in->subleaf : XEN_CPUID_NO_SUBLEAF;
    xen_cpuid_leaf_t *slot = policy_find(p, in->leaf, sub);
    xen_cpuid_leaf_t *max =
        policy_find(&policies[POLICY_PV_MAX], in->leaf, sub);

    if (is_ours(in->leaf))
        return 0;
    if (!slot || !max || in->subleaf != sub)
        return is_zero(in) ? 0 : -EINVAL;
    if (exceeds_features(in, max) || exceeds_limits(in, max))
        return -EINVAL;
    /* A leaf that is hidden stays hidden. */
    if (!is_zero(max) || is_zero(in))
        store_leaf(slot, in, max);
    return 0;
}

static int check_msrs(const xen_msr_entry_t *msrs, uint32_t nr_msrs,
                      uint32_t *err_msr)
{
    for (uint32_t i = 0; i < nr_msrs; i++) {
        bool known = msrs[i].idx == MSR_PLATFORM_INFO ||
                     msrs[i].idx == MSR_ARCH_CAPABILITIES;

        if (known && !msrs[i].flags && !msrs[i].val)
            continue;
        *err_msr = msrs[i].idx;
        return -EINVAL;
    }
    return 0;
}

int policy_set_domain(struct domain *d, const xen_cpuid_leaf_t *leaves,
                      uint32_t nr, const xen_msr_entry_t *msrs,
                      uint32_t nr_msrs, uint32_t *err_leaf,
                      uint32_t *err_subleaf, uint32_t *err_msr)
{
    struct cpu_policy *p;
    int rc;

    *err_leaf = *err_subleaf = *err_msr = ~0u;
    rc = check_msrs(msrs, nr_msrs, err_msr);
    if (rc)
        return rc;
    p = mem_alloc(sizeof(*p));
    if (!p)
        return -ENOMEM;
    *p = *d->policy;
    for (uint32_t i = 0; i < nr && !rc; i++) {
        rc = merge_leaf(p, &leaves[i]);
        if (rc) {
            *err_leaf = leaves[i].leaf;
            *err_subleaf = leaves[i].subleaf;
        }
    }
    if (!rc) {
        policy_recalculate(p);
        *d->policy = *p;
    }
    mem_free(p);
    return rc;
}

uint64_t policy_xcr0(const struct domain *d)
{
    const xen_cpuid_leaf_t *l = policy_find(d->policy, 0xd, 0);

    return l ? (uint64_t)l->d << 32 | l->a : 0;
}

/* Leaf 0x40000003: how the guest's TSC relates to time. */
static struct cpuid_regs tsc_leaf(const struct domain *d, uint32_t sub)
{
    struct cpuid_regs r = {0};
    uint32_t mul;
    int8_t shift;

    clock_tsc_scale(&mul, &shift);
    if (sub == 0) {
        r.eax = (tsc_synchronised ? 2u : 0) | (cpu_has(FEAT_RDTSCP) ? 4u : 0);
        r.ebx = d->tsc_mode;
        r.ecx = (uint32_t)tsc_khz;
    } else if (sub == 1) {
        r.ecx = mul;
        r.edx = (uint32_t)shift;
    } else if (sub == 2) {
        r.eax = (uint32_t)tsc_khz;
    }
    return r;
}

static unsigned machine_address_bits(void)
{
    return PAGE_SHIFT + 64 - (unsigned)__builtin_clzll(max_mfn | 1);
}

static struct cpuid_regs hypervisor_leaf(const struct domain *d, uint32_t leaf,
                                         uint32_t sub)
{
    switch (leaf - XEN_LEAF_FIRST) {
    case 0:
        return (struct cpuid_regs){
            XEN_LEAF_FIRST + XEN_CPUID_MAX_NUM_LEAVES, XEN_CPUID_SIGNATURE_EBX,
            XEN_CPUID_SIGNATURE_ECX, XEN_CPUID_SIGNATURE_EDX};
    case 1:
        return (struct cpuid_regs){.eax = XEN_VERSION_ID};
    case 2: /* one hypercall page, the MSR that asks for it, features */
        return (struct cpuid_regs){
            1, 0x40000000, XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD, 0};
    case 3:
        return tsc_leaf(d, sub);
    case 5:
        return (struct cpuid_regs){.ebx = sub ? 0 : machine_address_bits()};
    default:
        return (struct cpuid_regs){0};
    }
}

/* Bytes of XSAVE state for the components of xcr0, compacted or not. */
static uint32_t xsave_bytes(uint64_t xcr0, bool compacted)
{
    uint32_t end = 576;

    for (unsigned i = 2; i < 63; i++) {
        struct cpuid_regs r;

        if (!(xcr0 >> i & 1))
            continue;
        r = cpuid(0xd, i);
        if (!compacted)
            end = MAX(end, r.ebx + r.eax);
        else
            end = (r.ecx & 2 ? ROUND_UP(end, 64u) : end) + r.eax;
    }
    return end;
}

/* What depends on the vCPU and on what it has set up by now. */
static void adjust_leaf(struct vcpu *v, uint32_t leaf, uint32_t sub,
                        bool forced, struct cpuid_regs *r)
{
    switch (leaf) {
    case 1:
        r->ebx |= v->id * 2 << 24 | (v->domain->max_vcpus * 2 & 0xff) << 16;
        /* A PV kernel tests OSXSAVE, by the prefix, before it sets CR4. */
        if (r->ecx & FEATURE_BIT(XSAVE) &&
            ((forced ? host_cr4 : v->pv.cr4) & CR4_OSXSAVE))
            r->ecx |= FEATURE_BIT(OSXSAVE);
        break;
    case 0xd:
        if (!policy_xcr0(v->domain))
            break;
        if (sub == 0) {
            r->ebx = xsave_bytes(v->xcr0, false);
            r->ecx = xsave_bytes(policy_xcr0(v->domain), false);
        } else if (sub == 1 && r->eax & FEATURE_BIT(XSAVEC)) {
            r->ebx = xsave_bytes(v->xcr0, true);
        }
        break;
    }
}

struct cpuid_regs policy_cpuid(struct vcpu *v, uint32_t leaf, uint32_t sub,
                               bool forced)
{
    const struct cpu_policy *p = v->domain->policy;
    struct cpuid_regs r = {0};
    const xen_cpuid_leaf_t *l, *limit;

    if (is_ours(leaf))
        return hypervisor_leaf(v->domain, leaf, sub);
    limit = policy_find(p, leaf & 0x80000000, XEN_CPUID_NO_SUBLEAF);
    if (!limit || leaf > limit->a)
        return r;
    l = policy_find(p, leaf,
                    leaf_has_subleaves(leaf) ? sub : XEN_CPUID_NO_SUBLEAF);
    if (!l)
        return r;
    r = (struct cpuid_regs){l->a, l->b, l->c, l->d};
    adjust_leaf(v, leaf, sub, forced, &r);
    return r;
}
