#include "dom0/config/nic.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int nic_mac_parse(const char *text, uint8_t mac[6])
{
    for (int i = 0; i < 6; i++) {
        if (!isxdigit((unsigned char)text[0]) ||
            !isxdigit((unsigned char)text[1]) || text[2] != (i < 5 ? ':' : 0))
            return -EINVAL;
        mac[i] = (uint8_t)strtoul(text, NULL, 16);
        text += 3;
    }
    return 0;
}

void nic_mac_print(const uint8_t mac[6], char *text)
{
    snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
             mac[3], mac[4], mac[5]);
}

void nic_mac_derive(const uint8_t uuid[16], uint32_t devid, uint8_t mac[6])
{
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */

    for (int i = 0; i < 20; i++) {
        uint8_t b = i < 16 ? uuid[i] : (uint8_t)(devid >> (i - 16) * 8);

        h = (h ^ b) * 0x100000001b3u;
    }
    h ^= h >> 29;
    /* The range that is set aside for virtual cards of this family. */
    mac[0] = 0x00;
    mac[1] = 0x16;
    mac[2] = 0x3e;
    mac[3] = (uint8_t)(h >> 16 & 0x7f);
    mac[4] = (uint8_t)(h >> 8);
    mac[5] = (uint8_t)h;
}

struct nic_parser {
    struct nic_config *n;
    char *why, *warning;
    unsigned size;
};

static int bad(struct nic_parser *p, const char *fmt, const char *what)
{
    snprintf(p->why, p->size, fmt, what);
    return -EINVAL;
}

/* "10Mb/s@50ms": bytes in each interval. */
static bool parse_rate(const char *s, struct nic_config *n)
{
    char *end;
    double rate = strtod(s, &end), interval = 50000;
    uint64_t unit = 1;

    if (end == s || !(rate > 0) || rate > 1e12)
        return false;
    if (*end == 'G')
        unit = 1000000000;
    else if (*end == 'M')
        unit = 1000000;
    else if (*end == 'K')
        unit = 1000;
    if (unit > 1)
        end++;
    if (*end == 'b')
        rate /= 8;
    else if (*end != 'B')
        return false;
    end++;
    if (strncmp(end, "/s", 2))
        return false;
    end += 2;
    if (*end == '@') {
        interval = strtod(end + 1, &end);
        if (!strcmp(end, "ms"))
            interval *= 1000;
        else if (!strcmp(end, "s"))
            interval *= 1000000;
        else if (strcmp(end, "us"))
            return false;
        end = strchr(end, 's') + 1;
    }
    if (*end || !(interval >= 1) || interval > 4e9)
        return false;
    rate = rate * (double)unit * interval / 1e6;
    n->rate_bytes = rate < 1 ? 1 : rate > 4e9 ? UINT32_MAX : (uint64_t)rate;
    n->rate_interval_us = (uint32_t)interval;
    return true;
}

static int set_mac(struct nic_parser *p, const char *text)
{
    if (nic_mac_parse(text, p->n->mac))
        return bad(p, "`%.60s' is no MAC address (such as 00:16:3e:01:02:03)",
                   text);
    if (p->n->mac[0] & 1)
        return bad(p,
                   "%.60s is a group address: a card's own has an even "
                   "first byte",
                   text);
    p->n->mac_given = true;
    return 0;
}

static int set_number(struct nic_parser *p, const char *text, uint32_t max,
                      uint32_t *to)
{
    char *end;
    unsigned long v = strtoul(text, &end, 10);

    if (!isdigit((unsigned char)*text) || *end || v > max)
        return bad(p, "`%.60s' is no number that fits here", text);
    *to = (uint32_t)v;
    return 0;
}

static int set_rate(struct nic_parser *p, const char *text)
{
    return parse_rate(text, p->n)
               ? 0
               : bad(p, "`%.60s' is no rate (such as 10Mb/s or 1MB/s@20ms)",
                     text);
}

/* Where a key's text goes as it is. */
static char **text_of(struct nic_config *n, const char *key)
{
    const struct {
        const char *key;
        char **to;
    } texts[] = {
        {"bridge", &n->bridge},
        {"vifname", &n->vifname},
        {"ip", &n->ip},
        {"script", &n->script},
        {"backend", &n->backend},
        {"model", &n->model},
        {"type", &n->type},
        {"gatewaydev", &n->gatewaydev},
        {"netdev", &n->gatewaydev},
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (!strcmp(key, texts[i].key))
            return texts[i].to;
    return NULL;
}

/* Ours beyond xl's: what a card may do on its network. */
static bool *flag_of(struct nic_config *n, const char *key)
{
    return !strcmp(key, "isolated")    ? &n->isolated
           : !strcmp(key, "antispoof") ? &n->antispoof
                                       : NULL;
}

static int set_flag(struct nic_parser *p, const char *text, bool *to)
{
    uint32_t value = 0;
    int rc = set_number(p, text, 1, &value);

    *to = value;
    return rc;
}

static int set(struct nic_parser *p, const char *key, const char *text)
{
    char **to = text_of(p->n, key);
    uint32_t trusted = 1;
    bool *flag = flag_of(p->n, key);
    int rc;

    if (to) {
        free(*to);
        *to = strdup(text);
        if (!strcmp(key, "script"))
            snprintf(p->warning, p->size,
                     "script=%.60s is not run: cards are set up without "
                     "scripts",
                     text);
        return *to ? 0 : -ENOMEM;
    }
    if (!strcmp(key, "mac"))
        return set_mac(p, text);
    if (!strcmp(key, "rate"))
        return set_rate(p, text);
    if (!strcmp(key, "devid"))
        return set_number(p, text, 0xffff, &p->n->devid);
    if (!strcmp(key, "mtu"))
        return set_number(p, text, 65535, &p->n->mtu);
    if (!strcmp(key, "vlan"))
        return set_number(p, text, 4094, &p->n->vlan);
    if (flag)
        return set_flag(p, text, flag);
    if (!strcmp(key, "trusted")) {
        rc = set_number(p, text, 1, &trusted);
        p->n->untrusted_backend = !trusted;
        return rc;
    }
    snprintf(p->warning, p->size, "`%.60s' is not known and ignored", key);
    return 0;
}

int nic_parse(struct nic_config *n, const char *text, char *why, char *warning,
              unsigned size)
{
    struct nic_parser p = {
        .n = n, .why = why, .warning = warning, .size = size};
    char *copy = strdup(text), *rest = copy, *item;
    uint32_t devid = n->devid;
    int rc = 0;

    *n = (struct nic_config){.devid = devid};
    why[0] = warning[0] = 0;
    if (!copy)
        return -ENOMEM;
    while (!rc && (item = strsep(&rest, ","))) {
        char *eq;

        item += strspn(item, " \t");
        item[strcspn(item, " \t")] = 0;
        if (!*item)
            continue;
        eq = strchr(item, '=');
        if (!eq) {
            rc = bad(&p, "expected key=value, found `%.60s'", item);
            break;
        }
        *eq = 0;
        rc = set(&p, item, eq + 1);
    }
    free(copy);
    if (rc)
        nic_free(n);
    return rc;
}

void nic_free(struct nic_config *n)
{
    free(n->bridge);
    free(n->vifname);
    free(n->ip);
    free(n->script);
    free(n->backend);
    free(n->model);
    free(n->type);
    free(n->gatewaydev);
    *n = (struct nic_config){0};
}
