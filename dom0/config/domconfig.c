#include "dom0/config/domconfig.h"
#include "dom0/config/internal.h"
#include "dom0/config/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_MEMORY_MIB  128
#define MIN_MEMORY_MIB      4
#define MAX_MEMORY_MIB      (16ull << 20) /* 16 TiB */
#define DEFAULT_EVENT_PORTS 1023

/* --- what several keys say together -------------------------------------- */

static const struct place nowhere;

static struct place place_of(const struct reader *r, const char *key)
{
    const struct value *v = settings_get(r->s, key);

    return v ? v->at : nowhere;
}

static void finish_memory(struct reader *r)
{
    const struct value *mem = settings_get(r->s, "memory");
    const struct value *max = settings_get(r->s, "maxmem");
    int64_t mem_mib = DEFAULT_MEMORY_MIB, max_mib;

    if (mem && !read_number(r, mem, MIN_MEMORY_MIB, MAX_MEMORY_MIB, &mem_mib))
        return;
    max_mib = mem_mib;
    if (max && !read_number(r, max, MIN_MEMORY_MIB, MAX_MEMORY_MIB, &max_mib))
        return;
    if (!mem && max)
        mem_mib = max_mib;
    else if (!mem)
        report_warning(r->report, nowhere,
                       "no `memory' is given: the guest gets %d MiB",
                       DEFAULT_MEMORY_MIB);
    if (max_mib < mem_mib)
        report_error(r->report, max->at,
                     "maxmem (%lld MiB) is less than memory (%lld MiB)",
                     (long long)max_mib, (long long)mem_mib);
    r->c->memory_kib = (uint64_t)mem_mib << 10;
    r->c->maxmem_kib = (uint64_t)max_mib << 10;
}

static void finish_vcpus(struct reader *r)
{
    const struct value *now = settings_get(r->s, "vcpus");
    const struct value *max = settings_get(r->s, "maxvcpus");
    int64_t vcpus = 1, max_vcpus;

    if (now && !read_number(r, now, 1, DOMCONFIG_MAX_VCPUS, &vcpus))
        return;
    max_vcpus = vcpus;
    if (max && !read_number(r, max, 1, DOMCONFIG_MAX_VCPUS, &max_vcpus))
        return;
    if (!now && max)
        vcpus = max_vcpus;
    if (max_vcpus < vcpus)
        report_error(r->report, max->at,
                     "maxvcpus (%lld) is less than vcpus (%lld)",
                     (long long)max_vcpus, (long long)vcpus);
    r->c->vcpus = (unsigned)vcpus;
    r->c->max_vcpus = (unsigned)max_vcpus;
}

static void read_cpuset(struct reader *r, const struct value *v,
                        struct cpuset *set)
{
    const char *text = read_text(r, v);
    const char *why = text ? cpuset_parse(set, text) : NULL;

    if (why)
        report_error(r->report, v->at, "%s", why);
}

/* One set for all vcpus, or a list with one for each. */
static void finish_cpus(struct reader *r, const char *key, struct cpuset **sets)
{
    const struct value *v = settings_get(r->s, key);
    unsigned nr = r->c->max_vcpus;

    if (!v || !nr)
        return;
    *sets = calloc(nr, sizeof(**sets));
    if (!*sets) {
        r->rc = -ENOMEM;
        return;
    }
    if (!v->list) {
        read_cpuset(r, v, *sets);
        for (unsigned i = 1; i < nr; i++)
            (*sets)[i] = **sets;
        return;
    }
    if (v->nr_items > nr)
        report_warning(r->report, v->at,
                       "%s lists more entries (%u) than the guest has vcpus "
                       "(%u)",
                       key, v->nr_items, nr);
    for (unsigned i = 0; i < nr; i++)
        if (i < v->nr_items)
            read_cpuset(r, v->items[i], &(*sets)[i]);
        else
            (*sets)[i].all = true;
}

/* cmdline says it all; else root= and extra do. */
static void finish_cmdline(struct reader *r)
{
    const struct value *cmdline = settings_get(r->s, "cmdline");
    const struct value *root = settings_get(r->s, "root");
    const struct value *extra = settings_get(r->s, "extra");
    const char *rt = root ? read_text(r, root) : NULL;
    const char *et = extra ? read_text(r, extra) : NULL;

    if (cmdline) {
        const char *ct = read_text(r, cmdline);

        if (rt || et)
            report_warning(r->report, cmdline->at,
                           "`cmdline' stands for itself: `root' and `extra' "
                           "are ignored");
        r->c->cmdline = read_dup(r, ct ? ct : "");
        return;
    }
    if (asprintf(&r->c->cmdline, "%s%s%s%s", rt ? "root=" : "", rt ? rt : "",
                 rt && et ? " " : "", et ? et : "") < 0) {
        r->c->cmdline = NULL;
        r->rc = -ENOMEM;
    }
}

static void check_boot(struct reader *r)
{
    struct domconfig *c = r->c;

    if (c->type == GUEST_HVM)
        return;
    if (c->bootloader && c->kernel)
        report_warning(r->report, place_of(r, "kernel"),
                       "`bootloader' is given too, and loads the kernel: this "
                       "one is ignored");
    if (!c->bootloader && !c->kernel)
        report_error(r->report, nowhere,
                     "nothing to boot: give a `kernel' or a `bootloader'");
}

static void check_name(struct reader *r)
{
    const char *why;

    if (!r->c->name) {
        report_error(r->report, nowhere, "the guest has no `name'");
        return;
    }
    why = domconfig_name_problem(r->c->name);
    if (why)
        report_error(r->report, place_of(r, "name"), "%s", why);
}

static void finish(struct reader *r)
{
    struct domconfig *c = r->c;

    finish_memory(r);
    finish_vcpus(r);
    finish_cpus(r, "cpus", &c->hard);
    finish_cpus(r, "cpus_soft", &c->soft);
    finish_cmdline(r);
    check_boot(r);
    check_name(r);
    for (unsigned i = 0; i < c->nr_nics; i++)
        if (!c->nics[i].mac_given)
            nic_mac_derive(c->uuid, c->nics[i].devid, c->nics[i].mac);
}

/* --- the whole ----------------------------------------------------------- */

static const struct key *find_key(const char *name)
{
    for (unsigned i = 0; i < nr_config_keys; i++)
        if (!strcmp(name, config_keys[i].name))
            return &config_keys[i];
    return NULL;
}

/* An empty list or string asks for nothing. */
static bool asks_for_nothing(const struct value *v)
{
    return v->list ? !v->nr_items : !*v->text || !strcmp(v->text, "0");
}

static void read_setting(struct reader *r, const struct setting *s)
{
    const struct key *k = find_key(s->name);
    const struct value *v = s->value;
    char *field;
    const char *text;
    int64_t n;

    if (!k) {
        report_warning(r->report, s->at, "`%s' is not known and ignored",
                       s->name);
        return;
    }
    field = (char *)r->c + k->offset;
    switch (k->kind) {
    case KEY_TEXT:
        text = read_text(r, v);
        if (text && *text)
            *(char **)field = read_dup(r, text);
        break;
    case KEY_BOOL:
        if (read_number(r, v, 0, 1, &n))
            *(bool *)field = n;
        break;
    case KEY_INT:
        if (read_number(r, v, k->min, k->max, &n))
            *(int *)field = (int)n;
        break;
    case KEY_UINT:
        if (read_number(r, v, k->min, k->max, &n))
            *(unsigned *)field = (unsigned)n;
        break;
    case KEY_ACTION:
        read_action(r, v, (enum domconfig_action *)field);
        break;
    case KEY_CALL:
        k->call(r, v);
        break;
    case KEY_IGNORED:
        if (!asks_for_nothing(v))
            report_warning(r->report, s->at,
                           "`%s' is not supported and ignored", s->name);
        break;
    case KEY_REFUSED:
        if (!asks_for_nothing(v))
            report_error(r->report, s->at, "`%s' is not supported", s->name);
        break;
    case KEY_LATER:
    case KEY_NOTHING:
        break;
    }
}

