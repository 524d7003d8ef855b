build-clang/hypervisor/boot/dom0.o: hypervisor/boot/dom0.c \
  hypervisor/boot/boot.h hypervisor/lib/lib.h \
  hypervisor/include/abi/base.h hypervisor/include/abi/errno.h \
  hypervisor/boot/dom0-layout.h hypervisor/boot/elf.h \
  hypervisor/boot/pagerun.h hypervisor/console/console.h \
  hypervisor/cpu/feature.h hypervisor/cpu/cpu.h hypervisor/cpu/percpu.h \
  hypervisor/lib/bitmap.h hypervisor/domain/domain.h \
  hypervisor/domain/vcpu.h hypervisor/lib/spinlock.h \
  hypervisor/mm/frame.h hypervisor/mm/layout.h hypervisor/pv/pv.h \
  hypervisor/sched/sched.h hypervisor/lib/heap.h hypervisor/lib/list.h \
  hypervisor/time/timer.h hypervisor/grant/gnttab.h hypervisor/irq/irq.h \
  hypervisor/cpu/trap.h hypervisor/mm/alloc.h /tmp/dinc/mm/frametype.h

hypervisor/boot/boot.h:

hypervisor/lib/lib.h:

hypervisor/include/abi/base.h:

hypervisor/include/abi/errno.h:

hypervisor/boot/dom0-layout.h:

hypervisor/boot/elf.h:

hypervisor/boot/pagerun.h:

hypervisor/console/console.h:

hypervisor/cpu/feature.h:

hypervisor/cpu/cpu.h:

hypervisor/cpu/percpu.h:

hypervisor/lib/bitmap.h:

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

hypervisor/grant/gnttab.h:

hypervisor/irq/irq.h:

hypervisor/cpu/trap.h:

hypervisor/mm/alloc.h:

/tmp/dinc/mm/frametype.h:
