
# Domain 0: its kernel's image, and the decompressors that Debian ships as
# static libraries. Everything here is init code.
hv-objs += boot/dom0.o boot/dom0-layout.o boot/elf.o boot/unpack.o \
	boot/image.o boot/decoders.o boot/libc-shim.o
hv-libs := $(foreach l,lzma z zstd lz4,$(shell $(CC) -print-file-name=lib$(l).a))

# The one file that sees the libraries' own headers.
$(BUILD)/hypervisor/boot/decoders.o: HV_INC += -idirafter /usr/include \
	-idirafter /usr/include/x86_64-linux-gnu
hv-objs += boot/entry.o boot/start.o boot/multiboot.o boot/memmap.o \
	boot/maptidy.o boot/cmdline.o boot/acpi.o boot/smp.o boot/trampoline.o \
	boot/power.o
