hv-objs += domain/domain.o domain/vcpu.o domain/vcpu-op.o domain/policy.o \
	domain/ctlcopy.o domain/domctl.o domain/domctl-life.o \
	domain/domctl-vcpu.o domain/domctl-settings.o domain/domctl-pv.o \
	domain/ctlpolicy.o domain/debug-keys.o domain/sysctl.o domain/sysctl-host.o domain/trace.o \
	domain/tracebuf.o
