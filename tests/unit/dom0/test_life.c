/*
 * A guest's whole life: made, restarted, destroyed; whatever fails on the way,
 * nothing is left that should not be.
 *
 * sources: $(life-world-src)
 * libs: -levent -ljansson -lz -llzma -lzstd -llz4 -lbz2 -llzo2 -lmd -lpthread
 */
#include "tests/unit/dom0/life-world.h"

#include "dom0/daemon/lifecycle.h"
#include "dom0/libs/hypercall/hypercall-fake.h"
#include "tests/unit/xs-fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* --- a quiet life ----------------------------------------------------------*/

static void test_guest_runs_with_its_devices(void **state)
{
    struct world *w = *state;
    struct fault f;
    struct guest *g;

    assert_int_equal(life_create(w, life_configured(w, ""), &f), 0);
    assert_int_equal(hv_fake_nr_domains(), 1);
    assert_false(hv_fake_domain(1)->paused);
    assert_int_equal(xs_fake_introduced, 1);
    assert_int_equal(life_backends, 1u << 1);
    assert_string_equal(xs_fake_get("/local/domain/1/name"), "g");
    assert_string_equal(xs_fake_get("/local/domain/1/device/vbd/51712/"
                                    "backend"),
                        "/local/domain/0/backend/pvblk/1/51712");
    assert_string_equal(
        xs_fake_get("/local/domain/0/backend/pvblk/1/51712/mode"), "w");
    assert_string_equal(xs_fake_get("/local/domain/0/backend/pvif/1/0/bridge"),
                        "xenbr0");
    assert_string_equal(
        xs_fake_get("/local/domain/0/backend/pvif/1/0/frontend"),
        "/local/domain/1/device/vif/0");
    g = registry_find(w->d.registry, "g", &f);
    assert_int_equal(g->state, GUEST_RUNNING);
    assert_int_equal(g->domid, 1);
    registry_put(w->d.registry, g);
    assert_int_equal(life_files(w, "domains"), 1);
    assert_int_equal(life_files(w, "ops"), 0);

    assert_int_equal(life_destroy(w), 0);
    assert_true(life_nothing_left(w));
}

static void test_restart_is_a_new_domain_of_the_same_guest(void **state)
{
    struct world *w = *state;
    struct fault f = {0};
    struct guest *g;
    struct kit *k;
    uint8_t mac[6];

    assert_int_equal(life_create(w, life_configured(w, ""), &f), 0);
    g = registry_find(w->d.registry, "g", &f);
    memcpy(mac, g->nics[0].mac, 6);
    k = kit_get(w->d.kits, &f);
    assert_int_equal(lifecycle_restart(&w->d, k, g, &f), 0);
    kit_put(w->d.kits, k);
    assert_int_equal(g->domid, 2);
    assert_memory_equal(g->nics[0].mac, mac, 6);
    assert_int_equal(hv_fake_nr_domains(), 1);
    assert_int_equal(xs_fake_count("/local/domain/1"), 0);
    assert_int_equal(life_backends, 1u << 2);
    registry_put(w->d.registry, g);
    assert_int_equal(life_destroy(w), 0);
    assert_true(life_nothing_left(w));
}

static void test_what_follows_an_end_is_the_configurations(void **state)
{
    struct world *w = *state;
    struct guest *g =
        life_configured(w, "on_poweroff='preserve'\n"
                           "on_crash='restart'\non_reboot='destroy'");

    assert_int_equal(lifecycle_action(g->cfg, SHUTDOWN_poweroff),
                     ACTION_PRESERVE);
    assert_int_equal(lifecycle_action(g->cfg, SHUTDOWN_reboot), ACTION_DESTROY);
    assert_int_equal(lifecycle_action(g->cfg, SHUTDOWN_crash), ACTION_RESTART);
    assert_int_equal(lifecycle_action(g->cfg, 77), ACTION_RESTART);
    guest_free(g);
}

