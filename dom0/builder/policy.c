/* What a guest may see of the processor, as the `cpuid` key changes it. */
#include "dom0/builder/internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Features by name: number n is bit n % 32 of word n / 32. */
#define XEN_CPUFEATURE(name, value) {#name, value},
static const struct {
    const char *name;
    unsigned number;
} features[] = {
#include <xen/arch-x86/cpufeatureset.h>
};
#define NR_FEATURES (sizeof(features) / sizeof(*features))

/* Names that people write and the list above spells otherwise. */
static const struct {
    const char *theirs, *ours;
} aliases[] = {
    {"clflsh", "CLFLUSH"},  {"psn", NULL},
    {"ds", "DS"},           {"acpi", "ACPI"},
    {"tm", "TM1"},          {"ht", "HTT"},
    {"monitor", "MONITOR"}, {"est", "EIST"},
    {"cmpxchg16", "CX16"},  {"cmpxchg8", "CX8"},
    {"f16c", "F16C"},       {"syscall", "SYSCALL"},
    {"3dnow", "3DNOW"},     {"3dnowext", "3DNOWEXT"},
    {"svm_npt", NULL},      {"sysenter", "SEP"},
    {"page1gb", "PAGE1GB"}, {"sha", "SHA"},
    {"ffxsr", "FFXSR"},     {"nx", "NX"},
    {"invtsc", "ITSC"},
};
#define NR_ALIASES (sizeof(aliases) / sizeof(*aliases))

enum reg {
    REG_A,
    REG_B,
    REG_C,
    REG_D,
};

/* Where each word of features is. */
static const struct {
    uint32_t leaf, subleaf;
    enum reg reg;
} words[] = {
    {0x1, XEN_CPUID_NO_SUBLEAF, REG_D},
    {0x1, XEN_CPUID_NO_SUBLEAF, REG_C},
    {0x80000001, XEN_CPUID_NO_SUBLEAF, REG_D},
    {0x80000001, XEN_CPUID_NO_SUBLEAF, REG_C},
    {0xd, 1, REG_A},
    {0x7, 0, REG_B},
    {0x7, 0, REG_C},
    {0x80000007, XEN_CPUID_NO_SUBLEAF, REG_D},
    {0x80000008, XEN_CPUID_NO_SUBLEAF, REG_B},
    {0x7, 0, REG_D},
    {0x7, 1, REG_A},
    {0x80000021, XEN_CPUID_NO_SUBLEAF, REG_A},
    {0x7, 1, REG_B},
    {0x7, 2, REG_D},
    {0x7, 1, REG_C},
    {0x7, 1, REG_D},
};
#define NR_WORDS (sizeof(words) / sizeof(*words))

/* Equal but for case and for the signs between parts of a name. */
static bool same_name(const char *a, const char *b)
{
    for (;;) {
        while (*a == '_' || *a == '.' || *a == '-')
            a++;
        while (*b == '_' || *b == '.' || *b == '-')
            b++;
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
            return false;
        if (!*a)
            return true;
        a++;
        b++;
    }
}

/* -1: none of this name. */
static int find_feature(const char *name)
{
    for (size_t i = 0; i < NR_ALIASES; i++)
        if (aliases[i].ours && same_name(name, aliases[i].theirs))
            name = aliases[i].ours;
    for (size_t i = 0; i < NR_FEATURES; i++)
        if (same_name(name, features[i].name))
            return (int)features[i].number;
    return -1;
}

static uint32_t *word_of(xen_cpuid_leaf_t *leaves, uint32_t nr, unsigned word)
{
    for (uint32_t i = 0; i < nr; i++) {
        xen_cpuid_leaf_t *l = &leaves[i];

        if (l->leaf != words[word].leaf || l->subleaf != words[word].subleaf)
            continue;
        switch (words[word].reg) {
        case REG_A:
            return &l->a;
        case REG_B:
            return &l->b;
        case REG_C:
            return &l->c;
        case REG_D:
            return &l->d;
        }
    }
    return NULL;
}

static int change(xen_cpuid_leaf_t *leaves, uint32_t nr,
                  const struct cpuid_item *item, struct builder_error *err)
{
    int feature = find_feature(item->name);
    uint32_t *word, bit;

    if (feature < 0 || (unsigned)feature / 32 >= NR_WORDS)
        return builder_fail(err, -EINVAL,
                            "cpuid: `%.40s' is no processor feature that is "
                            "known here.",
                            item->name);
    if (strlen(item->value) != 1 || !strchr("01xks", item->value[0]))
        return builder_fail(err, -EINVAL,
                            "cpuid: %.40s can be 0 (hide) or 1 (show), not "
                            "`%.40s'.",
                            item->name, item->value);
    bit = 1u << (feature % 32);
    word = word_of(leaves, nr, (unsigned)feature / 32);
    if (word && item->value[0] == '0')
        *word &= ~bit;
    if (item->value[0] != '1')
        return 0; /* x, k, s: as the hypervisor has it */
    if (!word)
        return builder_fail(err, -EINVAL,
                            "cpuid: this processor has no %.40s to show.",
                            item->name);
    *word |= bit;
    return 0;
}

static int set(struct builder *b, const struct domconfig *cfg, uint32_t domid,
               const xen_cpuid_leaf_t *leaves, uint32_t nr,
               struct builder_error *err)
{
    struct hv_bad_policy bad;
    int rc = hv_domain_set_cpu_policy(b->hv, domid, leaves, nr, NULL, 0, &bad);

    if (rc == -EINVAL)
        return builder_fail(err, rc,
                            "cpuid: the hypervisor does not let %s have what "
                            "it asks for (leaf 0x%x, subleaf 0x%x).",
                            cfg->name, bad.leaf, bad.subleaf);
    if (rc)
        return builder_fail(err, rc,
                            "The hypervisor refused the processor features of "
                            "%s: %s.",
                            cfg->name, strerror(-rc));
    return 0;
}

/* The hypervisor's default is what a guest starts with. */
int policy_apply(struct builder *b, const struct domconfig *cfg, uint32_t domid,
                 struct builder_error *err)
{
    xen_cpuid_leaf_t *leaves = NULL;
    xen_msr_entry_t *msrs = NULL;
    uint32_t nr_leaves = 0, nr_msrs = 0;
    int rc;

    if (!cfg->nr_cpuid)
        return 0;
    rc = hv_system_cpu_policy(b->hv, XEN_SYSCTL_cpu_policy_pv_default, NULL,
                              &nr_leaves, NULL, &nr_msrs);
    if (rc)
        goto refused;
    leaves = calloc(nr_leaves, sizeof(*leaves));
    msrs = calloc(nr_msrs + 1, sizeof(*msrs));
    rc = -ENOMEM;
    if (!leaves || !msrs)
        goto refused;
    rc = hv_domain_get_cpu_policy(b->hv, domid, leaves, &nr_leaves, msrs,
                                  &nr_msrs);
    if (rc)
        goto refused;
    for (unsigned i = 0; i < cfg->nr_cpuid && !rc; i++)
        rc = change(leaves, nr_leaves, &cfg->cpuid[i], err);
    if (!rc)
        rc = set(b, cfg, domid, leaves, nr_leaves, err);
    goto free;

refused:
    builder_fail(err, rc, "The processor's features cannot be read: %s.",
                 strerror(-rc));
free:
    free(msrs);
    free(leaves);
    return rc;
}
