/*
 * Daemons are kept running: started, started again when they end, found again
 * by a supervisor that comes after, and ended when asked.
 *
 * sources: dom0/daemon/supervise.c dom0/daemon/log.c
 * libs: -levent -ljansson -lpthread
 */
#include "dom0/daemon/supervise.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct world {
    struct event_base *base;
    struct supervisor *s;
    char dir[64];
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    strcpy(w->dir, "/tmp/pv-supervise-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    w->base = event_base_new();
    assert_int_equal(supervisor_create(&w->s, w->base, w->dir), 0);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    supervisor_destroy(w->s);
    event_base_free(w->base);
    /* Every record is gone when every child was stopped. */
    assert_int_equal(rmdir(w->dir), 0);
    free(w);
    return 0;
}

static void run_ms(struct world *w, int ms)
{
    struct timeval tv = {ms / 1000, (ms % 1000) * 1000};

    event_base_loopexit(w->base, &tv);
    event_base_dispatch(w->base);
}

static void set_true(void *arg)
{
    *(bool *)arg = true;
}

static void stop(struct world *w, const char *name)
{
    bool gone = false;
    int i;

    supervisor_stop(w->s, name, 1000, set_true, &gone);
    for (i = 0; i < 100 && !gone; i++)
        run_ms(w, 20);
    assert_true(gone);
}

static const char *const sleeper[] = {"/bin/sleep", "100", NULL};

static void test_child_runs_and_is_stopped(void **state)
{
    struct world *w = *state;
    pid_t pid;

    assert_int_equal(supervisor_keep(w->s, "a", sleeper), 0);
    assert_int_equal(supervisor_keep(w->s, "a", sleeper), -EEXIST);
    pid = supervisor_pid(w->s, "a");
    assert_true(pid > 0);
    run_ms(w, 50);
    assert_int_equal(kill(pid, 0), 0);
    stop(w, "a");
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(supervisor_pid(w->s, "a"), 0);
}

static void test_killed_child_is_started_again(void **state)
{
    struct world *w = *state;
    pid_t first, second;

    supervisor_keep(w->s, "a", sleeper);
    first = supervisor_pid(w->s, "a");
    run_ms(w, 50);
    kill(first, SIGKILL);
    run_ms(w, 100);
    second = supervisor_pid(w->s, "a");
    assert_true(second > 0);
    assert_int_not_equal(first, second);
    stop(w, "a");
}

static void test_failing_child_is_started_less_and_less_often(void **state)
{
    static const char *const no[] = {"/bin/false", NULL};
    struct world *w = *state;
    json_t *list;
    json_int_t restarts;

    supervisor_keep(w->s, "a", no);
    run_ms(w, 1000);
    list = supervisor_list(w->s);
    restarts = json_integer_value(
        json_object_get(json_array_get(list, 0), "restarts"));
    json_decref(list);
    /* at 0, 100, 300, 700 ms, however slow the host is */
    assert_in_range(restarts, 2, 5);
    stop(w, "a");
}

static void test_deaf_child_is_killed(void **state)
{
    static const char *const deaf[] = {
        "/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done", NULL};
    struct world *w = *state;
    bool gone = false;
    int i;

    supervisor_keep(w->s, "a", deaf);
    run_ms(w, 200);
    supervisor_stop(w->s, "a", 200, set_true, &gone);
    run_ms(w, 100);
    assert_false(gone);
    for (i = 0; i < 100 && !gone; i++)
        run_ms(w, 20);
    assert_true(gone);
}

/* pvnd dies with its memory; the next finds the records. */
static void test_child_outlives_us_and_is_adopted(void **state)
{
    struct world *w = *state;
    pid_t pid;

    supervisor_keep(w->s, "a", sleeper);
    pid = supervisor_pid(w->s, "a");
    run_ms(w, 100);
    supervisor_destroy(w->s);
    assert_int_equal(supervisor_create(&w->s, w->base, w->dir), 0);
    assert_int_equal(supervisor_keep(w->s, "a", sleeper), 0);
    assert_int_equal(supervisor_pid(w->s, "a"), pid);
    kill(pid, SIGKILL);
    run_ms(w, 100);
    assert_true(supervisor_pid(w->s, "a") > 0);
    assert_int_not_equal(supervisor_pid(w->s, "a"), pid);
    stop(w, "a");
}

/* The number of a dead child may belong to anybody. */
static void test_stranger_with_its_number_is_not_adopted(void **state)
{
    struct world *w = *state;
    char path[128];
    FILE *f;

    snprintf(path, sizeof(path), "%s/a", w->dir);
    f = fopen(path, "w");
    fprintf(f, "%d 12345\n", (int)getpid());
    fclose(f);
    supervisor_keep(w->s, "a", sleeper);
    assert_int_not_equal(supervisor_pid(w->s, "a"), getpid());
    run_ms(w, 50);
    stop(w, "a");
}

static void found(void *ctx, const char *name)
{
    strcat(ctx, name);
}

static void test_orphans_are_found_and_ended(void **state)
{
    struct world *w = *state;
    char names[64] = "";
    pid_t pid;
    int i;

    supervisor_keep(w->s, "old", sleeper);
    pid = supervisor_pid(w->s, "old");
    run_ms(w, 100);
    supervisor_destroy(w->s);
    supervisor_create(&w->s, w->base, w->dir);
    supervisor_each_orphan(w->s, found, names);
    assert_string_equal(names, "old");
    stop(w, "old");
    for (i = 0; i < 100 && waitpid(pid, NULL, WNOHANG) == 0; i++)
        usleep(10000);
    assert_int_equal(kill(pid, 0), -1);
}

static void test_program_that_is_not_there_is_no_disaster(void **state)
{
    static const char *const none[] = {"/does/not/exist", NULL};
    struct world *w = *state;

    assert_int_equal(supervisor_keep(w->s, "a", none), 0);
    run_ms(w, 200);
    stop(w, "a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_child_runs_and_is_stopped, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_killed_child_is_started_again,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_failing_child_is_started_less_and_less_often, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deaf_child_is_killed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_child_outlives_us_and_is_adopted,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_stranger_with_its_number_is_not_adopted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_orphans_are_found_and_ended, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            test_program_that_is_not_there_is_no_disaster, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
