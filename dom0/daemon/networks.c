#include "dom0/daemon/networks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NETWORKS_MAX 64
#define LINE_MAX_LEN 256

static const char *const type_names[] = {
    [NETWORK_BRIDGED] = "bridged",
    [NETWORK_NAT] = "nat",
    [NETWORK_HOST_ONLY] = "host-only",
};

const char *network_type_name(enum network_type type)
{
    return type_names[type];
}

/* Where we are, for messages. */
struct place {
    const char *file;
    unsigned line;
    struct fault *f;
};

static int bad(const struct place *at, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static int bad(const struct place *at, const char *format, ...)
{
    char text[400];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    return fault_set(at->f, -EINVAL, FAULT_CONFIG, "%s:%u: %s", at->file,
                     at->line, text);
}

static bool is_word(const char *s, size_t max)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                         "0123456789-_.");

    return n > 0 && n < max && !s[n] && strcmp(s, ".") && strcmp(s, "..");
}

/* --- values ----------------------------------------------------------------*/

static int set_type(struct network *n, char *v, const struct place *at)
{
    size_t i;

    for (i = 0; i < sizeof(type_names) / sizeof(type_names[0]); i++) {
        if (!strcmp(v, type_names[i])) {
            n->type = (enum network_type)i;
            return 0;
        }
    }
    return bad(at, "\"%s\" is no type; bridged, nat or host-only is", v);
}

static int set_interface(char *to, const char *v, const struct place *at)
{
    if (!is_word(v, IFNAMSIZ))
        return bad(at, "\"%s\" cannot be the name of an interface", v);
    strcpy(to, v);
    return 0;
}

static int set_bridge(struct network *n, char *v, const struct place *at)
{
    return set_interface(n->bridge, v, at);
}

static int set_uplink(struct network *n, char *v, const struct place *at)
{
    return set_interface(n->uplink, v, at);
}

static int parse_number(const char *v, unsigned min, unsigned max,
                        unsigned *out)
{
    unsigned long x;
    char *end;

    if (*v < '0' || *v > '9')
        return -EINVAL;
    errno = 0;
    x = strtoul(v, &end, 10);
    if (*end || errno || x < min || x > max)
        return -EINVAL;
    *out = (unsigned)x;
    return 0;
}

static int set_address(struct network *n, char *v, const struct place *at)
{
    char *slash = strchr(v, '/');

    if (!slash)
        return bad(at, "an address has a prefix length: 10.0.0.1/24");
    *slash = 0;
    if (inet_pton(AF_INET, v, &n->address) != 1 ||
        parse_number(slash + 1, 8, 30, &n->prefix_len))
        return bad(at,
                   "\"%s/%s\" is no IPv4 address with a prefix length of "
                   "8 to 30",
                   v, slash + 1);
    return 0;
}

static int set_dhcp(struct network *n, char *v, const struct place *at)
{
    if (strcmp(v, "yes") && strcmp(v, "no"))
        return bad(at, "\"%s\" is neither yes nor no", v);
    n->dhcp = *v == 'y';
    return 0;
}

static int set_dhcp_range(struct network *n, char *v, const struct place *at)
{
    char first[32], last[32], rest;

    if (sscanf(v, "%31[0-9.] - %31[0-9.]%c", first, last, &rest) != 2 ||
        inet_pton(AF_INET, first, &n->dhcp_first) != 1 ||
        inet_pton(AF_INET, last, &n->dhcp_last) != 1)
        return bad(at, "\"%s\" is no range; 10.0.0.100 - 10.0.0.200 is", v);
    if (ntohl(n->dhcp_first.s_addr) > ntohl(n->dhcp_last.s_addr))
        return bad(at, "the range ends before it starts");
    return 0;
}

static int set_mtu(struct network *n, char *v, const struct place *at)
{
    if (parse_number(v, 68, 65535, &n->mtu))
        return bad(at, "\"%s\" is no MTU; 68 to 65535 is", v);
    return 0;
}

static const struct {
    const char *name;
    int (*set)(struct network *n, char *v, const struct place *at);
} keys[] = {
    {"type", set_type},     {"bridge", set_bridge},
    {"uplink", set_uplink}, {"address", set_address},
    {"dhcp", set_dhcp},     {"dhcp-range", set_dhcp_range},
    {"mtu", set_mtu},
};

/* --- whole networks --------------------------------------------------------*/

struct in_addr network_mask(const struct network *n)
{
    struct in_addr mask = {
        htonl(n->prefix_len ? ~0u << (32 - n->prefix_len) : 0)};

    return mask;
}

static bool is_inside(const struct network *n, struct in_addr a)
{
    uint32_t mask = network_mask(n).s_addr;
    uint32_t host = ntohl(a.s_addr & ~mask);

    return (a.s_addr & mask) == (n->address.s_addr & mask) && host != 0 &&
           host != ntohl(~mask);
}

/* The default range: the upper half, less the last (broadcast) address. */
static void default_range(struct network *n)
{
    uint32_t base = ntohl(n->address.s_addr & network_mask(n).s_addr);
    uint32_t size = 1u << (32 - n->prefix_len);

    n->dhcp_first.s_addr = htonl(base + size / 2);
    n->dhcp_last.s_addr = htonl(base + size - 2);
}

static int check_dhcp(struct network *n, const struct place *at)
{
    uint32_t own = ntohl(n->address.s_addr);

    if (!n->dhcp)
        return 0;
    if (!n->address.s_addr)
        return bad(at, "network %s: DHCP needs an address of ours", n->name);
    if (!n->dhcp_first.s_addr)
        default_range(n);
    if (!is_inside(n, n->dhcp_first) || !is_inside(n, n->dhcp_last))
        return bad(at, "network %s: the DHCP range is not inside the network",
                   n->name);
    if (own >= ntohl(n->dhcp_first.s_addr) && own <= ntohl(n->dhcp_last.s_addr))
        return bad(at, "network %s: our own address is in the DHCP range",
                   n->name);
    return 0;
}

/* Do they share addresses? One's mask is the shorter, and decides. */
static bool overlap(const struct network *a, const struct network *b)
{
    uint32_t mask = network_mask(a).s_addr & network_mask(b).s_addr;

    return a->address.s_addr && b->address.s_addr &&
           !((a->address.s_addr ^ b->address.s_addr) & mask);
}

static int check_pair(const struct network *a, const struct network *b,
                      const struct place *at)
{
    if (!strcmp(a->bridge, b->bridge))
        return bad(at, "networks %s and %s have the same bridge", a->name,
                   b->name);
    if (overlap(a, b))
        return bad(at, "networks %s and %s share addresses", a->name, b->name);
    return 0;
}

/* What a section has to have, once it is complete. */
static int check_network(const struct networks *all, struct network *n,
                         const struct place *at)
{
    size_t i;
    int rc = 0;

    if (!n->bridge[0]) {
        if (strlen(n->name) >= IFNAMSIZ)
            return bad(at,
                       "network %s: its name is too long for a bridge's; "
                       "say \"bridge = ...\"",
                       n->name);
        memcpy(n->bridge, n->name, strlen(n->name) + 1);
    }
    if (n->type == NETWORK_NAT && !n->address.s_addr)
        return bad(at, "network %s: nat needs an address of ours", n->name);
    if (n->type == NETWORK_HOST_ONLY && n->uplink[0])
        return bad(at, "network %s: host-only has no uplink", n->name);
    if (n->address.s_addr && !is_inside(n, n->address))
        return bad(at,
                   "network %s: the address is the network's own or its "
                   "broadcast address",
                   n->name);
    for (i = 0; i < all->nr && !rc; i++)
        if (&all->list[i] != n)
            rc = check_pair(&all->list[i], n, at);
    return rc ? rc : check_dhcp(n, at);
}

static int new_section(struct networks *n, char *line, const struct place *at)
{
    struct network *list;
    char *end = strchr(line, ']');
    size_t i;

    if (!end || end[1])
        return bad(at, "a network starts with [name]");
    *end = 0;
    if (!is_word(line + 1, sizeof(n->list->name)))
        return bad(at, "\"%s\" cannot be a network's name", line + 1);
    for (i = 0; i < n->nr; i++)
        if (!strcmp(n->list[i].name, line + 1))
            return bad(at, "network %s is there twice", line + 1);
    if (n->nr == NETWORKS_MAX)
        return bad(at, "more than %d networks", NETWORKS_MAX);
    list = reallocarray(n->list, n->nr + 1, sizeof(*list));
    if (!list)
        return fault_set(at->f, -ENOMEM, FAULT_FAILED, "out of memory");
    n->list = list;
    list[n->nr] = (struct network){.type = NETWORK_HOST_ONLY};
    strcpy(list[n->nr].name, line + 1);
    n->nr++;
    return 0;
}

static char *trim(char *s)
{
    char *end;

    s += strspn(s, " \t\r");
    for (end = s + strlen(s); end > s && strchr(" \t\r", end[-1]); end--)
        ;
    *end = 0;
    return s;
}

/* One line, without its newline. */
static int parse_line(struct networks *n, char *line, const struct place *at)
{
    char *value, *hash = strchr(line, '#');
    size_t i;

    if (hash)
        *hash = 0;
    line = trim(line);
    if (!*line)
        return 0;
    if (*line == '[')
        return new_section(n, line, at);
    value = strchr(line, '=');
    if (!value)
        return bad(at, "\"key = value\" or \"[name]\" was expected");
    *value++ = 0;
    line = trim(line);
    value = trim(value);
    if (!n->nr)
        return bad(at, "\"%s\" stands before the first [name]", line);
    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (!strcmp(line, keys[i].name))
            return keys[i].set(&n->list[n->nr - 1], value, at);
    return bad(at, "there is no key \"%s\"", line);
}

