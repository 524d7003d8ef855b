#include "cpu/policy-internal.h"

#include "cpu/feature.h"

struct cpu_policy policies[POLICY_NR];

enum { A, B, C, D };
#define NOT_CPUID (~0u)

const struct feature_word feature_words[NR_FEATURE_WORDS] = {
    {0x1, XEN_CPUID_NO_SUBLEAF, D},
    {0x1, XEN_CPUID_NO_SUBLEAF, C},
    {0x80000001, XEN_CPUID_NO_SUBLEAF, D},
    {0x80000001, XEN_CPUID_NO_SUBLEAF, C},
    {0xd, 1, A},
    {0x7, 0, B},
    {0x7, 0, C},
    {0x80000007, XEN_CPUID_NO_SUBLEAF, D},
    {0x80000008, XEN_CPUID_NO_SUBLEAF, B},
    {0x7, 0, D},
    {0x7, 1, A},
    {0x80000021, XEN_CPUID_NO_SUBLEAF, A},
    {0x7, 1, B},
    {0x7, 2, D},
    {0x7, 1, C},
    {0x7, 1, D},
    {NOT_CPUID, 0, A},
    {NOT_CPUID, 0, D},
    {0x80000021, XEN_CPUID_NO_SUBLEAF, C},
};

/*
 * The allow-list. Absent are superpages, global pages, PCID, ring-3 guards,
 * supervisor state, virtualization, power, perf, SYSENTER, and speculation
 * controls that need MSRs which we do not switch.
 */
#define F FEATURE_BIT
const uint32_t pv_allowed[NR_FEATURE_WORDS] = {
    F(FPU) | F(DE) | F(TSC) | F(MSR) | F(PAE) | F(MCE) | F(CX8) | F(APIC) |
        F(MCA) | F(CMOV) | F(PAT) | F(CLFLUSH) | F(ACPI) | F(MMX) | F(FXSR) |
        F(SSE) | F(SSE2) | F(SS) | F(HTT),
    F(SSE3) | F(PCLMULQDQ) | F(SSSE3) | F(FMA) | F(CX16) | F(SSE4_1) |
        F(SSE4_2) | F(MOVBE) | F(POPCNT) | F(AESNI) | F(XSAVE) | F(AVX) |
        F(F16C) | F(RDRAND) | F(HYPERVISOR),
    F(SYSCALL) | F(NX) | F(MMXEXT) | F(RDTSCP) | F(LM) | F(3DNOWEXT) | F(3DNOW),
    F(LAHF_LM) | F(CMP_LEGACY) | F(ABM) | F(SSE4A) | F(MISALIGNSSE) |
        F(3DNOWPREFETCH) | F(XOP) | F(FMA4) | F(TBM) | F(DBEXT),
    F(XSAVEOPT) | F(XSAVEC) | F(XGETBV1),
    F(FSGSBASE) | F(BMI1) | F(HLE) | F(AVX2) | F(FDP_EXCP_ONLY) | F(BMI2) |
        F(ERMS) | F(RTM) | F(NO_FPU_SEL) | F(AVX512F) | F(AVX512DQ) |
        F(RDSEED) | F(ADX) | F(AVX512_IFMA) | F(CLFLUSHOPT) | F(CLWB) |
        F(AVX512PF) | F(AVX512ER) | F(AVX512CD) | F(SHA) | F(AVX512BW) |
        F(AVX512VL),
    F(PREFETCHWT1) | F(AVX512_VBMI) | F(AVX512_VBMI2) | F(GFNI) | F(VAES) |
        F(VPCLMULQDQ) | F(AVX512_VNNI) | F(AVX512_BITALG) |
        F(AVX512_VPOPCNTDQ) | F(RDPID) | F(CLDEMOTE) | F(MOVDIRI) |
        F(MOVDIR64B),
    F(ITSC),
    F(CLZERO) | F(RSTR_FP_ERR_PTRS) | F(SSB_NO) | F(BTC_NO),
    F(AVX512_4VNNIW) | F(AVX512_4FMAPS) | F(FSRM) | F(AVX512_VP2INTERSECT) |
        F(MD_CLEAR) | F(RTM_ALWAYS_ABORT) | F(SERIALIZE) | F(TSXLDTRK),
    F(AVX_VNNI) | F(AVX512_BF16) | F(FZRM) | F(FSRS) | F(FSRCS),
    F(LFENCE_DISPATCH) | F(VERW_CLEAR) | F(NSCB) | F(SRSO_NO),
    [13] = F(MCDT_NO),
    [18] = F(TSA_SQ_NO) | F(TSA_L1_NO),
};
const uint32_t pv_opt_in[NR_FEATURE_WORDS] = {
    [5] = F(HLE),
    [6] = F(MOVDIRI) | F(MOVDIR64B),
    [7] = F(ITSC),
    [9] = F(AVX512_VP2INTERSECT) | F(TSXLDTRK),
};
const uint32_t pv_dynamic[NR_FEATURE_WORDS] = {
    [0] = F(APIC) | F(HTT) | F(MTRR),
    [1] = F(OSXSAVE) | F(HYPERVISOR),
    [2] = E1D_COMMON & ~F(SYSCALL),
    [3] = F(CMP_LEGACY),
    [6] = F(OSPKE),
};
#undef F

