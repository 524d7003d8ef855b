build-clang/hypervisor/pv/context.o: hypervisor/pv/context.c \
  hypervisor/pv/internal.h /tmp/pvinc/cpu/cpu.h /tmp/pvinc/cpu/percpu.h \
  hypervisor/include/abi/base.h hypervisor/include/abi/errno.h \
  hypervisor/lib/bitmap.h hypervisor/lib/lib.h /tmp/pvinc/cpu/trap.h \
  hypervisor/domain/domain.h hypervisor/domain/vcpu.h \
  hypervisor/mm/frame.h hypervisor/mm/layout.h hypervisor/pv/pv.h \
  hypervisor/sched/sched.h hypervisor/lib/heap.h hypervisor/lib/list.h \
  hypervisor/time/timer.h hypervisor/lib/spinlock.h /tmp/pvinc/cpu/fpu.h \
  hypervisor/mm/frametype.h

hypervisor/pv/internal.h:

/tmp/pvinc/cpu/cpu.h:

/tmp/pvinc/cpu/percpu.h:

hypervisor/include/abi/base.h:

hypervisor/include/abi/errno.h:

hypervisor/lib/bitmap.h:

hypervisor/lib/lib.h:

/tmp/pvinc/cpu/trap.h:

hypervisor/domain/domain.h:

hypervisor/domain/vcpu.h:

hypervisor/mm/frame.h:

hypervisor/mm/layout.h:

hypervisor/pv/pv.h:

hypervisor/sched/sched.h:

hypervisor/lib/heap.h:

hypervisor/lib/list.h:

hypervisor/time/timer.h:

hypervisor/lib/spinlock.h:

/tmp/pvinc/cpu/fpu.h:

hypervisor/mm/frametype.h:
