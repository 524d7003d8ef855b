/*
 * Exceptions, system calls and the way back: the frame the guest sees is the
 * hardware's, as if the guest kernel ran in ring 0.
 */
#include "guest.h"

/* Code for user mode, named by its ends. */
#define USER_CODE_BLOB(name, text)                                             \
    extern const char name[], name##_end[];                                    \
    __asm__(".pushsection .rodata\n"                                           \
            ".globl " #name ", " #name "_end\n" #name ":\n" text "\n" #name    \
            "_end: .popsection")

#define RUN_USER(name) user_run(name, name##_end)

/* Every frame from guest kernel code. */
static void expect_kernel_frame(unsigned int vector, unsigned int error)
{
    EXPECT_EQ(vector, trap_seen.regs.vector);
    EXPECT_EQ(error, trap_seen.regs.error);
    EXPECT_EQ(FLAT_KERNEL_CS & ~3, trap_seen.regs.cs & 0xffff);
    EXPECT_EQ(1, (trap_seen.regs.cs >> 32) & 0xff);
    EXPECT_EQ(FLAT_KERNEL_SS, trap_seen.regs.ss & 0xffff);
    EXPECT_EQ(0, trap_seen.frame & 7);
}

static void expect_user_frame(unsigned int vector, unsigned int error)
{
    EXPECT_EQ(vector, trap_seen.regs.vector);
    EXPECT_EQ(error, trap_seen.regs.error);
    EXPECT_EQ(FLAT_USER_CS, trap_seen.regs.cs & 0xffff);
    EXPECT_EQ(USER_STACK + PAGE_SIZE, trap_seen.regs.rsp);
    /* The frame begins at the top of what stack_switch named. */
    EXPECT(trap_seen.frame > (uint64_t)trap_stack &&
           trap_seen.frame < (uint64_t)trap_stack + STACK_SIZE);
}

static void divide_error(void)
{
    extern char de_at[];

    EXPECT(TRAPS(__asm__ volatile("xor %%eax, %%eax; cltd\n"
                                  ".globl de_at\nde_at: div %%eax" ::
                                      : "eax", "edx")));
    expect_kernel_frame(0, 0);
    EXPECT_EQ((uint64_t)de_at, trap_seen.regs.rip);
}

static void invalid_opcode(void)
{
    EXPECT(TRAPS(__asm__ volatile("ud2")));
    expect_kernel_frame(6, 0);
}

static void breakpoint(void)
{
    extern char bp_after[];

    EXPECT(TRAPS(__asm__ volatile("int3\n.globl bp_after\nbp_after:")));
    expect_kernel_frame(3, 0);
    EXPECT_EQ((uint64_t)bp_after, trap_seen.regs.rip);
}

static void bad_selector_is_gp_with_its_value(void)
{
    EXPECT(TRAPS(__asm__ volatile("mov %0, %%ds" ::"r"(0x4321 & ~7))));
    expect_kernel_frame(13, 0x4321 & ~7);
    EXPECT(TRAPS(__asm__ volatile("mov %0, %%ss" ::"r"(0))));
    expect_kernel_frame(13, 0);
}

static void non_canonical_access_is_gp(void)
{
    volatile uint8_t *at = (void *)0x800000000000ul;

    EXPECT(TRAPS((void)*at));
    expect_kernel_frame(13, 0);
}

static void page_fault_codes_of_the_kernel(void)
{
    static volatile uint8_t *const none = (void *)0x7000001234ul;
    uint64_t *page = table_alloc();

    EXPECT(TRAPS((void)*none));
    expect_kernel_frame(14, 0);
    EXPECT_EQ((uint64_t)none, trap_seen.cr2);
    EXPECT(TRAPS(*none = 1));
    expect_kernel_frame(14, 2);
    EXPECT(TRAPS(*(volatile uint64_t *)&page[3] = 1));
    expect_kernel_frame(14, 3);
    EXPECT_EQ((uint64_t)&page[3], trap_seen.cr2);
    table_free(page);

    page = page_alloc();
    EXPECT_OK(va_map(page, pte_make(va_to_mfn(page), PTE_RW_PAGE) | PTE_NX));
    EXPECT(TRAPS(__asm__ volatile("call *%0" ::"r"(page) : "memory")));
    expect_kernel_frame(14, 0x11);
    EXPECT_EQ((uint64_t)page, trap_seen.cr2);
    EXPECT_EQ((uint64_t)page, trap_seen.regs.rip);
    EXPECT_OK(map_rw(page));
    page_free(page);
}

/* The old mask travels in the frame; flag 4 of the entry sets it. */
static void mask_flag_masks_and_the_frame_remembers(void)
{
    struct vcpu_info *vi = this_vcpu_info();

    vi->evtchn_upcall_pending = 0;
    vi->evtchn_upcall_mask = 0;
    EXPECT(TRAPS(__asm__ volatile("ud2")));
    EXPECT_EQ(1, trap_seen.mask);
    EXPECT_EQ(0, (trap_seen.regs.cs >> 32) & 0xff);
    EXPECT(trap_seen.regs.rflags & 0x200);
    /* The iret of the catcher put it back. */
    EXPECT_EQ(0, vi->evtchn_upcall_mask);
    vi->evtchn_upcall_mask = 1;

    trap_set(6, 0, trap_stub(6));
    vi->evtchn_upcall_mask = 0;
    EXPECT(TRAPS(__asm__ volatile("ud2")));
    EXPECT_EQ(0, trap_seen.mask);
    vi->evtchn_upcall_mask = 1;
    EXPECT(TRAPS(__asm__ volatile("ud2")));
    EXPECT(!(trap_seen.regs.rflags & 0x200));
    trap_set(6, 4, trap_stub(6));
}

static void software_interrupt_0x80_arrives(void)
{
    extern char int80_after[];

    EXPECT(TRAPS(__asm__ volatile("int $0x80\n"
                                  ".globl int80_after\nint80_after:")));
    expect_kernel_frame(0x80, 0);
    EXPECT_EQ((uint64_t)int80_after, trap_seen.regs.rip);
}

/*
 * A vector without a gate of its own in the hypervisor. The emulator gives
 * the wrong error code for it (n*16+2 for n*8+2), and who believes that code
 * takes vector 0x21 for 0x42.
 */
static void software_interrupt_n_arrives(void)
{
    extern char int21_after[];

    trap_set(0x21, 4 | 3, trap_stub(0x21));
    trap_set(0x42, 4 | 3, trap_stub(0x42));
    EXPECT(TRAPS(__asm__ volatile("int $0x21\n"
                                  ".globl int21_after\nint21_after:")));
    trap_set(0x21, 4, trap_stub(0x21));
    trap_set(0x42, 4, trap_stub(0x42));
    if (trap_seen.regs.vector == 0x42) {
        test_skip("vector taken from the emulator's wrong error code");
        return;
    }
    expect_kernel_frame(0x21, 0);
    EXPECT_EQ((uint64_t)int21_after, trap_seen.regs.rip);
}

USER_CODE_BLOB(user_int21, "int $0x21; syscall");

static void software_interrupt_above_its_level_is_gp(void)
{
    RUN_USER(user_int21);
    EXPECT_EQ(13, trap_seen.regs.vector);
    EXPECT_EQ(USER_CODE, trap_seen.regs.rip);
    if (trap_seen.regs.error != 0x21 * 16 + 2)
        EXPECT_EQ(0x21 * 8 + 2, trap_seen.regs.error);
    note("error code of int 0x21", trap_seen.regs.error);
}

static void single_step_traps_after_one_instruction(void)
{
    extern char tf_after[];

    EXPECT(TRAPS(__asm__ volatile("pushf; orq $0x100, (%%rsp); popf; nop\n"
                                  ".globl tf_after\ntf_after: nop; nop" ::
                                      : "memory", "cc")));
    expect_kernel_frame(1, 0);
    EXPECT_EQ((uint64_t)tf_after, trap_seen.regs.rip);
    EXPECT(trap_seen.regs.rflags & 0x100);
    EXPECT(HC1(get_debugreg, 6) & 0x4000);
    EXPECT_OK(HC2(set_debugreg, 6, 0));
}

/* Hypercalls under TF: the trap comes after, and nobody dies. */
static void single_step_over_a_hypercall(void)
{
    bool trapped = TRAPS(__asm__ volatile(
        "mov $17, %%eax; xor %%edi, %%edi; xor %%esi, %%esi\n"
        "pushf; orq $0x100, (%%rsp); popf; syscall; nop; nop" ::
            : "rax", "rdi", "rsi", "rcx", "r11", "memory", "cc"));

    note("stepped over a hypercall into a trap", trapped);
    EXPECT(!trapped || trap_seen.regs.vector == 1);
    HC2(set_debugreg, 6, 0);
}

static void hardware_breakpoint_on_a_write(void)
{
    static volatile uint64_t watched;

    EXPECT_OK(HC2(set_debugreg, 0, &watched));
    EXPECT_OK(HC2(set_debugreg, 7, 0xd0403));
    EXPECT_EQ((uint64_t)&watched, HC1(get_debugreg, 0));
    EXPECT(TRAPS(watched = 5; __asm__ volatile("nop")));
    expect_kernel_frame(1, 0);
    EXPECT_EQ(5, watched);
    EXPECT(HC1(get_debugreg, 6) & 1);
    EXPECT_OK(HC2(set_debugreg, 7, 0));
    EXPECT_OK(HC2(set_debugreg, 6, 0));
    EXPECT(!TRAPS(watched = 6));
}

/* No watching the hypervisor, no traps out of its own code. */
static void bad_debug_registers_are_refused(void)
{
    EXPECT_REFUSED(HC2(set_debugreg, 0, 0xffff830000000000ul));
    EXPECT_REFUSED(HC2(set_debugreg, 0, 0x900000000000ul));
    EXPECT_REFUSED(HC2(set_debugreg, 9, 0));
    EXPECT_REFUSED(HC1(get_debugreg, 8));
    note("DR7 with general detect", HC2(set_debugreg, 7, 0x2400));
    EXPECT(!(HC1(get_debugreg, 7) & 0x2000));
    note("DR7 with an I/O breakpoint", HC2(set_debugreg, 7, 0x20401));
    EXPECT_OK(HC2(set_debugreg, 7, 0));
}

/* rax, rcx, r11 and the flags come back from an iret. */
static void iret_restores_every_register(void)
{
    struct iret_frame f = {
        .rax = 0x1234567887654321,
        .r11 = 0xabcd,
        .rcx = 0xef01,
        .cs = FLAT_KERNEL_CS & ~3,
        .ss = FLAT_KERNEL_SS,
        .rflags = 0x8d7,
    };
    uint64_t rax, rcx, r11, flags;

    __asm__ volatile("lea 1f(%%rip), %%rax; mov %%rax, 32(%4)\n"
                     "mov %%rsp, 56(%4); mov %4, %%rsp; mov $23, %%eax\n"
                     "syscall\n"
                     "1: mov %%r11, %%rdx; pushf; pop %3"
                     : "=&a"(rax), "=&c"(rcx), "=&d"(r11), "=&b"(flags)
                     : "r"(&f)
                     : "r11", "memory", "cc");
    EXPECT_EQ(f.rax, rax);
    EXPECT_EQ(f.rcx, rcx);
    EXPECT_EQ(f.r11, r11);
    EXPECT_EQ(0x8d7 | 0x200, flags);
    /* IF was clear in the frame: events are masked. */
    EXPECT_EQ(1, this_vcpu_info()->evtchn_upcall_mask);
}

/* IOPL and VM never come from a guest. */
static void iret_filters_the_flags(void)
{
    struct iret_frame f = {
        .cs = FLAT_KERNEL_CS & ~3,
        .ss = FLAT_KERNEL_SS,
        .rflags = 0x3000 | 0x20000 | 2,
    };
    uint64_t flags;

    __asm__ volatile("lea 1f(%%rip), %%rax; mov %%rax, 32(%1)\n"
                     "mov %%rsp, 56(%1); mov %1, %%rsp; mov $23, %%eax\n"
                     "syscall\n"
                     "1: pushf; pop %0"
                     : "=&b"(flags)
                     : "r"(&f)
                     : "rax", "rcx", "r11", "memory", "cc");
    EXPECT_EQ(0x202, flags & ~0x8d5ul);
}

USER_CODE_BLOB(user_syscall,
               "mov $0x77, %eax; mov $0x88, %r15d; std; syscall\n");

static void system_call_from_user_mode(void)
{
    RUN_USER(user_syscall);
    expect_user_frame(VEC_SYSCALL, 0);
    EXPECT_EQ(USER_CODE + (uint64_t)(user_syscall_end - user_syscall),
              trap_seen.regs.rip);
    EXPECT_EQ(trap_seen.regs.rip, trap_seen.regs.rcx);
    EXPECT_EQ(trap_seen.regs.rflags & ~0x200ul, trap_seen.regs.r11 & ~0x200ul);
    EXPECT_EQ(0x77, trap_seen.regs.rax);
    EXPECT_EQ(0x88, trap_seen.regs.r15);
    EXPECT_EQ(1, trap_seen.mask);
    __asm__ volatile("cld");
}

/* In user mode a hypercall is only a system call. */
USER_CODE_BLOB(user_hypercall, "mov $29, %eax; mov $2, %edi\n"
                               "mov $0x10002000, %esi; syscall\n");

static void user_mode_makes_no_hypercall(void)
{
    RUN_USER(user_hypercall);
    expect_user_frame(VEC_SYSCALL, 0);
    EXPECT_EQ(29, trap_seen.regs.rax);
}

USER_CODE_BLOB(user_pf_read, "mov 0x20000000, %eax; syscall");
USER_CODE_BLOB(user_pf_write,
               "mov $0x10000000, %eax; movl $0, (%rax); syscall");
USER_CODE_BLOB(user_pf_kernel, "mov $0xffffffff80100000, %rax\n"
                               "mov (%rax), %eax; syscall");
USER_CODE_BLOB(user_pf_m2p, "mov $0xffff830000000000, %rax\n"
                            "mov (%rax), %eax; syscall");
USER_CODE_BLOB(user_ud, "ud2");
USER_CODE_BLOB(user_int3, "int3");
USER_CODE_BLOB(user_cli, "cli; syscall");
USER_CODE_BLOB(user_in, "in $0x60, %al; syscall");
USER_CODE_BLOB(user_cr, "mov %cr3, %rax; syscall");
USER_CODE_BLOB(user_hlt, "hlt; syscall");
USER_CODE_BLOB(user_rdmsr, "mov $0xc0000080, %ecx; rdmsr; syscall");

static void user_faults_say_so(void)
{
    RUN_USER(user_pf_read);
    expect_user_frame(14, 4);
    EXPECT_EQ(0x20000000, trap_seen.cr2);
    EXPECT_EQ(USER_CODE, trap_seen.regs.rip);
    RUN_USER(user_pf_write);
    expect_user_frame(14, 7);
    RUN_USER(user_pf_kernel);
    expect_user_frame(14, 4);
    EXPECT_EQ(0xffffffff80100000, trap_seen.cr2);
    RUN_USER(user_pf_m2p);
    EXPECT_EQ(14, trap_seen.regs.vector);
    EXPECT_EQ(4, trap_seen.regs.error & 6);
    RUN_USER(user_ud);
    expect_user_frame(6, 0);
    RUN_USER(user_int3);
    expect_user_frame(3, 0);
    EXPECT_EQ(USER_CODE + 1, trap_seen.regs.rip);
}

