/* Single values into a configuration: one reader per key or kind. */
#include "dom0/config/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

void read_action(struct reader *r, const struct value *v,
                 enum domconfig_action *a)
{
    const char *text = read_text(r, v);

    if (!text)
        return;
    for (unsigned i = 0; i < DOMCONFIG_NR_ACTIONS; i++)
        if (!strcmp(text, domconfig_action_name((enum domconfig_action)i))) {
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

/* --- devices ------------------------------------------------------------- */

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

/* What the parser of an entry found, told; whether the entry counts. */
static bool entry_is_good(struct reader *r, struct place at, int rc,
                          const char *why, const char *warning)
{
    if (*warning)
        report_warning(r->report, at, "%s", warning);
    if (rc == -ENOMEM)
        r->rc = rc;
    else if (rc)
        report_error(r->report, at, "%s", why);
    return !rc;
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
        if (entry_is_good(r, list_place(v, i), rc, why, warning)) {
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
        if (entry_is_good(r, list_place(v, i), rc, why, warning)) {
            c->nr_nics++;
            check_nic_twice(r, list_place(v, i));
        }
    }
}
