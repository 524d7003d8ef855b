unit-test_evtchn := $(addprefix hypervisor/evtchn/,evtchn.c evtchn-2l.c \
	evtchn-fifo.c virq.c evtchn-op.c) hypervisor/hypercall/subop.c
unit-test_grant := $(addprefix hypervisor/grant/,gnttab.c map.c unmap.c \
	copy.c gnttab-op.c)
unit-test_sched := $(addprefix hypervisor/sched/,sched.c credit.c sched-op.c) \
	hypervisor/hypercall/subop.c hypervisor/time/timer.c hypervisor/lib/heap.c
