/*
 * Wherever pvnd is killed, the next one finds its guests, and of what was cut
 * off nothing is left half done.
 *
 * sources: $(life-world-src)
 * libs: -levent -ljansson -lz -llzma -lzstd -llz4 -lbz2 -llzo2 -lmd -lpthread
 */
#include "tests/unit/dom0/life-world.h"

#include "dom0/daemon/lifecycle.h"
#include "dom0/daemon/recover.h"
#include "dom0/libs/hypercall/hypercall-fake.h"
#include "tests/unit/xs-fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

/* --- killed at every step --------------------------------------------------*/

static jmp_buf killed;
static unsigned steps_left;

static void maybe_die(void)
{
    if (steps_left && --steps_left == 0)
        longjmp(killed, 1);
}

/* The rest of a test goes on in a child process: what a killed daemon leaves
 * in memory is no leak. 0: the child found everything in order. */
static int in_child(void (*run)(struct world *w), struct world *w)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        run(w);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

#define DONE 42 /* it ended before it was killed */

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "not so: %s\n", what);
    _exit(1);
}

static void next_pvnd(struct world *w)
{
    life_come_up(w);
    registry_load(w->d.registry);
    recover(&w->d);
}

static void succeed_again(struct world *w)
{
    xs_fake_step = NULL;
    xs_fake_disconnect();
    next_pvnd(w);
}

static unsigned die_at;

/* What the kernel does when a process dies: its lock on the disk ends. */
static void drop_locks(struct world *w)
{
    char path[64], target[256], disk[128];
    ssize_t n;
    int fd;

    snprintf(disk, sizeof(disk), "%s/disk", w->dir);
    for (fd = 3; fd < 256; fd++) {
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        n = readlink(path, target, sizeof(target) - 1);
        target[n > 0 ? n : 0] = 0;
        if (!strcmp(target, disk))
            close(fd);
    }
}

static void killed_in_create(struct world *w)
{
    struct fault f;

    steps_left = die_at;
    xs_fake_step = maybe_die;
    if (!setjmp(killed)) {
        check(life_create(w, life_configured(w, ""), &f) == 0, "create works");
        _exit(DONE);
    }

    drop_locks(w);
    succeed_again(w);
    check(life_nothing_left(w), "nothing is left of a create that was cut off");
    check(life_create(w, life_configured(w, ""), &f) == 0,
          "it can be created now");
}

static void killed_in_destroy(struct world *w)
{
    struct fault f;

    check(life_create(w, life_configured(w, ""), &f) == 0, "create works");
    steps_left = die_at;
    xs_fake_step = maybe_die;
    if (!setjmp(killed)) {
        check(life_destroy(w) == 0, "destroy works");
        _exit(DONE);
    }
    drop_locks(w);
    succeed_again(w);
    /* Killed before it began, the guest is simply there. */
    if (registry_first(w->d.registry)) {
        check(hv_fake_nr_domains() == 1 &&
                  xs_fake_get("/local/domain/1/name") != NULL,
              "the guest is whole");
        check(life_destroy(w) == 0, "it can be destroyed");
    }
    check(life_nothing_left(w),
          "nothing is left of a destroy that was cut off");
}

static void killed_in_restart(struct world *w)
{
    struct fault f = {0};
    struct guest *g;
    struct kit *k;

    check(life_create(w, life_configured(w, ""), &f) == 0, "create works");
    g = registry_find(w->d.registry, "g", &f);
    k = kit_get(w->d.kits, &f);
    steps_left = die_at;
    xs_fake_step = maybe_die;
    if (!setjmp(killed)) {
        check(lifecycle_restart(&w->d, k, g, &f) == 0, "restart works");
        _exit(DONE);
    }
    drop_locks(w);
    succeed_again(w);
    check(hv_fake_nr_domains() == 1, "there is one domain");
    g = registry_find(w->d.registry, "g", &f);
    check(g && g->state == GUEST_RUNNING && g->domid, "the guest runs");
    check(!hv_fake_domain(g->domid)->paused, "it is not paused");
    check(life_backends == 1u << g->domid, "with its one backend");
    check(life_files(w, "ops") == 0, "no operation is left");
    registry_put(w->d.registry, g);
    check(life_destroy(w) == 0, "it can be destroyed");
    check(life_nothing_left(w), "nothing is left then");
}

static void kill_everywhere(struct world *w, void (*run)(struct world *w),
                            unsigned at_least)
{
    int status = 0;
    char command[256];

    for (die_at = 1; status != DONE; die_at++) {
        status = in_child(run, w);
        if (status && status != DONE)
            fail_msg("killed at step %u: status %d", die_at, status);
        snprintf(command, sizeof(command), "rm -f %s/ops/* %s/domains/*",
                 w->dir, w->dir);
        assert_int_equal(system(command), 0);
    }
    assert_true(die_at > at_least);
}

static void test_killed_anywhere_in_create_nothing_is_left(void **state)
{
    kill_everywhere(*state, killed_in_create, 60);
}

static void test_killed_anywhere_in_destroy_it_is_finished(void **state)
{
    kill_everywhere(*state, killed_in_destroy, 5);
}

static void test_killed_anywhere_in_restart_it_is_finished(void **state)
{
    kill_everywhere(*state, killed_in_restart, 60);
}

/* --- adoption --------------------------------------------------------------*/

static void test_next_pvnd_finds_its_guests(void **state)
{
    struct world *w = *state;
    struct fault f = {0};
    struct guest *g;

    assert_int_equal(life_create(w, life_configured(w, ""), &f), 0);
    life_go_down(w);
    life_backends = 0;
    next_pvnd(w);
    g = registry_find(w->d.registry, "g", &f);
    assert_non_null(g);
    assert_int_equal(g->domid, 1);
    assert_true(g->disks[0].claim.fd >= 0);
    assert_int_equal(life_backends, 1u << 1);
    assert_int_equal(w->d.last_domid, 1);
    registry_put(w->d.registry, g);
    assert_int_equal(life_destroy(w), 0);
    assert_true(life_nothing_left(w));
}

static void test_guest_that_went_meanwhile_is_cleaned_up(void **state)
{
    struct world *w = *state;
    struct fault f = {0};
    struct hv *hv;

    assert_int_equal(life_create(w, life_configured(w, ""), &f), 0);
    life_go_down(w);
    hv_open(&hv);
    hv_domain_destroy(hv, 1);
    hv_close(hv);
    next_pvnd(w);
    assert_true(life_nothing_left(w));
}

/* A domain of another guest that has our old number by now is left alone. */
static void test_number_without_the_uuid_is_a_strangers(void **state)
{
    struct xen_domctl_createdomain what = {
        .max_vcpus = 1, .grant_opts = XEN_DOMCTL_GRANT_version(1)};
    struct world *w = *state;
    struct fault f = {0};
    uint32_t domid = 1;
    struct hv *hv;

    assert_int_equal(life_create(w, life_configured(w, ""), &f), 0);
    life_go_down(w);
    hv_open(&hv);
    hv_domain_destroy(hv, 1);
    memset(what.handle, 7, sizeof(what.handle));
    assert_int_equal(hv_domain_create(hv, &what, &domid), 0);
    xs_fake_put("/local/domain/1/name", "stranger");
    next_pvnd(w);
    assert_int_equal(hv_fake_nr_domains(), 1);
    assert_string_equal(xs_fake_get("/local/domain/1/name"), "stranger");
    assert_null(registry_first(w->d.registry));
    hv_domain_destroy(hv, 1);
    hv_close(hv);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, life_setup, life_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_killed_anywhere_in_create_nothing_is_left),
        TEST(test_killed_anywhere_in_destroy_it_is_finished),
        TEST(test_killed_anywhere_in_restart_it_is_finished),
        TEST(test_next_pvnd_finds_its_guests),
        TEST(test_guest_that_went_meanwhile_is_cleaned_up),
        TEST(test_number_without_the_uuid_is_a_strangers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
