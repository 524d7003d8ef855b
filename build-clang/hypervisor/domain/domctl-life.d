build-clang/hypervisor/domain/domctl-life.o: \
  hypervisor/domain/domctl-life.c hypervisor/domain/ctl.h \
  hypervisor/domain/domain.h hypervisor/domain/vcpu.h \
  hypervisor/cpu/percpu.h hypervisor/include/abi/base.h \
  hypervisor/include/abi/errno.h hypervisor/lib/lib.h \
  hypervisor/lib/spinlock.h hypervisor/mm/frame.h hypervisor/mm/layout.h \
  hypervisor/pv/pv.h hypervisor/sched/sched.h hypervisor/lib/bitmap.h \
  hypervisor/lib/heap.h hypervisor/lib/list.h hypervisor/time/timer.h \
  hypervisor/grant/gnttab.h

hypervisor/domain/ctl.h:

hypervisor/domain/domain.h:

hypervisor/domain/vcpu.h:

hypervisor/cpu/percpu.h:

hypervisor/include/abi/base.h:

hypervisor/include/abi/errno.h:

hypervisor/lib/lib.h:

hypervisor/lib/spinlock.h:

hypervisor/mm/frame.h:

hypervisor/mm/layout.h:

hypervisor/pv/pv.h:

hypervisor/sched/sched.h:

hypervisor/lib/bitmap.h:

hypervisor/lib/heap.h:

hypervisor/lib/list.h:

hypervisor/time/timer.h:

hypervisor/grant/gnttab.h:
