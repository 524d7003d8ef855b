/* The library's watch events: queued as they come, handed out in order. */
#include "xenstore/client/internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Keep wake_fd readable exactly while something is queued. */
static void wake_set(struct xs_handle *h)
{
    uint64_t one = 1;

    if (write(h->wake_fd, &one, sizeof(one)) < 0)
        return; /* it is readable already: nothing to add */
}

static void wake_clear(struct xs_handle *h)
{
    uint64_t count;

    if (read(h->wake_fd, &count, sizeof(count)) < 0)
        return; /* it was not readable */
}

static char **event_vec(const char *payload, size_t len)
{
    const char *end = len ? memchr(payload, '\0', len) : NULL;
    char **vec;

    if (!end || payload[len - 1] != '\0' || end + 1 == payload + len)
        return NULL;
    vec = malloc(2 * sizeof(*vec) + len);
    if (!vec)
        return NULL;
    vec[XS_WATCH_PATH] = memcpy(vec + 2, payload, len);
    vec[XS_WATCH_TOKEN] = vec[XS_WATCH_PATH] + (end + 1 - payload);
    return vec;
}

void xs_queue_event(struct xs_handle *h, const char *payload, size_t len)
{
    struct xs_event *e = malloc(sizeof(*e));

    if (!e)
        return;
    e->next = NULL;
    e->vec = event_vec(payload, len);
    if (!e->vec) {
        free(e);
        return;
    }
    if (!h->events)
        wake_set(h);
    *h->events_end = e;
    h->events_end = &e->next;
}

static char **next_event(struct xs_handle *h)
{
    struct xs_event *e = h->events;
    char **vec = e->vec;

    h->events = e->next;
    if (!h->events) {
        h->events_end = &h->events;
        wake_clear(h);
    }
    free(e);
    return vec;
}

void xs_drop_events(struct xs_handle *h)
{
    while (h->events)
        free(next_event(h));
}

int xs_fileno(struct xs_handle *h)
{
    return h->poll_fd;
}

/*
 * The descriptor must stay readable while whole messages wait in our buffer:
 * move them all to the queue, which keeps wake_fd up.
 */
static char **get_event(struct xs_handle *h, bool wait)
{
    int rc;

    do
        rc = xs_take_event(h, wait && !h->events);
    while (!rc);
    if (h->events)
        return next_event(h);
    errno = -rc;
    return NULL;
}

char **xs_check_watch(struct xs_handle *h)
{
    return get_event(h, false);
}

char **xs_read_watch(struct xs_handle *h, unsigned int *num)
{
    char **vec = get_event(h, true);

    if (vec && num)
        *num = 2;
    return vec;
}

static char *watch_call(struct xs_handle *h, uint32_t type, const char *path,
                        const char *token)
{
    struct xs_request req = {
        .type = type,
        .part = {{(void *)path, strlen(path) + 1},
                 {(void *)token, strlen(token) + 1}},
        .nr_parts = 2,
    };

    return xs_talk(h, &req, NULL);
}

bool xs_watch(struct xs_handle *h, const char *path, const char *token)
{
    char *reply = watch_call(h, XS_WATCH, path, token);

    free(reply);
    return reply != NULL;
}

/* Whether an event came from the watch {path, token}, as far as one can tell.
 */
static bool event_is_of(char **vec, const char *path, const char *token)
{
    return !strcmp(vec[XS_WATCH_TOKEN], token) &&
           xs_path_is_subpath(path, vec[XS_WATCH_PATH]);
}

static void filter_events(struct xs_handle *h, const char *path,
                          const char *token)
{
    struct xs_event **link = &h->events, *e;

    if (!h->events)
        return;
    while ((e = *link)) {
        if (!event_is_of(e->vec, path, token)) {
            link = &e->next;
            continue;
        }
        *link = e->next;
        free(e->vec);
        free(e);
    }
    h->events_end = link;
    if (!h->events)
        wake_clear(h);
}

bool xs_unwatch(struct xs_handle *h, const char *path, const char *token)
{
    char *reply = watch_call(h, XS_UNWATCH, path, token);

    free(reply);
    if (h->flags & XS_UNWATCH_FILTER)
        filter_events(h, path, token);
    return reply != NULL;
}
