/*
 * The handshake between us and a backend, as one pure decision: from what the
 * store shows and what we hold, the next thing to do. Whoever acts looks again
 * afterwards, until there is nothing left to do; so a missed watch and a
 * backend that begins anew both heal by looking.
 */
#ifndef PARAVANE_CORE_XBSTATE_H
#define PARAVANE_CORE_XBSTATE_H

#include <stdbool.h>

#include <xen/io/xenbus.h>

/* What we see. A state whose node is not there is XenbusStateUnknown (0). */
struct xbf_view {
    bool wanted;            /* the kernel wants the device */
    enum xenbus_state own;  /* what we last said */
    enum xenbus_state peer; /* the backend's */
    bool holding;           /* rings are shared */
    bool working;           /* the class was told that all is connected */
    bool failed;            /* sharing failed, and that was said */
    bool again;             /* closed only to begin anew */
};

enum xbf_action {
    XBF_NONE,
    XBF_BEGIN,   /* say Initialising */
    XBF_SHARE,   /* make rings, write the keys, say Initialised (Connected) */
    XBF_WORK,    /* read what the backend says, say Connected, go on */
    XBF_LOSE,    /* let go of the rings, what is in flight is kept */
    XBF_CLOSING, /* say Closing, still working */
    XBF_CLOSE,   /* let go of the rings, say Closed */
};

enum xbf_action xbfront_next(const struct xbf_view *v);

#endif
