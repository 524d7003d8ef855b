/*
 * Strings, numbers and sorting of hypervisor/lib. The functions of C have C's
 * contracts; they get other names here, so that the host's stay what they are.
 * sources: hypervisor/lib/number.c hypervisor/lib/sort.c
 */
#include "lib/lib.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#undef memcpy
#undef memmove
#undef memset
#define memcpy  our_memcpy
#define memmove our_memmove
#define memset  our_memset
#define memcmp  our_memcmp
#define strlen  our_strlen
#define strnlen our_strnlen
#define strcmp  our_strcmp
#define strncmp our_strncmp
#undef strchr
#define strchr our_strchr
#define strstr our_strstr
void *our_memcpy(void *dst, const void *src, size_t n);
void *our_memmove(void *dst, const void *src, size_t n);
void *our_memset(void *dst, int c, size_t n);
int our_memcmp(const void *a, const void *b, size_t n);
size_t our_strlen(const char *s);
size_t our_strnlen(const char *s, size_t max);
int our_strcmp(const char *a, const char *b);
int our_strncmp(const char *a, const char *b, size_t n);
char *our_strchr(const char *s, int c);
char *our_strstr(const char *s, const char *find);
#include "../../hypervisor/lib/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp

static void test_moves_are_right_at_any_overlap(void **state)
{
    unsigned char a[96], b[96];

    (void)state;
    for (size_t n = 0; n <= 40; n++)
        for (size_t from = 0; from <= 48; from += 3)
            for (size_t to = 0; to <= 48; to++) {
                for (size_t i = 0; i < sizeof(a); i++)
                    a[i] = b[i] = (unsigned char)(i * 7);
                memmove(a + to, a + from, n);
                our_memmove(b + to, b + from, n);
                assert_memory_equal(a, b, sizeof(a));
            }
}

static void test_copy_and_fill_touch_exactly_n_bytes(void **state)
{
    unsigned char src[80], dst[82];

    (void)state;
    for (size_t i = 0; i < sizeof(src); i++)
        src[i] = (unsigned char)(i + 1);
    for (size_t n = 0; n <= 80; n++) {
        memset(dst, 0xee, sizeof(dst));
        our_memcpy(dst + 1, src, n);
        assert_int_equal(dst[0], 0xee);
        assert_int_equal(dst[n + 1], 0xee);
        assert_memory_equal(dst + 1, src, n);
        assert_int_equal(our_memcmp(dst + 1, src, n), 0);
        our_memset(dst + 1, 0x55, n);
        assert_int_equal(dst[0], 0xee);
        assert_int_equal(dst[n + 1], 0xee);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(dst[1 + i], 0x55);
    }
}

static void test_comparisons_have_the_right_sign(void **state)
{
    (void)state;
    assert_true(our_memcmp("aaaaaaaab", "aaaaaaaac", 9) < 0);
    assert_true(our_memcmp("\xff", "\x01", 1) > 0);
    assert_int_equal(our_strcmp("", ""), 0);
    assert_true(our_strcmp("ab", "abc") < 0);
    assert_int_equal(our_strncmp("abx", "aby", 2), 0);
    assert_true(our_strncmp("abx", "aby", 3) < 0);
}

static void test_searches_find_the_first(void **state)
{
    const char *s = "a,b,c";

    (void)state;
    assert_ptr_equal(our_strchr(s, ','), s + 1);
    assert_ptr_equal(our_strchr(s, 0), s + 5);
    assert_null(our_strchr(s, 'z'));
    assert_ptr_equal(our_strstr(s, "b,"), s + 2);
    assert_ptr_equal(our_strstr(s, ""), s);
    assert_null(our_strstr(s, "cc"));
    assert_int_equal(our_strnlen("abc", 2), 2);
}

static void test_truncated_copy_is_terminated(void **state)
{
    char buf[4];

    (void)state;
    assert_int_equal(str_copy(buf, "abcdef", sizeof(buf)), 6);
    assert_string_equal(buf, "abc");
    assert_int_equal(str_copy(buf, "", sizeof(buf)), 0);
    assert_string_equal(buf, "");
}

static void test_numbers_follow_the_base_and_saturate(void **state)
{
    const char *end;

    (void)state;
    assert_int_equal(parse_u64("0x1fz", &end, 0), 0x1f);
    assert_int_equal(*end, 'z');
    assert_int_equal(parse_u64("017", NULL, 0), 15);
    assert_int_equal(parse_u64("19", NULL, 0), 19);
    assert_int_equal(parse_u64("ff", NULL, 16), 255);
    assert_true(parse_u64("18446744073709551615", NULL, 10) == UINT64_MAX);
    assert_true(parse_u64("99999999999999999999999", &end, 10) == UINT64_MAX);
    assert_int_equal(*end, 0);
    parse_u64("x", &end, 0);
    assert_int_equal(*end, 'x');
    assert_int_equal(parse_u64("0x", &end, 0), 0);
    assert_int_equal(*end, 'x');
}

static void test_sizes_count_kib_without_a_suffix(void **state)
{
    const char *end;

    (void)state;
    assert_int_equal(parse_size("512", &end), 512 << 10);
    assert_int_equal(parse_size("512b", &end), 512);
    assert_int_equal(parse_size("1536M,max", &end), 1536ull << 20);
    assert_int_equal(*end, ',');
    assert_true(parse_size("2G", &end) == 2ull << 30);
    assert_true(parse_size("99999999999T", &end) == UINT64_MAX);
    parse_size("M", &end);
    assert_int_equal(*end, 'M');
}

static int compare_int(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;

    return x < y ? -1 : x > y;
}

static void test_sort_orders_any_length(void **state)
{
    int ours[60], theirs[60];

    (void)state;
    srand(4);
    for (size_t n = 0; n <= 60; n++) {
        for (size_t i = 0; i < n; i++)
            ours[i] = theirs[i] = rand() % 40;
        sort_array(ours, n, sizeof(int), compare_int);
        qsort(theirs, n, sizeof(int), compare_int);
        assert_memory_equal(ours, theirs, n * sizeof(int));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moves_are_right_at_any_overlap),
        cmocka_unit_test(test_copy_and_fill_touch_exactly_n_bytes),
        cmocka_unit_test(test_comparisons_have_the_right_sign),
        cmocka_unit_test(test_searches_find_the_first),
        cmocka_unit_test(test_truncated_copy_is_terminated),
        cmocka_unit_test(test_numbers_follow_the_base_and_saturate),
        cmocka_unit_test(test_sizes_count_kib_without_a_suffix),
        cmocka_unit_test(test_sort_orders_any_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
