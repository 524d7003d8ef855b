/*
 * The daemons pvnd keeps alive. Each has a record in a directory that outlives
 * us (pid and start time, written by the child itself before it becomes the
 * program), so a restarted pvnd finds its children again and never starts one
 * twice. They go on running when pvnd ends. Loop thread only.
 */
#ifndef DAEMON_SUPERVISE_H
#define DAEMON_SUPERVISE_H

#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

struct supervisor;

/* `dir` holds the records; it is made. */
int supervisor_create(struct supervisor **s, struct event_base *base,
                      const char *dir);
/* Forget the children; they run on. */
void supervisor_destroy(struct supervisor *s);

/* How a child is to run, beyond its arguments. */
struct supervised {
    uid_t uid; /* 0: as we do */
    gid_t gid;
    const char *output; /* a file that its output is added to; NULL: ours */
};

/*
 * Keep `argv` running under `name`: adopt it if its record names a live
 * process, else start it. One that ends is started again, at once if it lived
 * a while, later and later if not. `argv` is copied.
 */
int supervisor_keep(struct supervisor *s, const char *name,
                    const char *const *argv);
/* The same in another way; `how` is copied. */
int supervisor_keep_as(struct supervisor *s, const char *name,
                       const char *const *argv, const struct supervised *how);

/*
 * Stop keeping `name`: SIGTERM, SIGKILL after `grace_ms`. `done(arg)` (may be
 * NULL) is called when it is gone, at once if there is none.
 */
void supervisor_stop(struct supervisor *s, const char *name, int grace_ms,
                     void (*done)(void *arg), void *arg);

/* Names with a record but nobody who keeps them (guests of the past): each is
 * handed to `found`, which calls supervisor_stop() or supervisor_keep(). */
void supervisor_each_orphan(struct supervisor *s,
                            void (*found)(void *ctx, const char *name),
                            void *ctx);

/* Is it running, and as what process? 0 when not. */
pid_t supervisor_pid(struct supervisor *s, const char *name);

/* How often it had to be started again since we keep it. */
unsigned supervisor_restarts(struct supervisor *s, const char *name);

/* An array of {name, pid, restarts, up_seconds}. */
json_t *supervisor_list(struct supervisor *s);

#endif
