/* A PV domain's part in the life of a domain. */
#include "pv/internal.h"

#include "boot/boot.h"
#include "cpu/feature.h"
#include "cpu/fpu.h"
#include "cpu/lapic.h"
#include "domain/trace.h"
#include "hypercall/hypercall.h"

/* entry.S and stacks.S know these as numbers. */
static_assert(offsetof(struct vcpu, info) == 24, "VCPU_INFO in entry.S");
static_assert(offsetof(struct vcpu, pv.kernel_mode) == 32,
              "VCPU_KERNEL_MODE in entry.S");
static_assert(__HYPERVISOR_iret == 23, "HC_IRET in entry.S");
static_assert(ERESTART == 85, "ERESTART in entry.S");
static_assert(sizeof(struct hc_args) == 48, "HYPERCALL_ARGS in entry.S");
static_assert(CPU_STACK_STRIDE == 0x10000, "STACK_STRIDE in entry.S");
static_assert(CPU_STACKS_START == 0xffff818020000000ul, "stacks.S");
static_assert(offsetof(struct vcpu_info, evtchn_upcall_pending) == 0 &&
                  offsetof(struct vcpu_info, evtchn_upcall_mask) == 1,
              "pv_return");
static_assert(WORK_SCHED == 1, "WORK_SCHED in entry.S");

#define STUB_SIZE 32
extern char pv_syscall_stubs[], pv_syscall_watched_stubs[],
    pv_syscall32_stubs[];

uintptr_t pv_syscall_stub(unsigned cpu)
{
    char *stubs = boot_options.count_round_trips || tracing()
                      ? pv_syscall_watched_stubs
                      : pv_syscall_stubs;

    return (uintptr_t)stubs + cpu * STUB_SIZE;
}

static void load_stub(void *unused)
{
    (void)unused;
    wrmsr(MSR_LSTAR, pv_syscall_stub(cpu_id()));
}

void pv_syscall_stubs_load(void)
{
    load_stub(NULL);
    ipi_call(cpu_online, load_stub, NULL);
}

uintptr_t pv_syscall32_stub(unsigned cpu)
{
    return (uintptr_t)pv_syscall32_stubs + cpu * STUB_SIZE;
}

static int vcpu_init(struct domain *d, struct vcpu *v)
{
    (void)d;
    v->pv.kernel_mode = true;
    v->pv.dr[6] = 0xffff0ff0;
    v->pv.dr[7] = 0x400;
    return fpu_vcpu_init(v);
}

static int kill(struct domain *d)
{
    vcpu_for_each (d, v)
        pv_drop_context(v);
    return 0;
}

const struct domain_part pv_part = {
    .name = "pv",
    .vcpu_init = vcpu_init,
    .kill = kill,
    .vcpu_free = fpu_vcpu_free,
};
