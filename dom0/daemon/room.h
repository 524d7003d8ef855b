/*
 * Memory for a new guest: what is free, and where that is too little, what
 * domain 0 gives up by its balloon driver. A domain 0 that was started with all
 * of the machine's memory shrinks this way as guests come; it never grows again
 * by itself.
 */
#ifndef DAEMON_ROOM_H
#define DAEMON_ROOM_H

#include "dom0/daemon/create.h"

/*
 * Returns when `need_kib` are free, for guest `name`. Waits for domain 0, so
 * not for the loop's thread. -ENOMEM when there is no way; domain 0 is then
 * told to stay as it is.
 */
int room_make(struct daemon *d, struct kit *k, const char *name,
              uint64_t need_kib, const struct progress *p, struct fault *f);

/* Have domain 0 use so much, and return at once. -EINVAL when that is less than
 * it keeps, -ENOMEM when so much is not free. */
int room_set_dom0(struct daemon *d, struct kit *k, uint64_t kib,
                  struct fault *f);

#endif
