build-clang/hypervisor/hypercall/multicall.o: \
  hypervisor/hypercall/multicall.c hypervisor/hypercall/hypercall.h \
  hypervisor/lib/lib.h hypervisor/include/abi/base.h \
  hypervisor/include/abi/errno.h hypervisor/hypercall/handlers.h \
  hypervisor/mm/guestcopy.h

hypervisor/hypercall/hypercall.h:

hypervisor/lib/lib.h:

hypervisor/include/abi/base.h:

hypervisor/include/abi/errno.h:

hypervisor/hypercall/handlers.h:

hypervisor/mm/guestcopy.h:
