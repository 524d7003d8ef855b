build-clang/hypervisor/evtchn/evtchn-op.o: hypervisor/evtchn/evtchn-op.c \
  hypervisor/evtchn/internal.h hypervisor/evtchn/evtchn.h \
  hypervisor/lib/lib.h hypervisor/include/abi/base.h \
  hypervisor/include/abi/errno.h hypervisor/domain/domain.h \
  hypervisor/domain/vcpu.h hypervisor/cpu/percpu.h hypervisor/mm/frame.h \
  hypervisor/mm/layout.h hypervisor/pv/pv.h hypervisor/sched/sched.h \
  hypervisor/lib/bitmap.h hypervisor/lib/heap.h hypervisor/lib/list.h \
  hypervisor/lib/spinlock.h hypervisor/time/timer.h \
  hypervisor/hypercall/handlers.h hypervisor/hypercall/hypercall.h \
  hypervisor/irq/irq.h hypervisor/cpu/trap.h hypervisor/cpu/cpu.h \
  hypervisor/mm/guestcopy.h

hypervisor/evtchn/internal.h:

hypervisor/evtchn/evtchn.h:

hypervisor/lib/lib.h:

hypervisor/include/abi/base.h:

hypervisor/include/abi/errno.h:

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

hypervisor/hypercall/handlers.h:

hypervisor/hypercall/hypercall.h:

hypervisor/irq/irq.h:

hypervisor/cpu/trap.h:

hypervisor/cpu/cpu.h:

hypervisor/mm/guestcopy.h:
