/* What is recorded of a guest: events of the ABI, and a few of ours. */
#include "domain/trace.h"

#include "cpu/trap.h"
#include "domain/domain.h"
#include "hypercall/hypercall.h"

#define A32(i) TRC_PV_HYPERCALL_V2_ARG_32(i)
#define A64(i) TRC_PV_HYPERCALL_V2_ARG_64(i)
/* The arguments that tell something by themselves. */
static const uint32_t recorded[HC_NR] = {
    [__HYPERVISOR_mmu_update] = A32(1),
    [__HYPERVISOR_stack_switch] = A64(1),
    [__HYPERVISOR_fpu_taskswitch] = A32(0),
    [__HYPERVISOR_set_debugreg] = A32(0) | A64(1),
    [__HYPERVISOR_memory_op] = A32(0),
    [__HYPERVISOR_multicall] = A32(1),
    [__HYPERVISOR_update_va_mapping] = A64(0) | A64(1),
    [__HYPERVISOR_set_timer_op] = A64(0),
    [__HYPERVISOR_xen_version] = A32(0),
    [__HYPERVISOR_console_io] = A32(0) | A32(1),
    [__HYPERVISOR_grant_table_op] = A32(0) | A32(2),
    [__HYPERVISOR_vm_assist] = A32(0) | A32(1),
    [__HYPERVISOR_vcpu_op] = A32(0) | A32(1),
    [__HYPERVISOR_set_segment_base] = A32(0) | A64(1),
    [__HYPERVISOR_mmuext_op] = A32(1),
    [__HYPERVISOR_sched_op] = A32(0),
    [__HYPERVISOR_callback_op] = A32(0),
    [__HYPERVISOR_event_channel_op] = A32(0),
    [__HYPERVISOR_physdev_op] = A32(0),
};

void trace_hypercall(uint32_t event, uint64_t op, const uint64_t *args)
{
    uint32_t shape = op < HC_NR ? recorded[nospec_index(op, HC_NR)] : 0;
    uint32_t words[TRACE_EXTRA_MAX] = {
        shape | ((uint32_t)op & ~TRC_PV_HYPERCALL_V2_ARG_MASK)};
    unsigned nr = 1;

    for (unsigned i = 0; i < 6; i++) {
        uint32_t kind = shape >> (20 + 2 * i) & 3; /* 1: A32, 2: A64 */

        if (kind)
            words[nr++] = (uint32_t)args[i];
        if (kind == 2)
            words[nr++] = (uint32_t)(args[i] >> 32);
    }
    trace_write(event, words, nr);
}

void trace_exception(uint64_t rip, unsigned vector, uint32_t error_code,
                     uint64_t cr2)
{
    struct PACKED {
        uint64_t rip;
        uint16_t vector;
        uint16_t error_code;
    } trap = {rip, (uint16_t)vector, (uint16_t)error_code};
    struct PACKED {
        uint64_t rip, cr2;
        uint32_t error_code;
    } fault = {rip, cr2, error_code};

    if (vector == TRAP_PF) {
        trace_write(TRC_PV_PAGE_FAULT | TRC_64_FLAG, &fault, sizeof(fault) / 4);
        return;
    }
    if (vector < 32 && TRAP_HAS_ERROR_CODE >> vector & 1)
        trap.vector |= 1u << 15;
    trace_write(TRC_PV_TRAP | TRC_64_FLAG, &trap, sizeof(trap) / 4);
}

void trace_addresses(uint32_t event, uint64_t a, uint64_t b, uint64_t c,
                     unsigned nr)
{
    uint64_t words[] = {a, b, c};

    trace_write(event, words, nr * 2);
}

void trace_syscall(uint64_t rip, uint64_t number)
{
    struct PACKED {
        uint64_t rip;
        uint32_t number;
    } words = {rip, (uint32_t)number};

    trace_write(TRC_PV_SYSCALL, &words, sizeof(words) / 4);
}

static uint32_t name_of(const struct vcpu *v)
{
    return (uint32_t)v->domain->id << 16 | (uint16_t)v->id;
}

void trace_event(const struct vcpu *v, uint32_t port)
{
    uint32_t words[] = {name_of(v), port};

    trace_write(TRC_PV_EVENT, words, 2);
}

void trace_vcpu(uint32_t event, const struct vcpu *v)
{
    uint32_t word = name_of(v);

    trace_write(event, &word, 1);
}

void trace_runstate(const struct vcpu *v, int from, int to)
{
    trace_vcpu(TRC_SCHED_RUNSTATE_CHANGE | ((uint32_t)from & 3) << 8 |
                   ((uint32_t)to & 3) << 4,
               v);
}
