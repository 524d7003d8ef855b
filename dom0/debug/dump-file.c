#include "dom0/debug/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *dump_problem(int rc)
{
    switch (rc) {
    case -ENODATA:
        return "the kernel has not said yet which pages are its own";
    case -EINVAL:
        return "the kernel's list of its pages makes no sense";
    case -ENOSPC:
        return "no space left for it";
    default:
        return strerror(-rc);
    }
}

static int read_guest(struct target *t, struct dump_guest *g,
                      struct shared_info *shared)
{
    struct xen_domctl_getdomaininfo info;
    struct hv_version version;
    uint64_t max_mfn = 0;
    int rc = hv_domain_info(target_hv(t), target_domid(t), &info);

    if (!rc)
        rc = hv_version(target_hv(t), &version);
    if (!rc)
        rc = hv_max_mfn(target_hv(t), &max_mfn);
    if (!rc && !target_frame(t, info.shared_info_frame, shared))
        rc = -EFAULT;
    if (rc)
        return rc;
    *g = (struct dump_guest){.shared = shared,
                             .max_pages = info.tot_pages,
                             .max_mfn = max_mfn,
                             .major = version.major,
                             .minor = version.minor};
    return 0;
}

static int write_stopped(struct target *t, FILE *out, uint64_t *nr_pages)
{
    struct shared_info *shared = malloc(4096);
    struct dump_guest g;
    int rc = shared ? read_guest(t, &g, shared) : -ENOMEM;

    if (!rc)
        rc = dump_write(t, &g, out, nr_pages);
    free(shared);
    return rc;
}

static int write_out(struct target *t, FILE *out, uint64_t *nr_pages)
{
    bool runs = target_state(t) == TARGET_RUNS;
    int rc = runs ? target_stop(t) : 0;

    if (rc)
        return rc;
    rc = write_stopped(t, out, nr_pages);
    if (runs)
        (void)hv_domain_unpause(target_hv(t), target_domid(t));
    return rc;
}

/* Memory of a guest is for nobody else to read. */
static int write_to(struct target *t, const char *path, int flags,
                    uint64_t *nr_pages)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | flags, 0600), rc;
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");

    if (!out) {
        rc = -errno;
        if (fd >= 0)
            close(fd);
        return rc;
    }
    rc = write_out(t, out, nr_pages);
    if (fclose(out) && !rc)
        rc = -errno;
    return rc;
}

int dump_to_file(struct target *t, const char *path, uint64_t *nr_pages)
{
    char part[4096];
    struct stat st;
    int rc;

    if (!stat(path, &st) && !S_ISREG(st.st_mode))
        return write_to(t, path, 0, nr_pages);
    if (snprintf(part, sizeof(part), "%s.part", path) >= (int)sizeof(part))
        return -ENAMETOOLONG;
    /* What one that was killed has left is not gone on with. */
    unlink(part);
    rc = write_to(t, part, O_CREAT | O_EXCL | O_NOFOLLOW, nr_pages);
    if (!rc && rename(part, path))
        rc = -errno;
    if (rc)
        unlink(part);
    return rc;
}
