/*
 * A network card as the store shows it: the device class "pvif".
 */
#ifndef PARAVANE_NET_DEVICE_H
#define PARAVANE_NET_DEVICE_H

#include "pv-backends/runtime/backend.h"

extern const struct backend_class net_class;

enum { NET_MAX_QUEUES = 8 };

/* What all cards share. */
struct net_settings {
    const char *state_dir;   /* of the journals; must stay */
    unsigned int max_queues; /* that a guest is offered, 1 to NET_MAX_QUEUES */
    bool switching;          /* frames between guests may take the short way */
};

/* Before the first card. */
void net_device_setup(const struct net_settings *s);

#endif
