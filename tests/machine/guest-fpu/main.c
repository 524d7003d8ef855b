/*
 * Two vCPUs on one processor, each with its own register contents, yield to
 * each other: nothing is lost and nothing of the one shows in the other.
 */
#include "guest.h"

#define ROUNDS 1000

struct image {
    uint8_t area[4096] __attribute__((aligned(64)));
};

static struct image mine[2], seen[2];
static volatile uint32_t rounds[2], bad[2], stop;
static bool has_xsave;
static uint32_t mask;

/*
 * Registers in and out of a whole image; nothing between uses them. The fnop
 * is for hosts that restore lazily: the emulator lets XSAVE and XRSTOR pass
 * with CR0.TS set, so that they would see the other vCPU's registers.
 */
static void load(struct image *i)
{
    __asm__ volatile("fnop");
    if (has_xsave)
        __asm__ volatile("xrstor64 %0" ::"m"(*i), "a"(mask), "d"(0));
    else
        __asm__ volatile("fxrstor64 %0" ::"m"(*i));
}

static void save(struct image *i)
{
    __asm__ volatile("fnop");
    if (has_xsave)
        __asm__ volatile("xsave64 %0" : "+m"(*i) : "a"(mask), "d"(0));
    else
        __asm__ volatile("fxsave64 %0" : "+m"(*i));
}

/* x87 control word, all stack registers, MXCSR, and the vector registers. */
static void fill(struct image *i, uint8_t seed)
{
    unsigned int n;

    memset(i, 0, sizeof(*i));
    *(uint16_t *)i->area = seed & 1 ? 0x27f : 0x37f;
    *(uint8_t *)(i->area + 4) = 0xff;
    *(uint32_t *)(i->area + 24) = seed & 1 ? 0x3f80 : 0x1f80;
    for (n = 0; n < 8; n++)
        memset(i->area + 32 + 16 * n, seed + (int)n, 10);
    for (n = 0; n < 16; n++)
        memset(i->area + 160 + 16 * n, seed * 16 + (int)n, 16);
    if (!has_xsave)
        return;
    *(uint64_t *)(i->area + 512) = mask;
    if (mask & 4)
        memset(i->area + 576, seed * 3, 256);
}

static bool same(const struct image *a, const struct image *b)
{
    return *(const uint16_t *)a->area == *(const uint16_t *)b->area &&
           *(const uint32_t *)(a->area + 24) ==
               *(const uint32_t *)(b->area + 24) &&
           !memcmp(a->area + 32, b->area + 32, 128) &&
           !memcmp(a->area + 160, b->area + 160, 256) &&
           (!(mask & 4) || !memcmp(a->area + 576, b->area + 576, 256));
}

static void churn(unsigned int me, unsigned int nr_rounds)
{
    while (rounds[me] < nr_rounds && !stop) {
        load(&mine[me]);
        hc_sched_op(SCHEDOP_yield, NULL);
        save(&seen[me]);
        bad[me] += !same(&mine[me], &seen[me]);
        rounds[me]++;
    }
}

static void xcr0_enable(void)
{
    uint64_t cr4;

    if (!has_xsave)
        return;
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    __asm__ volatile("mov %0, %%cr4" ::"r"(cr4 | 1ul << 18));
    __asm__ volatile("xsetbv" ::"a"(mask), "d"(0), "c"(0));
}

static void second(void *arg)
{
    (void)arg;
    xcr0_enable();
    for (;;)
        churn(1, ~0u);
}

static void xsave_detect(void)
{
    uint32_t a = 1, b, c = 0, d;

    __asm__ volatile(XEN_EMULATE_PREFIX "cpuid"
                     : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    has_xsave = c & 1u << 26;
    mask = c & 1u << 28 ? 7 : 3;
    if (!has_xsave)
        mask = 0;
    xcr0_enable();
}

static void registers_survive_switches(void)
{
    static const uint8_t zero[256];

    xsave_detect();
    note("XSAVE with mask", mask);
    fill(&mine[0], 0x5);
    fill(&mine[1], 0xa);
    /* Dirty registers here must not be what the other one starts with. */
    load(&mine[0]);
    EXPECT_OK(smp_start(1, second, NULL));
    churn(0, ROUNDS);
    EXPECT_EQ(0, bad[0]);
    EXPECT_EQ(0, bad[1]);
    EXPECT(rounds[1] > 10);
    note("rounds of the other", rounds[1]);
    EXPECT_EQ(0x37f, *(uint16_t *)boot_fpu_ap);
    EXPECT_EQ(0x1f80, *(uint32_t *)(boot_fpu_ap + 24));
    EXPECT_EQ(0, memcmp(boot_fpu_ap + 160, zero, 256));
}

/* Also when the host restores lazily and the guest turns TS on and off. */
static void registers_survive_taskswitch_games(void)
{
    unsigned int i;

    for (i = 0; i < 200; i++) {
        load(&mine[0]);
        HC1(fpu_taskswitch, 1);
        hc_sched_op(SCHEDOP_yield, NULL);
        HC1(fpu_taskswitch, 0);
        save(&seen[0]);
        if (!EXPECT(same(&mine[0], &seen[0])))
            break;
    }
    EXPECT_EQ(0, bad[1]);
}

/* Leave everything dirty; `alive` then checks what a new guest finds. */
static void dirt_is_left_for_the_next_guest(void)
{
    stop = 1;
    EXPECT_OK(hc_vcpu_op(VCPUOP_down, 1, NULL));
    load(&mine[0]);
}

const struct test guest_tests[] = {
    TEST(registers_survive_switches),
    TEST(registers_survive_taskswitch_games),
    TEST(dirt_is_left_for_the_next_guest),
    {0},
};