bool leaf_has_subleaves(uint32_t leaf)
{
    return leaf == 4 || leaf == 7 || leaf == 0xb || leaf == 0xd;
}

xen_cpuid_leaf_t *policy_find(const struct cpu_policy *p, uint32_t leaf,
                              uint32_t sub)
{
    for (uint32_t i = 0; i < p->nr; i++)
        if (p->leaf[i].leaf == leaf && p->leaf[i].subleaf == sub)
            return (xen_cpuid_leaf_t *)&p->leaf[i];
    return NULL;
}

uint32_t *leaf_reg(xen_cpuid_leaf_t *l, unsigned reg)
{
    return reg == A ? &l->a : reg == B ? &l->b : reg == C ? &l->c : &l->d;
}

uint32_t policy_word(const struct cpu_policy *p, unsigned word)
{
    const struct feature_word *w = &feature_words[word];
    xen_cpuid_leaf_t *l = policy_find(p, w->leaf, w->subleaf);
    uint32_t v = l ? *leaf_reg(l, w->reg) : 0;

    return word == 2 ? v & ~E1D_COMMON : v;
}

static void add_leaf(struct cpu_policy *p, uint32_t leaf, uint32_t sub)
{
    struct cpuid_regs r = cpuid(leaf, sub == XEN_CPUID_NO_SUBLEAF ? 0 : sub);

    if (p->nr < POLICY_MAX_LEAVES)
        p->leaf[p->nr++] =
            (xen_cpuid_leaf_t){leaf, sub, r.eax, r.ebx, r.ecx, r.edx};
}

static void add_zeros(struct cpu_policy *p, uint32_t leaf, uint32_t sub)
{
    if (p->nr < POLICY_MAX_LEAVES)
        p->leaf[p->nr++] = (xen_cpuid_leaf_t){.leaf = leaf, .subleaf = sub};
}

/*
 * A toolstack sizes its buffer by the number of leaves we hand out, and 4.17's
 * writes each of these back, used or not.
 */
#define POLICY_NR_CACHES   6
#define POLICY_NR_TOPOLOGY 2

static void add_subleaves(struct cpu_policy *p, uint32_t leaf)
{
    unsigned nr = 0;

    if (leaf == 4) {
        while (nr < POLICY_NR_CACHES)
            add_leaf(p, 4, nr++);
    } else if (leaf == 7) {
        for (; nr <= MIN(cpuid(7, 0).eax, 2u); nr++)
            add_leaf(p, 7, nr);
    } else if (leaf == 0xd) {
        for (; nr < 63; nr++)
            if (nr < 2 || host_xcr0 >> nr & 1)
                add_leaf(p, 0xd, nr);
    } else if (leaf == 0xb) { /* of our CPUs, not of the guest's: zeros */
        while (nr < POLICY_NR_TOPOLOGY)
            add_zeros(p, 0xb, nr++);
    }
}

static void read_raw(struct cpu_policy *p)
{
    uint32_t max = MIN(cpuid(0, 0).eax, POLICY_MAX_BASIC);
    uint32_t max_ext = cpuid(0x80000000, 0).eax;

    for (uint32_t leaf = 0; leaf <= max; leaf++) {
        if (leaf_has_subleaves(leaf))
            add_subleaves(p, leaf);
        else
            add_leaf(p, leaf, XEN_CPUID_NO_SUBLEAF);
    }
    add_zeros(p, XEN_LEAF_FIRST, XEN_CPUID_NO_SUBLEAF);
    add_zeros(p, XEN_LEAF_FIRST + 0x100, XEN_CPUID_NO_SUBLEAF);
    if (max_ext >> 16 != 0x8000)
        return;
    for (uint32_t leaf = 0x80000000; leaf <= MIN(max_ext, POLICY_MAX_EXT);
         leaf++)
        add_leaf(p, leaf, XEN_CPUID_NO_SUBLEAF);
}

/* XCR0 bits that the features of p can use. */
static uint64_t usable_xcr0(const struct cpu_policy *p)
{
    uint64_t xcr0 = 3;

    if (!(policy_word(p, 1) & FEATURE_BIT(XSAVE)))
        return 0;
    if (policy_word(p, 1) & FEATURE_BIT(AVX))
        xcr0 |= 4;
    if (policy_word(p, 5) & FEATURE_BIT(AVX512F))
        xcr0 |= 0xe0;
    return xcr0 & host_xcr0;
}

static void recalculate_xstate(struct cpu_policy *p)
{
    uint64_t xcr0 = usable_xcr0(p);

    for (uint32_t i = 0; i < p->nr; i++) {
        xen_cpuid_leaf_t *l = &p->leaf[i];
        struct cpuid_regs r;

        if (l->leaf != 0xd)
            continue;
        r = cpuid(0xd, l->subleaf);
        if (l->subleaf == 0) /* sizes are computed at each CPUID */
            *l = (xen_cpuid_leaf_t){0xd, 0, (uint32_t)xcr0,
                                    0,   0, (uint32_t)(xcr0 >> 32)};
        else if (l->subleaf == 1)
            l->b = l->c = l->d = 0;
        else if (xcr0 >> l->subleaf & 1)
            *l =
                (xen_cpuid_leaf_t){0xd, l->subleaf, r.eax, r.ebx, r.ecx & 2, 0};
        else
            l->a = l->b = l->c = l->d = 0;
    }
}

void policy_recalculate(struct cpu_policy *p)
{
    xen_cpuid_leaf_t *basic = policy_find(p, 1, XEN_CPUID_NO_SUBLEAF);
    xen_cpuid_leaf_t *ext = policy_find(p, 0x80000001, XEN_CPUID_NO_SUBLEAF);
    xen_cpuid_leaf_t *size = policy_find(p, 0x80000008, XEN_CPUID_NO_SUBLEAF);

    if (basic) {
        basic->b &= 0xff00; /* CLFLUSH size; the rest is per vCPU */
        basic->c |= FEATURE_BIT(HYPERVISOR);
        basic->c &= ~FEATURE_BIT(OSXSAVE);
        basic->d |= FEATURE_BIT(APIC);
    }
    if (ext) {
        ext->d &= ~E1D_COMMON | FEATURE_BIT(SYSCALL);
        if (cpu_has(FEAT_AMD) && basic)
            ext->d |= basic->d & E1D_COMMON;
    }
    if (size) {
        size->a = cpuid(0x80000008, 0).eax & 0xffff;
        size->c = size->d = 0;
    }
    recalculate_xstate(p);
}

/* Registers that hold features are set afterwards. */
static void cut_leaf(xen_cpuid_leaf_t *l)
{
    switch (l->leaf) {
    case 0x0:
        l->a = MIN(l->a, POLICY_MAX_BASIC);
        break;
    case 0x1: /* family, model; CLFLUSH size */
    case 0x2:
        break;
    case 0x4: /* caches, without the core and thread counts of ours */
        l->a &= 0x3fff;
        break;
    case 0x7:
        l->a = l->subleaf ? 0 : MIN(l->a, 2u);
        l->b = l->c = l->d = 0;
        break;
    case 0xd:
        break;
    case 0x80000000:
        l->a = MIN(l->a, cpu_has(FEAT_AMD) ? POLICY_MAX_EXT : 0x80000008u);
        break;
    case 0x80000001 ... 0x80000006: /* model, brand, caches */
    case 0x80000008:
        break;
    default: /* power, performance, virtualization, topology: hidden */
        l->a = l->b = l->c = l->d = 0;
    }
}

/* Nothing but what the guest may see: hidden leaves go, features are cut. */
static void restrict_to(struct cpu_policy *p, const uint32_t *allowed)
{
    uint32_t words[NR_FEATURE_WORDS];

    for (uint32_t i = 0; i < p->nr; i++)
        cut_leaf(&p->leaf[i]);
    for (unsigned w = 0; w < NR_FEATURE_WORDS; w++)
        words[w] = policy_word(&policies[POLICY_HOST], w) & allowed[w];
    for (unsigned w = 0; w < NR_FEATURE_WORDS; w++) {
        const struct feature_word *f = &feature_words[w];
        xen_cpuid_leaf_t *l = policy_find(p, f->leaf, f->subleaf);

        if (l)
            *leaf_reg(l, f->reg) = words[w];
    }
    policy_recalculate(p);
}

/* An LFENCE that we made serialising (feature.c) looks like a feature. */
static void adjust_host(struct cpu_policy *p)
{
    xen_cpuid_leaf_t *l = policy_find(p, 0x80000021, XEN_CPUID_NO_SUBLEAF);
    uint64_t v;

    if (l && cpu_has(FEAT_AMD) && !rdmsr_safe(0xc0011029, &v) && v & 2)
        l->a |= FEATURE_BIT(LFENCE_DISPATCH);
}

void policy_build(void)
{
    uint32_t standard[NR_FEATURE_WORDS];

    read_raw(&policies[POLICY_RAW]);
    policies[POLICY_HOST] = policies[POLICY_RAW];
    adjust_host(&policies[POLICY_HOST]);
    policies[POLICY_PV_MAX] = policies[POLICY_HOST];
    restrict_to(&policies[POLICY_PV_MAX], pv_allowed);
    for (unsigned w = 0; w < NR_FEATURE_WORDS; w++)
        standard[w] = pv_allowed[w] & ~pv_opt_in[w];
    policies[POLICY_PV_DEFAULT] = policies[POLICY_HOST];
    restrict_to(&policies[POLICY_PV_DEFAULT], standard);
}
