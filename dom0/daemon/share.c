#include "dom0/daemon/share.h"

#include "dom0/config/cpuset.h"

#include <errno.h>
#include <string.h>

/* How many CPUs and vcpus there are: ids go from 0 to one less. */
struct size {
    unsigned cpus, vcpus;
};

static int size_get(struct hv *hv, uint32_t domid, struct size *s)
{
    struct xen_domctl_getdomaininfo info;
    struct xen_sysctl_physinfo host;
    int rc = hv_physinfo(hv, &host);

    if (!rc)
        rc = hv_domain_info(hv, domid, &info);
    if (rc)
        return rc;
    s->cpus = host.max_cpu_id + 1;
    s->vcpus = info.max_vcpu_id + 1;
    return s->cpus <= CPUSET_MAX ? 0 : -E2BIG;
}

/* --- setting ---------------------------------------------------------------*/

/* What is called `name`, if given: it must name a CPU that there is. */
static int set_read(struct cpuset *set, const char *text, const char *name,
                    unsigned nr_cpus, struct fault *f)
{
    const char *why;

    if (!text)
        return 0;
    why = cpuset_parse(set, text);
    if (why)
        return fault_set(f, -EINVAL, FAULT_PARAMS, "%s: %s", name, why);
    if (set->all)
        memset(set->bits, 0xff, sizeof(set->bits));
    for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
        if (cpuset_has(set, cpu))
            return 0;
    return fault_set(f, -EINVAL, FAULT_PARAMS,
                     "%s: none of them is here; the host has CPUs 0-%u", name,
                     nr_cpus - 1);
}

static int affinity_set(struct hv *hv, uint32_t domid,
                        const struct share_change *change,
                        const struct size *size, struct fault *f)
{
    unsigned first = change->vcpu < 0 ? 0 : (unsigned)change->vcpu;
    unsigned end = change->vcpu < 0 ? size->vcpus : first + 1;
    struct cpuset hard, soft;
    int rc = set_read(&hard, change->hard, "cpus", size->cpus, f);

    if (!rc)
        rc = set_read(&soft, change->soft, "soft", size->cpus, f);
    if (!rc && first >= size->vcpus)
        rc = fault_set(f, -EINVAL, FAULT_PARAMS,
                       "there is no vcpu %u: they are numbered 0 to %u", first,
                       size->vcpus - 1);
    for (unsigned i = first; i < end && !rc; i++)
        rc = hv_vcpu_set_affinity(hv, domid, i, change->hard ? hard.bits : NULL,
                                  change->soft ? soft.bits : NULL, size->cpus);
    return rc;
}

int share_set(struct hv *hv, uint32_t domid, const struct share_change *change,
              struct fault *f)
{
    struct size size;
    int rc = size_get(hv, domid, &size);

    if (!rc && (change->hard || change->soft))
        rc = affinity_set(hv, domid, change, &size, f);
    if (!rc && (change->weight >= 0 || change->cap >= 0))
        rc = hv_domain_set_sched(hv, domid, change->weight, change->cap);
    return rc;
}

/* --- looking ---------------------------------------------------------------*/

/* "0-2,5", or "all". */
static json_t *set_json(const uint8_t *bits, unsigned nr_cpus)
{
    unsigned nr = 0, first;
    char text[CPUSET_MAX * 3];
    size_t used = 0;

    text[0] = 0;
    for (unsigned cpu = 0; cpu < nr_cpus; cpu++) {
        if (!(bits[cpu / 8] & (1u << (cpu % 8))))
            continue;
        first = cpu;
        while (cpu + 1 < nr_cpus &&
               bits[(cpu + 1) / 8] & (1u << ((cpu + 1) % 8)))
            cpu++;
        nr += cpu - first + 1;
        used += (size_t)snprintf(text + used, sizeof(text) - used,
                                 first == cpu ? "%s%u" : "%s%u-%u",
                                 used ? "," : "", first, cpu);
    }
    return json_string(nr == nr_cpus ? "all" : text);
}

static int vcpu_get(struct hv *hv, uint32_t domid, unsigned vcpu,
                    unsigned nr_cpus, json_t *list)
{
    uint8_t hard[CPUSET_MAX / 8] = {0}, soft[CPUSET_MAX / 8] = {0};
    struct xen_domctl_getvcpuinfo info;
    int rc = hv_vcpu_info(hv, domid, vcpu, &info);

    if (!rc)
        rc = hv_vcpu_get_affinity(hv, domid, vcpu, hard, soft, nr_cpus);
    if (rc)
        return rc;
    json_array_append_new(list, json_pack("{s:I,s:s,s:I,s:I,s:o,s:o}", "vcpu",
                                          (json_int_t)vcpu, "state",
                                          !info.online   ? "offline"
                                          : info.running ? "running"
                                          : info.blocked ? "blocked"
                                                         : "ready",
                                          "cpu", (json_int_t)info.cpu, "cpu_ns",
                                          (json_int_t)info.cpu_time, "hard",
                                          set_json(hard, nr_cpus), "soft",
                                          set_json(soft, nr_cpus)));
    return 0;
}

int share_get(struct hv *hv, uint32_t domid, json_t **result)
{
    json_t *vcpus = json_array();
    struct size size;
    int weight, cap, rc = size_get(hv, domid, &size);

    if (!rc)
        rc = hv_domain_get_sched(hv, domid, &weight, &cap);
    for (unsigned i = 0; !rc && i < size.vcpus; i++)
        rc = vcpu_get(hv, domid, i, size.cpus, vcpus);
    if (rc) {
        json_decref(vcpus);
        return rc;
    }
    *result = json_pack("{s:I,s:i,s:i,s:o}", "domid", (json_int_t)domid,
                        "weight", weight, "cap", cap, "vcpus", vcpus);
    return *result ? 0 : -ENOMEM;
}
