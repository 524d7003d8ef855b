/*
 * Each CPU looks every second whether the next one still takes interrupts; one
 * that has not for WATCHDOG_SECS gets an NMI, which says where it hangs and
 * ends the machine. No CPU watches a machine of one.
 */
#ifndef CPU_WATCHDOG_H
#define CPU_WATCHDOG_H

#include "cpu/cpu.h"

#define WATCHDOG_SECS 5

/* On every CPU, when timers work; nothing without the option. */
void watchdog_start(void);
/* An interrupt came in: this CPU is alive. */
void watchdog_alive(void);
/* In an NMI: is it the watchdog's, for this CPU? */
bool watchdog_barks(void);

#endif
