/*
 * Shares of the processors: what is set is what is shown, as people write it; a
 * mistake is refused with what is wrong, and changes nothing.
 *
 * sources: dom0/daemon/share.c dom0/daemon/fault.c dom0/config/cpuset.c
 * sources: $(libs-hypercall-fake-src) dom0/libs/foreignmem/foreignmem-fake.c
 * libs: -ljansson
 */
#include "dom0/daemon/share.h"
#include "dom0/libs/hypercall/hypercall-fake.h"

#include <errno.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static uint32_t domid;
static struct fault fault;

static int setup(void **state)
{
    struct xen_domctl_createdomain what = {.max_vcpus = 2, .grant_opts = 1};

    (void)state;
    hv_fake_reset(0);
    domid = 0;
    fault = (struct fault){0};
    assert_int_equal(hv_domain_create(NULL, &what, &domid), 0);
    assert_int_equal(hv_domain_set_max_vcpus(NULL, domid, 2), 0);
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(hv_vcpu_set_affinity(NULL, domid, i,
                                              (const uint8_t[]){0xff},
                                              (const uint8_t[]){0xff}, 2),
                         0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    hv_fake_end();
    return 0;
}

static const struct share_change nothing = {
    .weight = -1, .cap = -1, .vcpu = -1};

static int set(struct share_change change)
{
    return share_set(NULL, domid, &change, &fault);
}

/* One member of a vcpu's, or of the domain's, as it is shown. */
static void expect_text(unsigned vcpu, const char *key, const char *want)
{
    json_t *share, *v;

    assert_int_equal(share_get(NULL, domid, &share), 0);
    v = json_array_get(json_object_get(share, "vcpus"), vcpu);
    assert_string_equal(json_string_value(json_object_get(v, key)), want);
    json_decref(share);
}

static void expect_number(const char *key, json_int_t want)
{
    json_t *share;

    assert_int_equal(share_get(NULL, domid, &share), 0);
    assert_int_equal(json_integer_value(json_object_get(share, key)), want);
    json_decref(share);
}

static void test_what_is_set_is_shown(void **state)
{
    struct share_change c = nothing;

    (void)state;
    expect_number("weight", 256);
    expect_text(0, "hard", "all");
    expect_text(1, "state", "offline");

    c.weight = 512;
    c.cap = 50;
    c.hard = "1";
    c.soft = "0-1";
    assert_int_equal(set(c), 0);
    expect_number("weight", 512);
    expect_number("cap", 50);
    for (unsigned i = 0; i < 2; i++) {
        expect_text(i, "hard", "1");
        expect_text(i, "soft", "all");
    }
}

static void test_what_is_not_named_stays(void **state)
{
    struct share_change c = nothing;

    (void)state;
    c.weight = 100;
    c.cap = 30;
    assert_int_equal(set(c), 0);
    c = nothing;
    c.cap = 0;
    assert_int_equal(set(c), 0);
    expect_number("weight", 100);
    expect_number("cap", 0);

    c = nothing;
    c.vcpu = 1;
    c.soft = "0";
    assert_int_equal(set(c), 0);
    expect_text(0, "soft", "all");
    expect_text(1, "soft", "0");
    expect_text(1, "hard", "all");
    c.soft = "all";
    assert_int_equal(set(c), 0);
    expect_text(1, "soft", "all");
}

static void refused(struct share_change c, const char *why)
{
    fault = (struct fault){0};
    c.weight = 77;
    assert_int_equal(set(c), -EINVAL);
    assert_string_equal(fault.code, FAULT_PARAMS);
    assert_non_null(strstr(fault.text, why));
    expect_number("weight", 256);
    expect_text(0, "hard", "all");
}

static void test_a_mistake_changes_nothing(void **state)
{
    struct share_change c = nothing;

    (void)state;
    c.hard = "2-5";
    refused(c, "CPUs 0-1");
    c.hard = "0";
    c.soft = "first";
    refused(c, "expected CPU numbers");
    c.soft = NULL;
    c.vcpu = 2;
    refused(c, "no vcpu 2");
}

static void test_a_refusal_of_the_hypervisor_is_passed_on(void **state)
{
    struct share_change c = nothing;
    json_t *share = NULL;

    (void)state;
    c.weight = 1;
    c.hard = "0";
    hv_fake_fail("hv_vcpu_set_affinity", 1, -EBUSY);
    assert_int_equal(set(c), -EBUSY);
    hv_fake_fail("hv_vcpu_get_affinity", 1, -ESRCH);
    assert_int_equal(share_get(NULL, domid, &share), -ESRCH);
    assert_null(share);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_set_is_shown, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_what_is_not_named_stays, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_mistake_changes_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            test_a_refusal_of_the_hypervisor_is_passed_on, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
