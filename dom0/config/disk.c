#include "dom0/config/disk.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    enum disk_format format;
} formats[] = {
    {"raw", DISK_RAW},     {"qcow", DISK_QCOW}, {"qcow2", DISK_QCOW2},
    {"vhd", DISK_VHD},     {"vpc", DISK_VHD}, /* as QEMU calls it */
    {"vhdx", DISK_VHDX},   {"vmdk", DISK_VMDK}, {"vdi", DISK_VDI},
    {"qed", DISK_QED},     {"aio", DISK_RAW}, /* what old files call raw */
    {"empty", DISK_EMPTY},
};
#define NR_FORMATS (sizeof(formats) / sizeof(*formats))

const char *disk_format_name(enum disk_format f)
{
    for (size_t i = 0; i < NR_FORMATS; i++)
        if (formats[i].format == f)
            return formats[i].name;
    return "?";
}

int disk_format_parse(const char *name, enum disk_format *f)
{
    for (size_t i = 0; i < NR_FORMATS; i++)
        if (!strcasecmp(name, formats[i].name)) {
            *f = formats[i].format;
            return 0;
        }
    return -EINVAL;
}

bool disk_target_is_remote(const char *target)
{
    static const char *const schemes[] = {"nbd:",   "nbd+unix://", "iscsi://",
                                          "rbd:",   "http://",     "https://",
                                          "ftp://", "ftps://"};

    for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
        if (!strncmp(target, schemes[i], strlen(schemes[i])))
            return true;
    return false;
}

/* --- device names -------------------------------------------------------- */

#define MAJOR_XVD 202u
#define MAJOR_SD  8u
#define MAX_DISK  (1u << 20)

/* "a" is 0, "z" 25, "aa" 26. */
static bool letters(const char **p, unsigned *n)
{
    uint64_t v = 0;
    const char *start = *p;

    while (**p >= 'a' && **p <= 'z') {
        v = v * 26 + (unsigned)(**p - 'a') + 1;
        ++*p;
        if (v > MAX_DISK)
            return false;
    }
    *n = (unsigned)v - 1;
    return *p != start;
}

static bool digits(const char **p, unsigned *n)
{
    char *end;
    unsigned long v;

    if (!isdigit((unsigned char)**p))
        return false;
    v = strtoul(*p, &end, 10);
    *p = end;
    *n = (unsigned)v;
    return v < MAX_DISK;
}

static int id_xvd(unsigned disk, unsigned part, uint32_t *id)
{
    if (disk < 16 && part < 16)
        *id = MAJOR_XVD << 8 | disk << 4 | part;
    else if (disk < MAX_DISK && part < 256)
        *id = 1u << 28 | disk << 8 | part;
    else
        return -EINVAL;
    return 0;
}

static int id_hd(unsigned disk, unsigned part, uint32_t *id)
{
    if (disk > 3 || part > 63)
        return -EINVAL;
    *id = (disk < 2 ? 3u : 22u) << 8 | (disk & 1) << 6 | part;
    return 0;
}

static int id_sd(unsigned disk, unsigned part, uint32_t *id)
{
    if (disk > 15 || part > 15)
        return -EINVAL;
    *id = MAJOR_SD << 8 | disk << 4 | part;
    return 0;
}

/* "d0", "d12p3". */
static int id_d(const char *p, uint32_t *id)
{
    unsigned disk, part = 0;

    if (!digits(&p, &disk))
        return -EINVAL;
    if (*p == 'p') {
        p++;
        if (!digits(&p, &part))
            return -EINVAL;
    }
    return *p ? -EINVAL : id_xvd(disk, part, id);
}

int disk_vdev_id(const char *vdev, uint32_t *id)
{
    static const struct {
        const char *prefix;
        int (*id)(unsigned disk, unsigned part, uint32_t *id);
    } kinds[] = {{"xvd", id_xvd}, {"hd", id_hd}, {"sd", id_sd}};
    const char *p = vdev;
    unsigned disk, part = 0;

    if (isdigit((unsigned char)*p)) {
        char *end;
        unsigned long v = strtoul(p, &end, 0);

        if (*end || v > UINT32_MAX >> 3)
            return -EINVAL;
        *id = (uint32_t)v;
        return 0;
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        size_t n = strlen(kinds[i].prefix);

        if (strncmp(p, kinds[i].prefix, n))
            continue;
        p += n;
        if (!letters(&p, &disk) || (*p && !digits(&p, &part)) || *p)
            return -EINVAL;
        return kinds[i].id(disk, part, id);
    }
    return *p == 'd' ? id_d(p + 1, id) : -EINVAL;
}

/* --- the entry ----------------------------------------------------------- */

struct disk_parser {
    struct disk_config *d;
    char *why, *warning;
    unsigned size;
    bool old_prefix, format_set, access_set;
};

static int bad(struct disk_parser *p, const char *fmt, const char *what)
{
    snprintf(p->why, p->size, fmt, what);
    return -EINVAL;
}

static int set_text(char **to, const char *text)
{
    free(*to);
    *to = strdup(text);
    return *to ? 0 : -ENOMEM;
}

static int set_format(struct disk_parser *p, const char *text)
{
    p->format_set = true;
    if (!*text)
        return 0; /* raw */
    if (!disk_format_parse(text, &p->d->format))
        return 0;
    return bad(p,
               "`%.60s' is no image format (raw, qcow, qcow2, vhd, vhdx, vmdk, "
               "vdi or qed); the order is target, format, vdev, access",
               text);
}

static int set_access(struct disk_parser *p, const char *text)
{
    p->access_set = true;
    if (!strcmp(text, "r") || !strcmp(text, "ro"))
        p->d->read_only = true;
    else if (!strcmp(text, "w") || !strcmp(text, "rw"))
        p->d->read_only = false;
    else if (!strcmp(text, "w!"))
        return bad(p, "`%s': writing to a disk in use is not allowed", text);
    else
        return bad(p, "`%.60s' is no access mode (r or w)", text);
    return 0;
}

static int set_cdrom(struct disk_parser *p)
{
    p->d->cdrom = p->d->removable = true;
    return 0;
}

static int set_vdev(struct disk_parser *p, char *text)
{
    char *colon = strrchr(text, ':');

    if (colon && !strcmp(colon, ":cdrom"))
        set_cdrom(p);
    else if (colon && strcmp(colon, ":disk"))
        return bad(p, "`%.60s': expected :cdrom or :disk behind the name",
                   text);
    if (colon)
        *colon = 0;
    if (disk_vdev_id(text, &p->d->devid))
        return bad(p,
                   "`%.60s' is no virtual disk (xvda, sdb1, hdc or the like)",
                   text);
    return set_text(&p->d->vdev, text);
}

/* Names of old: "phy:/dev/x", "file:/x", "tap:qcow2:/x". */
static int set_target(struct disk_parser *p, const char *text)
{
    static const char *const stacked[] = {
        "tap2:", "tap:", "aio:", "ioemu:", "tapdisk:"};
    bool again = true;

    while (again) {
        again = false;
        for (size_t i = 0; i < sizeof(stacked) / sizeof(*stacked); i++)
            if (!strncmp(text, stacked[i], strlen(stacked[i]))) {
                text += strlen(stacked[i]);
                p->old_prefix = again = true;
            }
    }
    if (!strncmp(text, "phy:", 4)) {
        p->old_prefix = true;
        text += 4;
        /* "phy:sda1" means the device. */
        if (*text && *text != '/') {
            free(p->d->target);
            return asprintf(&p->d->target, "/dev/%s", text) < 0 ? -ENOMEM : 0;
        }
    } else if (!strncmp(text, "file:", 5)) {
        p->old_prefix = true;
        text += 5;
    } else {
        for (size_t i = 0; i < NR_FORMATS; i++) {
            size_t n = strlen(formats[i].name);

            if (!strncmp(text, formats[i].name, n) && text[n] == ':') {
                p->d->format = formats[i].format;
                p->old_prefix = true;
                text += n + 1;
                break;
            }
        }
    }
    return *text ? set_text(&p->d->target, text) : 0;
}

static int set_devtype(struct disk_parser *p, const char *text)
{
    if (!strcmp(text, "cdrom"))
        return set_cdrom(p);
    if (!strcmp(text, "disk"))
        return 0;
    return bad(p, "`%.60s' is no devtype (disk or cdrom)", text);
}

