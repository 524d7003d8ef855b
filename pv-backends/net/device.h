/*
 * A network card as the store shows it: the device class "pvif".
 */
#ifndef PARAVANE_NET_DEVICE_H
#define PARAVANE_NET_DEVICE_H

#include "pv-backends/runtime/backend.h"

extern const struct backend_class net_class;

#endif
