/*
 * The handshake between a frontend and us, as one pure decision: from what the
 * store shows and what we hold, the next thing to do. Whoever acts looks again
 * afterwards, until there is nothing left to do; so a missed watch, a restart
 * of ours or a lost store connection all heal by looking.
 */
#ifndef PARAVANE_RUNTIME_XBSTATE_H
#define PARAVANE_RUNTIME_XBSTATE_H

#include <stdbool.h>

#include <xen/io/xenbus.h>

/* What we see. A state whose node is not there is XenbusStateUnknown (0). */
struct xb_view {
    bool exists;            /* our directory is there */
    bool online;            /* the toolstack wants the device */
    enum xenbus_state own;  /* our state, as the store has it */
    enum xenbus_state peer; /* the frontend's */
    bool started;           /* we hold the disk, the tap, ... */
    bool connected;         /* we hold the frontend's rings */
    bool adopting;          /* started to take over a device in use */
    bool failed;            /* starting failed, and that was said */
};

enum xb_action {
    XB_NONE,
    XB_START,   /* take the host's resources, publish features, say InitWait */
    XB_ADOPT,   /* take them back and say nothing: the device is in use */
    XB_CONNECT, /* take the frontend's rings */
    XB_PUBLISH, /* say Connected */
    XB_CLOSING, /* say Closing, still serving */
    XB_CLOSE,   /* let go of the rings, say Closed */
    XB_REOPEN,  /* the frontend is back: say InitWait */
    XB_STOP,    /* give the host's resources back */
    XB_FORGET,  /* the directory is gone: give everything back */
};

enum xb_action xbstate_next(const struct xb_view *v);

const char *xbstate_action_name(enum xb_action action);

#endif
