/* What a guest may ask: one row per hypercall, but for iret, which has no
   result: pv/entry.S goes straight to pv_iret(). */
#include "hypercall/hypercall.h"
#include "hypercall/handlers.h"

/* No performance counters for guests: Linux prints a line and lives on. */
static long refuse_xenpmu(struct hc_args *a)
{
    (void)a;
    return -EOPNOTSUPP;
}

#define PV(fn, args)                                                           \
    {                                                                          \
        hc_##fn, #fn, args, HC_FROM_PV                                         \
    }
#define ANY(fn, args)                                                          \
    {                                                                          \
        hc_##fn, #fn, args, HC_FROM_PV | HC_FROM_HVM                           \
    }
#define PRIV(fn, args)                                                         \
    {                                                                          \
        hc_##fn, #fn, args, HC_FROM_PV | HC_PRIVILEGED                         \
    }

const struct hypercall hypercall_table[HC_NR] = {
    [__HYPERVISOR_set_trap_table] = PV(set_trap_table, 1),
    [__HYPERVISOR_mmu_update] = PV(mmu_update, 4),
    [__HYPERVISOR_set_gdt] = PV(set_gdt, 2),
    [__HYPERVISOR_stack_switch] = PV(stack_switch, 2),
    [__HYPERVISOR_set_callbacks] = PV(set_callbacks, 3),
    [__HYPERVISOR_fpu_taskswitch] = PV(fpu_taskswitch, 1),
    [__HYPERVISOR_sched_op_compat] = PV(sched_op_compat, 2),
    [__HYPERVISOR_platform_op] = PRIV(platform_op, 1),
    [__HYPERVISOR_set_debugreg] = PV(set_debugreg, 2),
    [__HYPERVISOR_get_debugreg] = PV(get_debugreg, 1),
    [__HYPERVISOR_update_descriptor] = PV(update_descriptor, 2),
    [__HYPERVISOR_memory_op] = ANY(memory_op, 2),
    [__HYPERVISOR_multicall] = ANY(multicall, 2),
    [__HYPERVISOR_update_va_mapping] = PV(update_va_mapping, 3),
    [__HYPERVISOR_set_timer_op] = PV(set_timer_op, 1),
    [__HYPERVISOR_event_channel_op_compat] = PV(event_channel_op_compat, 1),
    [__HYPERVISOR_xen_version] = ANY(xen_version, 2),
    [__HYPERVISOR_console_io] = ANY(console_io, 3),
    [__HYPERVISOR_grant_table_op] = ANY(grant_table_op, 3),
    [__HYPERVISOR_vm_assist] = PV(vm_assist, 2),
    [__HYPERVISOR_update_va_mapping_otherdomain] =
        PV(update_va_mapping_otherdomain, 4),
    [__HYPERVISOR_vcpu_op] = ANY(vcpu_op, 3),
    [__HYPERVISOR_set_segment_base] = PV(set_segment_base, 2),
    [__HYPERVISOR_mmuext_op] = PV(mmuext_op, 4),
    [__HYPERVISOR_nmi_op] = PV(nmi_op, 2),
    [__HYPERVISOR_sched_op] = ANY(sched_op, 2),
    [__HYPERVISOR_callback_op] = PV(callback_op, 2),
    [__HYPERVISOR_event_channel_op] = ANY(event_channel_op, 2),
    [__HYPERVISOR_physdev_op] = ANY(physdev_op, 2),
    [__HYPERVISOR_sysctl] = PRIV(sysctl, 1),
    [__HYPERVISOR_domctl] = PRIV(domctl, 1),
    [__HYPERVISOR_xenpmu_op] = {refuse_xenpmu, "xenpmu_op", 2, HC_FROM_PV},
    [__HYPERVISOR_arch_0] = PRIV(mca, 1),
};
