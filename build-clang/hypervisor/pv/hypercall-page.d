build-clang/hypervisor/pv/hypercall-page.o: \
  hypervisor/pv/hypercall-page.c hypervisor/pv/pv.h hypervisor/lib/lib.h \
  hypervisor/include/abi/base.h hypervisor/include/abi/errno.h \
  hypervisor/mm/frame.h hypervisor/mm/layout.h

hypervisor/pv/pv.h:

hypervisor/lib/lib.h:

hypervisor/include/abi/base.h:

hypervisor/include/abi/errno.h:

hypervisor/mm/frame.h:

hypervisor/mm/layout.h:
