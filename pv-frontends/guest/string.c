/* The five functions of C, and the two more that compilers may call. */
#include "pv-frontends/core/libc.h"

void *memmove(void *to, const void *from, size_t size);

void *memcpy(void *to, const void *from, size_t size)
{
    void *ret = to;
    size_t words = size / 8, rest = size % 8;

    /* By words: byte by byte is slow where it is emulated. */
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words)::"memory");
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(rest)::"memory");
    return ret;
}

void *memmove(void *to, const void *from, size_t size)
{
    uint8_t *t = to;
    const uint8_t *f = from;

    if (t <= f)
        return memcpy(to, from, size);
    while (size--)
        t[size] = f[size];
    return to;
}

void *memset(void *to, int c, size_t size)
{
    void *ret = to;
    size_t words = size / 8, rest = size % 8;
    uint64_t value = (uint8_t)c * 0x0101010101010101ul;

    __asm__ volatile("rep stosq"
                     : "+D"(to), "+c"(words)
                     : "a"(value)
                     : "memory");
    __asm__ volatile("rep stosb"
                     : "+D"(to), "+c"(rest)
                     : "a"(value)
                     : "memory");
    return ret;
}

/* A word anywhere, of any type. */
typedef uint64_t word_t __attribute__((aligned(1), may_alias));

int memcmp(const void *a, const void *b, size_t size)
{
    const uint8_t *x = a, *y = b;

    while (size >= 8 && *(const word_t *)x == *(const word_t *)y)
        x += 8, y += 8, size -= 8;
    for (; size; size--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

size_t strlen(const char *s)
{
    size_t n = 0;

    while (s[n])
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (uint8_t)*a - (uint8_t)*b;
}
