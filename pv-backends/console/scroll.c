#include "pv-backends/console/scroll.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCROLL_MAGIC 0x31304c4353565250ull /* "PRVSCL01" */

int scroll_open(struct scroll *s, const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int rc = 0;

    s->file = NULL;
    if (fd < 0)
        return -errno;
    if (ftruncate(fd, sizeof(*s->file))) {
        rc = -errno;
        goto close_fd;
    }
    s->file =
        mmap(NULL, sizeof(*s->file), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (s->file == MAP_FAILED) {
        s->file = NULL;
        rc = -errno;
        goto close_fd;
    }
    if (s->file->magic != SCROLL_MAGIC) {
        s->file->total = 0;
        s->file->magic = SCROLL_MAGIC;
    }
close_fd:
    close(fd);
    return rc;
}

void scroll_close(struct scroll *s)
{
    if (s->file)
        munmap(s->file, sizeof(*s->file));
    s->file = NULL;
}

void scroll_add(struct scroll *s, const char *buf, size_t n)
{
    size_t at, first;

    if (n > SCROLL_BYTES) { /* only the end would be left */
        s->file->total += n - SCROLL_BYTES;
        buf += n - SCROLL_BYTES;
        n = SCROLL_BYTES;
    }
    at = s->file->total % SCROLL_BYTES;
    first = SCROLL_BYTES - at < n ? SCROLL_BYTES - at : n;
    memcpy(s->file->ring + at, buf, first);
    memcpy(s->file->ring, buf + first, n - first);
    s->file->total += n;
}

void scroll_pieces(const struct scroll *s, struct scroll_piece pieces[2])
{
    uint64_t total = s->file->total;
    size_t at = total % SCROLL_BYTES;

    pieces[0] = (struct scroll_piece){
        s->file->ring + at, total > SCROLL_BYTES ? SCROLL_BYTES - at : 0};
    pieces[1] = (struct scroll_piece){
        s->file->ring, total == SCROLL_BYTES ? SCROLL_BYTES : at};
}
