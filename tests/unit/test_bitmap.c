/*
 * Bit arrays (hypervisor/lib/bitmap.h): searches stop at the given length,
 * whatever lies behind it. sources: hypervisor/lib/bitmap.c
 */
#include "lib/bitmap.h"

#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_find_returns_length_when_there_is_none(void **state)
{
    uint64_t map[2] = {0, 1ull << 6}; /* bit 70, beyond the 70 that count */

    (void)state;
    assert_int_equal(bitmap_find_set(map, 70, 0), 70);
    assert_int_equal(bitmap_find_set(map, 71, 0), 70);
    assert_int_equal(bitmap_find_set(map, 70, 70), 70);
    assert_int_equal(bitmap_find_set(map, 0, 0), 0);
    map[0] = map[1] = ~0ull;
    assert_int_equal(bitmap_find_clear(map, 70, 0), 70);
}

static void test_find_agrees_with_a_simple_search(void **state)
{
    uint64_t map[3];

    (void)state;
    srand(1);
    for (int round = 0; round < 200; round++) {
        size_t nr = (size_t)rand() % 193;

        for (int w = 0; w < 3; w++)
            map[w] = (uint64_t)rand() << 40 & (uint64_t)rand() << 8;
        for (size_t from = 0; from <= nr; from++) {
            size_t set = from, clear = from;

            while (set < nr && !bit_test(map, set))
                set++;
            while (clear < nr && bit_test(map, clear))
                clear++;
            assert_int_equal(bitmap_find_set(map, nr, from), set);
            assert_int_equal(bitmap_find_clear(map, nr, from), clear);
        }
    }
}

static void test_weight_counts_only_what_belongs(void **state)
{
    uint64_t map[2] = {~0ull, ~0ull};

    (void)state;
    assert_int_equal(bitmap_weight(map, 0), 0);
    assert_int_equal(bitmap_weight(map, 1), 1);
    assert_int_equal(bitmap_weight(map, 64), 64);
    assert_int_equal(bitmap_weight(map, 100), 100);
}

static void test_atomic_updates_tell_the_old_value(void **state)
{
    uint64_t map[2] = {0, 0};

    (void)state;
    assert_false(bit_test_and_set(map, 65));
    assert_true(bit_test_and_set(map, 65));
    assert_true(bit_test(map, 65));
    assert_true(bit_test_and_clear(map, 65));
    assert_false(bit_test_and_clear(map, 65));
}

static void test_cpus_are_visited_in_order_once(void **state)
{
    cpumask_t mask = CPUMASK_OF(0) | CPUMASK_OF(5) | CPUMASK_OF(63), seen = 0;
    size_t last = 0;

    (void)state;
    cpumask_for_each(cpu, mask)
    {
        assert_true(!seen || cpu > last);
        last = cpu;
        seen |= CPUMASK_OF(cpu);
    }
    assert_true(seen == mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find_returns_length_when_there_is_none),
        cmocka_unit_test(test_find_agrees_with_a_simple_search),
        cmocka_unit_test(test_weight_counts_only_what_belongs),
        cmocka_unit_test(test_atomic_updates_tell_the_old_value),
        cmocka_unit_test(test_cpus_are_visited_in_order_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
