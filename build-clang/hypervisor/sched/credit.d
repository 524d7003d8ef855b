build-clang/hypervisor/sched/credit.o: hypervisor/sched/credit.c \
  hypervisor/sched/internal.h hypervisor/sched/sched.h \
  hypervisor/lib/bitmap.h hypervisor/lib/lib.h \
  hypervisor/include/abi/base.h hypervisor/include/abi/errno.h \
  hypervisor/lib/heap.h hypervisor/lib/list.h hypervisor/lib/spinlock.h \
  hypervisor/cpu/percpu.h hypervisor/domain/domain.h \
  hypervisor/domain/vcpu.h hypervisor/mm/frame.h hypervisor/mm/layout.h \
  hypervisor/pv/pv.h hypervisor/time/timer.h

hypervisor/sched/internal.h:

hypervisor/sched/sched.h:

hypervisor/lib/bitmap.h:

hypervisor/lib/lib.h:

hypervisor/include/abi/base.h:

hypervisor/include/abi/errno.h:

hypervisor/lib/heap.h:

hypervisor/lib/list.h:

hypervisor/lib/spinlock.h:

hypervisor/cpu/percpu.h:

hypervisor/domain/domain.h:

hypervisor/domain/vcpu.h:

hypervisor/mm/frame.h:

hypervisor/mm/layout.h:

hypervisor/pv/pv.h:

hypervisor/time/timer.h:
