/*
 * Privileged instructions of a guest kernel in ring 3: emulated, swallowed or
 * refused with the guest's own fault, and never with an effect on the host.
 */
#include "guest.h"

static uint64_t msr_value;

static bool rdmsr_traps(uint32_t msr)
{
    uint32_t lo = 0, hi = 0;
    bool trapped = TRAPS(__asm__ volatile("rdmsr"
                                          : "=a"(lo), "=d"(hi)
                                          : "c"(msr)));

    msr_value = (uint64_t)hi << 32 | lo;
    return trapped;
}

static bool wrmsr_traps(uint32_t msr, uint64_t value)
{
    return TRAPS(__asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)value),
                                  "d"((uint32_t)(value >> 32))));
}

static uint64_t read_cr4(void)
{
    uint64_t value;

    __asm__ volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}

static uint64_t read_cr0(void)
{
    uint64_t value;

    __asm__ volatile("mov %%cr0, %0" : "=r"(value));
    return value;
}

static void set_iopl(unsigned int level)
{
    struct physdev_set_iopl op = {.iopl = level};

    EXPECT_OK(hc_physdev_op(PHYSDEVOP_set_iopl, &op));
}

static void cr0_shows_ts_and_takes_no_other_change(void)
{
    uint64_t cr0 = read_cr0();

    EXPECT((cr0 & 0x80010001) == 0x80010001);
    EXPECT_OK(HC1(fpu_taskswitch, 1));
    EXPECT(read_cr0() & 8);
    EXPECT(!TRAPS(__asm__ volatile("clts")));
    EXPECT(!(read_cr0() & 8));
    EXPECT(!TRAPS(__asm__ volatile("mov %0, %%cr0" ::"r"(cr0 | 8))));
    EXPECT(read_cr0() & 8);
    EXPECT(!TRAPS(__asm__ volatile("mov %0, %%cr0" ::"r"(cr0 & ~8ul))));
    EXPECT(TRAPS(__asm__ volatile("mov %0, %%cr0" ::"r"(cr0 & ~(1ul << 31)))));
    EXPECT_EQ(13, trap_seen.regs.vector);
    EXPECT(TRAPS(__asm__ volatile("mov %0, %%cr0" ::"r"(cr0 & ~(1ul << 16)))));
    EXPECT_EQ(cr0 & ~8ul, read_cr0() & ~8ul);
}

static void cr2_is_the_guests(void)
{
    uint64_t value = 0;

    EXPECT(!TRAPS(__asm__ volatile("mov %0, %%cr2" ::"r"(0x123456789abul))));
    EXPECT(!TRAPS(__asm__ volatile("mov %%cr2, %0" : "=r"(value))));
    EXPECT_EQ(0x123456789ab, value);
    EXPECT_EQ(0x123456789ab, this_vcpu_info()->arch.cr2);
}

static void cr3_names_the_l4(void)
{
    uint64_t value = 0, *page = page_alloc();

    EXPECT(!TRAPS(__asm__ volatile("mov %%cr3, %0" : "=r"(value))));
    EXPECT_EQ(va_to_mfn((void *)start_info->pt_base) << 12, value);
    EXPECT(!TRAPS(__asm__ volatile("mov %0, %%cr3" ::"r"(value) : "memory")));
    EXPECT(TRAPS(__asm__ volatile("mov %0, %%cr3" ::"r"(va_to_mfn(page) << 12)
                                  : "memory")));
    EXPECT_EQ(13, trap_seen.regs.vector);
    page_free(page);
}

static void cr4_keeps_the_hosts_bits(void)
{
    uint64_t cr4 = read_cr4();

    note("cr4", (int64_t)cr4);
    EXPECT(cr4 & 0x20);
    EXPECT(!(cr4 & (1ul << 20 | 1ul << 21 | 1ul << 13 | 1ul << 17)));
    note("writing every bit traps",
         TRAPS(__asm__ volatile("mov %0, %%cr4" ::"r"(0xfffffffful))));
    EXPECT(!(read_cr4() & (1ul << 20 | 1ul << 21 | 1ul << 13)));
    note("clearing every bit traps",
         TRAPS(__asm__ volatile("mov %0, %%cr4" ::"r"(0ul))));
    EXPECT(read_cr4() & 0x20);
    EXPECT(!TRAPS(__asm__ volatile("mov %0, %%cr4" ::"r"(cr4))));
    EXPECT_EQ(cr4, read_cr4());
}

/* The bit that the guest may have: it decides whether wrfsbase works. */
static void fsgsbase_follows_the_guests_cr4(void)
{
    uint64_t cr4 = read_cr4(), base = 0;

    EXPECT(!TRAPS(__asm__ volatile("mov %0, %%cr4" ::"r"(cr4 | 1ul << 16))));
    EXPECT(read_cr4() & 1ul << 16);
    EXPECT(!TRAPS(__asm__ volatile("wrfsbase %0" ::"r"(0x123000ul))));
    EXPECT(!TRAPS(__asm__ volatile("rdfsbase %0" : "=r"(base))));
    EXPECT_EQ(0x123000, base);
    EXPECT(!TRAPS(__asm__ volatile("mov %0, %%cr4" ::"r"(cr4 & ~(1ul << 16)))));
    EXPECT(TRAPS(__asm__ volatile("rdfsbase %0" : "=r"(base))));
    EXPECT_EQ(6, trap_seen.regs.vector);
}

struct cpuid {
    uint32_t a, b, c, d;
};

static struct cpuid cpuid_forced(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid r;

    __asm__ volatile(XEN_EMULATE_PREFIX "cpuid"
                     : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
                     : "0"(leaf), "2"(subleaf));
    return r;
}

static void cpuid_by_prefix_names_the_host(void)
{
    struct cpuid r = cpuid_forced(0x40000000, 0);

    EXPECT_EQ(XEN_CPUID_SIGNATURE_EBX, r.b);
    EXPECT_EQ(XEN_CPUID_SIGNATURE_ECX, r.c);
    EXPECT_EQ(XEN_CPUID_SIGNATURE_EDX, r.d);
    EXPECT(r.a >= 0x40000002);
    EXPECT_EQ(hc_xen_version(XENVER_version, NULL),
              cpuid_forced(0x40000001, 0).a);
    EXPECT_EQ(0, cpuid_forced(0x4000ff00, 0).a);
}

static void cpuid_hides_what_a_pv_guest_cannot_have(void)
{
    struct cpuid one = cpuid_forced(1, 0), seven = cpuid_forced(7, 0);
    struct cpuid ext = cpuid_forced(0x80000001, 0);

    EXPECT(one.c & 1u << 31);                             /* HYPERVISOR */
    EXPECT_EQ(0, one.c & (1u << 5 | 1u << 3 | 1u << 17)); /* VMX MWAIT PCID */
    EXPECT_EQ(0, one.d & (1u << 3 | 1u << 13 | 1u << 1)); /* PSE PGE VME */
    EXPECT(one.d & 1u << 6);                              /* PAE */
    EXPECT_EQ(0, seven.b & (1u << 7 | 1u << 20 | 1u << 10)); /* SMEP SMAP.. */
    EXPECT_EQ(0, seven.c & (1u << 16 | 1u << 2 | 1u << 3));  /* LA57 UMIP PKU */
    EXPECT_EQ(0, ext.c & 1u << 2);                           /* SVM */
    EXPECT_EQ(0, ext.d & 1u << 26);                          /* 1 GiB pages */
    EXPECT(ext.d & 1u << 11);                                /* SYSCALL */
}

static void native_cpuid_still_runs(void)
{
    uint32_t a = 0, b = 0, c = 0, d = 0;

    EXPECT(!TRAPS(__asm__ volatile("cpuid"
                                   : "+a"(a), "=b"(b), "+c"(c), "=d"(d))));
    EXPECT(a >= 1);
}

static void the_prefix_serves_cpuid_only(void)
{
    EXPECT(TRAPS(__asm__ volatile(XEN_EMULATE_PREFIX "nop")));
    EXPECT_EQ(6, trap_seen.regs.vector);
    EXPECT(TRAPS(__asm__ volatile(XEN_EMULATE_PREFIX "hlt")));
    EXPECT_EQ(6, trap_seen.regs.vector);
}

