#include "xenstore/daemon/gate.h"
#include "xenstore/daemon/server.h"

#include <stddef.h>

/* Longer than a transaction takes whose client means it. One whose client does
 * not run for a while, on a busy host, holds up the others for so long. */
#define TURN_US 5000

static void enter(struct server *sv, struct peer *p)
{
    static const struct timeval turn = {.tv_usec = TURN_US};

    sv->gate.inside = p;
    event_add(sv->gate.timer, &turn);
}

static void unlink_waiting(struct gate *g, struct peer *p)
{
    struct peer **link = &g->first;

    while (*link != p)
        link = &(*link)->next_waiting;
    *link = p->next_waiting;
    if (!*link)
        g->end = link;
    p->is_waiting = false;
}

/* The next one has its turn, whatever it is going to ask. */
static void leave(struct server *sv)
{
    struct peer *next = sv->gate.first;

    sv->gate.inside = NULL;
    event_del(sv->gate.timer);
    if (!next)
        return;
    unlink_waiting(&sv->gate, next);
    enter(sv, next);
    next->admit(next);
}

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
    struct server *sv = arg;

    (void)fd;
    (void)what;
    if (!sv->gate.inside)
        return;
    client_cool_down(sv->gate.inside->client);
    leave(sv);
}

void gate_open(struct server *sv)
{
    sv->gate.end = &sv->gate.first;
    sv->gate.timer = event_new(sv->base, -1, 0, on_timeout, sv);
}

void gate_close(struct server *sv)
{
    if (sv->gate.timer)
        event_free(sv->gate.timer);
    sv->gate.timer = NULL;
}

bool gate_admits(struct server *sv, struct peer *p)
{
    struct gate *g = &sv->gate;

    if (p->is_waiting)
        return false;
    if (!g->inside || g->inside == p || !client_is_hot(p->client) ||
        client_in_transaction(p->client))
        return true;
    p->is_waiting = true;
    p->next_waiting = NULL;
    *g->end = p;
    g->end = &p->next_waiting;
    return false;
}

void gate_passed(struct server *sv, struct peer *p)
{
    bool goes_on = client_is_hot(p->client) && client_in_transaction(p->client);

    if (!sv->gate.inside && goes_on)
        enter(sv, p);
    else if (sv->gate.inside == p && !goes_on)
        leave(sv);
}

void gate_forget(struct server *sv, struct peer *p)
{
    if (p->is_waiting)
        unlink_waiting(&sv->gate, p);
    if (sv->gate.inside == p)
        leave(sv);
}
