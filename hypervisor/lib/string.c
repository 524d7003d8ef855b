#include "lib/lib.h"

/*
 * The names in parentheses are functions whose macros (lib.h) step aside. The
 * loops go through volatile accesses, because a compiler that recognises
 * the idiom would turn memcpy() into a call of memcpy().
 */
typedef uint64_t word __attribute__((may_alias, aligned(1)));
typedef uint8_t byte __attribute__((may_alias));

/* From here on a CPU's own copying is quicker than a loop. */
#define LONG 256

/* Whole words, upwards; the number of bytes done. */
static size_t copy_words(volatile void *dst, const volatile void *src, size_t n)
{
    size_t words = n / 8;

    __asm__ volatile("rep movsq"
                     : "+D"(dst), "+S"(src), "+c"(words)
                     :
                     : "memory");
    return n & ~(size_t)7;
}

static size_t fill_words(volatile void *dst, uint64_t fill, size_t n)
{
    size_t words = n / 8;

    __asm__ volatile("rep stosq"
                     : "+D"(dst), "+c"(words)
                     : "a"(fill)
                     : "memory");
    return n & ~(size_t)7;
}

void *(memcpy)(void *dst, const void *src, size_t n)
{
    volatile byte *d = dst;
    const volatile byte *s = src;

    if (n >= LONG) {
        size_t done = copy_words(d, s, n);

        n -= done, d += done, s += done;
    }
    for (; n >= 32; n -= 32, d += 32, s += 32) {
        uint64_t a = ((const volatile word *)s)[0];
        uint64_t b = ((const volatile word *)s)[1];
        uint64_t c = ((const volatile word *)s)[2];
        uint64_t e = ((const volatile word *)s)[3];

        ((volatile word *)d)[0] = a;
        ((volatile word *)d)[1] = b;
        ((volatile word *)d)[2] = c;
        ((volatile word *)d)[3] = e;
    }
    for (; n >= 8; n -= 8, d += 8, s += 8)
        *(volatile word *)d = *(const volatile word *)s;
    while (n--)
        *d++ = *s++;
    return dst;
}

void *(memmove)(void *dst, const void *src, size_t n)
{
    volatile byte *d = dst;
    const volatile byte *s = src;

    /* memcpy() reads each block before it writes it and goes upwards. */
    if ((uintptr_t)dst - (uintptr_t)src >= n)
        return memcpy(dst, src, n);
    while (n && n % 8) {
        n--;
        d[n] = s[n];
    }
    while (n) {
        n -= 8;
        *(volatile word *)(d + n) = *(const volatile word *)(s + n);
    }
    return dst;
}

void *(memset)(void *dst, int c, size_t n)
{
    volatile byte *d = dst;
    uint64_t fill = (uint8_t)c * 0x0101010101010101ull;

    if (n >= LONG) {
        size_t done = fill_words(d, fill, n);

        n -= done, d += done;
    }
    for (; n >= 32; n -= 32, d += 32) {
        ((volatile word *)d)[0] = fill;
        ((volatile word *)d)[1] = fill;
        ((volatile word *)d)[2] = fill;
        ((volatile word *)d)[3] = fill;
    }
    while (n--)
        *d++ = (uint8_t)c;
    return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const byte *x = a, *y = b;

    for (; n >= 8 && *(const word *)x == *(const word *)y; n -= 8)
        x += 8, y += 8;
    for (; n; n--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

size_t strlen(const char *s)
{
    const char *p = s;

    while (READ_ONCE(*p))
        p++;
    return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t max)
{
    size_t n = 0;

    while (n < max && s[n])
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    for (; *a && *a == *b; a++)
        b++;
    return (uint8_t)*a - (uint8_t)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n && *a && *a == *b; a++, n--)
        b++;
    return n ? (uint8_t)*a - (uint8_t)*b : 0;
}

char *strchr(const char *s, int c)
{
    for (; *s != (char)c; s++)
        if (!*s)
            return NULL;
    return (char *)(uintptr_t)s;
}

char *strstr(const char *s, const char *find)
{
    size_t n = strlen(find);

    for (;; s++) {
        if (!strncmp(s, find, n))
            return (char *)(uintptr_t)s;
        if (!*s)
            return NULL;
    }
}

size_t str_copy(char *dst, const char *src, size_t size)
{
    size_t n = strlen(src);

    if (size) {
        size_t take = MIN(n, size - 1);

        memcpy(dst, src, take);
        dst[take] = 0;
    }
    return n;
}
