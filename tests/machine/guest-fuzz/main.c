/* Three vCPUs that do whatever comes to them, to the same pages. */
#include "fuzz.h"

struct fuzz_vcpu fuzz_vcpus[NR_VCPUS];
uint8_t *arena[NR_PAGES];
volatile uint64_t arena_mfn[NR_PAGES];
grant_entry_v1_t *grants;
uint16_t self = DOMID_SELF;

static uint64_t seed = 1, first_op, nr_ops = 20000;

static const struct {
    void (*run)(struct fuzz_vcpu *v);
    unsigned int weight; /* per cent */
} kinds[] = {
    {fuzz_tables, 28},      {fuzz_store, 12},    {fuzz_descriptors, 6},
    {fuzz_grants, 12},      {fuzz_events, 8},    {fuzz_memory, 6},
    {fuzz_vcpu_op, 4},      {fuzz_multicall, 4}, {fuzz_any_call, 4},
    {fuzz_instruction, 10}, {fuzz_iret, 3},      {fuzz_settings, 3},
};

static void run_op(struct fuzz_vcpu *v)
{
    uint64_t pick;
    unsigned int i;

    v->random = (seed << 8 | (uint64_t)(v - fuzz_vcpus)) * 0x2545f4914f6cdd1d +
                v->op * 0x9e6c63d0876a9a47;
    pick = below(v, 100);
    for (i = 0; pick >= kinds[i].weight; i++)
        pick -= kinds[i].weight;
    kinds[i].run(v);
}

static void report(void)
{
    print("FUZZ seed %lu: operations %lu %lu %lu, exceptions %lu %lu %lu\n",
          seed, fuzz_vcpus[0].op, fuzz_vcpus[1].op, fuzz_vcpus[2].op,
          fuzz_vcpus[0].traps, fuzz_vcpus[1].traps, fuzz_vcpus[2].traps);
}

/* An exception begins it anew, at the next operation. */
void fuzz_loop(void *arg)
{
    uint64_t vcpu = (uint64_t)arg;
    struct fuzz_vcpu *v = &fuzz_vcpus[vcpu];
    unsigned int i;

    while (++v->op < nr_ops) {
        /* What sleeps for ever is woken by its neighbour. */
        if (v->op % 64 == 0)
            for (i = 0; i < NR_VCPUS; i++)
                if (i != vcpu)
                    hc_vcpu_op(VCPUOP_send_nmi, i, NULL);
        if (v->op % 1024 == 0 && !vcpu)
            report();
        run_op(v);
    }
    v->done = true;
    for (;;) {
        if (fuzz_vcpus[0].done && fuzz_vcpus[1].done && !vcpu)
            return;
        hc_sched_op(SCHEDOP_yield, NULL);
    }
}

static struct fuzz_vcpu *whose(const struct regs *regs)
{
    unsigned int i;

    for (i = 0; i < NR_VCPUS; i++)
        if ((uint64_t)regs - (uint64_t)fuzz_vcpus[i].stack < 2 * STACK_SIZE)
            return &fuzz_vcpus[i];
    return NULL;
}

static bool on_trap(struct regs *regs)
{
    struct fuzz_vcpu *v = whose(regs);

    if (!v)
        return false;
    if (regs->vector == VEC_EVENT || regs->vector == 2) {
        v->events++;
        shared->vcpu_info[v - fuzz_vcpus].evtchn_upcall_pending = 0;
        if (regs->cs & 3) /* user code would run on for ever */
            regs->rip = 0;
        return true;
    }
    v->traps++;
    HC2(set_debugreg, 7, 0);
    regs->rip = (uint64_t)fuzz_loop;
    regs->rdi = (uint64_t)(v - fuzz_vcpus);
    regs->rsp = (uint64_t)v->stack + 2 * STACK_SIZE - 8;
    regs->cs = FLAT_KERNEL_CS & ~3ul;
    regs->ss = FLAT_KERNEL_SS;
    regs->rflags = 2;
    if (v == fuzz_vcpus && v->done) {
        report();
        guest_shutdown(SHUTDOWN_poweroff);
    }
    return true;
}

static uint64_t option(const char *name, uint64_t otherwise)
{
    const char *s = (const char *)start_info->cmd_line;
    size_t n = strlen(name);
    uint64_t value = 0;

    for (; *s; s++)
        if (!memcmp(s, name, n) && s[n] == '=')
            break;
    if (!*s)
        return otherwise;
    for (s += n + 1; *s >= '0' && *s <= '9'; s++)
        value = value * 10 + (uint64_t)(*s - '0');
    return value;
}

static void prepare(void)
{
    /* Round and round, into the syscall that brings it back. */
    static const uint8_t user_code[] = {0x90, 0x90, 0x90, 0x90, 0x90,
                                        0x90, 0x90, 0x90, 0x0f, 0x05,
                                        0xf4, 0x0f, 0x05, 0xcc};
    static uint64_t frames[1];
    struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = 1};
    struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF,
                                         .remote_dom = DOMID_SELF};
    struct evtchn_status status = {.dom = DOMID_SELF};
    unsigned int i;

    seed = option("seed", 1);
    nr_ops = option("ops", 20000);
    first_op = option("from", 0);
    for (i = 0; i < NR_PAGES; i++) {
        arena[i] = page_alloc();
        arena_mfn[i] = va_to_mfn(arena[i]);
    }
    user_init();
    memcpy(user_code_page, user_code, sizeof(user_code));
    set_xen_guest_handle(setup.frame_list, frames);
    hc_grant_table_op(GNTTABOP_setup_table, &setup, 1);
    grants = page_alloc();
    va_map(grants, pte_make(frames[0], PTE_RW_PAGE));
    hc_event_channel_op(EVTCHNOP_alloc_unbound, &alloc);
    status.port = alloc.port;
    hc_event_channel_op(EVTCHNOP_status, &status);
    self = status.u.unbound.dom;
    hc_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables);
}

static void start(unsigned int vcpu)
{
    struct vcpu_guest_context *c;

    c = smp_context(fuzz_loop, (void *)(uint64_t)vcpu);
    c->user_regs.rsp = (uint64_t)fuzz_vcpus[vcpu].stack + 2 * STACK_SIZE;
    c->kernel_sp = c->user_regs.rsp - STACK_SIZE;
    c->ctrlreg[1] = va_to_mfn(user_l4) << 12;
    shared->vcpu_info[vcpu].evtchn_upcall_mask = 1;
    EXPECT_OK(hc_vcpu_op(VCPUOP_initialise, vcpu, c));
    EXPECT_OK(hc_vcpu_op(VCPUOP_up, vcpu, NULL));
}

/* Ends by the guest's shutdown, ours or one that it brought on itself. */
static void random_operations(void)
{
    unsigned int i;

    prepare();
    for (i = 0; i < NR_VCPUS; i++)
        fuzz_vcpus[i].op = first_op;
    print("FUZZ seed %lu begins\n", seed);
    trap_hook = on_trap;
    for (i = 1; i < NR_VCPUS; i++)
        start(i);
    HC2(stack_switch, FLAT_KERNEL_SS, fuzz_vcpus[0].stack + STACK_SIZE);
    __asm__ volatile(
        "mov %0, %%rsp; xor %%edi, %%edi; call fuzz_loop; ud2" ::"r"(
            fuzz_vcpus[0].stack + 2 * STACK_SIZE)
        : "memory");
}

const struct test guest_tests[] = {TEST(random_operations), {0}};
