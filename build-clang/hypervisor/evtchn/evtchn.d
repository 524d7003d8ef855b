build-clang/hypervisor/evtchn/evtchn.o: hypervisor/evtchn/evtchn.c \
  hypervisor/evtchn/evtchn.h hypervisor/lib/lib.h \
  hypervisor/include/abi/base.h hypervisor/include/abi/errno.h \
  hypervisor/evtchn/internal.h hypervisor/domain/domain.h \
  hypervisor/domain/vcpu.h hypervisor/cpu/percpu.h hypervisor/mm/frame.h \
  hypervisor/mm/layout.h hypervisor/pv/pv.h hypervisor/sched/sched.h \
  hypervisor/lib/bitmap.h hypervisor/lib/heap.h hypervisor/lib/list.h \
  hypervisor/lib/spinlock.h hypervisor/time/timer.h \
  hypervisor/hypercall/hypercall.h hypervisor/irq/irq.h \
  hypervisor/cpu/trap.h hypervisor/cpu/cpu.h

hypervisor/evtchn/evtchn.h:

hypervisor/lib/lib.h:

hypervisor/include/abi/base.h:

hypervisor/include/abi/errno.h:

hypervisor/evtchn/internal.h:

hypervisor/domain/domain.h:

hypervisor/domain/vcpu.h:

hypervisor/cpu/percpu.h:

hypervisor/mm/frame.h:

hypervisor/mm/layout.h:

hypervisor/pv/pv.h:

hypervisor/sched/sched.h:

hypervisor/lib/bitmap.h:

hypervisor/lib/heap.h:

hypervisor/lib/list.h:

hypervisor/lib/spinlock.h:

hypervisor/time/timer.h:

hypervisor/hypercall/hypercall.h:

hypervisor/irq/irq.h:

hypervisor/cpu/trap.h:

hypervisor/cpu/cpu.h:
