/* The handler of #UD is a #UD: each frame goes further down the stack. */
#include "guest.h"

static const uint8_t ud[] = {0x0f, 0x0b};

static void a_handler_that_faults(void)
{
    guest_ready();
    trap_set(6, 4, (uint64_t)ud);
    /* Until it runs into a page that is not there. */
    __asm__ volatile("mov %0, %%rsp; ud2" ::"r"(main_stack + 64));
    EXPECT(!"reached");
}

const struct test guest_tests[] = {TEST(a_handler_that_faults), {0}};
