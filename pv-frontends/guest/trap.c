#include "pv-frontends/core/evtchn.h"
#include "pv-frontends/guest/guest.h"

#include <xen/callback.h>

extern char trap_stubs[], entry_event[], entry_failsafe[], entry_syscall[];
bool (*trap_hook)(struct regs *regs);

static void backtrace(const struct regs *regs)
{
    const uint64_t *frame = (const uint64_t *)regs->rbp;
    uint64_t stack = regs->rsp & ~(uint64_t)(STACK_SIZE - 1);

    print("  rip %lx", regs->rip);
    /* Only where our own stack can be. */
    for (unsigned int i = 0; i < 16; i++) {
        if (((uint64_t)frame & ~(uint64_t)(STACK_SIZE - 1)) != stack ||
            (uint64_t)frame & 7)
            break;
        print(" < %lx", frame[1]);
        frame = (const uint64_t *)frame[0];
    }
    print("\n");
}

static void die(const struct regs *r)
{
    static bool dying;

    if (dying) /* of this very thing */
        guest_shutdown(SHUTDOWN_crash);
    dying = true;
    print("TINY died: vector %u error %x on vCPU %u\n", r->vector, r->error,
          vcpu_self());
    print("  rsp %lx rflags %lx cr2 %lx\n", r->rsp, r->rflags,
          vcpu_info(vcpu_self())->arch.cr2);
    print("  rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", r->rax, r->rbx,
          r->rcx, r->rdx);
    print("  rsi %016lx rdi %016lx rbp %016lx r8  %016lx\n", r->rsi, r->rdi,
          r->rbp, r->r8);
    backtrace(r);
    guest_shutdown(SHUTDOWN_crash);
}

void trap_entry(struct regs *regs)
{
    if (trap_hook && trap_hook(regs))
        return;
    if (regs->vector != VEC_EVENT)
        die(regs);
    evtchn_upcall(vcpu_self());
}

static uint64_t stub(unsigned int vector)
{
    return (uint64_t)trap_stubs + vector * STUB_SIZE;
}

static void callback(uint16_t type, const char *address)
{
    struct callback_register reg = {
        .type = type,
        .flags = CALLBACKF_mask_events,
        .address = (uint64_t)address,
    };

    (void)shim_hypercall(__HYPERVISOR_callback_op, CALLBACKOP_register,
                         (uint64_t)&reg, 0, 0);
}

void trap_init(void)
{
    static struct trap_info table[NR_VECTORS + 1];

    for (unsigned int v = 0; v < NR_VECTORS; v++)
        table[v] = (struct trap_info){
            .vector = (uint8_t)v,
            .flags = v == 3 ? 7 : 4, /* events off; int3 from anywhere */
            .cs = FLAT_KERNEL_CS,
            .address = stub(v),
        };
    (void)shim_hypercall(__HYPERVISOR_set_trap_table, (uint64_t)table, 0, 0, 0);
    callback(CALLBACKTYPE_event, entry_event);
    callback(CALLBACKTYPE_failsafe, entry_failsafe);
    callback(CALLBACKTYPE_syscall, entry_syscall);
}

void trap_context(struct vcpu_guest_context *ctx)
{
    for (unsigned int v = 0; v < NR_VECTORS; v++) {
        ctx->trap_ctxt[v].vector = (uint8_t)v;
        ctx->trap_ctxt[v].flags = 4;
        ctx->trap_ctxt[v].cs = FLAT_KERNEL_CS;
        ctx->trap_ctxt[v].address = stub(v);
    }
    ctx->event_callback_eip = (uint64_t)entry_event;
    ctx->failsafe_callback_eip = (uint64_t)entry_failsafe;
    ctx->syscall_callback_eip = (uint64_t)entry_syscall;
}
