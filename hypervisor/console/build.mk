hv-objs += console/console.o console/serial.o console/vga.o console/font.o \
	console/log.o console/panic.o console/symbols.o console/console-op.o
