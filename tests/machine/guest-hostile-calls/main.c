/* Hypercalls without end, the long ones among them. */
#include "guest.h"

static struct mmu_update req[4096];

static void loop(void *arg)
{
    uint64_t *t = arg;
    unsigned int i;

    for (i = 0; i < 4096; i++)
        req[i].ptr = entry_addr(t, i % 512);
    for (;;) {
        hc_mmu_update(req, 4096, NULL, DOMID_SELF);
        mmuext_one(MMUEXT_TLB_FLUSH_ALL, 0);
        hc_xen_version(XENVER_version, NULL);
        pin_level(1, va_to_mfn(t));
        unpin(va_to_mfn(t));
    }
}

static void call_for_ever(void)
{
    smp_start(1, loop, table_alloc());
    guest_ready();
    loop(table_alloc());
}

const struct test guest_tests[] = {TEST(call_for_ever), {0}};
