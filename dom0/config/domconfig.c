#include "dom0/config/domconfig.h"
#include "dom0/config/internal.h"
#include "dom0/config/parse.h"

#include <ctype.h>
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

/* --- names of things ---------------------------------------------------------
 */

static const char *const action_names[] = {
    [ACTION_DESTROY] = "destroy",
    [ACTION_RESTART] = "restart",
    [ACTION_RENAME_RESTART] = "rename-restart",
    [ACTION_PRESERVE] = "preserve",
    [ACTION_COREDUMP_DESTROY] = "coredump-destroy",
    [ACTION_COREDUMP_RESTART] = "coredump-restart",
    [ACTION_SOFT_RESET] = "soft-reset",
};
#define NR_ACTIONS (sizeof(action_names) / sizeof(*action_names))

const char *domconfig_action_name(enum domconfig_action a)
{
    return a < NR_ACTIONS ? action_names[a] : "?";
}

const char *domconfig_type_name(enum domconfig_type t)
{
    static const char *const names[] = {"pv", "pvh", "hvm"};

    return t <= GUEST_HVM ? names[t] : "?";
}

void domconfig_uuid_print(const uint8_t uuid[16], char *text)
{
    for (int i = 0; i < 16; i++)
        text += sprintf(
            text, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x",
            uuid[i]);
}

int domconfig_uuid_parse(const char *text, uint8_t uuid[16])
{
    for (int i = 0; i < 16; i++) {
        char byte[3] = {0};

        if (*text == '-' && i)
            text++;
        if (!isxdigit((unsigned char)text[0]) ||
            !isxdigit((unsigned char)text[1]))
            return -EINVAL;
        byte[0] = *text++;
        byte[1] = *text++;
        uuid[i] = (uint8_t)strtoul(byte, NULL, 16);
    }
    return *text ? -EINVAL : 0;
}

const char *domconfig_name_problem(const char *name)
{
    bool digits = true;

    if (!*name)
        return "a guest's name cannot be empty";
    if (strlen(name) > 127)
        return "a guest's name can have up to 127 characters";
    for (const char *p = name; *p; p++) {
        unsigned char c = (unsigned char)*p;

        if (c < 0x20 || c == 0x7f || c == '/')
            return "a guest's name cannot hold `/' or control characters";
        digits &= isdigit(c) != 0;
    }
    if (digits)
        return "a guest's name cannot be a number: it would be taken for an id";
    if (!strcmp(name, "Domain-0"))
        return "Domain-0 is the host's own name";
    return NULL;
}

/* --- reading single values ---------------------------------------------------
 */

char *read_dup(struct reader *r, const char *text)
{
    char *copy = strdup(text);

    if (!copy)
        r->rc = -ENOMEM;
    return copy;
}

const char *read_text(struct reader *r, const struct value *v)
{
    if (!v->list)
        return v->text;
    report_error(r->report, v->at, "expected a string, found a list");
    return NULL;
}

bool read_number(struct reader *r, const struct value *v, int64_t min,
                 int64_t max, int64_t *n)
{
    if (!value_number(v, n)) {
        report_error(r->report, v->at, "expected a number, found %s%.60s%s",
                     v->list ? "a list" : "`", v->list ? "" : v->text,
                     v->list ? "" : "'");
        return false;
    }
    if (*n >= min && *n <= max)
        return true;
    report_error(r->report, v->at, "%lld is out of range: %lld to %lld",
                 (long long)*n, (long long)min, (long long)max);
    return false;
}

static void read_action(struct reader *r, const struct value *v,
                        enum domconfig_action *a)
{
    const char *text = read_text(r, v);

    if (!text)
        return;
    for (unsigned i = 0; i < NR_ACTIONS; i++)
        if (!strcmp(text, action_names[i])) {
            *a = (enum domconfig_action)i;
            return;
        }
    report_error(r->report, v->at,
                 "`%.60s' is no action (destroy, restart, rename-restart, "
                 "preserve, coredump-destroy, coredump-restart)",
                 text);
}

