unit-test_multiboot := hypervisor/boot/multiboot.c hypervisor/boot/maptidy.c \
	hypervisor/lib/sort.c
