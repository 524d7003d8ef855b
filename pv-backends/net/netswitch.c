#include "pv-backends/net/netswitch.h"

#include <string.h>

enum { BUCKETS = 1024 };

/* One process, one table, whatever the number of bridges. */
static LIST_HEAD(, netport) table[BUCKETS];
static uint64_t changes = 1;

static unsigned int bucket_of(const uint8_t *mac)
{
    uint32_t hash = 0;

    for (unsigned int i = 0; i < NET_MAC_BYTES; i++)
        hash = hash * 31 + mac[i];
    return hash % BUCKETS;
}

void netport_list(struct netport *port)
{
    netport_unlist(port);
    LIST_INSERT_HEAD(&table[bucket_of(port->place.mac)], port, link);
    port->listed = true;
    changes++;
}

void netport_unlist(struct netport *port)
{
    if (port->listed)
        LIST_REMOVE(port, link);
    port->listed = false;
    changes++;
}

void netport_connect(struct netport *port, struct netback **queues,
                     unsigned int nr)
{
    port->queues = queues;
    port->nr_queues = nr;
    changes++;
}

static bool same_network(const struct netplace *a, const struct netplace *b)
{
    return *a->bridge && a->vlan == b->vlan && !strcmp(a->bridge, b->bridge);
}

static bool may_speak(const struct netport *a, const struct netport *b)
{
    return a != b && same_network(&a->place, &b->place) &&
           !(a->place.isolated && b->place.isolated);
}

static bool look_for_company(const struct netport *port)
{
    const struct netport *p;

    if (!port->listed || !*port->place.bridge)
        return false;
    for (unsigned int i = 0; i < BUCKETS; i++)
        LIST_FOREACH(p, &table[i], link)
    if (p->nr_queues && may_speak(port, p))
        return true;
    return false;
}

bool netport_has_company(struct netport *port)
{
    if (port->looked_at != changes) {
        port->company = look_for_company(port);
        port->looked_at = changes;
    }
    return port->company;
}

struct netport *netport_find(const struct netport *port, const uint8_t *to)
{
    struct netport *p, *found = NULL;

    if (to[0] & 1) /* a group */
        return NULL;
    LIST_FOREACH(p, &table[bucket_of(to)], link)
    {
        if (memcmp(p->place.mac, to, NET_MAC_BYTES) ||
            !same_network(&p->place, &port->place))
            continue;
        if (found)
            return NULL;
        found = p;
    }
    if (!found || !found->nr_queues || !may_speak(port, found))
        return NULL;
    return found;
}

bool netport_may_send(const struct netport *port, const uint8_t *frame)
{
    return !port->place.filtered ||
           !memcmp(frame + NET_MAC_BYTES, port->place.mac, NET_MAC_BYTES);
}
