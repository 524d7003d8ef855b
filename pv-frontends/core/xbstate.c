#include "pv-frontends/core/xbstate.h"

/* We hold rings: does the backend still have them? */
static enum xbf_action next_holding(const struct xbf_view *v)
{
    switch (v->peer) {
    case XenbusStateConnected:
        return v->working ? XBF_NONE : XBF_WORK;
    case XenbusStateInitialising:
    case XenbusStateUnknown:
    case XenbusStateClosed:
        return XBF_LOSE; /* it ended, or began anew */
    case XenbusStateInitWait:
        /* Before it has connected that is what it waits in. */
        return v->working ? XBF_LOSE : XBF_NONE;
    case XenbusStateClosing:
        return XBF_CLOSE;
    default:
        return XBF_NONE;
    }
}

/* The kernel gave the device up: the backend goes first, then we let go. */
static enum xbf_action next_unwanted(const struct xbf_view *v)
{
    if (!v->holding)
        return v->own == XenbusStateClosed ? XBF_NONE : XBF_CLOSE;
    if (v->peer != XenbusStateConnected)
        return XBF_CLOSE;
    return v->own == XenbusStateClosing ? XBF_NONE : XBF_CLOSING;
}

/* Nothing of an earlier life may look like an answer to what is new. */
static enum xbf_action next_anew(const struct xbf_view *v)
{
    switch (v->peer) {
    case XenbusStateInitialised:
    case XenbusStateConnected:
        /* It serves rings that we gave up: it is to let go of them first. */
        return v->own == XenbusStateClosing ? XBF_NONE : XBF_CLOSING;
    case XenbusStateInitialising:
    case XenbusStateInitWait:
        return XBF_BEGIN;
    case XenbusStateClosed:
        /* Closed by both is the end, unless the backend begins again. */
        return v->own == XenbusStateClosed && !v->again ? XBF_NONE : XBF_BEGIN;
    default:
        return XBF_NONE;
    }
}

enum xbf_action xbfront_next(const struct xbf_view *v)
{
    if (!v->wanted)
        return next_unwanted(v);
    if (v->holding)
        return next_holding(v);
    if (v->peer == XenbusStateClosing && v->own != XenbusStateClosed)
        return XBF_CLOSE;
    if (v->own != XenbusStateInitialising)
        return next_anew(v);
    if (v->peer == XenbusStateInitWait && !v->failed)
        return XBF_SHARE;
    return XBF_NONE;
}
