#include "dom0/daemon/host.h"
#include "dom0/daemon/store.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static bool read_line(const char *path, char *line, size_t size)
{
    FILE *f = fopen(path, "re");
    bool ok = f && fgets(line, (int)size, f);

    if (f)
        fclose(f);
    if (ok)
        line[strcspn(line, "\n")] = 0;
    return ok;
}

pid_t host_find_process(const char *name)
{
    DIR *proc = opendir("/proc");
    char path[300], comm[64];
    struct dirent *e;
    pid_t pid = 0;

    while (proc && !pid && (e = readdir(proc))) {
        if (!isdigit((unsigned char)e->d_name[0]))
            continue;
        snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
        if (read_line(path, comm, sizeof(comm)) && !strcmp(comm, name))
            pid = (pid_t)atoi(e->d_name);
    }
    if (proc)
        closedir(proc);
    return pid;
}

static int refuse_process(const char *name, const char *instead,
                          struct fault *f)
{
    pid_t pid = host_find_process(name);

    if (!pid)
        return 0;
    return fault_set(f, -EBUSY, FAULT_BUSY,
                     "%s (pid %d) of another toolstack already runs here; "
                     "stop and disable it, and restart the host if guests "
                     "were started with it, or run pvnd with %s",
                     name, (int)pid, instead);
}

int host_check(const struct options *o, struct fault *f)
{
    int rc = 0;

    if (geteuid())
        return fault_set(f, -EPERM, FAULT_FAILED, "pvnd has to run as root");
    if (access("/dev/xen/privcmd", R_OK | W_OK) &&
        access("/proc/xen/privcmd", R_OK | W_OK))
        return fault_set(f, -ENODEV, FAULT_FAILED,
                         "this is not domain 0 of a hypervisor: there is no "
                         "/dev/xen/privcmd (is the module xen-privcmd "
                         "loaded?)");
    if (!o->external_store) {
        rc = refuse_process("xenstored", "--external-store", f);
        if (!rc)
            rc = refuse_process("oxenstored", "--external-store", f);
    }
    if (!rc && !o->external_console)
        rc = refuse_process("xenconsoled", "--external-console", f);
    return rc;
}

int host_mount_xenfs(struct fault *f)
{
    if (!access("/proc/xen/capabilities", F_OK))
        return 0;
    if (mount("xenfs", "/proc/xen", "xenfs", MS_NOSUID | MS_NOEXEC | MS_NODEV,
              NULL) &&
        errno != EBUSY)
        return fault_set(f, -errno, FAULT_FAILED,
                         "xenfs cannot be mounted on /proc/xen: %s",
                         strerror(errno));
    return 0;
}

int host_wait_store(int timeout_ms, struct fault *f)
{
    int64_t deadline = now_ms() + timeout_ms;
    struct xs_handle *xs;
    char *path;

    do {
        xs = xs_open(XS_OPEN_SOCKETONLY);
        path = xs ? xs_get_domain_path(xs, 0) : NULL;
        xs_close(xs);
        if (path) {
            free(path);
            return 0;
        }
        usleep(10000);
    } while (now_ms() < deadline);
    return fault_set(f, -ETIMEDOUT, FAULT_FAILED, "no store answers at %s",
                     xs_daemon_socket());
}

/* --- nodes -----------------------------------------------------------------*/

struct dom0 {
    uint64_t kib;
};

static int write_once(struct xs_handle *xs, xs_transaction_t t,
                      const char *path, const char *value)
{
    char *old = store_read(xs, t, "%s", path);

    if (old) {
        free(old);
        return 0;
    }
    return store_write(xs, t, value, "%s", path);
}

/*
 * memory/target is what its balloon driver goes for, so it has to be what
 * domain 0 has now, and must not be touched when somebody set it before.
 */
static int enter_step(struct xs_handle *xs, xs_transaction_t t, void *arg)
{
    static const char *const nodes[][2] = {
        {"/local/domain/0/name", "Domain-0"},
        {"/local/domain/0/domid", "0"},
        {"/local/pool/0/name", "Pool-0"},
        {"/local/pool/0/other_config", ""},
        {"/libxl/0/dm-version", "qemu_xen"},
        {"/libxl/0/type", "pv"},
        /* Where guests come and go: there from the start, so that the store is
         * after the last guest what it was before the first. */
        {"/vm", ""},
        {"/local/domain/0/backend/console", ""},
        {"/local/domain/0/backend/pvblk", ""},
        {"/local/domain/0/backend/pvif", ""},
    };
    const struct dom0 *dom0 = arg;
    char kib[24];
    size_t i;
    int rc = 0;

    for (i = 0; i < sizeof(nodes) / sizeof(nodes[0]) && !rc; i++)
        rc = write_once(xs, t, nodes[i][0], nodes[i][1]);
    snprintf(kib, sizeof(kib), "%llu", (unsigned long long)dom0->kib);
    if (!rc)
        rc = write_once(xs, t, "/local/domain/0/memory/static-max", kib);
    if (!rc)
        rc = write_once(xs, t, "/local/domain/0/memory/target", kib);
    return rc;
}

int host_enter_dom0(struct daemon *d, struct fault *f)
{
    struct xen_domctl_getdomaininfo info;
    struct kit *k = kit_get(d->kits, f);
    struct dom0 dom0;
    int rc;

    if (!k)
        return -EIO;
    rc = hv_domain_info(k->hv, 0, &info);
    if (!rc) {
        dom0.kib = info.tot_pages * 4;
        rc = store_transaction(k->xs, enter_step, &dom0);
    }
    kit_put(d->kits, k);
    if (rc)
        fault_set(f, rc, FAULT_FAILED, "domain 0 cannot be entered: %s",
                  strerror(-rc));
    return rc;
}