void read_type(struct reader *r, const struct value *v)
{
    const char *text = read_text(r, v);

    if (!text)
        return;
    for (int t = GUEST_PV; t <= GUEST_HVM; t++)
        if (!strcmp(text, domconfig_type_name((enum domconfig_type)t))) {
            r->c->type = (enum domconfig_type)t;
            return;
        }
    report_error(r->report, v->at, "`%.60s' is no type (pv, pvh or hvm)", text);
}

/* What `type` was called before; that wins where both are given. */
void read_builder(struct reader *r, const struct value *v)
{
    const char *text = read_text(r, v);

    if (!text || settings_get(r->s, "type"))
        return;
    if (!strcmp(text, "hvm"))
        r->c->type = GUEST_HVM;
    else if (strcmp(text, "generic") && strcmp(text, "linux"))
        report_error(r->report, v->at,
                     "`%.60s' is no builder: write type = \"pv\" instead",
                     text);
}

void read_uuid(struct reader *r, const struct value *v)
{
    const char *text = read_text(r, v);

    if (!text)
        return;
    if (domconfig_uuid_parse(text, r->c->uuid))
        report_error(r->report, v->at,
                     "`%.60s' is no UUID (32 hexadecimal digits, with dashes)",
                     text);
    r->c->uuid_given = true;
}

/* A string of words, or a list. */
void read_bootloader_args(struct reader *r, const struct value *v)
{
    struct domconfig *c = r->c;
    unsigned nr = v->list ? v->nr_items : 1;

    c->bootloader_args = calloc(nr ? nr : 1, sizeof(char *));
    if (!c->bootloader_args) {
        r->rc = -ENOMEM;
        return;
    }
    for (unsigned i = 0; i < nr; i++) {
        const char *text = read_text(r, v->list ? v->items[i] : v);

        if (text)
            c->bootloader_args[c->nr_bootloader_args++] = read_dup(r, text);
    }
}

void read_weight(struct reader *r, const struct value *v)
{
    int64_t n;

    if (read_number(r, v, 1, 65535, &n))
        r->c->weight = (int)n;
}

void read_tsc_mode(struct reader *r, const struct value *v)
{
    static const char *const names[] = {"default", "always_emulate", "native",
                                        "native_paravirt"};
    int64_t n;

    if (v->list || !v->quoted || value_number(v, &n)) {
        if (read_number(r, v, 0, 3, &n))
            r->c->tsc_mode = (enum domconfig_tsc)n;
        return;
    }
    for (n = 0; n < 4; n++)
        if (!strcmp(v->text, names[n])) {
            r->c->tsc_mode = (enum domconfig_tsc)n;
            return;
        }
    report_error(r->report, v->at,
                 "`%.60s' is no tsc_mode (default, always_emulate, native)",
                 v->text);
}

/* "host,sse3=0,avx=0": what is taken from or added to what guests get. */
void read_cpuid(struct reader *r, const struct value *v)
{
    struct domconfig *c = r->c;
    char *copy, *rest, *item;

    if (v->list) {
        report_warning(r->report, v->at,
                       "cpuid by leaves and bits is not supported and "
                       "ignored: write it as \"host,feature=0\"");
        return;
    }
    rest = copy = read_dup(r, v->text);
    while (!r->rc && (item = strsep(&rest, ","))) {
        char *eq = strchr(item, '=');
        struct cpuid_item *grew;

        item += strspn(item, " ");
        if (!*item || !strcmp(item, "host"))
            continue;
        if (!eq || eq == item || !eq[1]) {
            report_error(r->report, v->at,
                         "expected feature=0 or feature=1, found `%.60s'",
                         item);
            break;
        }
        *eq++ = 0;
        grew = reallocarray(c->cpuid, c->nr_cpuid + 1, sizeof(*grew));
        if (!grew) {
            r->rc = -ENOMEM;
            break;
        }
        c->cpuid = grew;
        grew[c->nr_cpuid++] = (struct cpuid_item){.name = read_dup(r, item),
                                                  .value = read_dup(r, eq)};
    }
    free(copy);
}

