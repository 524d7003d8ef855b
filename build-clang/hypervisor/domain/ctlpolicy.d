build-clang/hypervisor/domain/ctlpolicy.o: hypervisor/domain/ctlpolicy.c \
  hypervisor/cpu/policy.h hypervisor/cpu/cpu.h hypervisor/cpu/percpu.h \
  hypervisor/include/abi/base.h hypervisor/include/abi/errno.h \
  hypervisor/lib/bitmap.h hypervisor/lib/lib.h hypervisor/domain/ctl.h \
  hypervisor/domain/domain.h hypervisor/domain/vcpu.h \
  hypervisor/lib/spinlock.h hypervisor/mm/frame.h hypervisor/mm/layout.h \
  hypervisor/pv/pv.h hypervisor/sched/sched.h hypervisor/lib/heap.h \
  hypervisor/lib/list.h hypervisor/time/timer.h \
  hypervisor/mm/guestcopy.h

hypervisor/cpu/policy.h:

hypervisor/cpu/cpu.h:

hypervisor/cpu/percpu.h:

hypervisor/include/abi/base.h:

hypervisor/include/abi/errno.h:

hypervisor/lib/bitmap.h:

hypervisor/lib/lib.h:

hypervisor/domain/ctl.h:

hypervisor/domain/domain.h:

hypervisor/domain/vcpu.h:

hypervisor/lib/spinlock.h:

hypervisor/mm/frame.h:

hypervisor/mm/layout.h:

hypervisor/pv/pv.h:

hypervisor/sched/sched.h:

hypervisor/lib/heap.h:

hypervisor/lib/list.h:

hypervisor/time/timer.h:

hypervisor/mm/guestcopy.h:
