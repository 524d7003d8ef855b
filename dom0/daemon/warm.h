/* The cache of unpacked kernels, filled in good time. */
#ifndef DAEMON_WARM_H
#define DAEMON_WARM_H

#include "dom0/daemon/daemon.h"

/*
 * Unpack the installed kernels that the cache does not have, in a thread of
 * its own (daemon_work) and behind everybody else. `arg` is the daemon, whose
 * cache_dir is set. A guest that wants such a kernel meanwhile waits for it.
 */
void warm_kernels(void *arg);

#endif
