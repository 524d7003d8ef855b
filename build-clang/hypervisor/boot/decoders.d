build-clang/hypervisor/boot/decoders.o: hypervisor/boot/decoders.c
