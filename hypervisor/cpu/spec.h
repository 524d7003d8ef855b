/*
 * Against reading through the CPU's speculation: what this CPU offers and the
 * option spec= does not forbid. What is in force is said at boot.
 */
#ifndef CPU_SPEC_H
#define CPU_SPEC_H

#include "lib/lib.h"

/*
 * Boot CPU, after the options are read: decide, and say so. spec= is "no", or
 * a list of ibrs, ibpb, rsb, verw, l1d, each with "no-" to forbid it.
 */
void spec_init(void);
/* Every CPU: what is switched on once. */
void spec_init_cpu(void);
/* This CPU is about to run domain `id`: what another one has taught its
   predictors, or left in its buffers, goes. */
void spec_enter_domain(domid_t id);

#endif
