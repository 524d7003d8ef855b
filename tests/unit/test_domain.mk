domain-unit-src := $(addprefix hypervisor/domain/,domain.c vcpu.c vcpu-op.c \
	policy.c ctlcopy.c ctlpolicy.c domctl.c domctl-life.c domctl-vcpu.c \
	domctl-settings.c domctl-pv.c sysctl.c sysctl-host.c) \
	hypervisor/lib/bitmap.c hypervisor/pv/hypercall-page.c
unit-test_domain := $(domain-unit-src)
unit-test_vcpu_op := $(domain-unit-src)
unit-test_domctl := $(domain-unit-src)
unit-test_dom0_layout := hypervisor/boot/dom0-layout.c hypervisor/boot/elf.c
unit-test_image := hypervisor/boot/image.c hypervisor/boot/decoders.c
unit-libs-test_image := -llzma -lz -lzstd -llz4
