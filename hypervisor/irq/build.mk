hv-objs += irq/ioapic.o irq/msi.o irq/vector.o irq/irq.o irq/pirq.o
