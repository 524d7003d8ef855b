/* An iret whose frame cannot be read. */
#include "guest.h"

static void an_iret_from_nothing(void)
{
    guest_ready();
    iret_raw((struct iret_frame *)0x7000000000);
    EXPECT(!"reached");
}

const struct test guest_tests[] = {TEST(an_iret_from_nothing), {0}};
