/*
 * host-info: what each question about the host and its domains answers, a line
 * per answer, for comparison with stock tools. Changes nothing.
 */
#include "dom0/libs/hypercall/hypercall.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CPUS    64
#define MAX_DOMAINS 32

static int failed;

static int say(const char *what, int rc)
{
    printf("%s: %s\n", what, rc ? strerror(-rc) : "ok");
    failed |= rc;
    return rc;
}

static void show_host(struct hv *hv)
{
    static struct hv_version v;
    struct xen_sysctl_physinfo p;
    uint64_t mfn;
    uint32_t id;

    if (!say("version", hv_version(hv, &v)))
        printf("  %u.%u%s caps `%s' changeset `%s' by %s build-id %u\n"
               "  commandline `%s'\n",
               v.major, v.minor, v.extra, v.caps, v.changeset, v.compiled_by,
               v.build_id_len, v.commandline);
    if (!say("physinfo", hv_physinfo(hv, &p)))
        printf("  %u cpus, %u kHz, %llu of %llu MiB free, caps %x\n", p.nr_cpus,
               p.cpu_khz, (unsigned long long)p.free_pages >> 8,
               (unsigned long long)p.total_pages >> 8, p.capabilities);
    if (!say("scheduler", hv_scheduler_id(hv, &id)))
        printf("  %u\n", id);
    if (!say("max_mfn", hv_max_mfn(hv, &mfn)))
        printf("  %llx\n", (unsigned long long)mfn);
}

static void show_cpus(struct hv *hv)
{
    struct xen_sysctl_cputopo topo[MAX_CPUS];
    uint64_t idle[MAX_CPUS];
    uint32_t nr = MAX_CPUS, pool, sched, doms;

    if (!say("cpu_idle", hv_cpu_idle(hv, idle, &nr)))
        for (uint32_t i = 0; i < nr; i++)
            printf("  cpu %u idle %.2f s\n", i, (double)idle[i] / 1e9);
    nr = MAX_CPUS;
    if (!say("cpu_topology", hv_cpu_topology(hv, topo, &nr)))
        for (uint32_t i = 0; i < nr; i++)
            printf("  cpu %u core %u socket %u node %u\n", i, topo[i].core,
                   topo[i].socket, topo[i].node);
    if (!say("cpupool_info", hv_cpupool_info(hv, 0, &pool, &sched, &doms)))
        printf("  pool %u scheduler %u, %u domains\n", pool, sched, doms);
}

static void show_log(struct hv *hv)
{
    static char buf[16384];
    uint32_t count = sizeof(buf), index = 0, all = 0;

    while (!hv_console_read(hv, buf, &count, &index, all != 0, false) &&
           count) {
        all += count;
        count = sizeof(buf);
    }
    printf("console_read: %u bytes\n", all);
    say("debug_keys", hv_debug_keys(hv, "h"));
}

static void show_domain(struct hv *hv, uint32_t id)
{
    struct xen_domctl_getvcpuinfo vi;
    struct xen_domctl_tsc_info tsc;
    int weight = -1, cap = -1;
    uint32_t bits = 0;
    uint64_t gpfn = 0;
    uint8_t hard[8] = {0}, soft[8] = {0};

    if (!say("vcpu_info", hv_vcpu_info(hv, id, 0, &vi)))
        printf("  cpu %u online %u time %.2f s\n", vi.cpu, vi.online,
               (double)vi.cpu_time / 1e9);
    if (!say("affinity", hv_vcpu_get_affinity(hv, id, 0, hard, soft, 64)))
        printf("  hard %02x.. soft %02x..\n", hard[0], soft[0]);
    if (!say("sched", hv_domain_get_sched(hv, id, &weight, &cap)))
        printf("  weight %d cap %d\n", weight, cap);
    if (!say("address_size", hv_domain_get_address_size(hv, id, &bits)))
        printf("  %u\n", bits);
    if (!say("max_gpfn", hv_memory_max_gpfn(hv, id, &gpfn)))
        printf("  %llx\n", (unsigned long long)gpfn);
    if (id && !say("tsc", hv_domain_get_tsc(hv, id, &tsc)))
        printf("  mode %u %u kHz\n", tsc.tsc_mode, tsc.gtsc_khz);
}

static void show_domains(struct hv *hv)
{
    struct xen_domctl_getdomaininfo d[MAX_DOMAINS];
    int nr = hv_domain_list(hv, 0, MAX_DOMAINS, d);

    say("domain_list", nr < 0 ? nr : 0);
    for (int i = 0; i < nr; i++) {
        printf("domain %u: %llu pages, flags %x, %u vcpus\n", d[i].domain,
               (unsigned long long)d[i].tot_pages, d[i].flags,
               d[i].nr_online_vcpus);
        show_domain(hv, d[i].domain);
    }
    printf("domain 30000: %s\n", strerror(-hv_domain_info(hv, 30000, d)));
}

int main(void)
{
    struct hv *hv;

    if (say("open", hv_open(&hv)))
        return 1;
    show_host(hv);
    show_cpus(hv);
    show_log(hv);
    show_domains(hv);
    hv_close(hv);
    return failed != 0;
}
