/* The local APIC (xAPIC MMIO or x2APIC MSRs). Interrupts are off here. */
#ifndef CPU_LAPIC_H
#define CPU_LAPIC_H

#include "cpu/cpu.h"

void lapic_map(uint64_t phys); /* once, boot CPU; 0: the architectural place */
void lapic_init(void);         /* every CPU */
uint32_t lapic_id(void);
void lapic_eoi(void);
void lapic_send_ipi(unsigned cpu, unsigned vector);
void lapic_send_init(uint32_t apic_id);
void lapic_send_startup(uint32_t apic_id, unsigned page);
/* Arm this CPU's one-shot timer; past deadlines fire at once; 0: disarm. */
void lapic_timer_set(uint64_t deadline_tsc);
/* Measure the timer against the TSC; boot CPU, after clock_init(). */
void lapic_timer_calibrate(void);

void lapic_send_nmi(unsigned cpu);
/* NMI to all other CPUs; each halts for ever (panic, power off, reboot). */
void lapic_stop_others(void);
extern bool cpu_stopping; /* they have been told to */

/*
 * cpu/ipi.c: run fn(arg) on every CPU of `mask` (not this one) and wait. A CPU
 * that waits for a lock runs it from spin_wait(), so fn takes no locks.
 */
void ipi_call(cpumask_t mask, void (*fn)(void *), void *arg);
/* fn(arg) runs on some CPU while all others stand still. It may take a lock
   only if nobody waits for anything else while holding it. */
void ipi_stop_others(void (*fn)(void *), void *arg);
void ipi_call_interrupt(void); /* VECTOR_CALL, and spin_wait() */

#endif
