build-clang/hypervisor/grant/unmap.o: hypervisor/grant/unmap.c \
  hypervisor/grant/internal.h hypervisor/grant/gnttab.h \
  hypervisor/mm/frame.h hypervisor/lib/lib.h \
  hypervisor/include/abi/base.h hypervisor/include/abi/errno.h \
  hypervisor/mm/layout.h hypervisor/domain/domain.h \
  hypervisor/domain/vcpu.h hypervisor/cpu/percpu.h hypervisor/pv/pv.h \
  hypervisor/sched/sched.h hypervisor/lib/bitmap.h hypervisor/lib/heap.h \
  hypervisor/lib/list.h hypervisor/lib/spinlock.h \
  hypervisor/time/timer.h hypervisor/mm/frametype.h \
  hypervisor/hypercall/hypercall.h

hypervisor/grant/internal.h:

hypervisor/grant/gnttab.h:

hypervisor/mm/frame.h:

hypervisor/lib/lib.h:

hypervisor/include/abi/base.h:

hypervisor/include/abi/errno.h:

hypervisor/mm/layout.h:

hypervisor/domain/domain.h:

hypervisor/domain/vcpu.h:

hypervisor/cpu/percpu.h:

hypervisor/pv/pv.h:

hypervisor/sched/sched.h:

hypervisor/lib/bitmap.h:

hypervisor/lib/heap.h:

hypervisor/lib/list.h:

hypervisor/lib/spinlock.h:

hypervisor/time/timer.h:

hypervisor/mm/frametype.h:

hypervisor/hypercall/hypercall.h:
