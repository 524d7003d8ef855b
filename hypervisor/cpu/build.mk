hv-objs += cpu/feature.o cpu/gdt.o cpu/idt.o cpu/trap-entry.o cpu/trap.o \
	cpu/extable.o cpu/lapic.o cpu/ipi.o cpu/fpu.o cpu/policy.o \
	cpu/latency.o cpu/spec.o cpu/watchdog.o cpu/policy-build.o cpu/policy-msr.o
