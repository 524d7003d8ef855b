#include "dom0/builder/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The label of guests under the hypervisor's default security policy. */
#define LABEL_DOMU 12

uint32_t builder_lap(struct timespec *mark)
{
    struct timespec was = *mark;

    clock_gettime(CLOCK_MONOTONIC, mark);
    return (uint32_t)((mark->tv_sec - was.tv_sec) * 1000000 +
                      (mark->tv_nsec - was.tv_nsec) / 1000);
}

/* "xen-3.0-x86_64" if the hypervisor's list of guests has it. */
static void find_guest_type(struct builder *b, char *caps)
{
    static const char wanted[] = "x86_64";
    char *word, *rest = caps;

    while ((word = strsep(&rest, " "))) {
        char *dash = strrchr(word, '-');

        if (!strncmp(word, "xen-", 4) && dash && !strcmp(dash + 1, wanted) &&
            strlen(word) < sizeof(b->guest_type))
            strcpy(b->guest_type, word);
    }
}

int builder_open(struct hv *hv, struct fmem *fm, struct builder **out,
                 struct builder_error *err)
{
    struct xen_sysctl_physinfo info;
    struct hv_version *v = malloc(sizeof(*v));
    struct builder *b = calloc(1, sizeof(*b));
    int rc = -ENOMEM;

    if (!b || !v)
        goto fail;
    b->hv = hv;
    b->fm = fm;
    rc = hv_version(hv, v);
    if (!rc)
        rc = hv_physinfo(hv, &info);
    if (rc)
        goto fail;
    find_guest_type(b, v->caps);
    /* Ours promises that (hypervisor/mm/frame.c); others mostly do it. */
    b->zeroed = strstr(v->extra, "paravane") != NULL;
    b->grant_version = info.capabilities & XEN_SYSCTL_PHYSCAP_gnttab_v2 ? 2 : 1;
    b->nr_cpus = info.max_cpu_id + 1;
    free(v);
    *out = b;
    return 0;

fail:
    free(v);
    free(b);
    return builder_fail(err, rc,
                        "The hypervisor cannot be asked what it is: "
                        "%s.",
                        strerror(-rc));
}

void builder_close(struct builder *b)
{
    free(b);
}

/* --- images -------------------------------------------------------------- */

/* Both of Xen's own names for it, wherever they are installed. */
static bool is_pygrub(const char *bootloader)
{
    const char *slash = strrchr(bootloader, '/');
    const char *name = slash ? slash + 1 : bootloader;

    return !strcmp(name, "pygrub") || !strcmp(name, "pvgrub") ||
           !strcmp(name, "pvgrub64");
}

/*
 * Linux unpacks its ramdisk itself, faster than we would; other kernels were
 * always given theirs unpacked.
 */
static int load_ramdisk(const char *path, const struct image *kernel,
                        struct image **ramdisk, struct builder_error *err)
{
    struct pv_kernel *k = malloc(sizeof(*k));
    bool linux_kernel;
    int rc = image_load_ramdisk(path, ramdisk, err);

    /* What is no kernel is told when it is planned. */
    linux_kernel = !k || elf_parse_kernel(kernel->data, kernel->size, k) ||
                   !strcmp(k->guest_os, "linux");
    free(k);
    if (rc || linux_kernel)
        return rc;
    rc = image_unpack_ramdisk(*ramdisk, err);
    if (rc) {
        image_free(*ramdisk);
        *ramdisk = NULL;
    }
    return rc;
}

int builder_load_images(const struct domconfig *cfg, const char *cache_dir,
                        struct image **kernel, struct image **ramdisk,
                        struct builder_error *err)
{
    const char *path = cfg->kernel;
    int rc;

    *kernel = *ramdisk = NULL;
    if (cfg->bootloader && !is_pygrub(cfg->bootloader))
        return builder_fail(err, -EOPNOTSUPP,
                            "The bootloader %s is not supported: use "
                            "\"pygrub\" (PV GRUB boots the guest from its own "
                            "disk), or a kernel.",
                            cfg->bootloader);
    if (cfg->bootloader)
        path = PV_GRUB;
    if (!path)
        return builder_fail(err, -EINVAL, "%s has no kernel.", cfg->name);
    rc = image_load_kernel(path, cache_dir, kernel, err);
    if (rc == -ENOENT && cfg->bootloader)
        return builder_fail(err, rc,
                            "PV GRUB is not installed (%s): install the "
                            "package grub-xen-host.",
                            PV_GRUB);
    if (rc || !cfg->ramdisk || cfg->bootloader)
        return rc;
    rc = load_ramdisk(cfg->ramdisk, *kernel, ramdisk, err);
    if (rc) {
        image_free(*kernel);
        *kernel = NULL;
    }
    return rc;
}

/* --- checks -------------------------------------------------------------- */

static bool has_cpu(const struct builder *b, const struct cpuset *s)
{
    for (unsigned cpu = 0; cpu < b->nr_cpus; cpu++)
        if (cpuset_has(s, cpu))
            return true;
    return false;
}

static int check_cpus(const struct builder *b, const struct domconfig *cfg,
                      const struct cpuset *sets, const char *key,
                      struct builder_error *err)
{
    for (unsigned i = 0; sets && i < cfg->max_vcpus; i++)
        if (!has_cpu(b, &sets[i]))
            return builder_fail(err, -EINVAL,
                                "`%s' of %s leaves vcpu %u no CPU: this "
                                "machine has 0 to %u.",
                                key, cfg->name, i, b->nr_cpus - 1);
    return 0;
}

static int check_memory(struct builder *b, const struct domconfig *cfg,
                        struct builder_error *err)
{
    struct xen_sysctl_physinfo info;
    uint64_t free_pages;
    int rc = hv_physinfo(b->hv, &info);

    if (rc)
        return builder_fail(err, rc, "The free memory cannot be read: %s.",
                            strerror(-rc));
    free_pages = info.free_pages > info.outstanding_pages
                     ? info.free_pages - info.outstanding_pages
                     : 0;
    if (cfg->memory_kib / 4 > free_pages)
        return builder_fail(err, -ENOMEM,
                            "There is not enough free memory for %s: it needs "
                            "%llu MiB, %llu MiB are free.",
                            cfg->name,
                            (unsigned long long)(cfg->memory_kib >> 10),
                            (unsigned long long)(free_pages >> 8));
    return 0;
}

static int check(struct builder *b, const struct domconfig *cfg,
                 const struct image *kernel, const struct image *ramdisk,
                 struct pv_plan *plan, struct builder_error *err)
{
    int rc;

    if (cfg->type != GUEST_PV)
        return builder_fail(err, -EOPNOTSUPP,
                            "%s guests cannot be built yet: only type = "
                            "\"pv\".",
                            cfg->type == GUEST_PVH ? "PVH" : "HVM");
    if (!b->guest_type[0])
        return builder_fail(err, -EOPNOTSUPP,
                            "This hypervisor takes no 64-bit PV guests.");
    if (cfg->pool && strcmp(cfg->pool, "Pool-0"))
        return builder_fail(err, -EOPNOTSUPP,
                            "There is no CPU pool %s: only Pool-0.", cfg->pool);
    rc = check_cpus(b, cfg, cfg->hard, "cpus", err);
    if (!rc)
        rc = check_cpus(b, cfg, cfg->soft, "cpus_soft", err);
    if (!rc)
        rc = pv_plan(cfg, kernel, ramdisk, plan, err);
    if (!rc)
        rc = check_memory(b, cfg, err);
    return rc;
}

int builder_check(struct builder *b, const struct domconfig *cfg,
                  const struct image *kernel, const struct image *ramdisk,
                  struct builder_error *err)
{
    struct pv_plan *plan = malloc(sizeof(*plan));
    int rc;

    if (!plan)
        return builder_fail(err, -ENOMEM, "There is no memory left in dom0.");
    rc = check(b, cfg, kernel, ramdisk, plan, err);
    free(plan);
    return rc;
}

/* --- the build ----------------------------------------------------------- */

static int create(struct builder *b, const struct domconfig *cfg,
                  struct built_domain *out, struct builder_error *err)
{
    struct xen_domctl_createdomain c = {
        .ssidref = LABEL_DOMU,
        .max_vcpus = cfg->max_vcpus,
        .max_evtchn_port = cfg->max_event_channels,
        .max_grant_frames = cfg->max_grant_frames,
        .max_maptrack_frames = cfg->max_maptrack_frames,
        .grant_opts = XEN_DOMCTL_GRANT_version(
            cfg->max_grant_version > 0 &&
                    (unsigned)cfg->max_grant_version < b->grant_version
                ? (unsigned)cfg->max_grant_version
                : b->grant_version),
        .arch.misc_flags = cfg->msr_relaxed ? XEN_X86_MSR_RELAXED : 0,
    };
    uint32_t asked = out->domid;
    int rc;

    memcpy(c.handle, cfg->uuid, sizeof(c.handle));
    rc = hv_domain_create(b->hv, &c, &out->domid);
    if (rc == -EEXIST)
        return builder_fail(err, rc, "There is a domain %u already.", asked);
    if (rc == -ENOMEM)
        return builder_fail(err, rc, "There is not enough free memory for %s.",
                            cfg->name);
    if (rc)
        return builder_fail(err, rc, "The hypervisor refused to create %s: %s.",
                            cfg->name, strerror(-rc));
    return 0;
}

static int pin_vcpus(struct builder *b, const struct domconfig *cfg,
                     uint32_t domid)
{
    int rc = 0;

    for (unsigned i = 0; i < cfg->max_vcpus && !rc; i++) {
        const struct cpuset *hard = cfg->hard ? &cfg->hard[i] : NULL;
        const struct cpuset *soft = cfg->soft ? &cfg->soft[i] : NULL;

        if (hard && hard->all)
            hard = NULL;
        if (soft && soft->all)
            soft = NULL;
        if (hard || soft)
            rc = hv_vcpu_set_affinity(b->hv, domid, i, hard ? hard->bits : NULL,
                                      soft ? soft->bits : NULL, b->nr_cpus);
    }
    return rc;
}

/* Seconds that the guest's clock is ahead of UTC. */
static int64_t time_offset(const struct domconfig *cfg)
{
    int64_t s = cfg->rtc_timeoffset_s;
    time_t now = time(NULL);
    struct tm tm;

    if (cfg->localtime && localtime_r(&now, &tm))
        s += tm.tm_gmtoff;
    return s;
}

/* What a domain has besides memory. */
static int configure(struct builder *b, const struct domconfig *cfg,
                     struct built_domain *out, struct builder_error *err)
{
    struct xen_domctl_tsc_info tsc = {.tsc_mode = cfg->tsc_mode};
    uint32_t id = out->domid;
    int rc = hv_domain_set_max_vcpus(b->hv, id, cfg->max_vcpus);

    if (rc)
        return builder_fail(err, rc,
                            "The hypervisor refused to give %s %u vcpus: %s.",
                            cfg->name, cfg->max_vcpus, strerror(-rc));
    rc = hv_domain_set_address_size(b->hv, id, 64);
    if (!rc)
        rc = pin_vcpus(b, cfg, id);
    if (!rc && (cfg->weight >= 0 || cfg->cap >= 0))
        rc = hv_domain_set_sched(b->hv, id, cfg->weight, cfg->cap);
    if (!rc && cfg->tsc_mode != TSC_DEFAULT)
        rc = hv_domain_set_tsc(b->hv, id, &tsc);
    if (!rc && time_offset(cfg))
        rc = hv_domain_set_time_offset(b->hv, id, time_offset(cfg));
    if (!rc)
        rc =
            hv_domain_alloc_port(b->hv, id, out->store_domid, &out->store_port);
    if (!rc)
        rc = hv_domain_alloc_port(b->hv, id, out->console_domid,
                                  &out->console_port);
    if (rc)
        return builder_fail(err, rc,
                            "The hypervisor refused the settings of %s: %s.",
                            cfg->name, strerror(-rc));
    return policy_apply(b, cfg, id, err);
}

int builder_build(struct builder *b, const struct domconfig *cfg,
                  const struct image *kernel, const struct image *ramdisk,
                  uint32_t domid, struct built_domain *out,
                  struct builder_error *err)
{
    struct pv_plan *plan = malloc(sizeof(*plan));
    struct timespec mark;
    int rc;

    if (!plan)
        return builder_fail(err, -ENOMEM, "There is no memory left in dom0.");
    *out = (struct built_domain){.domid = domid};
    *err = (struct builder_error){0};
    memcpy(out->uuid, cfg->uuid, sizeof(out->uuid));
    clock_gettime(CLOCK_MONOTONIC, &mark);
    rc = check(b, cfg, kernel, ramdisk, plan, err);
    if (rc)
        goto free;
    rc = create(b, cfg, out, err);
    if (rc)
        goto free;
    rc = configure(b, cfg, out, err);
    out->us.create = builder_lap(&mark);
    if (!rc)
        rc = pv_fill(b, cfg, plan, kernel, ramdisk, out, err);
    if (rc)
        (void)hv_domain_destroy(b->hv, out->domid); /* `err` says why */
    else
        snprintf(out->warning, sizeof(out->warning), "%s", kernel->warning);

free:
    free(plan);
    return rc;
}
