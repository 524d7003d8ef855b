/*
 * The host's end of a network card: a tap interface on a bridge. It is made
 * persistent, so that it keeps its place on the bridge while this process is
 * replaced; its alias says whose it is.
 */
#ifndef PARAVANE_NET_TAP_H
#define PARAVANE_NET_TAP_H

#include "pv-backends/net/netswitch.h"
#include "pv-backends/runtime/backend.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { TAP_NAME_BYTES = 16 };

struct tap {
    int fd; /* -1: not open */
    char name[TAP_NAME_BYTES];
};

/* What a guest can take without help. */
struct tap_offloads {
    bool csum, tso4, tso6;
};

/*
 * Make or take over the interface of that name for the device, put it up and in
 * its place. 0 or -errno with `why` said.
 */
int tap_open(struct tap *tap, const char *name, const struct netplace *place,
             uint32_t domid, uint32_t devid, struct backend_why *why);

/* Another queue of it, as a descriptor of its own. 0 or -errno. */
int tap_more(const char *name, int *fd);

/* Close it; with `remove` the interface goes too. */
void tap_close(struct tap *tap, bool remove);

int tap_set_offloads(struct tap *tap, const struct tap_offloads *offloads);

/* Whether anybody listens at the other end. */
void tap_set_carrier(struct tap *tap, bool on);

/* Remove the interfaces of ours whose device `lives` denies. */
void tap_remove_orphans(bool (*lives)(void *arg, uint32_t domid,
                                      uint32_t devid),
                        void *arg);

#endif
