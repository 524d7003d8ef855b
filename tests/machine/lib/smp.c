/* Starting another vCPU in our own address space. */
#include "internal.h"

uint8_t smp_stack[STACK_SIZE] __attribute__((aligned(16)));
static struct vcpu_guest_context context __attribute__((aligned(64)));

struct vcpu_guest_context *smp_context(void (*fn)(void *), void *arg)
{
    unsigned int v;

    memset(&context, 0, sizeof(context));
    context.flags = VGCF_in_kernel;
    context.user_regs.rip = (uint64_t)smp_entry;
    context.user_regs.rsp = (uint64_t)smp_stack + STACK_SIZE;
    context.user_regs.rdi = (uint64_t)fn;
    context.user_regs.rsi = (uint64_t)arg;
    context.user_regs.cs = FLAT_KERNEL_CS;
    context.user_regs.ss = FLAT_KERNEL_SS;
    context.user_regs.rflags = 0x1000;
    for (v = 0; v < 256; v++) {
        context.trap_ctxt[v].vector = (uint8_t)v;
        context.trap_ctxt[v].flags = 4;
        context.trap_ctxt[v].cs = FLAT_KERNEL_CS;
        context.trap_ctxt[v].address = trap_stub(v);
    }
    context.kernel_ss = FLAT_KERNEL_SS;
    context.kernel_sp = (uint64_t)smp_stack + STACK_SIZE / 2;
    context.ctrlreg[3] = va_to_mfn((void *)start_info->pt_base) << 12;
    context.event_callback_eip = (uint64_t)entry_event;
    context.failsafe_callback_eip = (uint64_t)entry_failsafe;
    context.syscall_callback_eip = (uint64_t)entry_syscall;
    return &context;
}

int smp_start(unsigned int vcpu, void (*fn)(void *), void *arg)
{
    int rc;

    shared->vcpu_info[vcpu].evtchn_upcall_mask = 1;
    rc = (int)hc_vcpu_op(VCPUOP_initialise, vcpu, smp_context(fn, arg));
    return rc ? rc : (int)hc_vcpu_op(VCPUOP_up, vcpu, NULL);
}
