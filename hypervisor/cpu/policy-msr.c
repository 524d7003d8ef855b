#include "cpu/feature.h"
#include "cpu/policy-internal.h"
#include "domain/domain.h"

#define MSR_PLATFORM_ID   0x17
#define MSR_MICROCODE     0x8b
#define MSR_MCG_CAP       0x179
#define MSR_MCG_STATUS    0x17a
#define MSR_MCG_CTL       0x17b
#define MSR_MISC_ENABLE   0x1a0
#define MSR_MC0_CTL       0x400
#define MSR_AMD_SYSCFG    0xc0010010
#define MSR_AMD_HWCR      0xc0010015
#define MSR_AMD_PERF0     0xc0010000 /* four controls, four counters */
#define MSR_AMD_DE_CFG    0xc0011029
#define DE_CFG_LFENCE_SER 2

/* The guest's machine check has two banks that never report anything. */
#define MCA_BANKS 2

#define APIC_BASE_ADDRESS 0xfee00000u
#define APIC_BASE_BSP     0x100u
#define APIC_BASE_ENABLE  0x800u

#define EFER_SCE 0x001u
#define EFER_LME 0x100u
#define EFER_LMA 0x400u
#define EFER_NXE 0x800u
#define EFER_PV  (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)

static bool is_mca_bank(uint32_t msr)
{
    return msr - MSR_MC0_CTL < 4 * MCA_BANKS;
}

static bool is_amd_perf(uint32_t msr)
{
    return cpu_has(FEAT_AMD) && msr - MSR_AMD_PERF0 < 8;
}

/*
 * The bases live in the registers while v runs, and v runs: its kernel's in
 * the GS base, its user's in the one that SWAPGS brings.
 */
static int read_base(uint32_t msr, uint64_t *value)
{
    *value = rdmsr(msr);
    return 0;
}

static int read_amd(uint32_t msr, uint64_t *value)
{
    if (!cpu_has(FEAT_AMD))
        return -EINVAL;
    switch (msr) {
    case MSR_AMD_SYSCFG:
    case MSR_AMD_HWCR:
        *value = 0;
        return 0;
    case MSR_AMD_DE_CFG:
        *value = DE_CFG_LFENCE_SER;
        return 0;
    default:
        return is_amd_perf(msr) ? (*value = 0, 0) : -EINVAL;
    }
}

int policy_rdmsr(struct vcpu *v, uint32_t msr, uint64_t *value)
{
    *value = 0;
    if (is_mca_bank(msr)) { /* CTL, STATUS, ADDR, MISC */
        *value = msr & 3 ? 0 : ~0ull;
        return 0;
    }
    switch (msr) {
    case MSR_FS_BASE:
    case MSR_GS_BASE:
    case MSR_KERNEL_GS_BASE:
        return read_base(msr, value);
    case MSR_TSC:
        *value = rdtsc();
        return 0;
    case MSR_TSC_AUX:
        *value = v->pv.tsc_aux;
        return cpu_has(FEAT_RDTSCP) ? 0 : -EINVAL;
    case MSR_APIC_BASE:
        *value =
            APIC_BASE_ADDRESS | APIC_BASE_ENABLE | (v->id ? 0 : APIC_BASE_BSP);
        return 0;
    case MSR_PAT:
        *value = PAT_PV_ABI;
        return 0;
    case MSR_EFER:
        *value = EFER_PV;
        return 0;
    case MSR_MCG_CAP:
        *value = MCA_BANKS;
        return 0;
    case MSR_MCG_STATUS:
        return 0;
    case MSR_MICROCODE:
        /* What the CPU really has: guests judge mitigations by it. */
        return rdmsr_safe(msr, value) ? -EINVAL : 0;
    case MSR_PLATFORM_ID:
    case MSR_MISC_ENABLE:
        if (!cpu_has(FEAT_INTEL) || rdmsr_safe(msr, value))
            return -EINVAL;
        return 0;
    default:
        return read_amd(msr, value);
    }
}

static int write_base(uint32_t msr, uint64_t value)
{
    if (!addr_is_canonical(value))
        return -EINVAL;
    wrmsr(msr, value);
    return 0;
}

int policy_wrmsr(struct vcpu *v, uint32_t msr, uint64_t value)
{
    if (is_mca_bank(msr))
        return 0; /* nothing there to set or clear */
    switch (msr) {
    case MSR_FS_BASE:
    case MSR_GS_BASE:
    case MSR_KERNEL_GS_BASE:
        return write_base(msr, value);
    case MSR_TSC_AUX:
        if (!cpu_has(FEAT_RDTSCP) || value >> 32)
            return -EINVAL;
        v->pv.tsc_aux = (uint32_t)value;
        wrmsr(MSR_TSC_AUX, value);
        return 0;
    case MSR_EFER: /* as it is, and nothing else */
        return value == EFER_PV ? 0 : -EINVAL;
    case MSR_PAT:
        return value == PAT_PV_ABI ? 0 : -EINVAL;
    case MSR_MCG_STATUS:
    case MSR_MCG_CTL:
    case MSR_MICROCODE: /* Intel: zeroed before the level is read */
        return 0;
    case MSR_AMD_HWCR:
        return cpu_has(FEAT_AMD) ? 0 : -EINVAL;
    default:
        return is_amd_perf(msr) ? 0 : -EINVAL;
    }
}
