/* What a guest's kernel does to the processor, and where it returns to. */
#include "fuzz.h"

/* A store of each kind that the page-table emulator knows, to the arena. */
void fuzz_store(struct fuzz_vcpu *v)
{
    unsigned int page = any_page(v), role = role_of(page);
    volatile uint64_t *p = (uint64_t *)arena[page] + below(v, 8);
    uint64_t pte = any_pte(v, role ? role : 1), old;

    switch (below(v, 8)) {
    case 0 ... 2:
        *p = pte;
        break;
    case 3:
        __atomic_exchange_n(p, pte, __ATOMIC_SEQ_CST);
        break;
    case 4:
        old = *p;
        __atomic_compare_exchange_n(p, &old, pte, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST);
        break;
    case 5:
        *(volatile uint32_t *)p = (uint32_t)pte;
        break;
    case 6:
        __atomic_fetch_and(p, ~(PTE_RW | PTE_A), __ATOMIC_SEQ_CST);
        break;
    default:
        *((volatile uint8_t *)p + below(v, 8)) = (uint8_t)pte;
        break;
    }
}

#define LOAD_SEGMENT(reg, sel)                                                 \
    __asm__ volatile("mov %0, %%" reg ::"r"((uint32_t)(sel)))

static void load_selector(struct fuzz_vcpu *v)
{
    uint16_t sel = (uint16_t)(one_in(v, 4) ? fuzz_random(v) : below(v, 64));

    switch (below(v, 5)) {
    case 0:
        LOAD_SEGMENT("ds", sel);
        break;
    case 1:
        LOAD_SEGMENT("es", sel);
        break;
    case 2:
        LOAD_SEGMENT("fs", sel);
        break;
    case 3:
        LOAD_SEGMENT("gs", sel);
        break;
    default:
        HC2(set_segment_base, below(v, 5), any_address(v));
        break;
    }
}

static void touch_msr(struct fuzz_vcpu *v)
{
    static const uint32_t msrs[] = {
        0x10,       0x1b,       0x8b,       0x174,      0x176,      0x277,
        0x1d9,      0x48,       0x49,       0x10a,      0x6e0,      0x800,
        0xc0000080, 0xc0000081, 0xc0000082, 0xc0000084, 0xc0000100, 0xc0000101,
        0xc0000102, 0xc0000103, 0xc0010015, 0xc0011029, 0xda0,      0x38f,
    };
    uint32_t msr = one_in(v, 8) ? (uint32_t)fuzz_random(v)
                                : msrs[below(v, ARRAY_SIZE(msrs))];
    uint64_t value = any_number(v);
    uint32_t lo, hi;

    if (one_in(v, 2))
        __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
    else
        __asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)value),
                         "d"((uint32_t)(value >> 32)));
}

static void touch_control(struct fuzz_vcpu *v)
{
    uint64_t value = any_number(v);

    switch (below(v, 9)) {
    case 0:
        __asm__ volatile("mov %0, %%cr0" ::"r"(0x80050033ul | below(v, 16)));
        break;
    case 1:
        __asm__ volatile("mov %0, %%cr2" ::"r"(value));
        break;
    case 2:
        __asm__ volatile("mov %0, %%cr4" ::"r"(value));
        break;
    case 3:
        __asm__ volatile("mov %0, %%dr7" ::"r"(value & 0xff));
        break;
    case 4:
        __asm__ volatile("mov %0, %%dr6" ::"r"(value));
        break;
    case 5: /* a root that leads nowhere ends us: refused ones only */
        __asm__ volatile("mov %0, %%cr3" ::"r"(below(v, 8) << 12));
        break;
    case 6:
        __asm__ volatile("xsetbv" ::"c"(0), "a"((uint32_t)below(v, 256)),
                         "d"(0));
        break;
    case 7:
        __asm__ volatile("mov %%cr8, %0" : "=r"(value));
        break;
    default:
        __asm__ volatile("clts");
        break;
    }
}

static void touch_ports(struct fuzz_vcpu *v)
{
    uint16_t port = (uint16_t)any_number(v);
    uint32_t value = (uint32_t)fuzz_random(v);
    uint64_t at = any_address(v), n = below(v, 600);

    switch (below(v, 5)) {
    case 0:
        __asm__ volatile("inl %1, %0" : "=a"(value) : "d"(port));
        break;
    case 1:
        __asm__ volatile("outw %w0, %1" ::"a"(value), "d"(port));
        break;
    case 2:
        __asm__ volatile("rep insl" : "+D"(at), "+c"(n) : "d"(port) : "memory");
        break;
    case 3:
        __asm__ volatile("std; rep outsb; cld"
                         : "+S"(at), "+c"(n)
                         : "d"(port)
                         : "memory");
        break;
    default:
        __asm__ volatile("inb $0x61, %b0" : "=a"(value));
        break;
    }
}

