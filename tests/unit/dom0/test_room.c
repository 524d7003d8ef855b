/*
 * Memory for a guest: taken from domain 0 only when it lacks, only as much as
 * lacks, only where domain 0 may shrink; and not kept when it was in vain.
 *
 * sources: dom0/daemon/room.c dom0/daemon/fault.c dom0/daemon/log.c
 */
#include "dom0/daemon/room.h"
#include "dom0/daemon/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* --- a host whose domain 0 gives up `step_kib` between two looks
 * ------------*/

static struct {
    uint64_t free_kib, dom0_kib, target_kib, step_kib;
    const char *commandline;
    unsigned nr_targets;
    int64_t now;
} host;

int hv_physinfo(struct hv *hv, struct xen_sysctl_physinfo *info)
{
    uint64_t give = host.dom0_kib - host.target_kib;

    (void)hv;
    if (give > host.step_kib)
        give = host.step_kib;
    host.dom0_kib -= give;
    host.free_kib += give;
    memset(info, 0, sizeof(*info));
    info->free_pages = host.free_kib / 4;
    return 0;
}

int hv_domain_info(struct hv *hv, uint32_t domid,
                   struct xen_domctl_getdomaininfo *info)
{
    (void)hv;
    assert_int_equal(domid, 0);
    memset(info, 0, sizeof(*info));
    info->tot_pages = host.dom0_kib / 4;
    return 0;
}

int hv_version(struct hv *hv, struct hv_version *v)
{
    (void)hv;
    memset(v, 0, sizeof(*v));
    strcpy(v->commandline, host.commandline);
    return 0;
}

int store_write(struct xs_handle *xs, xs_transaction_t t, const char *value,
                const char *format, ...)
{
    (void)xs, (void)t, (void)format;
    host.target_kib = strtoull(value, NULL, 10);
    host.nr_targets++;
    return 0;
}

void progress_say(const struct progress *p, const char *format, ...)
{
    (void)p, (void)format;
}

int64_t now_ms(void)
{
    return host.now += 1000;
}

/* --- the tests
 * --------------------------------------------------------------*/

enum { MIB = 1024 };

static struct daemon d;
static struct kit k;
static struct fault f;

static int setup(void **state)
{
    (void)state;
    memset(&host, 0, sizeof(host));
    host.free_kib = 100 * MIB;
    host.dom0_kib = host.target_kib = 2000 * MIB;
    host.step_kib = 10 * MIB;
    host.commandline = "console=com1";
    d.o.autoballoon = BALLOON_AUTO;
    d.o.dom0_min_mib = 512;
    f = (struct fault){0};
    return 0;
}

static int make(uint64_t mib)
{
    return room_make(&d, &k, "g", mib * MIB, NULL, &f);
}

static void test_free_memory_is_used_first(void **state)
{
    (void)state;
    assert_int_equal(make(100), 0);
    assert_int_equal(host.nr_targets, 0);
}

static void test_what_lacks_comes_from_domain_0(void **state)
{
    (void)state;
    assert_int_equal(make(600), 0);
    assert_true(host.free_kib >= 600 * MIB);
    assert_in_range(host.target_kib, 1490 * MIB, 1500 * MIB);
}

static void test_domain_0_keeps_its_least(void **state)
{
    (void)state;
    assert_int_equal(make(1600), -ENOMEM);
    assert_string_equal(f.code, FAULT_MEMORY);
    assert_non_null(strstr(f.text, "1600 MiB of memory, 100 MiB are free"));
    assert_int_equal(host.nr_targets, 0);
}

static void test_fixed_domain_0_is_left_alone(void **state)
{
    (void)state;
    host.commandline = "console=com1 dom0_mem=2000M,max:2000M";
    assert_int_equal(make(200), -ENOMEM);
    assert_int_equal(host.nr_targets, 0);
    d.o.autoballoon = BALLOON_YES;
    f = (struct fault){0};
    assert_int_equal(make(200), 0);
    d.o.autoballoon = BALLOON_NO;
    host.commandline = "";
    assert_int_equal(make(900), -ENOMEM);
}

static void test_shrinking_in_vain_is_taken_back(void **state)
{
    (void)state;
    host.step_kib = 0;
    assert_int_equal(make(600), -ENOMEM);
    assert_int_equal(host.nr_targets, 2);
    assert_int_equal(host.target_kib, 2000 * MIB);
}

static void test_domain_0_is_set_within_its_bounds(void **state)
{
    (void)state;
    assert_int_equal(room_set_dom0(&d, &k, 1000 * MIB, &f), 0);
    assert_int_equal(host.target_kib, 1000 * MIB);
    host.target_kib = host.dom0_kib;
    assert_int_equal(room_set_dom0(&d, &k, 500 * MIB, &f), -EINVAL);
    f = (struct fault){0};
    assert_int_equal(room_set_dom0(&d, &k, 2200 * MIB, &f), -ENOMEM);
    assert_int_equal(room_set_dom0(&d, &k, 2100 * MIB, &f), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_free_memory_is_used_first, setup),
        cmocka_unit_test_setup(test_what_lacks_comes_from_domain_0, setup),
        cmocka_unit_test_setup(test_domain_0_keeps_its_least, setup),
        cmocka_unit_test_setup(test_fixed_domain_0_is_left_alone, setup),
        cmocka_unit_test_setup(test_shrinking_in_vain_is_taken_back, setup),
        cmocka_unit_test_setup(test_domain_0_is_set_within_its_bounds, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
