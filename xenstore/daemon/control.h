/*
 * CONTROL commands that are the daemon's: its log's file, and the live update
 * as xenstore-control(8) asks for it: "live-update -f FILE", perhaps "-c
 * OPTIONS", then "-s". The process then becomes the new program, which goes on
 * from the journal as after a kill, under the same process id.
 */
#ifndef XENSTORE_DAEMON_CONTROL_H
#define XENSTORE_DAEMON_CONTROL_H

#include "xenstore/core/store.h"

struct server;

/* What the update asked for is to run. Zeroed: none was asked for. */
struct update {
    char *file;    /* the program, or NULL */
    char *options; /* instead of this daemon's, or NULL */
    bool begins;
};

/* For store_ops. */
int control_run(void *ctx, struct client *c, const char *args, size_t len,
                struct buf *out);

/*
 * With the journal closed: become the new program, with `argv` unless the
 * update has options, or this one again if that cannot be. Returns if neither
 * can be.
 */
void update_exec(const struct update *u, char **argv);
void update_forget(struct update *u);

#endif
