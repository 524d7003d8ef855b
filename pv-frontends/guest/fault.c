/* Bad ends, for whoever tests what survives them. */
#include "pv-frontends/guest/program.h"

static __attribute__((noinline)) void fault_ud(void)
{
    __asm__ volatile("ud2");
}

static __attribute__((noinline)) void fault_page(void)
{
    *(volatile uint64_t *)0x123456000 = 1;
}

static void fault_spin(void)
{
    for (;;)
        barrier();
}

static void fault_sleep(void)
{
    for (;;)
        shim_wait(shim_now_ns() + 3600000000000);
}

/* No way to take an exception any more, then one. */
static void fault_triple(void)
{
    (void)shim_hypercall(__HYPERVISOR_set_trap_table, 0, 0, 0, 0);
    __asm__ volatile("ud2");
}

static void fault_crash(void)
{
    guest_shutdown(SHUTDOWN_crash);
}

int run_fault(void)
{
    static const struct {
        const char *how;
        void (*fn)(void);
    } faults[] = {
        {"ud", fault_ud},       {"page", fault_page},
        {"spin", fault_spin},   {"sleep", fault_sleep},
        {"crash", fault_crash}, {"triple", fault_triple},
    };
    char how[16] = "";

    (void)option_text("how", how, sizeof(how));
    for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
        if (strcmp(how, faults[i].how))
            continue;
        print("TINY fault now: %s\n", how);
        faults[i].fn();
    }
    return program_fail("how=ud|page|spin|sleep|crash|triple");
}
