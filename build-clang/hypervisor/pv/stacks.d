build-clang/hypervisor/pv/stacks.o: hypervisor/pv/stacks.S \
  hypervisor/mm/layout.h

hypervisor/mm/layout.h:
