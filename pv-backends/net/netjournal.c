#include "pv-backends/net/netjournal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NETJOURNAL_MAGIC 0x313054454e565250ull /* "PRVNET01" */

static int map_file(struct netjournal **out, const char *path, int flags)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
    struct stat st;
    void *at;
    int rc = 0;

    if (fd < 0)
        return -errno;
    if (((flags & O_CREAT) && ftruncate(fd, sizeof(**out))) || fstat(fd, &st))
        rc = -errno;
    else if (st.st_size != sizeof(**out))
        rc = -ESTALE;
    if (rc)
        goto close_fd;
    at = mmap(NULL, sizeof(**out), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED)
        rc = -errno;
    else
        *out = at;
close_fd:
    close(fd);
    return rc;
}

static int create(struct netjournal **out, const char *path,
                  uint64_t connection)
{
    int rc;

    /* A new file, never the old one cut short: somebody may still map it. */
    unlink(path);
    rc = map_file(out, path, O_CREAT | O_EXCL);
    if (rc)
        return rc;
    (*out)->connection = connection;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    (*out)->magic = NETJOURNAL_MAGIC;
    return 0;
}

int netjournal_open(struct netjournal **out, const char *path,
                    uint64_t connection, bool adopt)
{
    if (adopt && !map_file(out, path, 0)) {
        if ((*out)->magic == NETJOURNAL_MAGIC &&
            (*out)->connection == connection)
            return 0;
        netjournal_close(*out, path, false);
    }
    return create(out, path, connection);
}

void netjournal_close(struct netjournal *j, const char *path, bool remove)
{
    if (!j)
        return;
    munmap(j, sizeof(*j));
    if (remove)
        unlink(path);
}

unsigned int netjournal_unpublished(const struct netjournal_answers *a,
                                    RING_IDX rsp_prod)
{
    RING_IDX nr = a->end - rsp_prod;

    return a->any && nr <= NET_RING_ENTRIES ? nr : 0;
}
