#include "pv-frontends/guest/guest.h"

#include "pv-frontends/core/errors.h"

enum vcpu_state { VCPU_DOWN, VCPU_RUNS, VCPU_DONE };

static struct {
    uint64_t *stack;
    volatile enum vcpu_state state;
    void (*fn)(void *arg);
    void *arg;
} vcpus[MAX_VCPUS];

static int vcpu_op(unsigned int cmd, unsigned int n, void *arg)
{
    return (int)shim_hypercall(__HYPERVISOR_vcpu_op, cmd, n, (uint64_t)arg, 0);
}

unsigned int vcpu_self(void)
{
    uint64_t sp = (uint64_t)__builtin_frame_address(0);

    return (unsigned int)*(uint64_t *)(sp & ~(uint64_t)(STACK_SIZE - 1));
}

unsigned int vcpu_count(void)
{
    unsigned int n = 0;

    while (n < MAX_VCPUS && vcpu_op(VCPUOP_is_up, n, NULL) >= 0)
        n++;
    return n;
}

bool vcpu_is_done(unsigned int n)
{
    return vcpus[n].state == VCPU_DONE;
}

void vcpu_start(uint64_t n)
{
    vcpus[n].fn(vcpus[n].arg);
    barrier();
    vcpus[n].state = VCPU_DONE;
    for (;;)
        (void)vcpu_op(VCPUOP_down, (unsigned int)n, NULL);
}

extern char vcpu_entry[];

/* Only so many pages side by side, and those are not aligned: take twice. */
static uint64_t *stack_new(unsigned int n)
{
    enum { PAGES = STACK_SIZE / PAGE_SIZE };
    char *pages = shim_pages_alloc(2 * PAGES), *stack;
    unsigned int skip;

    if (!pages)
        return NULL;
    stack = (char *)(((uint64_t)pages + STACK_SIZE - 1) &
                     ~(uint64_t)(STACK_SIZE - 1));
    skip = (unsigned int)((uint64_t)(stack - pages) / PAGE_SIZE);
    if (skip)
        shim_pages_free(pages, skip);
    shim_pages_free(stack + STACK_SIZE, PAGES - skip);
    *(uint64_t *)stack = n;
    return (uint64_t *)stack;
}

static int initialise(unsigned int n)
{
    /* Too large for a stack; used by vCPU 0 only. */
    static struct vcpu_guest_context ctx;

    memset(&ctx, 0, sizeof(ctx));
    ctx.flags = VGCF_in_kernel;
    ctx.user_regs.rip = (uint64_t)vcpu_entry;
    ctx.user_regs.rsp = (uint64_t)vcpus[n].stack + STACK_SIZE;
    ctx.user_regs.rdi = n;
    ctx.user_regs.cs = FLAT_KERNEL_CS;
    ctx.user_regs.ss = FLAT_KERNEL_SS;
    ctx.user_regs.rflags = 0x1000;
    ctx.kernel_ss = FLAT_KERNEL_SS;
    ctx.kernel_sp = ctx.user_regs.rsp;
    ctx.ctrlreg[3] = pfn_to_mfn(va_to_pfn((void *)start_info->pt_base)) << 12;
    trap_context(&ctx);
    vcpu_info(n)->evtchn_upcall_mask = 1;
    return vcpu_op(VCPUOP_initialise, n, &ctx);
}

int vcpu_run(unsigned int n, void (*fn)(void *arg), void *arg)
{
    int rc;

    if (!n || n >= MAX_VCPUS || vcpus[n].stack)
        return -XEN_EINVAL;
    vcpus[n].stack = stack_new(n);
    if (!vcpus[n].stack)
        return -XEN_ENOMEM;
    vcpus[n].fn = fn;
    vcpus[n].arg = arg;
    rc = initialise(n);
    if (!rc) {
        vcpus[n].state = VCPU_RUNS;
        rc = vcpu_op(VCPUOP_up, n, NULL);
    }
    return rc;
}
