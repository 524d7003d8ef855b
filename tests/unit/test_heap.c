/*
 * The heap (hypervisor/lib/heap.h) gives the smallest key first, lets any item
 * leave, and knows who is in it. sources: hypervisor/lib/heap.c
 */
#include "lib/heap.h"

#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

static bool out_of_memory;

void *mem_alloc(size_t size)
{
    return out_of_memory ? NULL : calloc(1, size);
}

void mem_free(void *p)
{
    free(p);
}

#define N 500

static void test_items_leave_in_order_of_key(void **state)
{
    static struct heap_item item[N];
    struct heap h = {0};
    uint64_t last = 0;

    (void)state;
    srand(2);
    for (int i = 0; i < N; i++) {
        item[i].key = (uint64_t)rand() % 100;
        assert_int_equal(heap_insert(&h, &item[i]), 0);
    }
    for (int i = 0; i < N; i++) {
        struct heap_item *first = heap_first(&h);

        assert_true(first->key >= last);
        last = first->key;
        heap_remove(&h, first);
        assert_int_equal(first->pos, 0);
    }
    assert_null(heap_first(&h));
    free(h.items);
}

static void test_any_item_may_leave_and_order_stays(void **state)
{
    static struct heap_item item[N];
    struct heap h = {0};

    (void)state;
    srand(3);
    for (int round = 0; round < 20000; round++) {
        struct heap_item *it = &item[rand() % N];
        uint64_t least = UINT64_MAX;

        if (it->pos) {
            heap_remove(&h, it);
        } else {
            it->key = (uint64_t)rand();
            assert_int_equal(heap_insert(&h, it), 0);
        }
        if (round % 100)
            continue;
        for (int i = 0; i < N; i++)
            if (item[i].pos)
                least = MIN(least, item[i].key);
        assert_true(!h.nr || heap_first(&h)->key == least);
    }
    free(h.items);
}

static void test_removing_an_absent_item_changes_nothing(void **state)
{
    struct heap_item in = {.key = 1}, out = {.key = 0};
    struct heap h = {0};

    (void)state;
    assert_int_equal(heap_insert(&h, &in), 0);
    heap_remove(&h, &out);
    assert_ptr_equal(heap_first(&h), &in);
    assert_int_equal(h.nr, 1);
    free(h.items);
}

static void test_no_memory_leaves_the_heap_as_it_was(void **state)
{
    static struct heap_item item[17];
    struct heap h = {0};

    (void)state;
    for (int i = 0; i < 16; i++)
        assert_int_equal(heap_insert(&h, &item[i]), 0);
    out_of_memory = true;
    assert_int_equal(heap_insert(&h, &item[16]), -ENOMEM);
    out_of_memory = false;
    assert_int_equal(h.nr, 16);
    assert_int_equal(item[16].pos, 0);
    free(h.items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_items_leave_in_order_of_key),
        cmocka_unit_test(test_any_item_may_leave_and_order_stays),
        cmocka_unit_test(test_removing_an_absent_item_changes_nothing),
        cmocka_unit_test(test_no_memory_leaves_the_heap_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
