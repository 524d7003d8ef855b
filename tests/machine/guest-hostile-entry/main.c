/* Dies with its first fault: there is no trap table yet to take it. */
#include "guest.h"

static void a_fault_without_a_handler(void)
{
    guest_ready();
    HC1(set_trap_table, NULL);
    __asm__ volatile("ud2");
    EXPECT(!"reached");
}

const struct test guest_tests[] = {TEST(a_fault_without_a_handler), {0}};
