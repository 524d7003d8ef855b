/* The hypercalls, as plain functions over the ABI's own structures. */
#ifndef TEST_HYPERCALL_H
#define TEST_HYPERCALL_H

#include <stdint.h>
#include <xen/xen.h>

static inline int64_t hypercall(uint64_t nr, uint64_t a1, uint64_t a2,
                                uint64_t a3, uint64_t a4, uint64_t a5)
{
    register uint64_t r10 __asm__("r10") = a4;
    register uint64_t r8 __asm__("r8") = a5;
    int64_t ret;

    __asm__ volatile("syscall"
                     : "=a"(ret), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10),
                       "+r"(r8)
                     : "0"(nr)
                     : "rcx", "r11", "memory");
    return ret;
}

#define HC0(name)    hypercall(__HYPERVISOR_##name, 0, 0, 0, 0, 0)
#define HC1(name, a) hypercall(__HYPERVISOR_##name, (uint64_t)(a), 0, 0, 0, 0)
#define HC2(name, a, b)                                                        \
    hypercall(__HYPERVISOR_##name, (uint64_t)(a), (uint64_t)(b), 0, 0, 0)
#define HC3(name, a, b, c)                                                     \
    hypercall(__HYPERVISOR_##name, (uint64_t)(a), (uint64_t)(b),               \
              (uint64_t)(c), 0, 0)
#define HC4(name, a, b, c, d)                                                  \
    hypercall(__HYPERVISOR_##name, (uint64_t)(a), (uint64_t)(b),               \
              (uint64_t)(c), (uint64_t)(d), 0)

#define hc_sched_op(cmd, arg)          HC2(sched_op, cmd, arg)
#define hc_event_channel_op(cmd, arg)  HC2(event_channel_op, cmd, arg)
#define hc_grant_table_op(cmd, p, n)   HC3(grant_table_op, cmd, p, n)
#define hc_memory_op(cmd, arg)         HC2(memory_op, cmd, arg)
#define hc_vcpu_op(cmd, vcpu, arg)     HC3(vcpu_op, cmd, vcpu, arg)
#define hc_physdev_op(cmd, arg)        HC2(physdev_op, cmd, arg)
#define hc_xen_version(cmd, arg)       HC2(xen_version, cmd, arg)
#define hc_callback_op(cmd, arg)       HC2(callback_op, cmd, arg)
#define hc_console_io(cmd, n, buf)     HC3(console_io, cmd, n, buf)
#define hc_set_segment_base(w, base)   HC2(set_segment_base, w, base)
#define hc_vm_assist(cmd, type)        HC2(vm_assist, cmd, type)
#define hc_mmu_update(r, n, done, d)   HC4(mmu_update, r, n, done, d)
#define hc_mmuext_op(r, n, done, d)    HC4(mmuext_op, r, n, done, d)
#define hc_update_va_mapping(va, v, f) HC3(update_va_mapping, va, v, f)

#endif
