/* Hypercalls as such: multicalls, privilege, versions, bad pointers. */
#include "guest.h"
#include <xen/domctl.h>
#include <xen/platform.h>
#include <xen/sysctl.h>

/* A hypercall page of our own, which the toolstack asks to be filled. */
__asm__(".pushsection .note.Xen, \"a\", @note\n"
        ".balign 4\n"
        ".long 4, 8, 2\n"
        ".asciz \"Xen\"\n"
        ".quad hypercall_page\n"
        ".popsection\n"
        ".pushsection .bss\n"
        ".balign 4096\n"
        ".globl hypercall_page\n"
        "hypercall_page: .skip 4096\n"
        ".popsection");
extern char hypercall_page[];

static int64_t page_call(unsigned int nr, uint64_t a1, uint64_t a2)
{
    int64_t ret;

    __asm__ volatile("call *%3"
                     : "=a"(ret), "+D"(a1), "+S"(a2)
                     : "b"((uint64_t)hypercall_page + nr * 32)
                     : "rcx", "rdx", "r8", "r10", "r11", "memory");
    return ret;
}

static void the_hypercall_page_works(void)
{
    EXPECT_EQ(hc_xen_version(XENVER_version, NULL),
              page_call(__HYPERVISOR_xen_version, XENVER_version, 0));
    EXPECT_OK(page_call(__HYPERVISOR_sched_op, SCHEDOP_yield, 0));
    EXPECT_EQ(-XEN_ENOSYS, page_call(60, 0, 0));
}

