#include "pv-backends/block/export.h"

#include "pv-backends/block/qmp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

enum {
    LINE_MAX_BYTES = 64 << 10,
    DRAIN_MS = 10, /* how often to look whether the old export is gone */
    SILENCE_S = 30 /* after which a daemon is taken for hung */
};

/* What we wait for the answer of. */
enum step { STEP_GREETING, STEP_HELLO, STEP_DELETE, STEP_DRAINED, STEP_ADD };

struct exporting {
    struct bufferevent *socket;
    struct event_base *base;
    struct event *again;
    enum step step;
    bool writable;
    exported_fn *fn;
    void *arg;
};

static void end(struct exporting *e, int rc, const char *text)
{
    exported_fn *fn = e->fn;
    void *arg = e->arg;

    exporting_stop(e);
    fn(arg, rc, text);
}

/* --- what is said -----------------------------------------------------------
 */

static void say(struct exporting *e, enum step step)
{
    struct evbuffer *out = bufferevent_get_output(e->socket);

    e->step = step;
    switch (step) {
    case STEP_GREETING:
        break;
    case STEP_HELLO:
        evbuffer_add_printf(out, "{\"execute\":\"qmp_capabilities\"}\n");
        break;
    case STEP_DELETE:
        evbuffer_add_printf(out, "{\"execute\":\"block-export-del\","
                                 "\"arguments\":{\"id\":\"" EXPORT_NAME "\","
                                 "\"mode\":\"hard\"}}\n");
        break;
    case STEP_DRAINED:
        evbuffer_add_printf(out, "{\"execute\":\"query-block-exports\"}\n");
        break;
    case STEP_ADD:
        /* A write is answered when it would outlive the daemon. */
        evbuffer_add_printf(out,
                            "{\"execute\":\"block-export-add\",\"arguments\":{"
                            "\"type\":\"nbd\",\"id\":\"" EXPORT_NAME "\","
                            "\"node-name\":\"" EXPORT_NAME
                            "\",\"name\":\"" EXPORT_NAME "\","
                            "\"writable\":%s,\"writethrough\":true}}\n",
                            e->writable ? "true" : "false");
        break;
    }
}

static void look_again(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    say(arg, STEP_DRAINED);
}

static void refused(struct exporting *e, const char *line)
{
    char text[200];

    qmp_error_text(line, text, sizeof(text));
    end(e, -EIO, text);
}

/* One line has come. True: it was the last, and `e` is no more. */
static bool take(struct exporting *e, const char *line)
{
    const struct timeval soon = {0, DRAIN_MS * 1000};
    enum qmp_line kind = qmp_line(line);

    if (kind == QMP_OTHER || (kind == QMP_GREETING) != !e->step)
        return false;
    switch (e->step) {
    case STEP_GREETING:
        say(e, STEP_HELLO);
        return false;
    case STEP_HELLO:
        say(e, STEP_DELETE);
        return false;
    case STEP_DELETE:
        /* Refused when there is none, or it is being deleted. */
        say(e, STEP_DRAINED);
        return false;
    case STEP_DRAINED:
        if (kind == QMP_EMPTY)
            say(e, STEP_ADD);
        else if (kind == QMP_DONE)
            evtimer_add(e->again, &soon);
        else
            break;
        return false;
    case STEP_ADD:
        if (kind == QMP_ERROR)
            break;
        end(e, 0, "");
        return true;
    }
    refused(e, line);
    return true;
}

static void on_read(struct bufferevent *socket, void *arg)
{
    struct evbuffer *in = bufferevent_get_input(socket);
    struct exporting *e = arg;
    bool over = false;
    char *line;

    while (!over && (line = evbuffer_readln(in, NULL, EVBUFFER_EOL_LF))) {
        over = take(e, line);
        free(line);
    }
    if (!over && evbuffer_get_length(in) > LINE_MAX_BYTES)
        end(e, -EAGAIN, "its monitor talks nonsense");
}

static void on_event(struct bufferevent *socket, short what, void *arg)
{
    (void)socket;
    end(arg, -EAGAIN,
        what & BEV_EVENT_TIMEOUT ? "its monitor says nothing"
                                 : "it ended, or another is with its monitor");
}

/* --- beginning and end ------------------------------------------------------
 */

static int connect_to(const char *dir)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd, rc;

    if ((size_t)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/qmp.sock",
                         dir) >= sizeof(addr.sun_path))
        return -ENAMETOOLONG;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
        rc = -errno;
        close(fd);
        return rc;
    }
    return fd;
}

static int open_socket(struct exporting *e, const char *dir)
{
    const struct timeval silence = {SILENCE_S, 0};
    int fd = connect_to(dir);

    if (fd < 0)
        return fd;
    e->socket = bufferevent_socket_new(e->base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (!e->socket) {
        close(fd);
        return -ENOMEM;
    }
    bufferevent_setcb(e->socket, on_read, NULL, on_event, e);
    bufferevent_set_timeouts(e->socket, &silence, NULL);
    return bufferevent_enable(e->socket, EV_READ | EV_WRITE) ? -ENOMEM : 0;
}

int exporting_start(struct exporting **out, struct event_base *base,
                    const char *dir, bool writable, exported_fn *fn, void *arg)
{
    struct exporting *e = calloc(1, sizeof(*e));
    int rc = -ENOMEM;

    if (!e)
        return rc;
    e->base = base;
    e->writable = writable;
    e->fn = fn;
    e->arg = arg;
    e->again = evtimer_new(base, look_again, e);
    if (e->again)
        rc = open_socket(e, dir);
    if (rc) {
        exporting_stop(e);
        return rc;
    }
    *out = e;
    return 0;
}

void exporting_stop(struct exporting *e)
{
    if (!e)
        return;
    if (e->socket)
        bufferevent_free(e->socket);
    if (e->again)
        event_free(e->again);
    free(e);
}
