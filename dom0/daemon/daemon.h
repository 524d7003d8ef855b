/*
 * What all parts of pvnd share: where things are, and the parts themselves.
 * Made by main.c, which is also the order in which they come up.
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include "dom0/daemon/fault.h"
#include "dom0/daemon/kit.h"
#include "dom0/daemon/loop.h"
#include "dom0/daemon/networks.h"
#include "dom0/daemon/registry.h"
#include "dom0/daemon/server.h"
#include "dom0/daemon/supervise.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* May domain 0 give memory to guests? See room.h. */
enum autoballoon {
    BALLOON_NO,
    BALLOON_YES,
    BALLOON_AUTO /* unless the hypervisor's command line fixes its size */
};

struct options {
    bool external_store;    /* whatever listens on the store's socket */
    bool external_console;  /* some console daemon already runs */
    bool external_backends; /* and so do block and network backends */
    bool leave;             /* end what an earlier pvnd started: leave.h */
    const char *run_dir;    /* /run/paravane */
    const char *etc_dir;    /* /etc/paravane */
    const char *log_dir;    /* /var/log/paravane */
    const char *cache_dir;  /* of unpacked kernels; "" for none */
    const char *dumps_dir;  /* of crashed guests' memory; "" for none */
    unsigned dumps_kept;    /* of each guest */
    const char *programs;   /* where pvstored and the others are */
    const char *group;      /* who may use the control socket */
    char default_bridge[IFNAMSIZ];
    unsigned device_timeout_s;
    enum autoballoon autoballoon;
    unsigned dom0_min_mib; /* what the balloon leaves it */
};

struct daemon {
    struct options o;
    struct loop *loop;
    struct supervisor *supervisor; /* loop's thread only: see helpers.h */
    struct registry *registry;
    struct server *server; /* loop's thread only */
    struct kits *kits;

    pthread_mutex_t lock; /* guards what follows */
    struct networks networks;
    char default_bridge[IFNAMSIZ]; /* "": the options' */
    uint32_t last_domid;
    unsigned nr_workers;

    /* the loop's thread only */
    struct lifecycle *lifecycle;
    int64_t started_ms;

    /* Whom pvblkd is; 0: there is no such user, and it stays root. Set before
     * any thread begins. */
    uid_t block_uid;
    gid_t block_gid;
};

/* run_dir/<sub>, in a buffer of the caller's. Returns it. */
const char *daemon_path(const struct daemon *d, const char *sub, char *path,
                        size_t size);

/* Where cards go that name no bridge; IFNAMSIZ bytes. */
void daemon_default_bridge(struct daemon *d, char *bridge);

int64_t now_ms(void); /* CLOCK_MONOTONIC */

/* Have `run(arg)` run in a thread of its own. -EBUSY when too many do. */
int daemon_work(struct daemon *d, void (*run)(void *arg), void *arg);

#endif
