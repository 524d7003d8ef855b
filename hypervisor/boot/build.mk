hv-objs += boot/entry.o boot/start.o boot/multiboot.o boot/memmap.o \
	boot/maptidy.o boot/cmdline.o boot/acpi.o boot/smp.o boot/trampoline.o \
	boot/power.o
