#include "cpu/spec.h"

#include "boot/boot.h"
#include "cpu/cpu.h"
#include "cpu/feature.h"
#include "cpu/trap.h"

#define MSR_SPEC_CTRL         0x48
#define MSR_PRED_CMD          0x49
#define MSR_ARCH_CAPABILITIES 0x10a
#define MSR_FLUSH_CMD         0x10b
#define SPEC_CTRL_IBRS        1
#define PRED_CMD_IBPB         1
#define FLUSH_CMD_L1D         1
#define ARCH_CAP_RDCL_NO      (1u << 0) /* not open to Meltdown */
#define ARCH_CAP_IBRS_ALL     (1u << 1)
#define EFER_AUTOIBRS         (1ull << 21)

enum {
    SPEC_IBRS = 1, /* set for good: predictors know their privilege */
    SPEC_IBPB = 2,
    SPEC_RSB = 4,
    SPEC_VERW = 8,
    SPEC_L1D = 16,
    SPEC_ALL = 31
};

static const char *const names[] = {"ibrs", "ibpb", "rsb", "verw", "l1d"};

static unsigned allowed = SPEC_ALL, in_force;
static bool auto_ibrs;                /* AMD's, a bit of EFER */
static domid_t last_domain[MAX_CPUS]; /* domain + 1; 0: none yet */

static bool parse_one(const char *word, size_t n)
{
    bool off = n > 3 && !strncmp(word, "no-", 3);

    word += off ? 3 : 0;
    n -= off ? 3 : 0;
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        if (strlen(names[i]) != n || strncmp(names[i], word, n))
            continue;
        allowed = off ? allowed & ~(1u << i) : allowed | 1u << i;
        return true;
    }
    return false;
}

static bool parse(const char *value)
{
    if (!strcmp(value, "no")) {
        allowed = 0;
        return true;
    }
    while (*value) {
        const char *end = strchr(value, ',');
        size_t n = end ? (size_t)(end - value) : strlen(value);

        if (!parse_one(value, n))
            return false;
        value += n + (end ? 1 : 0);
    }
    return true;
}

static uint32_t leaf7_edx(void)
{
    return cpuid(0, 0).eax >= 7 ? cpuid(7, 0).edx : 0;
}

static struct cpuid_regs extended(uint32_t leaf)
{
    struct cpuid_regs none = {0};

    return cpuid(0x80000000, 0).eax >= leaf ? cpuid(leaf, 0) : none;
}

/* What the CPU can do. */
static unsigned offered(uint64_t arch_caps)
{
    uint32_t edx = leaf7_edx();
    unsigned has = SPEC_RSB;

    auto_ibrs = extended(0x80000021).eax >> 8 & 1;
    if (auto_ibrs || (edx >> 26 & 1 && arch_caps & ARCH_CAP_IBRS_ALL))
        has |= SPEC_IBRS;
    if (edx >> 26 & 1 || extended(0x80000008).ebx >> 12 & 1)
        has |= SPEC_IBPB;
    if (edx >> 10 & 1)
        has |= SPEC_VERW;
    if (edx >> 28 & 1)
        has |= SPEC_L1D;
    return has;
}

static void say(uint64_t arch_caps)
{
    char line[64] = "";
    size_t n = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        if (in_force >> i & 1)
            n += (size_t)fmt_snprintf(line + n, sizeof(line) - n, " %s",
                                      names[i]);
    log_info("speculation: in force%s\n", n ? line : " nothing");
    if (!(in_force & SPEC_IBRS))
        log_info("speculation: indirect branches are not guarded\n");
    if (!cpu_has(FEAT_AMD) && !(arch_caps & ARCH_CAP_RDCL_NO))
        log_info("speculation: this CPU may let guests read the hypervisor's "
                 "memory (Meltdown), and with it other guests'\n");
}

void spec_init(void)
{
    uint64_t arch_caps = 0;

    if (!parse(boot_options.spec))
        boot_stop("Option spec=%s makes no sense; it reads spec=no, or a list "
                  "of ibrs, ibpb, rsb, verw, l1d, with no- to forbid one.",
                  boot_options.spec);
    if (leaf7_edx() >> 29 & 1)
        (void)rdmsr_safe(MSR_ARCH_CAPABILITIES, &arch_caps);
    in_force = offered(arch_caps) & allowed;
    say(arch_caps);
}

void spec_init_cpu(void)
{
    if (!(in_force & SPEC_IBRS))
        return;
    if (auto_ibrs)
        wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_AUTOIBRS);
    else
        wrmsr(MSR_SPEC_CTRL, SPEC_CTRL_IBRS);
}

/* Returns that nobody will make, over whatever the last domain's calls left. */
static void fill_rsb(void)
{
    __asm__ volatile(".rept 32\n"
                     "call 1f\n"
                     "2: pause; lfence; jmp 2b\n"
                     "1:\n"
                     ".endr\n"
                     "add $32 * 8, %%rsp" ::
                         : "memory", "cc");
}

void spec_enter_domain(domid_t id)
{
    static const uint16_t selector = HOST_SS;

    if (last_domain[cpu_id()] == id + 1)
        return;
    last_domain[cpu_id()] = (domid_t)(id + 1);
    if (in_force & SPEC_IBPB)
        wrmsr(MSR_PRED_CMD, PRED_CMD_IBPB);
    if (in_force & SPEC_RSB)
        fill_rsb();
    if (in_force & SPEC_L1D)
        wrmsr(MSR_FLUSH_CMD, FLUSH_CMD_L1D);
    if (in_force & SPEC_VERW)
        __asm__ volatile("verw %0" ::"m"(selector) : "cc");
}