static void user_mode_has_no_privilege(void)
{
    struct physdev_set_iopl iopl = {.iopl = 1};

    EXPECT_OK(hc_physdev_op(PHYSDEVOP_set_iopl, &iopl));
    RUN_USER(user_cli);
    expect_user_frame(13, 0);
    RUN_USER(user_in);
    expect_user_frame(13, 0);
    RUN_USER(user_cr);
    expect_user_frame(13, 0);
    RUN_USER(user_hlt);
    expect_user_frame(13, 0);
    RUN_USER(user_rdmsr);
    expect_user_frame(13, 0);
    iopl.iopl = 0;
    EXPECT_OK(hc_physdev_op(PHYSDEVOP_set_iopl, &iopl));
}

USER_CODE_BLOB(user_step, "nop; nop; syscall");

static void user_single_step(void)
{
    user_init();
    memcpy(user_code_page, user_step, (size_t)(user_step_end - user_step));
    user_enter(USER_CODE, 0x302, FLAT_USER_CS, FLAT_USER_SS);
    expect_user_frame(1, 0);
    EXPECT_EQ(USER_CODE + 1, trap_seen.regs.rip);
    HC2(set_debugreg, 6, 0);
}

/* The frame goes where stack_switch says. */
static void stack_switch_moves_the_kernel_stack(void)
{
    static uint8_t other[4096] __attribute__((aligned(16)));

    EXPECT_OK(HC2(stack_switch, FLAT_KERNEL_SS, other + sizeof(other)));
    RUN_USER(user_syscall);
    EXPECT(trap_seen.frame > (uint64_t)other &&
           trap_seen.frame < (uint64_t)other + sizeof(other));
    EXPECT_OK(HC2(stack_switch, FLAT_KERNEL_SS, trap_stack + STACK_SIZE));
    __asm__ volatile("cld");
}

/* An iret that the hardware refuses comes back, it kills nobody. */
static void iret_to_nonsense_comes_back(void)
{
    static const struct {
        const char *what;
        uint64_t rip, cs, ss, rflags;
    } bad[] = {
        {"user rip beyond canonical", 0x800000000000, 0xe033, 0xe02b, 0x202},
        {"user rip in the hypervisor", 0xffff830000000000, 0xe033, 0xe02b,
         0x202},
        {"user cs null", USER_CODE, 3, 0xe02b, 0x202},
        {"user cs beyond the GDT", USER_CODE, 0xffff, 0xe02b, 0x202},
        {"user cs of the hypervisor", USER_CODE, 0xe00b, 0xe02b, 0x202},
        {"user cs is data", USER_CODE, 0xe02b, 0xe02b, 0x202},
        {"user ss is code", USER_CODE, 0xe033, 0xe033, 0x202},
        {"user ss beyond the GDT", USER_CODE, 0xe033, 0xfff3, 0x202},
        {"user cs of ring 1", USER_CODE, 0xe031, 0xe029, 0x202},
        {"user cs 32-bit", USER_CODE, 0xe023, 0xe02b, 0x202},
        {"user with NT", USER_CODE, 0xe033, 0xe02b, 0x4202},
        {"kernel rip beyond canonical", 0x800000000000, 0xe030, 0xe02b, 0x202},
        {"kernel cs beyond the GDT", USER_CODE, 0xfff0, 0xe02b, 0x202},
        {"kernel cs of the hypervisor", USER_CODE, 0xe008, 0xe02b, 0x202},
    };
    unsigned int i;

    user_init();
    memset(user_code_page, 0x0f, 1);
    memset(user_code_page + 1, 0x0b, 1);
    for (i = 0; i < ARRAY_SIZE(bad); i++) {
        trap_seen.regs.vector = 0;
        user_enter(bad[i].rip, bad[i].rflags, bad[i].cs, bad[i].ss);
        note(bad[i].what, trap_seen.regs.vector);
        EXPECT(trap_seen.regs.vector);
    }
}

