build-clang/hypervisor/hypercall/subop.o: hypervisor/hypercall/subop.c \
  hypervisor/hypercall/hypercall.h hypervisor/lib/lib.h \
  hypervisor/include/abi/base.h hypervisor/include/abi/errno.h \
  hypervisor/domain/domain.h hypervisor/domain/vcpu.h \
  /tmp/pvinc/cpu/percpu.h hypervisor/mm/frame.h hypervisor/mm/layout.h \
  hypervisor/pv/pv.h hypervisor/sched/sched.h hypervisor/lib/bitmap.h \
  hypervisor/lib/heap.h hypervisor/lib/list.h hypervisor/time/timer.h \
  hypervisor/lib/spinlock.h hypervisor/mm/guestcopy.h

hypervisor/hypercall/hypercall.h:

hypervisor/lib/lib.h:

hypervisor/include/abi/base.h:

hypervisor/include/abi/errno.h:

hypervisor/domain/domain.h:

hypervisor/domain/vcpu.h:

/tmp/pvinc/cpu/percpu.h:

hypervisor/mm/frame.h:

hypervisor/mm/layout.h:

hypervisor/pv/pv.h:

hypervisor/sched/sched.h:

hypervisor/lib/bitmap.h:

hypervisor/lib/heap.h:

hypervisor/lib/list.h:

hypervisor/time/timer.h:

hypervisor/lib/spinlock.h:

hypervisor/mm/guestcopy.h:
