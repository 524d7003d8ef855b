#include "dom0/daemon/record.h"
#include "dom0/daemon/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SUFFIX ".json"

static int write_all(int fd, const char *text, size_t len)
{
    ssize_t n;

    while (len) {
        n = write(fd, text, len);
        if (n < 0)
            return -errno;
        text += n;
        len -= (size_t)n;
    }
    return 0;
}

int record_write(const char *dir, const char *name, json_t *o)
{
    char path[600], tmp[608];
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    int fd, rc;

    json_decref(o);
    if (!text)
        return -ENOMEM;
    snprintf(path, sizeof(path), "%s/%s" SUFFIX, dir, name);
    snprintf(tmp, sizeof(tmp), "%s.new", path);
    fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    rc = fd < 0 ? -errno : write_all(fd, text, strlen(text));
    if (fd >= 0 && close(fd) && !rc)
        rc = -errno;
    if (!rc && rename(tmp, path))
        rc = -errno;
    if (rc) {
        unlink(tmp);
        log_error("cannot write %s: %s", path, strerror(-rc));
    }
    free(text);
    return rc;
}

void record_remove(const char *dir, const char *name)
{
    char path[600];

    snprintf(path, sizeof(path), "%s/%s" SUFFIX, dir, name);
    unlink(path);
}

json_t *record_read(const char *dir, const char *name)
{
    char path[600];
    json_t *o;

    snprintf(path, sizeof(path), "%s/%s" SUFFIX, dir, name);
    o = json_load_file(path, 0, NULL);
    if (o && !json_is_object(o)) {
        json_decref(o);
        o = NULL;
    }
    return o;
}

void record_each(const char *dir,
                 void (*found)(void *ctx, const char *name, json_t *o),
                 void *ctx)
{
    struct dirent **list;
    char path[600];
    json_t *o;
    int n, i;

    n = scandir(dir, &list, NULL, alphasort);
    for (i = 0; i < n; i++) {
        char *name = list[i]->d_name;
        size_t len = strlen(name), tail = strlen(SUFFIX);

        if (len > 4 && !strcmp(name + len - 4, ".new")) {
            snprintf(path, sizeof(path), "%s/%s", dir, name);
            unlink(path);
        } else if (len > tail && !strcmp(name + len - tail, SUFFIX)) {
            name[len - tail] = 0;
            o = record_read(dir, name);
            if (o)
                found(ctx, name, o);
            else
                log_error("%s/%s" SUFFIX " cannot be read", dir, name);
            json_decref(o);
        }
        free(list[i]);
    }
    if (n >= 0)
        free(list);
}