static void looking_begins(struct world *w)
{
    assert_int_equal(loop_create(&w->d.loop), 0);
    assert_int_equal(lifecycle_start(&w->d), 0);
}

static void looking_ends(struct world *w)
{
    unsigned left = 1;

    while (left) {
        usleep(1000);
        pthread_mutex_lock(&w->d.lock);
        left = w->d.nr_workers;
        pthread_mutex_unlock(&w->d.lock);
    }
    lifecycle_stop(&w->d);
    loop_destroy(w->d.loop);
    w->d.loop = NULL;
}

/* Look after the guests once; what follows is over when we return. */
static void look_after(struct world *w)
{
    looking_begins(w);
    event_base_loop(loop_base(w->d.loop), EVLOOP_ONCE);
    looking_ends(w);
}

/* The guest's domain ends by itself. */
static void end_with(struct world *w, uint32_t domid, unsigned reason)
{
    hv_fake_domain(domid)->shut_down = true;
    hv_fake_domain(domid)->shutdown_code = reason;
    look_after(w);
}

static void test_powered_off_guest_is_destroyed(void **state)
{
    struct world *w = *state;
    struct fault f;

    assert_int_equal(life_create(w, life_configured(w, ""), &f), 0);
    end_with(w, 1, SHUTDOWN_poweroff);
    assert_true(life_nothing_left(w));
}

static void test_rebooted_guest_starts_again(void **state)
{
    struct world *w = *state;
    struct fault f;

    assert_int_equal(life_create(w, life_configured(w, ""), &f), 0);
    end_with(w, 1, SHUTDOWN_reboot);
    assert_int_equal(hv_fake_nr_domains(), 1);
    assert_false(hv_fake_domain(2)->paused);
    assert_int_equal(life_destroy(w), 0);
    assert_true(life_nothing_left(w));
}

static void test_preserved_guest_stays_as_it_ended(void **state)
{
    struct world *w = *state;
    struct fault f;
    struct guest *g;

    assert_int_equal(
        life_create(w, life_configured(w, "on_crash='preserve'"), &f), 0);
    end_with(w, 1, SHUTDOWN_crash);
    g = registry_find(w->d.registry, "g", &f);
    assert_int_equal(g->state, GUEST_PRESERVED);
    assert_int_equal(g->domid, 1);
    registry_put(w->d.registry, g);
    assert_int_equal(life_destroy(w), 0);
    assert_true(life_nothing_left(w));
}

static void test_renamed_guest_steps_aside_for_a_new_one(void **state)
{
    struct world *w = *state;
    struct fault f = {0};
    struct guest *old, *new;
    struct kit *k;

    assert_int_equal(
        life_create(w, life_configured(w, "on_crash='rename-restart'"), &f), 0);
    end_with(w, 1, SHUTDOWN_crash);
    assert_int_equal(hv_fake_nr_domains(), 2);
    old = registry_find(w->d.registry, "g-1", &f);
    assert_non_null(old);
    assert_int_equal(old->state, GUEST_PRESERVED);
    assert_int_equal(old->nr_disks, 0);
    assert_string_equal(xs_fake_get("/local/domain/1/name"), "g-1");
    new = registry_find(w->d.registry, "g", &f);
    assert_non_null(new);
    assert_int_equal(new->domid, 2);
    assert_int_equal(new->nr_disks, 1);
    assert_int_equal(life_backends, 1u << 2);
    registry_put(w->d.registry, new);
    look_after(w); /* it ended once: nothing more follows */
    assert_string_equal(old->name, "g-1");
    assert_int_equal(hv_fake_nr_domains(), 2);
    assert_int_equal(life_destroy(w), 0);
    k = kit_get(w->d.kits, &f);
    assert_int_equal(lifecycle_destroy(&w->d, k, old, true, &f), 0);
    kit_put(w->d.kits, k);
    registry_put(w->d.registry, old);
    assert_true(life_nothing_left(w));
}

