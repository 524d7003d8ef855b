/* A guest's memory into a file, for crash(8) and gdb's kin. */
#include "dom0/cli/cli.h"

#include "dom0/debug/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int read_shared(struct target *t, struct shared_info **page)
{
    struct xen_domctl_getdomaininfo info;
    int rc = hv_domain_info(target_hv(t), target_domid(t), &info);

    *page = rc ? NULL : malloc(4096);
    if (!rc && !*page)
        rc = -ENOMEM;
    if (!rc && !target_frame(t, info.shared_info_frame, *page))
        rc = -EFAULT;
    return rc;
}

/* Memory of a guest is for nobody else to read. */
static FILE *create(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

    if (!f)
        say_error("%s: %s", path, strerror(errno));
    return f;
}

static int write_file(struct target *t, FILE *f, uint64_t *nr_pages)
{
    struct shared_info *shared = NULL;
    struct hv_version version;
    int rc = hv_version(target_hv(t), &version);

    if (!rc)
        rc = read_shared(t, &shared);
    if (!rc)
        rc = dump_write(t, &version, shared, f, nr_pages);
    free(shared);
    return rc;
}

static int dump(struct target *t, const char *path)
{
    bool runs = target_state(t) == TARGET_RUNS;
    uint64_t nr_pages = 0;
    FILE *f = create(path);
    int rc;

    if (!f)
        return EXIT_FAILED;
    rc = runs ? target_stop(t) : 0;
    if (!rc)
        rc = write_file(t, f, &nr_pages);
    if (runs)
        (void)hv_domain_unpause(target_hv(t), target_domid(t));
    if (fclose(f) && !rc)
        rc = -errno;
    if (rc) {
        say_error("%s: %s", path,
                  rc == -ENODATA ? "the kernel has not said yet which pages "
                                   "are its own"
                                 : strerror(-rc));
        unlink(path);
        return EXIT_FAILED;
    }
    if (!client_quiet)
        printf("%s: %llu MiB\n", path, (unsigned long long)nr_pages / 256);
    return EXIT_OK;
}

int cmd_dump(int argc, char **argv)
{
    const struct opt opts[] = {{"quiet", 'q', &client_quiet, NULL}, {0}};
    const char *args[2];
    struct target *t;
    int status;

    if (options_take(opts, argc, argv, args, 2, 2) < 0)
        return EXIT_USAGE;
    status = guest_target(args[0], &t);
    if (status)
        return status;
    status = dump(t, args[1]);
    target_close(t);
    return status;
}
