/*
 * The file of a card's answers: a successor finds the predecessor's notes, of
 * the same rings only, and believes a ring's index within reason.
 *
 * sources: pv-backends/net/netjournal.c
 */
#include "pv-backends/net/netjournal.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static char path[64];

static int setup(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "/tmp/netjournal-%d", getpid());
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

static struct netjournal *open_one(uint64_t connection, bool adopt)
{
    struct netjournal *j;

    assert_int_equal(netjournal_open(&j, path, connection, adopt), 0);
    return j;
}

static void test_notes_outlive_their_writer(void **state)
{
    struct netjournal *j = open_one(7, false);

    (void)state;
    netjournal_note(&j->tx, 100);
    netjournal_at(&j->tx, 100)->tx.id = 42;
    netjournal_note(&j->tx, 101);
    netjournal_close(j, path, false);
    j = open_one(7, true);
    assert_int_equal(netjournal_unpublished(&j->tx, 100), 1);
    assert_int_equal(netjournal_unpublished(&j->tx, 101), 0);
    assert_int_equal(netjournal_at(&j->tx, 100)->tx.id, 42);
    netjournal_close(j, path, true);
    assert_int_equal(access(path, F_OK), -1);
}

static void test_other_rings_and_new_ones_begin_anew(void **state)
{
    struct netjournal *j = open_one(7, false);

    (void)state;
    netjournal_note(&j->rx, 5);
    netjournal_close(j, path, false);
    j = open_one(8, true);
    assert_int_equal(netjournal_unpublished(&j->rx, 0), 0);
    netjournal_close(j, path, false);
    j = open_one(8, false);
    netjournal_note(&j->rx, 5);
    netjournal_close(j, path, false);
    j = open_one(8, false); /* a fresh connection with the same numbers */
    assert_int_equal(netjournal_unpublished(&j->rx, 0), 0);
    netjournal_close(j, path, true);
}

/* Nothing noted: no index of the guest's makes answers of nothing. */
static void test_impossible_indices(void **state)
{
    struct netjournal *j = open_one(7, false);

    (void)state;
    assert_int_equal(netjournal_unpublished(&j->tx, UINT32_MAX - 10), 0);
    netjournal_note(&j->tx, 3);
    assert_int_equal(netjournal_unpublished(&j->tx, UINT32_MAX - 10), 14);
    assert_int_equal(netjournal_unpublished(&j->tx, 4), 0);
    assert_int_equal(netjournal_unpublished(&j->tx, 3 - 257), 0);
    netjournal_close(j, path, true);
}

static void test_file_of_another_size(void **state)
{
    struct netjournal *j = open_one(7, false);

    (void)state;
    netjournal_close(j, path, false);
    assert_int_equal(truncate(path, 100), 0);
    j = open_one(7, true);
    assert_int_equal(netjournal_unpublished(&j->tx, 0), 0);
    netjournal_close(j, path, true);
}

#define FILE_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(test_notes_outlive_their_writer),
        FILE_TEST(test_other_rings_and_new_ones_begin_anew),
        FILE_TEST(test_impossible_indices),
        FILE_TEST(test_file_of_another_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