static void readable_msrs(void)
{
    EXPECT(!rdmsr_traps(0xc0000080)); /* EFER */
    EXPECT_EQ(0xd01, msr_value & 0xd01);
    EXPECT_EQ(0, msr_value & 1ul << 12);
    EXPECT(!rdmsr_traps(0x277)); /* PAT */
    EXPECT_EQ(0x050100070406, msr_value);
    EXPECT(!rdmsr_traps(0x1b)); /* APIC base */
    EXPECT_EQ(0xfee00000 | 0x900, msr_value);
    EXPECT(!rdmsr_traps(0x8b));
}

static void segment_base_msrs(void)
{
    EXPECT(!wrmsr_traps(0xc0000100, 0x7000));
    EXPECT(!rdmsr_traps(0xc0000100));
    EXPECT_EQ(0x7000, msr_value);
    EXPECT(!wrmsr_traps(0xc0000102, 0x8000));
    EXPECT(!rdmsr_traps(0xc0000102));
    EXPECT_EQ(0x8000, msr_value);
    EXPECT(!wrmsr_traps(0xc0000101, (uint64_t)p2m));
    EXPECT(!rdmsr_traps(0xc0000101));
    EXPECT_EQ((uint64_t)p2m, msr_value);
    __asm__ volatile("mov %%gs:0, %0" : "=r"(msr_value));
    EXPECT_EQ(p2m[0], msr_value);
    EXPECT(wrmsr_traps(0xc0000100, 0x800000000000));
    EXPECT_EQ(13, trap_seen.regs.vector);
    EXPECT(wrmsr_traps(0xc0000101, 0x800000000000));
    EXPECT(wrmsr_traps(0xc0000102, 0x800000000000));
}

static void unknown_msrs_fault(void)
{
    EXPECT(rdmsr_traps(0x12345));
    EXPECT_EQ(13, trap_seen.regs.vector);
    EXPECT_EQ(0, trap_seen.regs.error);
    EXPECT(wrmsr_traps(0x12345, 1));
    EXPECT_EQ(13, trap_seen.regs.vector);
}

/* Refused or ignored, as long as the host does not notice. */
static void host_msrs_take_no_writes(void)
{
    static const uint32_t msrs[] = {
        0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0x174,
        0x175,      0x176,      0x1b,       0x277,      0x2ff,      0x200,
        0x1d9,      0x10,       0xe7,       0x3a,       0x48,       0x49,
        0x1a0,      0x480,      0xc0010010, 0xc0010117, 0xc0010015, 0xc0010114,
        0xda0,      0x6e0,      0x800,      0x830,      0x40000000, 0x79,
    };
    unsigned int i, taken = 0;
    uint64_t efer;

    rdmsr_traps(0xc0000080);
    efer = msr_value;
    for (i = 0; i < ARRAY_SIZE(msrs); i++)
        taken += !wrmsr_traps(msrs[i], 0x4141000);
    note("writes that did not fault", taken);
    EXPECT_EQ(hc_xen_version(XENVER_version, NULL), 0x40011);
    EXPECT(!rdmsr_traps(0xc0000080));
    EXPECT_EQ(efer, msr_value);
    EXPECT(!rdmsr_traps(0x277));
    EXPECT_EQ(0x050100070406, msr_value);
    EXPECT(!rdmsr_traps(0x1b));
    EXPECT_EQ(0xfee00900, msr_value);
}

static void port_access_needs_iopl(void)
{
    uint8_t v;

    set_iopl(0);
    EXPECT(TRAPS(__asm__ volatile("inb $0x60, %0" : "=a"(v))));
    EXPECT_EQ(13, trap_seen.regs.vector);
    EXPECT_EQ(0, trap_seen.regs.error);
    EXPECT(TRAPS(__asm__ volatile("outb %0, $0x60" ::"a"((uint8_t)1))));
    EXPECT_EQ(13, trap_seen.regs.vector);
}

static void ports_we_do_not_own_read_all_ones(void)
{
    uint8_t b = 0;
    uint16_t w = 0;
    uint32_t l = 0;
    static uint32_t buf[4], want[4] = {~0u, ~0u, ~0u, ~0u};
    void *at = buf;
    uint64_t n = 4;

    set_iopl(1);
    EXPECT(!TRAPS(__asm__ volatile("inb $0x60, %0" : "=a"(b))));
    EXPECT_EQ(0xff, b);
    EXPECT(!TRAPS(__asm__ volatile("inw %1, %0"
                                   : "=a"(w)
                                   : "d"((uint16_t)0x1f0))));
    EXPECT_EQ(0xffff, w);
    EXPECT(!TRAPS(__asm__ volatile("inl %1, %0"
                                   : "=a"(l)
                                   : "d"((uint16_t)0xcfc))));
    EXPECT_EQ(0xffffffff, l);
    EXPECT(!TRAPS(__asm__ volatile("inb %1, %0"
                                   : "=a"(b)
                                   : "d"((uint16_t)0x3f8))));
    EXPECT_EQ(0xff, b);
    EXPECT(!TRAPS(__asm__ volatile("outb %0, %1" ::"a"((uint8_t)0xfe),
                                   "d"((uint16_t)0x64))));
    EXPECT(!TRAPS(__asm__ volatile("outw %0, %1" ::"a"((uint16_t)0x2000),
                                   "d"((uint16_t)0x604))));
    EXPECT(!TRAPS(__asm__ volatile("rep insl"
                                   : "+D"(at), "+c"(n)
                                   : "d"((uint16_t)0x1f0)
                                   : "memory")));
    EXPECT_EQ(0, memcmp(buf, want, sizeof(buf)));
    at = buf;
    n = 4;
    EXPECT(!TRAPS(__asm__ volatile("rep outsl"
                                   : "+S"(at), "+c"(n)
                                   : "d"((uint16_t)0x1f0)
                                   : "memory")));
    EXPECT_EQ(0, n);
    /* String input to an address that we cannot write. */
    at = (void *)0x7000000000ul;
    n = 1;
    EXPECT(TRAPS(__asm__ volatile("rep insl"
                                  : "+D"(at), "+c"(n)
                                  : "d"((uint16_t)0x1f0)
                                  : "memory")));
    EXPECT_EQ(14, trap_seen.regs.vector);
    EXPECT_EQ(0x7000000000, trap_seen.cr2);
    set_iopl(0);
}

static void cli_and_sti_are_swallowed_with_iopl(void)
{
    struct vcpu_info *vi = this_vcpu_info();

    set_iopl(0);
    EXPECT(TRAPS(__asm__ volatile("cli")));
    EXPECT_EQ(13, trap_seen.regs.vector);
    EXPECT(TRAPS(__asm__ volatile("sti")));
    set_iopl(1);
    vi->evtchn_upcall_mask = 0;
    EXPECT(!TRAPS(__asm__ volatile("cli")));
    EXPECT_EQ(0, vi->evtchn_upcall_mask);
    vi->evtchn_upcall_mask = 1;
    EXPECT(!TRAPS(__asm__ volatile("sti")));
    EXPECT_EQ(1, vi->evtchn_upcall_mask);
    set_iopl(0);
}

static void iopl_is_bounded_and_popf_cannot_raise_it(void)
{
    struct physdev_set_iopl op = {.iopl = 4};
    uint64_t flags;

    EXPECT_REFUSED(hc_physdev_op(PHYSDEVOP_set_iopl, &op));
    __asm__ volatile("pushf; orq $0x3000, (%%rsp); popf; pushf; pop %0"
                     : "=r"(flags)::"memory", "cc");
    EXPECT_EQ(0x200, flags & 0x3200);
}

/* Whatever it does, the guest gets an ordinary fault or goes on. */
#define PRIVILEGED(text)                                                       \
    do {                                                                       \
        bool t_ = TRAPS(                                                       \
            __asm__ volatile(text ::"a"(0ul), "c"(0ul), "d"(0ul), "b"(scratch) \
                             : "memory", "cc"));                               \
        uint32_t vec_ = trap_seen.regs.vector;                                 \
        note(text, t_ ? (int64_t)vec_ : -1);                                   \
        EXPECT(!t_ || vec_ == 13 || vec_ == 6 || vec_ == 14);                  \
        EXPECT_EQ(0x40011, hc_xen_version(XENVER_version, NULL));              \
    } while (0)

