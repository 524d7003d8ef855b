#include "pv-frontends/core/text.h"

#include "pv-frontends/core/errors.h"
#include "pv-frontends/shim/shim.h"

#include <stdarg.h>

struct text text_in(char *buf, size_t size)
{
    buf[0] = 0;
    return (struct text){.buf = buf, .size = size};
}

static void put(struct text *t, char c)
{
    if (t->len + 1 >= t->size) {
        t->cut = true;
        return;
    }
    t->buf[t->len++] = c;
    t->buf[t->len] = 0;
}

void text_str(struct text *t, const char *s)
{
    while (*s)
        put(t, *s++);
}

static void put_number(struct text *t, uint64_t n, unsigned int base)
{
    char digits[24];
    unsigned int nr = 0;

    do {
        digits[nr++] = "0123456789abcdef"[n % base];
        n /= base;
    } while (n);
    while (nr)
        put(t, digits[--nr]);
}

void text_uint(struct text *t, uint64_t n)
{
    put_number(t, n, 10);
}

void text_hex(struct text *t, uint64_t n)
{
    put_number(t, n, 16);
}

bool text_join(char *buf, size_t size, const char *first, ...)
{
    struct text t = text_in(buf, size);
    va_list ap;

    va_start(ap, first);
    for (const char *s = first; s; s = va_arg(ap, const char *))
        text_str(&t, s);
    va_end(ap);
    return !t.cut;
}

int text_to_uint(const char *s, uint64_t *value)
{
    uint64_t n = 0;

    if (!*s)
        return -XEN_EINVAL;
    for (; *s; s++) {
        if (*s < '0' || *s > '9')
            return -XEN_EINVAL;
        if (__builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, (uint64_t)(*s - '0'), &n))
            return -XEN_EINVAL;
    }
    *value = n;
    return 0;
}

void log_words(const char *who, const char *what)
{
    char line[160];

    text_join(line, sizeof(line), who, ": ", what, NULL);
    shim_log(line);
}

void log_number(const char *who, const char *what, int64_t n)
{
    char line[160];
    struct text t = text_in(line, sizeof(line));

    text_str(&t, who);
    text_str(&t, ": ");
    text_str(&t, what);
    text_str(&t, n < 0 ? " -" : " ");
    text_uint(&t, n < 0 ? -(uint64_t)n : (uint64_t)n);
    shim_log(line);
}
