# Seams over the hypervisor's stable libraries. A program takes the sources of
# what it uses and the library beside them; tests take the fake's instead.
libs-hypercall-src := dom0/libs/hypercall/hypercall.c \
	dom0/libs/hypercall/domain.c dom0/libs/hypercall/vcpu.c \
	dom0/libs/hypercall/memory.c dom0/libs/hypercall/host.c \
	dom0/libs/hypercall/trace.c
libs-hypercall-libs := -lxencall
libs-hypercall-fake-src := $(addprefix dom0/libs/hypercall/,hypercall-fake.c \
	host-fake.c domain-fake.c vcpu-fake.c memory-fake.c trace-fake.c)
libs-foreignmem-src := dom0/libs/foreignmem/foreignmem.c
libs-foreignmem-libs := -lxenforeignmemory
libs-foreignmem-fake-src := dom0/libs/foreignmem/foreignmem-fake.c

libs-opener-src := dom0/libs/opener/opener.c
libs-latency-src := dom0/libs/latency/latency.c

# --- event channels and grants ------------------------------------------------
include dom0/libs/evtchn/build.mk
include dom0/libs/gnttab/build.mk
libs-evtchn-fake-src := dom0/libs/evtchn/evtchn-fake.c
libs-gnttab-fake-src := dom0/libs/gnttab/gnttab-fake.c
