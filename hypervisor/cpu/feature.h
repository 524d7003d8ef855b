/* What the host CPU can do, read once at boot from CPUID. */
#ifndef CPU_FEATURE_H
#define CPU_FEATURE_H

#include "cpu/cpu.h"

enum cpu_feature {
    FEAT_FSGSBASE,
    FEAT_SMEP,
    FEAT_XSAVE,
    FEAT_XSAVEOPT,
    FEAT_X2APIC,
    FEAT_TSC_DEADLINE,
    FEAT_INVARIANT_TSC,
    FEAT_RDTSCP,
    FEAT_PAGE1GB,
    FEAT_NX,
    FEAT_AMD,
    FEAT_INTEL,
    FEAT_HYPERVISOR,
    FEAT_RSTR_FP_ERR_PTRS,
    FEAT_NR
};

/* Boot CPU only, before anything asks cpu_has(). */
void feature_detect(void);
bool cpu_has(enum cpu_feature f);
/* CR0, CR4, EFER, PAT, syscall MSRs of this CPU; each CPU calls it once. */
void cpu_init_registers(void);
extern unsigned cpu_phys_bits; /* physical address width */
extern char cpu_vendor[13];
extern uint64_t host_cr4;   /* CR4 as every CPU has it in the hypervisor */
extern uint64_t host_xcr0;  /* what XCR0 may hold here, 0 without XSAVE */
extern unsigned xsave_size; /* bytes of state for host_xcr0 */

/* smp: CPUs that run (bit set) and how many were found. */
extern cpumask_t cpu_online;
extern unsigned nr_cpus;
extern uint32_t cpu_apic_id[MAX_CPUS], cpu_acpi_id[MAX_CPUS];

#endif
