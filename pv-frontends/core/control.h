/*
 * What the toolstack asks of the kernel: to power off, reboot, suspend. Runs in
 * the store's thread.
 */
#ifndef PARAVANE_CORE_CONTROL_H
#define PARAVANE_CORE_CONTROL_H

#include "pv-frontends/core/libc.h"

enum control_request {
    CONTROL_NONE,
    CONTROL_POWEROFF,
    CONTROL_REBOOT,
    CONTROL_HALT,
    CONTROL_SUSPEND,
};

/* Say what we can do and listen. fn(arg, request) is called by store_poll(). */
int control_init(void (*fn)(void *arg, enum control_request request),
                 void *arg);

#endif
