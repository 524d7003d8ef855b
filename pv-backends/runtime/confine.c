#include "pv-backends/runtime/confine.h"

#include "pv-backends/runtime/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/landlock.h>

/* Libraries that are loaded later, and what our messages tell of others. */
static const char *const readable[] = {"/usr", "/lib",  "/lib64",
                                       "/etc", "/proc", "/sys"};

#define MAY_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define MAY_WRITE                                                              \
    (MAY_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |  \
     LANDLOCK_ACCESS_FS_REMOVE_FILE)
/* All that the first version knew; later ones know more. */
#define ALL_RIGHTS (LANDLOCK_ACCESS_FS_MAKE_SYM * 2 - 1)

static int allow(int ruleset, const char *path, uint64_t rights)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = rights};
    int rc = 0;

    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0)
        return errno == ENOENT ? 0 : -errno;
    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH,
                &rule, 0))
        rc = -errno;
    close(rule.parent_fd);
    return rc;
}

static int confine(int ruleset, const char *writable)
{
    int rc = allow(ruleset, writable, MAY_WRITE);

    for (size_t i = 0; !rc && i < sizeof(readable) / sizeof(readable[0]); i++)
        rc = allow(ruleset, readable[i], MAY_READ);
    if (!rc && syscall(SYS_landlock_restrict_self, ruleset, 0))
        rc = -errno;
    return rc;
}

int confine_files(const char *writable)
{
    const struct landlock_ruleset_attr all = {.handled_access_fs = ALL_RIGHTS};
    int ruleset =
        (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
    int rc;

    if (ruleset < 0) {
        log_info("files are not confined: the kernel has no Landlock");
        return 0;
    }
    rc = confine(ruleset, writable);
    close(ruleset);
    if (rc)
        log_error("cannot confine files: %s", strerror(-rc));
    return rc;
}
