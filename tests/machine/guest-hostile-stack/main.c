/* A fault while the stack pointer is in the hypervisor's own memory. */
#include "guest.h"

static void a_stack_in_the_hypervisor(void)
{
    guest_ready();
    __asm__ volatile("mov %0, %%rsp; ud2" ::"r"(0xffff830000001000));
    EXPECT(!"reached");
}

const struct test guest_tests[] = {TEST(a_stack_in_the_hypervisor), {0}};
