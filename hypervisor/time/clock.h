/* System time: ns since boot, the same on every CPU, from the TSC. */
#ifndef TIME_CLOCK_H
#define TIME_CLOCK_H

#include "lib/lib.h"

struct vcpu;
struct domain;

/* Calibrate the TSC against the PM timer, HPET or PIT, read the CMOS clock;
   boot CPU. */
void clock_init(void);
/*
 * Compare this CPU's TSC with the boot CPU's: the new CPU calls it once, as
 * soon as it can spin, while the boot CPU waits for it in spin_wait() or
 * clock_delay_us(). Clears tsc_synchronised when they differ.
 */
void clock_init_cpu(unsigned cpu);
extern bool tsc_synchronised; /* one TSC for all, and it does not stop */
void clock_serve_sync(void);  /* spin_wait(): the boot CPU's half of it */
uint64_t clock_now_ns(void);
/* Raw, tsc_khz of them a millisecond; for measuring on one CPU. */
uint64_t clock_ticks(void);
uint64_t clock_tsc_to_ns(uint64_t tsc);
uint64_t clock_ns_to_tsc(uint64_t ns);
extern uint64_t tsc_khz;
/* ns = (tsc << shift) * mul >> 32, the form guests use (shift may be < 0). */
void clock_tsc_scale(uint32_t *mul, int8_t *shift);
/* The TSC of this CPU at system time 0. */
uint64_t clock_tsc_base(void);
/* Busy wait, boot only. */
void clock_delay_us(unsigned us);

/* VECTOR_TIMER: the local APIC's timer fired. */
void timer_interrupt(void);
/* Its time has come; its interrupt waits for as long as we run. */
bool timer_is_due(uint64_t tsc);

/* Wall clock, as XENPF_settime64 sets it; read from the CMOS RTC at boot. */
void wallclock_set(uint64_t secs, uint32_t nsecs, uint64_t system_ns);
void wallclock_get(uint64_t *secs, uint32_t *nsecs);

/* pvclock.c: (re)write the time a guest reads. */
void pvclock_update_vcpu(struct vcpu *v);        /* vcpu_info.time, time area */
void pvclock_update_wallclock(struct domain *d); /* shared_info.wc_* */
/* v is about to run on this CPU: its times must be there and right. */
void pvclock_vcpu_runs(struct vcpu *v);

#endif
