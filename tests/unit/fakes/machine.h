/* A small machine for tests of mm/ and pv/: fakes/machine.c. */
#ifndef FAKES_MACHINE_H
#define FAKES_MACHINE_H

#include "domain/domain.h"

/* All memory free again, domains 0 to 2 without any; domain 1 current. */
void machine_reset(void);
extern struct domain machine_domain[3];
/* hypercall_should_yield() says yes after so many questions; 0: never. */
extern unsigned machine_yield_after;
/* What a CPU does that waits, when threads are CPUs; NULL: there is one. */
extern void (*machine_wait)(void);
extern unsigned machine_flushes; /* of other CPUs or this one, for staleness */

#endif
