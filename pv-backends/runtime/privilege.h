/*
 * What a backend gives up once it has opened its devices: it reads what guests
 * write, so little should be gained by taking it over.
 */
#ifndef PARAVANE_RUNTIME_PRIVILEGE_H
#define PARAVANE_RUNTIME_PRIVILEGE_H

#include <stdint.h>

/*
 * Keep the capabilities of `keep` (a mask of 1 << CAP_...) and lose all others
 * for good; never run another program, nor trace one, nor change the host's
 * mounts, modules, namespaces or time. 0 or -errno, said in the log.
 */
int privilege_drop(uint64_t keep);

#endif