static int keyed(struct disk_parser *p, const char *key, char *text)
{
    struct disk_config *d = p->d;

    if (!strcmp(key, "target"))
        return set_text(&d->target, text);
    if (!strcmp(key, "format"))
        return set_format(p, text);
    if (!strcmp(key, "vdev"))
        return set_vdev(p, text);
    if (!strcmp(key, "access"))
        return set_access(p, text);
    if (!strcmp(key, "devtype"))
        return set_devtype(p, text);
    if (!strcmp(key, "backend"))
        return set_text(&d->backend, text);
    if (!strcmp(key, "backendtype"))
        return set_text(&d->backendtype, text);
    if (!strcmp(key, "script")) {
        snprintf(p->warning, p->size,
                 "script=%.60s is not run: disks are set up without scripts",
                 text);
        return set_text(&d->script, text);
    }
    snprintf(p->warning, p->size, "`%.60s' is not known and ignored", key);
    return 0;
}

/* Words that may stand anywhere. True: it was one. */
static bool flag(struct disk_parser *p, const char *text)
{
    struct disk_config *d = p->d;

    if (!strcmp(text, "cdrom"))
        set_cdrom(p);
    else if (!strcmp(text, "discard"))
        d->discard = true;
    else if (!strcmp(text, "no-discard"))
        d->discard = false;
    else if (!strcmp(text, "direct-io-safe"))
        d->direct_io_safe = true;
    else
        return false;
    return true;
}

/* The next of target, format, vdev, access that nothing has set yet. */
static int positional(struct disk_parser *p, char *text, unsigned place)
{
    if (place == 0)
        return set_target(p, text);
    if (!p->format_set && !p->old_prefix)
        return set_format(p, text);
    if (!p->d->vdev)
        return *text ? set_vdev(p, text) : 0;
    if (!p->access_set)
        return *text ? set_access(p, text) : 0;
    if (!*text)
        return 0;
    return bad(p, "`%.60s' is one word too many", text);
}

static char *trim(char *s)
{
    char *end;

    while (isspace((unsigned char)*s))
        s++;
    end = s + strlen(s);
    while (end > s && isspace((unsigned char)end[-1]))
        *--end = 0;
    return s;
}

static bool is_key(const char *text)
{
    const char *eq = strchr(text, '=');

    for (const char *c = text; eq && c < eq; c++)
        if (!islower((unsigned char)*c) && *c != '-')
            return false;
    return eq && eq != text;
}

static int parse_items(struct disk_parser *p, char *rest)
{
    unsigned place = 0;
    int rc = 0;

    while (rest && !rc) {
        char *text = rest, *eq;

        while (isspace((unsigned char)*text))
            text++;
        /* A target by name is the last: it may hold commas. */
        if (!strncmp(text, "target=", 7))
            return keyed(p, "target", trim(text + 7));
        rest = strchr(text, ',');
        if (rest)
            *rest++ = 0;
        text = trim(text);
        if (flag(p, text))
            continue;
        if (!is_key(text)) {
            rc = positional(p, text, place++);
            continue;
        }
        eq = strchr(text, '=');
        *eq = 0;
        rc = keyed(p, text, eq + 1);
    }
    return rc;
}

static int check(struct disk_parser *p)
{
    struct disk_config *d = p->d;

    if (!d->vdev)
        return bad(p,
                   "the disk has no vdev%s: say where the guest sees it, "
                   "as in \"/path/disk.img,raw,xvda,w\"",
                   "");
    if (!d->target && !d->cdrom)
        return bad(p, "the disk %s has no target: name a file or a device",
                   d->vdev);
    if (d->cdrom)
        d->read_only = true;
    if (!d->target)
        d->format = DISK_EMPTY;
    return 0;
}

int disk_parse(struct disk_config *d, const char *text, char *why,
               char *warning, unsigned size)
{
    struct disk_parser p = {
        .d = d, .why = why, .warning = warning, .size = size};
    char *copy = strdup(text);
    int rc;

    *d = (struct disk_config){.format = DISK_RAW, .discard = true};
    why[0] = warning[0] = 0;
    if (!copy)
        return -ENOMEM;
    rc = parse_items(&p, copy);
    if (!rc)
        rc = check(&p);
    free(copy);
    if (rc)
        disk_free(d);
    return rc;
}

void disk_free(struct disk_config *d)
{
    free(d->target);
    free(d->vdev);
    free(d->backend);
    free(d->script);
    free(d->backendtype);
    *d = (struct disk_config){0};
}
