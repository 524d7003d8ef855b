build-clang/hypervisor/pv/privop.o: hypervisor/pv/privop.c \
  hypervisor/pv/internal.h /tmp/pvinc/cpu/cpu.h /tmp/pvinc/cpu/percpu.h \
  hypervisor/include/abi/base.h hypervisor/include/abi/errno.h \
  hypervisor/lib/bitmap.h hypervisor/lib/lib.h /tmp/pvinc/cpu/trap.h \
  hypervisor/domain/domain.h hypervisor/domain/vcpu.h \
  hypervisor/mm/frame.h hypervisor/mm/layout.h hypervisor/pv/pv.h \
  hypervisor/sched/sched.h hypervisor/lib/heap.h hypervisor/lib/list.h \
  hypervisor/time/timer.h hypervisor/lib/spinlock.h \
  /tmp/pvinc/cpu/extable.h /tmp/pvinc/cpu/fpu.h /tmp/pvinc/cpu/policy.h \
  hypervisor/mm/guestcopy.h hypervisor/pv/insn.h

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

/tmp/pvinc/cpu/extable.h:

/tmp/pvinc/cpu/fpu.h:

/tmp/pvinc/cpu/policy.h:

hypervisor/mm/guestcopy.h:

hypervisor/pv/insn.h:
