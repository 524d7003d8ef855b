build-clang/hypervisor/hypercall/table.o: hypervisor/hypercall/table.c \
  hypervisor/hypercall/hypercall.h hypervisor/lib/lib.h \
  hypervisor/include/abi/base.h hypervisor/include/abi/errno.h \
  hypervisor/hypercall/handlers.h

hypervisor/hypercall/hypercall.h:

hypervisor/lib/lib.h:

hypervisor/include/abi/base.h:

hypervisor/include/abi/errno.h:

hypervisor/hypercall/handlers.h:
