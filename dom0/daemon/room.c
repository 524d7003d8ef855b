#include "dom0/daemon/room.h"
#include "dom0/daemon/log.h"
#include "dom0/daemon/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MS 30000 /* without a page from domain 0 */
#define LOOK_MS     20
/* Asked for beyond what lacks: pages that other processors still hold, and the
 * balloon's rounding. */
#define SLACK_KIB 4096

/* One at a time: two who looked at the same memory would both count on it. */
static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;

static int free_kib(struct kit *k, uint64_t *kib, struct fault *f)
{
    struct xen_sysctl_physinfo info;
    int rc = hv_physinfo(k->hv, &info);

    if (rc)
        return fault_set(f, rc, FAULT_FAILED, "physinfo: %s", strerror(-rc));
    *kib = (info.free_pages + info.scrub_pages) * 4;
    return 0;
}

/* Why domain 0 may not shrink, or NULL. Somebody who gave it a fixed size on
 * the hypervisor's command line wants it to keep it. */
static const char *why_fixed(struct daemon *d, struct kit *k)
{
    struct hv_version *v;
    bool fixed;

    if (d->o.autoballoon == BALLOON_YES)
        return NULL;
    if (d->o.autoballoon != BALLOON_AUTO)
        return "domain 0 keeps its own (autoballoon = no)";
    v = malloc(sizeof(*v));
    fixed = !v || hv_version(k->hv, v) || strstr(v->commandline, "dom0_mem=");
    free(v);
    return fixed ? "domain 0 keeps its own (dom0_mem=, and autoballoon = auto)"
                 : NULL;
}

static int set_target(struct kit *k, uint64_t kib)
{
    char text[24];

    snprintf(text, sizeof(text), "%llu", (unsigned long long)kib);
    return store_write(k->xs, XBT_NULL, text, "%s",
                       "/local/domain/0/memory/target");
}

/* Until so much is free, or nothing came for too long. */
static int wait_free(struct kit *k, uint64_t need_kib, uint64_t *have_kib,
                     struct fault *f)
{
    int64_t deadline = now_ms() + PATIENCE_MS;
    uint64_t kib = *have_kib;
    int rc;

    for (;;) {
        rc = free_kib(k, &kib, f);
        if (rc || kib >= need_kib)
            break;
        if (kib > *have_kib)
            deadline = now_ms() + PATIENCE_MS;
        *have_kib = kib;
        if (now_ms() > deadline)
            return -ENOMEM;
        usleep(LOOK_MS * 1000);
    }
    return rc;
}

/* On -ENOMEM *why says what domain 0 has to do with it. */
static int take_from_dom0(struct daemon *d, struct kit *k, const char *name,
                          uint64_t need_kib, uint64_t have_kib,
                          const struct progress *p, const char **why,
                          struct fault *f)
{
    uint64_t min_kib = (uint64_t)d->o.dom0_min_mib * 1024, own_kib;
    uint64_t take_kib = need_kib - have_kib + SLACK_KIB;
    struct xen_domctl_getdomaininfo info;
    int rc = hv_domain_info(k->hv, 0, &info);

    if (rc)
        return fault_set(f, rc, FAULT_FAILED, "domain 0: %s", strerror(-rc));
    own_kib = info.tot_pages * 4;
    *why = "domain 0 cannot spare the rest (dom0-min-memory)";
    if (own_kib < min_kib || own_kib - min_kib < take_kib)
        return -ENOMEM;
    progress_say(p, "taking %llu MiB from domain 0",
                 (unsigned long long)take_kib / 1024);
    rc = set_target(k, own_kib - take_kib);
    if (rc)
        return fault_set(f, rc, FAULT_FAILED, "domain 0's memory/target: %s",
                         strerror(-rc));
    *why = "domain 0 was asked for the rest and did not give it";
    rc = wait_free(k, need_kib, &have_kib, f);
    log_info("guest %s: domain 0 shrinks by %llu MiB%s", name,
             (unsigned long long)take_kib / 1024, rc ? ", in vain" : "");
    if (rc)
        set_target(k, own_kib);
    return rc;
}

int room_make(struct daemon *d, struct kit *k, const char *name,
              uint64_t need_kib, const struct progress *p, struct fault *f)
{
    const char *why = NULL;
    uint64_t have_kib;
    int rc;

    pthread_mutex_lock(&one);
    rc = free_kib(k, &have_kib, f);
    if (!rc && have_kib < need_kib) {
        why = why_fixed(d, k);
        rc = why ? -ENOMEM
                 : take_from_dom0(d, k, name, need_kib, have_kib, p, &why, f);
    }
    pthread_mutex_unlock(&one);
    if (rc == -ENOMEM && why)
        fault_set(f, rc, FAULT_MEMORY,
                  "guest %s needs %llu MiB of memory, %llu MiB are free; %s",
                  name, (unsigned long long)(need_kib + 1023) / 1024,
                  (unsigned long long)have_kib / 1024, why);
    return rc;
}

static int check_dom0(struct daemon *d, struct kit *k, uint64_t kib,
                      struct fault *f)
{
    struct xen_domctl_getdomaininfo info;
    uint64_t have_kib;
    int rc = hv_domain_info(k->hv, 0, &info);

    if (!rc)
        rc = free_kib(k, &have_kib, f);
    if (rc)
        return rc;
    if (kib < (uint64_t)d->o.dom0_min_mib * 1024)
        return fault_set(f, -EINVAL, FAULT_PARAMS,
                         "domain 0 keeps at least %u MiB (dom0-min-memory)",
                         d->o.dom0_min_mib);
    if (kib > info.tot_pages * 4 + have_kib)
        return fault_set(f, -ENOMEM, FAULT_MEMORY,
                         "domain 0 has %llu MiB, and %llu MiB are free",
                         (unsigned long long)info.tot_pages / 256,
                         (unsigned long long)have_kib / 1024);
    return 0;
}

int room_set_dom0(struct daemon *d, struct kit *k, uint64_t kib,
                  struct fault *f)
{
    int rc;

    pthread_mutex_lock(&one);
    rc = check_dom0(d, k, kib, f);
    if (!rc)
        rc = set_target(k, kib);
    pthread_mutex_unlock(&one);
    return rc;
}