/* --- devices -----------------------------------------------------------------
 */

/* A list of strings; one string alone is taken as such. */
static unsigned list_length(struct reader *r, const struct value *v,
                            unsigned max, const char *what)
{
    unsigned nr = v->list ? v->nr_items : 1;

    if (nr > max) {
        report_error(r->report, v->at, "a guest can have up to %u %s", max,
                     what);
        return 0;
    }
    return nr;
}

static const char *list_text(struct reader *r, const struct value *v,
                             unsigned i)
{
    return read_text(r, v->list ? v->items[i] : v);
}

static struct place list_place(const struct value *v, unsigned i)
{
    return v->list ? v->items[i]->at : v->at;
}

static void check_disk_twice(struct reader *r, struct place at)
{
    const struct disk_config *last = &r->c->disks[r->c->nr_disks - 1];

    for (const struct disk_config *d = r->c->disks; d < last; d++)
        if (d->devid == last->devid)
            report_error(r->report, at, "there are two disks called %s",
                         last->vdev);
}

void read_disk(struct reader *r, const struct value *v)
{
    struct domconfig *c = r->c;
    unsigned nr = list_length(r, v, DOMCONFIG_MAX_DISKS, "disks");
    char why[300], warning[300];

    c->disks = calloc(nr ? nr : 1, sizeof(*c->disks));
    if (!c->disks)
        r->rc = -ENOMEM;
    for (unsigned i = 0; i < nr && !r->rc; i++) {
        const char *text = list_text(r, v, i);
        int rc;

        if (!text)
            continue;
        rc =
            disk_parse(&c->disks[c->nr_disks], text, why, warning, sizeof(why));
        if (*warning)
            report_warning(r->report, list_place(v, i), "%s", warning);
        if (rc == -ENOMEM) {
            r->rc = rc;
        } else if (rc) {
            report_error(r->report, list_place(v, i), "%s", why);
        } else {
            c->nr_disks++;
            check_disk_twice(r, list_place(v, i));
        }
    }
}

static void check_nic_twice(struct reader *r, struct place at)
{
    const struct nic_config *last = &r->c->nics[r->c->nr_nics - 1];
    char mac[18];

    for (const struct nic_config *n = r->c->nics; n < last; n++) {
        if (n->devid == last->devid)
            report_error(r->report, at,
                         "there are two network cards with devid %u",
                         last->devid);
        if (n->mac_given && last->mac_given && !memcmp(n->mac, last->mac, 6)) {
            nic_mac_print(last->mac, mac);
            report_error(r->report, at,
                         "there are two network cards with the address %s",
                         mac);
        }
    }
}

void read_vif(struct reader *r, const struct value *v)
{
    struct domconfig *c = r->c;
    unsigned nr = list_length(r, v, DOMCONFIG_MAX_NICS, "network cards");
    char why[300], warning[300];

    c->nics = calloc(nr ? nr : 1, sizeof(*c->nics));
    if (!c->nics)
        r->rc = -ENOMEM;
    for (unsigned i = 0; i < nr && !r->rc; i++) {
        const char *text = list_text(r, v, i);
        int rc;

        if (!text)
            continue;
        c->nics[c->nr_nics].devid = i;
        rc = nic_parse(&c->nics[c->nr_nics], text, why, warning, sizeof(why));
        if (*warning)
            report_warning(r->report, list_place(v, i), "%s", warning);
        if (rc == -ENOMEM) {
            r->rc = rc;
        } else if (rc) {
            report_error(r->report, list_place(v, i), "%s", why);
        } else {
            c->nr_nics++;
            check_nic_twice(r, list_place(v, i));
        }
    }
}

/* --- what several keys say together ------------------------------------------
 */

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

/* --- the whole ---------------------------------------------------------------
 */

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
