/* Spins with events masked on as many vCPUs as the host has processors. */
#include "guest.h"

static void spin(void *arg)
{
    (void)arg;
    for (;;)
        barrier();
}

static void spin_for_ever(void)
{
    smp_start(1, spin, NULL);
    guest_ready();
    spin(NULL);
}

const struct test guest_tests[] = {TEST(spin_for_ever), {0}};
