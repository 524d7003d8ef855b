/* What the files behind policy.h share. */
#ifndef CPU_POLICY_INTERNAL_H
#define CPU_POLICY_INTERNAL_H

#include "cpu/policy.h"

#include <xen/arch-x86/cpufeatureset.h>

/* Room for every leaf that the toolstack may name; the peer says 0x78. */
#define POLICY_MAX_LEAVES 0x78
#define POLICY_MAX_BASIC  0xd
#define POLICY_MAX_EXT    0x80000021

/* Sorted by leaf, then subleaf; leaves without subleaves have NO_SUBLEAF. */
struct cpu_policy {
    uint32_t nr;
    xen_cpuid_leaf_t leaf[POLICY_MAX_LEAVES];
};

enum policy_kind {
    POLICY_RAW,
    POLICY_HOST,
    POLICY_PV_MAX,
    POLICY_PV_DEFAULT,
    POLICY_NR
};
extern struct cpu_policy policies[POLICY_NR];

/* The words of a feature set, in the order of <xen/.../cpufeatureset.h>. */
#define NR_FEATURE_WORDS 19
struct feature_word {
    uint32_t leaf, subleaf; /* leaf ~0: not from CPUID, reads as 0 */
    uint8_t reg;            /* 0 to 3: a to d */
};
extern const struct feature_word feature_words[NR_FEATURE_WORDS];
/* What a PV guest may see, and what of it only when the toolstack asks. */
extern const uint32_t pv_allowed[NR_FEATURE_WORDS];
extern const uint32_t pv_opt_in[NR_FEATURE_WORDS];
/* Bits that we compute: what the toolstack says of them has no effect. */
extern const uint32_t pv_dynamic[NR_FEATURE_WORDS];

#define FEATURE_BIT(name) (1u << (XEN_X86_FEATURE_##name % 32))

/* AMD repeats these bits of leaf 1's EDX in 0x80000001's. */
#define E1D_COMMON 0x0183f3ffu

bool leaf_has_subleaves(uint32_t leaf);
/* NULL when there is none. */
xen_cpuid_leaf_t *policy_find(const struct cpu_policy *p, uint32_t leaf,
                              uint32_t sub);
uint32_t policy_word(const struct cpu_policy *p, unsigned word);
/* The register of a leaf that `reg` names. */
uint32_t *leaf_reg(xen_cpuid_leaf_t *l, unsigned reg);
/* Make dependent fields of a guest's policy follow from the others. */
void policy_recalculate(struct cpu_policy *p);
/* boot: fill policies[]. */
void policy_build(void);

#endif