static void trap_somehow(struct fuzz_vcpu *v)
{
    uint64_t at = any_address(v), value;

    switch (below(v, 16)) {
    case 0:
        __asm__ volatile("int3");
        break;
    case 1:
        __asm__ volatile("ud2");
        break;
    case 2:
        __asm__ volatile("int $0x80");
        break;
    case 3:
        __asm__ volatile("int $14");
        break;
    case 4:
        __asm__ volatile("int $2");
        break;
    case 5:
        value = 0;
        __asm__ volatile("divq %0" : "+r"(value)::"rax", "rdx");
        break;
    case 6:
        __asm__ volatile("hlt");
        break;
    case 7:
        value = *(volatile uint64_t *)at;
        break;
    case 8:
        __asm__ volatile("lgdt (%0)" ::"r"(at));
        break;
    case 9:
        __asm__ volatile("invlpg (%0)" ::"r"(at));
        break;
    case 10:
        __asm__ volatile("swapgs");
        break;
    case 11:
        __asm__ volatile("sysretq");
        break;
    case 12:
        __asm__ volatile("sysenter");
        break;
    case 13:
        __asm__ volatile("ud2; .ascii \"xen\"; cpuid" ::
                             : "rax", "rbx", "rcx", "rdx");
        break;
    case 14: /* a single step, into a call */
        __asm__ volatile("pushf; orl $0x100, (%%rsp); popf\n"
                         "mov $17, %%eax; xor %%edi, %%edi; syscall" ::
                             : "rax", "rcx", "rdi", "r11", "memory");
        break;
    default: /* a watchpoint and the shadow of a stack segment's load */
        HC2(set_debugreg, 0, at);
        HC2(set_debugreg, 7, 0x303ul | below(v, 16) << 16);
        __asm__ volatile("mov %%ss, %%eax; mov (%0), %%ss; syscall" ::"r"(at)
                         : "rax", "rcx", "r11", "memory");
        break;
    }
}

static void touch_fpu(struct fuzz_vcpu *v)
{
    uint32_t mxcsr = (uint32_t)any_number(v);

    switch (below(v, 4)) {
    case 0:
        __asm__ volatile("ldmxcsr %0" ::"m"(mxcsr));
        break;
    case 1:
        __asm__ volatile("fninit; fldz; fld1; fdivp; fwait");
        break;
    case 2:
        __asm__ volatile("fxrstor (%0)" ::"r"(arena[any_page(v)]));
        break;
    default:
        __asm__ volatile("xrstor (%0)" ::"r"(arena[any_page(v)]),
                         "a"((uint32_t)fuzz_random(v)), "d"(0));
        break;
    }
}

void fuzz_instruction(struct fuzz_vcpu *v)
{
    switch (below(v, 8)) {
    case 0:
    case 1:
        load_selector(v);
        break;
    case 2:
        touch_msr(v);
        break;
    case 3:
        touch_control(v);
        break;
    case 4:
        touch_ports(v);
        break;
    case 5:
        touch_fpu(v);
        break;
    default:
        trap_somehow(v);
        break;
    }
}

/* To a place that comes back, or that is none. */
void fuzz_iret(struct fuzz_vcpu *v)
{
    struct iret_frame f = {
        .rax = fuzz_random(v),
        .flags = one_in(v, 2) ? 0x100 : any_number(v),
        .rip = one_in(v, 4) ? any_address(v) : USER_CODE + below(v, 16),
        .cs = one_in(v, 3) ? any_number(v) : FLAT_USER_CS,
        .rflags = one_in(v, 2) ? 0x202 : fuzz_random(v),
        .rsp = one_in(v, 3) ? any_address(v) : USER_STACK + PAGE_SIZE,
        .ss = one_in(v, 3) ? any_number(v) : FLAT_USER_SS,
    };

    if (one_in(v, 3))
        f.cs = one_in(v, 2) ? FLAT_KERNEL_CS & ~3ul : below(v, 1 << 16) & ~3ul;
    /* Kernel mode keeps its stack, for the exception that follows. */
    if ((f.cs & 3) != 3)
        f.rsp = (uint64_t)__builtin_frame_address(0) - 1024;
    else if (mmuext_one(MMUEXT_NEW_USER_BASEPTR, va_to_mfn(user_l4)))
        return; /* without them it would be the end */
    iret_raw(&f);
}

void fuzz_settings(struct fuzz_vcpu *v)
{
    struct sched_poll poll = {.nr_ports = (unsigned int)below(v, 3)};
    struct physdev_set_iobitmap bitmap = {.nr_ports = (uint32_t)any_number(v)};
    struct physdev_set_iopl iopl = {.iopl = (uint32_t)below(v, 5)};
    evtchn_port_t ports[3] = {(evtchn_port_t)below(v, 40), 3, 4};
    unsigned int i = (unsigned int)(v - fuzz_vcpus);

    switch (below(v, 10)) {
    case 0:
        trap_set((uint8_t)(32 + below(v, 224)), (uint8_t)fuzz_random(v),
                 one_in(v, 2) ? any_address(v) : trap_stub(below(v, 256)));
        break;
    case 1:
        HC2(set_debugreg, below(v, 9), any_address(v));
        break;
    case 2:
        HC2(set_debugreg, 7, one_in(v, 2) ? below(v, 256) : any_number(v));
        break;
    case 3:
        hc_vm_assist(below(v, 2), below(v, 34));
        break;
    case 4:
        hc_physdev_op(PHYSDEVOP_set_iopl, &iopl);
        break;
    case 5:
        set_xen_guest_handle(bitmap.bitmap, (uint8_t *)any_address(v));
        hc_physdev_op(PHYSDEVOP_set_iobitmap, &bitmap);
        break;
    case 6:
        HC1(fpu_taskswitch, below(v, 2));
        break;
    case 7:
        poll.timeout = 1;
        set_xen_guest_handle(poll.ports, ports);
        hc_sched_op(SCHEDOP_poll, &poll);
        break;
    case 8: /* wakes at once, by what looks like an event */
        shared->vcpu_info[i].evtchn_upcall_pending = 1;
        hc_sched_op(SCHEDOP_block, NULL);
        break;
    default:
        hc_sched_op(SCHEDOP_yield, NULL);
        break;
    }
}