int networks_parse(struct networks *n, const char *file, const char *text,
                   size_t len, struct fault *f)
{
    struct place at = {.file = file, .f = f};
    const char *end = text + len, *eol;
    char line[LINE_MAX_LEN];
    size_t i;
    int rc = 0;

    *n = (struct networks){0};
    while (text < end && !rc) {
        at.line++;
        eol = memchr(text, '\n', (size_t)(end - text));
        if (!eol)
            eol = end;
        if ((size_t)(eol - text) >= sizeof(line) ||
            memchr(text, 0, (size_t)(eol - text))) {
            rc = bad(&at, "the line is too long, or no text");
            break;
        }
        memcpy(line, text, (size_t)(eol - text));
        line[eol - text] = 0;
        rc = parse_line(n, line, &at);
        text = eol + 1;
    }
    for (i = 0; i < n->nr && !rc; i++)
        rc = check_network(n, &n->list[i], &at);
    if (rc)
        networks_release(n);
    return rc;
}

void networks_release(struct networks *n)
{
    free(n->list);
    *n = (struct networks){0};
}

const struct network *networks_find(const struct networks *n, const char *name)
{
    size_t i;

    for (i = 0; i < n->nr; i++)
        if (!strcmp(n->list[i].name, name))
            return &n->list[i];
    for (i = 0; i < n->nr; i++)
        if (!strcmp(n->list[i].bridge, name))
            return &n->list[i];
    return NULL;
}

/* --- what other programs are told ------------------------------------------*/

struct text {
    char *at, *end;
    bool full;
};

static void add(struct text *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void add(struct text *t, const char *format, ...)
{
    va_list ap;
    int n;

    va_start(ap, format);
    n = vsnprintf(t->at, (size_t)(t->end - t->at), format, ap);
    va_end(ap);
    if (n < 0 || n >= t->end - t->at)
        t->full = true;
    else
        t->at += n;
}

/* The subnet as nft writes it. */
static const char *subnet(const struct network *n, char *text, size_t size)
{
    struct in_addr base = {n->address.s_addr & network_mask(n).s_addr};

    snprintf(text, size, "%s/%u", inet_ntoa(base), n->prefix_len);
    return text;
}

/* nat: what comes from the subnet goes out under dom0's address; answers come
 * back, nothing else comes in. host-only: nothing is forwarded at all. */
/* Guests of a nat network talk among themselves and to the world, as what they
 * are; from elsewhere only answers come. */
static void nft_nat(struct text *t, const struct network *n)
{
    static const char forward[] = "add rule inet paravane forward";
    const char *br = n->bridge;
    char net[32];

    subnet(n, net, sizeof(net));
    add(t, "%s iifname \"%s\" oifname \"%s\" accept\n", forward, br, br);
    add(t, "%s iifname \"%s\" ip saddr != %s drop\n", forward, br, net);
    if (n->uplink[0])
        add(t, "%s iifname \"%s\" oifname != \"%s\" drop\n", forward, br,
            n->uplink);
    add(t, "%s oifname \"%s\" ct state established,related accept\n", forward,
        br);
    add(t, "%s oifname \"%s\" drop\n", forward, br);
    add(t,
        "add rule inet paravane postrouting ip saddr %s oifname != \"%s\" "
        "masquerade\n",
        net, br);
}

static void nft_host_only(struct text *t, const struct network *n)
{
    add(t, "add rule inet paravane forward iifname \"%s\" drop\n", n->bridge);
    add(t, "add rule inet paravane forward oifname \"%s\" drop\n", n->bridge);
}

int networks_nft(const struct networks *all, char *text, size_t size)
{
    struct text t = {text, text + size, false};
    size_t i;

    /* The first line makes sure there is something for the second. */
    add(&t, "add table inet paravane\ndelete table inet paravane\n"
            "add table inet paravane\n"
            "add chain inet paravane forward "
            "{ type filter hook forward priority 0 ; policy accept ; }\n"
            "add chain inet paravane postrouting "
            "{ type nat hook postrouting priority 100 ; }\n");
    for (i = 0; i < all->nr; i++)
        if (all->list[i].type == NETWORK_NAT)
            nft_nat(&t, &all->list[i]);
        else if (all->list[i].type == NETWORK_HOST_ONLY)
            nft_host_only(&t, &all->list[i]);
    return t.full ? -ENOSPC : 0;
}

int network_dnsmasq(const struct network *n, const char *dir, char *buffer,
                    size_t size)
{
    struct text t = {buffer, buffer + size, false};
    char own[16], first[16], last[16];

    inet_ntop(AF_INET, &n->address, own, sizeof(own));
    inet_ntop(AF_INET, &n->dhcp_first, first, sizeof(first));
    inet_ntop(AF_INET, &n->dhcp_last, last, sizeof(last));
    add(&t,
        "keep-in-foreground\nbind-dynamic\nexcept-interface=lo\n"
        "interface=%s\nlisten-address=%s\ndhcp-range=%s,%s\n"
        "dhcp-leasefile=%s/%s.leases\npid-file=\n",
        n->bridge, own, first, last, dir, n->name);
    /* Where nothing is routed, offering a router would only mislead. */
    if (n->type == NETWORK_HOST_ONLY)
        add(&t, "dhcp-option=3\n");
    return t.full ? -ENOSPC : 0;
}
