unit-timer-src := hypervisor/time/timer.c hypervisor/lib/heap.c
