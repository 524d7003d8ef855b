/*
 * A domain's share of the processors: weight, cap, and where its vcpus must
 * (hard) and would rather (soft) run.
 */
#ifndef DAEMON_SHARE_H
#define DAEMON_SHARE_H

#include "dom0/daemon/fault.h"
#include "dom0/libs/hypercall/hypercall.h"

#include <jansson.h>

/* What is to change. */
struct share_change {
    int weight, cap;         /* -1: stays as it is */
    int vcpu;                /* whose affinity; -1: all of them */
    const char *hard, *soft; /* as in `cpus`; NULL: stays as it is */
};

/*
 * 0, or -Exxx with the reason in `f`. What is asked for is checked before
 * anything changes.
 */
int share_set(struct hv *hv, uint32_t domid, const struct share_change *change,
              struct fault *f);

/*
 * {"domid", "weight", "cap", "vcpus": [{"vcpu", "state", "cpu", "cpu_ns",
 * "hard", "soft"}]} in *result; a set with every CPU of the host reads "all".
 */
int share_get(struct hv *hv, uint32_t domid, json_t **result);

#endif
