/*
 * An export of a storage daemon for one connection of ours: the one before it
 * is deleted first. A daemon still carries out what a dead connection had asked
 * for, also what it had not read yet, and keeps the connection's export until
 * the last of it has ended. So once no export is left, nothing of a
 * predecessor's is on its way to the image any more, as with the lock of
 * image.h.
 */
#ifndef PARAVANE_BLOCK_EXPORT_H
#define PARAVANE_BLOCK_EXPORT_H

#include <stdbool.h>

struct event_base;
struct exporting;

/* The export's name, and that of the image among the daemon's nodes. */
#define EXPORT_NAME "disk"

/*
 * How it ended: 0; -EAGAIN when nobody answers, which may change; -EIO when the
 * daemon refuses, with its words in `text`. The attempt is freed already.
 */
typedef void exported_fn(void *arg, int rc, const char *text);

/*
 * Ask the daemon whose monitor is DIR/qmp.sock. `fn` is called from the loop
 * later on, unless this fails: -errno.
 */
int exporting_start(struct exporting **out, struct event_base *base,
                    const char *dir, bool writable, exported_fn *fn, void *arg);

/* Give up an attempt; `fn` will not be called. NULL is fine. */
void exporting_stop(struct exporting *e);

#endif
