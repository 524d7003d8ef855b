/* To user mode without a table for it. */
#include "guest.h"

static void user_mode_without_a_table(void)
{
    guest_ready();
    mmuext_one(MMUEXT_NEW_USER_BASEPTR, 0);
    user_enter(USER_CODE, 0x202, FLAT_USER_CS, FLAT_USER_SS);
    EXPECT(!"reached");
}

const struct test guest_tests[] = {TEST(user_mode_without_a_table), {0}};