/* The one place of defaults. */
static int set_defaults(struct domconfig *c, const uint8_t *uuid)
{
    c->type = GUEST_PV;
    c->weight = c->cap = -1;
    c->max_grant_frames = c->max_maptrack_frames = c->max_grant_version = -1;
    c->max_event_channels = DEFAULT_EVENT_PORTS;
    c->on_poweroff = ACTION_DESTROY;
    c->on_reboot = ACTION_RESTART;
    c->on_watchdog = ACTION_DESTROY;
    c->on_crash = ACTION_DESTROY;
    c->on_soft_reset = ACTION_SOFT_RESET;
    if (uuid) {
        memcpy(c->uuid, uuid, sizeof(c->uuid));
        return 0;
    }
    if (getrandom(c->uuid, sizeof(c->uuid), 0) != sizeof(c->uuid))
        return -EIO;
    c->uuid[6] = (uint8_t)((c->uuid[6] & 0x0f) | 0x40);
    c->uuid[8] = (uint8_t)((c->uuid[8] & 0x3f) | 0x80);
    return 0;
}

int domconfig_parse(const char *text, size_t size, const uint8_t *uuid,
                    struct report *report, struct domconfig **out)
{
    struct settings s = {0};
    struct reader r = {.s = &s, .report = report};
    int rc;

    r.c = calloc(1, sizeof(*r.c));
    if (!r.c)
        return -ENOMEM;
    rc = set_defaults(r.c, uuid);
    if (rc)
        goto free;
    rc = parse_settings(text, size, &s, report);
    if (rc)
        goto free;
    for (unsigned i = 0; i < s.nr && !r.rc; i++)
        read_setting(&r, &s.s[i]);
    /* What a broken line would have said is not missed on top of it. */
    if (!r.rc && !report->nr_errors)
        finish(&r);
    rc = r.rc ? r.rc : report->nr_errors ? -EINVAL : 0;

free:
    settings_free(&s);
    if (rc)
        domconfig_free(r.c);
    else
        *out = r.c;
    return rc;
}

static int read_whole(int fd, size_t size, char *text)
{
    size_t done = 0;

    while (done < size) {
        ssize_t n = read(fd, text + done, size - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (!n)
            return -EIO; /* it shrank meanwhile */
        done += (size_t)n;
    }
    return 0;
}

/* *text is the caller's. */
static int load_text(int fd, char **text, size_t *size)
{
    struct stat st;
    int rc;

    if (fstat(fd, &st))
        return -errno;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    if (!S_ISREG(st.st_mode) || st.st_size > PARSE_MAX_SIZE)
        return -EFBIG;
    *size = (size_t)st.st_size;
    *text = malloc(*size + 1);
    if (!*text)
        return -ENOMEM;
    rc = read_whole(fd, *size, *text);
    if (rc)
        free(*text);
    return rc;
}

int domconfig_load(const char *path, const uint8_t *uuid, struct report *report,
                   struct domconfig **out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char *text = NULL;
    size_t size = 0;
    int rc = fd < 0 ? -errno : load_text(fd, &text, &size);

    if (rc) {
        report_error(report, nowhere, "cannot be read: %s", strerror(-rc));
    } else {
        rc = domconfig_parse(text, size, uuid, report, out);
        free(text);
    }
    if (fd >= 0)
        close(fd);
    return rc;
}

void domconfig_free(struct domconfig *c)
{
    if (!c)
        return;
    for (unsigned i = 0; i < c->nr_disks; i++)
        disk_free(&c->disks[i]);
    for (unsigned i = 0; i < c->nr_nics; i++)
        nic_free(&c->nics[i]);
    for (unsigned i = 0; i < c->nr_cpuid; i++) {
        free(c->cpuid[i].name);
        free(c->cpuid[i].value);
    }
    for (unsigned i = 0; i < c->nr_bootloader_args; i++)
        free(c->bootloader_args[i]);
    free(c->bootloader_args);
    free(c->cpuid);
    free(c->disks);
    free(c->nics);
    free(c->hard);
    free(c->soft);
    free(c->pool);
    free(c->name);
    free(c->kernel);
    free(c->ramdisk);
    free(c->cmdline);
    free(c->bootloader);
    free(c);
}
