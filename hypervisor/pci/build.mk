hv-objs += pci/config.o pci/physdev-op.o pci/platform-op.o pci/firmware.o
