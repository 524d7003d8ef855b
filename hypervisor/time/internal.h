/* What the files of time/ share. */
#ifndef TIME_INTERNAL_H
#define TIME_INTERNAL_H

#include "time/clock.h"

/* calibrate.c: TSC ticks in a millisecond, by the best reference there is. */
uint64_t calibrate_tsc_khz(void);
/* tscsync.c: this CPU's TSC minus the boot CPU's; 0 when they agree. */
int64_t tsc_sync_measure(void);
/* wallclock.c: read the CMOS clock; once system time runs. */
void wallclock_init(void);
/* wallclock.c: wall time at system time 0. */
uint64_t wallclock_base_ns(void);

#endif
