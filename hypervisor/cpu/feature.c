#include "cpu/feature.h"

#include "cpu/trap.h"

/* XCR0 bits that we switch: x87, SSE, AVX and the three of AVX-512. */
#define XCR0_SWITCHED 0xe7u

unsigned cpu_phys_bits = 36;
char cpu_vendor[13];
uint64_t host_cr4;
uint64_t host_xcr0;
unsigned xsave_size;
cpumask_t cpu_online;
unsigned nr_cpus;
uint32_t cpu_apic_id[MAX_CPUS], cpu_acpi_id[MAX_CPUS];

static uint64_t features;

enum { EAX, EBX, ECX, EDX };

static const struct feature_bit {
    uint32_t leaf;
    uint8_t feature, reg, bit;
} feature_bits[] = {
    {0x1, FEAT_X2APIC, ECX, 21},
    {0x1, FEAT_TSC_DEADLINE, ECX, 24},
    {0x1, FEAT_XSAVE, ECX, 26},
    {0x1, FEAT_HYPERVISOR, ECX, 31},
    {0x7, FEAT_FSGSBASE, EBX, 0},
    {0x7, FEAT_SMEP, EBX, 7},
    {0x80000001, FEAT_NX, EDX, 20},
    {0x80000001, FEAT_PAGE1GB, EDX, 26},
    {0x80000001, FEAT_RDTSCP, EDX, 27},
    {0x80000007, FEAT_INVARIANT_TSC, EDX, 8},
    {0x80000008, FEAT_RSTR_FP_ERR_PTRS, EBX, 2},
};

bool cpu_has(enum cpu_feature f)
{
    return features >> f & 1;
}

static bool leaf_exists(uint32_t leaf)
{
    return cpuid(leaf & 0x80000000, 0).eax >= leaf;
}

static uint32_t cpuid_reg(uint32_t leaf, unsigned reg)
{
    struct cpuid_regs r;

    if (!leaf_exists(leaf))
        return 0;
    r = cpuid(leaf, 0);
    return reg == EAX ? r.eax : reg == EBX ? r.ebx : reg == ECX ? r.ecx : r.edx;
}

static void detect_vendor(void)
{
    struct cpuid_regs r = cpuid(0, 0);

    memcpy(cpu_vendor, &r.ebx, 4);
    memcpy(cpu_vendor + 4, &r.edx, 4);
    memcpy(cpu_vendor + 8, &r.ecx, 4);
    if (!strcmp(cpu_vendor, "AuthenticAMD") ||
        !strcmp(cpu_vendor, "HygonGenuine"))
        features |= 1ull << FEAT_AMD;
    if (!strcmp(cpu_vendor, "GenuineIntel"))
        features |= 1ull << FEAT_INTEL;
}

/* Standard (not compacted) layout: the end of the last component counts. */
static void detect_xsave(void)
{
    struct cpuid_regs r;

    xsave_size = 512;
    if (!cpu_has(FEAT_XSAVE) || !leaf_exists(0xd))
        return;
    features |= (uint64_t)(cpuid(0xd, 1).eax & 1) << FEAT_XSAVEOPT;
    host_xcr0 = cpuid(0xd, 0).eax & XCR0_SWITCHED;
    if (~host_xcr0 & 0xe0) /* AVX-512 comes whole or not at all */
        host_xcr0 &= ~0xe0ull;
    xsave_size = 576;
    for (unsigned i = 2; i < 63; i++) {
        if (!(host_xcr0 >> i & 1))
            continue;
        r = cpuid(0xd, i);
        xsave_size = MAX(xsave_size, r.ebx + r.eax);
    }
    if (xsave_size > PAGE_SIZE)
        panic("XSAVE area of %u bytes: more than a page", xsave_size);
}

void feature_detect(void)
{
    detect_vendor();
    for (size_t i = 0; i < ARRAY_SIZE(feature_bits); i++) {
        const struct feature_bit *b = &feature_bits[i];

        if (cpuid_reg(b->leaf, b->reg) >> b->bit & 1)
            features |= 1ull << b->feature;
    }
    if (leaf_exists(0x80000008))
        cpu_phys_bits = cpuid(0x80000008, 0).eax & 0xff;
    if (!cpu_has(FEAT_NX))
        panic("this CPU has no execute-disable bit, or its firmware hides it");
    detect_xsave();
    if (!cpu_has(FEAT_XSAVE))
        features &= ~(1ull << FEAT_XSAVEOPT);

    host_cr4 = CR4_PAE | CR4_MCE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    if (cpu_has(FEAT_FSGSBASE))
        host_cr4 |= CR4_FSGSBASE;
    if (cpu_has(FEAT_SMEP))
        host_cr4 |= CR4_SMEP;
    if (host_xcr0)
        host_cr4 |= CR4_OSXSAVE;
}

/* SYSCALL loads HOST_CS and HOST_SS; SYSRET gives 0xe033 and 0xe02b. */
static void init_syscall(unsigned cpu)
{
    wrmsr(MSR_STAR, (uint64_t)0xe023 << 48 | (uint64_t)HOST_CS << 32);
    wrmsr(MSR_LSTAR, pv_syscall_stub(cpu));
    wrmsr(MSR_CSTAR, pv_syscall32_stub(cpu));
    wrmsr(MSR_SFMASK, RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_IOPL |
                          RFLAGS_NT | RFLAGS_RF | RFLAGS_VM | RFLAGS_AC);
    /* SYSENTER raises #GP with a null CS; guests do not see the feature. */
    wrmsr_safe(MSR_SYSENTER_CS, 0);
    wrmsr_safe(MSR_SYSENTER_ESP, 0);
    wrmsr_safe(MSR_SYSENTER_EIP, 0);
}

#define MSR_AMD_DE_CFG    0xc0011029
#define DE_CFG_LFENCE_SER (1u << 1)

void cpu_init_registers(void)
{
    uint64_t v;

    write_cr0(CR0_PG | CR0_AM | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE);
    write_cr4(host_cr4);
    if (host_xcr0)
        __asm__ volatile("xsetbv" ::"c"(0), "a"((uint32_t)host_xcr0),
                         "d"((uint32_t)(host_xcr0 >> 32)));
    /* Bits 0 SCE and 11 NXE on, 14 FFXSR off: FXSAVE shall save it all. */
    wrmsr(MSR_EFER, (rdmsr(MSR_EFER) | 1u << 0 | 1u << 11) & ~(1ull << 14));
    wrmsr(MSR_PAT, PAT_PV_ABI);
    init_syscall(cpu_id());
    /* LFENCE shall serialise: guests on AMD are told that it does. */
    if (cpu_has(FEAT_AMD) && !rdmsr_safe(MSR_AMD_DE_CFG, &v))
        wrmsr_safe(MSR_AMD_DE_CFG, v | DE_CFG_LFENCE_SER);
    if (cpu_has(FEAT_RDTSCP))
        wrmsr(MSR_TSC_AUX, 0);
}