static void device_not_available_by_taskswitch(void)
{
    EXPECT_OK(HC1(fpu_taskswitch, 1));
    EXPECT(TRAPS(__asm__ volatile("fnop")));
    expect_kernel_frame(7, 0);
    EXPECT_OK(HC1(fpu_taskswitch, 1));
    EXPECT(TRAPS(__asm__ volatile("movaps %xmm0, %xmm1")));
    expect_kernel_frame(7, 0);
    EXPECT_OK(HC1(fpu_taskswitch, 0));
    EXPECT(!TRAPS(__asm__ volatile("fnop")));
}

static void trap_table_wants_canonical_handlers(void)
{
    struct trap_info table[2] = {{0x30, 4, FLAT_KERNEL_CS, 0x800000000000},
                                 {0}};

    EXPECT_REFUSED(HC1(set_trap_table, table));
    EXPECT_EQ(-XEN_EFAULT, HC1(set_trap_table, 0x7000000000ul));
}

static void callbacks_want_canonical_handlers(void)
{
    struct callback_register reg = {
        .type = CALLBACKTYPE_event,
        .address = 0x800000000000,
    };
    struct callback_unregister unreg = {.type = CALLBACKTYPE_event};

    EXPECT_REFUSED(hc_callback_op(CALLBACKOP_register, &reg));
    reg.type = 99;
    reg.address = (uint64_t)entry_event;
    EXPECT_REFUSED(hc_callback_op(CALLBACKOP_register, &reg));
    EXPECT_REFUSED(hc_callback_op(CALLBACKOP_unregister, &unreg));
    EXPECT_REFUSED(hc_callback_op(77, &reg));
}

static void nmi_to_oneself(void)
{
    struct xennmi_callback cb = {.handler_address = trap_stub(2)};
    bool trapped;

    EXPECT_OK(HC2(nmi_op, XENNMI_register_callback, &cb));
    trapped = TRAPS(hc_vcpu_op(VCPUOP_send_nmi, 0, NULL));
    EXPECT(trapped);
    EXPECT_EQ(2, trap_seen.regs.vector);
    EXPECT_OK(HC1(nmi_op, XENNMI_unregister_callback));
}

const struct test guest_tests[] = {
    TEST(divide_error),
    TEST(invalid_opcode),
    TEST(breakpoint),
    TEST(bad_selector_is_gp_with_its_value),
    TEST(non_canonical_access_is_gp),
    TEST(page_fault_codes_of_the_kernel),
    TEST(mask_flag_masks_and_the_frame_remembers),
    TEST(software_interrupt_0x80_arrives),
    TEST(software_interrupt_n_arrives),
    TEST(software_interrupt_above_its_level_is_gp),
    TEST(single_step_traps_after_one_instruction),
    TEST(single_step_over_a_hypercall),
    TEST(hardware_breakpoint_on_a_write),
    TEST(bad_debug_registers_are_refused),
    TEST(iret_restores_every_register),
    TEST(iret_filters_the_flags),
    TEST(system_call_from_user_mode),
    TEST(user_mode_makes_no_hypercall),
    TEST(user_faults_say_so),
    TEST(user_mode_has_no_privilege),
    TEST(user_single_step),
    TEST(stack_switch_moves_the_kernel_stack),
    TEST(iret_to_nonsense_comes_back),
    TEST(device_not_available_by_taskswitch),
    TEST(trap_table_wants_canonical_handlers),
    TEST(callbacks_want_canonical_handlers),
    TEST(nmi_to_oneself),
    {0},
};