static void test_guest_that_ends_at_once_is_not_started_for_ever(void **state)
{
    struct world *w = *state;
    struct fault f;
    const struct guest *g;
    unsigned ends = 0;

    assert_int_equal(
        life_create(w, life_configured(w, "on_crash='restart'"), &f), 0);
    g = registry_first(w->d.registry);
    for (; ends < 10 && g->state == GUEST_RUNNING; ends++)
        end_with(w, g->domid, SHUTDOWN_crash);
    assert_int_equal(ends, 6);
    assert_int_equal(g->state, GUEST_PRESERVED);
    assert_int_equal(life_destroy(w), 0);
    assert_true(life_nothing_left(w));
}

static void touch(struct world *w, const char *name)
{
    char path[200];
    FILE *f;

    mkdir(w->dumps, 0700);
    snprintf(path, sizeof(path), "%s/%s", w->dumps, name);
    f = fopen(path, "w");
    assert_non_null(f);
    fclose(f);
}

static bool is_there(struct world *w, const char *name)
{
    char path[200];

    snprintf(path, sizeof(path), "%s/%s", w->dumps, name);
    return !access(path, F_OK);
}

static void test_crashed_guest_leaves_a_dump_and_few_old_ones(void **state)
{
    struct world *w = *state;
    struct fault f;

    touch(w, "g-20200101-000002.core");
    touch(w, "g-20200101-000000.core");
    touch(w, "g-20200101-000001.core");
    touch(w, "g-a-20200101-000000.core"); /* another's */
    touch(w, "g-20200101-000000.coredump");
    assert_int_equal(
        life_create(w, life_configured(w, "on_crash='coredump-restart'"), &f),
        0);
    end_with(w, 1, SHUTDOWN_crash);
    assert_false(hv_fake_domain(2)->paused);
    assert_int_equal(life_files(w, "dumps"), 5);
    assert_false(is_there(w, "g-20200101-000000.core"));
    assert_true(is_there(w, "g-20200101-000001.core"));
    end_with(w, 2, SHUTDOWN_reboot);
    assert_int_equal(life_files(w, "dumps"), 5);
    assert_int_equal(life_destroy(w), 0);
}

static void test_dump_that_fails_keeps_no_guest_from_its_restart(void **state)
{
    struct world *w = *state;
    struct fault f;

    life_dump_rc = -ENOSPC;
    assert_int_equal(
        life_create(w, life_configured(w, "on_crash='coredump-restart'"), &f),
        0);
    end_with(w, 1, SHUTDOWN_crash);
    assert_false(hv_fake_domain(2)->paused);
    assert_int_equal(life_files(w, "dumps"), 0);
    assert_null(registry_first(w->d.registry)->busy);
    assert_int_equal(life_destroy(w), 0);
    assert_true(life_nothing_left(w));
}

/* Ended before its start was over, when nobody could look at it: it is noticed
 * right after, not when the timer looks the next time. */
static void test_end_during_the_start_is_noticed_at_once(void **state)
{
    struct world *w = *state;
    struct fault f;
    const struct guest *g;
    time_t began = time(NULL);

    hv_fake_set_crashing(true);
    assert_int_equal(
        life_create(w, life_configured(w, "on_crash='restart'"), &f), 0);
    g = registry_first(w->d.registry);
    looking_begins(w);
    while (g->state != GUEST_PRESERVED && time(NULL) < began + 5)
        event_base_loop(loop_base(w->d.loop), EVLOOP_NONBLOCK);
    looking_ends(w);
    assert_int_equal(g->state, GUEST_PRESERVED);
    assert_int_equal(g->domid, 6);
    assert_int_equal(life_destroy(w), 0);
    assert_true(life_nothing_left(w));
}

static void test_guest_destroyed_by_others_is_cleaned_up(void **state)
{
    struct world *w = *state;
    struct fault f;

    assert_int_equal(life_create(w, life_configured(w, ""), &f), 0);
    hv_fake_domain(1)->dying = true;
    end_with(w, 1, SHUTDOWN_crash);
    assert_null(registry_first(w->d.registry));
    assert_int_equal(xs_fake_count("/local/domain/1"), 0);
}

/* --- refusals and failures -------------------------------------------------*/

static void test_missing_bridge_is_refused(void **state)
{
    struct world *w = *state;
    struct fault f;

    life_have_bridge = false;
    assert_int_equal(life_create(w, life_configured(w, ""), &f), -ENODEV);
    assert_non_null(strstr(f.text, "xenbr0"));
    assert_true(life_nothing_left(w));
}

static void test_too_little_memory_is_refused(void **state)
{
    struct world *w = *state;
    struct fault f;

    assert_true(life_create(w, life_configured(w, "memory=900000"), &f) < 0);
    assert_string_equal(f.code, FAULT_MEMORY);
    assert_true(life_nothing_left(w));
}

static void test_missing_kernel_is_refused(void **state)
{
    struct world *w = *state;
    struct fault f;

    assert_true(life_create(w, life_configured(w, "kernel='/none'"), &f) < 0);
    assert_non_null(strstr(f.text, "/none"));
    assert_true(life_nothing_left(w));
}

static void test_backends_own_words_reach_the_user(void **state)
{
    struct world *w = *state;
    struct fault f;

    xs_fake_after = life_backends_fail;
    assert_true(life_create(w, life_configured(w, ""), &f) < 0);
    assert_non_null(strstr(f.text, "it is broken"));
    assert_true(life_nothing_left(w));
}

static void test_silent_backend_is_given_up(void **state)
{
    struct world *w = *state;
    struct fault f;

    xs_fake_after = NULL;
    assert_int_equal(life_create(w, life_configured(w, ""), &f), -ETIMEDOUT);
    assert_string_equal(f.code, FAULT_TIMEOUT);
    assert_true(life_nothing_left(w));
}

static void test_any_failing_call_leaves_nothing(void **state)
{
    static const char *const calls[] = {
        "hv_domain_create",
        "hv_domain_set_max_vcpus",
        "hv_domain_set_max_mem",
        "hv_memory_populate",
        "hv_mmuext_pin",
        "hv_vcpu_set_context",
        "hv_domain_alloc_port",
        "hv_domain_unpause",
        "fmem_map",
    };
    struct world *w = *state;
    struct fault f;
    size_t i;

    for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        hv_fake_fail(calls[i], 0, -EIO);
        if (!life_create(w, life_configured(w, ""), &f))
            fail_msg("%s failed, and the guest was created", calls[i]);
        if (!life_nothing_left(w))
            fail_msg("something is left after %s failed: %s", calls[i], f.text);
        hv_fake_fail(calls[i], 1000000, 0);
    }
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, life_setup, life_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_guest_runs_with_its_devices),
        TEST(test_restart_is_a_new_domain_of_the_same_guest),
        TEST(test_what_follows_an_end_is_the_configurations),
        TEST(test_powered_off_guest_is_destroyed),
        TEST(test_rebooted_guest_starts_again),
        TEST(test_preserved_guest_stays_as_it_ended),
        TEST(test_crashed_guest_leaves_a_dump_and_few_old_ones),
        TEST(test_dump_that_fails_keeps_no_guest_from_its_restart),
        TEST(test_renamed_guest_steps_aside_for_a_new_one),
        TEST(test_guest_that_ends_at_once_is_not_started_for_ever),
        TEST(test_end_during_the_start_is_noticed_at_once),
        TEST(test_guest_destroyed_by_others_is_cleaned_up),
        TEST(test_missing_bridge_is_refused),
        TEST(test_too_little_memory_is_refused),
        TEST(test_missing_kernel_is_refused),
        TEST(test_backends_own_words_reach_the_user),
        TEST(test_silent_backend_is_given_up),
        TEST(test_any_failing_call_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