static void privileged_instructions_do_no_harm(void)
{
    uint8_t *scratch = page_alloc();

    PRIVILEGED("hlt");
    PRIVILEGED("lgdt (%%rbx)");
    PRIVILEGED("lidt (%%rbx)");
    PRIVILEGED("lldt %%ax");
    PRIVILEGED("ltr %%ax");
    PRIVILEGED("invd");
    PRIVILEGED("wbinvd");
    PRIVILEGED("invlpg (%%rbx)");
    PRIVILEGED("swapgs");
    PRIVILEGED("lmsw %%ax");
    PRIVILEGED("rdpmc");
    PRIVILEGED("monitor");
    PRIVILEGED("mwait");
    PRIVILEGED("vmcall");
    PRIVILEGED("vmmcall");
    PRIVILEGED("vmrun");
    PRIVILEGED("vmload");
    PRIVILEGED("clgi");
    PRIVILEGED("stgi");
    PRIVILEGED("skinit");
    PRIVILEGED("sysretq");
    PRIVILEGED("sysexitq");
    PRIVILEGED("sysenter");
    PRIVILEGED("rsm");
    PRIVILEGED("mov %%cr8, %%rax");
    PRIVILEGED("mov %%rax, %%cr8");
    PRIVILEGED("mov %%dr7, %%rax");
    PRIVILEGED("mov %%rax, %%dr7");
    PRIVILEGED("mov %%rax, %%dr6");
    PRIVILEGED("stac");
    PRIVILEGED("clac");
    PRIVILEGED("wrpkru");
    PRIVILEGED("xsaves (%%rbx)");
    PRIVILEGED("invpcid (%%rbx), %%rax");
    PRIVILEGED("mov %%rax, %%cr1");
    PRIVILEGED("vmxon (%%rbx)");
    page_free(scratch);
}

static void xsetbv_is_bounded(void)
{
    uint64_t cr4 = read_cr4();
    uint32_t lo, hi, ok;
    struct cpuid one = cpuid_forced(1, 0);

    if (!(one.c & 1u << 26)) {
        test_skip("no XSAVE");
        return;
    }
    __asm__ volatile("mov %0, %%cr4" ::"r"(cr4 | 1ul << 18));
    EXPECT(!TRAPS(__asm__ volatile("xsetbv" ::"a"(3), "d"(0), "c"(0))));
    EXPECT(!TRAPS(__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0))));
    EXPECT_EQ(3, lo);
    ok = TRAPS(__asm__ volatile("xsetbv" ::"a"(0), "d"(0), "c"(0)));
    EXPECT(ok && trap_seen.regs.vector == 13);
    ok = TRAPS(__asm__ volatile("xsetbv" ::"a"(2), "d"(0), "c"(0)));
    EXPECT(ok);
    ok = TRAPS(__asm__ volatile("xsetbv" ::"a"(5), "d"(0), "c"(0)));
    EXPECT(ok);
    ok = TRAPS(__asm__ volatile("xsetbv" ::"a"(0x203), "d"(0), "c"(0)));
    EXPECT(ok);
    ok = TRAPS(__asm__ volatile("xsetbv" ::"a"(3), "d"(0x80000000), "c"(0)));
    EXPECT(ok);
    ok = TRAPS(__asm__ volatile("xsetbv" ::"a"(3), "d"(0), "c"(1)));
    EXPECT(ok);
    EXPECT(!TRAPS(__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0))));
    EXPECT_EQ(3, lo);
}

static void the_time_stamp_counter_runs(void)
{
    uint64_t a = 0, b = 0;

    EXPECT(!TRAPS(a = rdtsc()));
    EXPECT(!TRAPS(b = rdtsc()));
    EXPECT(b > a);
}

const struct test guest_tests[] = {
    TEST(cr0_shows_ts_and_takes_no_other_change),
    TEST(cr2_is_the_guests),
    TEST(cr3_names_the_l4),
    TEST(cr4_keeps_the_hosts_bits),
    TEST(fsgsbase_follows_the_guests_cr4),
    TEST(cpuid_by_prefix_names_the_host),
    TEST(cpuid_hides_what_a_pv_guest_cannot_have),
    TEST(native_cpuid_still_runs),
    TEST(the_prefix_serves_cpuid_only),
    TEST(readable_msrs),
    TEST(segment_base_msrs),
    TEST(unknown_msrs_fault),
    TEST(host_msrs_take_no_writes),
    TEST(port_access_needs_iopl),
    TEST(ports_we_do_not_own_read_all_ones),
    TEST(cli_and_sti_are_swallowed_with_iopl),
    TEST(iopl_is_bounded_and_popf_cannot_raise_it),
    TEST(privileged_instructions_do_no_harm),
    TEST(xsetbv_is_bounded),
    TEST(the_time_stamp_counter_runs),
    {0},
};
