/* From the first instruction to the last verdict. */
#include "internal.h"

struct shared_info *shared;
const struct test *guest_more_tests;
static uint8_t shared_page[PAGE_SIZE] __attribute__((aligned(4096)));

void guest_shutdown(unsigned int reason)
{
    struct sched_shutdown op = {.reason = reason};

    console_drain();
    hc_sched_op(SCHEDOP_shutdown, &op);
    for (;;)
        hc_sched_op(SCHEDOP_yield, NULL);
}

void guest_start(void)
{
    p2m = (uint64_t *)start_info->mfn_list;
    va_map(shared_page, start_info->shared_info | PTE_RW_PAGE);
    shared = (struct shared_info *)shared_page;
    mem_init();
    trap_init();
    print("GUEST %s begin\n", GUEST_CLAIM);
    tests_run(guest_tests);
    if (guest_more_tests)
        tests_run(guest_more_tests);
    print("GUEST %s end\n", GUEST_CLAIM);
    guest_shutdown(SHUTDOWN_poweroff);
}
