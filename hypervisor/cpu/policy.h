/*
 * What a domain sees of CPUID and MSRs: an allow-list over the host's, as
 * leaves, set per domain by DOMCTL_set_cpu_policy within pv_max.
 */
#ifndef CPU_POLICY_H
#define CPU_POLICY_H

#include "cpu/cpu.h"

#include <xen/domctl.h>
#include <xen/sysctl.h>

struct domain;
struct vcpu;
#define XEN_LEAF_FIRST 0x40000000u /* leaves that we answer ourselves */
struct cpu_policy;                 /* opaque */

extern const struct domain_part policy_part; /* pv default for new domains */
void policy_init(void); /* boot: host, pv_max, pv_default from feature.c */
/* Result of CPUID for v's guest. `forced`: by the #UD prefix (pv-guest 3.11) */
struct cpuid_regs policy_cpuid(struct vcpu *v, uint32_t leaf, uint32_t sub,
                               bool forced);
/* XEN_SYSCTL_get_cpu_policy index -> leaves; *nr in: room (0 with NULL buf:
   only count), out: number. -ENOBUFS, -EINVAL. MSRs likewise. */
int policy_serialise(unsigned index, xen_cpuid_leaf_t *leaves, uint32_t *nr,
                     xen_msr_entry_t *msrs, uint32_t *nr_msrs);
int policy_get_domain(struct domain *d, xen_cpuid_leaf_t *leaves, uint32_t *nr,
                      xen_msr_entry_t *msrs, uint32_t *nr_msrs);
/* Replace leaves of d's policy; out-of-policy values give -EINVAL and the
   offender's leaf and subleaf. */
int policy_set_domain(struct domain *d, const xen_cpuid_leaf_t *leaves,
                      uint32_t nr, const xen_msr_entry_t *msrs,
                      uint32_t nr_msrs, uint32_t *err_leaf,
                      uint32_t *err_subleaf, uint32_t *err_msr);
/* XEN_SYSCTL_get_cpu_featureset: words of the feature set `index`. */
unsigned policy_featureset(unsigned index, uint32_t *words, unsigned max);
/* What d's guests may have in XCR0. */
uint64_t policy_xcr0(const struct domain *d);
/* MSR access by a PV guest: 0, or -EINVAL for #GP. */
int policy_rdmsr(struct vcpu *v, uint32_t msr, uint64_t *value);
int policy_wrmsr(struct vcpu *v, uint32_t msr, uint64_t value);

#endif
