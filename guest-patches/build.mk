# Guest kernels with the patches of this folder. They take long to build and
# nothing else needs them, so no other target does.
GUEST_KERNEL := $(BUILD)/guest-kernel

.PHONY: guest-kernel guest-kernels bench-patches
guest-kernel: ## a small PV Linux 6.1 with our patches (PATCHES=N: the first N): build/guest-kernel/vmlinux
	@tests/deps.sh bc bison flex patch
	@guest-patches/linux-6.1/build.sh $(GUEST_KERNEL) $(PATCHES)

# One with each part of the series: vmlinux-0 (none) and so on.
guest-kernels:
	@tests/deps.sh bc bison flex patch
	@for n in $$(seq 0 $(words $(wildcard guest-patches/linux-6.1/*.patch))); do \
		guest-patches/linux-6.1/build.sh $(GUEST_KERNEL) $$n && \
		objcopy -g $(GUEST_KERNEL)/vmlinux $(GUEST_KERNEL)/vmlinux-$$n || exit 1; done

bench-patches: deps image $(HV) guests guest-kernels $(PEER) ## what each patch does for a guest, here and on Xen (ROUNDS=3)
	@tests/bench/patches.py --hv $(HV) --peer $(PEER) $(if $(ROUNDS),--rounds $(ROUNDS))
