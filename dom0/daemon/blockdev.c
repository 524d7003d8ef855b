#include "dom0/daemon/blockdev.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NBD_PORT   "10809"
#define ISCSI_PORT "3260"

/* What a format's driver is called. */
static const char *driver_of(enum disk_format format)
{
    return format == DISK_VHD ? "vpc" : disk_format_name(format);
}

/* --- targets on the network --------------------------------------------------
 */

/* "HOST", "HOST:PORT", "[ADDRESS]:PORT", cut in place. False: it is none. */
static bool cut_host(char *text, const char *usual, const char **host,
                     const char **port)
{
    char *end = text;

    *host = text;
    *port = usual;
    if (*text == '[') {
        *host = text + 1;
        end = strchr(text, ']');
        if (!end)
            return false;
        *end++ = 0;
    } else {
        end += strcspn(text, ":");
    }
    if (*end == ':') {
        *end = 0;
        *port = end + 1;
    } else if (*end) {
        return false;
    }
    return **host && **port && (*port)[strspn(*port, "0123456789")] == 0;
}

static json_t *nbd_server(char *where)
{
    const char *host, *port;

    if (!cut_host(where, NBD_PORT, &host, &port))
        return NULL;
    return json_pack("{s:s,s:s,s:s}", "type", "inet", "host", host, "port",
                     port);
}

static json_t *nbd_node(json_t *server, const char *name)
{
    if (!server)
        return NULL;
    /* A network that comes back within that time costs no request. */
    return json_pack("{s:s,s:o,s:s,s:i}", "driver", "nbd", "server", server,
                     "export", name, "reconnect-delay", 30);
}

/* "nbd:HOST:PORT[:exportname=NAME]", "nbd:unix:PATH[:exportname=NAME]". */
static json_t *nbd_old(char *rest)
{
    static const char key[] = ":exportname=";
    char *name = strstr(rest, key);

    if (name) {
        *name = 0;
        name += strlen(key);
    }
    if (!strncmp(rest, "unix:", 5))
        return nbd_node(
            json_pack("{s:s,s:s}", "type", "unix", "path", rest + 5),
            name ? name : "");
    return nbd_node(nbd_server(rest), name ? name : "");
}

/* "nbd://HOST[:PORT]/NAME" */
static json_t *nbd_url(char *rest)
{
    char *name = strchr(rest, '/');

    if (name)
        *name++ = 0;
    return nbd_node(nbd_server(rest), name ? name : "");
}

/* "nbd+unix:///NAME?socket=PATH" */
static json_t *nbd_unix(char *rest)
{
    static const char key[] = "?socket=";
    char *path = strstr(rest, key);

    if (!path || *rest != '/')
        return NULL;
    *path = 0;
    return nbd_node(
        json_pack("{s:s,s:s}", "type", "unix", "path", path + strlen(key)),
        rest + 1);
}

/* "iscsi://HOST[:PORT]/TARGET/LUN" */
static json_t *iscsi(char *rest)
{
    char *target = strchr(rest, '/');
    char *lun = strrchr(rest, '/');
    char *end, portal[300];
    const char *host, *port;
    unsigned long n;

    if (!target || lun == target || strchr(rest, '@'))
        return NULL;
    *target++ = *lun++ = 0;
    n = strtoul(lun, &end, 10);
    if (!*lun || *end || n > 16383 || !*target ||
        !cut_host(rest, ISCSI_PORT, &host, &port))
        return NULL;
    snprintf(portal, sizeof(portal), strchr(host, ':') ? "[%s]:%s" : "%s:%s",
             host, port);
    return json_pack("{s:s,s:s,s:s,s:s,s:i}", "driver", "iscsi", "transport",
                     "tcp", "portal", portal, "target", target, "lun", (int)n);
}

/* ":id=USER", ":conf=FILE"; no others. */
static bool rbd_options(json_t *o, char *rest)
{
    while (rest) {
        char *next = strchr(rest, ':');

        if (next)
            *next++ = 0;
        if (!strncmp(rest, "id=", 3))
            json_object_set_new(o, "user", json_string(rest + 3));
        else if (!strncmp(rest, "conf=", 5))
            json_object_set_new(o, "conf", json_string(rest + 5));
        else
            return false;
        rest = next;
    }
    return true;
}

/* "rbd:POOL[/NAMESPACE]/IMAGE[@SNAPSHOT][:id=USER][:conf=FILE]" */
static json_t *rbd(char *rest)
{
    char *options = strchr(rest, ':'), *image, *space, *snapshot;
    json_t *o;

    if (options)
        *options++ = 0;
    image = strchr(rest, '/');
    if (!image)
        return NULL;
    *image++ = 0;
    space = strchr(image, '/') ? image : NULL;
    if (space) {
        image = strchr(image, '/');
        *image++ = 0;
    }
    snapshot = strchr(image, '@');
    if (snapshot)
        *snapshot++ = 0;
    o = json_pack("{s:s,s:s,s:s,s:s*,s:s*}", "driver", "rbd", "pool", rest,
                  "image", image, "namespace", space, "snapshot", snapshot);
    if (!*rest || !*image || !rbd_options(o, options)) {
        json_decref(o);
        return NULL;
    }
    return o;
}

static const struct {
    const char *prefix;
    json_t *(*node)(char *rest); /* of what follows, which it may cut */
} schemes[] = {
    {"nbd://", nbd_url}, {"nbd+unix://", nbd_unix},
    {"nbd:", nbd_old},   {"iscsi://", iscsi},
    {"rbd:", rbd},
};

static json_t *from_scheme(const char *target)
{
    char *copy = strdup(target);
    json_t *o = NULL;

    for (size_t i = 0; copy && i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t n = strlen(schemes[i].prefix);

        if (!strncmp(target, schemes[i].prefix, n)) {
            o = schemes[i].node(copy + n);
            break;
        }
    }
    free(copy);
    return o;
}

/* "https://..." and its like go as they are. */
static json_t *remote_node(const char *target)
{
    const char *colon = strstr(target, "://");
    json_t *o = from_scheme(target);

    if (!o && colon &&
        (!strncmp(target, "http", 4) || !strncmp(target, "ftp", 3)))
        o = json_pack("{s:s%,s:s}", "driver", target, (size_t)(colon - target),
                      "url", target);
    return o;
}

/* --- the disk ----------------------------------------------------------------
 */

/* QEMU locks files against other writers, which include other QEMUs. */
static json_t *local_node(const struct guest_disk *d)
{
    bool device = d->claim.fd >= 0 && !d->claim.ino;

    return json_pack("{s:s,s:s,s:s}", "driver", device ? "host_device" : "file",
                     "filename", d->path, "locking", "on");
}

int blockdev_text(const struct guest_disk *d, bool direct, char **text,
                  struct fault *f)
{
    json_t *o, *file;

    file =
        disk_target_is_remote(d->path) ? remote_node(d->path) : local_node(d);
    if (!file)
        return fault_set(f, -EINVAL, FAULT_CONFIG,
                         "disk %s: %s is not understood; see pvn(1) for the "
                         "forms that there are",
                         d->vdev, d->path);
    o = json_pack("{s:s,s:s,s:b,s:s,s:{s:b},s:o}", "node-name", BLOCKDEV_NODE,
                  "driver", driver_of(d->format), "read-only", !d->writable,
                  "discard", d->discard ? "unmap" : "ignore", "cache", "direct",
                  direct, "file", file);
    *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return *text ? 0
                 : fault_set(f, -ENOMEM, FAULT_FAILED,
                             "disk %s: its path is no text", d->vdev);
}
