/* What every entry from the hypervisor comes to, and where tests catch it. */
#include "internal.h"

struct trap_seen trap_seen;
bool (*trap_hook)(struct regs *regs);
volatile unsigned int upcall_count;
void (*upcall_hook)(void);

static void upcall(void)
{
    upcall_count++;
    this_vcpu_info()->evtchn_upcall_pending = 0;
    barrier();
    if (upcall_hook)
        upcall_hook();
}

static void remember(const struct regs *regs)
{
    trap_seen.regs = *regs;
    trap_seen.cr2 = this_vcpu_info()->arch.cr2;
    trap_seen.frame = (uint64_t)regs;
    trap_seen.mask = this_vcpu_info()->evtchn_upcall_mask;
}

void trap_entry(struct regs *regs)
{
    if (trap_hook && trap_hook(regs))
        return;
    if (regs->vector == VEC_EVENT) {
        upcall();
        return;
    }
    remember(regs);
    if (trap_catching) {
        regs->rip = (uint64_t)trap_landing;
        /* Ring 0 in the selector is how iret knows guest kernel mode. */
        regs->cs = FLAT_KERNEL_CS & ~3ul;
        regs->ss = FLAT_KERNEL_SS;
        regs->rflags &= ~0x100ul;
        regs->rsp = (uint64_t)trap_stack + STACK_SIZE;
        return;
    }
    verdict_died("vector %x error %x rip %lx cr2 %lx cs %lx rsp %lx",
                 regs->vector, regs->error, regs->rip, trap_seen.cr2, regs->cs,
                 regs->rsp);
    guest_shutdown(SHUTDOWN_crash);
}

void trap_set(uint8_t vector, uint8_t flags, uint64_t handler)
{
    struct trap_info table[2] = {
        {vector, flags, FLAT_KERNEL_CS, handler},
        {0, 0, 0, 0},
    };

    HC1(set_trap_table, table);
}

static int callback_set(uint16_t type, const char *address)
{
    struct callback_register reg = {
        .type = type,
        .flags = CALLBACKF_mask_events,
        .address = (uint64_t)address,
    };

    return (int)hc_callback_op(CALLBACKOP_register, &reg);
}

void trap_init(void)
{
    unsigned int v;

    /* int3 and into from anywhere; the others by exception only. */
    for (v = 0; v < 256; v++)
        trap_set((uint8_t)v, v == 3 || v == 4 || v == 0x80 ? 7 : 4,
                 trap_stub(v));
    callback_set(CALLBACKTYPE_event, entry_event);
    callback_set(CALLBACKTYPE_failsafe, entry_failsafe);
    callback_set(CALLBACKTYPE_syscall, entry_syscall);
    callback_set(CALLBACKTYPE_syscall32, entry_syscall32);
    HC2(stack_switch, FLAT_KERNEL_SS, (uint64_t)trap_stack + STACK_SIZE);
}
