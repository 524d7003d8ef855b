#include "pv-backends/runtime/xbstate.h"

static bool has_keys(enum xenbus_state peer)
{
    /* Disks say Initialised and wait for us, network cards Connected. */
    return peer == XenbusStateInitialised || peer == XenbusStateConnected;
}

/* We hold the rings: serve until the frontend says it has let go of them. */
static enum xb_action next_connected(const struct xb_view *v)
{
    if (v->peer == XenbusStateClosed || v->peer == XenbusStateUnknown)
        return XB_CLOSE;
    if (v->own == XenbusStateInitWait)
        return XB_PUBLISH;
    if (v->peer == XenbusStateClosing && v->own == XenbusStateConnected)
        return XB_CLOSING;
    /* It began anew without closing: a crashed kernel's successor. */
    if (v->peer == XenbusStateInitialising && v->own == XenbusStateConnected)
        return XB_CLOSE;
    if (v->own == XenbusStateClosed)
        return XB_CLOSE; /* somebody wrote it for us */
    return XB_NONE;
}

/* Closing without rings: wait only for a frontend that is on its way out. */
static enum xb_action next_closing(const struct xb_view *v)
{
    switch (v->peer) {
    case XenbusStateClosing:
    case XenbusStateInitialised:
    case XenbusStateConnected:
        return XB_NONE;
    default:
        return XB_CLOSE;
    }
}

static enum xb_action next_stopped(const struct xb_view *v)
{
    switch (v->own) {
    case XenbusStateInitialising:
    case XenbusStateInitWait:
        return v->failed ? XB_NONE : XB_START;
    case XenbusStateConnected:
        return v->failed ? XB_NONE : XB_ADOPT;
    case XenbusStateClosing: /* a mounted disk is served to the very end */
        if (next_closing(v) == XB_NONE && !v->failed)
            return XB_ADOPT;
        return next_closing(v);
    case XenbusStateClosed:
        if (v->online && !v->failed && v->peer == XenbusStateInitialising)
            return XB_START;
        return XB_NONE;
    default:
        return XB_NONE;
    }
}

/* In use before us, but we have no rings yet. */
static enum xb_action next_adopted(const struct xb_view *v)
{
    if (has_keys(v->peer) ||
        (v->peer == XenbusStateClosing && v->own == XenbusStateClosing))
        return XB_CONNECT;
    return v->peer == XenbusStateClosing ? XB_CLOSING : XB_CLOSE;
}

static enum xb_action next_started(const struct xb_view *v)
{
    switch (v->own) {
    case XenbusStateInitialising:
        return XB_REOPEN; /* our first InitWait did not get through */
    case XenbusStateInitWait:
        return has_keys(v->peer) ? XB_CONNECT : XB_NONE;
    case XenbusStateConnected:
        return next_adopted(v);
    case XenbusStateClosing:
        return v->adopting ? next_adopted(v) : next_closing(v);
    case XenbusStateClosed:
        if (!v->online)
            return XB_STOP;
        return v->peer == XenbusStateInitialising ? XB_REOPEN : XB_NONE;
    default:
        return XB_NONE;
    }
}

enum xb_action xbstate_next(const struct xb_view *v)
{
    if (!v->exists)
        return XB_FORGET;
    if (v->connected)
        return next_connected(v);
    return v->started ? next_started(v) : next_stopped(v);
}

const char *xbstate_action_name(enum xb_action action)
{
    static const char *const names[] = {
        [XB_NONE] = "none",       [XB_START] = "start",
        [XB_ADOPT] = "adopt",     [XB_CONNECT] = "connect",
        [XB_PUBLISH] = "publish", [XB_CLOSING] = "closing",
        [XB_CLOSE] = "close",     [XB_REOPEN] = "reopen",
        [XB_STOP] = "stop",       [XB_FORGET] = "forget",
    };

    return names[action];
}