/* All but rax, rcx and r11; flags too, and the stack's red zone unharmed. */
static void other_registers_survive(void)
{
    static uint64_t want[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, got[9], flags;

    __asm__ volatile("push %%rbp; mov %0, %%rax\n"
                     "mov (%%rax), %%rbx; mov 8(%%rax), %%rbp\n"
                     "mov 16(%%rax), %%r12; mov 24(%%rax), %%r13\n"
                     "mov 32(%%rax), %%r14; mov 40(%%rax), %%r15\n"
                     "mov 48(%%rax), %%r9; mov 56(%%rax), %%r10\n"
                     "mov 64(%%rax), %%r8\n"
                     "mov $17, %%eax; xor %%edi, %%edi; xor %%esi, %%esi\n"
                     "stc; syscall\n"
                     "mov %1, %%rax\n"
                     "mov %%rbx, (%%rax); mov %%rbp, 8(%%rax)\n"
                     "mov %%r12, 16(%%rax); mov %%r13, 24(%%rax)\n"
                     "mov %%r14, 32(%%rax); mov %%r15, 40(%%rax)\n"
                     "mov %%r9, 48(%%rax); mov %%r10, 56(%%rax)\n"
                     "mov %%r8, 64(%%rax); pushf; pop %2; pop %%rbp"
                     :
                     : "i"(want), "i"(got), "m"(flags)
                     : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9",
                       "r10", "r11", "r12", "r13", "r14", "r15", "memory",
                       "cc");
    EXPECT_EQ(0, memcmp(want, got, sizeof(want)));
    EXPECT_EQ(0x201, flags & 0x201);
}

static void multicalls_carry_results_per_entry(void)
{
    struct multicall_entry m[4] = {
        {.op = __HYPERVISOR_xen_version, .args = {XENVER_version}},
        {.op = 60},
        {.op = __HYPERVISOR_event_channel_op,
         .args = {EVTCHNOP_send, 0x7000000000}},
        {.op = __HYPERVISOR_vcpu_op, .args = {VCPUOP_is_up, 0}},
    };

    EXPECT_OK(HC2(multicall, m, 4));
    EXPECT_EQ(0x40011, m[0].result);
    EXPECT_EQ(-XEN_ENOSYS, (int64_t)m[1].result);
    EXPECT_EQ(-XEN_EFAULT, (int64_t)m[2].result);
    EXPECT_EQ(1, m[3].result);
    EXPECT_OK(HC2(multicall, m, 0));
}

static void multicalls_do_not_nest(void)
{
    struct multicall_entry inner = {.op = __HYPERVISOR_xen_version};
    struct multicall_entry m = {.op = __HYPERVISOR_multicall,
                                .args = {(uint64_t)&inner, 1}};

    inner.result = 99;
    EXPECT_OK(HC2(multicall, &m, 1));
    EXPECT_EQ(-XEN_EINVAL, (int64_t)m.result);
    EXPECT_EQ(99, inner.result);
}

static void bad_multicalls_are_faults(void)
{
    uint64_t *page = page_alloc();
    struct multicall_entry *m = (struct multicall_entry *)page;

    EXPECT_EQ(-XEN_EFAULT, HC2(multicall, 0x7000000000, 1));
    EXPECT_REFUSED(HC2(multicall, 0x7000000000, ~0ul));
    EXPECT_EQ(-XEN_EFAULT, HC2(multicall, 0xffff830000000000, 1));
    /* Entries that can be read but not written: no result, an error. */
    m->op = __HYPERVISOR_xen_version;
    EXPECT_OK(map_ro(page));
    EXPECT_EQ(-XEN_EFAULT, HC2(multicall, m, 1));
    EXPECT_OK(map_rw(page));
    page_free(page);
}

/* A batch long enough to give way in the middle. */
static void long_multicalls_finish(void)
{
    static struct multicall_entry m[2000];
    unsigned int i, bad = 0;

    for (i = 0; i < 2000; i++) {
        m[i].op = __HYPERVISOR_xen_version;
        m[i].result = 99;
    }
    EXPECT_OK(HC2(multicall, m, 2000));
    for (i = 0; i < 2000; i++)
        bad += m[i].result != 0x40011;
    EXPECT_EQ(0, bad);
}

static void long_mmu_updates_finish(void)
{
    static struct mmu_update req[4096];
    uint64_t *t = table_alloc(), *data = page_alloc();
    unsigned int i, done = 0;

    EXPECT_OK(pin_level(1, va_to_mfn(t)));
    for (i = 0; i < 4096; i++) {
        req[i].ptr = entry_addr(t, i % 512);
        req[i].val = i < 4096 - 512
                         ? pte_make(va_to_mfn(data), PTE_RW_PAGE)
                         : 0;
    }
    EXPECT_OK(hc_mmu_update(req, 4096, &done, DOMID_SELF));
    EXPECT_EQ(4096, done);
    for (i = 0; i < 512; i++)
        EXPECT_EQ(0, t[i]);
    EXPECT_OK(unpin(va_to_mfn(t)));
    table_free(t);
    page_free(data);
}

static void unknown_hypercalls_are_enosys(void)
{
    static const uint64_t numbers[] = {11, 31, 43,   47,        55,
                                       56, 64, 1000, 1ul << 31, ~0ul};
    unsigned int i;

    for (i = 0; i < ARRAY_SIZE(numbers); i++)
        EXPECT_EQ(-XEN_ENOSYS, hypercall(numbers[i], 0, 0, 0, 0, 0));
}

static void version_queries(void)
{
    static char text[1100];
    static struct xen_feature_info info;
    struct xen_platform_parameters params = {0};

    EXPECT_EQ(0x40011, hc_xen_version(XENVER_version, NULL));
    EXPECT_OK(hc_xen_version(XENVER_extraversion, text));
    print("extraversion %s\n", text);
    EXPECT_OK(hc_xen_version(XENVER_capabilities, text));
    EXPECT(!memcmp(text, "xen-3.0-x86_64", 14));
    EXPECT_OK(hc_xen_version(XENVER_platform_parameters, &params));
    note("platform parameters", (int64_t)params.virt_start);
    EXPECT_OK(hc_xen_version(XENVER_get_features, &info));
    EXPECT(!(info.submap & (1u << XENFEAT_writable_page_tables |
                            1u << XENFEAT_auto_translated_physmap |
                            1u << XENFEAT_dom0)));
    EXPECT(info.submap & 1u << XENFEAT_mmu_pt_update_preserve_ad);
    info.submap_idx = 1;
    EXPECT_OK(hc_xen_version(XENVER_get_features, &info));
    EXPECT_EQ(0, info.submap);
    info.submap_idx = 99;
    EXPECT_EQ(-XEN_EINVAL, hc_xen_version(XENVER_get_features, &info));
    EXPECT_EQ(4096, hc_xen_version(XENVER_pagesize, NULL));
    EXPECT_OK(hc_xen_version(XENVER_guest_handle, text));
    EXPECT_EQ(-XEN_ENOSYS, hc_xen_version(99, NULL));
    EXPECT_EQ(-XEN_EFAULT,
              hc_xen_version(XENVER_capabilities, (void *)0x7000000000));
    EXPECT_EQ(-XEN_EFAULT, hc_xen_version(XENVER_get_features, NULL));
}

static struct xen_domctl domctl;
static struct xen_sysctl sysctl;
static struct xen_platform_op platform;

static void toolstack_calls_are_not_a_guests(void)
{
    unsigned int i, taken = 0;

    domctl.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    sysctl.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    platform.interface_version = XENPF_INTERFACE_VERSION;
    for (i = 0; i < 100; i++) {
        domctl.cmd = sysctl.cmd = platform.cmd = i;
        domctl.domain = 0;
        taken += HC1(domctl, &domctl) >= 0;
        domctl.domain = DOMID_SELF;
        taken += HC1(domctl, &domctl) >= 0;
        domctl.domain = 999;
        taken += HC1(domctl, &domctl) >= 0;
        taken += HC1(sysctl, &sysctl) >= 0;
        taken += HC1(platform_op, &platform) >= 0;
    }
    EXPECT_EQ(0, taken);
    domctl.cmd = XEN_DOMCTL_pausedomain;
    domctl.domain = 0;
    EXPECT_EQ(-XEN_EPERM, HC1(domctl, &domctl));
    domctl.cmd = XEN_DOMCTL_createdomain;
    EXPECT_EQ(-XEN_EPERM, HC1(domctl, &domctl));
    sysctl.cmd = XEN_SYSCTL_physinfo;
    EXPECT_EQ(-XEN_EPERM, HC1(sysctl, &sysctl));
    platform.cmd = XENPF_settime64;
    EXPECT_EQ(-XEN_EPERM, HC1(platform_op, &platform));
    domctl.interface_version = 1;
    sysctl.interface_version = 1;
    EXPECT_REFUSED(HC1(domctl, &domctl));
    EXPECT_REFUSED(HC1(sysctl, &sysctl));
}

static void devices_are_not_a_guests(void)
{
    struct physdev_map_pirq map = {.domid = DOMID_SELF,
                                   .type = MAP_PIRQ_TYPE_GSI,
                                   .index = 4,
                                   .pirq = 4};
    struct physdev_setup_gsi gsi = {.gsi = 4};
    struct physdev_apic apic = {.apic_physbase = 0xfec00000};
    struct physdev_pci_device pci = {.devfn = 0x20};
    struct physdev_eoi eoi = {.irq = 4};
    struct physdev_irq irq = {.irq = 4};

    EXPECT_REFUSED(hc_physdev_op(PHYSDEVOP_map_pirq, &map));
    EXPECT_REFUSED(hc_physdev_op(PHYSDEVOP_setup_gsi, &gsi));
    EXPECT_REFUSED(hc_physdev_op(PHYSDEVOP_apic_read, &apic));
    EXPECT_REFUSED(hc_physdev_op(PHYSDEVOP_apic_write, &apic));
    EXPECT_REFUSED(hc_physdev_op(PHYSDEVOP_prepare_msix, &pci));
    EXPECT_REFUSED(hc_physdev_op(PHYSDEVOP_eoi, &eoi));
    EXPECT_REFUSED(hc_physdev_op(PHYSDEVOP_alloc_irq_vector, &irq));
    EXPECT_REFUSED(hc_physdev_op(99, &irq));
}

static void the_console_call_is_bounded(void)
{
    char c[16];

    note("console write", hc_console_io(CONSOLEIO_write, 0, c));
    EXPECT_REFUSED(hc_console_io(CONSOLEIO_read, 16, c));
    EXPECT_REFUSED(hc_console_io(77, 1, c));
    EXPECT_REFUSED(hc_console_io(CONSOLEIO_write, 1ul << 31, c));
    note("console write from nowhere",
         hc_console_io(CONSOLEIO_write, 4, 0x7000000000));
}

static void vm_assists_are_bounded(void)
{
    EXPECT_OK(hc_vm_assist(VMASST_CMD_enable, VMASST_TYPE_4gb_segments));
    EXPECT_OK(hc_vm_assist(VMASST_CMD_disable, VMASST_TYPE_4gb_segments));
    EXPECT_REFUSED(hc_vm_assist(VMASST_CMD_enable, 31));
    EXPECT_REFUSED(hc_vm_assist(VMASST_CMD_enable, 64));
    EXPECT_REFUSED(hc_vm_assist(VMASST_CMD_enable, ~0u));
    EXPECT_REFUSED(hc_vm_assist(7, 0));
}

static void scheduling_calls_are_bounded(void)
{
    struct sched_remote_shutdown remote = {.domain_id = 0,
                                           .reason = SHUTDOWN_crash};
    struct sched_watchdog dog = {.id = 99, .timeout = 1};

    EXPECT_REFUSED(hc_sched_op(SCHEDOP_remote_shutdown, &remote));
    EXPECT_REFUSED(hc_sched_op(SCHEDOP_watchdog, &dog));
    EXPECT_EQ(-XEN_ENOSYS, hc_sched_op(99, NULL));
    EXPECT_EQ(-XEN_EFAULT, hc_sched_op(SCHEDOP_shutdown, 0x7000000000));
    EXPECT_EQ(-XEN_EFAULT, hc_sched_op(SCHEDOP_poll, 0x7000000000));
    EXPECT_OK(hc_sched_op(SCHEDOP_yield, NULL));
}

/* A structure that ends where the mapping does: no byte beyond is taken. */
static void arguments_at_the_edge_of_a_page(void)
{
    uint8_t *pages = page_alloc(), *next = page_alloc();
    struct evtchn_status *st;

    if (next != pages + PAGE_SIZE) {
        test_skip("the pool gave no two pages in a row");
        return;
    }
    EXPECT_OK(va_map(next, 0));
    st = (struct evtchn_status *)(next - sizeof(*st));
    st->dom = DOMID_SELF;
    st->port = start_info->store_evtchn;
    EXPECT_OK(hc_event_channel_op(EVTCHNOP_status, st));
    EXPECT_EQ(EVTCHNSTAT_interdomain, st->status);
    EXPECT_EQ(-XEN_EFAULT,
              hc_event_channel_op(EVTCHNOP_status, (uint8_t *)st + 8));
    /* Results into a read-only page: a fault, and the page unharmed. */
    EXPECT_OK(map_ro(pages));
    EXPECT_EQ(-XEN_EFAULT, hc_event_channel_op(EVTCHNOP_status, st));
    EXPECT_OK(map_rw(pages));
    EXPECT_OK(map_rw(next));
}

const struct test guest_tests[] = {
    TEST(the_hypercall_page_works),
    TEST(other_registers_survive),
    TEST(multicalls_carry_results_per_entry),
    TEST(multicalls_do_not_nest),
    TEST(bad_multicalls_are_faults),
    TEST(long_multicalls_finish),
    TEST(long_mmu_updates_finish),
    TEST(unknown_hypercalls_are_enosys),
    TEST(version_queries),
    TEST(toolstack_calls_are_not_a_guests),
    TEST(devices_are_not_a_guests),
    TEST(the_console_call_is_bounded),
    TEST(vm_assists_are_bounded),
    TEST(scheduling_calls_are_bounded),
    TEST(arguments_at_the_edge_of_a_page),
    {0},
};
