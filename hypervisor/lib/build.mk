hv-objs += lib/string.o lib/printf.o lib/number.o lib/sort.o lib/bitmap.o \
	lib/heap.o
